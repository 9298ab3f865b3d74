// SPDX-License-Identifier: Apache-2.0
/*
 * Tasks: what the nodes say about them. A task is written down before its node is told to start
 * it, so that an allocator that comes back knows whose it is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "tools/allocator/core.h"
#include "tools/allocator/health.h"
#include "tools/allocator/metered.h"
#include "tools/allocator/scaler.h"
#include "tools/allocator/stamp.h"

#define GRACE_MS	 3000 /* without taskKillGracePeriodSeconds */
#define PREEMPTED_MAX	 (APP_ID_MAX + 32) /* bytes of the reason */
#define STEADY_MS	 60000 /* who ran for so long ends a back-off */
#define RETURN_MS	 60000 /* for nodes to come back to an allocator that was restarted */
#define EXPUNGE_PER_TICK 20 /* tasks of lost nodes that are given up in one second */

static const char *const states[] = {
	[CORE_STAGING] = "TASK_STAGING",
	[CORE_RUNNING] = "TASK_RUNNING",
	[CORE_KILLING] = "TASK_KILLING",
	[CORE_UNREACHABLE] = "TASK_UNREACHABLE",
};

static void task_free(struct core_task *t)
{
	free(t->node);
	free(t->host);
	free(t->version);
	free(t->config);
	free(t->address);
	free(t->preempted_by);
	json_decref(t->health);
	free(t);
}

struct core_task *task_add(struct core *c, struct core_app *a, const char *id, const char *node,
			   const char *host)
{
	struct core_task *t = calloc(1, sizeof(*t));
	const char *config = app_text(json_object_get(a->def, "versionInfo"), "lastConfigChangeAt");

	if (!t)
		return NULL;
	(void)snprintf(t->id, sizeof(t->id), "%s", id); /* fits: launch.c made it, or a store */
	t->app = a;
	t->node = strdup(node);
	t->host = strdup(host);
	t->version = strdup(app_text(a->def, "version"));
	t->config = strdup(config);
	t->staged_ms = stamp_ms();
	if (!t->node || !t->host || !t->version || !t->config || core_enter_task(c, t)) {
		task_free(t);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&a->tasks, t, link);
	a->tasks_nr++;
	return t;
}

void task_gone(struct core *c, struct core_task *t)
{
	place_task_gone(c, t->id);
	scaler_task_gone(t);
	metered_task_gone(c, t);
	core_leave_task(c, t);
	TAILQ_REMOVE(&t->app->tasks, t, link);
	t->app->tasks_nr--;
	task_free(t);
}

static json_t *ports_json(const struct core_task *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->ports_nr; i++)
		(void)json_array_append_new(list, json_integer(t->ports[i])); /* else shorter */
	return list;
}

static json_t *stamp_json(uint64_t ms)
{
	char stamp[STAMP_SIZE];

	return ms ? json_string(stamp_make(stamp, ms)) : json_null();
}

static json_t *addresses_json(const struct core_task *t)
{
	if (!t->address)
		return json_array();
	return json_pack("[{s:s, s:s}]", "ipAddress", t->address, "protocol",
			 strchr(t->address, ':') ? "IPv6" : "IPv4");
}

json_t *task_json(const struct core_task *t)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:s, s:o, s:[], s:[], s:s}",
			 "id", t->id, "appId", t->app->id, "host", t->host, "slaveId", t->node,
			 "ports", ports_json(t), "ipAddresses", addresses_json(t), "state",
			 states[t->state], "stagedAt", stamp_json(t->staged_ms), "startedAt",
			 stamp_json(t->started_ms), "version", t->version, "healthCheckResults",
			 health_results(t), "localVolumes", "servicePorts", "role",
			 app_text(t->app->def, "role"));
}

int task_keep(struct core *c, const struct core_task *t)
{
	char key[CORE_TASK_ID_SIZE + 8];
	cleanup_free char *text = NULL;
	json_t *doc = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:I}", "app", t->app->id,
				"node", t->node, "host", t->host, "version", t->version, "config",
				t->config, "ports", ports_json(t), "staged",
				(json_int_t)t->staged_ms, "started", (json_int_t)t->started_ms);

	text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
	json_decref(doc);
	if (!text)
		return -ENOMEM;
	(void)snprintf(key, sizeof(key), "task/%s", t->id); /* fits */
	return keep_put(c, key, text);
}

/* One that comes back from the store though it ended is lost when its node has come. */
static void task_forget(struct core *c, struct core_task *t)
{
	char key[CORE_TASK_ID_SIZE + 8];

	(void)snprintf(key, sizeof(key), "task/%s", t->id); /* fits */
	if (keep_put(c, key, NULL) < 0)
		log_err("task %s is not forgotten", t->id);
	task_gone(c, t);
	core_turn(c);
}

int task_load(struct core *c, const char *key, const char *value)
{
	json_t *doc = json_loads(value, 0, NULL), *p;
	struct core_app *a = core_find_app(c, app_text(doc, "app") ?: "");
	struct core_task *t = a ? task_add(c, a, key + strlen("task/"), app_text(doc, "node") ?: "",
					   app_text(doc, "host"))
				: NULL;
	size_t i;

	if (t) {
		free(t->version);
		free(t->config);
		t->version = strdup(app_text(doc, "version") ?: "");
		t->config = strdup(app_text(doc, "config") ?: "");
		t->staged_ms = (uint64_t)json_integer_value(json_object_get(doc, "staged"));
		t->started_ms = (uint64_t)json_integer_value(json_object_get(doc, "started"));
		t->state = CORE_UNREACHABLE; /* until its node has come */
		t->lost_ms = mono_ms() + RETURN_MS;
		json_array_foreach (json_object_get(doc, "ports"), i, p)
			if (t->ports_nr < POLICY_PORTS_MAX)
				t->ports[t->ports_nr++] = (uint16_t)json_integer_value(p);
	}
	json_decref(doc);
	return 0; /* whose app is gone is killed when it is told of */
}

void task_kill(struct core *c, struct core_task *t)
{
	json_t *grace = json_object_get(t->app->def, "taskKillGracePeriodSeconds");
	uint32_t ms = grace ? (uint32_t)(json_number_value(grace) * 1000) : GRACE_MS;

	if (t->state == CORE_UNREACHABLE) { /* nobody is there to be told */
		task_forget(c, t);
		return;
	}
	c->counters.kills++;
	t->state = CORE_KILLING;
	if (agents_kill(c->agents, t->node, t->id, ms) == -ENOENT)
		task_forget(c, t);
}

/* ---- what nodes say ---- */

static void publish(struct core *c, const struct core_task *t, const char *state, const char *why)
{
	bus_publish(c->bus, "status_update_event",
		    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:o}", "slaveId", t->node,
			      "taskId", t->id, "taskStatus", state, "message", why ?: "", "appId",
			      t->app->id, "host", t->host, "ipAddresses", addresses_json(t),
			      "version", t->version, "ports", ports_json(t)));
}

void task_preempt(struct core *c, struct core_task *t, const char *by)
{
	char why[PREEMPTED_MAX];

	if (t->state == CORE_KILLING) /* it ends for a reason of its own */
		return;
	free(t->preempted_by);
	t->preempted_by = strdup(by); /* out of memory: it ends without the reason */
	(void)snprintf(why, sizeof(why), "preempted by %s", by); /* fits: an app's id */
	c->counters.preempted++;
	log_info("task %s: %s", t->id, why);
	publish(c, t, "TASK_KILLING", why);
	bus_publish(c->bus, "task_preempted_event",
		    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "taskId", t->id, "appId",
			      t->app->id, "host", t->host, "by", by, "role",
			      app_text(t->app->def, "role"), "reason", why));
	task_kill(c, t);
}

static void back_off(struct core_app *a)
{
	double first = app_number(a->def, "backoffSeconds");
	double most = app_number(a->def, "maxLaunchDelaySeconds");
	double next = a->backoff_s > 0 ? a->backoff_s * app_number(a->def, "backoffFactor") : first;

	a->backoff_s = next < most ? next : most;
	a->hold_until_ms = mono_ms() + (uint64_t)(a->backoff_s * 1000);
}

static void note_failure(struct core *c, struct core_task *t, const char *state, const char *why)
{
	struct core_app *a = t->app;
	char stamp[STAMP_SIZE];

	c->counters.failed++;
	if (t->started_ms && stamp_ms() > t->started_ms + STEADY_MS)
		a->backoff_s = 0;
	back_off(a);
	json_decref(a->last_failure);
	a->last_failure = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "appId", a->id, "host",
				    t->host, "message", why, "state", state, "taskId", t->id,
				    "timestamp", stamp_now(stamp), "version", t->version);
}

static void ended(struct core *c, struct core_task *t, const char *state, json_t *status)
{
	const char *why = app_text(status, "reason") ?: "";
	char name[32], preempted[PREEMPTED_MAX];

	(void)snprintf(name, sizeof(name), "TASK_%s", state); /* fits: one of five */
	if (t->preempted_by) {
		(void)snprintf(preempted, sizeof(preempted), "preempted by %s",
			       t->preempted_by); /* fits */
		why = preempted;
	}
	publish(c, t, name, why);
	c->counters.ended++;
	if (t->state != CORE_KILLING && !t->app->doomed)
		note_failure(c, t, name, why);
	task_forget(c, t);
}

static void runs(struct core *c, struct core_task *t, json_t *status)
{
	const char *address = app_text(status, "address");
	bool news = t->state == CORE_STAGING || t->state == CORE_UNREACHABLE;

	if (address && (!t->address || strcmp(t->address, address) != 0)) {
		free(t->address);
		t->address = strdup(address);
	}
	if (!t->started_ms) {
		t->started_ms = stamp_ms();
		if (task_keep(c, t) < 0)
			log_warn("task %s: its start is not written down", t->id);
	}
	if (t->state != CORE_KILLING)
		t->state = CORE_RUNNING;
	t->inactive = false;
	if (news)
		publish(c, t, "TASK_RUNNING", "");
	health_take(c, t, status);
	if (t->preempted_by && t->state == CORE_RUNNING)
		task_kill(c, t); /* the order was lost with its node, and somebody waits for it */
}

static bool is_end(const char *state)
{
	return !strcmp(state, "FINISHED") || !strcmp(state, "FAILED") || !strcmp(state, "KILLED") ||
	       !strcmp(state, "LOST");
}

static void on_status(void *arg, const char *node, json_t *status, void (*ack)(void *),
		      void *ack_arg)
{
	const char *id = app_text(status, "task"), *state = app_text(status, "state");
	struct core *c = arg;
	struct core_task *t = id ? core_find_task(c, id) : NULL;

	c->counters.statuses++;
	if (t && state && !strcmp(t->node, node)) {
		if (is_end(state))
			ended(c, t, state, status);
		else if (!strcmp(state, "RUNNING"))
			runs(c, t, status);
	} else {
		c->counters.statuses_unknown++;
		/* one that was given up; of other origin it is left alone */
		if (id && state && !t && !is_end(state) && !strncmp(id, "app.", 4))
			(void)agents_kill(c->agents, node, id, GRACE_MS); /* it tells how it ends */
	}
	if (ack)
		ack(ack_arg);
	core_turn(c);
}

/* ---- nodes ---- */

static void lose_tasks(struct core *c, const char *node, bool gone)
{
	struct core_home *home = core_find_home(c, node);
	struct core_task *t;

	if (!home)
		return;
	LIST_FOREACH(t, &home->tasks, on_node)
	{
		if (t->state == CORE_UNREACHABLE)
			continue;
		t->state = CORE_UNREACHABLE;
		t->lost_ms = mono_ms();
		publish(c, t, gone ? "TASK_GONE" : "TASK_UNREACHABLE", "the node is lost");
	}
}

static const char *node_state(enum agents_state s)
{
	switch (s) {
	case AGENTS_ACTIVE:
		return "active";
	case AGENTS_DRAINING:
		return "draining";
	case AGENTS_UNREACHABLE:
		return "unreachable";
	case AGENTS_GONE:
		return "gone";
	}
	return "?";
}

static json_t *node_json(const struct agents_node *n)
{
	return json_pack("{s:s, s:s, s:s, s:O?, s:f, s:I, s:I, s:I, s:O?, s:O?, s:s?}", "id", n->id,
			 "hostname", n->hostname ?: n->id, "state", node_state(n->state),
			 "attributes", n->attributes, "cpus", (double)n->cpus_milli / 1000,
			 "memory", (json_int_t)n->memory, "disk", (json_int_t)n->disk, "network",
			 (json_int_t)n->network_bps, "ports", n->ports, "doctor", n->doctor,
			 "version", n->version);
}

static void on_node(void *arg, const struct agents_node *n)
{
	struct core *c = arg;
	struct core_node *known = core_find_node(c, n->id);
	cleanup_free char *host = strdup(n->hostname ?: n->id);

	if (!host)
		return;
	if (!known) {
		known = calloc(1, sizeof(*known));
		if (!known)
			return;
		known->id = strdup(n->id);
		if (!known->id || core_enter_node(c, known)) {
			free(known->id);
			free(known);
			return;
		}
		LIST_INSERT_HEAD(&c->nodes, known, link);
	}
	json_decref(known->doc);
	known->doc = node_json(n);
	free(known->host);
	known->host = take_ptr(host);
	known->state = n->state;
	if (place_node(c, n) < 0)
		log_warn("node %s cannot be used", n->id);
	if (n->state == AGENTS_UNREACHABLE || n->state == AGENTS_GONE)
		lose_tasks(c, n->id, n->state == AGENTS_GONE);
	bus_publish(c->bus, "node_changed_event",
		    json_pack("{s:s, s:s}", "node", n->id, "state", node_state(n->state)));
	core_turn(c);
}

static void on_report(void *arg, const char *node, json_t *tasks, uint64_t at_ms)
{
	(void)at_ms; /* of the node's clock */
	metered_report(arg, node, tasks);
	scaler_report(arg, node, tasks);
}

/* What an order that was lost on the way was to start, and what ended while nobody looked. */
static void on_all(void *arg, const char *node, const json_t *tasks)
{
	json_t *status = json_pack("{s:s}", "reason", "the node does not know it");
	struct core *c = arg;
	struct core_home *home = core_find_home(c, node);
	struct core_task *t = home ? LIST_FIRST(&home->tasks) : NULL, *next;

	for (; t; t = next) { /* the home goes with the last */
		next = LIST_NEXT(t, on_node);
		if (!json_object_get(tasks, t->id))
			ended(c, t, "LOST", status);
	}
	json_decref(status);
}

static bool is_lost(const struct core_task *t, const char *key, uint64_t now)
{
	const json_t *u = json_object_get(t->app->def, "unreachableStrategy");

	if (t->state != CORE_UNREACHABLE || !json_is_object(u))
		return false;
	return now >= t->lost_ms + 1000 * (uint64_t)json_integer_value(json_object_get(u, key));
}

void tasks_tick(struct core *c)
{
	unsigned int left = EXPUNGE_PER_TICK;
	uint64_t now = mono_ms();
	struct core_app *a;
	struct core_task *t, *next;

	LIST_FOREACH(a, &c->apps, link)
	for (t = TAILQ_FIRST(&a->tasks); t && left; t = next) {
		next = TAILQ_NEXT(t, link);
		if (is_lost(t, "expungeAfterSeconds", now)) {
			publish(c, t, "TASK_LOST", "unreachable for too long");
			task_forget(c, t);
			left--;
		} else if (!t->inactive && is_lost(t, "inactiveAfterSeconds", now)) {
			t->inactive = true;
			left--;
		}
	}
}

const struct agents_ops core_agents_ops = {
	.node = on_node,
	.status = on_status,
	.report = on_report,
	.all = on_all,
};
