/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The governor holds CPU quotas where no cpu controller does: bpf/governor.bpf.c takes what a task
 * runs from its budget and tells when nothing is left; a thread of the agent then freezes the
 * task's cgroup and thaws it when the next periods have paid the debt. A quota, a period and a
 * burst mean what they mean in cpu.max.
 *
 * Who is frozen is written down in a pinned map before it is done, and so are the quotas. When the
 * agent is gone, however it ended, a guard process holds them in its place until the next agent is
 * there. Where that is killed too, `dcos-agent --thaw` lets everybody run.
 */
#ifndef DCOS_GOVERNOR_H
#define DCOS_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/lib/why.h"
#include "bpf/abi.h"
#include "isolators/isolator.h"

struct governor;
struct meter;

#define GOVERNOR_PRIORITY 10 /* of SCHED_FIFO: above nothing but what has none */

/**
 * governor_open - make ready; nothing is attached before the first task is governed
 * @m: lives longer than the governor
 * @cgroup_fd: any directory of the cgroup2 file system, for the guard; lives as long
 * @why: on failure what is missing
 * Takes over from the guard of an agent before, debts included. Starts a thread and a guard.
 * Return: 0; -EOPNOTSUPP the kernel refused the program; other -errno.
 */
int governor_open(struct meter *m, int cgroup_fd, struct governor **ret, struct why *why);

/**
 * governor_close - stop the thread; NULL is allowed
 * Who is governed then is thawed, and governed again by the guard once this process has ended.
 * Where nobody is, the guard ends here.
 */
void governor_close(struct governor *g);

/**
 * governor_dismiss - nobody shall govern: end the guard of an agent before, and thaw
 * For an agent that needs no governor. Return: 0; -EOPNOTSUPP the kernel has none; other -errno.
 */
int governor_dismiss(struct meter *m, int cgroup_fd);

/** governor_iso - what the isolators need; lives as long as @g */
const struct iso_governor *governor_iso(struct governor *g);

/** governor_rt - whether its thread runs at a real-time priority; else @why says why not */
bool governor_rt(const struct governor *g, struct why *why);

/**
 * governor_check - what the agent's own loop looks after
 * Thaws a task that has been frozen for too long because the thread hangs (which is counted and
 * logged), and starts the guard again if it has ended.
 */
void governor_check(struct governor *g);

/** All only grow. */
struct governor_stats {
	uint64_t freezes, late_thaws; /* late: by governor_check() */
	uint64_t failed; /* freezes and thaws that the kernel refused */
	__u64 delay_hist_us[DCOS_HIST]; /* from the last booking to the end of the freeze */
};
void governor_stats(const struct governor *g, struct governor_stats *ret);

/**
 * governor_thaw - thaw every cgroup that a governor has marked as frozen
 * @budgets_fd: the pinned map
 * @cgroup_fd: any directory of the cgroup2 file system
 * Async-signal-safe. Return: how many, or -errno.
 */
int governor_thaw(int budgets_fd, int cgroup_fd);

/**
 * governor_thaw_pins - the same for the map below a pin directory
 * @pin_dir: as given to meter_open()
 * Return: how many, 0 also if nothing is pinned there; -errno with @why.
 */
int governor_thaw_pins(const char *pin_dir, int cgroup_fd, struct why *why);

#endif
