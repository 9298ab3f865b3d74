/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who governs while no agent runs; only for agent/governor*.c. Slot 0 of the budgets, which no task
 * has, says who is in charge: its owner is the number of the latest governor, which each one
 * raises; it is marked as frozen while a deputy governs.
 */
#ifndef DCOS_GOVERNOR_DEPUTY_H
#define DCOS_GOVERNOR_DEPUTY_H

#include <stdint.h>

#include "bpf/abi.h"

struct deputy {
	int budgets_fd; /* the pinned map */
	int cgroup_fd; /* any directory of the cgroup2 file system */
	int prog_fd; /* governor_charge */
	uint64_t governor; /* number of the one that it stands in for */
	const char *pin; /* of the budgets: when it is gone, so is whoever would need them */
};

/**
 * deputy_run - hold the quotas that the budgets say until a new governor is there
 * It looks every few milliseconds where the governor is told, so a task runs on that much longer,
 * and pays for it in the periods that follow. Ends when the tasks have. Who is frozen then stays
 * so only if a new governor is there, which thaws. Async-signal-safe.
 */
void deputy_run(const struct deputy *d);

/**
 * deputy_relieve - become the governor: a deputy leaves
 * @budgets: mapped
 * Waits for that, a fifth of a second at most: it may have been killed.
 * Return: this governor's number.
 */
uint64_t deputy_relieve(struct dcos_budget *budgets);

/**
 * budget_refill - pay @periods; who used little keeps at most its burst beyond one quota
 * Return: what is left, at most 0: nothing.
 */
int64_t budget_refill(struct dcos_budget *b, uint64_t periods);

#endif
