// SPDX-License-Identifier: Apache-2.0
/*
 * Victims: a demand of a role of higher priority that no node has room for may have instances of
 * lower roles ended. On each node those of the lowest priority, the revocable and the youngest go
 * first, until it fits; who is not needed after all is spared. The node is chosen where the most
 * important victim is least important, then where the fewest are. Nobody is ended whose role, or one
 * above it, would then have less than it is guaranteed, nor what the same step placed. One demand asks for the room of
 * what it lacks, and then for no more until its victims have ended.
 */
#include <errno.h>

#include "tools/allocator/policy/policy_impl.h"

#define VICTIMS_MAX 32 /* for one instance, on one node */

struct plan {
	struct node *node;
	struct instance *victim[VICTIMS_MAX];
	size_t nr;
	int priority; /* of the most important victim */
};

static bool goes_before(const struct instance *a, const struct instance *b)
{
	int x = a->demand->role->priority, y = b->demand->role->priority;

	if (x != y)
		return x < y;
	if (a->revocable != b->revocable)
		return a->revocable;
	return a->seq > b->seq;
}

/* The role has so much of a dimension that will stay. */
static uint64_t staying(const struct role *r, unsigned int dimension)
{
	uint64_t used = r->used[dimension], going = r->going[dimension];

	return used > going ? used - going : 0;
}

/* Without it, and those before it, its role and all above still have what they are guaranteed. */
static bool leaves_guarantee(const struct instance *in, struct instance *const *victim, size_t nr)
{
	for (const struct role *r = in->demand->role; r; r = r->parent)
		for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++) {
			uint64_t less = is_lent(in, k) ? 0 : in->used[k];

			if (!less || !r->guarantee[k])
				continue;
			for (size_t i = 0; i < nr; i++)
				if (!is_lent(victim[i], k) &&
				    role_within(r, victim[i]->demand->role))
					less += victim[i]->used[k];
			if (staying(r, k) < r->guarantee[k] + less)
				return false;
		}
	return true;
}

/* Those that may go together with all before them. */
static size_t spare_guaranteed(struct instance **victim, size_t nr)
{
	size_t kept = 0;

	for (size_t i = 0; i < nr; i++)
		if (leaves_guarantee(victim[i], victim, kept))
			victim[kept++] = victim[i];
	return kept;
}

static bool may_go(const struct policy *p, const struct instance *in, const struct demand *d)
{
	return !in->doomed && in->seq <= p->step_seq &&
	       in->demand->role->priority < d->role->priority && leaves_guarantee(in, NULL, 0);
}

/* The node's instances that may go, first to go first, at most VICTIMS_MAX. */
static size_t candidates(const struct policy *p, const struct node *n, const struct demand *d,
			 struct instance **ret)
{
	size_t nr = 0;

	for (struct instance *in = n->first; in; in = in->node_next) {
		size_t at;

		if (!may_go(p, in, d))
			continue;
		for (at = nr; at && goes_before(in, ret[at - 1]); at--)
			if (at < VICTIMS_MAX)
				ret[at] = ret[at - 1];
		if (at >= VICTIMS_MAX)
			continue;
		ret[at] = in;
		nr += nr < VICTIMS_MAX;
	}
	return spare_guaranteed(ret, nr);
}

static bool frees_port(const struct instance *in, uint16_t port)
{
	for (size_t i = 0; i < in->ports_nr; i++)
		if (in->ports[i] == port)
			return true;
	return false;
}

static bool numbered_ports_fit(const struct node *n, const struct demand *d,
			       struct instance *const *victim, size_t nr)
{
	for (size_t i = 0; i < d->ports_nr; i++) {
		bool ok = !d->ports[i] || ports_is_free(&n->ports, d->ports[i]);

		for (size_t v = 0; v < nr && !ok; v++)
			ok = frees_port(victim[v], d->ports[i]);
		if (!ok)
			return false;
	}
	return true;
}

/* Room with the victims gone. What they have of a reservation is of use to its roles only. */
static bool fits_without(const struct policy *p, struct node *n, const struct demand *d,
			 struct instance *const *victim, size_t nr)
{
	const struct reserved *of = node_reserved(n, d->role);
	uint64_t room[POLICY_DIMENSIONS], open[POLICY_DIMENSIONS] = {0};

	node_room(p, n, d, room);
	for (size_t v = 0; v < nr; v++)
		for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++) {
			bool lent = is_lent(victim[v], k);

			if (d->revocable && (k == POLICY_CPUS || k == POLICY_NETWORK))
				open[k] += lent ? victim[v]->used[k] : 0;
			else if (!lent && d->accept & POLICY_ACCEPT_UNRESERVED)
				open[k] += victim[v]->used[k] - victim[v]->reserved[k];
			if (!lent && victim[v]->of && victim[v]->of == of &&
			    d->accept & POLICY_ACCEPT_RESERVED)
				open[k] += victim[v]->reserved[k];
		}
	for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++)
		if (room[k] + open[k] < d->request[k])
			return false;
	return !d->numbered || numbered_ports_fit(n, d, victim, nr);
}

static bool plan_node(struct policy *p, struct node *n, struct demand *d, struct plan *ret)
{
	size_t all = candidates(p, n, d, ret->victim), nr = 0;

	while (nr < all && !fits_without(p, n, d, ret->victim, nr))
		nr++;
	if (!nr || !fits_without(p, n, d, ret->victim, nr))
		return false;
	/* spare the most important first */
	for (size_t i = nr; i-- > 0;) {
		struct instance *spared = ret->victim[i];

		memmove(&ret->victim[i], &ret->victim[i + 1], (nr - i - 1) * sizeof(spared));
		ret->victim[nr - 1] = spared;
		if (fits_without(p, n, d, ret->victim, nr - 1)) {
			nr--;
			continue;
		}
		memmove(&ret->victim[i + 1], &ret->victim[i], (nr - i - 1) * sizeof(spared));
		ret->victim[i] = spared;
	}
	ret->node = n;
	ret->nr = nr;
	ret->priority = ret->victim[nr - 1]->demand->role->priority;
	return true;
}

static bool is_better(const struct plan *a, const struct plan *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	return a->nr < b->nr;
}

/* Is the node one that only lacks room? */
static bool lacks_room(struct policy *p, struct demand *d, uint32_t i)
{
	uint64_t room[POLICY_DIMENSIONS];

	node_room_of(p, d, i, room);
	return node_filter(p, d, i, room) >= POLICY_NO_CPUS;
}

static bool best_plan(struct policy *p, struct demand *d, struct plan *best)
{
	struct plan plan;
	bool found = false;

	for (uint32_t i = 0; i < p->nodes_nr; i++) {
		if (!lacks_room(p, d, i) || p->cells[i].promised ||
		    !plan_node(p, p->nodes[i], d, &plan))
			continue;
		if (!found || is_better(&plan, best))
			*best = plan;
		found = true;
	}
	p->evaluated += p->nodes_nr;
	return found;
}

static int doom(struct policy *p, struct demand *d, const struct plan *plan)
{
	if (array_grow(&p->victims, &p->victims_cap, p->victims_now + (uint32_t)plan->nr,
		       sizeof(*p->victims)))
		return -ENOMEM;
	for (size_t i = 0; i < plan->nr; i++) {
		struct instance *in = plan->victim[i];

		in->doomed = true;
		in->victim_of = d;
		role_going(in->demand->role, in, true);
		d->victims_left++;
		p->victims[p->victims_now++] = (struct policy_victim){.instance = in->id,
								      .demand = in->demand->id,
								      .node = plan->node->id,
								      .by = d->id};
		p->victims_nr++;
	}
	plan->node->doomed += (uint32_t)plan->nr;
	plan->node->promised_to = d->role->priority;
	node_refresh(p, plan->node);
	d->wait = POLICY_WAIT_VICTIMS;
	return 0;
}

static bool may_preempt(const struct demand *d)
{
	return d->preempts && d->wait == POLICY_WAIT_NODES && !d->victims_left;
}

/* So many more instances are within all limits. */
static bool within_limits(const struct demand *d, uint32_t times)
{
	for (const struct role *r = d->role; r; r = r->parent)
		for (unsigned int i = 0; i < POLICY_DIMENSIONS; i++) {
			uint64_t more = charged(d, i);

			if (more && r->limit[i] != POLICY_UNLIMITED &&
			    (r->used[i] > r->limit[i] || more > (r->limit[i] - r->used[i]) / times))
				return false;
		}
	return true;
}

static int by_importance(const void *a, const void *b)
{
	const struct demand *x = *(struct demand *const *)a, *y = *(struct demand *const *)b;

	if (x->role->priority != y->role->priority)
		return x->role->priority > y->role->priority ? -1 : 1;
	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

static int preempt_for(struct policy *p, struct demand *d, size_t budget)
{
	for (uint32_t asked = d->running; asked < d->wanted; asked++) {
		struct plan best = {0};
		int r = scratch_use(p, d);

		if (r)
			return r;
		if (!within_limits(d, asked - d->running + 1) || !best_plan(p, d, &best) ||
		    p->victims_now + best.nr > budget)
			return 0;
		r = doom(p, d, &best);
		if (r)
			return r;
		scratch_count(p, d, best.node); /* as if it ran there, for the constraints */
	}
	return 0;
}

int preempt(struct policy *p, size_t budget)
{
	qsort(p->active, p->active_nr, sizeof(*p->active), by_importance);
	for (uint32_t i = 0; i < p->active_nr && p->victims_now < budget; i++) {
		int r = may_preempt(p->active[i]) ? preempt_for(p, p->active[i], budget) : 0;

		if (r)
			return r;
	}
	p->scratch.demand = NULL; /* it may have counted what does not run */
	return 0;
}
