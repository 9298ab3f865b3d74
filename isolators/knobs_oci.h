/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCOS_KNOBS_OCI_H
#define DCOS_KNOBS_OCI_H

#include "isolators/oci.h"

#define OCI_WEIGHT_DEFAULT "39" /* cpu.weight of cpu.shares=1024 */

/**
 * oci_knobs_write - write files of a cgroup, in their order
 * @cgroup_fd: its directory
 * @why: names the file, the value and the reason
 * Return: 0; -ENOENT the host has no such file; the -errno of the first that failed.
 */
int oci_knobs_write(int cgroup_fd, const struct oci_pairs *knobs, struct why *why);

#endif
