// SPDX-License-Identifier: Apache-2.0
/*
 * The allocator's side of dcostop: what the tasks of all nodes use, as rates that it has made of
 * its nodes' reports. Only what it knows is there; the rest stays unknown.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/lib/cleanup.h"
#include "tools/common/http.h"
#include "tools/dcostop/top.h"

#define PATH	      "/v2/usage"
#define INTERVAL_MS   1000 /* nodes report so often */
#define PER_CENT      100.0
#define OF_A_THOUSAND 10.0 /* in % */

/* Field of an answer's task -> metric. */
static const struct {
	const char *key;
	enum top_metric metric;
	double scale;
} fields[] = {
	{"cpus", M_CPU, PER_CENT},
	{"memory", M_MEMORY, 1},
	{"throttled", M_THROTTLED, 1 / OF_A_THOUSAND},
	{"waitP99Us", M_WAIT_P99, 1},
	{"received", M_RX, 1},
	{"sent", M_TX, 1},
};

static void put_task(struct top_model *m, const json_t *task)
{
	double v[TOP_METRICS];
	const json_t *value;

	for (int i = 0; i < TOP_METRICS; i++)
		v[i] = NAN;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		value = json_object_get(task, fields[i].key);
		if (json_is_number(value))
			v[fields[i].metric] = json_number_value(value) * fields[i].scale;
	}
	model_put(m, field_str(task, "id"), field_str(task, "node"), v);
}

static void read_nodes(struct top *t, const json_t *nodes, struct top_model *like)
{
	size_t i, up = 0;
	double cpus = 0;
	json_t *n;

	t->node.memory_bytes = 0;
	json_array_foreach (nodes, i, n) {
		if (!strcmp(field_str(n, "state"), "unreachable"))
			continue;
		up++;
		cpus += json_number_value(json_object_get(n, "cpus"));
		t->node.memory_bytes += (uint64_t)field_int(n, "memory", 0);
	}
	(void)snprintf(t->node.name, sizeof(t->node.name), "%zu of %zu nodes", up,
		       json_array_size(nodes)); /* fits */
	like->ncpu = (uint32_t)cpus;
}

static void read_answer(struct top *t, const json_t *answer)
{
	const json_t *tasks = json_object_get(answer, "tasks"), *task;
	struct top_model *m = &t->model, like = {.apps = json_object()};
	uint64_t before = m->snapshots_nr;
	struct timespec now;
	size_t i;

	json_array_foreach (tasks, i, task)
		(void)json_object_set(like.apps, field_str(task, "id"),
				      json_object_get(task, "app")); /* else where its id says */
	read_nodes(t, json_object_get(answer, "nodes"), &like);
	(void)snprintf(t->node.version, sizeof(t->node.version), "%s",
		       field_str(answer, "version"));
	model_begin(m, &like);
	json_decref(like.apps);
	m->nodes = true;
	m->snapshots_nr = before + 1;
	m->seq = m->snapshots_nr;
	m->interval_ms = cluster_interval_ms(t);
	json_array_foreach (tasks, i, task)
		put_task(m, task);
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* a known clock */
	model_end(m, (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
}

/* The page of a task begins when it is opened: nobody remembers what was before. */
static void add_history(struct top *t)
{
	const struct top_row *row = model_find(&t->model, t->choice.selected);

	if (t->choice.mode != MODE_TASK || !row)
		return;
	if (strcmp(t->history.id, row->id) != 0)
		history_read(&t->history, row->id, NULL);
	history_add(&t->history, row->v, t->model.interval_ms);
}

uint64_t cluster_interval_ms(const struct top *t)
{
	return t->o.interval_ms.given ? t->o.interval_ms.value : INTERVAL_MS;
}

int cluster_read(struct top *t)
{
	const char *url = t->o.allocator ?: getenv(HTTP_URL_ENV) ?: HTTP_URL;
	cleanup_json json_t *answer = NULL;
	int status;

	t->why.text[0] = 0;
	status = http_ask(url, "GET", PATH, NULL, &answer, &t->why);
	if (status < 0)
		return status;
	if (status != 200 || !json_is_array(json_object_get(answer, "tasks")))
		return why_set(&t->why, -EBADMSG, "allocator %s: no answer to " PATH ": %d", url,
			       status);
	read_answer(t, answer);
	add_history(t);
	return 1;
}
