// SPDX-License-Identifier: Apache-2.0
/* Which rows are shown and in which order, see model.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/dcostop/model.h"

/* What a row is sorted by, the greatest first; -1 for what nobody knows. */
static double sort_value(const struct top_row *row, int by)
{
	if (by == TOP_SORT_WHY)
		return row->verdict.kind;
	if (by >= TOP_METRICS)
		return 0;
	return isnan(row->v[by]) ? -1 : row->v[by];
}

static int compare_text(const struct top_row *x, const struct top_row *y, int by)
{
	int r = by == TOP_SORT_STATE  ? strcmp(x->state, y->state)
		: by == TOP_SORT_NODE ? strcmp(x->node, y->node)
				      : 0;

	return r ? r : strcmp(x->id, y->id);
}

static int compare_rows(const struct top_row *x, const struct top_row *y, const struct top_order *o)
{
	int sign = o->reverse ? -1 : 1;
	double vx, vy;

	if (x->ended != y->ended && o->by != TOP_SORT_ID)
		return x->ended ? 1 : -1;
	vx = sort_value(x, o->by);
	vy = sort_value(y, o->by);
	if (vx != vy)
		return vx > vy ? -sign : sign;
	return (o->by >= TOP_METRICS && o->by != TOP_SORT_WHY ? sign : 1) *
	       compare_text(x, y, o->by);
}

static int compare(const void *a, const void *b, void *arg)
{
	return compare_rows(*(const struct top_row *const *)a, *(const struct top_row *const *)b,
			    arg);
}

static bool same_app(const struct top_row *x, const struct top_row *y)
{
	return !strcmp(x->app, y->app);
}

static int compare_app(const void *a, const void *b)
{
	const struct top_row *x = *(const struct top_row *const *)a,
			     *y = *(const struct top_row *const *)b;
	int r = strcmp(x->app, y->app);

	return r ? r : strcmp(x->id, y->id);
}

static void add_values(struct top_row *app, const struct top_row *row)
{
	for (int i = 0; i < TOP_METRICS; i++) {
		double *sum = &app->v[i], v = row->v[i];

		if (isnan(v))
			continue;
		if (isnan(*sum))
			*sum = v;
		else
			*sum = top_metrics[i].add ? *sum + v : fmax(*sum, v);
	}
	if (row->verdict.kind > app->verdict.kind && row->verdict.kind < VERDICT_ENDED)
		app->verdict = row->verdict;
	app->running |= row->running;
	app->ended &= row->ended;
	app->tasks_nr++;
}

/* A row for each app; @rows are sorted by app. */
static void sum_apps(struct top_row *apps, const struct top_row *const *rows, size_t nr,
		     size_t *ret_nr)
{
	size_t apps_nr = 0;

	for (size_t i = 0; i < nr; i++) {
		struct top_row *app = apps_nr ? &apps[apps_nr - 1] : NULL;

		if (!app || !same_app(app, rows[i])) {
			app = &apps[apps_nr++];
			memcpy(app->id, rows[i]->app, sizeof(app->id));
			memcpy(app->app, rows[i]->app, sizeof(app->app));
			app->tasks_first = i;
			app->ended = true;
			for (int m = 0; m < TOP_METRICS; m++)
				app->v[m] = NAN;
		}
		add_values(app, rows[i]);
	}
	for (size_t i = 0; i < apps_nr; i++)
		(void)snprintf(apps[i].state, sizeof(apps[i].state), "%u task%s", apps[i].tasks_nr,
			       apps[i].tasks_nr == 1 ? "" : "s"); /* may be cut */
	*ret_nr = apps_nr;
}

/* Apps in their order, and below each its tasks in theirs. */
static int make_tree(const struct top_order *order, struct top_rows *r)
{
	struct top_row *apps = calloc(r->nr + 1, sizeof(*apps));
	cleanup_free const struct top_row **heads = calloc(r->nr + 1, sizeof(*heads));
	const struct top_row **lines = calloc(2 * r->nr + 1, sizeof(*lines));
	size_t apps_nr, nr = 0;

	r->apps = apps;
	if (!apps || !heads || !lines) {
		free(lines);
		return -ENOMEM;
	}
	qsort(r->rows, r->nr, sizeof(*r->rows), compare_app);
	sum_apps(apps, r->rows, r->nr, &apps_nr);
	for (size_t i = 0; i < apps_nr; i++)
		heads[i] = &apps[i];
	qsort_r(heads, apps_nr, sizeof(*heads), compare, (void *)order);
	for (size_t i = 0; i < apps_nr; i++) {
		const struct top_row *app = heads[i];

		lines[nr] = app;
		memcpy(lines + nr + 1, r->rows + app->tasks_first, app->tasks_nr * sizeof(*lines));
		qsort_r(lines + nr + 1, app->tasks_nr, sizeof(*lines), compare, (void *)order);
		nr += 1 + app->tasks_nr;
	}
	free(r->rows);
	r->rows = lines;
	r->nr = nr;
	return 0;
}

int model_rows(const struct top_model *m, const struct top_order *order, struct top_rows *ret)
{
	struct top_rows r = {.rows = calloc(m->tasks_nr + 1, sizeof(*r.rows))};
	int err = r.rows ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < m->tasks_nr; i++) {
		const struct top_task *t = &m->tasks[i];

		if (model_shows(m, t) && filter_match(order->filter, &t->row))
			r.rows[r.nr++] = &t->row;
	}
	if (!err && order->tree)
		err = make_tree(order, &r);
	else if (!err)
		qsort_r(r.rows, r.nr, sizeof(*r.rows), compare, (void *)order);
	if (err) {
		rows_done(&r);
		return err;
	}
	*ret = r;
	return 0;
}

void rows_done(struct top_rows *r)
{
	free(r->rows);
	free(r->apps);
	*r = (struct top_rows){};
}
