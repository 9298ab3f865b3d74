// SPDX-License-Identifier: Apache-2.0
/*
 * The agent of this machine, over its own socket. Calls are sent without waiting and answered in
 * their order. What tasks do is seen by listing them, POLL_MS apart; that it is seen late by so much
 * is the price of no stream. What they use comes on a second connection, as the snapshots that
 * dcostop gets.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/statvfs.h>
#include <systemd/sd-event.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "agent/lib/units.h"
#include "tools/allocator/node.h"
#include "tools/common/client.h"
#include "tools/link/link.h"

#define POLL_MS	 250
#define RETRY_MS 1000
#define METER_MS 1000

enum call_kind { CALL_INFO, CALL_LIST, CALL_ORDER };

struct call {
	STAILQ_ENTRY(call) link;
	enum call_kind kind;
	json_int_t number; /* of the order */
};

struct nodes_local {
	struct agents *agents;
	struct node node;
	char *socket;
	uint64_t low, high; /* ports */
	struct link link, meters;
	sd_event_source *timer;
	STAILQ_HEAD(calls, call) calls;
	json_t *info; /* NULL: not known yet */
	bool listing, warned;
};

/* ---- calls ---- */

static void call_free(struct nodes_local *l)
{
	struct call *c = STAILQ_FIRST(&l->calls);

	STAILQ_REMOVE_HEAD(&l->calls, link);
	free(c);
}

static void drop_calls(struct nodes_local *l)
{
	while (!STAILQ_EMPTY(&l->calls))
		call_free(l);
	l->listing = false;
}

/* Return: 0; -ENOTCONN, -ENOMEM, or of link_send(). */
static int send_call(struct nodes_local *l, enum call_kind kind, json_int_t number,
		     const char *method, json_t *params)
{
	cleanup_json json_t *message =
		json_pack("{s:s+, s:O*}", "method", "io.dcos.Agent.", method, "parameters", params);
	cleanup_free char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	struct call *c;
	int r;

	if (l->link.fd < 0)
		return -ENOTCONN;
	c = text ? calloc(1, sizeof(*c)) : NULL;
	if (!c)
		return -ENOMEM;
	r = link_send(&l->link, text, strlen(text) + 1);
	if (r < 0) {
		free(c);
		return r;
	}
	c->kind = kind;
	c->number = number;
	STAILQ_INSERT_TAIL(&l->calls, c, link);
	return 0;
}

static int send_order(struct node *n, json_int_t number, const char *method, json_t *params)
{
	return send_call(n->data, CALL_ORDER, number, method, params);
}

static const struct node_way local_way = {.send = send_order};

/* ---- what it says ---- */

static void tell_node(struct nodes_local *l)
{
	json_t *ports = json_pack("[[I, I]]", (json_int_t)l->low, (json_int_t)l->high);
	json_t *attributes = json_object();
	struct statvfs fs = {};
	struct agents_node is = {
		.attributes = attributes,
		.cpus_milli = (uint64_t)field_int(l->info, "ncpu", 0) * 1000,
		.memory = (uint64_t)field_int(l->info, "memory_bytes", 0),
		.ports = ports,
		.state = json_is_true(json_object_get(l->info, "draining")) ? AGENTS_DRAINING
									    : AGENTS_ACTIVE,
		.version = field_str(l->info, "version"),
	};

	if (!statvfs("/", &fs)) /* else there is none to give */
		is.disk = (uint64_t)fs.f_bavail * fs.f_frsize;
	node_up(&l->node, &is);
	json_decref(attributes);
	json_decref(ports);
}

static void take_info(struct nodes_local *l, json_t *params)
{
	const char *id = field_str(params, "node");
	bool news = !json_equal(json_object_get(l->info, "draining"),
				json_object_get(params, "draining"));

	if (*id && !l->node.entered && node_enter(&l->node, id)) {
		log_warn("the agent %s: a node %s has dialled in already", l->socket, id);
		return;
	}
	json_decref(l->info);
	l->info = json_incref(params);
	if (l->node.up && news)
		tell_node(l);
}

/* It gets no orders before it is known what it runs. */
static void take_list(struct nodes_local *l, const json_t *tasks)
{
	if (!l->node.entered)
		return;
	if (l->node.up) {
		node_list(&l->node, tasks);
		return;
	}
	tell_node(l);
	node_all(&l->node, tasks);
}

static void on_message(struct link *link, const char *text, size_t len)
{
	struct nodes_local *l = link->data;
	struct call *c = STAILQ_FIRST(&l->calls);
	cleanup_json json_t *doc = json_loadb(text, len, 0, NULL);
	json_t *params = json_object_get(doc, "parameters");
	const char *error = json_string_value(json_object_get(doc, "error"));

	if (!c)
		return;
	if (c->kind == CALL_ORDER) {
		node_answer(&l->node, c->number, error, params);
	} else if (error) {
		log_warn("the agent %s: %s", l->socket, error);
	} else if (c->kind == CALL_INFO) {
		take_info(l, params);
	} else {
		take_list(l, json_object_get(params, "tasks"));
	}
	if (c->kind == CALL_LIST)
		l->listing = false;
	call_free(l);
}

/* ---- what tasks use ---- */

static void on_meters(struct link *link, const char *text, size_t len)
{
	struct nodes_local *l = link->data;
	struct agents *a = l->agents;
	cleanup_json json_t *doc = json_loadb(text, len, 0, NULL);
	json_t *snapshot = json_object_get(json_object_get(doc, "parameters"), "snapshot");
	json_t *usages = json_object_get(snapshot, "usages");

	if (l->node.up && json_is_array(usages))
		a->ops->report(a->arg, l->node.id, usages,
			       (uint64_t)field_int(snapshot, "time_ns", 0) / 1000000);
}

static void on_meters_lost(struct link *link, int err)
{
	(void)link; /* closed; it is opened again with the next listing */
	(void)err;
}

/* Return: nothing: without it all goes on, but for scaling. */
static void open_meters(struct nodes_local *l)
{
	cleanup_json json_t *message =
		json_pack("{s:s, s:b, s:{s:i}}", "method", "io.dcos.Agent.Subscribe", "more", true,
			  "parameters", "interval_ms", METER_MS);
	cleanup_free char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;

	if (!text || link_open(&l->meters, l->agents->event, l->socket) < 0)
		return;
	if (link_send(&l->meters, text, strlen(text) + 1) < 0)
		link_close(&l->meters);
}

/* ---- the connection ---- */

static void set_timer(struct nodes_local *l, uint64_t ms)
{
	/* fail for bad arguments only */
	(void)sd_event_source_set_time_relative(l->timer, ms * 1000);
	(void)sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
}

static void lose(struct nodes_local *l, int err)
{
	link_close(&l->link);
	link_close(&l->meters);
	drop_calls(l);
	if (!l->warned)
		log_warn("agent %s: %s; trying again", l->socket, strerror(-err));
	l->warned = true;
	node_leave(&l->node);
	set_timer(l, RETRY_MS);
}

static void on_lost(struct link *link, int err)
{
	lose(link->data, err);
}

static int poll_agent(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct nodes_local *l = userdata;
	int r = 0;

	(void)source; /* is l->timer */
	(void)usec;
	if (l->link.fd < 0)
		r = link_open(&l->link, l->agents->event, l->socket);
	if (!r && !l->listing) {
		r = send_call(l, CALL_INFO, 0, "Info", NULL)
			    ?: send_call(l, CALL_LIST, 0, "List", NULL);
		l->listing = !r;
	}
	if (r < 0) {
		lose(l, r);
		return 0;
	}
	if (l->warned && l->node.up) {
		log_info("agent %s: is there again", l->socket);
		l->warned = false;
	}
	if (l->node.up && l->meters.fd < 0)
		open_meters(l);
	set_timer(l, POLL_MS);
	return 0;
}

/* ---- beginning and end ---- */

static int parse_ports(struct nodes_local *l, const char *text, struct why *why)
{
	cleanup_free char *copy = strdup(text);
	char *dash = copy ? strchr(copy, '-') : NULL;

	if (dash)
		*dash = '\0';
	if (!dash || parse_u64(copy, 1, 65535, &l->low) < 0 ||
	    parse_u64(dash + 1, l->low, 65535, &l->high) < 0)
		return why_set(why, -EINVAL, "--ports=%s: must be LOW-HIGH such as " LOCAL_PORTS,
			       text);
	return 0;
}

int local_new(struct agents *a, const struct nodes_options *o, struct nodes_local **ret,
	      struct why *why)
{
	struct nodes_local *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->agents = a;
	node_init(&l->node, a, &local_way, l);
	l->link = (struct link){.fd = -1, .on_message = on_message, .on_lost = on_lost, .data = l};
	l->meters = (struct link){.fd = -1,
				  .on_message = on_meters,
				  .on_lost = on_meters_lost,
				  .data = l};
	STAILQ_INIT(&l->calls);
	l->socket = strdup(client_socket(o->agent));
	r = parse_ports(l, o->ports ?: LOCAL_PORTS, why);
	if (!r)
		r = sd_event_add_time_relative(a->event, &l->timer, CLOCK_MONOTONIC, 0, 1000,
					       poll_agent, l);
	if (r < 0) {
		local_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

struct nodes_local *local_free(struct nodes_local *l)
{
	if (!l)
		return NULL;
	link_close(&l->link);
	link_close(&l->meters);
	drop_calls(l);
	l->node.up = false; /* nobody is told any more */
	node_leave(&l->node);
	sd_event_source_disable_unref(l->timer);
	json_decref(l->info);
	free(l->socket);
	free(l);
	return NULL;
}
