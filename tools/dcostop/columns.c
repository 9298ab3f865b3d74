// SPDX-License-Identifier: Apache-2.0
/* What is in each column, see columns.h. */
#include "tools/dcostop/columns.h"

#include <math.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "tools/common/text.h"

#define STANDARD_RANK 8 /* columns up to here are there at 80 columns */
#define ID_WIDTH_MIN  8
#define ID_WIDTH_WISH 17 /* columns beyond the standard ones appear only beside this */

static void print_pct(double v, char *buf, size_t size)
{
	if (isnan(v))
		(void)snprintf(buf, size, "-");
	else
		(void)snprintf(buf, size, v < 999.95 ? "%.1f" : "%.0f", v);
}

static void print_whole(double v, char *buf, size_t size)
{
	if (isnan(v))
		(void)snprintf(buf, size, "-");
	else if (v < 99999.5)
		(void)snprintf(buf, size, "%.0f", v);
	else if (v < 99.5e6)
		(void)snprintf(buf, size, "%.0fk", v / 1e3);
	else
		(void)snprintf(buf, size, "%.0fM", v / 1e6);
}

static void print_us(uint64_t us, char *buf, size_t size)
{
	if (us == TOP_UNKNOWN)
		(void)snprintf(buf, size, "-");
	else
		(void)format_us(buf, size, us);
}

static void print_bytes(uint64_t bytes, char *buf, size_t size)
{
	if (bytes == TOP_UNKNOWN)
		(void)snprintf(buf, size, "-");
	else
		(void)format_bytes(buf, size, bytes);
}

static void print_id(const struct top_row *row, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s", row->id);
}

static void print_state(const struct top_row *row, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s", row->state);
}

static void print_cpu(const struct top_row *row, char *buf, size_t size)
{
	print_pct(row->cpu_pct, buf, size);
}

static void print_quota(const struct top_row *row, char *buf, size_t size)
{
	print_whole(row->quota_pct, buf, size);
}

static void print_throttled(const struct top_row *row, char *buf, size_t size)
{
	print_whole(row->throttled_pct, buf, size);
}

static void print_p50(const struct top_row *row, char *buf, size_t size)
{
	print_us(row->wait_p50_us, buf, size);
}

static void print_p99(const struct top_row *row, char *buf, size_t size)
{
	print_us(row->wait_p99_us, buf, size);
}

static void print_rss(const struct top_row *row, char *buf, size_t size)
{
	print_bytes(row->memory_bytes, buf, size);
}

static void print_pids(const struct top_row *row, char *buf, size_t size)
{
	print_whole(row->pids == TOP_UNKNOWN ? NAN : (double)row->pids, buf, size);
}

static void print_exit(const struct top_row *row, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s", row->exit);
}

static void print_limit(const struct top_row *row, char *buf, size_t size)
{
	print_bytes(row->memory_max_bytes, buf, size);
}

static void print_wait(const struct top_row *row, char *buf, size_t size)
{
	print_pct(row->wait_pct, buf, size);
}

static void print_switches(const struct top_row *row, char *buf, size_t size)
{
	print_whole(row->switches_per_s, buf, size);
}

static void print_forks(const struct top_row *row, char *buf, size_t size)
{
	print_whole(row->forks_per_s, buf, size);
}

static void print_denied(const struct top_row *row, char *buf, size_t size)
{
	print_whole(row->denied_per_s, buf, size);
}

static enum top_alarm alarm_above(double v, double warning, double bad)
{
	if (isnan(v) || v < warning)
		return TOP_CALM;
	return v < bad ? TOP_WARNING : TOP_BAD;
}

static enum top_alarm alarm_state(const struct top_row *row)
{
	if (row->failed)
		return TOP_BAD;
	return row->running || row->ended ? TOP_CALM : TOP_WARNING;
}

static enum top_alarm alarm_throttled(const struct top_row *row)
{
	return alarm_above(row->throttled_pct, 1, 25);
}

static enum top_alarm alarm_p99(const struct top_row *row)
{
	if (row->wait_p99_us == TOP_UNKNOWN)
		return TOP_CALM;
	return alarm_above((double)row->wait_p99_us, 20e3, 200e3);
}

static enum top_alarm alarm_memory(const struct top_row *row)
{
	if (row->memory_bytes == TOP_UNKNOWN || row->memory_max_bytes == TOP_UNKNOWN ||
	    !row->memory_max_bytes)
		return TOP_CALM;
	return alarm_above((double)row->memory_bytes / (double)row->memory_max_bytes, 0.80, 0.95);
}

static enum top_alarm alarm_pids(const struct top_row *row)
{
	if (row->pids == TOP_UNKNOWN || row->pids_max == TOP_UNKNOWN || !row->pids_max)
		return TOP_CALM;
	return alarm_above((double)row->pids / (double)row->pids_max, 0.80, 0.95);
}

static enum top_alarm alarm_exit(const struct top_row *row)
{
	return row->failed ? TOP_BAD : TOP_CALM;
}

static enum top_alarm alarm_denied(const struct top_row *row)
{
	return alarm_above(row->denied_per_s, 0.01, 1e9);
}

const struct top_column top_columns[] = {
	{"ID", ID_WIDTH_MIN, true, 0, print_id, NULL, "name of the task"},
	{"STATE", 8, true, 4, print_state, alarm_state, "as in dcosctl ps; REMOVED: forgotten"},
	{"CPU%", 6, false, 0, print_cpu, NULL, "CPU time; 100 is one CPU"},
	{"QUOTA", 5, false, 6, print_quota, NULL, "CPU quota in the same unit, - if none"},
	{"THR%", 4, false, 2, print_throttled, alarm_throttled,
	 "periods in which the quota ran out"},
	{"P50", 6, false, 7, print_p50, NULL, "wait for a CPU: half of the waits were shorter"},
	{"P99", 6, false, 1, print_p99, alarm_p99, "wait for a CPU: 99 % were shorter"},
	{"RSS", 5, false, 3, print_rss, alarm_memory, "memory in use"},
	{"PIDS", 5, false, 8, print_pids, alarm_pids, "processes and threads"},
	{"EXIT", 9, true, 5, print_exit, alarm_exit, "code, signal, oom, or ? if nobody knows"},
	{"MEMMAX", 6, false, 9, print_limit, NULL, "memory limit"},
	{"WAIT%", 6, false, 10, print_wait, NULL, "time that its threads waited for a CPU"},
	{"CSW/s", 6, false, 11, print_switches, NULL, "context switches"},
	{"FORK/s", 6, false, 12, print_forks, NULL, "processes and threads born"},
	{"DENY/s", 6, false, 13, print_denied, alarm_denied, "device accesses denied"},
	{},
};

/* Width of all columns up to a rank, with the blanks between, without the first. */
static int width_of_rank(int rank)
{
	int width = 0;

	for (const struct top_column *c = top_columns + 1; c->title; c++)
		if (c->rank <= rank)
			width += 1 + c->width;
	return width;
}

static void layout_rank(struct top_layout *l, int rank)
{
	l->nr = 0;
	for (const struct top_column *c = top_columns; c->title; c++)
		if (c->rank <= rank)
			l->columns[l->nr++] = c;
}

void layout_fit(struct top_layout *l, int width, int id_width)
{
	int best = 0, rest;

	for (const struct top_column *c = top_columns; c->title; c++) {
		int id = c->rank <= STANDARD_RANK   ? ID_WIDTH_MIN
			 : id_width > ID_WIDTH_WISH ? id_width
						    : ID_WIDTH_WISH;

		if (c->rank > best && id + width_of_rank(c->rank) <= width)
			best = c->rank;
	}
	layout_rank(l, best);
	rest = width - width_of_rank(best);
	l->id_width = id_width > ID_WIDTH_MIN ? id_width : ID_WIDTH_MIN;
	if (best >= STANDARD_RANK && l->id_width < ID_WIDTH_WISH)
		l->id_width = ID_WIDTH_WISH; /* columns should not jump when tasks come and go */
	if (l->id_width > rest)
		l->id_width = rest > 1 ? rest : 1;
}

void layout_all(struct top_layout *l, int id_width)
{
	layout_rank(l, STANDARD_RANK);
	l->id_width = id_width > ID_WIDTH_MIN ? id_width : ID_WIDTH_MIN;
}

static size_t pad(const struct top_layout *l, int i, const char *text, char *buf, size_t size)
{
	int width = i ? l->columns[i]->width : l->id_width, used;
	char fitted[TOP_CELL_MAX];
	bool last = i + 1 == l->nr;
	int n;

	used = text_fit(fitted, sizeof(fitted), text, width);
	if (l->columns[i]->left)
		n = snprintf(buf, size, "%s%*s", fitted, last ? 0 : width - used, "");
	else
		n = snprintf(buf, size, "%*s%s", width - used, "", fitted);
	if (n < 0)
		return 0;
	return (size_t)n < size ? (size_t)n : size - 1;
}

void layout_titles(const struct top_layout *l, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = 0;
	for (int i = 0; i < l->nr && len + 2 < size; i++) {
		if (i)
			buf[len++] = ' ';
		len += pad(l, i, l->columns[i]->title, buf + len, size - len);
	}
}

size_t layout_cell(const struct top_layout *l, int i, const struct top_row *row, char *buf,
		   size_t size)
{
	char text[TOP_CELL_MAX];

	l->columns[i]->print(row, text, sizeof(text));
	return pad(l, i, text, buf, size);
}

void layout_row(const struct top_layout *l, const struct top_row *row, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = 0;
	for (int i = 0; i < l->nr && len + 2 < size; i++) {
		if (i)
			buf[len++] = ' ';
		len += layout_cell(l, i, row, buf + len, size - len);
	}
}
