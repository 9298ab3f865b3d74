// SPDX-License-Identifier: Apache-2.0
/* The part of a page that there is once: host, agent, exporter. */
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/common/client.h"
#include "tools/exporter/render.h"

struct node_page {
	struct out *o;
	const struct page_data *data;
	const struct page_options *options;
	enum page_format format;
};

static const struct labels no_labels = {NULL, 0};

static const json_t *object_of(const struct page_data *d, enum metric_from from)
{
	switch (from) {
	case FROM_INFO:
		return d->info;
	case FROM_AGENT:
		return d->agent;
	case FROM_SELF:
		return d->self;
	default: /* of a task */
		return NULL;
	}
}

static uint64_t states(const struct node_page *p, const struct metric *m)
{
	static const char *const names[] = {"STAGING",	"STARTING", "RUNNING", "KILLING",
					    "FINISHED", "FAILED",   "KILLED",  "LOST"};
	uint64_t counts[ARRAY_SIZE(names)] = {};
	const json_t *task;
	size_t i;

	if (!p->data->tasks)
		return 0;
	json_array_foreach (p->data->tasks, i, task)
		for (size_t s = 0; s < ARRAY_SIZE(names); s++)
			counts[s] += !strcmp(field_str(task, "state"), names[s]);
	for (size_t s = 0; s < ARRAY_SIZE(names); s++)
		render_labelled(p->o, m, no_labels, "state", names[s], counts[s]);
	return ARRAY_SIZE(names);
}

/* One series for each member of an object. */
static uint64_t members(const struct node_page *p, const struct metric *m, const char *label)
{
	json_t *map = json_object_get(p->data->agent, m->source), *count;
	const char *name;
	uint64_t nr = 0;

	json_object_foreach (map, name, count) {
		if (!json_is_integer(count) || json_integer_value(count) < 0 ||
		    nr == PAGE_MEMBERS_MAX)
			continue;
		render_labelled(p->o, m, no_labels, label, name,
				(uint64_t)json_integer_value(count));
		nr++;
	}
	return nr;
}

/* Programs may share a name, as those of each container do: one series for all of a name. */
static bool is_first_program(const json_t *list, size_t i)
{
	const char *name = field_str(json_array_get(list, i), "name");

	for (size_t k = 0; k < i; k++)
		if (!strcmp(field_str(json_array_get(list, k), "name"), name))
			return false;
	return true;
}

static uint64_t sum_of_program(const json_t *list, const char *name, const char *key)
{
	uint64_t sum = METRIC_UNKNOWN;
	const json_t *program;
	size_t i;

	json_array_foreach (list, i, program) {
		int64_t v = field_int(program, key, -1);

		if (v >= 0 && i < PAGE_PROGRAMS_MAX && !strcmp(field_str(program, "name"), name))
			sum = (sum == METRIC_UNKNOWN ? 0 : sum) + (uint64_t)v;
	}
	return sum;
}

static uint64_t programs(const struct node_page *p, const struct metric *m, const char *key)
{
	const json_t *list = json_object_get(p->data->agent, m->source), *program;
	uint64_t nr = 0;
	size_t i;

	json_array_foreach (list, i, program) {
		const char *name = field_str(program, "name");
		uint64_t v;

		if (i == PAGE_PROGRAMS_MAX)
			break;
		if (!is_first_program(list, i))
			continue;
		v = sum_of_program(list, name, key);
		if (v == METRIC_UNKNOWN)
			continue;
		render_labelled(p->o, m, no_labels, "program", name, v);
		nr++;
	}
	return nr;
}

/* One series of value 1 whose labels are fields of @object. */
static uint64_t info(const struct node_page *p, const struct metric *m, const json_t *object,
		     const char *const *fields)
{
	struct out text = {};

	if (!object)
		return 0;
	for (const char *const *f = fields; *f; f++) {
		if (f != fields)
			out_char(&text, ',');
		out_str(&text, *f);
		out_str(&text, "=\"");
		out_escaped(&text, field_str(object, *f), PAGE_VALUE_MAX);
		out_char(&text, '"');
	}
	render_value(p->o, m, "", (struct labels){text.data, text.len}, 1, 0);
	p->o->failed |= text.failed;
	out_free(&text);
	return 1;
}

static uint64_t special(const struct node_page *p, const struct metric *m)
{
	static const char *const agent_fields[] = {"version", "node", "cgroup", NULL};
	static const char *const build_fields[] = {"version", NULL};

	switch (m->special) {
	case SPECIAL_STATES:
		return states(p, m);
	case SPECIAL_LOSSES:
		return members(p, m, "what");
	case SPECIAL_EVENTS:
		return members(p, m, "kind");
	case SPECIAL_PROGRAM_TIME:
		return programs(p, m, "run_ns");
	case SPECIAL_PROGRAM_RUNS:
		return programs(p, m, "runs");
	case SPECIAL_PROGRAM_SKIPPED:
		return programs(p, m, "skipped");
	case SPECIAL_AGENT_INFO:
		return info(p, m, p->data->info, agent_fields);
	case SPECIAL_BUILD_INFO:
		return info(p, m, p->data->self, build_fields);
	case SPECIAL_NONE:
	case SPECIAL_TASK_INFO:
	case SPECIAL_TASK_STATE:
		break;
	}
	return 0;
}

static uint64_t plain(const struct node_page *p, const struct metric *m)
{
	const json_t *object = object_of(p->data, m->from);
	uint64_t v;

	if (m->type == METRIC_HISTOGRAM) {
		unsigned int nr = render_series_of_hist(m, object, p->options->bucket_step);

		render_hist(p->o, m, no_labels, object, p->options->bucket_step);
		return nr;
	}
	v = metric_value(m, object);
	if (v == METRIC_UNKNOWN)
		return 0;
	render_value(p->o, m, "", no_labels, v, m->decimals);
	if (!m->created || p->format != PAGE_OPENMETRICS)
		return 1;
	render_value(p->o, m, "_created", no_labels,
		     (uint64_t)field_int(p->data->self, "started_unix_us", 0), 6);
	return 2;
}

uint64_t render_node(struct out *o, const struct page_options *options,
		     const struct page_data *data, enum page_format format)
{
	const struct metric_table t = metrics_of_node();
	struct node_page p = {.data = data, .options = options, .format = format};
	uint64_t nr = 0;

	for (size_t i = 0, next; i < t.nr; i = next) {
		struct out lines = {};
		uint64_t family = 0;

		p.o = &lines;
		for (next = i; next == i || (next < t.nr && !metric_is_first(&t, next)); next++)
			family += t.rows[next].special ? special(&p, &t.rows[next])
						       : plain(&p, &t.rows[next]);
		if (family && render_is_wanted(&t.rows[i], options)) {
			render_family(o, &t.rows[i], format);
			out_mem(o, lines.data, lines.len);
			nr += family;
		}
		o->failed |= lines.failed;
		out_free(&lines);
	}
	return nr;
}
