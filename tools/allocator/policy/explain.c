// SPDX-License-Identifier: Apache-2.0
/* Why is it not placed: every node's first refusal, and the node that lacks least. */
#include <errno.h>

#include "tools/allocator/policy/policy_impl.h"

struct nearest {
	struct node *node;
	enum policy_filter filter;
	unsigned int dimension;
	uint64_t short_by;
	double part; /* of the request that is lacking, in the worst dimension */
};

static size_t refusing_constraint(const struct policy *p, const struct demand *d, uint32_t i)
{
	for (size_t c = 0; c < d->constraints_nr; c++)
		if (constraint_static(&d->constraint[c])
			    ? !constraint_static_ok(&d->constraint[c], i)
			    : !constraint_counted_ok(p->now, d, c, i))
			return c;
	return 0;
}

/* The worst lack of a node that fails for want of room; one that lacks less, or in less, is nearer. */
static void consider(struct node *n, enum policy_filter f, const struct demand *d,
		     const uint64_t room[POLICY_DIMENSIONS], struct nearest *best)
{
	struct nearest this = {.node = n, .filter = f, .dimension = POLICY_PORTS};

	for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++) {
		double part;

		if (room[k] >= d->request[k])
			continue;
		part = (double)(d->request[k] - room[k]) / (double)d->request[k];
		if (part <= this.part)
			continue;
		this.part = part;
		this.dimension = k;
		this.short_by = d->request[k] - room[k];
		this.filter = POLICY_NO_CPUS + k;
	}
	if (!best->node || this.part < best->part)
		*best = this;
}

static void look_at_nodes(struct policy *p, struct demand *d, struct policy_explanation *e)
{
	struct nearest best = {0};

	for (uint32_t i = 0; i < p->nodes_nr; i++) {
		uint64_t room[POLICY_DIMENSIONS];
		enum policy_filter f;

		node_room_of(p, d, i, room);
		f = node_filter(p, d, i, room);
		e->failed[f]++;
		if (f == POLICY_CONSTRAINT)
			e->failed_constraint[refusing_constraint(p, d, i)]++;
		else if (f >= POLICY_NO_CPUS)
			consider(p->nodes[i], f, d, room, &best);
	}
	p->evaluated += p->nodes_nr;
	if (!best.node || e->role || e->failed[POLICY_FITS])
		return;
	e->nearest = best.node->id;
	e->nearest_filter = best.filter;
	e->dimension = best.dimension;
	e->short_by = best.short_by;
}

int policy_explain(struct policy *p, const char *demand, struct policy_explanation *ret)
{
	struct demand *d = names_find(&p->demand_names, demand);
	struct policy_explanation e = {0};
	const struct role *r;

	if (!d)
		return -ENOENT;
	if (scratch_use(p, d))
		return -ENOMEM;
	limits_begin(p);
	e.wanted = d->wanted;
	e.running = d->running;
	e.nodes = p->nodes_nr;
	r = over_limit(d, &e.dimension, &e.short_by);
	e.wait = POLICY_WAIT_ROLE_LIMIT;
	if (!r) {
		r = guarded(p, d, &e.dimension, &e.short_by);
		e.wait = POLICY_WAIT_GUARANTEE;
	}
	e.role = r ? r->name : NULL;
	look_at_nodes(p, d, &e);
	if (d->running >= d->wanted)
		e.wait = POLICY_WAIT_NOTHING;
	else if (d->hold)
		e.wait = POLICY_WAIT_HELD;
	else if (!r && d->victims_left)
		e.wait = POLICY_WAIT_VICTIMS;
	else if (!r)
		e.wait = e.failed[POLICY_FITS] ? POLICY_WAIT_BUDGET : POLICY_WAIT_NODES;
	*ret = e;
	return 0;
}
