// SPDX-License-Identifier: Apache-2.0
/* Counters of an app's tasks, and what they say together. */
#include "tools/allocator/signals.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/hist.h"

#define PERMILLE 1000U
#define QUANTILE 0.99

enum counter {
	COUNT_CPU,
	COUNT_PERIODS,
	COUNT_THROTTLED,
	COUNT_RECEIVED,
	COUNT_SENT,
	COUNT_OPENED,
	COUNT_MEMORY, /* a gauge: may fall */
	COUNTERS
};

static const char *const counter_names[COUNTERS] = {
	[COUNT_CPU] = "cpu_ns",
	[COUNT_PERIODS] = "nr_periods",
	[COUNT_THROTTLED] = "nr_throttled",
	[COUNT_RECEIVED] = "rx_bytes",
	[COUNT_SENT] = "tx_bytes",
	[COUNT_OPENED] = "tcp_opened",
	[COUNT_MEMORY] = "memory_bytes",
};

enum histogram { HIST_WAIT, HIST_RTT, HISTS };

static const char *const hist_names[HISTS] = {
	[HIST_WAIT] = "wait_hist_us",
	[HIST_RTT] = "rtt_hist_us",
};

static const char *const names[SIGNALS] = {
	[SIGNAL_CPU] = "cpu",
	[SIGNAL_MEMORY] = "memory",
	[SIGNAL_THROTTLED] = "throttled",
	[SIGNAL_WAIT_P99] = "wait_p99",
	[SIGNAL_RTT_P99] = "rtt_p99",
	[SIGNAL_RECEIVED] = "received",
	[SIGNAL_SENT] = "sent",
	[SIGNAL_CONNECTIONS] = "connections",
};

struct reading {
	uint64_t at_ms; /* 0: there was none */
	uint64_t v[COUNTERS];
	bool has[COUNTERS];
	__u64 hist[HISTS][HIST_CLASSES];
};

struct task {
	char *id; /* first: what it is found by */
	struct task *next, *prev;
	struct reading was, is;
};

struct signals {
	void *by_id;
	struct task *first;
	uint32_t tasks_nr;
	uint64_t refused;
};

const char *signals_name(enum signal s)
{
	return (unsigned int)s < SIGNALS ? names[s] : "?";
}

int signals_parse(const char *name, enum signal *ret)
{
	for (unsigned int i = 0; i < SIGNALS; i++)
		if (!strcmp(name, names[i])) {
			*ret = i;
			return 0;
		}
	return -EINVAL;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct task *)a)->id, ((const struct task *)b)->id);
}

int signals_new(struct signals **ret)
{
	struct signals *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	*ret = s;
	return 0;
}

static void task_drop(struct signals *s, struct task *t)
{
	(void)tdelete(t, &s->by_id, by_id); /* it is in, or was never put in */
	if (t->prev)
		t->prev->next = t->next;
	else
		s->first = t->next;
	if (t->next)
		t->next->prev = t->prev;
	s->tasks_nr--;
	free(t->id);
	free(t);
}

struct signals *signals_free(struct signals *s)
{
	while (s && s->first)
		task_drop(s, s->first);
	free(s);
	return NULL;
}

static struct task *task_find(const struct signals *s, const char *id)
{
	struct task key = {.id = (char *)id}, **found = tfind(&key, &s->by_id, by_id);

	return found ? *found : NULL;
}

static struct task *task_new(struct signals *s, const char *id)
{
	struct task *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->id = strdup(id);
	if (!t->id || !tsearch(t, &s->by_id, by_id)) {
		free(t->id);
		free(t);
		return NULL;
	}
	t->next = s->first;
	if (s->first)
		s->first->prev = t;
	s->first = t;
	s->tasks_nr++;
	return t;
}

static void read_hist(const json_t *doc, __u64 *ret)
{
	size_t nr = json_array_size(doc);

	if (!json_is_array(doc))
		return; /* as it was */
	for (size_t i = 0; i < HIST_CLASSES; i++)
		ret[i] = i < nr ? (__u64)json_integer_value(json_array_get(doc, i)) : 0;
}

static void read_usage(const json_t *usage, uint64_t at_ms, struct reading *to)
{
	to->at_ms = at_ms;
	for (int i = 0; i < COUNTERS; i++) {
		const json_t *v = json_object_get(usage, counter_names[i]);

		if (!json_is_integer(v) || json_integer_value(v) < 0)
			continue;
		to->v[i] = (uint64_t)json_integer_value(v);
		to->has[i] = true;
	}
	for (int i = 0; i < HISTS; i++)
		read_hist(json_object_get(usage, hist_names[i]), to->hist[i]);
}

static bool went_back(const struct reading *was, const struct reading *is)
{
	for (int i = 0; i < COUNT_MEMORY; i++)
		if (is->v[i] < was->v[i])
			return true;
	for (int h = 0; h < HISTS; h++)
		for (int c = 0; c < HIST_CLASSES; c++)
			if (is->hist[h][c] < was->hist[h][c])
				return true;
	return false;
}

int signals_report(struct signals *s, const char *task, const json_t *usage, uint64_t at_ms)
{
	struct task *t = task_find(s, task);

	if (!t && s->tasks_nr >= SIGNALS_TASKS_MAX) {
		s->refused++;
		return -E2BIG;
	}
	if (!t)
		t = task_new(s, task);
	if (!t)
		return -ENOMEM;
	if (at_ms <= t->is.at_ms)
		return 0;
	t->was = t->is;
	read_usage(usage, at_ms, &t->is);
	if (went_back(&t->was, &t->is))
		t->was.at_ms = 0;
	return 0;
}

void signals_gone(struct signals *s, const char *task)
{
	struct task *t = task_find(s, task);

	if (t)
		task_drop(s, t);
}

static bool is_fresh(const struct task *t, uint64_t now_ms, uint64_t fresh_ms)
{
	return t->was.at_ms && (t->is.at_ms >= now_ms || now_ms - t->is.at_ms <= fresh_ms);
}

/* Growth in a second, times @scale. */
static double rate(const struct task *t, enum counter c, double scale)
{
	return (double)(t->is.v[c] - t->was.v[c]) * scale * 1000 /
	       (double)(t->is.at_ms - t->was.at_ms);
}

/* Thousandths of a CPU. */
static double cpu_milli(const struct task *t)
{
	return rate(t, COUNT_CPU, 1e-6);
}

static double throttled(const struct task *t)
{
	uint64_t periods = t->is.v[COUNT_PERIODS] - t->was.v[COUNT_PERIODS];

	if (!periods)
		return 0;
	return (double)(t->is.v[COUNT_THROTTLED] - t->was.v[COUNT_THROTTLED]) * PERMILLE /
	       (double)periods;
}

/* Return: whether this task can tell. */
static bool value_of(const struct task *t, enum signal which, const struct signals_request *request,
		     double *ret)
{
	static const enum counter needs[SIGNALS] = {[SIGNAL_CPU] = COUNT_CPU,
						    [SIGNAL_MEMORY] = COUNT_MEMORY,
						    [SIGNAL_THROTTLED] = COUNT_THROTTLED,
						    [SIGNAL_RECEIVED] = COUNT_RECEIVED,
						    [SIGNAL_SENT] = COUNT_SENT,
						    [SIGNAL_CONNECTIONS] = COUNT_OPENED};

	if (!t->is.has[needs[which]])
		return false;
	switch (which) {
	case SIGNAL_CPU:
		*ret = request->cpus_milli ? cpu_milli(t) * PERMILLE / (double)request->cpus_milli
					   : 0;
		return request->cpus_milli;
	case SIGNAL_MEMORY:
		*ret = request->memory_bytes ? (double)t->is.v[COUNT_MEMORY] * PERMILLE /
						       (double)request->memory_bytes
					     : 0;
		return request->memory_bytes;
	case SIGNAL_THROTTLED:
		*ret = throttled(t);
		return true;
	case SIGNAL_CONNECTIONS:
		*ret = rate(t, COUNT_OPENED, PERMILLE);
		return true;
	case SIGNAL_RECEIVED:
	case SIGNAL_SENT:
		*ret = rate(t, needs[which], 1);
		return true;
	case SIGNAL_WAIT_P99:
	case SIGNAL_RTT_P99:
	case SIGNALS:
		break;
	}
	return false;
}

static void seen(const struct task *t, struct signals_value *v)
{
	v->at_ms = !v->reporting || t->is.at_ms < v->at_ms ? t->is.at_ms : v->at_ms;
	v->reporting++;
}

static void read_quantile(const struct signals *s, enum histogram which, uint64_t now_ms,
			  uint64_t fresh_ms, struct signals_value *ret)
{
	__u64 all[HIST_CLASSES] = {0};

	for (const struct task *t = s->first; t; t = t->next) {
		if (!is_fresh(t, now_ms, fresh_ms))
			continue;
		for (int i = 0; i < HIST_CLASSES; i++)
			all[i] += t->is.hist[which][i] - t->was.hist[which][i];
		seen(t, ret);
	}
	ret->value = hist_quantile_us(all, QUANTILE);
}

void signals_read(const struct signals *s, enum signal which, const struct signals_request *request,
		  uint64_t now_ms, uint64_t fresh_ms, struct signals_value *ret)
{
	struct signals_value v = {0};
	double sum = 0, one;

	if (which == SIGNAL_WAIT_P99 || which == SIGNAL_RTT_P99) {
		read_quantile(s, which == SIGNAL_WAIT_P99 ? HIST_WAIT : HIST_RTT, now_ms, fresh_ms,
			      &v);
		*ret = v;
		return;
	}
	for (const struct task *t = s->first; t; t = t->next) {
		if (!is_fresh(t, now_ms, fresh_ms) || !value_of(t, which, request, &one))
			continue;
		sum += one;
		seen(t, &v);
	}
	v.value = v.reporting ? (uint64_t)(sum / v.reporting + 0.5) : 0;
	*ret = v;
}

uint32_t signals_peak(const struct signals *s, uint64_t now_ms, uint64_t fresh_ms,
		      struct signals_request *ret, bool *ret_throttled)
{
	struct signals_request peak = {0};
	uint32_t nr = 0;
	bool any = false;

	for (const struct task *t = s->first; t; t = t->next) {
		if (!is_fresh(t, now_ms, fresh_ms))
			continue;
		nr++;
		if (cpu_milli(t) > (double)peak.cpus_milli)
			peak.cpus_milli = (uint64_t)(cpu_milli(t) + 0.5);
		if (t->is.v[COUNT_MEMORY] > peak.memory_bytes)
			peak.memory_bytes = t->is.v[COUNT_MEMORY];
		any |= throttled(t) > PERMILLE / 2; /* in most periods */
	}
	*ret = peak;
	*ret_throttled = any;
	return nr;
}

void signals_each(const struct signals *s, uint64_t now_ms, uint64_t fresh_ms,
		  void (*tell)(void *arg, const struct signals_task *t), void *arg)
{
	for (const struct task *t = s->first; t; t = t->next) {
		__u64 waits[HIST_CLASSES];

		if (!is_fresh(t, now_ms, fresh_ms))
			continue;
		for (int i = 0; i < HIST_CLASSES; i++)
			waits[i] = t->is.hist[HIST_WAIT][i] - t->was.hist[HIST_WAIT][i];
		tell(arg, &(struct signals_task){
				  .id = t->id,
				  .cpus_milli = (uint64_t)(cpu_milli(t) + 0.5),
				  .memory_bytes = t->is.v[COUNT_MEMORY],
				  .throttled = (uint64_t)(throttled(t) + 0.5),
				  .wait_p99_us = hist_quantile_us(waits, QUANTILE),
				  .received = (uint64_t)(rate(t, COUNT_RECEIVED, 1) + 0.5),
				  .sent = (uint64_t)(rate(t, COUNT_SENT, 1) + 0.5),
			  });
	}
}

uint64_t signals_refused(const struct signals *s)
{
	return s->refused;
}
