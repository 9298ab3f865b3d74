// SPDX-License-Identifier: Apache-2.0
/*
 * The one node of an allocator that serves a single machine: its dcos-agent, over the agent's own
 * socket. Calls are sent without waiting and answered in their order. What tasks do is seen by
 * listing them, POLL_MS apart; that it is seen late by so much is the price of no stream. What they
 * use comes on a second connection, as the snapshots that dcostop gets.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/statvfs.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "agent/lib/units.h"
#include "tools/allocator/app.h"
#include "tools/allocator/nodes.h"
#include "tools/common/client.h"
#include "tools/exporter/link.h"

#define POLL_MS	      250
#define RETRY_MS      1000
#define METER_MS      1000
#define CALLS_MAX     4096 /* that wait for their answers */
#define PORTS_DEFAULT "31000-32000"
#define PREFIX	      "app." /* of the ids of our tasks */

enum call_kind { CALL_INFO, CALL_LIST, CALL_RUN, CALL_KILL, CALL_OTHER };

struct call {
	STAILQ_ENTRY(call) link;
	enum call_kind kind;
	char *task;
};

struct agents {
	sd_event *event;
	const struct agents_ops *ops;
	void *arg;
	char *socket;
	uint64_t low, high; /* ports */
	struct link link, meters;
	sd_event_source *timer;
	STAILQ_HEAD(calls, call) calls;
	unsigned int calls_nr;
	json_t *node; /* of Info; NULL: not known yet */
	json_t *seen; /* task: state that was told */
	bool up, listing, warned;
};

const struct opt_row nodes_rows[] = {
	{"agent", 0, "PATH", opt_string, offsetof(struct nodes_options, agent), NULL,
	 "socket of the agent of this machine (default $" CLIENT_SOCKET_ENV ", " CLIENT_SOCKET ")"},
	{"ports", 0, "LOW-HIGH", opt_string, offsetof(struct nodes_options, ports), NULL,
	 "ports that tasks may get (default " PORTS_DEFAULT ")"},
	{},
};

/* ---- calls ---- */

static void call_free(struct agents *a, struct call *c)
{
	STAILQ_REMOVE_HEAD(&a->calls, link);
	a->calls_nr--;
	free(c->task);
	free(c);
}

static void drop_calls(struct agents *a)
{
	while (!STAILQ_EMPTY(&a->calls))
		call_free(a, STAILQ_FIRST(&a->calls));
	a->listing = false;
}

/* @params is taken over. Return: 0; -ENOTCONN, -EBUSY, -ENOMEM, or of link_send(). */
static int send_call(struct agents *a, enum call_kind kind, const char *method, const char *task,
		     json_t *params)
{
	cleanup_json json_t *message = json_pack("{s:s+, s:o}", "method", "io.dcos.Agent.", method,
						 "parameters", params ?: json_object());
	cleanup_free char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	struct call *c;
	int r;

	if (a->link.fd < 0)
		return -ENOTCONN;
	if (a->calls_nr >= CALLS_MAX)
		return -EBUSY;
	c = text ? calloc(1, sizeof(*c)) : NULL;
	if (!c)
		return -ENOMEM;
	r = link_send(&a->link, text, strlen(text) + 1);
	if (r < 0) {
		free(c);
		return r;
	}
	c->kind = kind;
	c->task = task ? strdup(task) : NULL;
	STAILQ_INSERT_TAIL(&a->calls, c, link);
	a->calls_nr++;
	return 0;
}

/* ---- what the owner is told ---- */

static void tell_node(struct agents *a, enum agents_state state)
{
	json_t *ports = json_pack("[[I, I]]", (json_int_t)a->low, (json_int_t)a->high);
	json_t *attributes = json_object();
	const char *name = field_str(a->node, "node");
	struct statvfs fs = {};
	struct agents_node n = {
		.id = name,
		.hostname = name,
		.attributes = attributes,
		.cpus_milli = (uint64_t)field_int(a->node, "ncpu", 0) * 1000,
		.memory = (uint64_t)field_int(a->node, "memory_bytes", 0),
		.ports = ports,
		.state = state,
		.version = field_str(a->node, "version"),
	};

	if (!statvfs("/", &fs)) /* else there is none to give */
		n.disk = (uint64_t)fs.f_bavail * fs.f_frsize;
	a->ops->node(a->arg, &n);
	json_decref(attributes);
	json_decref(ports);
}

static void tell_status(struct agents *a, const char *task, const char *state, const char *reason,
			json_t *address)
{
	json_t *s = json_pack("{s:s, s:s, s:s, s:O*}", "task", task, "state", state, "reason",
			      reason, "address", address);

	if (s && a->node)
		a->ops->status(a->arg, field_str(a->node, "node"), s, NULL, NULL);
	json_decref(s);
}

static void take_info(struct agents *a, json_t *params)
{
	enum agents_state state =
		json_is_true(json_object_get(params, "draining")) ? AGENTS_DRAINING : AGENTS_ACTIVE;

	if (!*field_str(params, "node"))
		return;
	if (a->up && a->node &&
	    json_equal(json_object_get(a->node, "draining"), json_object_get(params, "draining")))
		return;
	json_decref(a->node);
	a->node = json_incref(params);
	a->up = true;
	tell_node(a, state);
}

/* Tasks that were told of and are not there any more. */
static void tell_lost(struct agents *a, json_t *now)
{
	const char *id;
	void *next;
	json_t *v;

	json_object_foreach_safe(a->seen, next, id, v) if (!json_object_get(now, id))
		tell_status(a, id, "LOST", "the agent does not know it any more", NULL);
}

static void take_list(struct agents *a, const json_t *params)
{
	json_t *now = json_object(), *t;
	size_t i;

	a->listing = false;
	json_array_foreach (json_object_get(params, "tasks"), i, t) {
		const char *id = field_str(t, "id"), *state = field_str(t, "state");
		const char *before = json_string_value(json_object_get(a->seen, id));

		if (strncmp(id, PREFIX, strlen(PREFIX)) != 0)
			continue;
		(void)json_object_set_new(now, id, json_string(state)); /* else told again */
		if (!before || strcmp(before, state) != 0)
			tell_status(a, id, state, field_str(json_object_get(t, "exit"), "reason"),
				    json_object_get(t, "ipv4"));
	}
	tell_lost(a, now);
	json_decref(a->seen);
	a->seen = now;
}

static void take_error(struct agents *a, const struct call *c, const char *error,
		       const json_t *params)
{
	struct why why = {};

	client_explain(error, params, &why);
	if (c->kind == CALL_RUN)
		tell_status(a, c->task, "FAILED", why.text, NULL);
	else if (c->kind == CALL_KILL && strstr(error, "NoSuchTask"))
		tell_status(a, c->task, "LOST", why.text, NULL);
	else if (c->kind != CALL_KILL) /* one that ends already needs no second order */
		log_warn("agent: %s", why.text);
}

static void on_message(struct link *l, const char *text, size_t len)
{
	struct agents *a = l->data;
	struct call *c = STAILQ_FIRST(&a->calls);
	cleanup_json json_t *doc = json_loadb(text, len, 0, NULL);
	json_t *params = json_object_get(doc, "parameters");
	const char *error = json_string_value(json_object_get(doc, "error"));

	if (!c)
		return;
	if (error)
		take_error(a, c, error, params);
	else if (c->kind == CALL_INFO)
		take_info(a, params);
	else if (c->kind == CALL_LIST)
		take_list(a, params);
	call_free(a, c);
}

/* ---- what tasks use ---- */

static void on_meters(struct link *l, const char *text, size_t len)
{
	struct agents *a = l->data;
	cleanup_json json_t *doc = json_loadb(text, len, 0, NULL);
	json_t *snapshot = json_object_get(json_object_get(doc, "parameters"), "snapshot");
	json_t *usages = json_object_get(snapshot, "usages");

	if (a->up && json_is_array(usages))
		a->ops->report(a->arg, field_str(a->node, "node"), usages,
			       (uint64_t)field_int(snapshot, "time_ns", 0) / 1000000);
}

static void on_meters_lost(struct link *l, int err)
{
	(void)err; /* told of the other connection; this one is tried again with the next listing */
	link_close(l);
}

/* Return: nothing: without it all goes on, but for scaling. */
static void open_meters(struct agents *a)
{
	cleanup_json json_t *message =
		json_pack("{s:s, s:b, s:{s:i}}", "method", "io.dcos.Agent.Subscribe", "more", true,
			  "parameters", "interval_ms", METER_MS);
	cleanup_free char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;

	if (!text || link_open(&a->meters, a->event, a->socket) < 0)
		return;
	if (link_send(&a->meters, text, strlen(text) + 1) < 0)
		link_close(&a->meters);
}

static void set_timer(struct agents *a, uint64_t ms)
{
	/* fail for bad arguments only */
	(void)sd_event_source_set_time_relative(a->timer, ms * 1000);
	(void)sd_event_source_set_enabled(a->timer, SD_EVENT_ONESHOT);
}

static void lose(struct agents *a, int err)
{
	link_close(&a->link);
	link_close(&a->meters);
	drop_calls(a);
	json_decref(a->seen);
	a->seen = json_object(); /* all is told again */
	if (!a->warned)
		log_warn("agent %s: %s; trying again", a->socket, strerror(-err));
	a->warned = true;
	if (a->up)
		tell_node(a, AGENTS_UNREACHABLE);
	a->up = false;
	set_timer(a, RETRY_MS);
}

static void on_lost(struct link *l, int err)
{
	lose(l->data, err);
}

static int poll_agent(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct agents *a = userdata;
	int r = 0;

	(void)source; /* is a->timer */
	(void)usec;
	if (a->link.fd < 0)
		r = link_open(&a->link, a->event, a->socket);
	if (!r && !a->listing) {
		r = send_call(a, CALL_INFO, "Info", NULL, NULL)
			    ?: send_call(a, CALL_LIST, "List", NULL, NULL);
		a->listing = !r;
	}
	if (r < 0) {
		lose(a, r);
		return 0;
	}
	if (a->warned && a->up) {
		log_info("agent %s: is there again", a->socket);
		a->warned = false;
	}
	if (a->up && a->meters.fd < 0)
		open_meters(a);
	set_timer(a, POLL_MS);
	return 0;
}

/* ---- orders ---- */

int agents_launch(struct agents *a, const char *node, json_t *spec, struct why *why)
{
	int r = send_call(a, CALL_RUN, "Run", app_text(spec, "id"),
			  json_pack("{s:O}", "spec", spec));

	(void)node; /* there is one */
	return r < 0 ? why_set(why, r, "the agent") : 0;
}

int agents_kill(struct agents *a, const char *node, const char *task, uint32_t grace_ms)
{
	(void)node; /* there is one */
	return send_call(a, CALL_KILL, "Kill", task,
			 json_pack("{s:s, s:I}", "id", task, "grace_ms", (json_int_t)grace_ms));
}

int agents_update(struct agents *a, const char *node, const char *task, json_t *resources)
{
	(void)node; /* there is one */
	return send_call(a, CALL_OTHER, "Update", task,
			 json_pack("{s:s, s:O}", "id", task, "resources", resources));
}

int agents_drain(struct agents *a, const char *node, bool on)
{
	(void)node; /* there is one */
	return send_call(a, CALL_OTHER, "Drain", NULL, json_pack("{s:b}", "off", !on));
}

/* ---- beginning and end ---- */

static int parse_ports(struct agents *a, const char *text, struct why *why)
{
	cleanup_free char *copy = strdup(text);
	char *dash = copy ? strchr(copy, '-') : NULL;

	if (dash)
		*dash = '\0';
	if (!dash || parse_u64(copy, 1, 65535, &a->low) < 0 ||
	    parse_u64(dash + 1, a->low, 65535, &a->high) < 0)
		return why_set(why, -EINVAL, "--ports=%s: must be LOW-HIGH such as " PORTS_DEFAULT,
			       text);
	return 0;
}

int nodes_begin(sd_event *event, const struct nodes_options *o, const struct agents_ops *ops,
		void *arg, struct agents **ret, struct why *why)
{
	struct agents *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	*a = (struct agents){.event = event, .ops = ops, .arg = arg};
	a->link = (struct link){.fd = -1, .on_message = on_message, .on_lost = on_lost, .data = a};
	a->meters = (struct link){.fd = -1,
				  .on_message = on_meters,
				  .on_lost = on_meters_lost,
				  .data = a};
	STAILQ_INIT(&a->calls);
	a->socket = strdup(client_socket(o->agent));
	a->seen = json_object();
	r = parse_ports(a, o->ports ?: PORTS_DEFAULT, why);
	if (!r)
		r = sd_event_add_time_relative(event, &a->timer, CLOCK_MONOTONIC, 0, 1000,
					       poll_agent, a);
	if (r < 0) {
		nodes_end(a);
		return r;
	}
	*ret = a;
	return 0;
}

struct agents *nodes_end(struct agents *a)
{
	if (!a)
		return NULL;
	link_close(&a->link);
	link_close(&a->meters);
	drop_calls(a);
	sd_event_source_disable_unref(a->timer);
	json_decref(a->node);
	json_decref(a->seen);
	free(a->socket);
	free(a);
	return NULL;
}
