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

/* Rates have digits after the point, the others are whole. */
static json_t *value(int i, double v)
{
	if (isnan(v))
		return json_null();
	if (top_metrics[i].how == HOW_RATE || top_metrics[i].unit == UNIT_PERCENT)
		return rate(v);
	return json_integer((json_int_t)llrint(v));
}

static json_t *row_json(const struct top_row *row)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", row->id, "state", row->state,
			      "why", row->verdict.word, "why_numbers", row->verdict.numbers, "exit",
			      row->exit_doc ? json_incref(row->exit_doc) : json_null());

	if (o && row->node[0] && json_object_set_new(o, "node", json_string(row->node))) {
		json_decref(o);
		return NULL;
	}
	for (int i = 0; o && i < TOP_METRICS; i++)
		if (json_object_set_new(o, top_metrics[i].name, value(i, row->v[i]))) {
			json_decref(o);
			return NULL;
		}
	return o;
}

static json_t *rows_json(const struct top_rows *rows)
{
	json_t *tasks = json_array();

	for (size_t i = 0; tasks && i < rows->nr; i++)
		if (json_array_append_new(tasks, row_json(rows->rows[i]))) {
			json_decref(tasks);
			return NULL;
		}
	return tasks;
}

int view_json(FILE *f, const struct top_model *m, const struct top_node *node,
	      const struct top_choice *choice)
{
	cleanup_rows struct top_rows rows = {};
	cleanup_json json_t *doc = NULL;
	struct top_order order = choice->order;
	json_t *tasks;

	order.tree = false;
	if (model_rows(m, &order, &rows) < 0)
		return -ENOMEM;
	tasks = rows_json(&rows);
	if (!tasks)
		return -ENOMEM;
	doc = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:i, s:o, s:o, s:I, s:o}", "node",
			node->name, "agent", node->version, "seq", (json_int_t)m->seq, "time_ns",
			(json_int_t)m->time_ns, "interval_ms", (json_int_t)m->interval_ms, "ncpu",
			(json_int_t)m->ncpu, "dropped", (json_int_t)m->dropped_nr, "running_nr",
			(int)m->running_nr, "cpu", rate(m->cpu_pct), "mem", number(m->memory_bytes),
			"node_memory_bytes", (json_int_t)node->memory_bytes, "tasks", tasks);
	if (!doc)
		return -ENOMEM;
	/* errors of the stream are seen when it is closed */
	(void)json_dumpf(doc, f, JSON_COMPACT | JSON_REAL_PRECISION(9));
	(void)fputc('\n', f);
	return 0;
}
