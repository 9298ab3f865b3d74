// SPDX-License-Identifier: Apache-2.0
/*
 * The policy core on random clusters, the seed printed: whatever came, left and was placed, no node
 * and no role is ever over what it has, constraints hold, victims are of lower roles and leave theirs
 * what they are guaranteed, and the same calls give the same answers.
 * The test keeps its own books and trusts none of the policy's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "selftests/harness/test.h"
#include "tools/allocator/policy/policy.h"

#define NODES	  24
#define ROLES	  6
#define DEMANDS	  20
#define INSTANCES 4096
#define ROUNDS	  60
#define SEEDS	  12

struct book {
	char id[POLICY_PLACED_MAX];
	int demand, node;
	uint16_t ports[POLICY_PORTS_MAX];
	size_t ports_nr;
	bool doomed;
};

struct world {
	struct policy *p;
	uint64_t random;
	struct policy_node node[NODES];
	bool there[NODES];
	struct policy_attribute rack[NODES];
	struct policy_demand demand[DEMANDS];
	struct policy_constraint constraint[DEMANDS][2];
	bool wants[DEMANDS];
	struct policy_role role[ROLES];
	struct book *book;
	size_t books;
	uint64_t digest; /* of every answer */
};

static const char *const roles[ROLES] = {"a", "b", "a/x", "a/y", "b/z", "c"};
static const char *const node_names[NODES] = {"n00", "n01", "n02", "n03", "n04", "n05",
					      "n06", "n07", "n08", "n09", "n10", "n11",
					      "n12", "n13", "n14", "n15", "n16", "n17",
					      "n18", "n19", "n20", "n21", "n22", "n23"};
static const char *const demand_names[DEMANDS] = {"d0",	 "d1",	"d2",  "d3",  "d4",  "d5",  "d6",
						  "d7",	 "d8",	"d9",  "d10", "d11", "d12", "d13",
						  "d14", "d15", "d16", "d17", "d18", "d19"};
static const char *const values[] = {"v0", "v1", "v2", "v3", "v4"};
static const struct policy_range range = {2000, 2031};

/* xorshift: the test needs the same numbers everywhere, not good ones */
static uint64_t rnd(struct world *w, uint64_t below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random % below;
}

static void digest(struct world *w, const char *text, uint64_t number)
{
	for (; *text; text++)
		w->digest = (w->digest ^ (uint8_t)*text) * 0x100000001b3;
	w->digest = (w->digest ^ number) * 0x100000001b3;
}

static void set_node(struct world *w, int i)
{
	struct policy_node *n = &w->node[i];

	w->rack[i] = (struct policy_attribute){"rack", values[rnd(w, 5)]};
	*n = (struct policy_node){.id = node_names[i],
				  .zone = rnd(w, 4) ? values[rnd(w, 3)] : NULL,
				  .attributes = &w->rack[i],
				  .attributes_nr = rnd(w, 5) > 0,
				  .ports = &range,
				  .ports_nr = 1,
				  .accepts = rnd(w, 8) > 0};
	for (int d = 0; d < POLICY_PORTS; d++)
		n->total.of[d] = 1000 + rnd(w, 9000);
	EXPECT_EQ(policy_node_set(w->p, n, NULL), 0);
	w->there[i] = true;
}

static void set_role(struct world *w, int i)
{
	struct policy_role *r = &w->role[i];

	*r = (struct policy_role){.name = roles[i],
				  .weight = (uint32_t)(1 + rnd(w, 3000)),
				  .priority = (int)rnd(w, 3)};
	for (int d = 0; d < POLICY_DIMENSIONS; d++) {
		r->limit.of[d] = rnd(w, 3) ? POLICY_UNLIMITED : rnd(w, 40000);
		r->guarantee.of[d] = rnd(w, 4) ? 0 : rnd(w, 5000);
		if (r->guarantee.of[d] > r->limit.of[d])
			r->guarantee.of[d] = r->limit.of[d];
	}
	EXPECT_EQ(policy_role_set(w->p, r, NULL), 0);
}

static void set_demand(struct world *w, int i)
{
	static const struct policy_constraint some[] = {
		{"rack", POLICY_UNIQUE, NULL},	  {"@zone", POLICY_MAX_PER, "3"},
		{"rack", POLICY_CLUSTER, NULL},	  {"rack", POLICY_LIKE, "v[0-2]"},
		{"rack", POLICY_UNLIKE, "v[34]"}, {"hostname", POLICY_UNIQUE, NULL},
		{"@zone", POLICY_IS, "v1"},	  {"rack", POLICY_GROUP_BY, NULL},
		{"@zone", POLICY_GROUP_BY, NULL}};
	struct policy_demand *d = &w->demand[i];

	*d = (struct policy_demand){.id = demand_names[i],
				    .role = roles[rnd(w, ROLES)],
				    .priority = (int)rnd(w, 3),
				    .wanted = (uint32_t)rnd(w, 40),
				    .constraints = w->constraint[i],
				    .constraints_nr = rnd(w, 3),
				    .ports_nr = rnd(w, 4),
				    .preempts = rnd(w, 2)};
	for (size_t c = 0; c < d->constraints_nr; c++)
		w->constraint[i][c] = some[rnd(w, sizeof(some) / sizeof(*some))];
	for (int k = 0; k < POLICY_PORTS; k++)
		d->request.of[k] = rnd(w, 900);
	EXPECT_EQ(policy_demand_set(w->p, d, NULL), 0);
	w->wants[i] = true;
}

static int index_of(const char *const *names, int nr, const char *name)
{
	for (int i = 0; i < nr; i++)
		if (!strcmp(names[i], name))
			return i;
	abort();
}

static void forget(struct world *w, size_t i)
{
	w->book[i] = w->book[--w->books];
}

/* something of a cluster's life; requests and constraints change only when nothing of them runs */
static void change(struct world *w)
{
	int node = (int)rnd(w, NODES), demand = (int)rnd(w, DEMANDS);
	bool runs = false;

	if (!rnd(w, 3)) {
		for (size_t i = w->books; i-- > 0;)
			if (w->book[i].node == node)
				forget(w, i);
		if (w->there[node])
			EXPECT_EQ(policy_node_remove(w->p, node_names[node]), 0);
		set_node(w, node);
	}
	for (int times = (int)rnd(w, 20); times && w->books; times--) {
		size_t i = rnd(w, w->books);

		EXPECT_EQ(policy_instance_remove(w->p, w->book[i].id), 0);
		forget(w, i);
	}
	for (size_t i = w->books; i-- > 0;) {
		if (!w->book[i].doomed)
			continue;
		EXPECT_EQ(policy_instance_remove(w->p, w->book[i].id), 0);
		forget(w, i);
	}
	for (size_t i = 0; i < w->books; i++)
		runs |= w->book[i].demand == demand;
	if (!runs && w->wants[demand] && !rnd(w, 2)) {
		EXPECT_EQ(policy_demand_remove(w->p, demand_names[demand]), 0);
		w->wants[demand] = false;
	} else if (!runs) {
		set_demand(w, demand);
	} else if (w->demand[demand].wanted < 30) {
		w->demand[demand].wanted += 3;
		EXPECT_EQ(policy_demand_wanted(w->p, demand_names[demand], w->demand[demand].wanted,
					       false),
			  0);
	}
}

static void enter(struct world *w, const struct policy_placement *pl)
{
	struct book *b = &w->book[w->books++];

	ASSERT_TRUE(w->books < INSTANCES);
	(void)snprintf(b->id, sizeof(b->id), "%s", pl->instance);
	b->demand = index_of(demand_names, DEMANDS, pl->demand);
	b->node = index_of(node_names, NODES, pl->node);
	b->ports_nr = pl->ports_nr;
	b->doomed = false;
	memcpy(b->ports, pl->ports, sizeof(b->ports));
	EXPECT_TRUE(w->there[b->node] && w->node[b->node].accepts);
	EXPECT_EQ(pl->ports_nr, w->demand[b->demand].ports_nr);
	digest(w, pl->demand, pl->score);
	digest(w, pl->node, pl->ports_nr ? pl->ports[0] : 0);
}

static void check_nodes(const struct world *w)
{
	uint64_t used[NODES][POLICY_PORTS] = {0};
	bool port[NODES][32] = {0};

	for (size_t i = 0; i < w->books; i++) {
		const struct book *b = &w->book[i];

		for (int d = 0; d < POLICY_PORTS; d++)
			used[b->node][d] += w->demand[b->demand].request.of[d];
		for (size_t k = 0; k < b->ports_nr; k++) {
			ASSERT_TRUE(b->ports[k] >= range.low && b->ports[k] <= range.high);
			EXPECT_FALSE(port[b->node][b->ports[k] - range.low]);
			port[b->node][b->ports[k] - range.low] = true;
		}
	}
	for (int n = 0; n < NODES; n++)
		for (int d = 0; d < POLICY_PORTS; d++)
			EXPECT_LE(used[n][d], w->there[n] ? w->node[n].total.of[d] : 0);
}

static bool is_within(const char *above, const char *role)
{
	size_t len = strlen(above);

	return !strncmp(above, role, len) && (role[len] == '\0' || role[len] == '/');
}

static void check_roles(const struct world *w)
{
	for (int r = 0; r < ROLES; r++) {
		uint64_t used[POLICY_DIMENSIONS] = {0};

		for (size_t i = 0; i < w->books; i++) {
			const struct policy_demand *d = &w->demand[w->book[i].demand];

			for (int k = 0; k < POLICY_DIMENSIONS && is_within(roles[r], d->role); k++)
				used[k] += k == POLICY_PORTS ? d->ports_nr : d->request.of[k];
		}
		for (int k = 0; k < POLICY_DIMENSIONS; k++)
			if (w->role[r].limit.of[k] != POLICY_UNLIMITED)
				EXPECT_LE(used[k], w->role[r].limit.of[k]);
	}
}

static const char *value_of(const struct world *w, int node, const char *field)
{
	if (!strcmp(field, "hostname"))
		return w->node[node].id;
	if (!strcmp(field, "@zone"))
		return w->node[node].zone;
	return w->node[node].attributes_nr ? w->rack[node].value : NULL;
}

/* one pair of instances of a demand, or one of them with itself */
static void check_pair(const struct policy_constraint *c, const char *x, const char *y, bool same)
{
	switch (c->op) {
	case POLICY_UNIQUE:
		EXPECT_TRUE(x && (same || strcmp(x, y) != 0));
		break;
	case POLICY_CLUSTER:
		EXPECT_TRUE(x && !strcmp(x, y));
		break;
	case POLICY_LIKE:
		EXPECT_TRUE(x && x[1] <= '2');
		break;
	case POLICY_UNLIKE:
		EXPECT_TRUE(!x || x[1] <= '2');
		break;
	case POLICY_IS:
		EXPECT_TRUE(x && !strcmp(x, c->value));
		break;
	case POLICY_GROUP_BY:
	case POLICY_MAX_PER:
	case POLICY_OPERATORS:
		EXPECT_TRUE(x != NULL);
		break;
	}
}

static void check_constraint(const struct world *w, int demand, const struct policy_constraint *c)
{
	for (size_t i = 0; i < w->books; i++) {
		const char *x = value_of(w, w->book[i].node, c->field);
		int on_value = 0;

		if (w->book[i].demand != demand)
			continue;
		for (size_t j = 0; j < w->books; j++) {
			const char *y = value_of(w, w->book[j].node, c->field);

			if (w->book[j].demand != demand)
				continue;
			check_pair(c, x, y, i == j);
			on_value += x && y && !strcmp(x, y);
		}
		if (c->op == POLICY_MAX_PER)
			EXPECT_LE(on_value, 3);
	}
}

static int demand_named(const char *name)
{
	for (int i = 0; i < DEMANDS; i++)
		if (!strcmp(demand_names[i], name))
			return i;
	return -1;
}

static int priority_of(const struct world *w, int demand)
{
	for (int r = 0; r < ROLES; r++)
		if (!strcmp(roles[r], w->demand[demand].role))
			return w->role[r].priority;
	return 0;
}

/* What stays of the victim's role, and of those above it, is no less than they are guaranteed. */
static void check_guarantees(const struct world *w, const struct policy_demand *victim)
{
	for (int r = 0; r < ROLES; r++) {
		uint64_t stays[POLICY_DIMENSIONS] = {0};

		if (!is_within(roles[r], victim->role))
			continue;
		for (size_t i = 0; i < w->books; i++) {
			const struct policy_demand *d = &w->demand[w->book[i].demand];

			for (int k = 0; k < POLICY_DIMENSIONS; k++)
				if (!w->book[i].doomed && is_within(roles[r], d->role))
					stays[k] +=
						k == POLICY_PORTS ? d->ports_nr : d->request.of[k];
		}
		for (int k = 0; k < POLICY_DIMENSIONS; k++)
			if (k == POLICY_PORTS ? victim->ports_nr : victim->request.of[k])
				EXPECT_GE(stays[k], w->role[r].guarantee.of[k]);
	}
}

static void doom_book(struct world *w, const struct policy_victim *v)
{
	int demand = demand_named(v->demand), by = demand_named(v->by);

	ASSERT_TRUE(demand >= 0 && by >= 0);
	EXPECT_LT(priority_of(w, demand), priority_of(w, by));
	for (size_t b = 0; b < w->books; b++)
		if (!strcmp(w->book[b].id, v->instance)) {
			const struct policy_demand *d = &w->demand[demand];

			EXPECT_FALSE(w->book[b].doomed);
			w->book[b].doomed = true;
			check_guarantees(w, d);
		}
}

static void step(struct world *w)
{
	const struct policy_budget budget = {.placements = rnd(w, 3) ? 0 : 1 + rnd(w, 20),
					     .victims = rnd(w, 3) ? 8 : 0};
	struct policy_result r;

	ASSERT_TRUE(!policy_step(w->p, &budget, &r));
	if (budget.placements)
		EXPECT_LE(r.placements_nr, budget.placements);
	EXPECT_LE(r.victims_nr, budget.victims);
	for (size_t i = 0; i < r.placements_nr; i++)
		enter(w, &r.placements[i]);
	for (size_t i = 0; i < r.victims_nr; i++)
		doom_book(w, &r.victims[i]);
	for (size_t i = 0; i < r.unplaced_nr; i++) {
		struct policy_explanation e;
		uint32_t sum = 0;

		digest(w, r.unplaced[i].demand, r.unplaced[i].wait);
		ASSERT_TRUE(!policy_explain(w->p, r.unplaced[i].demand, &e));
		for (int f = 0; f < POLICY_FILTERS; f++)
			sum += e.failed[f];
		EXPECT_EQ(sum, e.nodes);
		/* who waits for a node has none that fits */
		if (r.unplaced[i].wait == POLICY_WAIT_NODES)
			EXPECT_EQ(e.failed[POLICY_FITS], 0);
	}
}

static uint64_t life(uint64_t seed, bool check)
{
	struct world *w = calloc(1, sizeof(*w));
	uint64_t result;

	ASSERT_TRUE(w != NULL);
	w->book = calloc(INSTANCES, sizeof(*w->book));
	ASSERT_TRUE(w->book && !policy_new(NULL, &w->p));
	w->random = seed;
	for (int i = 0; i < NODES; i++)
		set_node(w, i);
	for (int i = 0; i < ROLES; i++)
		set_role(w, i);
	for (int i = 0; i < DEMANDS; i++)
		set_demand(w, i);
	for (int round = 0; round < ROUNDS; round++) {
		step(w);
		if (check) {
			check_nodes(w);
			check_roles(w);
			for (int d = 0; d < DEMANDS; d++)
				for (size_t c = 0; c < w->demand[d].constraints_nr; c++)
					check_constraint(w, d, &w->constraint[d][c]);
		}
		change(w);
	}
	result = w->digest;
	policy_free(w->p);
	free(w->book);
	free(w);
	return result;
}

TEST(nothing_is_ever_over_committed_and_constraints_hold)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		printf("# seed %llu\n", (unsigned long long)seed);
		EXPECT_NE(life(seed * 0x9e3779b97f4a7c15, true), 0);
	}
}

/* A world without roles' limits and of demands that want many. */
static void wish(struct world *w, uint64_t seed)
{
	ASSERT_TRUE(!policy_new(NULL, &w->p));
	w->random = seed;
	for (int i = 0; i < NODES; i++)
		set_node(w, i);
	for (int i = 0; i < DEMANDS / 2; i++) {
		set_demand(w, i);
		w->demand[i].request.of[POLICY_CPUS] = 1 + rnd(w, 300);
		w->demand[i].wanted = (uint32_t)rnd(w, 40);
		EXPECT_EQ(policy_demand_set(w->p, &w->demand[i], NULL), 0);
	}
}

/*
 * What one step places, in one world with all wishes at once, in the other one wish after the other
 * in the same order: too few for an index, so that each looks at every node.
 */
static size_t compare(struct world *all, struct world *single)
{
	uint32_t wanted[DEMANDS] = {0};
	struct policy_result r, one;

	for (int i = 0; i < DEMANDS / 2; i++)
		EXPECT_EQ(policy_demand_wanted(single->p, demand_names[i], 0, false), 0);
	ASSERT_TRUE(!policy_step(all->p, NULL, &r));
	for (size_t i = 0; i < r.placements_nr; i++) {
		const struct policy_placement *a = &r.placements[i];
		int d = index_of(demand_names, DEMANDS, a->demand);

		EXPECT_EQ(policy_demand_wanted(single->p, a->demand, ++wanted[d], false), 0);
		ASSERT_TRUE(!policy_step(single->p, NULL, &one));
		ASSERT_EQ(one.placements_nr, 1);
		EXPECT_STREQ(one.placements[0].node, a->node);
		EXPECT_EQ(one.placements[0].score, a->score);
		EXPECT_EQ(memcmp(one.placements[0].ports, a->ports,
				 a->ports_nr * sizeof(*a->ports)),
			  0);
	}
	return r.placements_nr;
}

TEST(an_index_of_nodes_chooses_what_looking_at_every_node_would)
{
	struct world *w = calloc(2, sizeof(*w));
	size_t placed = 0;

	ASSERT_TRUE(w != NULL);
	for (uint64_t seed = 1; seed <= 2 * SEEDS; seed++) {
		wish(&w[0], seed * 0x9e3779b97f4a7c15);
		wish(&w[1], seed * 0x9e3779b97f4a7c15);
		placed += compare(&w[0], &w[1]);
		policy_free(w[0].p);
		policy_free(w[1].p);
	}
	EXPECT_GE(placed, 100 * SEEDS);
	printf("# %zu placements compared\n", placed);
	free(w);
}

TEST(the_same_calls_give_the_same_answers)
{
	uint64_t first = life(77, false);

	EXPECT_EQ(life(77, false), first);
	EXPECT_NE(life(78, false), first); /* the digest sees a difference at all */
}
