/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of iso_table[], in its order; each is explained at the head of its own file. */
#ifndef DCOS_ISOLATOR_ROWS_H
#define DCOS_ISOLATOR_ROWS_H

#include "isolators/isolator.h"

extern const struct isolator cgroup_isolator;
extern const struct isolator meter_isolator;
extern const struct isolator cpu_isolator;
extern const struct isolator memory_isolator;
extern const struct isolator pids_isolator;
extern const struct isolator io_isolator;
extern const struct isolator forkrate_isolator;
extern const struct isolator devices_isolator;
extern const struct isolator guard_isolator;
extern const struct isolator netquota_isolator;
extern const struct isolator credentials_isolator;
extern const struct isolator seccomp_isolator;
extern const struct isolator namespaces_isolator;
extern const struct isolator net_isolator;
extern const struct isolator netdevs_isolator;
extern const struct isolator nat_isolator;
extern const struct isolator publish_isolator;
extern const struct isolator net_files_isolator;
extern const struct isolator rootfs_isolator;
extern const struct isolator paths_isolator;
extern const struct isolator rlimits_isolator;
extern const struct isolator resources_isolator;
extern const struct isolator bundle_isolator;
extern const struct isolator process_isolator;
extern const struct isolator hooks_isolator;

#endif
