// SPDX-License-Identifier: Apache-2.0
/* The policy core: bounds, filters, constraints, reservations, ports, victims and explanations. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/why.h"
#include "selftests/harness/test.h"
#include "tools/allocator/policy/policy.h"

#define GIB (1ULL << 30)

static const struct policy_range ports_100 = {31000, 31099};

/* a node of 4 CPUs, 8 GiB, 100 ports */
static void add_node(struct policy *p, const char *id, const char *zone, const char *rack)
{
	const struct policy_attribute attribute = {"rack", rack};
	const struct policy_node n = {
		.id = id,
		.zone = zone,
		.total.of = {4000, 8 * GIB, 100 * GIB, 1000000000, 0},
		.attributes = &attribute,
		.attributes_nr = rack != NULL,
		.ports = &ports_100,
		.ports_nr = 1,
		.accepts = true,
	};
	struct why why = {""};

	EXPECT_EQ(policy_node_set(p, &n, &why), 0);
	EXPECT_STREQ(why.text, "");
}

static struct policy *cluster(void)
{
	struct policy *p;

	ASSERT_TRUE(!policy_new(NULL, &p));
	add_node(p, "n1", "a", "r1");
	add_node(p, "n2", "a", "r2");
	add_node(p, "n3", "b", "r3");
	add_node(p, "n4", "b", NULL);
	return p;
}

/* wanted instances of 1 CPU and 1 GiB */
static int add_demand(struct policy *p, const char *id, const char *role, uint32_t wanted,
		      const struct policy_constraint *c, size_t c_nr)
{
	const struct policy_demand d = {
		.id = id,
		.role = role,
		.request.of = {1000, GIB},
		.wanted = wanted,
		.constraints = c,
		.constraints_nr = c_nr,
	};

	return policy_demand_set(p, &d, NULL);
}

static size_t on_node(const struct policy_result *r, const char *node)
{
	size_t nr = 0;

	for (size_t i = 0; i < r->placements_nr; i++)
		nr += !strcmp(r->placements[i].node, node);
	return nr;
}

static const char *last_on(const struct policy_result *r, const char *node)
{
	const char *last = "";

	for (size_t i = 0; i < r->placements_nr; i++)
		if (!strcmp(r->placements[i].node, node))
			last = r->placements[i].instance;
	return last;
}

TEST(a_demand_without_constraints_is_spread_over_zones_and_fits)
{
	struct policy *p = cluster();
	struct policy_result r;

	ASSERT_TRUE(!add_demand(p, "web", "", 16, NULL, 0));
	EXPECT_EQ(policy_step(p, NULL, &r), 0);
	EXPECT_EQ(r.placements_nr, 16);
	EXPECT_EQ(r.unplaced_nr, 0);
	EXPECT_EQ(on_node(&r, "n1") + on_node(&r, "n2"), 8);
	for (size_t i = 0; i + 1 < r.placements_nr; i += 2)
		EXPECT_EQ((r.placements[i].node[1] > '2') + (r.placements[i + 1].node[1] > '2'), 1);
	policy_free(p);
}

TEST(what_does_not_fit_waits_and_the_explanation_counts_every_node)
{
	struct policy *p = cluster();
	struct policy_explanation e;
	struct policy_result r;

	ASSERT_TRUE(!add_demand(p, "web", "", 17, NULL, 0));
	EXPECT_EQ(policy_step(p, NULL, &r), 0);
	EXPECT_EQ(r.placements_nr, 16);
	ASSERT_TRUE(r.unplaced_nr == 1);
	EXPECT_STREQ(r.unplaced[0].demand, "web");
	EXPECT_EQ(r.unplaced[0].wait, POLICY_WAIT_NODES);
	EXPECT_EQ(r.unplaced[0].missing, 1);
	EXPECT_EQ(policy_node_accepts(p, "n1", false), 0);
	EXPECT_EQ(policy_node_metered(p, "n2", &(struct policy_metered){.pressure_permille = 401}),
		  0);
	EXPECT_EQ(policy_explain(p, "web", &e), 0);
	EXPECT_EQ(e.wait, POLICY_WAIT_NODES);
	EXPECT_EQ(e.wanted, 17);
	EXPECT_EQ(e.running, 16);
	EXPECT_EQ(e.nodes, 4);
	EXPECT_EQ(e.failed[POLICY_NODE_CLOSED], 1);
	EXPECT_EQ(e.failed[POLICY_PRESSURE], 1);
	EXPECT_EQ(e.failed[POLICY_NO_CPUS], 2);
	ASSERT_TRUE(e.nearest != NULL);
	EXPECT_STREQ(e.nearest, "n3");
	EXPECT_EQ(e.dimension, POLICY_CPUS);
	EXPECT_EQ(e.short_by, 1000);
	EXPECT_EQ(policy_explain(p, "none", &e), -ENOENT);
	/* its last place: where the pressure ends when somebody else has gone */
	ASSERT_TRUE(!policy_node_metered(p, "n2", &(struct policy_metered){0}));
	ASSERT_TRUE(!policy_instance_remove(p, last_on(&r, "n2")));
	ASSERT_TRUE(
		!policy_node_metered(p, "n2", &(struct policy_metered){.pressure_permille = 401}));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 0);
	ASSERT_TRUE(!policy_node_metered(p, "n2", &(struct policy_metered){0}));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 1);
	policy_free(p);
}

/* how many of ten are placed under the constraint */
static size_t placed_under(const char *field, enum policy_operator op, const char *value,
			   struct policy_result *r)
{
	const struct policy_constraint c = {field, op, value};
	static struct policy *p;

	policy_free(p);
	p = cluster();
	ASSERT_TRUE(!add_demand(p, "web", "", 10, &c, 1));
	ASSERT_TRUE(!policy_step(p, NULL, r));
	return r->placements_nr;
}

TEST(constraints_mean_what_marathon_documents)
{
	struct policy_result r;

	EXPECT_EQ(placed_under("hostname", POLICY_UNIQUE, NULL, &r), 4);
	EXPECT_EQ(placed_under("rack", POLICY_UNIQUE, NULL, &r), 3); /* n4 has no rack */
	EXPECT_EQ(placed_under("@zone", POLICY_UNIQUE, "", &r), 2);
	EXPECT_EQ(placed_under("rack", POLICY_CLUSTER, "r2", &r), 4);
	EXPECT_EQ(on_node(&r, "n2"), 4);
	EXPECT_EQ(placed_under("@zone", POLICY_CLUSTER, NULL, &r), 8);
	EXPECT_EQ(on_node(&r, "n1") + on_node(&r, "n2") == 8 ||
			  on_node(&r, "n3") + on_node(&r, "n4") == 8,
		  1);
	EXPECT_EQ(placed_under("rack", POLICY_GROUP_BY, NULL, &r), 10);
	EXPECT_EQ(on_node(&r, "n4"), 0);
	EXPECT_EQ(on_node(&r, "n1") >= 3 && on_node(&r, "n2") >= 3 && on_node(&r, "n3") >= 3, 1);
	EXPECT_EQ(placed_under("rack", POLICY_GROUP_BY, "4", &r), 3); /* there are three racks */
	EXPECT_EQ(placed_under("rack", POLICY_LIKE, "r[12]", &r), 8);
	EXPECT_EQ(placed_under("rack", POLICY_LIKE, "r", &r), 0); /* from end to end */
	EXPECT_EQ(placed_under("rack", POLICY_LIKE, "(r+[[:digit:]]+|[]+]{2,9}|x{500})", &r), 10);
	EXPECT_EQ(placed_under("rack", POLICY_UNLIKE, "r[12]", &r), 8);
	EXPECT_EQ(on_node(&r, "n4"), 4); /* without a rack it is unlike any */
	EXPECT_EQ(placed_under("@zone", POLICY_MAX_PER, "2", &r), 4);
	EXPECT_EQ(placed_under("@hostname", POLICY_IS, "n3", &r), 4);
	EXPECT_EQ(placed_under("nothing", POLICY_IS, "x", &r), 0);
}

TEST(all_constraints_hold_together_and_the_refusing_one_is_named)
{
	const struct policy_constraint c[] = {{"rack", POLICY_LIKE, "r.*"},
					      {"@zone", POLICY_MAX_PER, "1"},
					      {"@hostname", POLICY_UNIQUE, NULL}};
	struct policy *p = cluster();
	struct policy_explanation e;
	struct policy_result r;

	ASSERT_TRUE(!add_demand(p, "web", "", 3, c, 3));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 2);
	ASSERT_TRUE(!policy_explain(p, "web", &e));
	EXPECT_EQ(e.failed[POLICY_CONSTRAINT], 4);
	EXPECT_EQ(e.failed_constraint[0], 1);
	EXPECT_EQ(e.failed_constraint[1], 3);
	EXPECT_EQ(e.failed_constraint[2], 0);
	/* one more node in a new zone, and it fits */
	add_node(p, "n5", "c", "r5");
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	ASSERT_TRUE(r.placements_nr == 1);
	EXPECT_STREQ(r.placements[0].node, "n5");
	policy_free(p);
}

TEST(bad_constraints_are_refused_with_a_sentence_and_nothing_changes)
{
	static const struct policy_constraint bad[] = {
		{"", POLICY_UNIQUE, NULL},
		{"rack", POLICY_UNIQUE, "x"},
		{"rack", POLICY_LIKE, NULL},
		{"rack", POLICY_LIKE, "("},
		{"rack", POLICY_LIKE, "(a)\\1"},
		{"rack", POLICY_LIKE, "((a{99}){99}){99}"},
		{"rack", POLICY_LIKE, "a{1,99999}"},
		{"rack", POLICY_LIKE, "a++++++++++++++++++++++++"},
		{"rack", POLICY_LIKE, "((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+"},
		{"rack", POLICY_LIKE, "[]+]++++++++++++++"},
		{"rack", POLICY_MAX_PER, NULL},
		{"rack", POLICY_MAX_PER, "0"},
		{"rack", POLICY_MAX_PER, "two"},
		{"rack", POLICY_GROUP_BY, "-1"},
		{"rack", POLICY_IS, ""},
		{"rack", POLICY_OPERATORS, "x"},
	};
	struct policy *p = cluster();
	struct policy_counters c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const struct policy_demand d = {.id = "web",
						.wanted = 1,
						.constraints = &bad[i],
						.constraints_nr = 1};
		struct why why = {""};

		EXPECT_EQ(policy_demand_set(p, &d, &why), -EINVAL);
		EXPECT_EQ(why.text[0] != '\0', 1);
	}
	policy_counters(p, &c);
	EXPECT_EQ(c.demands, 0);
	EXPECT_EQ(c.roles, 0);
	policy_free(p);
}

TEST(ports_are_given_once_and_come_back)
{
	const uint16_t ports[3] = {0, 31000, 0};
	const struct policy_demand d = {
		.id = "web", .wanted = 5, .ports = ports, .ports_nr = 3, .request.of = {10}};
	struct policy *p = cluster();
	struct policy_explanation e;
	struct policy_result r;
	char name[POLICY_PLACED_MAX], node[8];

	ASSERT_TRUE(!policy_demand_set(p, &d, NULL));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	ASSERT_TRUE(r.placements_nr == 4); /* 31000 is there once on each node */
	for (size_t i = 0; i < 4; i++) {
		EXPECT_EQ(r.placements[i].ports_nr, 3);
		EXPECT_EQ(r.placements[i].ports[0], 31001);
		EXPECT_EQ(r.placements[i].ports[1], 31000);
		EXPECT_EQ(r.placements[i].ports[2], 31002);
	}
	ASSERT_TRUE(!policy_explain(p, "web", &e));
	EXPECT_EQ(e.failed[POLICY_NO_PORTS], 4);
	(void)snprintf(name, sizeof(name), "%s", r.placements[2].instance);
	(void)snprintf(node, sizeof(node), "%s", r.placements[2].node);
	EXPECT_EQ(policy_instance_name(p, name, "web.1"), 0);
	EXPECT_EQ(policy_instance_name(p, name, "web.2"), -ENOENT);
	EXPECT_EQ(policy_instance_remove(p, "web.1"), 0);
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	ASSERT_TRUE(r.placements_nr == 1);
	EXPECT_STREQ(r.placements[0].node, node);
	EXPECT_EQ(r.placements[0].ports[0], 31003); /* what was just given back rests */
	EXPECT_EQ(r.placements[0].ports[1], 31000);
	EXPECT_EQ(r.placements[0].ports[2], 31004);
	policy_free(p);
}

TEST(ports_go_round_and_all_of_them_can_be_had)
{
	const struct policy_range few[] = {{10, 12}, {65534, 65535}};
	const struct policy_node n = {
		.id = "n", .ports = few, .ports_nr = 2, .total.of = {1000}, .accepts = true};
	const struct policy_demand d = {.id = "web", .wanted = 3, .ports_nr = 2};
	static const uint16_t want[][2] = {{10, 11}, {12, 65534}, {65535, 10}, {11, 12}};
	struct policy *p;
	struct policy_result r;

	ASSERT_TRUE(!policy_new(NULL, &p));
	ASSERT_TRUE(!policy_node_set(p, &n, NULL));
	ASSERT_TRUE(!policy_demand_set(p, &d, NULL));
	for (size_t i = 0; i < 4; i++) {
		ASSERT_TRUE(!policy_demand_wanted(p, "web", 1, false));
		ASSERT_TRUE(!policy_step(p, NULL, &r));
		ASSERT_EQ(r.placements_nr, 1);
		EXPECT_EQ(r.placements[0].ports[0], want[i][0]);
		EXPECT_EQ(r.placements[0].ports[1], want[i][1]);
		ASSERT_TRUE(!policy_instance_remove(p, r.placements[0].instance));
	}
	ASSERT_TRUE(!policy_demand_wanted(p, "web", 3, false));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 2);
	policy_free(p);
}

TEST(a_reservation_is_for_its_role_and_those_below_it)
{
	const struct policy_reserved mine = {"team", {{3000, GIB}}};
	const struct policy_node n = {.id = "n",
				      .total.of = {4000, 8 * GIB},
				      .reserved = &mine,
				      .reserved_nr = 1,
				      .accepts = true};
	struct policy_demand d = {.id = "b", .role = "team/b", .request.of = {1000}, .wanted = 9};
	struct policy *p;
	struct policy_result r;

	ASSERT_TRUE(!policy_new(NULL, &p));
	ASSERT_TRUE(!policy_node_set(p, &n, NULL));
	ASSERT_TRUE(!add_demand(p, "other", "other", 9, NULL, 0));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 1);
	ASSERT_TRUE(!policy_demand_set(p, &d, NULL));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 3);
	/* the other's place is not for who accepts only reserved resources */
	ASSERT_TRUE(!policy_demand_wanted(p, "other", 0, false));
	d.id = "c";
	d.accept = POLICY_ACCEPT_RESERVED;
	ASSERT_TRUE(!policy_demand_set(p, &d, NULL));
	ASSERT_TRUE(!policy_node_remove(p, "n"));
	ASSERT_TRUE(!policy_node_set(p, &n, NULL));
	ASSERT_TRUE(!policy_demand_wanted(p, "b", 0, false));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 3);
	policy_free(p);
}

TEST(what_ended_gives_back_the_part_of_the_reservation_and_the_rest)
{
	const struct policy_reserved mine = {"team", {{1500, GIB}}};
	const struct policy_node n = {.id = "n",
				      .total.of = {4000, 8 * GIB},
				      .reserved = &mine,
				      .reserved_nr = 1,
				      .accepts = true};
	struct policy_instance in = {.id = "t", .demand = "team", .node = "n"};
	struct policy *p;
	struct policy_result r;

	ASSERT_TRUE(!policy_new(NULL, &p));
	ASSERT_TRUE(!policy_node_set(p, &n, NULL));
	ASSERT_TRUE(!add_demand(p, "team", "team", 0, NULL, 0));
	ASSERT_TRUE(!add_demand(p, "other", "other", 9, NULL, 0));
	for (int i = 0; i < 3; i++) {
		ASSERT_TRUE(!policy_instance_add(p, &in, NULL));
		in.id = "u";
		ASSERT_TRUE(!policy_instance_add(p, &in, NULL));
		in.id = "t";
		ASSERT_TRUE(!policy_instance_remove(p, "t"));
		ASSERT_TRUE(!policy_instance_remove(p, "u"));
	}
	ASSERT_TRUE(!policy_instance_add(p, &in, NULL));
	in.id = "u"; /* half of it is of the reservation: 2000 of 2500 are left */
	ASSERT_TRUE(!policy_instance_add(p, &in, NULL));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 2);
	policy_free(p);
}

TEST(limits_hold_on_nested_roles_and_are_named)
{
	struct policy_role role = {.name = "a"};
	struct policy *p = cluster();
	struct policy_explanation e;
	struct policy_result r;

	for (size_t i = 0; i < POLICY_DIMENSIONS; i++)
		role.limit.of[i] = POLICY_UNLIMITED;
	role.limit.of[POLICY_CPUS] = 5000;
	ASSERT_TRUE(!policy_role_set(p, &role, NULL));
	role.name = "a/b";
	role.limit.of[POLICY_CPUS] = 2000;
	ASSERT_TRUE(!policy_role_set(p, &role, NULL));
	ASSERT_TRUE(!add_demand(p, "b", "a/b", 10, NULL, 0));
	ASSERT_TRUE(!add_demand(p, "c", "a/c", 10, NULL, 0));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 5);
	ASSERT_TRUE(!policy_explain(p, "b", &e));
	EXPECT_EQ(e.wait, POLICY_WAIT_ROLE_LIMIT);
	EXPECT_STREQ(e.role, "a/b");
	EXPECT_EQ(e.dimension, POLICY_CPUS);
	EXPECT_EQ(e.short_by, 1000);
	ASSERT_TRUE(!policy_explain(p, "c", &e));
	EXPECT_STREQ(e.role, "a");
	EXPECT_EQ(policy_role_remove(p, "a/c"), -ENOENT); /* nobody set it */
	EXPECT_EQ(policy_role_remove(p, "a"), 0);
	EXPECT_EQ(policy_role_remove(p, "a"), -ENOENT);
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 7); /* b is at its limit, c has all that it wants */
	policy_free(p);
}

TEST(a_guarantee_is_kept_free_and_served_first)
{
	struct policy_role role = {.name = "sure", .guarantee.of = {6000}};
	struct policy *p = cluster();
	struct policy_explanation e;
	struct policy_result r;

	for (size_t i = 0; i < POLICY_DIMENSIONS; i++)
		role.limit.of[i] = POLICY_UNLIMITED;
	ASSERT_TRUE(!policy_role_set(p, &role, NULL));
	ASSERT_TRUE(!add_demand(p, "greedy", "other", 100, NULL, 0));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 10); /* of 16 */
	ASSERT_TRUE(!policy_explain(p, "greedy", &e));
	EXPECT_EQ(e.wait, POLICY_WAIT_GUARANTEE);
	EXPECT_STREQ(e.role, "sure");
	ASSERT_TRUE(!add_demand(p, "due", "sure", 8, NULL, 0));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 6);
	policy_free(p);
}

TEST(victims_are_of_lower_roles_as_few_as_needed_and_asked_for_once)
{
	struct policy_role high = {.name = "high", .priority = 10};
	struct policy_demand big = {.id = "big",
				    .role = "high",
				    .request.of = {2000, GIB},
				    .wanted = 1,
				    .preempts = true};
	const struct policy_budget budget = {.victims = 10};
	struct policy *p = cluster();
	struct policy_result r;
	char victim[2][POLICY_PLACED_MAX];

	for (size_t i = 0; i < POLICY_DIMENSIONS; i++)
		high.limit.of[i] = POLICY_UNLIMITED;
	ASSERT_TRUE(!policy_role_set(p, &high, NULL));
	ASSERT_TRUE(!add_demand(p, "low", "low", 100, NULL, 0));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 16);
	ASSERT_TRUE(!policy_demand_set(p, &big, NULL));
	ASSERT_TRUE(!policy_step(p, NULL, &r)); /* none without a budget */
	EXPECT_EQ(r.victims_nr, 0);
	ASSERT_TRUE(!policy_step(p, &budget, &r));
	ASSERT_TRUE(r.victims_nr == 2);
	EXPECT_STREQ(r.victims[0].demand, "low");
	EXPECT_STREQ(r.victims[0].node, r.victims[1].node);
	for (size_t i = 0; i < 2; i++)
		(void)snprintf(victim[i], sizeof(victim[i]), "%s", r.victims[i].instance);
	ASSERT_TRUE(!policy_step(p, &budget, &r));
	EXPECT_EQ(r.victims_nr, 0);
	EXPECT_EQ(r.placements_nr, 0);
	ASSERT_TRUE(!policy_instance_remove(p, victim[0]));
	ASSERT_TRUE(!policy_step(p, &budget, &r));
	/* one of the two is free: the lower role must not take it back */
	EXPECT_EQ(r.placements_nr, 0);
	ASSERT_TRUE(!policy_instance_remove(p, victim[1]));
	ASSERT_TRUE(!policy_step(p, &budget, &r));
	ASSERT_TRUE(r.placements_nr == 1);
	EXPECT_STREQ(r.placements[0].demand, "big");
	EXPECT_EQ(r.victims_nr, 0);
	policy_free(p);
}

TEST(no_role_is_left_with_less_than_its_guarantee_by_victims)
{
	struct policy_role high = {.name = "high", .priority = 10};
	struct policy_role sure = {.name = "sure", .guarantee.of = {12000}};
	const struct policy_budget budget = {.victims = 32};
	struct policy_demand d = {.id = "d",
				  .role = "high",
				  .request.of = {1000, GIB},
				  .wanted = 16,
				  .preempts = true};
	struct policy *p = cluster();
	struct policy_explanation e;
	struct policy_result r;
	char victim[16][POLICY_PLACED_MAX];
	size_t nr;

	for (size_t i = 0; i < POLICY_DIMENSIONS; i++)
		high.limit.of[i] = sure.limit.of[i] = POLICY_UNLIMITED;
	ASSERT_TRUE(!policy_role_set(p, &high, NULL));
	ASSERT_TRUE(!policy_role_set(p, &sure, NULL));
	ASSERT_TRUE(!add_demand(p, "low", "sure/below", 16, NULL, 0));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 16);
	ASSERT_TRUE(!policy_demand_set(p, &d, NULL));
	ASSERT_TRUE(!policy_step(p, &budget, &r));
	nr = r.victims_nr;
	ASSERT_EQ(nr, 4); /* of the 16 one above has 12 for sure */
	for (size_t i = 0; i < nr; i++) {
		EXPECT_STREQ(r.victims[i].by, "d");
		(void)snprintf(victim[i], sizeof(victim[i]), "%s", r.victims[i].instance);
	}
	for (size_t i = 0; i < nr; i++)
		ASSERT_TRUE(!policy_instance_remove(p, victim[i]));
	ASSERT_TRUE(!policy_step(p, &budget, &r));
	EXPECT_EQ(r.placements_nr, 4);
	EXPECT_EQ(r.victims_nr, 0);
	ASSERT_TRUE(!policy_explain(p, "d", &e));
	EXPECT_EQ(e.wait, POLICY_WAIT_NODES);
	policy_free(p);
}

TEST(who_is_not_needed_as_a_victim_is_spared)
{
	struct policy_role high = {.name = "high", .priority = 10};
	struct policy_demand d = {
		.id = "d", .role = "high", .request.of = {3000}, .wanted = 1, .preempts = true};
	const struct policy_budget budget = {.victims = 10};
	struct policy_instance in = {.id = "old",
				     .demand = "low",
				     .node = "n1",
				     .used = &(struct policy_resources){{3000}}};
	struct policy_result r;
	struct policy *p;

	ASSERT_TRUE(!policy_new(NULL, &p));
	add_node(p, "n1", "a", NULL);
	for (size_t i = 0; i < POLICY_DIMENSIONS; i++)
		high.limit.of[i] = POLICY_UNLIMITED;
	ASSERT_TRUE(!policy_role_set(p, &high, NULL));
	ASSERT_TRUE(!add_demand(p, "low", "low", 2, NULL, 0));
	ASSERT_TRUE(!policy_instance_add(p, &in, NULL));
	in.id = "young";
	in.used = &(struct policy_resources){{1000}};
	ASSERT_TRUE(!policy_instance_add(p, &in, NULL));
	ASSERT_TRUE(!policy_demand_set(p, &d, NULL));
	ASSERT_TRUE(!policy_step(p, &budget, &r));
	ASSERT_EQ(r.victims_nr, 1); /* the young one would go first, and its end is not enough */
	EXPECT_STREQ(r.victims[0].instance, "old");
	policy_free(p);
}

TEST(revocable_instances_live_on_slack_and_are_nobodys_share)
{
	struct policy_demand d = {.id = "batch",
				  .request.of = {1000, GIB},
				  .wanted = 9,
				  .revocable = true};
	struct policy *p = cluster();
	const struct policy_share *s;
	struct policy_result r;
	size_t nr;

	ASSERT_TRUE(!add_demand(p, "web", "", 16, NULL, 0));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 16);
	ASSERT_TRUE(!policy_demand_set(p, &d, NULL));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 0);
	ASSERT_TRUE(!policy_node_metered(p, "n2", &(struct policy_metered){.slack.of = {2500}}));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 2);
	EXPECT_EQ(on_node(&r, "n2"), 2);
	ASSERT_TRUE(!policy_shares(p, &s, &nr));
	ASSERT_TRUE(nr == 1);
	EXPECT_EQ(s[0].used.of[POLICY_CPUS], 16000);
	EXPECT_EQ(s[0].used.of[POLICY_MEMORY], 18 * GIB);
	policy_free(p);
}

TEST(metered_use_steers_where_requests_do_not)
{
	struct policy *p = cluster();
	struct policy_result r;

	/* n1 asks for nothing and uses it all; n2 is as empty by requests */
	ASSERT_TRUE(
		!policy_node_metered(p, "n1", &(struct policy_metered){.used.of = {4000, GIB}}));
	ASSERT_TRUE(!policy_node_accepts(p, "n3", false));
	ASSERT_TRUE(!policy_node_accepts(p, "n4", false));
	ASSERT_TRUE(!add_demand(p, "web", "", 1, NULL, 0));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	ASSERT_TRUE(r.placements_nr == 1);
	EXPECT_STREQ(r.placements[0].node, "n2");
	policy_free(p);
}

TEST(instances_that_were_found_running_count_even_beyond_what_the_node_has)
{
	const struct policy_instance in = {.id = "t1",
					   .demand = "web",
					   .node = "n1",
					   .used = &(struct policy_resources){{9000, GIB}}};
	struct policy *p = cluster();
	struct policy_result r;

	ASSERT_TRUE(!add_demand(p, "web", "", 14, NULL, 0));
	EXPECT_EQ(policy_instance_add(p, &in, NULL), 0);
	EXPECT_EQ(policy_instance_add(p, &in, NULL), -EEXIST);
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(r.placements_nr, 12);
	EXPECT_EQ(on_node(&r, "n1"), 0);
	EXPECT_EQ(policy_demand_remove(p, "web"), -EBUSY);
	/* described anew with room, the node has 9 of 12 in use */
	ASSERT_TRUE(!policy_node_set(
		p, &(struct policy_node){.id = "n1", .accepts = true, .total.of = {12000, 8 * GIB}},
		NULL));
	ASSERT_TRUE(!policy_step(p, NULL, &r));
	EXPECT_EQ(on_node(&r, "n1"), 1);
	policy_free(p);
}

TEST(bounds_are_refused_and_counted)
{
	struct policy *p = cluster();
	struct policy_counters c;
	struct why why = {""};
	char deep[64] = "a";

	EXPECT_EQ(add_demand(p, "web", "", POLICY_WANTED_MAX + 1, NULL, 0), -E2BIG);
	ASSERT_TRUE(!add_demand(p, "web", "", 1, NULL, 0));
	EXPECT_EQ(policy_demand_wanted(p, "web", POLICY_WANTED_MAX + 1, false), -E2BIG);
	policy_counters(p, &c);
	EXPECT_EQ(c.refused_bound, 2);
	for (int i = 0; i < POLICY_ROLE_DEPTH_MAX; i++)
		(void)strncat(deep, "/a", sizeof(deep) - strlen(deep) - 1);
	EXPECT_EQ(policy_role_set(p, &(struct policy_role){.name = deep}, &why), -EINVAL);
	EXPECT_EQ(policy_role_set(p, &(struct policy_role){.name = "a//b"}, &why), -EINVAL);
	EXPECT_EQ(policy_role_set(p, &(struct policy_role){.name = "a/"}, &why), -EINVAL);
	EXPECT_EQ(policy_node_set(p, &(struct policy_node){.id = ""}, NULL), -EINVAL);
	EXPECT_EQ(policy_node_set(p,
				  &(struct policy_node){.id = "n",
							.ports_nr = 2,
							.ports = (struct policy_range[]){{5, 9},
											 {9, 12}}},
				  NULL),
		  -EINVAL);
	policy_counters(p, &c);
	EXPECT_EQ(c.nodes, 4);
	EXPECT_EQ(c.roles, 1);
	policy_free(p);
}
