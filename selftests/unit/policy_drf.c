// SPDX-License-Identifier: Apache-2.0
/*
 * What dominant-resource fairness promises, on random roles whose seed is printed. The entitlements
 * of policy_shares() keep each promise to rounding. policy_step() places whole instances: it keeps
 * them up to a few instances, each at most 1/GRAIN of the cluster.
 */
#include <stdio.h>
#include <string.h>

#include "selftests/harness/test.h"
#include "tools/allocator/policy/policy.h"

#define ROLES	6
#define DIMS	4
#define TOTAL	1000000
#define GRAIN	200
#define SEEDS	30
#define LIES	6
#define WANTED	100000
#define EPSILON 1e-6

struct pool {
	uint64_t random;
	int roles;
	uint64_t request[ROLES][DIMS];
	uint32_t weight[ROLES];
	double tasks[ROLES]; /* by entitlement */
	uint32_t placed[ROLES];
};

static const char *const names[ROLES] = {"r0", "r1", "r2", "r3", "r4", "r5"};

static uint64_t rnd(struct pool *w, uint64_t below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random % below;
}

static double dominant(const uint64_t *request)
{
	uint64_t most = 0;

	for (int d = 0; d < DIMS; d++)
		most = request[d] > most ? request[d] : most;
	return (double)most / TOTAL;
}

/* some want all dimensions, some few; the dominant one is 1/GRAIN to 1/(4 GRAIN) */
static void random_roles(struct pool *w, bool weights)
{
	w->roles = 2 + (int)rnd(w, ROLES - 1);
	for (int i = 0; i < w->roles; i++) {
		uint64_t most = TOTAL / GRAIN / (1 + rnd(w, 4));

		for (int d = 0; d < DIMS; d++)
			w->request[i][d] = rnd(w, 3) ? 1 + rnd(w, most) : 0;
		w->request[i][rnd(w, DIMS)] = most;
		w->weight[i] = weights ? (uint32_t)(500 + rnd(w, 3000)) : POLICY_WEIGHT_ONE;
	}
}

static void entitlements(struct pool *w, struct policy *p)
{
	const struct policy_share *s;
	size_t nr;

	ASSERT_TRUE(!policy_shares(p, &s, &nr));
	ASSERT_EQ(nr, w->roles);
	for (int i = 0; i < w->roles; i++)
		w->tasks[i] = (double)s[i].entitled_ppb / 1e9 / dominant(w->request[i]);
}

/* One node that is the whole cluster, every role wants more than there is. */
static void share(struct pool *w, bool place)
{
	const struct policy_node n = {.id = "pool",
				      .total.of = {TOTAL, TOTAL, TOTAL, TOTAL},
				      .accepts = true};
	struct policy_result r;
	struct policy *p;

	ASSERT_TRUE(!policy_new(NULL, &p));
	ASSERT_TRUE(!policy_node_set(p, &n, NULL));
	for (int i = 0; i < w->roles; i++) {
		struct policy_role role = {.name = names[i], .weight = w->weight[i]};
		struct policy_demand d = {.id = names[i], .role = names[i], .wanted = WANTED};

		for (int k = 0; k < POLICY_DIMENSIONS; k++)
			role.limit.of[k] = POLICY_UNLIMITED;
		memcpy(d.request.of, w->request[i], sizeof(w->request[i]));
		ASSERT_TRUE(!policy_role_set(p, &role, NULL));
		ASSERT_TRUE(!policy_demand_set(p, &d, NULL));
	}
	entitlements(w, p);
	memset(w->placed, 0, sizeof(w->placed));
	if (place) {
		ASSERT_TRUE(!policy_step(p, NULL, &r));
		for (size_t i = 0; i < r.placements_nr; i++)
			w->placed[r.placements[i].demand[1] - '0']++;
	}
	policy_free(p);
}

static double weights_of_all(const struct pool *w)
{
	double sum = 0;

	for (int i = 0; i < w->roles; i++)
		sum += w->weight[i];
	return sum;
}

/* How many tasks of role i fit into so many of role k's. */
static double tasks_in(const struct pool *w, int i, const uint64_t *request, double tasks)
{
	double least = 1e18;

	for (int d = 0; d < DIMS; d++)
		if (w->request[i][d] &&
		    tasks * (double)request[d] / (double)w->request[i][d] < least)
			least = tasks * (double)request[d] / (double)w->request[i][d];
	return least;
}

/* the slack of whole instances in tasks of role i */
static double grains(const struct pool *w, int i)
{
	return 2.0 / GRAIN / dominant(w->request[i]) + 1;
}

static void for_seeds(void (*check)(struct pool *), bool weights)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct pool w = {.random = seed * 0x9e3779b97f4a7c15};

		random_roles(&w, weights);
		share(&w, true);
		check(&w);
	}
	printf("# seeds 1 to %d\n", SEEDS);
}

static void check_incentive(struct pool *w)
{
	for (int i = 0; i < w->roles; i++) {
		double alone = w->weight[i] / weights_of_all(w) / dominant(w->request[i]);

		EXPECT_TRUE(w->tasks[i] >= alone * (1 - EPSILON));
		EXPECT_TRUE(w->placed[i] >= alone - grains(w, i));
	}
}

TEST(sharing_incentive_nobody_is_worse_off_than_with_its_part_of_the_cluster)
{
	for_seeds(check_incentive, false);
	for_seeds(check_incentive, true);
}

static void check_envy(struct pool *w)
{
	for (int i = 0; i < w->roles; i++)
		for (int k = 0; k < w->roles; k++) {
			double by_weight = (double)w->weight[i] / w->weight[k];

			EXPECT_TRUE(w->tasks[i] * (1 + EPSILON) >=
				    tasks_in(w, i, w->request[k], w->tasks[k] * by_weight));
			EXPECT_TRUE(w->placed[i] + grains(w, i) * (1 + by_weight) >=
				    tasks_in(w, i, w->request[k], w->placed[k] * by_weight));
		}
}

TEST(envy_freeness_nobody_would_do_better_with_what_another_has)
{
	for_seeds(check_envy, false);
	for_seeds(check_envy, true);
}

static void check_pareto(struct pool *w)
{
	double used[DIMS] = {0};
	uint64_t placed[DIMS] = {0};

	for (int i = 0; i < w->roles; i++)
		for (int d = 0; d < DIMS; d++) {
			used[d] += w->tasks[i] * (double)w->request[i][d];
			placed[d] += w->placed[i] * w->request[i][d];
		}
	for (int d = 0; d < DIMS; d++) {
		EXPECT_TRUE(used[d] <= TOTAL * (1 + EPSILON));
		EXPECT_LE(placed[d], TOTAL);
	}
	for (int i = 0; i < w->roles; i++) {
		bool full = false, full_placed = false;

		for (int d = 0; d < DIMS; d++) {
			full |= w->request[i][d] && used[d] >= TOTAL * (1 - EPSILON);
			full_placed |= placed[d] + w->request[i][d] > TOTAL;
		}
		EXPECT_TRUE(full);
		EXPECT_TRUE(full_placed); /* not one instance more fits */
	}
}

TEST(pareto_efficiency_nobody_can_have_more_without_another_having_less)
{
	for_seeds(check_pareto, false);
	for_seeds(check_pareto, true);
}

static void check_lies(struct pool *w)
{
	for (int times = 0; times < LIES; times++) {
		struct pool lied = *w;
		int i = (int)rnd(w, (uint64_t)w->roles);
		double useful, useful_placed;

		for (int d = 0; d < DIMS; d++)
			lied.request[i][d] = 1 + rnd(w, TOTAL / GRAIN);
		share(&lied, true);
		useful = tasks_in(w, i, lied.request[i], lied.tasks[i]);
		useful_placed = tasks_in(w, i, lied.request[i], lied.placed[i]);
		EXPECT_TRUE(useful <= w->tasks[i] * (1 + EPSILON));
		EXPECT_TRUE(useful_placed <= w->placed[i] + 2 * grains(w, i));
	}
}

TEST(strategy_proofness_nobody_gains_by_lying_about_what_it_needs)
{
	for_seeds(check_lies, false);
	for_seeds(check_lies, true);
}

/* More is possible, and a little less: crumbs too small for one role's request are many for another's. */
static void check_same(struct pool *w)
{
	for (int i = 0; i < w->roles; i++)
		EXPECT_TRUE(w->placed[i] >= w->tasks[i] - ROLES * grains(w, i));
}

TEST(placed_one_by_one_everybody_gets_what_progressive_filling_gives)
{
	for_seeds(check_same, false);
	for_seeds(check_same, true);
}

/* a has two below it that want the same, b one: by weight 2 to 1, in a by 3 to 1 */
TEST(a_tree_of_roles_shares_by_weight_at_each_level)
{
	static const struct {
		const char *role;
		uint32_t weight;
		uint32_t tasks;
	} want[] = {{"a", 2000, 600}, {"a/x", 3000, 450}, {"a/y", 1000, 150}, {"b", 1000, 300}};
	const struct policy_node n = {.id = "pool", .total.of = {900, 1000}, .accepts = true};
	const struct policy_share *s;
	struct policy_result r;
	struct policy *p;
	size_t nr;

	ASSERT_TRUE(!policy_new(NULL, &p));
	ASSERT_TRUE(!policy_node_set(p, &n, NULL));
	for (size_t i = 0; i < 4; i++) {
		struct policy_role role = {.name = want[i].role, .weight = want[i].weight};
		const struct policy_demand d = {.id = want[i].role,
						.role = want[i].role,
						.request.of = {1, 1},
						.wanted = i ? 1000 : 0};

		for (int k = 0; k < POLICY_DIMENSIONS; k++)
			role.limit.of[k] = POLICY_UNLIMITED;
		ASSERT_TRUE(!policy_role_set(p, &role, NULL));
		ASSERT_TRUE(!policy_demand_set(p, &d, NULL));
	}
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 900);
	ASSERT_TRUE(!policy_shares(p, &s, &nr));
	ASSERT_EQ(nr, 4);
	for (size_t i = 0; i < 4; i++) {
		EXPECT_STREQ(s[i].role, want[i].role);
		EXPECT_GE(s[i].used.of[POLICY_CPUS], want[i].tasks - 2);
		EXPECT_LE(s[i].used.of[POLICY_CPUS], want[i].tasks + 2);
		EXPECT_EQ(s[i].dominant, POLICY_CPUS);
		EXPECT_EQ((s[i].entitled_ppb + 500) / 1000,
			  (want[i].tasks * 100000ULL / 9 + 5) / 10);
	}
	policy_free(p);
}
