// SPDX-License-Identifier: Apache-2.0
/*
 * From counters that have grown to events. Not seen: what happens between the last reading of an
 * agent and the first one of the next.
 */
#include "agent/breach.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/breach_measure.h"
#include "agent/events.h"
#include "agent/evidence.h"
#include "agent/flight.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "agent/lib/units.h"
#include "agent/netguard.h"
#include "agent/usage.h"

#define NS_PER_MS  1000000
#define NUMBER_MAX 24
#define NO_LIMIT   SIZE_MAX

enum unit {
	UNIT_NUMBER,
	UNIT_BYTES,
	UNIT_BITS, /* a second */
};

/* One row a counter of breaches. */
static const struct watch {
	enum event_kind kind;
	enum usage_field count;
	const char *happened; /* the sentence: "happened: count; limit value of limit" */
	const char *limit; /* key of the spec's resources; or what was denied */
	size_t offset; /* of the limit in struct ct_resources, or NO_LIMIT */
	enum unit unit;
	enum usage_field value; /* what the limit is of; USAGE_FIELDS: none, or bits_of() */
	enum evidence_order order;
	bool guard; /* the guard tells each, unless they are too many */
} watches[] = {
#define LIMIT(member) offsetof(struct ct_resources, member)
	{EVENT_OOM, U_oom_kills, "processes killed by the kernel, out of memory", "memory",
	 LIMIT(memory_max_bytes), UNIT_BYTES, U_memory_peak_bytes, EVIDENCE_BY_MEMORY},
	{EVENT_MEMORY, U_memory_max_events, "times held at the limit", "memory",
	 LIMIT(memory_max_bytes), UNIT_BYTES, U_memory_bytes, EVIDENCE_BY_MEMORY},
	{EVENT_MEMORY, U_memory_high_events, "times slowed down above the limit", "memory_high",
	 LIMIT(memory_high_bytes), UNIT_BYTES, U_memory_bytes, EVIDENCE_BY_MEMORY},
	{EVENT_PIDS, U_pids_max_events, "forks refused", "pids", LIMIT(pids_max), UNIT_NUMBER,
	 U_pids, EVIDENCE_BY_CPU},
	{EVENT_NETWORK, U_tx_dropped, "packets dropped", "egress", LIMIT(egress_bps), UNIT_BITS,
	 USAGE_FIELDS, EVIDENCE_BY_CPU},
	{EVENT_NETWORK, U_rx_dropped, "packets dropped", "ingress", LIMIT(ingress_bps), UNIT_BITS,
	 USAGE_FIELDS, EVIDENCE_BY_CPU},
	{EVENT_DENIED, U_device_denied, "opens of devices refused", "device", NO_LIMIT, UNIT_NUMBER,
	 USAGE_FIELDS, EVIDENCE_BY_CPU},
	{EVENT_DENIED, U_bind_denied, "binds refused, beside those told with their address", "bind",
	 NO_LIMIT, UNIT_NUMBER, USAGE_FIELDS, EVIDENCE_BY_CPU, .guard = true},
	{EVENT_DENIED, U_connect_denied, "connects refused, beside those told with their address",
	 "connect", NO_LIMIT, UNIT_NUMBER, USAGE_FIELDS, EVIDENCE_BY_CPU, .guard = true},
	{EVENT_DENIED, U_seccomp_kills, "ended or trapped by the seccomp filter", "seccomp",
	 NO_LIMIT, UNIT_NUMBER, USAGE_FIELDS, EVIDENCE_BY_CPU},
#undef LIMIT
};

#define WATCHES (sizeof(watches) / sizeof(watches[0]))

/* When the same may be told again. */
struct pause {
	uint64_t until_ns, length_ns;
	uint64_t told_ns; /* 0: never */
};

struct breach_watch {
	uint64_t begun_ns;
	uint64_t told[WATCHES]; /* of each counter */
	uint64_t last[WATCHES]; /* reading */
	struct pause pauses[WATCHES], cpu_pause, threads_pause;
	uint64_t oom_ns; /* a kill that is not told yet was seen first; 0 none */
	uint64_t window_ns, periods, throttled, throttled_us; /* as the window of the quota began */
	uint64_t denials_ns; /* as the window of denials began */
	uint64_t denials;
};

struct breach_watch *breach_watch_free(struct breach_watch *w)
{
	free(w);
	return NULL;
}

/* A breach that comes back soon after its pause goes on: the next pause is twice as long. */
static bool pause_over(struct pause *p, uint64_t now_ns)
{
	uint64_t length = p->length_ns * 2;

	if (now_ns < p->until_ns)
		return false;
	if (!p->until_ns || now_ns > p->until_ns + p->length_ns)
		length = BREACH_PAUSE_MIN_NS;
	p->length_ns = length < BREACH_PAUSE_MAX_NS ? length : BREACH_PAUSE_MAX_NS;
	p->until_ns = now_ns + p->length_ns;
	return true;
}

static void begin_window(struct breach_watch *w, const struct usage *u, uint64_t now_ns)
{
	w->window_ns = now_ns;
	w->periods = u->v[U_nr_periods];
	w->throttled = u->v[U_nr_throttled];
	w->throttled_us = u->v[U_throttled_us];
}

/* All counters of a task that this agent has begun were 0 then; of others the first reading counts. */
static struct breach_watch *watch_new(const struct task *t, uint64_t now_ns)
{
	uint64_t first = t->began_ns ? 0 : USAGE_UNKNOWN;
	struct breach_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->begun_ns = w->window_ns = t->began_ns ? t->began_ns : now_ns;
	w->periods = w->throttled = w->throttled_us = first;
	for (size_t i = 0; i < WATCHES; i++)
		w->told[i] = w->last[i] = first;
	return w;
}

static uint64_t limit_of(const struct task *t, const struct watch *row)
{
	uint64_t v;

	if (row->offset == NO_LIMIT)
		return CT_UNSET;
	memcpy(&v, (const char *)&t->ct->iso.res + row->offset, sizeof(v));
	return v;
}

/* Return: bits a second at the last reading; USAGE_UNKNOWN */
static uint64_t bits_of(const struct task *t, const struct watch *row)
{
	uint64_t bytes;

	if (flight_last(t, row->count == U_tx_dropped ? RATE_TX : RATE_RX, &bytes))
		return USAGE_UNKNOWN;
	return bytes * 8;
}

static uint64_t value_of(const struct task *t, const struct watch *row)
{
	if (row->unit == UNIT_BITS)
		return bits_of(t, row);
	return row->value == USAGE_FIELDS ? USAGE_UNKNOWN : t->usage->v[row->value];
}

static const char *show(char *buf, size_t size, enum unit unit, uint64_t v)
{
	if (unit == UNIT_BYTES)
		return format_bytes(buf, size, v);
	if (unit == UNIT_BITS)
		return format_bits(buf, size, v);
	(void)snprintf(buf, size, "%" PRIu64, v); /* fits */
	return buf;
}

static void member(struct jsonbuf *b, const char *name, uint64_t v)
{
	if (v == USAGE_UNKNOWN)
		return;
	jb_lit(b, ",");
	jb_text(b, name);
	jb_lit(b, ":");
	jb_u64(b, v);
}

/* The members that all have, and the end of the object. */
static void finish(struct jsonbuf *b, const struct task *t, uint64_t since_ns, uint64_t now_ns,
		   enum evidence_order order)
{
	member(b, "since_ms", (now_ns - since_ns) / NS_PER_MS);
	if (evidence_has_turn(t->node)) {
		evidence_top(b, t, order);
		evidence_past(b, t);
	}
	jb_lit(b, "}");
}

/* Whom the kernel killed last; into the sentence as well. Return: characters added to @text */
static int tell_victim(const struct task *t, struct jsonbuf *b, char *text, size_t size)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct dcos_victim v;
	char comm[sizeof(v.comm) + 1], bytes[NUMBER_MAX];

	if (!t->node->meter || meter_victim(t->node->meter, t->cgroup_id, &v))
		return 0;
	v.comm[sizeof(v.comm) - 1] = '\0';
	measure_show_comm(v.comm, comm);
	jb_lit(b, ",\"victim\":{\"pid\":");
	jb_u64(b, v.tgid);
	jb_lit(b, ",\"comm\":");
	jb_text(b, comm);
	jb_lit(b, ",\"peak_bytes\":");
	jb_u64(b, v.peak_pages * page);
	jb_lit(b, "}");
	return snprintf(text, size, ", last %u %s with %s", v.tgid, comm,
			format_bytes(bytes, sizeof(bytes), v.peak_pages * page));
}

/* @count: USAGE_UNKNOWN: nobody counts */
static void tell(struct task *t, const struct watch *row, uint64_t count, uint64_t since_ns,
		 uint64_t now_ns)
{
	uint64_t limit = limit_of(t, row), value = value_of(t, row);
	char text[EVENT_TEXT_MAX], nr[NUMBER_MAX] = "", a[NUMBER_MAX], b[NUMBER_MAX];
	cleanup_jsonbuf struct jsonbuf details = {};
	int len;

	if (count != USAGE_UNKNOWN)
		(void)snprintf(nr, sizeof(nr), ": %" PRIu64, count); /* all of this fits */
	jb_lit(&details, "{\"what\":");
	jb_text(&details, row->limit);
	len = snprintf(text, sizeof(text), "%s%s", row->happened, nr);
	if (row->count == U_oom_kills)
		len += tell_victim(t, &details, text + len, sizeof(text) - (size_t)len);
	if (limit != CT_UNSET && value != USAGE_UNKNOWN)
		(void)snprintf(text + len, sizeof(text) - (size_t)len, "; %s %s of %s", row->limit,
			       show(a, sizeof(a), row->unit, value),
			       show(b, sizeof(b), row->unit, limit));
	else if (limit != CT_UNSET)
		(void)snprintf(text + len, sizeof(text) - (size_t)len, "; %s %s", row->limit,
			       show(b, sizeof(b), row->unit, limit));
	member(&details, "limit", limit);
	member(&details, "value", value);
	member(&details, "count", count);
	finish(&details, t, since_ns, now_ns, row->order);
	event_add(t->node, row->kind, t->spec->ct.id, text, &details);
}

static uint64_t told_last(const struct breach_watch *w, struct pause *p, uint64_t now_ns)
{
	uint64_t since = p->told_ns ? p->told_ns : w->begun_ns;

	p->told_ns = now_ns;
	return since;
}

/* The kernel counts a kill before the victim has ended, which says who it was. */
static bool victim_is_due(const struct task *t, uint64_t told_ns, uint64_t now_ns)
{
	struct breach_watch *w = t->watch;
	struct dcos_victim v;

	if (!w->oom_ns)
		w->oom_ns = now_ns;
	return t->node->meter && now_ns - w->oom_ns < BREACH_VICTIM_NS &&
	       (meter_victim(t->node->meter, t->cgroup_id, &v) || v.end_ns <= told_ns);
}

static void look_at_counter(struct task *t, size_t i, uint64_t now_ns, bool ended)
{
	struct breach_watch *w = t->watch;
	uint64_t now = t->usage->v[watches[i].count], before = w->told[i], last = w->last[i];

	w->last[i] = now;
	if (watches[i].guard && !ended)
		now = last; /* what came since may be on its way yet */
	if (now == USAGE_UNKNOWN)
		return;
	if (before == USAGE_UNKNOWN)
		before = w->told[i] = now;
	if (now <= before)
		return;
	if (watches[i].count == U_oom_kills && !ended &&
	    victim_is_due(t, w->pauses[i].told_ns, now_ns))
		return;
	if (!(pause_over(&w->pauses[i], now_ns) || ended))
		return;
	w->told[i] = now;
	if (watches[i].count == U_oom_kills)
		w->oom_ns = 0;
	tell(t, &watches[i], now - before, told_last(w, &w->pauses[i], now_ns), now_ns);
}

/* Where no controller counts the refused: has a reading found as many threads as there may be? */
static void look_at_threads(struct task *t, uint64_t now_ns)
{
	static const struct watch row = {EVENT_PIDS,
					 USAGE_FIELDS,
					 "as many threads as there may be",
					 "pids",
					 offsetof(struct ct_resources, pids_max),
					 UNIT_NUMBER,
					 U_pids,
					 EVIDENCE_BY_CPU};
	struct breach_watch *w = t->watch;
	uint64_t limit = t->ct->iso.res.pids_max, nr = t->usage->v[U_pids];

	if (t->usage->v[U_pids_max_events] != USAGE_UNKNOWN || limit == CT_UNSET ||
	    nr == USAGE_UNKNOWN || nr < limit || !pause_over(&w->threads_pause, now_ns))
		return;
	tell(t, &row, USAGE_UNKNOWN, told_last(w, &w->threads_pause, now_ns), now_ns);
}

static void tell_cpu(struct task *t, uint64_t periods, uint64_t throttled, uint64_t now_ns)
{
	const struct breach_watch *w = t->watch;
	const struct usage *u = t->usage;
	uint64_t quota = u->v[U_cpu_quota_millionths];
	cleanup_jsonbuf struct jsonbuf b = {};
	char text[EVENT_TEXT_MAX];

	(void)snprintf(text, sizeof(text),
		       "stopped in %" PRIu64 " of %" PRIu64 " periods; quota of %g CPUs", throttled,
		       periods, (double)quota / 1e6); /* fits */
	jb_lit(&b, "{\"what\":\"cpus\"");
	member(&b, "quota_millionths", quota);
	member(&b, "periods", periods);
	member(&b, "throttled", throttled);
	if (u->v[U_throttled_us] != USAGE_UNKNOWN && w->throttled_us != USAGE_UNKNOWN)
		member(&b, "throttled_us", u->v[U_throttled_us] - w->throttled_us);
	finish(&b, t, w->window_ns, now_ns, EVIDENCE_BY_CPU);
	event_add(t->node, EVENT_CPU, t->spec->ct.id, text, &b);
}

static void look_at_cpu(struct task *t, uint64_t now_ns)
{
	struct breach_watch *w = t->watch;
	const struct usage *u = t->usage;
	uint64_t periods, throttled;

	if (u->v[U_cpu_quota_millionths] == USAGE_UNKNOWN || u->v[U_nr_periods] == USAGE_UNKNOWN ||
	    u->v[U_nr_throttled] == USAGE_UNKNOWN || w->periods == USAGE_UNKNOWN ||
	    w->throttled == USAGE_UNKNOWN) {
		begin_window(w, u, now_ns);
		return;
	}
	periods = u->v[U_nr_periods] - w->periods;
	throttled = u->v[U_nr_throttled] - w->throttled;
	if (periods >= BREACH_PERIODS_MIN && throttled * 100 >= periods * BREACH_THROTTLED_PCT &&
	    pause_over(&w->cpu_pause, now_ns)) {
		tell_cpu(t, periods, throttled, now_ns);
		begin_window(w, u, now_ns);
	} else if (now_ns - w->window_ns >= BREACH_WINDOW_NS) {
		begin_window(w, u, now_ns);
	}
}

void breach_look(struct task *t, uint64_t now_ns, bool ended)
{
	if (!t->usage || !t->ct || !t->node->events)
		return;
	if (!t->watch)
		t->watch = watch_new(t, now_ns);
	if (!t->watch)
		return; /* tried again at the next reading */
	for (size_t i = 0; i < WATCHES; i++)
		look_at_counter(t, i, now_ns, ended);
	look_at_threads(t, now_ns);
	look_at_cpu(t, now_ns);
}

/* Return: may it be told with its address? */
static bool denial_has_turn(struct breach_watch *w, uint64_t now_ns)
{
	if (!w->denials_ns || now_ns - w->denials_ns >= BREACH_WINDOW_NS) {
		w->denials_ns = now_ns;
		w->denials = 0;
	}
	return w->denials++ < BREACH_DENIALS_IN_WINDOW;
}

static void count_told(struct breach_watch *w, uint32_t what)
{
	enum usage_field count = what == DCOS_DENIED_BIND ? U_bind_denied : U_connect_denied;

	for (size_t i = 0; i < WATCHES; i++)
		if (watches[i].guard && watches[i].count == count && w->told[i] != USAGE_UNKNOWN)
			w->told[i]++;
}

void breach_denied(struct task *t, const struct dcos_denial *d)
{
	cleanup_jsonbuf struct jsonbuf b = {};
	char text[NETGUARD_TEXT_MAX];

	(void)netguard_text(d, text);
	if (t && !t->watch)
		t->watch = watch_new(t, mono_now_ns());
	if (!t || !t->watch || !denial_has_turn(t->watch, mono_now_ns())) {
		log_msg(LOG_WARNING, t ? t->spec->ct.id : NULL, "denied: %s", text);
		return;
	}
	jb_lit(&b, "{");
	netguard_print(d, &b);
	count_told(t->watch, d->what);
	evidence_past(&b, t);
	jb_lit(&b, "}");
	event_add(t->node, EVENT_DENIED, t->spec->ct.id, text, &b);
}

void breach_killed(const struct task *t, uint64_t bytes, const struct jsonbuf *top)
{
	cleanup_jsonbuf struct jsonbuf b = {};

	jb_lit(&b, "{\"what\":\"memory\"");
	member(&b, "limit", t->ct->iso.res.memory_max_bytes);
	member(&b, "value", bytes);
	if (top->err)
		b.err = top->err;
	else
		jb_raw(&b, top->data, top->len);
	evidence_past(&b, t);
	jb_lit(&b, "}");
	event_add(t->node, EVENT_OOM, t->spec->ct.id, t->breach, &b);
}
