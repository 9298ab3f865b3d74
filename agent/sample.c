// SPDX-License-Identifier: Apache-2.0
/*
 * One pass over the meters. Numbers are printed with fprintf and not through a JSON tree: a
 * snapshot of many tasks is made every second (a tree costs thirty times as much).
 */
#include "agent/sample.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"

enum origin {
	FROM_CELL, /* struct dcos_cell: only of metered tasks */
	FROM_SAMPLE, /* struct iso_sample */
	FROM_LIMITS, /* struct ct_resources */
};

/* One row for each counter of type Usage that is shown as it was read. */
static const struct usage_row {
	const char *name;
	enum origin origin;
	size_t offset;
} usage_rows[] = {
#define CELL(json, field)                                                                          \
	{                                                                                          \
		json, FROM_CELL, offsetof(struct dcos_cell, field)                                 \
	}
#define SAMPLE(field)                                                                              \
	{                                                                                          \
#field, FROM_SAMPLE, offsetof(struct iso_sample, field)                            \
	}
#define LIMIT(json, field)                                                                         \
	{                                                                                          \
		json, FROM_LIMITS, offsetof(struct ct_resources, field)                            \
	}
	CELL("wait_ns", wait_ns),
	CELL("nr_waits", nr_waits),
	CELL("nr_switches", nr_switches),
	CELL("nr_involuntary", nr_involuntary),
	CELL("nr_migrations", nr_migrations),
	CELL("nr_forks", nr_forks),
	CELL("nr_execs", nr_execs),
	CELL("nr_exits", nr_exits),
	CELL("device_denied", nr_device_denied),
	SAMPLE(cpu_user_us),
	SAMPLE(cpu_system_us),
	SAMPLE(nr_periods),
	SAMPLE(nr_throttled),
	SAMPLE(throttled_us),
	SAMPLE(memory_bytes),
	SAMPLE(memory_peak_bytes),
	LIMIT("memory_max_bytes", memory_max_bytes),
	LIMIT("pids_max", pids_max),
};

static const struct ct_resources *limits_of(const struct task *t)
{
	return t->ct ? &t->ct->iso.res : &t->spec->ct.resources;
}

static bool metered(const struct task *t)
{
	return t->ct && t->ct->iso.metered && t->node->meter;
}

void sample_task(struct task *t)
{
	struct iso_sample s;
	struct meter_row row;

	if (!t->ct)
		return;
	if (metered(t)) {
		meter_read(t->node->meter, t->ct->iso.slot, &row);
		t->usage.cell = row.sum;
		t->usage.metered = true;
	}
	if (!ct_sample(t->ct, &s))
		t->usage.sample = s;
}

void sample_all(struct node *n)
{
	if (n->meter)
		(void)meter_flush(n->meter); /* without it the reading is older by one switch */
	for (int i = 0; i < n->tasks_nr; i++)
		sample_task(n->tasks[i]);
	n->sampled_ns = mono_now_ns();
	n->seq++;
}

static uint64_t row_value(const struct task *t, const struct usage_row *r)
{
	const void *base = r->origin == FROM_CELL     ? (const void *)&t->usage.cell
			   : r->origin == FROM_SAMPLE ? (const void *)&t->usage.sample
						      : (const void *)limits_of(t);
	uint64_t v;

	if (r->origin == FROM_CELL && !t->usage.metered)
		return CT_UNSET;
	memcpy(&v, (const char *)base + r->offset, sizeof(v));
	return v;
}

static void print_u64(FILE *f, const char *name, uint64_t v)
{
	if (v != CT_UNSET)
		fprintf(f, ",\"%s\":%" PRIu64, name, v);
}

/* What has more than one source, or is computed. */
static void print_derived(FILE *f, const struct task *t)
{
	const struct dcos_cell *c = &t->usage.cell;
	const struct iso_sample *s = &t->usage.sample;
	const struct ct_resources *res = limits_of(t);
	uint64_t oom = s->oom_kills;

	if (t->usage.metered)
		print_u64(f, "cpu_ns", c->cpu_ns);
	else if (s->cpu_usage_us != CT_UNSET)
		print_u64(f, "cpu_ns", s->cpu_usage_us * 1000);
	/* a quota that nothing enforces is a warning of the task, not a quota */
	if (res->cpu_quota_us != CT_UNSET && res->cpu_period_us && s->nr_periods != CT_UNSET)
		print_u64(f, "cpu_quota_millionths",
			  res->cpu_quota_us * 1000000 / res->cpu_period_us);
	if (t->usage.metered && (oom == CT_UNSET || oom < c->nr_oom_kills))
		oom = c->nr_oom_kills;
	print_u64(f, "oom_kills", oom);
	if (s->pids != CT_UNSET)
		print_u64(f, "pids", s->pids);
	else if (t->usage.metered)
		print_u64(f, "pids", c->nr_forks - c->nr_exits);
}

static void print_hist(FILE *f, const struct task *t)
{
	if (!t->usage.metered)
		return;
	fprintf(f, ",\"wait_hist_us\":[");
	for (int i = 0; i < DCOS_HIST; i++)
		fprintf(f, "%s%" PRIu64, i ? "," : "", (uint64_t)t->usage.cell.wait_hist[i]);
	fputc(']', f);
}

static void print_exit(FILE *f, const struct task *t)
{
	json_auto_t *x = task_exit_json(&t->exit);
	cleanup_free char *text = x ? json_dumps(x, JSON_COMPACT) : NULL;

	if (text)
		fprintf(f, ",\"exit\":%s", text);
}

void sample_print(FILE *f, const struct task *t)
{
	if (t->frozen_usage) {
		fputs(t->frozen_usage, f);
		return;
	}
	fprintf(f, "{\"id\":\"%s\",\"state\":\"%s\"", t->spec->ct.id, state_to_string(t->state));
	for (size_t i = 0; i < ARRAY_SIZE(usage_rows); i++)
		print_u64(f, usage_rows[i].name, row_value(t, &usage_rows[i]));
	print_derived(f, t);
	print_hist(f, t);
	if (state_ended(t->state))
		print_exit(f, t);
	fputc('}', f);
}

static char *sample_text(const struct task *t)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	sample_print(f, t);
	if (!fclose(f))
		return text;
	free(text);
	return NULL;
}

json_t *sample_json(const struct task *t)
{
	cleanup_free char *text = sample_text(t);

	return text ? json_loads(text, 0, NULL) : NULL;
}

void sample_freeze(struct task *t)
{
	if (!t->frozen_usage)
		t->frozen_usage = sample_text(t);
}

static bool ended_lately(const struct task *t, uint64_t now_us)
{
	return state_ended(t->state) && t->exit.ended_unix_us + SAMPLE_ENDED_SHOWN_US > now_us;
}

/* How many of those that ended lately are too many, so that a snapshot stays one of what runs. */
static int ended_too_many(const struct node *n, uint64_t now_us)
{
	int nr = 0;

	for (int i = 0; i < n->tasks_nr; i++)
		nr += ended_lately(n->tasks[i], now_us);
	return nr > SAMPLE_ENDED_SHOWN_MAX ? nr - SAMPLE_ENDED_SHOWN_MAX : 0;
}

int sample_snapshot(const struct node *n, char **ret, size_t *ret_len)
{
	uint64_t now = unix_now_us();
	int skip = ended_too_many(n, now);
	char *text = NULL, *sep = "";
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return -ENOMEM;
	fprintf(f,
		"{\"snapshot\":{\"seq\":%" PRIu64 ",\"time_ns\":%" PRIu64
		",\"interval_ms\":%" PRIu64 ",\"ncpu\":%d,\"usages\":[",
		n->seq, n->sampled_ns, n->cfg->meter_interval_us / 1000, n->ncpu);
	for (int i = 0; i < n->tasks_nr; i++) {
		if (state_ended(n->tasks[i]->state) &&
		    (!ended_lately(n->tasks[i], now) || skip-- > 0))
			continue;
		fputs(sep, f);
		sample_print(f, n->tasks[i]);
		sep = ",";
	}
	fputs("]}}", f);
	if (fclose(f)) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	*ret_len = len;
	return 0;
}
