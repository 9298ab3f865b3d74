// SPDX-License-Identifier: Apache-2.0
/* Which rows are shown and in which order, see model.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dcostop/model.h"

struct order {
	enum top_sort sort;
	bool reverse;
};

/* What a row is sorted by, the greatest first; -1 for what nobody knows. */
static double sort_value(const struct top_row *row, enum top_sort sort)
{
	uint64_t u = TOP_UNKNOWN;
	double d = NAN;

	switch (sort) {
	case TOP_SORT_CPU:
		d = row->cpu_pct;
		break;
	case TOP_SORT_MEMORY:
		u = row->memory_bytes;
		break;
	case TOP_SORT_WAIT:
		u = row->wait_p99_us;
		break;
	case TOP_SORT_THROTTLED:
		d = row->throttled_pct;
		break;
	case TOP_SORT_ID:
		return 0;
	}
	if (u != TOP_UNKNOWN)
		return (double)u;
	return isnan(d) ? -1 : d;
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct top_row *x = *(const struct top_row *const *)a;
	const struct top_row *y = *(const struct top_row *const *)b;
	const struct order *o = arg;
	int sign = o->reverse ? -1 : 1;
	double vx, vy;

	if (x->ended != y->ended && o->sort != TOP_SORT_ID)
		return x->ended ? 1 : -1;
	vx = sort_value(x, o->sort);
	vy = sort_value(y, o->sort);
	if (vx != vy)
		return vx > vy ? -sign : sign;
	return o->sort == TOP_SORT_ID ? sign * strcmp(x->id, y->id) : strcmp(x->id, y->id);
}

ssize_t model_rows(const struct top_model *m, enum top_sort sort, bool reverse, const char *filter,
		   const struct top_row ***ret)
{
	struct order order = {sort, reverse};
	const struct top_row **rows = calloc(m->tasks_nr + 1, sizeof(*rows));
	size_t nr = 0;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < m->tasks_nr; i++) {
		const struct top_task *t = &m->tasks[i];

		if (model_shows(m, t) && strstr(t->row.id, filter))
			rows[nr++] = &t->row;
	}
	qsort_r(rows, nr, sizeof(*rows), compare, &order);
	*ret = rows;
	return (ssize_t)nr;
}
