// SPDX-License-Identifier: Apache-2.0
/*
 * Where does one instance go: of the nodes that pass all filters, first the failure domain with the
 * fewest instances of the demand; in it the node that is left with least, evenly over its
 * dimensions, where "in use" is the greater of what was requested and what is metered; a second
 * instance on one node, and a node whose meters say that the request would not fit in fact, cost
 * extra.
 */
#include <errno.h>

#include "tools/allocator/policy/policy_impl.h"

#define WORD	   64
#define FIT_SCALE  1000.0F /* a fit between 0 and 1 as a score */
#define HERE_COST  400.0F /* for each instance of the same demand on the node */
#define HOT_COST   4000.0F /* more than there is would be in use */
#define SCORE_BITS 16 /* below the count of the domain's instances */
#define SCORE_MAX  ((1U << SCORE_BITS) - 1)

void node_room_of(const struct policy *p, const struct demand *d, uint32_t i,
		  uint64_t room[POLICY_DIMENSIONS])
{
	if (p->cells[i].special || d->revocable || !(d->accept & POLICY_ACCEPT_UNRESERVED))
		node_room(p, p->nodes[i], d, room);
	else
		memcpy(room, p->cells[i].room, sizeof(p->cells[i].room));
}

static bool ports_fit(const struct node *n, const struct demand *d)
{
	for (size_t i = 0; i < d->ports_nr; i++)
		if (d->ports[i] && !ports_is_free(&n->ports, d->ports[i]))
			return false;
	return true;
}

/* What does not depend on the demand's other instances, nor on resources. */
enum policy_filter state_filter(const struct policy *p, const struct demand *d, uint32_t i)
{
	const struct cell *c = &p->cells[i];

	if (c->closed)
		return POLICY_NODE_CLOSED;
	if (c->stalled)
		return POLICY_PRESSURE;
	if (c->promised && d->role->priority < p->nodes[i]->promised_to)
		return POLICY_PROMISED;
	if (d->selective && !(d->eligible[i / WORD] >> i % WORD & 1))
		return POLICY_CONSTRAINT;
	return POLICY_FITS;
}

enum policy_filter resources_filter(const struct policy *p, const struct demand *d, uint32_t i,
				    const uint64_t room[POLICY_DIMENSIONS])
{
	for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++)
		if (room[k] < d->request[k])
			return POLICY_NO_CPUS + k;
	if (d->numbered && !ports_fit(p->nodes[i], d))
		return POLICY_NO_PORTS;
	return POLICY_FITS;
}

/* The first filter that refuses the node; scratch_use() was called for @d. */
enum policy_filter node_filter(struct policy *p, struct demand *d, uint32_t i,
			       const uint64_t room[POLICY_DIMENSIONS])
{
	enum policy_filter f = state_filter(p, d, i);

	if (f)
		return f;
	for (size_t k = 0; k < d->constraints_nr; k++)
		if (!constraint_counted_ok(p->now, d, k, i))
			return POLICY_CONSTRAINT;
	return resources_filter(p, d, i, room);
}

/* How badly it fits, 0..SCORE_MAX. */
uint32_t node_fit(const struct policy *p, const struct demand *d, uint32_t i)
{
	const struct cell *c = &p->cells[i];
	float most = 0, least = 1, left = 0, cost;
	bool hot = false;
	int dims = 0;

	for (unsigned int k = 0; k < POLICY_PORTS; k++) {
		float after;

		if (!d->request[k] && k > POLICY_MEMORY)
			continue;
		after = c->load[k] + (float)d->request[k] * c->per[k];
		hot |= after > 1.001F; /* beyond rounding */
		after = after < 1 ? after : 1;
		most = after > most ? after : most;
		least = after < least ? after : least;
		left += 1 - after;
		dims++;
	}
	cost = FIT_SCALE * (left / (float)dims + (most - least)) / 2;
	cost += HERE_COST * (float)p->now->here[i] + (hot ? HOT_COST : 0);
	return cost > (float)SCORE_MAX ? SCORE_MAX : (uint32_t)cost;
}

uint32_t score_of(uint32_t domain, uint32_t fit)
{
	return (domain < SCORE_MAX ? domain : SCORE_MAX) << SCORE_BITS | fit;
}

/* Of equals the one that registered first. */
static struct node *best_node(struct policy *p, struct demand *d, uint32_t *ret_score)
{
	struct node *best = NULL;

	for (uint32_t i = 0; i < p->nodes_nr; i++) {
		uint64_t room[POLICY_DIMENSIONS];
		uint32_t score;

		node_room_of(p, d, i, room);
		if (node_filter(p, d, i, room))
			continue;
		score = score_of(p->now->count[COUNTER_ZONE][p->cells[i].zone + 1],
				 node_fit(p, d, i));
		if (!best || score < *ret_score) {
			best = p->nodes[i];
			*ret_score = score;
		}
	}
	p->evaluated += p->nodes_nr;
	return best;
}

/* By the demand's index where it has one, or should have. */
static int find_node(struct policy *p, struct demand *d, struct node **ret, uint32_t *ret_score)
{
	int r = 0;

	if (!d->index && index_wanted(p, d))
		r = index_make(p, d);
	if (!r)
		r = scratch_use(p, d);
	if (!r && d->index)
		return index_best(p, d, ret, ret_score);
	*ret = r ? NULL : best_node(p, d, ret_score);
	return r;
}

static bool is_asked_for(const struct demand *d, uint16_t port)
{
	for (size_t i = 0; i < d->ports_nr; i++)
		if (d->ports[i] == port)
			return true;
	return false;
}

/* There are enough: the filter counted those that are asked for by number among the free ones. */
static void choose_ports(const struct node *n, const struct demand *d, struct policy_placement *ret)
{
	uint16_t any[POLICY_PORTS_MAX];
	size_t nr = ports_choose(&n->ports, d->ports_nr, any), next = 0;

	for (size_t i = 0; i < d->ports_nr; i++) {
		if (d->ports[i]) {
			ret->ports[i] = d->ports[i];
			continue;
		}
		while (next < nr && d->numbered && is_asked_for(d, any[next]))
			next++;
		ret->ports[i] = any[next++];
	}
	ret->ports_nr = d->ports_nr;
}

/* Return: 0, -ENOSPC no node passes, -ENOMEM. */
int place_one(struct policy *p, struct demand *d, struct policy_placement *ret)
{
	struct policy_instance as = {.ports_nr = d->ports_nr, .ports = ret->ports};
	struct instance *in;
	struct node *n;
	uint32_t score = 0;
	int r = find_node(p, d, &n, &score);

	if (r)
		return r;
	if (!n)
		return -ENOSPC;
	if (p->instance_names.nr >= POLICY_INSTANCES_MAX)
		return refuse_bound(p, NULL, "instances", POLICY_INSTANCES_MAX);
	choose_ports(n, d, ret);
	(void)snprintf(ret->instance, sizeof(ret->instance), "@%llu",
		       (unsigned long long)p->seq + 1); /* 20 digits and the @ fit */
	as.id = ret->instance;
	r = instance_new(p, d, n, &as, &in);
	if (r)
		return r;
	ret->demand = d->id;
	ret->node = n->id;
	ret->score = score;
	for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++)
		p->open_free[k] -=
			p->open_free[k] < charged(d, k) ? p->open_free[k] : charged(d, k);
	scratch_count(p, d, n);
	return index_changed(p, n);
}
