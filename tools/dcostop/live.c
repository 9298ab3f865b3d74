// SPDX-License-Identifier: Apache-2.0
/* The agent's side of dcostop: the subscription, and calls on a connection of their own. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/dcostop/top.h"

int live_subscribe(struct top *t)
{
	cleanup_client struct vl_client *c = NULL;
	cleanup_json json_t *info = NULL;
	json_t *params;
	int r;

	t->why.text[0] = 0;
	r = client_open(client_socket(t->o.socket), &c, &t->why);
	if (r < 0)
		return r;
	r = client_call(c, "Info", NULL, &info, &t->why);
	if (r < 0)
		return r;
	(void)snprintf(t->node.name, sizeof(t->node.name), "%s", field_str(info, "node"));
	(void)snprintf(t->node.version, sizeof(t->node.version), "%s", field_str(info, "version"));
	t->node.memory_bytes = (uint64_t)field_int(info, "memory_bytes", 0);
	t->model.ncpu = (uint32_t)field_int(info, "ncpu", 1);
	params = json_object();
	if (t->o.interval_ms.given)
		(void)json_object_set_new(params, "interval_ms", /* out of memory: the call fails */
					  json_integer((json_int_t)t->o.interval_ms.value));
	r = client_more(c, "Subscribe", params, &t->why);
	if (r < 0)
		return r;
	model_restart(&t->model);
	t->client = take_ptr(c);
	return 0;
}

int live_next(struct top *t, int timeout_ms, bool skip)
{
	cleanup_json json_t *reply = NULL;
	const json_t *snapshot;
	bool more = false;
	int r;

	t->why.text[0] = 0;
	r = client_next(t->client, timeout_ms, &reply, &more, &t->why);
	if (r == -EINTR)
		return 0;
	if (r <= 0)
		return r;
	snapshot = json_object_get(reply, "snapshot");
	if (t->record && (r = record_add(t->record, snapshot, &t->why)) < 0)
		return r;
	if (skip)
		model_skip(&t->model, snapshot);
	else if (model_read(&t->model, snapshot) < 0)
		return why_set(&t->why, -EBADMSG, "the agent sent no proper snapshot");
	if (!more)
		return why_set(&t->why, -EPIPE, "the agent ended the subscription");
	return 1;
}

/* One call on a connection of its own: the other one is busy with the subscription. */
static int call(struct top *t, const char *method, json_t *params, json_t **ret, struct why *why)
{
	cleanup_client struct vl_client *c = NULL;
	int r = client_open(client_socket(t->o.socket), &c, why);

	if (r < 0) {
		json_decref(params);
		return r;
	}
	return client_call(c, method, params, ret, why);
}

void live_history(struct top *t)
{
	cleanup_json json_t *reply = NULL;
	struct why why = {};

	if (call(t, "History", json_pack("{s:s}", "id", t->choice.selected), &reply, &why) < 0)
		reply = NULL; /* the page says that there is none */
	history_read(&t->history, t->choice.selected, reply);
}

static void wish_kill(struct top *t)
{
	struct top_choice *c = &t->choice;
	cleanup_json json_t *reply = NULL;
	struct why why = {};

	if (call(t, "Kill", json_pack("{s:s, s:i}", "id", c->selected, "signal", c->wish_signal),
		 &reply, &why) < 0)
		(void)snprintf(c->message, sizeof(c->message), "%s", why.text);
	else
		(void)snprintf(c->message, sizeof(c->message), "sent signal %d to %s",
			       c->wish_signal, c->selected);
}

/* A warning means that this host does not hold the limit. */
static void wish_cpus(struct top *t)
{
	struct top_choice *c = &t->choice;
	cleanup_json json_t *reply = NULL;
	const char *warning;
	struct why why = {};

	if (call(t, "Update",
		 json_pack("{s:s, s:{s:f}}", "id", c->selected, "resources", "cpus", c->wish_cpus),
		 &reply, &why) < 0) {
		(void)snprintf(c->message, sizeof(c->message), "%s", why.text);
		return;
	}
	warning = json_string_value(json_array_get(json_object_get(reply, "warnings"), 0));
	if (warning)
		(void)snprintf(c->message, sizeof(c->message), "%s", warning);
	else
		(void)snprintf(c->message, sizeof(c->message), "%s has a quota of %g CPUs",
			       c->selected, c->wish_cpus);
}

void live_wish(struct top *t)
{
	if (t->choice.wish == WISH_KILL)
		wish_kill(t);
	else if (t->choice.wish == WISH_CPUS)
		wish_cpus(t);
}
