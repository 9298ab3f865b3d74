// SPDX-License-Identifier: Apache-2.0
/* Decisions for one app, and their history. The rule is parsed in scaling_rule.c. */
#include "tools/allocator/scaling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/allocator/scaling_rule.h"

#define NS_PER_MS 1000000ULL
#define FRESH_MS  5000 /* a report older than this tells nothing */

struct scaling {
	struct scaling_rule rule;
	struct signals *signals;
	struct autoscale_past past[SCALING_METRICS_MAX];
	struct autoscale_histogram quota[SCALING_QUOTAS];
	json_t *history;
	uint64_t digest; /* of the last decision in it */
};

int scaling_new(const json_t *doc, struct scaling **ret, struct why *why)
{
	struct scaling *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	r = scaling_rule_parse(doc, &s->rule, why);
	if (!r)
		r = signals_new(&s->signals);
	s->history = json_array();
	if (!r && !s->history)
		r = -ENOMEM;
	if (r) {
		scaling_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct scaling *scaling_free(struct scaling *s)
{
	if (!s)
		return NULL;
	signals_free(s->signals);
	json_decref(s->history);
	free(s);
	return NULL;
}

int scaling_rule(struct scaling *s, const json_t *doc, struct why *why)
{
	struct scaling_rule fresh;
	int r = scaling_rule_parse(doc, &fresh, why);

	if (r)
		return r;
	for (size_t i = 0; i < fresh.metrics_nr; i++)
		if (i >= s->rule.metrics_nr || fresh.metric[i].signal != s->rule.metric[i].signal)
			s->past[i].samples_nr = s->past[i].next = 0; /* of another signal */
	s->rule = fresh;
	return 0;
}

struct signals *scaling_signals(struct scaling *s)
{
	return s->signals;
}

static uint64_t mix(uint64_t digest, uint64_t v)
{
	return (digest ^ v) * 0x100000001b3;
}

/* One signal's decision, and what is kept of it. */
static int decide_metric(struct scaling *s, size_t i, const struct scaling_now *now,
			 uint64_t now_ms, struct autoscale_decision *ret)
{
	const struct scaling_metric *m = &s->rule.metric[i];
	struct autoscale_sample sample = {.instances = now->instances};
	struct signals_value v;

	signals_read(s->signals, m->signal, &now->request, now_ms, FRESH_MS, &v);
	sample.value = v.value;
	sample.at_ns = v.at_ms * NS_PER_MS;
	sample.reporting = v.reporting < now->instances ? v.reporting : now->instances;
	return autoscale_horizontal(&m->config, &s->past[i], &sample, now_ms * NS_PER_MS, ret);
}

static json_t *metric_json(const struct scaling_metric *m, const struct autoscale_decision *d)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:s}", "signal", signals_name(m->signal),
			 "verdict", autoscale_verdict_name(d->verdict), "value",
			 (json_int_t)d->signal, "target", (json_int_t)d->target, "asks",
			 (json_int_t)d->raw, "text", d->text);
}

static json_t *quota_json(const struct autoscale_vertical_decision *d)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:s}", "verdict",
			 autoscale_verdict_name(d->verdict), "from", (json_int_t)d->from, "to",
			 (json_int_t)d->to, "recommended", (json_int_t)d->recommended, "quantile",
			 (json_int_t)d->quantile, "text", d->text);
}

/* Numbers move all the time: a new entry is for a new outcome. */
static int keep(struct scaling *s, json_t *entry, uint64_t digest)
{
	if (digest == s->digest) {
		json_decref(entry);
		return 0;
	}
	s->digest = digest;
	if (json_array_size(s->history) >= SCALING_HISTORY_MAX &&
	    json_array_remove(s->history, 0) < 0)
		abort(); /* it is there */
	return json_array_append_new(s->history, entry) < 0 ? -ENOMEM : 0;
}

static uint64_t *request_of(struct signals_request *r, enum scaling_quota q)
{
	return q == SCALING_CPUS ? &r->cpus_milli : &r->memory_bytes;
}

/* Quotas follow the task that uses most: all tasks of an app have the same. */
static uint64_t decide_quotas(struct scaling *s, uint64_t now_ms, struct scaling_now *to,
			      json_t *entry)
{
	struct signals_request peak;
	bool throttled;
	uint64_t digest = 0;

	if (!signals_peak(s->signals, now_ms, FRESH_MS, &peak, &throttled))
		return digest;
	for (int q = 0; q < SCALING_QUOTAS; q++) {
		struct autoscale_vertical_decision d = {0};
		uint64_t *quota = request_of(&to->request, q), use = *request_of(&peak, q);
		const struct autoscale_use sample = {.value = use,
						     .quota = *quota,
						     .starved = q == SCALING_CPUS && throttled};

		/* a task may use no CPU, but never no memory: then nobody could tell */
		if (!s->rule.has_quota[q] || (q == SCALING_MEMORY && !use) ||
		    autoscale_vertical(&s->rule.quota[q], &s->quota[q], &sample, now_ms * NS_PER_MS,
				       &d))
			continue;
		*quota = d.to;
		digest = mix(mix(digest, d.verdict + 1), d.to);
		(void)json_object_set_new(entry, scaling_quota_name(q),
					  quota_json(&d)); /* shown only */
	}
	return digest;
}

int scaling_decide(struct scaling *s, const struct scaling_now *now, uint64_t now_ms,
		   uint64_t time_ms, struct scaling_now *ret)
{
	struct scaling_now to = *now;
	uint64_t digest = 1;
	uint32_t most = 0;
	json_t *metrics = json_array(), *entry;

	for (size_t i = 0; i < s->rule.metrics_nr; i++) {
		struct autoscale_decision d = {.to = now->instances};

		if (decide_metric(s, i, now, now_ms, &d))
			abort(); /* the rule was checked */
		most = d.to > most ? d.to : most;
		digest = mix(mix(digest, d.verdict), d.to);
		(void)json_array_append_new(metrics, metric_json(&s->rule.metric[i], &d));
	}
	to.instances = s->rule.metrics_nr ? most : now->instances;
	entry = json_pack("{s:I, s:I, s:I, s:o}", "time", (json_int_t)time_ms, "from",
			  (json_int_t)now->instances, "to", (json_int_t)to.instances, "metrics",
			  metrics);
	digest = mix(digest, decide_quotas(s, now_ms, &to, entry));
	*ret = to;
	return entry ? keep(s, entry, digest) : -ENOMEM;
}

void scaling_changed(struct scaling *s, const struct scaling_now *from,
		     const struct scaling_now *to, uint64_t now_ms)
{
	if (from->instances != to->instances)
		for (size_t i = 0; i < SCALING_METRICS_MAX; i++)
			autoscale_changed(&s->past[i], now_ms * NS_PER_MS);
	if (from->request.cpus_milli != to->request.cpus_milli)
		autoscale_vertical_changed(&s->quota[SCALING_CPUS], now_ms * NS_PER_MS);
	if (from->request.memory_bytes != to->request.memory_bytes)
		autoscale_vertical_changed(&s->quota[SCALING_MEMORY], now_ms * NS_PER_MS);
}

const json_t *scaling_history(const struct scaling *s)
{
	return s->history;
}

int scaling_check(const json_t *doc, struct why *why)
{
	struct scaling_rule rule;

	return scaling_rule_parse(doc, &rule, why);
}
