// SPDX-License-Identifier: Apache-2.0
/* Scaling of an app by the reports of its tasks, in simulated time. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/why.h"
#include "selftests/harness/test.h"
#include "tools/allocator/scaling.h"

#define START_MS 1000000
#define TASKS	 64
#define MIB	 (1ULL << 20)

static json_t *json(const char *text)
{
	json_error_t e;
	json_t *doc = json_loads(text, 0, &e);

	if (!doc)
		printf("# %s: %s\n", text, e.text);
	ASSERT_TRUE(doc != NULL);
	return doc;
}

/* An app of which each task has its part of the load. */
struct app {
	struct scaling *scaling;
	struct scaling_now now;
	uint64_t now_ms, cpu_ns[TASKS];
	unsigned int changes;
};

static void start(struct app *a, const char *rule)
{
	struct why why = {""};
	json_t *doc = json(rule);

	*a = (struct app){.now = {2, {1000, 256 * MIB}}, .now_ms = START_MS};
	EXPECT_EQ(scaling_new(doc, &a->scaling, &why), 0);
	EXPECT_STREQ(why.text, "");
	json_decref(doc);
}

static void report(struct app *a, unsigned int i, uint64_t cpu_milli, uint64_t memory)
{
	json_t *usage;
	char id[16];

	(void)snprintf(id, sizeof(id), "t%u", i);
	a->cpu_ns[i] += cpu_milli * 1000000;
	usage = json_pack("{s:I, s:I, s:I, s:I}", "cpu_ns", (json_int_t)a->cpu_ns[i],
			  "memory_bytes", (json_int_t)memory, "nr_periods", (json_int_t)0,
			  "nr_throttled", (json_int_t)0);
	EXPECT_EQ(signals_report(scaling_signals(a->scaling), id, usage, a->now_ms), 0);
	json_decref(usage);
}

/* @load in thousandths of a CPU over all tasks */
static void run(struct app *a, uint64_t load, uint64_t memory, unsigned int seconds)
{
	a->changes = 0;
	while (seconds--) {
		struct scaling_now to;

		a->now_ms += 1000;
		for (unsigned int i = 0; i < a->now.instances; i++)
			report(a, i, load / a->now.instances, memory);
		ASSERT_EQ(scaling_decide(a->scaling, &a->now, a->now_ms, 1, &to), 0);
		for (unsigned int i = to.instances; i < a->now.instances; i++) {
			char id[16];

			(void)snprintf(id, sizeof(id), "t%u", i);
			signals_gone(scaling_signals(a->scaling), id);
			a->cpu_ns[i] = 0;
		}
		if (memcmp(&to, &a->now, sizeof(to)) != 0) {
			scaling_changed(a->scaling, &a->now, &to, a->now_ms);
			a->changes++;
		}
		a->now = to;
	}
}

static const char rule_cpu[] = "{\"min\": 2, \"max\": 10, \"windowSeconds\": 3, "
			       "\"upCooldownSeconds\": 5, \"downCooldownSeconds\": 30, "
			       "\"metrics\": [{\"signal\": \"cpu\", \"target\": 60}]}";

TEST(instances_follow_the_cpu_that_tasks_use)
{
	struct app a;

	start(&a, rule_cpu);
	run(&a, 1200, MIB, 60);
	EXPECT_EQ(a.now.instances, 2);
	EXPECT_EQ(a.changes, 0);
	run(&a, 3600, MIB, 60);
	EXPECT_EQ(a.now.instances, 6);
	run(&a, 3600, MIB, 60);
	EXPECT_EQ(a.changes, 0);
	run(&a, 60000, MIB, 60);
	EXPECT_EQ(a.now.instances, 10);
	run(&a, 10, MIB, 300);
	EXPECT_EQ(a.now.instances, 2);
	scaling_free(a.scaling);
}

TEST(every_decision_is_kept_with_its_numbers_and_only_news_are)
{
	const json_t *history, *last, *metric;
	struct app a;
	size_t before;

	start(&a, rule_cpu);
	run(&a, 3600, MIB, 5);
	EXPECT_EQ(a.now.instances, 4);
	history = scaling_history(a.scaling);
	before = json_array_size(history);
	last = json_array_get(history, before - 1);
	metric = json_array_get(json_object_get(last, "metrics"), 0);
	EXPECT_STREQ(json_string_value(json_object_get(metric, "signal")), "cpu");
	run(&a, 2400, MIB, 100); /* on target */
	EXPECT_EQ(a.changes, 0);
	EXPECT_LE(json_array_size(history), before + 3);
	run(&a, 4800, MIB, 4);
	last = json_array_get(history, json_array_size(history) - 1);
	for (size_t i = json_array_size(history); i-- > 0;) {
		last = json_array_get(history, i);
		if (json_integer_value(json_object_get(last, "to")) >
		    json_integer_value(json_object_get(last, "from")))
			break;
	}
	metric = json_array_get(json_object_get(last, "metrics"), 0);
	EXPECT_EQ(json_integer_value(json_object_get(last, "from")), 4);
	EXPECT_EQ(json_integer_value(json_object_get(metric, "value")), 1200);
	EXPECT_EQ(json_integer_value(json_object_get(metric, "target")), 600);
	EXPECT_EQ(json_integer_value(json_object_get(metric, "asks")), 8);
	EXPECT_STREQ(json_string_value(json_object_get(metric, "verdict")), "up");
	for (int i = 0; i < 200; i++) /* to and fro */
		run(&a, i % 2 ? 100 : 9000, MIB, 40);
	EXPECT_EQ(json_array_size(history), SCALING_HISTORY_MAX);
	scaling_free(a.scaling);
}

TEST(any_signal_takes_it_up_and_none_alone_takes_it_down)
{
	struct app a;

	start(&a,
	      "{\"min\": 2, \"max\": 10, \"windowSeconds\": 1, \"upCooldownSeconds\": 0, "
	      "\"downCooldownSeconds\": 0, \"metrics\": [{\"signal\": \"cpu\", \"target\": 60}, "
	      "{\"signal\": \"memory\", \"target\": 50}]}");
	run(&a, 4800, 128 * MIB, 20); /* memory is on target */
	EXPECT_EQ(a.now.instances, 8);
	run(&a, 10, 128 * MIB, 60); /* and holds it */
	EXPECT_EQ(a.now.instances, 8);
	run(&a, 10, 8 * MIB, 60);
	EXPECT_EQ(a.now.instances, 2);
	scaling_free(a.scaling);
}

TEST(without_fresh_reports_nothing_changes)
{
	struct scaling_now to;
	struct app a;

	start(&a, rule_cpu);
	run(&a, 1200, MIB, 10);
	for (int i = 0; i < 10; i++) {
		a.now_ms += 10000;
		ASSERT_EQ(scaling_decide(a.scaling, &a.now, a.now_ms, 1, &to), 0);
		EXPECT_EQ(to.instances, 2);
	}
	/* reports that leave the tasks out: nothing was used */
	for (int i = 0; i < 2; i++) {
		a.now_ms += 1000;
		EXPECT_EQ(signals_report(scaling_signals(a.scaling), "t0", NULL, a.now_ms), 0);
		EXPECT_EQ(signals_report(scaling_signals(a.scaling), "t1", NULL, a.now_ms), 0);
	}
	struct signals_value v;

	signals_read(scaling_signals(a.scaling), SIGNAL_CPU, &a.now.request, a.now_ms, 5000, &v);
	EXPECT_EQ(v.value, 0);
	EXPECT_EQ(v.reporting, 2);
	scaling_free(a.scaling);
}

TEST(quotas_follow_the_task_that_uses_most)
{
	struct app a;

	start(&a, "{\"vertical\": {\"cpus\": {\"min\": 0.1, \"max\": 4}, "
		  "\"mem\": {\"min\": 16, \"max\": 512}, \"samples\": 30, "
		  "\"cooldownSeconds\": 60, \"halfLifeSeconds\": 600}}");
	run(&a, 400, 60 * MIB, 120); /* 200 each, of 1000 */
	EXPECT_EQ(a.now.instances, 2);
	EXPECT_GE(a.now.request.cpus_milli, 200 * 1.15);
	EXPECT_LE(a.now.request.cpus_milli, 200 * 1.15 * 1.21);
	EXPECT_GE(a.now.request.memory_bytes, 60 * MIB * 1.15);
	EXPECT_LE(a.now.request.memory_bytes, 60 * MIB * 1.15 * 1.21);
	EXPECT_TRUE(json_object_get(json_array_get(scaling_history(a.scaling), 1), "cpus") != NULL);
	scaling_free(a.scaling);
}

TEST(a_task_that_uses_nothing_gets_the_least)
{
	struct app a;

	start(&a, "{\"vertical\": {\"cpus\": {\"min\": 0.1, \"max\": 4}, \"samples\": 3}}");
	run(&a, 0, 0, 10);
	EXPECT_EQ(a.now.request.cpus_milli, 100);
	scaling_free(a.scaling);
}

TEST(waits_of_all_tasks_make_one_quantile_and_a_counter_that_goes_back_a_new_beginning)
{
	static const char first[] = "{\"wait_hist_us\": [0, 0, 0, 100], \"cpu_ns\": 5000}";
	static const char then[] =
		"{\"wait_hist_us\": [0, 0, 0, 190, 0, 0, 0, 10], \"cpu_ns\": 6000}";
	static const char quiet[] = "{\"wait_hist_us\": [0, 0, 0, 1000], \"cpu_ns\": 6000}";
	const struct signals_request request = {1000, MIB};
	struct signals_value v;
	struct signals *s;
	json_t *doc[3] = {json(first), json(then), json(quiet)};

	ASSERT_TRUE(!signals_new(&s));
	ASSERT_TRUE(!signals_report(s, "a", doc[0], 1000));
	ASSERT_TRUE(!signals_report(s, "b", doc[0], 1000));
	signals_read(s, SIGNAL_WAIT_P99, &request, 1000, 5000, &v);
	EXPECT_EQ(v.reporting, 0); /* one report is no difference */
	ASSERT_TRUE(!signals_report(s, "a", doc[1], 2000));
	ASSERT_TRUE(!signals_report(s, "a", doc[0], 1500)); /* late, and ignored */
	ASSERT_TRUE(!signals_report(s, "b", doc[2], 2000));
	signals_read(s, SIGNAL_WAIT_P99, &request, 2000, 5000, &v);
	EXPECT_EQ(v.reporting, 2);
	EXPECT_EQ(v.value, 16); /* 10 slow ones of 1000 are beyond 99 % */
	signals_gone(s, "b");
	signals_read(s, SIGNAL_WAIT_P99, &request, 2000, 5000, &v);
	EXPECT_EQ(v.value, 256);
	ASSERT_TRUE(!signals_report(s, "a", doc[0], 3000));
	signals_read(s, SIGNAL_CPU, &request, 3000, 5000, &v);
	EXPECT_EQ(v.reporting, 0);
	signals_free(s);
	for (int i = 0; i < 3; i++)
		json_decref(doc[i]);
}

TEST(rules_that_make_no_sense_are_refused_with_the_key)
{
	static const struct {
		const char *doc, *why;
	} bad[] = {
		{"[]", "autoscale: an object"},
		{"{}", "autoscale: metrics, or vertical with cpus or mem"},
		{"{\"mix\": 1}", "autoscale: unknown key mix"},
		{"{\"metrics\": [{\"signal\": \"cpu\", \"target\": 1}]}",
		 "max: at least min, which is 1"},
		{"{\"max\": 2, \"metrics\": []}", "metrics: 1 to 8 objects"},
		{"{\"max\": 0.5, \"metrics\": []}", "max: a number from 1 to 100000"},
		{"{\"max\": \"2\", \"metrics\": []}", "max: a number from 1 to 100000"},
		{"{\"max\": 2, \"metrics\": [{\"signal\": \"cpu\"}]}", "target: missing"},
		{"{\"max\": 2, \"metrics\": [{\"signal\": \"cpu\", \"target\": 0}]}",
		 "target: a number from 0.01 to 1e+12"},
		{"{\"max\": 2, \"metrics\": [{\"signal\": \"luck\", \"target\": 1}]}",
		 "signal: cpu, memory, throttled, wait_p99, rtt_p99, received, sent or "
		 "connections"},
		{"{\"max\": 2, \"metrics\": [{\"signal\": \"cpu\", \"target\": 1, \"x\": 1}]}",
		 "metrics: unknown key x"},
		{"{\"vertical\": {\"cpus\": {\"min\": 2, \"max\": 1}}}",
		 "cpus: min and max, from 0.001 to 10000"},
		{"{\"vertical\": {\"disk\": {}}}", "vertical: unknown key disk"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct why why = {""};
		json_t *doc = json(bad[i].doc);

		EXPECT_EQ(scaling_check(doc, &why), -EINVAL);
		EXPECT_STREQ(why.text, bad[i].why);
		json_decref(doc);
	}
}
