/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes with a breach, as members of a JSON object: the processes that used most, and what the
 * task did in the seconds before.
 */
#ifndef DCOS_EVIDENCE_H
#define DCOS_EVIDENCE_H

#include "agent/lib/jsonbuf.h"
#include "agent/node.h"

#define EVIDENCE_TOP	    5
#define EVIDENCE_PROCS_MAX  128 /* that are looked at; there may be more */
#define EVIDENCE_US	    10000000ULL /* of the past */
#define EVIDENCE_VALUES_MAX 100 /* of a series of it */
#define EVIDENCE_TASKS_MAX  16 /* between two readings of the meters; others are told without it */

struct measure;

enum evidence_order {
	EVIDENCE_BY_MEMORY,
	EVIDENCE_BY_CPU,
};

/** evidence_has_turn - may it be collected once more before the next reading? */
bool evidence_has_turn(struct node *n);

/**
 * evidence_top - ,"processes":3,"top":[{"pid":12,"comm":"sh","rss_bytes":4096,"cpu_us":20000}]
 * The living processes of a task, those that have used most first: of what is looked at, which is
 * EVIDENCE_PROCS_MAX of "processes". cpu_us: since the process began.
 */
void evidence_top(struct jsonbuf *b, const struct task *t, enum evidence_order order);

/** evidence_measured - the same from a measurement: ,"top":[{"pid":12,"comm":"sh","pss_bytes":4096}] */
void evidence_measured(struct jsonbuf *b, const struct measure *m);

/** evidence_past - ,"history": as the reply of History; at most EVIDENCE_VALUES_MAX values */
void evidence_past(struct jsonbuf *b, const struct task *t);

#endif
