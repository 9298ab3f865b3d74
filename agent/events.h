/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened to tasks: the last EVENTS_MAX events in memory, each as the text of type Event.
 * Numbers grow by one, also over restarts of the agent as long as the clock does not go back: the
 * first one of an agent is the microsecond at which it began. What an agent before this one told is
 * in the journal only.
 */
#ifndef DCOS_EVENTS_H
#define DCOS_EVENTS_H

#include "agent/lib/jsonbuf.h"
#include "agent/node.h"

#define EVENTS_MAX	 1024
#define EVENTS_BYTES_MAX (4U << 20) /* of all of them; the oldest give way */
#define EVENT_TEXT_MAX	 512 /* bytes of an event's sentence, the NUL included */

/* What an event is of; the names are in event_kind_name(). */
enum event_kind {
	EVENT_STARTED,
	EVENT_KILL, /* somebody asked for its end */
	EVENT_ENDED,
	EVENT_LAUNCH_FAILED,
	EVENT_UPDATE,
	EVENT_OOM, /* these are breaches: a limit or a guard held */
	EVENT_MEMORY,
	EVENT_PIDS,
	EVENT_CPU,
	EVENT_NETWORK,
	EVENT_DENIED,
	EVENT_KINDS,
};

struct events;

/** event_kind_name - "started", "oom"; as in type Event */
const char *event_kind_name(enum event_kind kind);

/** event_is_breach - a limit or a guard held, which the log is told of as well */
bool event_is_breach(enum event_kind kind);

/** events_new - without any. Return: 0; -ENOMEM */
int events_new(struct events **ret);

/** events_free - NULL is allowed. Return: NULL */
struct events *events_free(struct events *ev);

/**
 * event_add - something has happened; n->on_event is told
 * @n: without n->events, in tests, nothing happens
 * @id: of the task
 * @text: a sentence; a breach's goes to the log
 * @details: an object as JSON text; what has failed to be built is left out, and so counted
 */
void event_add(struct node *n, enum event_kind kind, const char *id, const char *text,
	       const struct jsonbuf *details);

/** event_add_json - the same with an object of jansson's, taken over; NULL: out of memory */
void event_add_json(struct node *n, enum event_kind kind, const char *id, const char *text,
		    json_t *details);

/**
 * events_print - the reply of Events: events of one task or of all, the oldest first
 * @id: NULL: of all tasks
 * @since: number of the first one; 0: the oldest that is kept
 * @max_bytes: no more events after so much text
 * @ret_nr: how many there are in it; may be 0
 * Return: the number to go on with.
 */
uint64_t events_print(const struct events *ev, const char *id, uint64_t since, size_t max_bytes,
		      struct jsonbuf *b, int *ret_nr);

/** events_first, events_next - numbers of the oldest event that is kept, and of the next one */
uint64_t events_first(const struct events *ev);
uint64_t events_next(const struct events *ev);

struct events_stats {
	uint64_t counts[EVENT_KINDS]; /* by kind, since the agent began */
	uint64_t overwritten; /* gave way to later ones, read or not */
	uint64_t failed; /* without memory: not kept, or without details */
	size_t bytes;
};
void events_stats(const struct events *ev, struct events_stats *ret);

#endif
