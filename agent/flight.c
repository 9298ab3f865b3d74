// SPDX-License-Identifier: Apache-2.0
/* The past of tasks: rates of their counters into the history, and back as text. */
#include "agent/flight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/history.h"
#include "agent/rates.h"

struct flight {
	struct rates rates;
	struct history_task *values;
	bool begun; /* there is a value */
};

struct flight *flight_free(struct flight *f)
{
	if (f)
		history_task_free(f->values);
	free(f);
	return NULL;
}

static struct flight *flight_new(const struct task *t)
{
	struct flight *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->values = history_task_new();
	if (!f->values)
		return flight_free(f);
	if (t->began_ns)
		rates_begin(&f->rates, t->began_ns);
	return f;
}

void flight_add(struct task *t, uint64_t time_ns, unsigned int ticks)
{
	uint64_t v[RATES];

	if (!t->node->history || !t->usage)
		return;
	if (!t->flight)
		t->flight = flight_new(t);
	if (!t->flight || rates_next(&t->flight->rates, t->usage, time_ns, v))
		return;
	history_add(t->node->history, t->flight->values, v, t->flight->begun ? ticks : 1);
	t->flight->begun = true;
}

int flight_last(const struct task *t, enum rate r, uint64_t *ret)
{
	uint16_t codes[HISTORY_SERIES][HISTORY_TICKS];
	const struct flight *f = t->flight;

	if (!f || !(f->rates.known & 1U << r) ||
	    history_read(t->node->history, f->values, 1, codes) != 1)
		return -ENODATA;
	*ret = history_decode(codes[r][0]);
	return 0;
}

int flight_ticks(const struct node *n, uint64_t us)
{
	uint64_t interval = n->cfg->meter_interval_us, ticks = (us + interval - 1) / interval;

	return ticks < HISTORY_TICKS ? (int)ticks : HISTORY_TICKS;
}

static void print_series(struct jsonbuf *b, const uint16_t *codes, int nr)
{
	for (int i = 0; i < nr; i++) {
		if (i)
			jb_lit(b, ",");
		jb_u64(b, history_decode(codes[i]));
	}
}

void flight_print(const struct task *t, int max, struct jsonbuf *b)
{
	uint16_t codes[HISTORY_SERIES][HISTORY_TICKS];
	const struct flight *f = t->flight;
	int nr = f ? history_read(t->node->history, f->values, max, codes) : 0;
	const char *sep = "";

	jb_lit(b, "{\"interval_ms\":");
	jb_u64(b, t->node->cfg->meter_interval_us / 1000);
	jb_lit(b, ",\"end_ns\":");
	jb_u64(b, f ? f->rates.time_ns : t->node->sampled_ns);
	jb_lit(b, ",\"series\":{");
	for (int s = 0; f && s < HISTORY_SERIES; s++) {
		if (!(f->rates.known & 1U << s))
			continue;
		jb_raw(b, sep, strlen(sep));
		sep = ",";
		jb_text(b, rates_name((enum rate)s));
		jb_lit(b, ":[");
		print_series(b, codes[s], nr);
		jb_lit(b, "]");
	}
	jb_lit(b, "}}");
}
