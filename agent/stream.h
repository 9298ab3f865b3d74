/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tick of the agent: reads the meters once an interval and sends the snapshot to every
 * subscriber. All get the same text. A subscriber that does not read loses snapshots, never delays anybody, and sees by
 * the gap in seq what it lost.
 */
#ifndef DCOS_STREAM_H
#define DCOS_STREAM_H

#include "agent/lib/varlink.h"
#include "agent/node.h"

#define STREAM_SUBSCRIBERS_MAX 512
#define STREAM_BACKLOG_MAX     (1U << 20) /* bytes unread, then snapshots are dropped */

struct stream_stats {
	int subscribers;
	uint64_t sent, dropped; /* snapshots */
	uint64_t ticks, skipped; /* readings made, and left out because the agent was late */
	uint64_t snapshot_bytes; /* of the last one that was sent */
	__u64 late_hist_us[DCOS_HIST]; /* how late ticks began */
	__u64 cost_hist_us[DCOS_HIST]; /* what they took */
};

/** stream_start - the tick begins */
int stream_start(struct node *n);

/** stream_log_soon - a task is new: look at its log soon, not at the next turn of all */
void stream_log_soon(struct node *n);

/** stream_stop - no more ticks; subscribers are let go without an answer */
void stream_stop(struct node *n);

/**
 * stream_subscribe - from the next tick on
 * @call: with "more"; a reference is taken
 * @interval_ms: rounded up to a multiple of the agent's own; 0: that one
 * Return: 0; -EUSERS too many subscribers; -ENOMEM.
 */
int stream_subscribe(struct node *n, struct vl_call *call, uint64_t interval_ms);

void stream_stats(const struct node *n, struct stream_stats *ret);

#endif
