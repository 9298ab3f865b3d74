/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why is a task slow? One word and the numbers that led to it, from the rates of one interval.
 * What costs the task the largest share of its time comes first: throttled, waiting for a CPU, for
 * memory, for a disk; then what fails: retransmits, denials; else it is idle, or nothing is wrong.
 */
#ifndef DCOS_TOP_VERDICT_H
#define DCOS_TOP_VERDICT_H

#include "tools/dcostop/metrics.h"

/* Thresholds, explained in dcostop(1). */
#define VERDICT_THROTTLED_PCT	5 /* of the periods, or of the time */
#define VERDICT_CPU_SHARE_PCT	20 /* of the time that it wanted a CPU */
#define VERDICT_CPU_MIN_PCT	2 /* of a second, waited */
#define VERDICT_MEMORY_PCT	5 /* memory.pressure some */
#define VERDICT_DISK_PCT	10 /* io.pressure some */
#define VERDICT_RETRANSMITS_PCT 1 /* of the packets sent */
#define VERDICT_RETRANSMITS_MIN 1 /* a second */
#define VERDICT_IDLE_CPU_PCT	1
#define VERDICT_IDLE_BYTES	1024 /* a second, of disk and network */

enum verdict_kind {
	VERDICT_OK,
	VERDICT_IDLE,
	VERDICT_DENIED,
	VERDICT_RETRANSMITS,
	VERDICT_DISK,
	VERDICT_MEMORY,
	VERDICT_CPU,
	VERDICT_THROTTLED,
	VERDICT_ENDED, /* the words are how */
	VERDICT_UNKNOWN, /* one snapshot is not enough */
};

struct verdict {
	enum verdict_kind kind;
	char word[16]; /* "throttled", "cpu wait", ... */
	char numbers[80]; /* "43 %, 210 ms/s", see dcostop(1); "" none */
};

/**
 * verdict_of - judge a task
 * @v: by enum top_metric, NAN where nobody knows
 * @exit: how it ended, NULL while it lives
 */
void verdict_of(const double *v, const char *exit, struct verdict *ret);

#endif
