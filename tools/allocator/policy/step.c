// SPDX-License-Identifier: Apache-2.0
/* One step: placements, then victims, then the list of those that wait. */
#include <errno.h>

#include "tools/allocator/policy/policy_impl.h"

/* Return: 0 placed, 1 it waits (d->wait), or -errno. */
static int try(struct policy *p, struct demand *d)
{
	enum policy_dimension dimension;
	uint64_t short_by;
	int r;

	if (over_limit(d, &dimension, &short_by)) {
		d->wait = POLICY_WAIT_ROLE_LIMIT;
		return 1;
	}
	if (guarded(p, d, &dimension, &short_by)) {
		d->wait = POLICY_WAIT_GUARANTEE;
		return 1;
	}
	if (d->refused_at == p->chances) {
		d->wait = d->victims_left ? POLICY_WAIT_VICTIMS : POLICY_WAIT_NODES;
		return 1;
	}
	r = array_grow(&p->placements, &p->placements_cap, p->placements_nr + 1,
		       sizeof(*p->placements));
	if (!r)
		r = place_one(p, d, &p->placements[p->placements_nr]);
	if (r == -ENOSPC) {
		d->refused_at = p->chances;
		d->wait = d->victims_left ? POLICY_WAIT_VICTIMS : POLICY_WAIT_NODES;
		return 1;
	}
	if (r)
		return r;
	p->placements_nr++;
	p->placed++;
	if (d->running < d->wanted)
		return 0;
	d->wait = POLICY_WAIT_NOTHING;
	return 1;
}

static int place_all(struct policy *p, size_t budget)
{
	struct role *r;

	while ((!budget || p->placements_nr < budget) && (r = order_pick(p))) {
		int err = try(p, p->active[r->from]);

		if (err < 0)
			return err;
		r->from += (uint32_t)err;
	}
	return 0;
}

static int list_unplaced(struct policy *p)
{
	for (uint32_t i = 0; i < p->demands_nr; i++) {
		const struct demand *d = p->demands[i];

		if (d->running >= d->wanted)
			continue;
		if (array_grow(&p->unplaced, &p->unplaced_cap, p->unplaced_nr + 1,
			       sizeof(*p->unplaced)))
			return -ENOMEM;
		p->unplaced[p->unplaced_nr++] =
			(struct policy_unplaced){.demand = d->id,
						 .wait = d->wait,
						 .missing = d->wanted - d->running};
	}
	return 0;
}

int policy_step(struct policy *p, const struct policy_budget *budget, struct policy_result *ret)
{
	const struct policy_budget all = {0};
	int r;

	if (!budget)
		budget = &all;
	p->placements_nr = p->victims_now = p->unplaced_nr = 0;
	p->step_seq = p->seq;
	limits_begin(p);
	r = order_active(p);
	if (!r)
		r = place_all(p, budget->placements);
	indexes_drop(p);
	if (!r && budget->victims)
		r = preempt(p, budget->victims);
	if (!r)
		r = list_unplaced(p);
	*ret = (struct policy_result){
		.placements = p->placements,
		.placements_nr = p->placements_nr,
		.victims = p->victims,
		.victims_nr = p->victims_now,
		.unplaced = p->unplaced,
		.unplaced_nr = p->unplaced_nr,
	};
	return r;
}
