// SPDX-License-Identifier: Apache-2.0
/* The view for spreadsheets: RFC 4180, a line a task, all metrics. */
#include <errno.h>
#include <math.h>

#include "tools/dcostop/view.h"

/* Ids are plain names, but the agent is not trusted with that. */
static void put_text(FILE *f, const char *text)
{
	(void)fputc('"', f); /* errors of the stream are seen when it is closed */
	for (; *text; text++) {
		if (*text == '"')
			(void)fputc('"', f);
		(void)fputc(*text, f);
	}
	(void)fputc('"', f);
}

static void put_titles(FILE *f, const struct top_model *m)
{
	(void)fprintf(f, "time_ns,id,app,state,exit,why,numbers"); /* as above */
	for (int i = 0; i < TOP_METRICS; i++)
		(void)fprintf(f, ",%s", top_metrics[i].name);
	(void)fprintf(f, m->nodes ? ",node\r\n" : "\r\n");
}

static void put_row(FILE *f, const struct top_model *m, const struct top_row *row)
{
	const char *texts[] = {row->id,		  row->app,
			       row->state,	  row->ended ? row->exit : "",
			       row->verdict.word, row->verdict.numbers};

	(void)fprintf(f, "%llu", (unsigned long long)m->time_ns); /* as above */
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		(void)fputc(',', f);
		put_text(f, texts[i]);
	}
	for (int i = 0; i < TOP_METRICS; i++) {
		if (isnan(row->v[i]))
			(void)fputc(',', f);
		else
			(void)fprintf(f, ",%.*g", 9, row->v[i]);
	}
	if (m->nodes) {
		(void)fputc(',', f);
		put_text(f, row->node);
	}
	(void)fprintf(f, "\r\n");
}

int view_csv(FILE *f, const struct top_model *m, const struct top_choice *choice)
{
	cleanup_rows struct top_rows rows = {};
	struct top_order order = choice->order;

	order.tree = false;
	if (model_rows(m, &order, &rows) < 0)
		return -ENOMEM;
	if (m->snapshots_nr == 1)
		put_titles(f, m);
	for (size_t i = 0; i < rows.nr; i++)
		put_row(f, m, rows.rows[i]);
	return 0;
}
