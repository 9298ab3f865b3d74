/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds the CPU quota of a task, and its memory, and why it is that one. */
#ifndef DCOS_ENFORCER_H
#define DCOS_ENFORCER_H

#include "agent/lib/why.h"

struct task;

struct enforcer {
	const char *name; /* NULL: the task does not run */
	char why[WHY_MAX + 64];
};

/** enforcer_of - who holds the quota of a task now, or would if it had one: cfs, governor, scx, none */
void enforcer_of(const struct task *t, struct enforcer *ret);

/** enforcer_of_memory - the same for its memory: controller, meter, none */
void enforcer_of_memory(const struct task *t, struct enforcer *ret);

#endif
