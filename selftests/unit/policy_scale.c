// SPDX-License-Identifier: Apache-2.0
/* Scaling of instances and quotas, the ladder under pressure and slack: in simulated time. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "selftests/harness/test.h"
#include "tools/allocator/policy/autoscale.h"
#include "tools/allocator/policy/oversubscription.h"

#define SECOND 1000000000ULL

static const struct autoscale_config cpu = {
	.min = 2,
	.max = 20,
	.target = 500,
	.proportional = true,
	.tolerance_permille = 100,
	.window = 3,
	.up_cooldown_ns = 5 * SECOND,
	.down_cooldown_ns = 30 * SECOND,
};

/* a service: its load divides among its instances */
struct service {
	struct autoscale_past past;
	struct autoscale_decision d;
	uint32_t instances, changes, least, most;
	uint64_t now_ns;
};

static void run(struct service *s, const struct autoscale_config *c, uint64_t load,
		unsigned int seconds)
{
	s->changes = 0;
	s->least = s->most = s->instances;
	while (seconds--) {
		const struct autoscale_sample sample = {.value = load / s->instances,
							.at_ns = s->now_ns,
							.instances = s->instances,
							.reporting = s->instances};

		s->now_ns += SECOND;
		ASSERT_TRUE(!autoscale_horizontal(c, &s->past, &sample, s->now_ns, &s->d));
		if (s->d.to != s->instances)
			autoscale_changed(&s->past, s->now_ns);
		s->changes += s->d.to != s->instances;
		s->instances = s->d.to;
		s->least = s->instances < s->least ? s->instances : s->least;
		s->most = s->instances > s->most ? s->instances : s->most;
	}
}

TEST(instances_follow_the_load_up_and_down_and_then_stand_still)
{
	struct service s = {.instances = 2};

	run(&s, &cpu, 1000, 60);
	EXPECT_EQ(s.changes, 0);
	run(&s, &cpu, 6000, 60);
	EXPECT_EQ(s.instances, 12);
	EXPECT_EQ(s.most, 12); /* it did not overshoot */
	EXPECT_EQ(s.changes, 3); /* 2, 4, 8, 12: at most doubled at once */
	run(&s, &cpu, 6000, 300);
	EXPECT_EQ(s.changes, 0);
	run(&s, &cpu, 100, 600);
	EXPECT_EQ(s.instances, 2);
	EXPECT_EQ(s.least, 2);
	EXPECT_EQ(s.d.verdict, AUTOSCALE_AT_MIN);
	run(&s, &cpu, 1000000, 60);
	EXPECT_EQ(s.instances, 20);
	EXPECT_EQ(s.d.verdict, AUTOSCALE_AT_MAX);
	EXPECT_EQ(s.d.raw > 20, 1);
}

TEST(one_outlier_and_what_is_near_the_target_change_nothing)
{
	struct service s = {.instances = 4};

	for (int i = 0; i < 20; i++) {
		run(&s, &cpu, 2100, 2); /* 525, tolerated */
		EXPECT_EQ(s.changes, 0);
		run(&s, &cpu, 90000, 1);
		EXPECT_EQ(s.changes, 0);
	}
	EXPECT_EQ(s.instances, 4);
}

TEST(a_decision_says_why_with_its_numbers)
{
	struct service s = {.instances = 4};

	run(&s, &cpu, 4000, 2);
	EXPECT_EQ(s.d.verdict, AUTOSCALE_GATHERING);
	run(&s, &cpu, 4000, 1);
	EXPECT_EQ(s.d.verdict, AUTOSCALE_UP);
	EXPECT_EQ(s.d.signal, 1000);
	EXPECT_STREQ(s.d.text, "up: 4 -> 8, signal 1000 for target 500 asks for 8 (median of 3, "
			       "4 of 4 report, cool-down 0 s)");
	run(&s, &cpu, 40000, 3);
	EXPECT_EQ(s.d.verdict, AUTOSCALE_COOLDOWN);
	EXPECT_EQ(s.d.wait_ns, 2 * SECOND);
	EXPECT_EQ(s.d.to, 8);
}

static struct autoscale_decision once(uint64_t value, uint32_t instances, uint32_t reporting)
{
	const struct autoscale_config c = {.min = 1,
					   .max = 100,
					   .target = 500,
					   .proportional = true,
					   .max_down_permille = 1000};
	const struct autoscale_sample sample = {value, 10 * SECOND, instances, reporting};
	struct autoscale_past past = {0};
	struct autoscale_decision d = {0};

	EXPECT_EQ(autoscale_horizontal(&c, &past, &sample, 11 * SECOND, &d), 0);
	return d;
}

TEST(instances_that_do_not_report_never_cause_a_change)
{
	EXPECT_EQ(once(1000, 10, 10).to, 20);
	EXPECT_EQ(once(1000, 10, 7).to, 14); /* three may be starting */
	EXPECT_EQ(once(1000, 10, 4).to, 10);
	EXPECT_EQ(once(100, 10, 10).to, 2);
	EXPECT_EQ(once(100, 10, 5).to, 6); /* five count as on target */
	EXPECT_EQ(once(100, 10, 0).verdict, AUTOSCALE_STALE);
	EXPECT_EQ(once(UINT64_MAX, 10, 10).to, 20);
	EXPECT_EQ(once(0, 10, 10).to, 1);
	EXPECT_EQ(once(500, 200, 200).verdict, AUTOSCALE_BOUNDS);
	EXPECT_EQ(once(500, 200, 200).to, 100);
}

TEST(old_samples_and_clocks_that_go_back_change_nothing)
{
	const struct autoscale_config c = {.min = 1,
					   .max = 9,
					   .target = 500,
					   .proportional = true,
					   .up_cooldown_ns = 60 * SECOND};
	struct autoscale_sample sample = {2000, 100 * SECOND, 2, 2};
	struct autoscale_past past = {0};
	struct autoscale_decision d;

	ASSERT_TRUE(!autoscale_horizontal(&c, &past, &sample, 106 * SECOND, &d));
	EXPECT_EQ(d.verdict, AUTOSCALE_STALE);
	sample.at_ns = 106 * SECOND;
	ASSERT_TRUE(!autoscale_horizontal(&c, &past, &sample, 106 * SECOND, &d));
	EXPECT_EQ(d.to, 4);
	autoscale_changed(&past, 106 * SECOND);
	sample.instances = sample.reporting = 4;
	sample.at_ns = SECOND;
	ASSERT_TRUE(!autoscale_horizontal(&c, &past, &sample, SECOND, &d));
	EXPECT_EQ(d.to, 4);
	sample.at_ns = 107 * SECOND;
	ASSERT_TRUE(!autoscale_horizontal(&c, &past, &sample, 107 * SECOND, &d));
	EXPECT_EQ(d.verdict, AUTOSCALE_COOLDOWN);
	EXPECT_EQ(d.wait_ns, 59 * SECOND);
}

TEST(a_signal_that_does_not_divide_moves_by_steps)
{
	const struct autoscale_config wait = {
		.min = 1, .max = 10, .target = 1000, .step = 2, .tolerance_permille = 200};
	struct autoscale_sample sample = {5000, 0, 3, 3};
	struct autoscale_past past = {0};
	struct autoscale_decision d;

	ASSERT_TRUE(!autoscale_horizontal(&wait, &past, &sample, 0, &d));
	EXPECT_EQ(d.to, 5);
	sample.value = 100;
	sample.instances = sample.reporting = 5;
	ASSERT_TRUE(!autoscale_horizontal(&wait, &past, &sample, 0, &d));
	EXPECT_EQ(d.to, 3);
}

TEST(configurations_that_make_no_sense_are_refused)
{
	const struct autoscale_config bad[] = {{.min = 3, .max = 2, .target = 1},
					       {.target = 1},
					       {.max = 1},
					       {.max = 1, .target = 1, .window = 61},
					       {.max = 1, .target = 1, .tolerance_permille = 1001}};
	struct autoscale_sample sample = {0};
	struct autoscale_past past = {0};
	struct autoscale_decision d;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT_EQ(autoscale_horizontal(&bad[i], &past, &sample, 0, &d), -EINVAL);
}

static const struct autoscale_vertical_config memory = {
	.min = 64 << 20,
	.max = 4ULL << 30,
	.quantile_permille = 950,
	.margin_permille = 150,
	.half_life_ns = 600 * SECOND,
	.up_permille = 100,
	.down_permille = 200,
	.cooldown_ns = 60 * SECOND,
	.samples_min = 30,
};

struct grown {
	struct autoscale_histogram hist;
	struct autoscale_vertical_decision d;
	uint64_t quota, now_ns;
	unsigned int changes;
};

static void use_for(struct grown *g, uint64_t low, uint64_t high, unsigned int seconds)
{
	g->changes = 0;
	for (unsigned int i = 0; i < seconds; i++) {
		const struct autoscale_use use = {.value = i % 10 ? low : high, .quota = g->quota};

		g->now_ns += SECOND;
		ASSERT_TRUE(!autoscale_vertical(&memory, &g->hist, &use, g->now_ns, &g->d));
		if (g->d.to != g->quota)
			autoscale_vertical_changed(&g->hist, g->now_ns);
		g->changes += g->d.to != g->quota;
		g->quota = g->d.to;
	}
}

TEST(a_quota_settles_above_what_is_used_and_follows_it_down_slowly)
{
	struct grown g = {.quota = 2ULL << 30};

	use_for(&g, 100 << 20, 200 << 20, 600);
	/* above the peak that is there one second in ten, and within margin and two classes */
	EXPECT_GE(g.quota, 200 << 20);
	EXPECT_LE(g.quota, (200 << 20) * 1.15 * 1.21);
	EXPECT_EQ(g.changes, 1);
	use_for(&g, 50 << 20, 60 << 20, 600);
	/* after one half-life the peaks are less than 5 % of the weight, what was usual is more */
	EXPECT_GE(g.quota, 100 << 20);
	EXPECT_LE(g.quota, (100 << 20) * 1.15 * 1.21);
	use_for(&g, 50 << 20, 60 << 20, 3600);
	EXPECT_LE(g.quota, 85 << 20);
	EXPECT_GE(g.quota, 64 << 20);
	use_for(&g, 1 << 20, 1 << 20, 12000);
	EXPECT_EQ(g.d.recommended, memory.min);
	EXPECT_LE(g.quota, memory.min * 1.25); /* nearer than down_permille it need not go */
	use_for(&g, 9ULL << 30, 9ULL << 30, 600);
	EXPECT_EQ(g.quota, memory.max);
	EXPECT_EQ(g.d.verdict, AUTOSCALE_AT_MAX);
	EXPECT_EQ(strncmp(g.d.text, "at max: 4294967296 -> 4294967296, recommended 4294967296", 56),
		  0);
}

TEST(who_starves_gets_more_at_once)
{
	struct grown g = {.quota = 100 << 20};
	const struct autoscale_use use = {.value = 100 << 20, .quota = 100 << 20, .starved = true};

	use_for(&g, 60 << 20, 60 << 20, 20);
	EXPECT_EQ(g.d.verdict, AUTOSCALE_GATHERING);
	ASSERT_TRUE(!autoscale_vertical(&memory, &g.hist, &use, g.now_ns, &g.d));
	EXPECT_EQ(g.d.verdict, AUTOSCALE_UP);
	EXPECT_GE(g.d.to, (100 << 20) * 1.3);
}

TEST(a_year_of_samples_overflows_nothing)
{
	struct autoscale_vertical_config slow = memory;
	struct grown g = {.quota = 100 << 20};

	slow.half_life_ns = 30 * 86400 * SECOND;
	for (int i = 0; i < 1000000; i++) {
		const struct autoscale_use use = {.value = 100 << 20, .quota = g.quota};

		g.now_ns += 32 * SECOND;
		ASSERT_TRUE(!autoscale_vertical(&slow, &g.hist, &use, g.now_ns, &g.d));
		g.quota = g.d.to;
	}
	EXPECT_GE(g.quota, 100 << 20);
	EXPECT_LE(g.quota, (100 << 20) * 1.15 * 1.11);
	use_for(&g, 100 << 20, 100 << 20, 1); /* and a far shorter half-life afterwards */
	EXPECT_LE(g.quota, (100 << 20) * 1.15 * 1.11);
}

static const char *moved(struct ladder_past *past, struct ladder_instance *in,
			 unsigned int pressure, uint64_t at_s)
{
	static char text[64];
	const struct ladder_config c = {0};
	struct ladder_decision d;

	EXPECT_EQ(ladder_step(&c, past, in, 3, pressure, at_s * SECOND, &d), 0);
	if (d.from == d.to)
		return "";
	(void)snprintf(text, sizeof(text), "%s %s", in[d.instance].id, ladder_rung_name(d.to));
	return text;
}

TEST(the_ladder_throttles_all_then_freezes_all_and_ends_only_what_was_frozen_long)
{
	struct ladder_instance in[3] = {{.id = "a", .priority = 1, .used = 5},
					{.id = "b", .priority = 0, .used = 1},
					{.id = "c", .priority = 0, .used = 9}};
	static const char *const up[] = {"c throttled", "b throttled", "a throttled",
					 "c frozen",	"b frozen",    "a frozen"};
	struct ladder_past past = {0};

	EXPECT_STREQ(moved(&past, in, 900, 1), "");
	for (unsigned int i = 0; i < 6; i++) {
		EXPECT_STREQ(moved(&past, in, 900, 2 + 2 * i), "");
		EXPECT_STREQ(moved(&past, in, 900, 3 + 2 * i), up[i]);
	}
	/* c was frozen at 9 s */
	for (uint64_t s = 14; s < 39; s++)
		EXPECT_STREQ(moved(&past, in, 900, s), "");
	EXPECT_STREQ(moved(&past, in, 900, 39), "c ended");
	/* between low and high nothing moves; below low the most important comes back first */
	EXPECT_STREQ(moved(&past, in, 100, 100), "");
	EXPECT_STREQ(moved(&past, in, 10, 101), "");
	EXPECT_STREQ(moved(&past, in, 10, 111), "a throttled");
	EXPECT_STREQ(moved(&past, in, 10, 120), "");
	EXPECT_STREQ(moved(&past, in, 10, 121), "b throttled");
	EXPECT_STREQ(moved(&past, in, 10, 131), "a free");
	EXPECT_STREQ(moved(&past, in, 10, 141), "b free");
	EXPECT_STREQ(moved(&past, in, 10, 500), "");
}

TEST(the_ladder_refuses_what_makes_no_sense)
{
	const struct ladder_config c = {.high_permille = 10, .low_permille = 10};
	struct ladder_past past = {0};
	struct ladder_decision d;

	EXPECT_EQ(ladder_step(&c, &past, NULL, 0, 0, 0, &d), -EINVAL);
	EXPECT_EQ(ladder_step(&(struct ladder_config){0}, &past, NULL, LADDER_INSTANCES_MAX + 1, 0,
			      0, &d),
		  -E2BIG);
}

TEST(slack_is_what_the_peak_with_its_margin_leaves_and_memory_is_never_lent)
{
	const struct policy_resources requested = {{4000, 1 << 30}};
	struct policy_resources used = {{3000, 1}}, slack;
	struct slack_past past = {0};

	policy_slack(&past, &requested, &used, 100, 10 * SECOND, SECOND, &slack);
	EXPECT_EQ(slack.of[POLICY_CPUS], 700);
	EXPECT_EQ(slack.of[POLICY_MEMORY], 0);
	used.of[POLICY_CPUS] = 1000;
	policy_slack(&past, &requested, &used, 100, 10 * SECOND, SECOND, &slack);
	EXPECT_EQ(slack.of[POLICY_CPUS], 700);
	policy_slack(&past, &requested, &used, 100, 10 * SECOND, 11 * SECOND, &slack);
	EXPECT_EQ(slack.of[POLICY_CPUS], 1800);
	policy_slack(&past, &requested, &used, 100, 10 * SECOND, 1000 * SECOND, &slack);
	EXPECT_EQ(slack.of[POLICY_CPUS], 2900);
	used.of[POLICY_CPUS] = 4000;
	policy_slack(&past, &requested, &used, 100, 10 * SECOND, 1001 * SECOND, &slack);
	EXPECT_EQ(slack.of[POLICY_CPUS], 0);
}
