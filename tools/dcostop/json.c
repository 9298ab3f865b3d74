// SPDX-License-Identifier: Apache-2.0
/* The view for programs: one JSON object a snapshot, counters already made into rates. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "agent/lib/cleanup.h"
#include "tools/common/client.h"
#include "tools/dcostop/view.h"

#define DECIMALS 1000.0 /* rates are rounded, so that the text stays short */

static json_t *rate(double v)
{
	return isnan(v) ? json_null() : json_real(round(v * DECIMALS) / DECIMALS);
}

static json_t *number(uint64_t v)
{
	return v > INT64_MAX ? json_null() : json_integer((json_int_t)v);
}

static json_t *row_json(const struct top_row *row)
{
	json_t *o = json_pack("{s:s, s:s}", "id", row->id, "state", row->state);
	const struct {
		const char *name;
		json_t *value;
	} fields[] = {
		{"cpu_pct", rate(row->cpu_pct)},
		{"quota_pct", rate(row->quota_pct)},
		{"throttled_pct", rate(row->throttled_pct)},
		{"wait_p50_us", number(row->wait_p50_us)},
		{"wait_p99_us", number(row->wait_p99_us)},
		{"wait_pct", rate(row->wait_pct)},
		{"memory_bytes", number(row->memory_bytes)},
		{"memory_max_bytes", number(row->memory_max_bytes)},
		{"pids", number(row->pids)},
		{"pids_max", number(row->pids_max)},
		{"switches_per_s", rate(row->switches_per_s)},
		{"forks_per_s", rate(row->forks_per_s)},
		{"device_denied_per_s", rate(row->denied_per_s)},
		{"exit", row->exit_doc ? json_incref(row->exit_doc) : json_null()},
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (json_object_set_new(o, fields[i].name, fields[i].value)) {
			/* also when there is no o: the others are given up, memory is short anyway */
			json_decref(o);
			return NULL;
		}
	return o;
}

int view_json(FILE *f, const struct top_model *m, const struct top_node *node,
	      const struct top_choice *choice)
{
	cleanup_free const struct top_row **rows = NULL;
	ssize_t nr = model_rows(m, choice->sort, choice->reverse, choice->filter, &rows);
	cleanup_json json_t *doc = NULL;
	json_t *tasks = json_array();

	if (nr < 0) {
		json_decref(tasks);
		return (int)nr;
	}
	for (ssize_t i = 0; i < nr; i++)
		if (json_array_append_new(tasks, row_json(rows[i]))) {
			json_decref(tasks);
			return -ENOMEM;
		}
	doc = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:i, s:o, s:o, s:I, s:o}", "node",
			node->name, "agent", node->version, "seq", (json_int_t)m->seq, "time_ns",
			(json_int_t)m->time_ns, "interval_ms", (json_int_t)m->interval_ms, "ncpu",
			(json_int_t)m->ncpu, "dropped", (json_int_t)m->dropped_nr, "running",
			(int)m->running_nr, "cpu_pct", rate(m->cpu_pct), "memory_bytes",
			number(m->memory_bytes), "node_memory_bytes",
			(json_int_t)node->memory_bytes, "tasks", tasks);
	if (!doc)
		return -ENOMEM;
	/* errors of the stream are seen when it is closed */
	(void)json_dumpf(doc, f, JSON_COMPACT | JSON_REAL_PRECISION(9));
	(void)fputc('\n', f);
	return 0;
}
