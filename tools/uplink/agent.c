// SPDX-License-Identifier: Apache-2.0
/*
 * The agent's side. Three connections: what it is and what its tasks do is asked for POLL_MS apart,
 * what they use comes by itself, orders go out in their order. An order is kept until it has been
 * answered: an agent that is replaced in between gets it again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "tools/common/client.h"
#include "tools/uplink/uplink.h"

#define POLL_MS 250
#define AGENT	"io.dcos.Agent."

static const char ask[] = "{\"method\":\"" AGENT "Info\"}\0{\"method\":\"" AGENT "List\"}";
static const char ask_doctor[] = "{\"method\":\"" AGENT "Doctor\"}";
static const char ask_meters[] =
	"{\"method\":\"" AGENT "Subscribe\",\"more\":true,\"parameters\":{\"interval_ms\":1000}}";

static bool may(const char *method)
{
	static const char *const allowed[] = {"Run", "Kill", "Update", "Drain", "Logs"};

	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		if (!strcmp(method, allowed[i]))
			return true;
	return false;
}

/* ---- orders ---- */

static void order_free(struct uplink *u, struct order *o)
{
	STAILQ_REMOVE(&u->queue, o, order, link);
	u->queue_nr--;
	free(o->text);
	free(o);
}

void agent_forget_orders(struct uplink *u)
{
	while (!STAILQ_EMPTY(&u->queue))
		order_free(u, STAILQ_FIRST(&u->queue));
	link_close(&u->orders); /* answers to them are nobody's */
}

/* Whether what was sent has been taken is not known. */
static void close_orders(struct uplink *u)
{
	struct order *o;

	link_close(&u->orders);
	STAILQ_FOREACH(o, &u->queue, link)
	o->again = true;
}

/* All that wait are sent (again). */
static int connect_orders(struct uplink *u)
{
	struct order *o;
	int r;

	if (u->orders.fd >= 0)
		return 0;
	r = link_open(&u->orders, u->event, client_socket(u->o->socket));
	STAILQ_FOREACH(o, &u->queue, link)
	{
		if (r < 0)
			break;
		r = link_send(&u->orders, o->text, o->len);
	}
	if (r < 0)
		close_orders(u);
	return r;
}

int agent_order(struct uplink *u, const json_t *order)
{
	const char *method = field_str(order, "method");
	json_t *params = json_object_get(order, "parameters");
	cleanup_json json_t *call = NULL;
	struct order *o;

	if (!may(method) || !json_is_object(params))
		return -EBADMSG;
	if (u->queue_nr >= UPLINK_ORDERS_MAX)
		return -EBUSY;
	call = json_pack("{s:s+, s:O}", "method", AGENT, method, "parameters", params);
	o = call ? calloc(1, sizeof(*o)) : NULL;
	if (!o)
		return -ENOMEM;
	o->text = json_dumps(call, JSON_COMPACT);
	if (!o->text) {
		free(o);
		return -ENOMEM;
	}
	o->len = strlen(o->text) + 1;
	o->number = field_int(order, "number", 0);
	o->is_run = !strcmp(method, "Run");
	STAILQ_INSERT_TAIL(&u->queue, o, link);
	u->queue_nr++;
	if (u->orders.fd >= 0 && link_send(&u->orders, o->text, o->len) < 0)
		close_orders(u); /* the next poll connects and sends all again */
	return 0;
}

static void on_answer(struct link *l, const char *text, size_t len)
{
	struct uplink *u = l->data;
	cleanup_json json_t *doc = json_loadb(text, len, 0, NULL);
	const char *error = json_string_value(json_object_get(doc, "error"));
	struct order *o = STAILQ_FIRST(&u->queue);

	if (!o)
		return;
	/* the one before had taken it, and could not say so */
	if (error && o->is_run && o->again && strstr(error, ".TaskExists"))
		error = NULL;
	dial_answer(u, o->number, error, json_object_get(doc, "parameters"));
	order_free(u, o);
}

static void on_orders_lost(struct link *l, int err)
{
	(void)err; /* told of the other connection */
	close_orders(l->data);
}

/* ---- what it is, what its tasks do and use ---- */

static void lose(struct uplink *u, int err)
{
	link_close(&u->polls);
	link_close(&u->meters);
	close_orders(u);
	u->polls_open = 0;
	if (!u->agent_warned)
		log_warn("the agent, %s: %s; trying again", client_socket(u->o->socket),
			 strerror(-err));
	u->agent_warned = true;
}

static void on_lost(struct link *l, int err)
{
	lose(l->data, err);
}

static void take_info(struct uplink *u, json_t *params)
{
	json_decref(u->info);
	u->info = json_incref(params);
	if (!u->agent_warned)
		return;
	log_info("the agent is there again");
	u->agent_warned = false;
}

/* What this machine lacks; what works is of no use to an allocator. */
static void take_doctor(struct uplink *u, const json_t *checks)
{
	json_t *c;
	size_t i;

	json_decref(u->doctor);
	u->doctor = json_array();
	json_array_foreach (checks, i, c)
		if (json_is_false(json_object_get(c, "ok")))
			(void)json_array_append(u->doctor, c); /* else one less */
}

static void on_reply(struct link *l, const char *text, size_t len)
{
	struct uplink *u = l->data;
	cleanup_json json_t *doc = json_loadb(text, len, 0, NULL);
	json_t *params = json_object_get(doc, "parameters");
	const char *error = json_string_value(json_object_get(doc, "error"));

	if (u->polls_open)
		u->polls_open--;
	if (error) {
		log_warn("the agent: %s", error);
	} else if (json_object_get(params, "checks")) {
		take_doctor(u, json_object_get(params, "checks"));
	} else if (json_object_get(params, "node")) {
		take_info(u, params);
	} else if (json_object_get(params, "tasks")) {
		dial_tasks(u, json_object_get(params, "tasks"));
	}
}

static void on_meters(struct link *l, const char *text, size_t len)
{
	cleanup_json json_t *doc = json_loadb(text, len, 0, NULL);
	json_t *snapshot = json_object_get(json_object_get(doc, "parameters"), "snapshot");

	if (snapshot)
		dial_usages(l->data, json_object_get(snapshot, "usages"),
			    field_int(snapshot, "time_ns", 0) / 1000000);
}

static void on_meters_lost(struct link *l, int err)
{
	(void)l; /* closed; the next poll opens it */
	(void)err;
}

static int connect_meters(struct uplink *u)
{
	int r;

	if (u->meters.fd >= 0)
		return 0;
	r = link_open(&u->meters, u->event, client_socket(u->o->socket));
	if (!r)
		r = link_send(&u->meters, ask_meters, sizeof(ask_meters));
	if (r < 0)
		link_close(&u->meters);
	return r;
}

static int ask_agent(struct uplink *u)
{
	int r = 0;

	if (u->polls.fd < 0) {
		r = link_open(&u->polls, u->event, client_socket(u->o->socket));
		if (!r)
			r = link_send(&u->polls, ask_doctor, sizeof(ask_doctor));
		u->polls_open = !r;
	}
	if (!r && !u->polls_open) {
		r = link_send(&u->polls, ask, sizeof(ask));
		u->polls_open = 2;
	}
	return r ?: connect_orders(u) ?: connect_meters(u);
}

static int poll_agent(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct uplink *u = userdata;
	int r = ask_agent(u);

	(void)usec;
	if (r < 0)
		lose(u, r);
	dial_tick(u);
	/* fail for bad arguments only */
	(void)sd_event_source_set_time_relative(source, (uint64_t)POLL_MS * 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int agent_begin(struct uplink *u)
{
	STAILQ_INIT(&u->queue);
	u->polls = (struct link){.fd = -1, .on_message = on_reply, .on_lost = on_lost, .data = u};
	u->orders = (struct link){.fd = -1,
				  .on_message = on_answer,
				  .on_lost = on_orders_lost,
				  .data = u};
	u->meters = (struct link){.fd = -1,
				  .on_message = on_meters,
				  .on_lost = on_meters_lost,
				  .data = u};
	return sd_event_add_time_relative(u->event, &u->poll, CLOCK_MONOTONIC, 0, 1000, poll_agent,
					  u);
}

void agent_end(struct uplink *u)
{
	link_close(&u->polls);
	link_close(&u->meters);
	agent_forget_orders(u);
	u->poll = sd_event_source_disable_unref(u->poll);
	json_decref(u->info);
	json_decref(u->doctor);
}
