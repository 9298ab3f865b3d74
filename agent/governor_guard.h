/* SPDX-License-Identifier: Apache-2.0 */
/* The process that takes over when the agent has gone; only for agent/governor*.c. */
#ifndef DCOS_GOVERNOR_GUARD_H
#define DCOS_GOVERNOR_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/governor_deputy.h"

/**
 * guard_start - fork the guard
 * @d: what it needs when the agent has gone
 * @ret_pidfd: owned by the caller
 */
int guard_start(const struct deputy *d, int *ret_pidfd);

/**
 * freeze_by_id - write to cgroup.freeze of the cgroup with an id
 * @cgroup_fd: any directory of the cgroup2 file system
 * @text: "1" or "0"
 * Async-signal-safe. Return: 0 or -errno; -ESTALE, -ENOENT, -ENODEV: it is gone.
 */
int freeze_by_id(int cgroup_fd, uint64_t id, const char *text);

/** guard_ended - has it ended; it is reaped then */
bool guard_ended(int pidfd);

/** guard_stop - kill and reap it */
void guard_stop(int pidfd);

#endif
