// SPDX-License-Identifier: Apache-2.0
/*
 * The isolators, in the order in which a container is built; it is undone backwards.
 * The order is policy: the cgroup first, since clone3 needs it; limits and the device program
 * before any process is in it, of the limits those last that an update may not be able to take back
 * (RLIMIT_NPROC without CAP_SYS_RESOURCE, a kill by less memory); namespaces before what is set up
 * inside them; the root before the paths in it; credentials when nothing needs privileges any more;
 * the filter last of all.
 */
#include "isolators/rows.h"

/* clang-format off */
const struct isolator *const iso_table[] = {
	&cgroup_isolator,
	&meter_isolator,
	&cpu_isolator,
	&io_isolator,
	&netquota_isolator,
	&forkrate_isolator,
	&pids_isolator,
	&memory_isolator,
	&resources_isolator,
	&devices_isolator,
	&guard_isolator,
	&namespaces_isolator,
	&net_isolator,
	&nat_isolator,
	&publish_isolator,
	&netdevs_isolator,
	&rootfs_isolator,
	&bundle_isolator,
	&net_files_isolator,
	&paths_isolator,
	&process_isolator,
	&rlimits_isolator,
	&credentials_isolator,
	&hooks_isolator,
	&seccomp_isolator,
	NULL,
};
/* clang-format on */
