// SPDX-License-Identifier: Apache-2.0
/*
 * What the policy's decisions cost, and how that grows: placing, a pass over all waiting roles when
 * nothing fits any more, and the shares of all roles.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/allocator/policy/policy.h"

#define GIB (1ULL << 30)

static const struct policy_range ports = {31000, 31999};

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail for this clock */
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void must(int r)
{
	if (!r)
		return;
	fprintf(stderr, "policy: %s\n", strerror(-r));
	exit(1);
}

static struct policy *cluster(unsigned int nodes, uint64_t cpus)
{
	struct policy *p;

	must(policy_new(NULL, &p));
	for (unsigned int i = 0; i < nodes; i++) {
		char id[32], zone[16];
		struct policy_node n = {.id = id,
					.zone = zone,
					.total.of = {cpus, 64 * GIB, 500 * GIB, 10000000000},
					.ports = &ports,
					.ports_nr = 1,
					.accepts = true};

		(void)snprintf(id, sizeof(id), "node-%u.example", i);
		(void)snprintf(zone, sizeof(zone), "zone-%u", i % 3);
		must(policy_node_set(p, &n, NULL));
	}
	return p;
}

/* the roles' demands, each for @wanted instances, of four different shapes */
static void demands(struct policy *p, unsigned int roles, uint32_t wanted,
		    const struct policy_constraint *c, size_t c_nr)
{
	static const uint16_t any[1] = {0};

	for (unsigned int i = 0; i < roles; i++) {
		char id[32], role[32];
		struct policy_demand d = {.id = id,
					  .role = role,
					  .request.of = {100U << i % 2, GIB >> i % 4 / 2, GIB,
							 1000000},
					  .ports = any,
					  .ports_nr = 1,
					  .constraints = c,
					  .constraints_nr = c_nr,
					  .wanted = wanted};

		(void)snprintf(id, sizeof(id), "/app-%u", i);
		(void)snprintf(role, sizeof(role), "org-%u/team-%u", i % 10, i);
		must(policy_demand_set(p, &d, NULL));
	}
}

static double step_ms(struct policy *p, struct policy_result *r)
{
	double from = now_ms();

	must(policy_step(p, NULL, r));
	return now_ms() - from;
}

static void bench_place(unsigned int nodes, uint32_t instances, const struct policy_constraint *c,
			size_t c_nr)
{
	struct policy *p = cluster(nodes, 64000);
	struct policy_result r;
	double ms;

	demands(p, 10, instances / 10, c, c_nr);
	ms = step_ms(p, &r);
	printf("  %6u  %9zu  %9.1f  %11.2f  %10.1f\n", nodes, r.placements_nr, ms,
	       ms * 1000 / (double)r.placements_nr, ms * 1e6 / ((double)r.placements_nr * nodes));
	policy_free(p);
}

/* The cluster is full, every role waits: the most that a pass has to look at. */
static void bench_pass(unsigned int nodes, unsigned int roles)
{
	const struct policy_share *s;
	struct policy *p = cluster(nodes, 1000);
	struct policy_result r;
	double first, full, idle, shares;
	size_t nr;

	demands(p, roles, nodes, NULL, 0);
	for (unsigned int i = 0; i < nodes; i++) {
		char id[32], node[32];
		struct policy_instance in = {.id = id,
					     .demand = "/app-0",
					     .node = node,
					     .used = &(struct policy_resources){{1000}}};

		(void)snprintf(id, sizeof(id), "t%u", i);
		(void)snprintf(node, sizeof(node), "node-%u.example", i);
		must(policy_instance_add(p, &in, NULL));
	}
	first = step_ms(p, &r);
	must(policy_node_accepts(p, "node-0.example", true)); /* it might have made room */
	full = step_ms(p, &r);
	idle = step_ms(p, &r);
	shares = now_ms();
	must(policy_shares(p, &s, &nr));
	shares = now_ms() - shares;
	printf("  %6u  %5u  %9zu  %8.2f  %10.2f  %10.3f  %9.2f\n", nodes, roles, r.unplaced_nr,
	       first, full, idle, shares);
	policy_free(p);
}

/* What the policy remembers of nodes and instances. */
static void bench_memory(unsigned int nodes, unsigned int each)
{
	size_t before = mallinfo2().uordblks, empty, full;
	struct policy *p = cluster(nodes, 64000);
	double ms = now_ms();

	empty = mallinfo2().uordblks - before;
	demands(p, 100, 1, NULL, 0);
	for (unsigned int i = 0; i < nodes * each; i++) {
		char id[48], demand[32], node[32];
		uint16_t port = (uint16_t)(31000 + i / nodes);
		struct policy_instance in = {
			.id = id, .demand = demand, .node = node, .ports = &port, .ports_nr = 1};

		(void)snprintf(id, sizeof(id), "app-%u.instance-%08x", i % 100, i);
		(void)snprintf(demand, sizeof(demand), "/app-%u", i % 100);
		(void)snprintf(node, sizeof(node), "node-%u.example", i % nodes);
		must(policy_instance_add(p, &in, NULL));
	}
	ms = now_ms() - ms;
	full = mallinfo2().uordblks - before - empty;
	printf("  %6u  %9u  %10zu  %14zu  %11.2f\n", nodes, nodes * each, empty / nodes,
	       full / (nodes * each), ms * 1000 / (nodes * each));
	policy_free(p);
}

int main(void)
{
	static const struct policy_constraint spread[] = {{"@zone", POLICY_GROUP_BY, NULL},
							  {"@hostname", POLICY_LIKE, "node-.*"},
							  {"@hostname", POLICY_MAX_PER, "100"}};

	printf("placing, 10 roles\n"
	       "   nodes  instances         ms  us/instance  ns/ins/node\n");
	for (unsigned int n = 125; n <= 1000; n *= 2)
		bench_place(n, 10000, NULL, 0);
	bench_place(1000, 1250, NULL, 0);
	bench_place(1000, 2500, NULL, 0);
	bench_place(1000, 5000, NULL, 0);
	bench_place(10000, 10000, NULL, 0);
	printf("the same with GROUP_BY @zone, LIKE and MAX_PER @hostname\n");
	bench_place(1000, 10000, spread, 3);
	printf("a pass over a full cluster, every role waits\n"
	       "   nodes  roles  unplaced  first ms  changed ms     same ms  shares ms\n");
	for (unsigned int n = 1250; n <= 10000; n *= 2)
		bench_pass(n, 100);
	bench_pass(10000, 25);
	bench_pass(10000, 50);
	bench_pass(20000, 400);
	printf("memory, and adding instances that were found running\n"
	       "   nodes  instances  bytes/node  bytes/instance  us/instance\n");
	bench_memory(1000, 10);
	bench_memory(10000, 10);
	return 0;
}
