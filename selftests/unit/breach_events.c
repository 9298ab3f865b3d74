// SPDX-License-Identifier: Apache-2.0
/* When breaches become events, and what of events is kept. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "agent/breach.h"
#include "agent/events.h"
#include "agent/lib/cleanup.h"
#include "agent/usage.h"
#include "selftests/harness/test.h"

#define S    1000000000ULL
#define LONG 100000

/* A task with a usage, a limit of everything, and a node that keeps events. */
struct rig {
	struct config cfg;
	struct node n;
	struct task_spec spec;
	struct container ct;
	struct task t;
	struct usage u;
	char id[16];
};

static void up(struct rig *r, uint64_t began_ns)
{
	memset(r, 0, sizeof(*r));
	r->cfg.meter_interval_us = 1000000;
	strncpy(r->id, "web", sizeof(r->id) - 1);
	r->n.cfg = &r->cfg;
	r->spec.ct.id = r->id;
	r->ct.iso.cgroup_fd = -1;
	r->ct.iso.res.pids_max = 5;
	r->ct.iso.res.egress_bps = 1000000;
	usage_clear(&r->u);
	r->t = (struct task){.node = &r->n, .spec = &r->spec, .ct = &r->ct, .usage = &r->u};
	r->t.began_ns = began_ns;
	if (events_new(&r->n.events))
		abort();
}

static void down(struct rig *r)
{
	r->t.watch = breach_watch_free(r->t.watch);
	r->n.events = events_free(r->n.events);
}

static uint64_t told(const struct rig *r, enum event_kind kind)
{
	struct events_stats s;

	events_stats(r->n.events, &s);
	return s.counts[kind];
}

/* The last event; a new object. */
static json_t *last(const struct rig *r)
{
	struct jsonbuf b = {};
	json_t *doc, *e;
	int nr;

	(void)events_print(r->n.events, NULL, events_next(r->n.events) - 1, SIZE_MAX, &b, &nr);
	doc = json_loadb(b.data, b.len, 0, NULL);
	jb_free(&b);
	e = json_incref(json_array_get(json_object_get(doc, "events"), 0));
	json_decref(doc);
	return e;
}

static json_int_t detail(const struct rig *r, const char *key)
{
	json_t *e = last(r);
	json_int_t v = json_integer_value(json_object_get(json_object_get(e, "details"), key));

	json_decref(e);
	return v;
}

static void expect_text(const struct rig *r, const char *text)
{
	json_t *e = last(r);

	EXPECT_STREQ(json_string_value(json_object_get(e, "text")), text);
	json_decref(e);
}

/* One reading. */
static void look(struct rig *r, enum usage_field f, uint64_t v, uint64_t now_ns)
{
	r->u.v[f] = v;
	breach_look(&r->t, now_ns, false);
}

TEST(a_counter_of_breaches_that_has_grown_is_an_event_with_limit_and_value)
{
	struct rig r;

	up(&r, S);
	r.u.v[U_pids] = 5;
	look(&r, U_pids_max_events, 0, 2 * S);
	EXPECT_EQ(told(&r, EVENT_PIDS), 0);
	look(&r, U_pids_max_events, 7, 3 * S);
	EXPECT_EQ(told(&r, EVENT_PIDS), 1);
	expect_text(&r, "forks refused: 7; pids 5 of 5");
	EXPECT_EQ(detail(&r, "limit"), 5);
	EXPECT_EQ(detail(&r, "value"), 5);
	EXPECT_EQ(detail(&r, "count"), 7);
	EXPECT_EQ(detail(&r, "since_ms"), 2000);
	look(&r, U_pids_max_events, 7, 30 * S);
	EXPECT_EQ(told(&r, EVENT_PIDS), 1);
	down(&r);
}

TEST(a_breach_that_goes_on_is_told_ever_more_rarely_and_nothing_is_left_out)
{
	uint64_t count = 0, at[64], sum = 0, seen = 0;
	struct rig r;

	up(&r, S);
	for (uint64_t s = 1; s <= 4000; s++) {
		look(&r, U_tx_dropped, ++count, s * S);
		if (told(&r, EVENT_NETWORK) == seen)
			continue;
		ASSERT_TRUE(seen < ARRAY_SIZE(at));
		at[seen++] = s;
		sum += (uint64_t)detail(&r, "count");
	}
	ASSERT_EQ(seen, 12);
	EXPECT_EQ(at[1] - at[0], 10);
	EXPECT_EQ(at[2] - at[1], 20);
	EXPECT_EQ(at[6] - at[5], 320);
	EXPECT_EQ(at[7] - at[6], 600);
	EXPECT_EQ(at[11] - at[10], 600);
	EXPECT_EQ(sum, at[11]);
	/* quiet for longer than the pause: the next one is a new breach */
	look(&r, U_tx_dropped, count + 1, 6000 * S);
	look(&r, U_tx_dropped, count + 2, 6010 * S);
	EXPECT_EQ(told(&r, EVENT_NETWORK), 14);
	expect_text(&r, "packets dropped: 1; egress 1mbit");
	/* the end ends the pause */
	look(&r, U_tx_dropped, count + 9, 6011 * S);
	EXPECT_EQ(told(&r, EVENT_NETWORK), 14);
	breach_look(&r.t, 6012 * S, true);
	expect_text(&r, "packets dropped: 7; egress 1mbit");
	down(&r);
}

TEST(what_a_task_did_under_an_agent_before_is_not_told)
{
	struct rig r;

	up(&r, 0);
	look(&r, U_oom_kills, 3, S);
	look(&r, U_rx_dropped, 9, 2 * S); /* known from the second reading on only */
	EXPECT_EQ(events_next(r.n.events), events_first(r.n.events));
	look(&r, U_oom_kills, 4, 3 * S);
	EXPECT_EQ(told(&r, EVENT_OOM), 1);
	EXPECT_EQ(detail(&r, "count"), 1);
	down(&r);
}

TEST(a_quota_is_broken_when_half_of_the_periods_are_throttled)
{
	struct rig r;

	up(&r, S);
	r.u.v[U_cpu_quota_millionths] = 500000;
	r.u.v[U_nr_throttled] = 4;
	look(&r, U_nr_periods, 10, 2 * S);
	EXPECT_EQ(told(&r, EVENT_CPU), 0);
	r.u.v[U_nr_throttled] = 9; /* of 20 */
	look(&r, U_nr_periods, 20, 3 * S);
	EXPECT_EQ(told(&r, EVENT_CPU), 0);
	look(&r, U_nr_periods, 100, 12 * S); /* a new window */
	r.u.v[U_nr_throttled] = 14;
	look(&r, U_nr_periods, 109, 13 * S); /* too few to judge */
	EXPECT_EQ(told(&r, EVENT_CPU), 0);
	look(&r, U_nr_periods, 110, 14 * S);
	EXPECT_EQ(told(&r, EVENT_CPU), 1);
	expect_text(&r, "stopped in 5 of 10 periods; quota of 0.5 CPUs");
	down(&r);
}

TEST(without_a_controller_as_many_threads_as_there_may_be_are_a_breach)
{
	struct rig r;

	up(&r, S);
	look(&r, U_pids, 4, 2 * S);
	EXPECT_EQ(told(&r, EVENT_PIDS), 0);
	look(&r, U_pids, 5, 3 * S);
	EXPECT_EQ(told(&r, EVENT_PIDS), 1);
	expect_text(&r, "as many threads as there may be; pids 5 of 5");
	down(&r);
}

TEST(denials_are_told_with_their_address_unless_they_are_too_many)
{
	struct dcos_denial d = {.what = DCOS_DENIED_CONNECT,
				.protocol = IPPROTO_TCP,
				.port = 80,
				.pid = 12,
				.comm = "curl"};
	struct rig r;

	up(&r, S);
	d.addr[2] = htonl(0xffff);
	d.addr[3] = htonl(0x0a000001);
	for (int i = 0; i < BREACH_DENIALS_IN_WINDOW + 3; i++)
		breach_denied(&r.t, &d);
	EXPECT_EQ(told(&r, EVENT_DENIED), BREACH_DENIALS_IN_WINDOW);
	expect_text(&r, "connect to 10.0.0.1:80 (tcp) by curl, pid 12");
	EXPECT_EQ(detail(&r, "port"), 80);
	/* the counter has those too that the kernel did not tell */
	look(&r, U_connect_denied, BREACH_DENIALS_IN_WINDOW + 5, 20 * S);
	EXPECT_EQ(told(&r, EVENT_DENIED), BREACH_DENIALS_IN_WINDOW);
	look(&r, U_connect_denied, BREACH_DENIALS_IN_WINDOW + 6, 21 * S);
	EXPECT_EQ(told(&r, EVENT_DENIED), BREACH_DENIALS_IN_WINDOW + 1);
	EXPECT_EQ(detail(&r, "count"), 5);
	breach_denied(NULL, &d);
	EXPECT_EQ(told(&r, EVENT_DENIED), BREACH_DENIALS_IN_WINDOW + 1);
	down(&r);
}

/* ---- the ring ---- */

static int asked(const struct rig *r, const char *id, uint64_t since, size_t max,
		 uint64_t *ret_next)
{
	struct jsonbuf b = {};
	int nr;

	*ret_next = events_print(r->n.events, id, since, max, &b, &nr);
	jb_free(&b);
	return nr;
}

TEST(the_last_events_are_kept_and_their_numbers_go_on)
{
	struct events_stats s;
	uint64_t first, next;
	struct rig r;

	up(&r, S);
	first = events_next(r.n.events);
	for (int i = 0; i < EVENTS_MAX + 10; i++)
		event_add_json(&r.n, EVENT_STARTED, i % 2 ? "odd" : "even", "x", json_object());
	events_stats(r.n.events, &s);
	EXPECT_EQ(s.overwritten, 10);
	EXPECT_EQ(events_first(r.n.events), first + 10);
	EXPECT_EQ(asked(&r, NULL, 0, SIZE_MAX, &next), EVENTS_MAX);
	EXPECT_EQ(next, first + EVENTS_MAX + 10);
	EXPECT_EQ(asked(&r, "odd", 0, SIZE_MAX, &next), EVENTS_MAX / 2);
	EXPECT_EQ(asked(&r, NULL, first + EVENTS_MAX, SIZE_MAX, &next), 10);
	EXPECT_EQ(asked(&r, NULL, next + 5, SIZE_MAX, &next), 0);
	EXPECT_EQ(next, first + EVENTS_MAX + 10);
	EXPECT_EQ(asked(&r, NULL, 0, 1, &next), 0);
	EXPECT_EQ(asked(&r, NULL, 0, 100, &next), 1);
	EXPECT_EQ(next, first + 11);
	down(&r);
}

TEST(large_events_make_the_older_ones_give_way)
{
	struct events_stats s;
	char *text = malloc(LONG + 1);
	struct rig r;

	ASSERT_TRUE(text);
	up(&r, S);
	memset(text, 'x', LONG);
	text[LONG] = '\0';
	for (int i = 0; i < 100; i++) {
		event_add_json(&r.n, EVENT_UPDATE, "web", "x", json_pack("{ss}", "a", text));
		events_stats(r.n.events, &s);
		ASSERT_TRUE(s.bytes <= EVENTS_BYTES_MAX);
	}
	EXPECT_EQ(events_next(r.n.events) - events_first(r.n.events), EVENTS_BYTES_MAX / LONG);
	EXPECT_EQ(s.counts[EVENT_UPDATE], 100);
	EXPECT_EQ(s.failed, 0);
	event_add_json(&r.n, EVENT_UPDATE, "web", "details without memory", NULL);
	events_stats(r.n.events, &s);
	EXPECT_EQ(s.failed, 1);
	expect_text(&r, "details without memory");
	down(&r);
	free(text);
}
