/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of Events that wait for more, as the node holds them. */
#ifndef DCOS_API_EVENTS_H
#define DCOS_API_EVENTS_H

#include <stdint.h>

#define EVENT_READERS_MAX 512

struct event_reader; /* api_events.c */
struct node;

struct event_readers {
	struct event_reader *head;
	int nr;
	uint64_t missed; /* events that were overwritten before a reader had taken them */
};

/**
 * api_events_pump - send every reader what it has not got yet
 * Who does not read gets it later, by the tick, and is told how many were overwritten meanwhile.
 */
void api_events_pump(struct node *n);

#endif
