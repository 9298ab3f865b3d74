// SPDX-License-Identifier: Apache-2.0
/* Snapshots of counters into rows of rates, see model.h. */
#include "tools/dcostop/model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/client.h"
#include "tools/common/text.h"

static const char *const hist_keys[TOP_HISTS] = {
	[HIST_WAIT] = "wait_hist_us",
	[HIST_DISK] = "disk_hist_us",
	[HIST_CONNECT] = "connect_hist_us",
	[HIST_RTT] = "rtt_hist_us",
};

static uint64_t number(const json_t *o, const char *key)
{
	int64_t v = key ? field_int(o, key, -1) : -1;

	return v < 0 ? TOP_UNKNOWN : (uint64_t)v;
}

/* Counts that are missing at the end are 0. */
static bool read_hist(const json_t *usage, const char *key, uint64_t *ret)
{
	const json_t *hist = json_object_get(usage, key), *v;
	size_t i;

	memset(ret, 0, HIST_CLASSES * sizeof(*ret));
	if (!json_is_array(hist) || json_array_size(hist) > HIST_CLASSES)
		return false;
	json_array_foreach (hist, i, v)
		ret[i] = (uint64_t)json_integer_value(v);
	return true;
}

static void read_counters(const json_t *usage, struct top_counters *ret)
{
	for (int i = 0; i < TOP_METRICS; i++) {
		bool plain = top_metrics[i].how != HOW_QUANTILE;

		ret->key[i] = plain ? number(usage, top_metrics[i].key) : TOP_UNKNOWN;
		ret->of[i] = number(usage, top_metrics[i].of);
	}
	for (int i = 0; i < TOP_HISTS; i++)
		ret->has_hist[i] = read_hist(usage, hist_keys[i], ret->hist[i]);
}

/* How much a counter has grown; TOP_UNKNOWN if either end is not known, or it went back. */
static uint64_t grown(uint64_t now, uint64_t before)
{
	if (now == TOP_UNKNOWN || before == TOP_UNKNOWN || now < before)
		return TOP_UNKNOWN;
	return now - before;
}

static double ratio(uint64_t part, uint64_t whole, double scale)
{
	if (part == TOP_UNKNOWN || whole == TOP_UNKNOWN)
		return NAN;
	return whole ? (double)part * scale / (double)whole : 0;
}

static double rate(uint64_t growth, uint64_t ns, double scale)
{
	return growth == TOP_UNKNOWN ? NAN : (double)growth * scale * 1e9 / (double)ns;
}

static bool hist_growth(const struct top_counters *now, const struct top_counters *before, int h,
			__u64 *ret)
{
	memset(ret, 0, HIST_CLASSES * sizeof(*ret));
	if (!now->has_hist[h] || !before->has_hist[h])
		return false;
	for (int i = 0; i < HIST_CLASSES; i++) {
		uint64_t g = grown(now->hist[h][i], before->hist[h][i]);

		if (g == TOP_UNKNOWN) {
			memset(ret, 0, HIST_CLASSES * sizeof(*ret));
			return false;
		}
		ret[i] = g;
	}
	return true;
}

static int hist_of(const struct top_metric_row *m)
{
	for (int h = 0; h < TOP_HISTS; h++)
		if (!strcmp(hist_keys[h], m->key))
			return h;
	return HIST_WAIT; /* no row names another */
}

static double growth_value(const struct top_row *row, int i, const struct top_counters *now,
			   const struct top_counters *before, const bool *known, uint64_t ns)
{
	const struct top_metric_row *m = &top_metrics[i];
	int h;

	switch (m->how) {
	case HOW_RATE:
		return rate(grown(now->key[i], before->key[i]), ns, m->scale);
	case HOW_SHARE:
		return ratio(grown(now->key[i], before->key[i]), grown(now->of[i], before->of[i]),
			     m->scale);
	default:
		h = hist_of(m);
		return known[h] ? (double)hist_quantile_us(row->hist[h], m->scale) : NAN;
	}
}

static double gauge_value(const struct top_row *row, int i, const struct top_counters *now)
{
	const struct top_metric_row *m = &top_metrics[i];
	uint64_t v = m->how == HOW_OPEN ? grown(now->key[i], now->of[i]) : now->key[i];

	if (v == TOP_UNKNOWN || (row->ended && m->live))
		return NAN;
	return (double)v * m->scale;
}

/* @before: NULL: there is nothing to compare with */
static void set_values(struct top_row *row, const struct top_counters *now,
		       const struct top_counters *before, uint64_t ns)
{
	bool known[TOP_HISTS] = {};

	for (int h = 0; h < TOP_HISTS; h++) {
		memset(row->hist[h], 0, sizeof(row->hist[h]));
		if (before)
			known[h] = hist_growth(now, before, h, row->hist[h]);
	}
	for (int i = 0; i < TOP_METRICS; i++) {
		if (top_metrics[i].how == HOW_GAUGE || top_metrics[i].how == HOW_OPEN)
			row->v[i] = gauge_value(row, i, now);
		else
			row->v[i] = before ? growth_value(row, i, now, before, known, ns) : NAN;
	}
}

size_t app_length(const char *id)
{
	const char *end = strrchr(id, '.');

	if (!end || end == id)
		end = strrchr(id, '-');
	return end && end != id ? (size_t)(end - id) : strlen(id);
}

static void set_app(const struct top_model *m, struct top_row *row)
{
	const char *label = field_str(m->apps, row->id);

	if (*label) /* longer ones are cut */
		(void)snprintf(row->app, sizeof(row->app), "%s", label);
	else
		(void)snprintf(row->app, sizeof(row->app), "%.*s", (int)app_length(row->id),
			       row->id);
}

static void set_row(const struct top_model *m, struct top_row *row, const json_t *usage)
{
	json_t *exit = json_object_get(usage, "exit");

	(void)snprintf(row->state, sizeof(row->state), "%s", field_str(usage, "state"));
	set_app(m, row);
	row->running = !strcmp(row->state, "RUNNING");
	row->ended = json_is_object(exit);
	(void)exit_text(exit, row->exit, sizeof(row->exit));
	row->failed = row->ended && strcmp(row->exit, "0") != 0;
	json_decref(row->exit_doc);
	row->exit_doc = row->ended ? json_incref(exit) : NULL;
}

static int by_id(const void *a, const void *b)
{
	const struct top_task *x = a, *y = b;

	return strcmp(x->row.id, y->row.id);
}

static int id_against(const void *key, const void *task)
{
	return strcmp(key, ((const struct top_task *)task)->row.id);
}

/* The task of an id, a new one if there is none. Return: NULL: no room or no memory. */
static struct top_task *find_task(struct top_model *m, const char *id, size_t known_nr)
{
	char key[TOP_ID_MAX];
	struct top_task *t;

	(void)snprintf(key, sizeof(key), "%s", id); /* longer ones are cut in the rows too */
	t = known_nr ? bsearch(key, m->tasks, known_nr, sizeof(*t), id_against) : NULL;
	if (t)
		return t;
	if (m->tasks_nr == m->tasks_cap) {
		size_t cap = m->tasks_cap ? m->tasks_cap * 2 : 64;

		if (cap > TOP_TASKS_MAX)
			return NULL;
		t = reallocarray(m->tasks, cap, sizeof(*t));
		if (!t)
			return NULL;
		m->tasks = t;
		m->tasks_cap = cap;
	}
	t = &m->tasks[m->tasks_nr++];
	*t = (struct top_task){};
	memcpy(t->row.id, key, sizeof(key));
	m->strangers_nr++;
	return t;
}

static void judge(struct top_row *row)
{
	verdict_of(row->v, row->ended ? row->exit : NULL, &row->verdict);
}

static void read_task(struct top_model *m, const json_t *usage, size_t known_nr)
{
	struct top_task *t = find_task(m, field_str(usage, "id"), known_nr);
	bool compare;
	struct top_counters now;

	if (!t) {
		m->hidden_nr++;
		return;
	}
	read_counters(usage, &now);
	set_row(m, &t->row, usage);
	compare = t->last_ns && t->last_ns < m->time_ns && !t->row.ended;
	set_values(&t->row, &now, compare ? &t->last : NULL, m->time_ns - t->last_ns);
	judge(&t->row);
	if (!t->row.ended)
		t->ended_ns = 0; /* also when an id is used again */
	else if (!t->ended_ns)
		t->ended_ns = m->time_ns;
	t->last = now;
	t->last_ns = m->time_ns;
	t->seen = true;
}

/* A task that the agent does not know any more: it ended, and was removed at once. */
static void mark_gone(struct top_model *m, struct top_task *t)
{
	struct top_row *row = &t->row;

	for (int i = 0; i < TOP_METRICS; i++)
		if (top_metrics[i].live || top_metrics[i].how != HOW_GAUGE)
			row->v[i] = NAN;
	row->running = false;
	if (t->ended_ns)
		return;
	row->ended = true;
	t->ended_ns = m->time_ns;
	(void)snprintf(row->state, sizeof(row->state), "REMOVED");
	(void)snprintf(row->exit, sizeof(row->exit), "?");
	judge(row);
}

static void drop_old(struct top_model *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->tasks_nr; i++) {
		struct top_task *t = &m->tasks[i];

		if (!t->seen)
			mark_gone(m, t);
		/* one that the agent still reports is kept, lest it be new again */
		if (!t->seen && t->ended_ns + TOP_ENDED_SHOW_NS < m->time_ns)
			json_decref(t->row.exit_doc);
		else if (&m->tasks[kept++] != t)
			m->tasks[kept - 1] = *t;
	}
	m->tasks_nr = kept;
}

bool model_shows(const struct top_model *m, const struct top_task *t)
{
	return !t->ended_ns || t->ended_ns + TOP_ENDED_SHOW_NS >= m->time_ns;
}

static void sum_up(struct top_model *m)
{
	m->running_nr = m->ended_nr = 0;
	m->cpu_pct = NAN;
	m->memory_bytes = TOP_UNKNOWN;
	for (size_t i = 0; i < m->tasks_nr; i++) {
		const struct top_row *row = &m->tasks[i].row;
		double cpu = row->v[M_CPU], memory = row->v[M_MEMORY];

		m->running_nr += row->running;
		m->ended_nr += row->ended && model_shows(m, &m->tasks[i]);
		if (!isnan(cpu))
			m->cpu_pct = (isnan(m->cpu_pct) ? 0 : m->cpu_pct) + cpu;
		if (!isnan(memory))
			m->memory_bytes = (m->memory_bytes == TOP_UNKNOWN ? 0 : m->memory_bytes) +
					  (uint64_t)memory;
	}
}

/* A longer interval than the agent's own makes every n-th snapshot come: that is no gap. */
static void count_gap(struct top_model *m, uint64_t seq, uint64_t interval_ms)
{
	uint64_t step = 1;

	if (interval_ms && m->wanted_ms > interval_ms)
		step = (m->wanted_ms + interval_ms - 1) / interval_ms;
	if (m->seq && seq > m->seq + step)
		m->dropped_nr += (seq - m->seq) / step - 1;
	m->seq = seq;
}

/* As the agent sends them, mostly; the rows are large, so that it is worth a look. */
static bool in_order(const struct top_model *m)
{
	for (size_t i = 1; i < m->tasks_nr; i++)
		if (by_id(&m->tasks[i - 1], &m->tasks[i]) > 0)
			return false;
	return true;
}

void model_skip(struct top_model *m, const json_t *snapshot)
{
	uint64_t seq = number(snapshot, "seq");

	if (seq != TOP_UNKNOWN)
		count_gap(m, seq, (uint64_t)field_int(snapshot, "interval_ms", 0));
}

void model_apps(struct top_model *m, json_t *apps)
{
	json_decref(m->apps);
	m->apps = json_incref(apps);
	for (size_t i = 0; i < m->tasks_nr; i++)
		set_app(m, &m->tasks[i].row);
}

void model_restart(struct top_model *m)
{
	m->seq = 0;
}

int model_read(struct top_model *m, const json_t *snapshot)
{
	const json_t *usages = json_object_get(snapshot, "usages"), *usage;
	uint64_t seq = number(snapshot, "seq"), time_ns = number(snapshot, "time_ns");
	size_t known_nr = m->tasks_nr, i;

	if (!json_is_array(usages) || seq == TOP_UNKNOWN || time_ns == TOP_UNKNOWN)
		return -EBADMSG;
	m->interval_ms = (uint64_t)field_int(snapshot, "interval_ms", 0);
	count_gap(m, seq, m->interval_ms);
	m->time_ns = time_ns;
	m->ncpu = (uint32_t)field_int(snapshot, "ncpu", 1);
	m->snapshots_nr++;
	m->hidden_nr = 0;
	for (i = 0; i < known_nr; i++)
		m->tasks[i].seen = false;
	json_array_foreach (usages, i, usage)
		read_task(m, usage, known_nr);
	drop_old(m);
	if (!in_order(m))
		qsort(m->tasks, m->tasks_nr, sizeof(*m->tasks), by_id);
	sum_up(m);
	return 0;
}

void model_begin(struct top_model *m, const struct top_model *like)
{
	model_reset(m);
	model_apps(m, like->apps);
	m->ncpu = like->ncpu;
	m->snapshots_nr = 1;
}

void model_put(struct top_model *m, const char *id, const char *node, const double *v)
{
	struct top_task *t = find_task(m, id, 0);

	if (!t)
		return;
	(void)snprintf(t->row.state, sizeof(t->row.state), "RUNNING");
	(void)snprintf(t->row.exit, sizeof(t->row.exit), "-");
	(void)snprintf(t->row.node, sizeof(t->row.node), "%s", node ?: ""); /* may be cut */
	t->row.running = true;
	memcpy(t->row.v, v, sizeof(t->row.v));
	set_app(m, &t->row);
	judge(&t->row);
}

void model_end(struct top_model *m, uint64_t time_ns)
{
	m->time_ns = time_ns;
	if (!in_order(m))
		qsort(m->tasks, m->tasks_nr, sizeof(*m->tasks), by_id);
	sum_up(m);
}

const struct top_row *model_find(const struct top_model *m, const char *id)
{
	const struct top_task *t =
		m->tasks_nr ? bsearch(id, m->tasks, m->tasks_nr, sizeof(*t), id_against) : NULL;

	return t && model_shows(m, t) ? &t->row : NULL;
}

void model_reset(struct top_model *m)
{
	for (size_t i = 0; i < m->tasks_nr; i++)
		json_decref(m->tasks[i].row.exit_doc);
	m->tasks_nr = 0;
	m->seq = 0;
	sum_up(m);
}

void model_done(struct top_model *m)
{
	model_reset(m);
	free(m->tasks);
	json_decref(m->apps);
	*m = (struct top_model){};
}
