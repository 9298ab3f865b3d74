// SPDX-License-Identifier: Apache-2.0
/* What is in each column, see columns.h. */
#include "tools/dcostop/columns.h"

#include <math.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/common/text.h"

#define ID_WIDTH_MIN  8
#define ID_WIDTH_WISH 17 /* so that columns do not jump when tasks come and go */
#define WHY_WIDTH     9
#define WHY_WIDTH_MAX 40 /* the word and its numbers */
#define RANK_WHY      3 /* in sets without ranks of their own */
#define RANK_NODE     3
#define LIMIT_WARNING 0.80 /* of memory and pids */
#define LIMIT_BAD     0.95

static const struct top_column text_columns[] = {
	{TOP_SORT_ID, "ID", "name of the task", ID_WIDTH_MIN, true},
	{TOP_SORT_STATE, "STATE", "as in dcosctl ps; REMOVED: forgotten", 8, true},
	{TOP_SORT_WHY, "WHY", "why it is slow, or how it ended (code, signal, oom, ?)", WHY_WIDTH,
	 true},
	{TOP_SORT_NODE, "NODE", "where it runs; with --cluster", 10, true},
};

static const char *const text_names[ARRAY_SIZE(text_columns)] = {"id", "state", "why", "node"};

/* What goes first when there is no room: the highest. Only the overview has an order of its own. */
static const struct {
	int by, rank;
} overview_ranks[] = {
	{M_CPU, 0},	   {M_WAIT_P99, 1}, {M_THROTTLED, 2}, {M_MEMORY, 3}, {TOP_SORT_STATE, 4},
	{TOP_SORT_WHY, 5}, {M_QUOTA, 6},    {M_WAIT_P50, 7},  {M_PIDS, 8},
};

static int rank_of(enum top_set set, const struct top_column *c, int place)
{
	if (c->by == TOP_SORT_NODE)
		return RANK_NODE;
	if (set != SET_OVERVIEW)
		return c->by == TOP_SORT_WHY ? RANK_WHY : place;
	for (size_t i = 0; i < ARRAY_SIZE(overview_ranks); i++)
		if (overview_ranks[i].by == c->by)
			return overview_ranks[i].rank;
	return place;
}

static struct top_column metric_column(int by)
{
	const struct top_metric_row *m = &top_metrics[by];

	return (struct top_column){by, m->title, m->help, m->width, false};
}

/* In the order of the screen; the set of the overview has the state as well. */
static int columns_of(const struct top_layout *l, enum top_set set, struct top_column *c)
{
	int nr = 0;

	c[nr++] = text_columns[0];
	if (l->nodes)
		c[nr++] = text_columns[3];
	if (set == SET_OVERVIEW)
		c[nr++] = text_columns[1];
	for (int i = 0; i < TOP_METRICS; i++)
		if (top_metrics[i].sets & (1U << set))
			c[nr++] = metric_column(i);
	c[nr++] = text_columns[2];
	return nr;
}

/* Keep those up to a rank. Return: their width with the blanks between, ids not counted. */
static int keep(struct top_layout *l, enum top_set set, int rank)
{
	struct top_column all[TOP_COLUMNS_MAX];
	int nr = columns_of(l, set, all), width = 0;

	l->nr = 0;
	for (int i = 0; i < nr; i++) {
		if (i && rank_of(set, &all[i], i) > rank)
			continue;
		if (i)
			width += 1 + all[i].width;
		l->columns[l->nr++] = all[i];
	}
	return width;
}

void layout_fit(struct top_layout *l, enum top_set set, int width, int id_width)
{
	struct top_column *why;
	int rank = TOP_COLUMNS_MAX, used = keep(l, set, rank), rest, id;

	while (rank > 0 && ID_WIDTH_MIN + used > width)
		used = keep(l, set, --rank);
	rest = width - used;
	id = id_width < ID_WIDTH_WISH ? ID_WIDTH_WISH : id_width;
	if (id > rest)
		id = rest > 1 ? rest : 1;
	l->columns[0].width = id;
	why = &l->columns[l->nr - 1];
	if (why->by == TOP_SORT_WHY && rest > id)
		why->width += rest - id < WHY_WIDTH_MAX ? rest - id : WHY_WIDTH_MAX;
}

void layout_all(struct top_layout *l, enum top_set set, int id_width)
{
	(void)keep(l, set, TOP_COLUMNS_MAX); /* the width does not matter */
	l->columns[0].width = id_width > ID_WIDTH_MIN ? id_width : ID_WIDTH_MIN;
	l->columns[l->nr - 1].width += WHY_WIDTH_MAX;
}

const char *column_name(int by)
{
	if (by < TOP_METRICS)
		return top_metrics[by].title;
	for (size_t i = 0; i < ARRAY_SIZE(text_columns); i++)
		if (text_columns[i].by == by)
			return text_columns[i].title;
	return "?";
}

int column_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(text_columns); i++)
		if (!strcmp(text_names[i], name))
			return text_columns[i].by;
	return metric_find(name);
}

int layout_at(const struct top_layout *l, int x)
{
	int end = 0;

	for (int i = 0; i < l->nr; i++) {
		end += l->columns[i].width + 1;
		if (x < end)
			return l->columns[i].by;
	}
	return -1;
}

static enum top_alarm alarm_above(double v, double warning, double bad)
{
	if (isnan(v) || !(warning > 0) || v < warning)
		return TOP_CALM;
	return bad > 0 && v >= bad ? TOP_BAD : TOP_WARNING;
}

static enum top_alarm alarm_limit(double v, double limit)
{
	return limit > 0 ? alarm_above(v / limit, LIMIT_WARNING, LIMIT_BAD) : TOP_CALM;
}

static enum top_alarm alarm_why(const struct top_row *row)
{
	switch (row->verdict.kind) {
	case VERDICT_ENDED:
		return row->failed ? TOP_BAD : TOP_CALM;
	case VERDICT_OK:
	case VERDICT_IDLE:
	case VERDICT_UNKNOWN:
		return TOP_CALM;
	default:
		return TOP_WARNING;
	}
}

static enum top_alarm alarm_state(const struct top_row *row)
{
	if (row->failed)
		return TOP_BAD;
	return row->running || row->ended ? TOP_CALM : TOP_WARNING;
}

enum top_alarm cell_alarm(const struct top_row *row, int by)
{
	switch (by) {
	case TOP_SORT_ID:
	case TOP_SORT_NODE:
		return TOP_CALM;
	case TOP_SORT_STATE:
		return alarm_state(row);
	case TOP_SORT_WHY:
		return alarm_why(row);
	case M_MEMORY:
		return alarm_limit(row->v[M_MEMORY], row->v[M_MEMORY_MAX]);
	case M_PIDS:
		return alarm_limit(row->v[M_PIDS], row->v[M_PIDS_MAX]);
	default:
		return alarm_above(row->v[by], top_metrics[by].warning, top_metrics[by].bad);
	}
}

/* An app's name ends in a slash; in a tree its tasks are below it. */
static void id_text(const struct top_layout *l, const struct top_row *row, char *buf, size_t size)
{
	if (row->tasks_nr)
		(void)snprintf(buf, size, "%s/", row->id); /* the cell is longer than any id */
	else
		(void)snprintf(buf, size, "%s%s", l->tree ? "  " : "", row->id);
}

static void cell_text(const struct top_layout *l, int i, const struct top_row *row, char *buf,
		      size_t size)
{
	const struct top_column *c = &l->columns[i];
	const struct verdict *why = &row->verdict;

	if (c->by < TOP_METRICS)
		metric_text(top_metrics[c->by].unit, row->v[c->by], buf, size);
	else if (c->by == TOP_SORT_ID)
		id_text(l, row, buf, size);
	else if (c->by == TOP_SORT_STATE)
		(void)snprintf(buf, size, "%s", row->state);
	else if (c->by == TOP_SORT_NODE)
		(void)snprintf(buf, size, "%s", row->node);
	else if (why->numbers[0] && c->width > WHY_WIDTH + 4)
		(void)snprintf(buf, size, "%s: %s", why->word, why->numbers);
	else
		(void)snprintf(buf, size, "%s", why->word);
}

static size_t pad(const struct top_layout *l, int i, const char *text, char *buf, size_t size)
{
	int width = l->columns[i].width, used;
	char fitted[TOP_CELL_MAX];
	bool last = i + 1 == l->nr;
	int n;

	used = text_fit(fitted, sizeof(fitted), text, width);
	if (l->columns[i].left)
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
		len += pad(l, i, l->columns[i].title, buf + len, size - len);
	}
}

size_t layout_cell(const struct top_layout *l, int i, const struct top_row *row, char *buf,
		   size_t size)
{
	char text[TOP_CELL_MAX];

	cell_text(l, i, row, text, sizeof(text));
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

void columns_help(void (*line)(const char *text, void *data), void *data)
{
	char text[160];

	for (size_t i = 0; i < ARRAY_SIZE(text_columns); i++) {
		(void)snprintf(text, sizeof(text), "%-7s %-14s %s", text_columns[i].title,
			       text_names[i], text_columns[i].help); /* all are short */
		line(text, data);
	}
	for (int i = 0; i < TOP_METRICS; i++) {
		(void)snprintf(text, sizeof(text), "%-7s %-14s %s", top_metrics[i].title,
			       top_metrics[i].name, top_metrics[i].help); /* as above */
		line(text, data);
	}
}
