// SPDX-License-Identifier: Apache-2.0
/*
 * A page: the tasks as a matrix of values, one row of it a task, so that the families, which have
 * to stand together, are printed column by column without looking anything up again.
 */
#include "tools/exporter/page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/common/client.h"
#include "tools/exporter/render.h"

struct page_task {
	const json_t *usage, *exit, *task;
	size_t labels_at, labels_len; /* in struct page.labels */
	uint64_t *values; /* one of each row of the table; of a histogram the number of series */
	uint64_t series;
	bool kept;
};

struct page {
	const struct page_options *options;
	const struct page_data *data;
	struct metric_table table;
	bool wanted[METRIC_TASK_ROWS_MAX];
	struct page_task *tasks;
	size_t tasks_nr;
	uint64_t *values;
	struct out labels; /* the labels of all tasks, one after the other */
	const json_t **by_id; /* of List, sorted */
	size_t by_id_nr;
	struct page_totals totals;
};

static int compare_ids(const void *a, const void *b)
{
	return strcmp(field_str(*(json_t *const *)a, "id"), field_str(*(json_t *const *)b, "id"));
}

static int compare_id(const void *id, const void *task)
{
	return strcmp(id, field_str(*(json_t *const *)task, "id"));
}

static int sort_tasks(struct page *p)
{
	size_t nr = json_array_size(p->data->tasks);

	p->by_id = calloc(nr + 1, sizeof(*p->by_id));
	if (!p->by_id)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		p->by_id[i] = json_array_get(p->data->tasks, i);
	p->by_id_nr = nr;
	qsort(p->by_id, nr, sizeof(*p->by_id), compare_ids);
	return 0;
}

static const json_t *find_task(const struct page *p, const char *id)
{
	const json_t **found =
		p->by_id_nr ? bsearch(id, p->by_id, p->by_id_nr, sizeof(*p->by_id), compare_id)
			    : NULL;

	return found ? *found : NULL;
}

static void label(struct out *o, const char *name, const char *text)
{
	out_str(o, name);
	out_str(o, "=\"");
	out_escaped(o, text, PAGE_VALUE_MAX);
	out_char(o, '"');
}

/* As cAdvisor has them: id is the cgroup, name what people call it. */
static void set_labels(struct page *p, struct page_task *t)
{
	const char *cgroup = field_str(p->data->info, "cgroup");
	const char *name = field_str(t->usage, "id");
	struct out *o = &p->labels;

	t->labels_at = o->len;
	out_str(o, "id=\"");
	out_escaped(o, cgroup, PAGE_VALUE_MAX);
	out_char(o, '/');
	out_escaped(o, name, PAGE_VALUE_MAX);
	out_str(o, "\",");
	label(o, "image", field_str(t->task, "image"));
	out_char(o, ',');
	label(o, "name", name);
	t->labels_len = o->len - t->labels_at;
}

static const json_t *object_of(const struct page *p, const struct page_task *t,
			       enum metric_from from)
{
	switch (from) {
	case FROM_USAGE:
		return t->usage;
	case FROM_EXIT:
		return t->exit;
	case FROM_TASK:
		return t->task;
	case FROM_SELF:
		return p->data->self;
	default: /* there once */
		return NULL;
	}
}

static uint64_t read_value(const struct page *p, const struct page_task *t, const struct metric *m)
{
	const json_t *object = object_of(p, t, m->from);

	if (m->special)
		return m->special == SPECIAL_TASK_STATE || object ? 1 : METRIC_UNKNOWN;
	if (m->type != METRIC_HISTOGRAM)
		return metric_value(m, object);
	return render_series_of_hist(m, object, p->options->bucket_step) ?: METRIC_UNKNOWN;
}

static void read_task(struct page *p, struct page_task *t)
{
	const json_t *exit = json_object_get(t->usage, "exit");

	t->exit = json_is_object(exit) ? exit : NULL;
	t->task = find_task(p, field_str(t->usage, "id"));
	set_labels(p, t);
	for (size_t i = 0; i < p->table.nr; i++) {
		const struct metric *m = &p->table.rows[i];

		t->values[i] = p->wanted[i] ? read_value(p, t, m) : METRIC_UNKNOWN;
		if (t->values[i] != METRIC_UNKNOWN)
			t->series += m->type == METRIC_HISTOGRAM ? t->values[i] : 1;
	}
}

static int read_tasks(struct page *p)
{
	size_t nr = json_array_size(p->data->usages), i;
	const json_t *usage;
	int r = sort_tasks(p);

	if (r < 0)
		return r;
	p->tasks = calloc(nr + 1, sizeof(*p->tasks));
	p->values = calloc(nr + 1, p->table.nr * sizeof(*p->values));
	if (!p->tasks || !p->values)
		return -ENOMEM;
	for (i = 0; i < p->table.nr; i++)
		p->wanted[i] = render_is_wanted(&p->table.rows[i], p->options);
	json_array_foreach (p->data->usages, i, usage) {
		struct page_task *t = &p->tasks[p->tasks_nr];

		if (!*field_str(usage, "id"))
			continue;
		t->usage = usage;
		t->values = p->values + p->tasks_nr++ * p->table.nr;
		read_task(p, t);
	}
	return p->labels.failed ? -ENOMEM : 0;
}

/* Those that run, or those that ended, as long as there is room. Return: is there still. */
static bool keep(struct page *p, bool ended, bool room, uint64_t *left)
{
	for (size_t i = 0; i < p->tasks_nr; i++) {
		struct page_task *t = &p->tasks[i];

		if (!!t->exit != ended)
			continue;
		room = room && t->series <= *left;
		t->kept = room;
		if (room) {
			*left -= t->series;
			p->totals.series += t->series;
		} else {
			p->totals.tasks_dropped++;
			p->totals.series_dropped += t->series;
		}
	}
	return room;
}

/* A task's own labels become label_NAME; what is one name after that is there once. */
static void add_own_labels(struct page *p, struct out *text, const json_t *task)
{
	size_t begins[PAGE_LABELS_MAX], lens[PAGE_LABELS_MAX], nr = 0, k;
	json_t *own = json_object_get(task, "labels"), *value;
	const char *name;

	json_object_foreach (own, name, value) {
		size_t before = text->len, at;

		out_str(text, ",label_");
		at = text->len;
		out_label_name(text, name);
		for (k = 0; k < nr && !text->failed; k++)
			if (lens[k] == text->len - at &&
			    !memcmp(text->data + begins[k], text->data + at, lens[k]))
				break;
		if (k < nr || nr == PAGE_LABELS_MAX || !json_is_string(value)) {
			text->len = before;
			p->totals.labels_dropped++;
			continue;
		}
		begins[nr] = at;
		lens[nr++] = text->len - at;
		out_str(text, "=\"");
		out_escaped(text, json_string_value(value), PAGE_VALUE_MAX);
		out_char(text, '"');
	}
}

static void render_task_info(struct page *p, struct out *o, const struct metric *m,
			     struct labels labels, const json_t *task)
{
	struct out text = {};

	out_mem(&text, labels.text, labels.len);
	out_char(&text, ',');
	label(&text, "user", field_str(task, "user"));
	add_own_labels(p, &text, task);
	render_value(o, m, "", (struct labels){text.data, text.len}, 1, 0);
	o->failed |= text.failed;
	out_free(&text);
}

static void render_task(struct page *p, struct out *o, const struct page_task *t, size_t row)
{
	const struct labels labels = {p->labels.data + t->labels_at, t->labels_len};
	const struct metric *m = &p->table.rows[row];

	if (m->type == METRIC_HISTOGRAM)
		render_hist(o, m, labels, object_of(p, t, m->from), p->options->bucket_step);
	else if (m->special == SPECIAL_TASK_INFO)
		render_task_info(p, o, m, labels, t->task);
	else if (m->special == SPECIAL_TASK_STATE)
		render_labelled(o, m, labels, "state", field_str(t->usage, "state"), 1);
	else
		render_value(o, m, "", labels, t->values[row], m->decimals);
}

static void render_tasks(struct page *p, struct out *o, enum page_format format)
{
	size_t first = 0;
	bool begun = false;

	for (size_t row = 0; row < p->table.nr; row++) {
		if (metric_is_first(&p->table, row)) {
			first = row;
			begun = false;
		}
		for (size_t i = 0; i < p->tasks_nr; i++) {
			const struct page_task *t = &p->tasks[i];

			if (!t->kept || t->values[row] == METRIC_UNKNOWN)
				continue;
			if (!begun)
				render_family(o, &p->table.rows[first], format);
			begun = true;
			render_task(p, o, t, row);
		}
	}
}

static int set_totals(const struct page *p, uint64_t node_series)
{
	const struct page_totals *t = &p->totals;
	json_t *self = p->data->self;
	int64_t dropped = field_int(self, "series_dropped_before", 0);

	if (!self)
		return 0;
	/* with what other pages left out: it is a counter */
	if (json_object_set_new(self, "series",
				json_integer((json_int_t)(t->series + node_series))) ||
	    json_object_set_new(self, "series_dropped",
				json_integer((json_int_t)t->series_dropped + dropped)) ||
	    json_object_set_new(self, "tasks_dropped", json_integer((json_int_t)t->tasks_dropped)))
		return -ENOMEM;
	return 0;
}

/* The node's part is made twice: the first time only to know how much room it leaves. */
static int render(struct page *p, enum page_format format, struct out *o)
{
	struct out scratch = {};
	uint64_t left, node_series;
	int r = read_tasks(p) ?: set_totals(p, 0);

	if (r < 0)
		return r;
	node_series = render_node(&scratch, p->options, p->data, format);
	out_free(&scratch);
	left = p->options->max_series > node_series ? p->options->max_series - node_series : 0;
	(void)keep(p, true, keep(p, false, true, &left), &left);
	r = set_totals(p, node_series);
	if (r < 0)
		return r;
	p->totals.series += render_node(o, p->options, p->data, format);
	render_tasks(p, o, format);
	if (format == PAGE_OPENMETRICS)
		out_str(o, "# EOF\n");
	return o->failed ? -ENOMEM : 0;
}

int page_render(const struct page_options *options, const struct page_data *data,
		enum page_format format, struct out *o, struct page_totals *ret)
{
	struct page p = {.options = options, .data = data, .table = metrics_of_tasks()};
	int r = render(&p, format, o);

	free(p.tasks);
	free(p.values);
	free(p.by_id);
	out_free(&p.labels);
	if (!r)
		*ret = p.totals;
	return r;
}
