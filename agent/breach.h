/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breaches of limits and guards, as events with evidence. Counters are compared at each reading of
 * the meters. While a breach goes on, its events come ever more rarely: after BREACH_PAUSE_MIN_NS,
 * then after twice as long each time; each tells how much has come together since the last one, and
 * the task's end ends the pause.
 */
#ifndef DCOS_BREACH_H
#define DCOS_BREACH_H

#include "agent/lib/jsonbuf.h"
#include "agent/node.h"
#include "bpf/abi.h"

#define BREACH_PAUSE_MIN_NS	 10000000000ULL
#define BREACH_PAUSE_MAX_NS	 (600 * 1000000000ULL)
#define BREACH_WINDOW_NS	 10000000000ULL
#define BREACH_PERIODS_MIN	 10 /* of a CPU quota, in a window, before they are judged */
#define BREACH_THROTTLED_PCT	 50 /* of them */
#define BREACH_VICTIM_NS	 5000000000ULL /* that the event of a kill waits for its victim */
#define BREACH_DENIALS_IN_WINDOW 8 /* with their addresses; those beyond are counted */

struct breach_watch; /* of one task */
struct measure;

/** breach_watch_free - NULL is allowed. Return: NULL */
struct breach_watch *breach_watch_free(struct breach_watch *w);

/**
 * breach_look - compare a reading, t->usage, with what was told
 * @ended: it is the last one
 * What an adopted task did before its first reading is not told.
 */
void breach_look(struct task *t, uint64_t now_ns, bool ended);

/**
 * breach_denied - the guard has denied something
 * @t: whose it was; NULL: of no task of ours, then it is only logged
 */
void breach_denied(struct task *t, const struct dcos_denial *d);

/**
 * breach_killed - the agent has killed a task for its memory; t->breach says why
 * @bytes: what it had
 * @top: members as of evidence_measured(), from before the kill
 */
void breach_killed(const struct task *t, uint64_t bytes, const struct jsonbuf *top);

#endif
