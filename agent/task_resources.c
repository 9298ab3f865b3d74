// SPDX-License-Identifier: Apache-2.0
/*
 * "resources" of a task spec and of the method Update. Limits that no node like this one could
 * give are errors; whether a controller enforces them is for the isolators to say.
 */
#include "agent/task_draft.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"

#define MILLION	       UINT64_C(1000000)
#define CPUS_MAX       (1ULL << 16) /* of any node */
#define CPU_QUOTA_MIN  1000ULL /* us, what cpu.max takes */
#define CPU_PERIOD_MIN 1000ULL
#define CPU_PERIOD_MAX MILLION
#define CPU_WEIGHT_MAX 10000
#define IO_WEIGHT_MAX  10000
#define FORK_RATE_MAX  MILLION
#define MEMORY_MIN     (1ULL << 20)
#define RATE_MIN       64000ULL /* bits a second: five full packets */
#define RATE_MAX       (MILLION * MILLION)
#define BURST_MIN      1500ULL /* bytes, a packet */
#define BURST_MAX      (1ULL << 30)
#define PIDS_MAX       (1ULL << 22) /* PID_MAX_LIMIT */

/* What is wanted; cpus is turned into a quota when the period is known. */
struct want {
	uint64_t cpus; /* millionths, CT_UNSET: no limit */
	bool cpus_given, period_given;
	struct ct_resources res;
};

/* null and "max" take a limit off. */
static bool is_none(const json_t *v)
{
	return json_is_null(v) || (json_is_string(v) && !strcmp(json_string_value(v), "max"));
}

static uint64_t node_cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (uint64_t)n : 1;
}

static uint64_t node_memory(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : UINT64_MAX - 1;
}

static int want_cpus(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	struct want *w = field;
	double n = json_number_value(v);
	uint64_t max = d->restore ? CPUS_MAX : node_cpus(), cpus = 0;

	(void)row;
	w->cpus_given = true;
	w->cpus = CT_UNSET;
	if (is_none(v))
		return 0;
	if (!json_is_string(v) && !json_is_number(v))
		return draft_type(d, v, "a number of CPUs, also as text");
	if (json_is_number(v) && n >= 0 && n <= (double)CPUS_MAX)
		cpus = (uint64_t)(n * MILLION + 0.5);
	else if (json_is_string(v) && (strlen(json_string_value(v)) != json_string_length(v) ||
				       parse_cpus(json_string_value(v), &cpus) < 0))
		return draft_fail(d, "%s is no number of CPUs, allowed is for example 0.5",
				  draft_show(d, v));
	if (cpus == 0 || cpus > max * MILLION)
		return draft_fail(d,
				  "%s is out of range, allowed is 0.01 to %" PRIu64
				  ", the CPUs of this node",
				  draft_show(d, v), max);
	w->cpus = cpus;
	return 0;
}

static int want_period(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	struct want *w = field;

	w->period_given = true;
	if (is_none(v)) {
		w->res.cpu_period_us = CT_PERIOD_US;
		return 0;
	}
	return value_time(d, row, v, &w->res.cpu_period_us);
}

static int want_time(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	if (is_none(v)) {
		*(uint64_t *)field = CT_UNSET;
		return 0;
	}
	return value_time(d, row, v, field);
}

static int want_number(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	if (is_none(v)) {
		*(uint64_t *)field = CT_UNSET;
		return 0;
	}
	return value_number(d, row, v, field);
}

/* Memory of this node at most. */
static int want_memory(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	uint64_t max = d->restore ? UINT64_MAX - 1 : node_memory(), n = 0;
	char lo[16], hi[16];
	int err;

	if (is_none(v)) {
		*(uint64_t *)field = CT_UNSET;
		return 0;
	}
	err = value_bytes(d, &(struct task_row){.max = UINT64_MAX - 1}, v, &n);
	if (err < 0)
		return err;
	if (n < row->min || n > max)
		return draft_fail(d,
				  "%s is out of range, allowed is %s to %s, the memory of this "
				  "node",
				  draft_show(d, v), format_bytes(lo, sizeof(lo), row->min),
				  format_bytes(hi, sizeof(hi), max));
	*(uint64_t *)field = n;
	return 0;
}

static int want_bytes(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	if (is_none(v)) {
		*(uint64_t *)field = CT_UNSET;
		return 0;
	}
	return value_bytes(d, row, v, field);
}

/* Bits a second, as text with a unit, or a number. */
static int want_rate(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	json_int_t n = json_integer_value(v);
	char lo[16], hi[16];
	uint64_t bps = 0;

	if (is_none(v)) {
		*(uint64_t *)field = CT_UNSET;
		return 0;
	}
	if (!json_is_string(v) && !json_is_integer(v))
		return draft_type(d, v, "bits a second, a number or text such as \"20mbit\"");
	if (json_is_integer(v) && n >= 0)
		bps = (uint64_t)n;
	else if (json_is_integer(v) || strlen(json_string_value(v)) != json_string_length(v) ||
		 parse_bits(json_string_value(v), &bps) < 0)
		return draft_fail(d,
				  "%s is no rate, allowed is a number of bits a second or text "
				  "such as \"20mbit\"",
				  draft_show(d, v));
	if (bps < row->min || bps > row->max)
		return draft_fail(d, "%s is out of range, allowed is %s to %s", draft_show(d, v),
				  format_bits(lo, sizeof(lo), row->min),
				  format_bits(hi, sizeof(hi), row->max));
	*(uint64_t *)field = bps;
	return 0;
}

static int want_io_max(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	if (is_none(v)) {
		memset(field, 0, sizeof(struct ct_io_max));
		return 0;
	}
	return value_io_max(d, row, v, field);
}

#define RES(member) (offsetof(struct want, res) + offsetof(struct ct_resources, member))

static const struct task_row rows[] = {
	{{"cpus", "number, or the same as text", "no limit",
	  "CPU time per wall-clock time: 0.5 is half of one CPU. From 1 ms per cpu_period, 0.01 "
	  "with "
	  "the default one, to the CPUs of the node."},
	 want_cpus},
	{{"cpu_period", "time 1ms..1s", "100ms",
	  "The time over which cpus is counted. A task that has used up its share waits for the "
	  "next period."},
	 want_period,
	 .min = CPU_PERIOD_MIN,
	 .max = CPU_PERIOD_MAX},
	{{"cpu_burst", "time, at most cpus * cpu_period", "0",
	  "CPU time left over from earlier periods that may be used on top. Needs cpus."},
	 want_time,
	 RES(cpu_burst_us),
	 0,
	 CPUS_MAX *CPU_PERIOD_MAX},
	{{"cpu_weight", "number 1..10000", "100",
	  "Share of the CPUs when tasks compete for them, against other tasks' weights."},
	 want_number,
	 RES(cpu_weight),
	 1,
	 CPU_WEIGHT_MAX},
	{{"memory", "size from 1M", "no limit",
	  "Most memory, page cache included; a task that needs more is killed. At "
	  "most "
	  "the memory of the node."},
	 want_memory,
	 RES(memory_max_bytes),
	 MEMORY_MIN,
	 0},
	{{"memory_high", "size from 1M", "no limit",
	  "Above this the task is slowed down and its memory reclaimed, but it is not killed. At "
	  "most memory."},
	 want_memory,
	 RES(memory_high_bytes),
	 MEMORY_MIN,
	 0},
	{{"memory_low", "size", "0",
	  "Memory that is not taken from the task while others have more than they asked for. At "
	  "most memory."},
	 want_memory,
	 RES(memory_low_bytes),
	 0,
	 0},
	{{"swap", "size", "no limit", "Most swap space, counted apart from memory; 0 forbids it."},
	 want_bytes,
	 RES(memory_swap_max_bytes),
	 0,
	 INT64_MAX},
	{{"pids", "number 1..4194304", "no limit", "Most processes and threads at a time."},
	 want_number,
	 RES(pids_max),
	 1,
	 PIDS_MAX},
	{{"fork_rate", "number 1..1000000", "no limit",
	  "Most processes and threads that are started a second. What was not used of one second "
	  "may be used on top in the next; beyond it fork fails with EAGAIN."},
	 want_number,
	 RES(fork_rate),
	 1,
	 FORK_RATE_MAX},
	{{"io_weight", "number 1..10000", "100",
	  "Share of a disk when tasks compete for it, against other tasks' weights; it acts on "
	  "disks that are scheduled by bfq or whose io.cost.qos is on. Needs the io controller."},
	 want_number,
	 RES(io_weight),
	 1,
	 IO_WEIGHT_MAX},
	{{"io_max", "object, see IO LIMITS", "no limit",
	  "Most that one block device does for the task; an update replaces the whole object. "
	  "Needs the io controller."},
	 want_io_max,
	 RES(io_max)},
	{{"egress", "rate 64kbit..1tbit", "no limit",
	  "Most bits a second that the task sends, IP headers included, in the host's network and "
	  "in one of its own alike, loopback too: a number or text such as \"20mbit\" (powers of "
	  "1000). TCP is paced; what is too much of other protocols is dropped."},
	 want_rate,
	 RES(egress_bps),
	 RATE_MIN,
	 RATE_MAX},
	{{"egress_burst", "size 1500..1G", "what egress carries in 10 ms, 32K at least",
	  "How much may be sent at once after a silence. Needs egress."},
	 want_bytes,
	 RES(egress_burst_bytes),
	 BURST_MIN,
	 BURST_MAX},
	{{"ingress", "rate 64kbit..1tbit", "no limit",
	  "Most bits a second that the task receives, likewise; what is too much is dropped, TCP's "
	  "less readily, so that its senders slow down. Tasks of the same agent that send to it "
	  "are paced to its rate."},
	 want_rate,
	 RES(ingress_bps),
	 RATE_MIN,
	 RATE_MAX},
	{{"ingress_burst", "size 1500..1G", "what ingress carries in 10 ms, 32K at least",
	  "How much may come in at once after a silence. Needs ingress."},
	 want_bytes,
	 RES(ingress_burst_bytes),
	 BURST_MIN,
	 BURST_MAX},
};

struct rows resource_rows(void)
{
	return ROWS(rows);
}

static int settle_quota(struct draft *d, struct want *w)
{
	uint64_t period = w->res.cpu_period_us;

	if (!w->cpus_given && !w->period_given)
		return 0;
	w->res.cpu_quota_us = CT_UNSET;
	if (w->cpus == CT_UNSET)
		return 0;
	w->res.cpu_quota_us = (w->cpus * period + MILLION / 2) / MILLION;
	if (w->res.cpu_quota_us < CPU_QUOTA_MIN)
		return draft_fail_at(d, "cpus",
				     "%g is out of range, allowed is at least %g with a cpu_period "
				     "of %" PRIu64 "us",
				     (double)w->cpus / MILLION,
				     (double)CPU_QUOTA_MIN / (double)period, period);
	return 0;
}

/* Rules over several keys, which the kernel has too, but says only EINVAL. */
static int check(struct draft *d, const struct ct_resources *r)
{
	char a[16], b[16];

	if (r->cpu_burst_us != CT_UNSET && r->cpu_burst_us && r->cpu_quota_us == CT_UNSET)
		return draft_fail_at(d, "cpu_burst", "given without cpus, which it needs");
	if (r->cpu_burst_us != CT_UNSET && r->cpu_burst_us > r->cpu_quota_us)
		return draft_fail_at(d, "cpu_burst",
				     "%s is out of range, allowed is at most %s, which is cpus * "
				     "cpu_period",
				     format_us(a, sizeof(a), r->cpu_burst_us),
				     format_us(b, sizeof(b), r->cpu_quota_us));
	if (r->egress_burst_bytes != CT_UNSET && r->egress_bps == CT_UNSET)
		return draft_fail_at(d, "egress_burst", "given without egress, which it needs");
	if (r->ingress_burst_bytes != CT_UNSET && r->ingress_bps == CT_UNSET)
		return draft_fail_at(d, "ingress_burst", "given without ingress, which it needs");
	if (r->memory_high_bytes != CT_UNSET && r->memory_high_bytes > r->memory_max_bytes)
		return draft_fail_at(d, "memory_high",
				     "%s is out of range, allowed is at most memory, %s",
				     format_bytes(a, sizeof(a), r->memory_high_bytes),
				     format_bytes(b, sizeof(b), r->memory_max_bytes));
	if (r->memory_low_bytes != CT_UNSET && r->memory_low_bytes > r->memory_max_bytes)
		return draft_fail_at(d, "memory_low",
				     "%s is out of range, allowed is at most memory, %s",
				     format_bytes(a, sizeof(a), r->memory_low_bytes),
				     format_bytes(b, sizeof(b), r->memory_max_bytes));
	return 0;
}

static int parse(struct draft *d, json_t *v, const struct ct_resources *old,
		 struct ct_resources *ret)
{
	const struct rows table = resource_rows();
	struct want w = {.cpus = CT_UNSET, .res = *old};
	int err;

	if (w.res.cpu_period_us == CT_UNSET || !w.res.cpu_period_us)
		w.res.cpu_period_us = CT_PERIOD_US;
	if (old->cpu_quota_us != CT_UNSET)
		w.cpus = (old->cpu_quota_us * MILLION + w.res.cpu_period_us / 2) /
			 w.res.cpu_period_us;
	err = draft_object(d, &table, v, &w);
	if (!err)
		err = settle_quota(d, &w);
	if (!err)
		err = check(d, &w.res);
	if (!err)
		*ret = w.res;
	return err;
}

int value_resources(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	struct ct_resources *res = field;

	(void)row;
	return parse(d, v, res, res);
}

int task_resources_parse(json_t *doc, const struct ct_resources *old, struct ct_resources *ret,
			 struct task_error *err)
{
	struct draft d = {.path = "resources"};
	struct ct_resources res;
	int r;

	d.err = err ? err : &d.ignored;
	memset(d.err, 0, sizeof(*d.err));
	r = parse(&d, doc, old, &res);
	if (!r)
		*ret = res;
	return r;
}

int task_resources_apply(struct task_spec *t, json_t *doc, const struct ct_resources *res)
{
	json_t *now = json_object_get(t->doc, "resources");
	json_t *merged = now ? json_copy(now) : json_object();

	if (!merged)
		return -ENOMEM;
	if (json_object_update(merged, doc) < 0) {
		json_decref(merged);
		return -ENOMEM;
	}
	if (json_object_set_new(t->doc, "resources", merged) < 0) /* takes merged in any case */
		return -ENOMEM;
	t->ct.resources = *res;
	return 0;
}
