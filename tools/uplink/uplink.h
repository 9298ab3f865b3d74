/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's end of the link to the allocator. Two sides: the agent of this machine, over its own
 * socket (agent.c), and the allocator, over TCP or a unix socket (dial.c).
 */
#ifndef DCOS_UPLINK_H
#define DCOS_UPLINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "agent/lib/why.h"
#include "tools/common/options.h"
#include "tools/link/link.h"
#include "tools/link/tls.h"

#define UPLINK_ORDERS_MAX 4096 /* that the agent has not answered */

struct uplink_options {
	const char *allocator, *socket, *ports;
	struct tls_files tls;
	struct opt_list attributes;
	bool insecure, help, version;
};

/* An order of the allocator's, until the agent has answered it. */
struct order {
	STAILQ_ENTRY(order) link;
	json_int_t number;
	char *text; /* the call, owned; @len with its NUL */
	size_t len;
	bool is_run, again; /* again: it may have been made, and not answered */
};

/**
 * struct uplink - all of it
 * @info, @doctor: replies of the agent's; NULL: not yet
 * @told, @told_usages: what the allocator knows of tasks
 */
struct uplink {
	const struct uplink_options *o;
	sd_event *event;
	struct tls_keys *keys; /* NULL: no TLS */
	json_t *attributes, *ports;
	char session[40];

	struct link polls, orders, meters; /* to the agent */
	sd_event_source *poll;
	unsigned int polls_open; /* replies that are to come */
	json_t *info, *doctor;
	STAILQ_HEAD(, order) queue;
	unsigned int queue_nr;
	bool agent_warned;

	struct link up;
	sd_event_source *dial;
	uint64_t backoff_ms;
	bool registered, all_told, up_warned;
	json_t *told, *told_usages;
	uint64_t said_ms; /* monotonic */
	struct why why;
};

/* ---- agent.c ---- */

int agent_begin(struct uplink *u);
void agent_end(struct uplink *u);

/** agent_order - a call that the allocator wants made. Return: 0; -EBADMSG; -EBUSY; -ENOMEM */
int agent_order(struct uplink *u, const json_t *order);

/** agent_forget_orders - nobody wants their answers */
void agent_forget_orders(struct uplink *u);

/* ---- dial.c ---- */

int dial_begin(struct uplink *u);
void dial_end(struct uplink *u);

/** dial_tick - connect if it is time, say something if nothing was said for long */
void dial_tick(struct uplink *u);

/** dial_tasks - a reply to List. Nothing happens while the allocator is away */
void dial_tasks(struct uplink *u, const json_t *tasks);
/** dial_usages - a snapshot of the meters, likewise */
void dial_usages(struct uplink *u, const json_t *usages, int64_t time_ms);
/** dial_answer - an order is done: @error NULL or its name; @params borrowed */
void dial_answer(struct uplink *u, json_int_t number, const char *error, json_t *params);

#endif
