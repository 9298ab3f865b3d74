// SPDX-License-Identifier: Apache-2.0
/* The methods that show meters: Inspect, Subscribe, History, Metrics. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/api.h"
#include "agent/checkpoint.h"
#include "agent/enforcer.h"
#include "agent/flight.h"
#include "agent/history.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/jsonbuf.h"
#include "agent/sample.h"
#include "agent/self.h"
#include "agent/stream.h"

/* Text that is a whole document, as an object. */
static json_t *parsed(const struct jsonbuf *b)
{
	return b->err ? NULL : json_loadb(b->data, b->len, 0, NULL);
}

/* What was kept of a task's end: in its checkpoint, or here if that could not be written. */
static int ending_load(const struct task *t, struct checkpoint *ret)
{
	cleanup_free char *path = NULL, *text = NULL;

	if (t->ending) {
		json_auto_t *doc = NULL;

		/* its members begin with a comma */
		if (asprintf(&text, "{\"\":0%s}", t->ending) < 0)
			return -ENOMEM;
		doc = json_loads(text, 0, NULL);
		ret->flight = json_incref(json_object_get(doc, "flight"));
		ret->disks = json_incref(json_object_get(doc, "disks"));
		return doc ? 0 : -ENOMEM;
	}
	if (asprintf(&path, "%s/tasks/%s.json", t->node->cfg->state_dir, t->spec->ct.id) < 0)
		return -ENOMEM;
	return checkpoint_load(path, ret, NULL);
}

static json_t *disks_json(const struct task *t)
{
	cleanup_jsonbuf struct jsonbuf b = {};
	struct checkpoint c = {0};
	json_t *disks;

	if (!state_ended(t->state)) {
		sample_disks(&b, t);
		return parsed(&b);
	}
	disks = ending_load(t, &c) ? NULL : json_incref(c.disks);
	checkpoint_free(&c);
	return disks ? disks : json_array();
}

static int reply(struct vl_call *call, const struct jsonbuf *b)
{
	return b->err ? b->err : vl_reply_text(call, b->data, b->len);
}

int api_inspect(struct vl_call *call, json_t *params, void *userdata)
{
	const struct node *n = userdata;
	struct task *t = api_task(userdata, call, params);
	cleanup_free char *cgroup = NULL, *log = NULL;
	struct enforcer e, m;
	json_t *doc;

	if (!t)
		return 0;
	sample_task(t);
	if (asprintf(&cgroup, "%s/%s", n->cgroup_path, t->spec->ct.id) < 0 ||
	    asprintf(&log, "%s/logs/%s", n->cfg->state_dir, t->spec->ct.id) < 0)
		return -ENOMEM;
	enforcer_of(t, &e);
	enforcer_of_memory(t, &m);
	doc = json_pack("{so sO so so ss ss ss* ss* ss* ss*}", "task", api_task_json(t), "spec",
			t->spec->doc, "usage", sample_json(t), "disks", disks_json(t), "cgroup",
			cgroup, "log", log, "cpu_enforcer", e.name, "cpu_enforcer_why",
			e.name ? e.why : NULL, "memory_enforcer", m.name, "memory_enforcer_why",
			m.name ? m.why : NULL);
	return doc ? vl_reply(call, doc) : -ENOMEM;
}

int api_subscribe(struct vl_call *call, json_t *params, void *userdata)
{
	cleanup_jsonbuf struct jsonbuf b = {};
	struct node *n = userdata;
	int64_t interval_ms = 0;
	int rc;

	if (api_int(call, params, "interval_ms", 1, 3600000, &interval_ms))
		return 0;
	if (!vl_call_more(call)) {
		sample_snapshot(n, &b);
		return reply(call, &b);
	}
	rc = stream_subscribe(n, call, (uint64_t)interval_ms);
	return rc == -EUSERS ? api_limit(call, "subscribers", STREAM_SUBSCRIBERS_MAX) : rc;
}

/* Of the series of a flight record only the last @max values. */
static void cut(json_t *flight, size_t max)
{
	const char *name;
	json_t *values;

	json_object_foreach (json_object_get(flight, "series"), name, values)
		while (json_array_size(values) > max)
			(void)json_array_remove(values, 0); /* there is one */
}

static int reply_flight(struct vl_call *call, const struct task *t, int max)
{
	cleanup_jsonbuf struct jsonbuf b = {};
	struct checkpoint c = {0};
	json_t *flight = NULL;

	if (!ending_load(t, &c))
		flight = json_incref(c.flight);
	checkpoint_free(&c);
	if (!flight) { /* it ended while no agent ran, or under one that kept none */
		flight_print(t, 0, &b);
		return reply(call, &b);
	}
	cut(flight, (size_t)max);
	return vl_reply(call, flight);
}

int api_history(struct vl_call *call, json_t *params, void *userdata)
{
	struct node *n = userdata;
	struct task *t = api_task(n, call, params);
	cleanup_jsonbuf struct jsonbuf b = {};
	int64_t seconds = API_SECONDS_MAX;
	int max;

	if (!t || api_int(call, params, "seconds", 1, API_SECONDS_MAX, &seconds))
		return 0;
	max = flight_ticks(n, (uint64_t)seconds * 1000000);
	if (state_ended(t->state))
		return reply_flight(call, t, max);
	flight_print(t, max, &b);
	return reply(call, &b);
}

int api_metrics(struct vl_call *call, json_t *params, void *userdata)
{
	json_t *doc = json_pack("{so}", "agent", self_json(userdata));

	(void)params; /* none */
	return doc ? vl_reply(call, doc) : -ENOMEM;
}
