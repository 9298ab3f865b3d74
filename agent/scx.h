/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler of bpf/scx.bpf.c, from the agent's side: load, pin, take over, notice its end. It
 * has the threads of containers and holds them to the quotas and weights of their cgroups, which
 * the kernel tells it when they change. All of it is pinned: no agent needs to run for a quota to
 * hold. Quotas stand in cpu.max too, so where the kernel ejects the scheduler (a stalled thread, an
 * error, SysRq-S) the default one holds them from that moment on.
 */
#ifndef DCOS_SCX_H
#define DCOS_SCX_H

#include <stdbool.h>

#include "agent/lib/why.h"
#include "isolators/isolator.h"

struct meter;
struct scx;

/* Names of its pins, NULL-terminated. */
extern const char *const scx_pins[];

/**
 * scx_open - take the pinned scheduler over, or start one
 * @m: lives longer
 * @why: what is missing; or that there is another sched_ext scheduler on this host
 * A pinned one of another build is replaced; its threads are the default scheduler's meanwhile.
 * Return: 0; -EOPNOTSUPP, -EBUSY, other -errno.
 */
int scx_open(struct meter *m, struct scx **ret, struct why *why);

/** scx_close - let go of it; it goes on. NULL is allowed */
void scx_close(struct scx *s);

/**
 * scx_dismiss - nobody shall schedule: remove what an agent before has pinned
 * Its threads are the default scheduler's from then on. Return: 0 or -errno.
 */
int scx_dismiss(struct meter *m);

/** scx_iso - what the isolators need; lives as long as @s */
const struct iso_scx *scx_iso(struct scx *s);

/**
 * scx_runs - whether the scheduler has not been ejected
 * @why: else set to the kernel's reason
 * Costs no system call.
 */
bool scx_runs(const struct scx *s, struct why *why);

#endif
