// SPDX-License-Identifier: Apache-2.0
/* A node, however it is connected, see node.h. */
#include "tools/allocator/node.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/log.h"
#include "tools/common/client.h"

#define PREFIX "app." /* of the ids of our tasks */

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->id, ((const struct node *)b)->id);
}

void node_init(struct node *n, struct agents *a, const struct node_way *way, void *data)
{
	*n = (struct node){.agents = a, .way = way, .data = data};
	STAILQ_INIT(&n->orders);
}

struct node *node_find(struct agents *a, const char *id)
{
	struct node key = {.id = (char *)id}, **found = tfind(&key, &a->by_id, by_id);

	return found ? *found : NULL;
}

int node_enter(struct node *n, const char *id)
{
	if (node_find(n->agents, id))
		return -EEXIST;
	n->id = strdup(id);
	n->seen = json_object();
	if (!n->id || !n->seen || !tsearch(n, &n->agents->by_id, by_id)) {
		node_leave(n);
		return -ENOMEM;
	}
	n->entered = true;
	return 0;
}

static void order_free(struct node *n, struct node_order *o)
{
	STAILQ_REMOVE(&n->orders, o, node_order, link);
	n->orders_nr--;
	free(o->task);
	free(o);
}

static void forget(struct agents_node *is)
{
	free((char *)is->hostname);
	free((char *)is->version);
	json_decref(is->attributes);
	json_decref(is->ports);
	json_decref(is->doctor);
	*is = (struct agents_node){};
}

void node_leave(struct node *n)
{
	if (n->entered)
		(void)tdelete(n, &n->agents->by_id, by_id); /* it is in */
	while (!STAILQ_EMPTY(&n->orders)) {
		struct node_order *o = STAILQ_FIRST(&n->orders);

		if (o->done)
			o->done(o->arg, NULL, "the node is lost");
		order_free(n, o);
	}
	if (n->up) {
		n->agents->counters.lost++;
		n->is.state = AGENTS_UNREACHABLE;
		n->agents->ops->node(n->agents->arg, &n->is);
	}
	forget(&n->is);
	json_decref(n->seen);
	free(n->id);
	n->seen = NULL;
	n->id = NULL;
	n->entered = n->up = false;
}

void node_up(struct node *n, const struct agents_node *is)
{
	struct agents_node old = n->is;

	n->is = *is;
	n->is.id = n->id;
	n->is.hostname = strdup(is->hostname && *is->hostname ? is->hostname : n->id);
	n->is.version = strdup(is->version ?: "");
	json_incref(n->is.attributes);
	json_incref(n->is.ports);
	json_incref(n->is.doctor);
	forget(&old);
	n->up = true;
	n->agents->ops->node(n->agents->arg, &n->is);
}

/* ---- what its tasks do ---- */

static void tell_status(struct node *n, const char *task, const char *state, const char *reason,
			const json_t *of)
{
	json_t *address = json_object_get(of, "ipv4") ?: json_object_get(of, "ipv6");
	json_t *healthy = json_object_get(of, "healthy");
	json_t *health = json_object_get(of, "health");
	json_t *s = json_pack("{s:s, s:s, s:s, s:O*, s:O*, s:O*}", "task", task, "state", state,
			      "reason", reason, "address", address, "healthy", healthy, "health",
			      health);

	if (s)
		n->agents->ops->status(n->agents->arg, n->id, s, NULL, NULL);
	json_decref(s);
}

void node_gone(struct node *n, const char *task)
{
	if (!json_object_get(n->seen, task))
		return;
	(void)json_object_del(n->seen, task); /* it is there */
	tell_status(n, task, "LOST", "the agent does not know it any more", NULL);
}

/* Told before and not in the list: in a list of its own, for telling changes the first. */
static void tell_lost(struct node *n, const json_t *now)
{
	json_t *seen = n->seen, *v;
	const char *id;

	n->seen = json_object();
	json_object_foreach (seen, id, v)
		if (json_object_get(now, id))
			(void)json_object_set(n->seen, id, v); /* else told again */
		else
			tell_status(n, id, "LOST", "the agent does not know it any more", NULL);
	json_decref(seen);
}

static bool is_ours(const json_t *t)
{
	return !strncmp(field_str(t, "id"), PREFIX, strlen(PREFIX));
}

/* Only what has news is told: a list comes several times a second. */
static void tell_task(struct node *n, const json_t *t)
{
	const char *id = field_str(t, "id"), *state = field_str(t, "state");
	json_t *is = json_pack("[s, O?, O?, O?]", state, json_object_get(t, "ipv4"),
			       json_object_get(t, "healthy"), json_object_get(t, "health"));

	if (is && !json_equal(is, json_object_get(n->seen, id))) {
		(void)json_object_set(n->seen, id, is); /* else told again */
		tell_status(n, id, state, field_str(json_object_get(t, "exit"), "reason"), t);
	}
	json_decref(is);
}

void node_changed(struct node *n, const json_t *tasks)
{
	const json_t *t;
	size_t i;

	json_array_foreach (tasks, i, t)
		if (is_ours(t))
			tell_task(n, t);
}

static json_t *ids_of(const json_t *tasks)
{
	json_t *ids = json_object();
	const json_t *t;
	size_t i;

	json_array_foreach (tasks, i, t)
		if (is_ours(t))
			(void)json_object_set_new(ids, field_str(t, "id"), json_true());
	return ids;
}

void node_list(struct node *n, const json_t *tasks)
{
	json_t *now = ids_of(tasks);

	tell_lost(n, now);
	json_decref(now);
	node_changed(n, tasks);
}

void node_all(struct node *n, const json_t *tasks)
{
	json_t *now = ids_of(tasks);

	n->agents->ops->all(n->agents->arg, n->id, now);
	json_decref(now);
	node_changed(n, tasks);
}

/* ---- orders ---- */

static void not_done(struct node *n, const struct node_order *o, const char *error,
		     const json_t *params)
{
	struct why why = {};

	client_explain(error, params, &why);
	if (o->done)
		o->done(o->arg, NULL, why.text);
	else if (o->is_run && o->task)
		tell_status(n, o->task, "FAILED", why.text, NULL);
	else if (o->is_kill && o->task && strstr(error, "NoSuchTask"))
		tell_status(n, o->task, "LOST", why.text, NULL);
	else if (!o->is_kill) /* one that ends already needs no second order */
		log_warn("node %s: %s", n->id, why.text);
}

void node_answer(struct node *n, json_int_t number, const char *error, const json_t *params)
{
	struct node_order *o;

	STAILQ_FOREACH(o, &n->orders, link)
	if (number < 0 || o->number == number)
		break;
	if (!o)
		return;
	if (error)
		not_done(n, o, error, params);
	else if (o->done)
		o->done(o->arg,
			json_string_value(json_object_get(params, "text"))
				?: "(what is no UTF-8 is not shown)",
			NULL);
	order_free(n, o);
}

/* @params is taken over. Return: 0; -ENOTCONN, -EBUSY, -ENOMEM, or of the way */
static int order(struct agents *a, const char *node, const char *method, const char *task,
		 json_t *params, struct node_order **ret)
{
	struct node *n = node_find(a, node);
	struct node_order *o = NULL;
	int r = -ENOMEM;

	if (!n || !n->up)
		r = -ENOTCONN;
	else if (n->orders_nr >= NODE_ORDERS_MAX)
		r = -EBUSY;
	else
		o = calloc(1, sizeof(*o));
	if (o && params) {
		o->number = n->orders_made++;
		o->is_run = !strcmp(method, "Run");
		o->is_kill = !strcmp(method, "Kill");
		o->task = task ? strdup(task) : NULL;
		r = n->way->send(n, o->number, method, params);
	}
	json_decref(params);
	if (r) {
		if (o)
			free(o->task);
		free(o);
		return r;
	}
	STAILQ_INSERT_TAIL(&n->orders, o, link);
	n->orders_nr++;
	if (ret)
		*ret = o;
	return 0;
}

int agents_launch(struct agents *a, const char *node, json_t *spec, struct why *why)
{
	int r = order(a, node, "Run", field_str(spec, "id"), json_pack("{s:O}", "spec", spec),
		      NULL);

	return r < 0 ? why_set(why, r, "node %s", node) : 0;
}

int agents_kill(struct agents *a, const char *node, const char *task, uint32_t grace_ms)
{
	return order(a, node, "Kill", task,
		     json_pack("{s:s, s:I}", "id", task, "grace_ms", (json_int_t)grace_ms), NULL);
}

int agents_update(struct agents *a, const char *node, const char *task, json_t *resources)
{
	return order(a, node, "Update", task,
		     json_pack("{s:s, s:O}", "id", task, "resources", resources), NULL);
}

int agents_drain(struct agents *a, const char *node, bool on)
{
	return order(a, node, "Drain", NULL, json_pack("{s:b}", "off", !on), NULL);
}

int agents_log(struct agents *a, const char *node, const char *task, const char *stream,
	       size_t bytes, void (*done)(void *arg, const char *text, const char *why), void *arg)
{
	struct node_order *o;
	int r = order(a, node, "Logs", task,
		      json_pack("{s:s, s:s, s:I}", "id", task, "stream", stream, "tail_bytes",
				(json_int_t)bytes),
		      &o);

	if (r)
		return r;
	o->done = done;
	o->arg = arg;
	return 0;
}
