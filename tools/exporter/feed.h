/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent says, on an sd-event loop and without ever waiting for it: one connection with a
 * subscription, whose latest snapshot is kept as text and only parsed when a page needs it, and
 * one for the questions that a page needs answered. Lost connections are made anew with back-off.
 */
#ifndef DCOS_EXPORTER_FEED_H
#define DCOS_EXPORTER_FEED_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define FEED_FRESH_MS	    1000 /* answers that are younger are not asked for again */
#define FEED_STALE_MS	    5000 /* a snapshot that is older, and than 3 intervals, is none */
#define FEED_ANSWER_MS	    10000 /* an agent that does not answer for so long is hung up on */
#define FEED_BACKOFF_MIN_MS 100
#define FEED_BACKOFF_MAX_MS 10000

struct feed;

struct feed_stats {
	uint64_t connects, snapshots, errors;
};

/* Borrowed; valid until the loop runs again. */
struct feed_view {
	const json_t *usages, *tasks, *info, *agent; /* as in struct page_data */
	uint64_t age_ms; /* of the snapshot; METRIC_UNKNOWN: there has been none */
	uint64_t snapshot_unix_ms;
	struct feed_stats stats;
};

/**
 * feed_new - begin to connect
 * @event: reference taken
 * @socket: of the agent, copied
 * @interval_ms: between snapshots, 0: the agent's own
 * @on_settled: feed_settled() has become true; may call feed_view()
 */
int feed_new(sd_event *event, const char *socket, uint64_t interval_ms,
	     void (*on_settled)(void *data), void *data, struct feed **ret);

/** feed_free - hang up. NULL allowed. Return: NULL */
struct feed *feed_free(struct feed *f);

/** feed_ask - ask for what is older than FEED_FRESH_MS */
void feed_ask(struct feed *f);

/** feed_settled - is there nothing worth waiting for: all is there, or the agent is not */
bool feed_settled(const struct feed *f);

/** feed_is_up - does the agent send snapshots */
bool feed_is_up(const struct feed *f);

/** feed_trouble - why not, a sentence; "" while all is well */
const char *feed_trouble(const struct feed *f);

/** feed_view - what is known */
void feed_view(struct feed *f, struct feed_view *ret);

#endif
