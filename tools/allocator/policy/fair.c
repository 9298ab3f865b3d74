// SPDX-License-Identifier: Apache-2.0
/*
 * Whose turn is it: roles of the highest priority; of these one that is below its guarantee; else
 * down the tree, at each level the one with the least dominant share by its weight. A role that has
 * demands of its own and roles below it takes part among these with its own use and weight 1.
 */
#include <errno.h>

#include "tools/allocator/policy/policy_impl.h"

static int by_turn(const void *a, const void *b)
{
	const struct demand *x = *(struct demand *const *)a, *y = *(struct demand *const *)b;

	if (x->role->i != y->role->i)
		return x->role->i < y->role->i ? -1 : 1;
	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

static enum policy_wait first_wait(const struct demand *d)
{
	if (d->running >= d->wanted)
		return POLICY_WAIT_NOTHING;
	return d->hold ? POLICY_WAIT_HELD : POLICY_WAIT_BUDGET;
}

/* The demands that want something, each role's together: role->from to role->to. */
int order_active(struct policy *p)
{
	p->active_nr = 0;
	if (array_grow(&p->active, &p->active_cap, p->demands_nr + 1, sizeof(struct demand *)))
		return -ENOMEM;
	for (uint32_t i = 0; i < p->demands_nr; i++) {
		struct demand *d = p->demands[i];

		d->wait = first_wait(d);
		if (d->wait == POLICY_WAIT_BUDGET)
			p->active[p->active_nr++] = d;
	}
	qsort(p->active, p->active_nr, sizeof(*p->active), by_turn);
	for (uint32_t i = 0; i < p->roles_nr; i++)
		p->roles[i]->from = p->roles[i]->to = 0;
	for (uint32_t i = 0; i < p->active_nr; i++) {
		struct role *r = p->active[i]->role;

		if (!r->to)
			r->from = i;
		r->to = i + 1;
	}
	return 0;
}

double role_share(const struct policy *p, const uint64_t used[POLICY_DIMENSIONS],
		  enum policy_dimension *ret_dominant)
{
	double most = -1;

	for (unsigned int d = 0; d < POLICY_DIMENSIONS; d++) {
		double share = p->total[d] ? (double)used[d] / (double)p->total[d] : 0;

		if (share > most) {
			most = share;
			*ret_dominant = d;
		}
	}
	return most;
}

static double weighted(const struct policy *p, const uint64_t used[POLICY_DIMENSIONS],
		       uint32_t weight)
{
	enum policy_dimension dominant;

	return role_share(p, used, &dominant) / weight;
}

/* The part of its guarantee that the role, or the nearest above that has one, uses. */
static double of_guarantee(const struct role *r, const struct demand *d)
{
	double most = 0;

	for (; r; r = r->parent) {
		for (unsigned int i = 0; i < POLICY_DIMENSIONS; i++)
			if (r->guarantee[i] && charged(d, i) &&
			    (double)r->used[i] / (double)r->guarantee[i] > most)
				most = (double)r->used[i] / (double)r->guarantee[i];
		if (most > 0)
			break;
	}
	return most;
}

static struct role *pick_guaranteed(struct policy *p, int priority)
{
	struct role *best = NULL;
	double least = 0;

	for (uint32_t i = 0; i < p->roles_nr && p->guarantees; i++) {
		struct role *r = p->roles[i];
		double part;

		if (r->from >= r->to || r->priority != priority ||
		    !below_guarantee(r, p->active[r->from]))
			continue;
		part = of_guarantee(r, p->active[r->from]);
		if (!best || part < least) {
			best = r;
			least = part;
		}
	}
	return best;
}

/* Mark what may be picked, and all above it. */
static bool mark_live(struct policy *p, int *ret_priority)
{
	bool any = false;

	for (uint32_t i = 0; i < p->roles_nr; i++) {
		const struct role *r = p->roles[i];

		p->roles[i]->live = 0;
		if (r->from < r->to && (!any || r->priority > *ret_priority)) {
			*ret_priority = r->priority;
			any = true;
		}
	}
	for (uint32_t i = 0; i < p->roles_nr && any; i++)
		if (p->roles[i]->from < p->roles[i]->to && p->roles[i]->priority == *ret_priority)
			for (struct role *r = p->roles[i]; r && !r->live; r = r->parent)
				r->live = 1;
	return any;
}

static void prefer(const struct policy *p, struct role *r, struct role **best, double *least)
{
	double share;

	if (!r->live)
		return;
	share = weighted(p, r->used, r->weight);
	if (*best && (share > *least || (share == *least && r->i > (*best)->i)))
		return;
	*best = r;
	*least = share;
}

/* Return: the role whose first active demand is next; NULL: none wants any more. */
struct role *order_pick(struct policy *p)
{
	struct role *at = NULL, *best;
	double least = 0;
	int priority = 0;

	if (!mark_live(p, &priority))
		return NULL;
	best = pick_guaranteed(p, priority);
	if (best)
		return best;
	for (uint32_t i = 0; i < p->roles_nr; i++)
		if (!p->roles[i]->parent)
			prefer(p, p->roles[i], &at, &least);
	for (;;) {
		bool itself = at->from < at->to && at->priority == priority;

		best = NULL;
		for (struct role *c = at->child; c; c = c->sibling)
			prefer(p, c, &best, &least);
		if (!best || (itself && weighted(p, at->own, POLICY_WEIGHT_ONE) <= least))
			return at;
		at = best;
	}
}
