// SPDX-License-Identifier: Apache-2.0
/* The table as it was, see past.h. */
#include "tools/dcostop/past.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS 1000000

static struct top_history *copy(const struct top_history *h)
{
	struct top_history *c = malloc(sizeof(*c));

	if (c)
		*c = *h;
	return c;
}

int past_begin(struct past *p, const struct top_model *now, const struct top_order *order,
	       const struct top_history *known)
{
	struct top_order flat = *order;
	cleanup_rows struct top_rows rows = {};
	size_t nr;

	flat.tree = false;
	past_done(p);
	if (model_rows(now, &flat, &rows) < 0)
		return -ENOMEM;
	nr = rows.nr < PAST_TASKS_MAX ? rows.nr : PAST_TASKS_MAX;
	if (!nr)
		return -ENOENT;
	p->ids = calloc(nr, sizeof(*p->ids));
	p->of = calloc(nr, sizeof(*p->of));
	if (!p->ids || !p->of) {
		past_done(p);
		return -ENOMEM;
	}
	p->nr = nr;
	for (size_t i = 0; i < nr; i++) {
		memcpy(p->ids[i], rows.rows[i]->id, sizeof(*p->ids));
		if (known->nr && !strcmp(known->id, p->ids[i]))
			p->of[i] = copy(known); /* else it is asked for */
	}
	return 0;
}

const char *past_wants(struct past *p)
{
	while (p->next < p->nr && p->of[p->next])
		p->next++;
	return p->next < p->nr ? p->ids[p->next++] : NULL;
}

void past_add(struct past *p, const char *id, const json_t *reply)
{
	for (size_t i = 0; i < p->nr; i++) {
		if (p->of[i] || strcmp(p->ids[i], id) != 0)
			continue;
		p->of[i] = calloc(1, sizeof(*p->of[i]));
		if (p->of[i]) /* a task without history is one row less */
			history_read(p->of[i], id, reply);
		return;
	}
}

/* The last reading of all; their clocks are the agent's. */
static const struct top_history *newest(const struct past *p)
{
	const struct top_history *best = NULL;

	for (size_t i = 0; i < p->nr; i++)
		if (p->of[i] && p->of[i]->nr && (!best || p->of[i]->end_ns > best->end_ns))
			best = p->of[i];
	return best;
}

/* Which reading of a task was at a time; -1 none. */
static ssize_t reading_at(const struct top_history *h, uint64_t time_ns)
{
	double ago = ((double)h->end_ns - (double)time_ns) / ((double)h->interval_ms * NS_PER_MS);
	long long steps = llround(ago);

	return h->interval_ms && steps >= 0 && steps < (long long)h->nr
		       ? (ssize_t)h->nr - 1 - (ssize_t)steps
		       : -1;
}

static void put(struct past *p, const struct top_history *h, ssize_t i)
{
	double v[TOP_METRICS];

	for (int k = 0; k < TOP_METRICS; k++)
		v[k] = NAN;
	for (int s = 0; s < TOP_SERIES; s++)
		v[top_series[s].metric] = h->v[s][i];
	model_put(&p->model, h->id, NULL, v);
}

uint64_t past_show(struct past *p, size_t back, const struct top_model *now)
{
	const struct top_history *last = newest(p);
	uint64_t time_ns, ago_ms;

	model_begin(&p->model, now);
	if (!last)
		return 0;
	ago_ms = back * last->interval_ms;
	time_ns = last->end_ns > ago_ms * NS_PER_MS ? last->end_ns - ago_ms * NS_PER_MS : 0;
	for (size_t i = 0; i < p->nr; i++) {
		ssize_t at = p->of[i] && p->of[i]->nr ? reading_at(p->of[i], time_ns) : -1;

		if (at >= 0)
			put(p, p->of[i], at);
	}
	model_end(&p->model, time_ns);
	return ago_ms;
}

void past_done(struct past *p)
{
	for (size_t i = 0; i < p->nr && p->of; i++)
		free(p->of[i]);
	free(p->of);
	free(p->ids);
	model_done(&p->model);
	*p = (struct past){};
}
