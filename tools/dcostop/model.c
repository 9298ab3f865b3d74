// SPDX-License-Identifier: Apache-2.0
/* Snapshots of counters into rows of rates, see model.h. */
#include "tools/dcostop/model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/client.h"
#include "tools/common/text.h"

static uint64_t number(const json_t *o, const char *key)
{
	int64_t v = field_int(o, key, -1);

	return v < 0 ? TOP_UNKNOWN : (uint64_t)v;
}

static void read_counters(const json_t *usage, struct top_counters *ret)
{
	const json_t *hist = json_object_get(usage, "wait_hist_us");

	*ret = (struct top_counters){
		.cpu_ns = number(usage, "cpu_ns"),
		.wait_ns = number(usage, "wait_ns"),
		.nr_periods = number(usage, "nr_periods"),
		.nr_throttled = number(usage, "nr_throttled"),
		.nr_switches = number(usage, "nr_switches"),
		.nr_forks = number(usage, "nr_forks"),
		.device_denied = number(usage, "device_denied"),
	};
	if (json_array_size(hist) != TOP_HIST)
		ret->wait_hist[0] = TOP_UNKNOWN;
	else
		for (size_t i = 0; i < TOP_HIST; i++)
			ret->wait_hist[i] = (uint64_t)json_integer_value(json_array_get(hist, i));
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

uint64_t wait_quantile_us(const uint64_t *hist, double q)
{
	uint64_t total = 0, seen = 0, rank;
	int i;

	for (i = 0; i < TOP_HIST; i++)
		total += hist[i];
	if (!total)
		return 0;
	rank = (uint64_t)ceil(q * (double)total);
	if (rank < 1)
		rank = 1;
	for (i = 0; i < TOP_HIST - 1; i++) {
		seen += hist[i];
		if (seen >= rank)
			break;
	}
	return UINT64_C(2) << i;
}

static void set_waits(struct top_row *row, const struct top_counters *now,
		      const struct top_counters *before)
{
	uint64_t hist[TOP_HIST];

	if (now->wait_hist[0] == TOP_UNKNOWN || before->wait_hist[0] == TOP_UNKNOWN)
		return;
	for (int i = 0; i < TOP_HIST; i++) {
		hist[i] = grown(now->wait_hist[i], before->wait_hist[i]);
		if (hist[i] == TOP_UNKNOWN)
			return;
	}
	row->wait_p50_us = wait_quantile_us(hist, 0.50);
	row->wait_p99_us = wait_quantile_us(hist, 0.99);
}

static void clear_rates(struct top_row *row)
{
	row->cpu_pct = row->throttled_pct = row->wait_pct = NAN;
	row->switches_per_s = row->forks_per_s = row->denied_per_s = NAN;
	row->wait_p50_us = row->wait_p99_us = TOP_UNKNOWN;
}

static void set_rates(struct top_row *row, const struct top_counters *now,
		      const struct top_counters *before, uint64_t ns)
{
	clear_rates(row);
	if (!ns)
		return;
	row->cpu_pct = ratio(grown(now->cpu_ns, before->cpu_ns), ns, 100);
	row->wait_pct = ratio(grown(now->wait_ns, before->wait_ns), ns, 100);
	row->throttled_pct = ratio(grown(now->nr_throttled, before->nr_throttled),
				   grown(now->nr_periods, before->nr_periods), 100);
	row->switches_per_s = ratio(grown(now->nr_switches, before->nr_switches), ns, 1e9);
	row->forks_per_s = ratio(grown(now->nr_forks, before->nr_forks), ns, 1e9);
	row->denied_per_s = ratio(grown(now->device_denied, before->device_denied), ns, 1e9);
	set_waits(row, now, before);
}

static void set_row(struct top_row *row, const json_t *usage)
{
	json_t *exit = json_object_get(usage, "exit");
	uint64_t quota = number(usage, "cpu_quota_millionths");

	(void)snprintf(row->state, sizeof(row->state), "%s", field_str(usage, "state"));
	row->running = !strcmp(row->state, "RUNNING");
	row->ended = json_is_object(exit);
	(void)exit_text(exit, row->exit, sizeof(row->exit));
	row->failed = row->ended && strcmp(row->exit, "0") != 0;
	json_decref(row->exit_doc);
	row->exit_doc = row->ended ? json_incref(exit) : NULL;
	row->quota_pct = quota == TOP_UNKNOWN ? NAN : (double)quota / 1e4;
	row->memory_bytes = row->ended ? TOP_UNKNOWN : number(usage, "memory_bytes");
	row->memory_max_bytes = number(usage, "memory_max_bytes");
	row->pids = row->ended ? TOP_UNKNOWN : number(usage, "pids");
	row->pids_max = number(usage, "pids_max");
}

static int by_id(const void *a, const void *b)
{
	const struct top_task *x = a, *y = b;

	return strcmp(x->row.id, y->row.id);
}

/* The task of an id, a new one if there is none. Return: NULL: no room or no memory. */
static struct top_task *find_task(struct top_model *m, const char *id, size_t known_nr)
{
	struct top_task *t, key;

	(void)snprintf(key.row.id, sizeof(key.row.id), "%s", id);
	t = known_nr ? bsearch(&key, m->tasks, known_nr, sizeof(*t), by_id) : NULL;
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
	(void)snprintf(t->row.id, sizeof(t->row.id), "%s", id);
	return t;
}

static void read_task(struct top_model *m, const json_t *usage, size_t known_nr)
{
	struct top_task *t = find_task(m, field_str(usage, "id"), known_nr);
	struct top_counters now;

	if (!t) {
		m->hidden_nr++;
		return;
	}
	read_counters(usage, &now);
	set_row(&t->row, usage);
	if (t->last_ns && t->last_ns < m->time_ns && !t->row.ended)
		set_rates(&t->row, &now, &t->last, m->time_ns - t->last_ns);
	else
		clear_rates(&t->row);
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
	clear_rates(&t->row);
	t->row.running = false;
	t->row.memory_bytes = t->row.pids = TOP_UNKNOWN;
	if (t->ended_ns)
		return;
	t->row.ended = true;
	t->ended_ns = m->time_ns;
	(void)snprintf(t->row.state, sizeof(t->row.state), "REMOVED");
	(void)snprintf(t->row.exit, sizeof(t->row.exit), "?");
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
		else
			m->tasks[kept++] = *t;
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

		m->running_nr += row->running;
		m->ended_nr += row->ended && model_shows(m, &m->tasks[i]);
		if (!isnan(row->cpu_pct))
			m->cpu_pct = (isnan(m->cpu_pct) ? 0 : m->cpu_pct) + row->cpu_pct;
		if (row->memory_bytes != TOP_UNKNOWN)
			m->memory_bytes = (m->memory_bytes == TOP_UNKNOWN ? 0 : m->memory_bytes) +
					  row->memory_bytes;
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

void model_skip(struct top_model *m, const json_t *snapshot)
{
	uint64_t seq = number(snapshot, "seq");

	if (seq != TOP_UNKNOWN)
		count_gap(m, seq, (uint64_t)field_int(snapshot, "interval_ms", 0));
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
	if (m->tasks_nr)
		qsort(m->tasks, m->tasks_nr, sizeof(*m->tasks), by_id);
	sum_up(m);
	return 0;
}

void model_done(struct top_model *m)
{
	for (size_t i = 0; i < m->tasks_nr; i++)
		json_decref(m->tasks[i].row.exit_doc);
	free(m->tasks);
	*m = (struct top_model){};
}
