/* SPDX-License-Identifier: Apache-2.0 */
/* The process that thaws when the agent has died; only for agent/governor*.c. */
#ifndef DCOS_GOVERNOR_GUARD_H
#define DCOS_GOVERNOR_GUARD_H

#include <stdbool.h>

/**
 * guard_start - fork the guard
 * @budgets_fd: the pinned map
 * @cgroup_fd: any directory of the cgroup2 file system
 * @ret_pidfd: owned by the caller
 */
int guard_start(int budgets_fd, int cgroup_fd, int *ret_pidfd);

/** guard_ended - has it ended; it is reaped then */
bool guard_ended(int pidfd);

/** guard_stop - kill and reap it */
void guard_stop(int pidfd);

#endif
