// SPDX-License-Identifier: Apache-2.0
/* What a role may have at most, and what is kept for the guarantees of others. */
#include "tools/allocator/policy/policy_impl.h"

/* What one more instance adds to its role. */
uint64_t charged(const struct demand *d, unsigned int dimension)
{
	if (d->revocable && (dimension == POLICY_CPUS || dimension == POLICY_NETWORK))
		return 0;
	return d->request[dimension];
}

static bool has_guarantee(const struct role *r)
{
	for (unsigned int i = 0; i < POLICY_DIMENSIONS; i++)
		if (r->guarantee[i])
			return true;
	return false;
}

/* Once a step: what is free where something may be placed. */
void limits_begin(struct policy *p)
{
	p->guarantees = false;
	for (uint32_t i = 0; i < p->roles_nr; i++)
		p->guarantees |= has_guarantee(p->roles[i]);
	memset(p->open_free, 0, sizeof(p->open_free));
	for (uint32_t i = 0; i < p->nodes_nr && p->guarantees; i++) {
		const struct node *n = p->nodes[i];

		if (!n->accepts)
			continue;
		for (unsigned int d = 0; d < POLICY_PORTS; d++)
			if (n->total[d] > n->used[d])
				p->open_free[d] += n->total[d] - n->used[d];
		p->open_free[POLICY_PORTS] += n->ports.free;
	}
}

static bool fits_guarantee(const struct role *r, const struct demand *d)
{
	bool any = false;

	for (unsigned int i = 0; i < POLICY_DIMENSIONS; i++) {
		uint64_t more = charged(d, i);

		if (!more || !r->guarantee[i])
			continue;
		if (r->used[i] + more > r->guarantee[i])
			return false;
		any = true;
	}
	return any;
}

/* One more instance is within the guarantee of the role or of one above it. */
bool below_guarantee(const struct role *r, const struct demand *d)
{
	for (; r; r = r->parent)
		if (fits_guarantee(r, d))
			return true;
	return false;
}

struct role *over_limit(const struct demand *d, enum policy_dimension *dimension,
			uint64_t *short_by)
{
	for (struct role *r = d->role; r; r = r->parent)
		for (unsigned int i = 0; i < POLICY_DIMENSIONS; i++) {
			uint64_t more = charged(d, i);

			if (!more || r->limit[i] == POLICY_UNLIMITED ||
			    r->used[i] + more <= r->limit[i])
				continue;
			*dimension = i;
			*short_by = r->used[i] + more - r->limit[i];
			return r;
		}
	return NULL;
}

/* What the role and those below it lack to their guarantees when @d has one instance more. */
static uint64_t lacks(const struct role *r, unsigned int i, const struct demand *d)
{
	uint64_t used = r->used[i] + (role_within(r, d->role) ? charged(d, i) : 0);
	uint64_t own = r->guarantee[i] > used ? r->guarantee[i] - used : 0, below = 0;

	for (const struct role *c = r->child; c; c = c->sibling)
		below += lacks(c, i, d);
	return own > below ? own : below;
}

/* A role whose guarantee could not be met after one more instance of @d; NULL: none. */
struct role *guarded(struct policy *p, const struct demand *d, enum policy_dimension *dimension,
		     uint64_t *short_by)
{
	if (!p->guarantees || below_guarantee(d->role, d))
		return NULL;
	for (unsigned int i = 0; i < POLICY_DIMENSIONS; i++) {
		uint64_t more = charged(d, i), need = 0, most = 0;
		struct role *who = NULL;

		for (uint32_t r = 0; r < p->roles_nr && more; r++) {
			uint64_t one = p->roles[r]->parent ? 0 : lacks(p->roles[r], i, d);

			need += one;
			if (one > most) {
				most = one;
				who = p->roles[r];
			}
		}
		if (!who || more + need <= p->open_free[i])
			continue;
		*dimension = i;
		*short_by = more + need - p->open_free[i];
		return who;
	}
	return NULL;
}
