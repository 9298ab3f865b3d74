// SPDX-License-Identifier: Apache-2.0
/*
 * What fairness gives each role when the nodes are one pool: all leaves' dominant shares grow at
 * once, each at the rate of its weight, until a leaf has what it wants, meets a limit of its own or
 * of a role above it, or needs a resource that is used up; it then stands still, and its siblings
 * share its rate. Rates go down the tree: those of a role's children that still grow are such, by
 * their weights, that the dominant share of all of them together grows at the role's rate.
 */
#include <errno.h>

#include "agent/lib/cleanup.h"
#include "tools/allocator/policy/policy_impl.h"

#define EPSILON 1e-12 /* shares are between 0 and 1 */

struct flow {
	double want[POLICY_DIMENSIONS]; /* parts of the cluster, of its own demands */
	double dominant; /* the greatest of them */
	double got; /* dominant share so far */
	double own_rate, rate; /* of its own demands; of it with all below */
	double unit[POLICY_DIMENSIONS], parts; /* see unit_up() */
	double all[POLICY_DIMENSIONS]; /* got, with all below */
	bool grows, below_grows;
};

static void flow_wants(const struct policy *p, struct flow *flow)
{
	for (uint32_t i = 0; i < p->demands_nr; i++) {
		const struct demand *d = p->demands[i];
		struct flow *f = &flow[d->role->i];

		for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++) {
			if (!p->total[k])
				continue;
			f->want[k] +=
				(double)charged(d, k) * (double)d->wanted / (double)p->total[k];
			if (f->want[k] > f->dominant)
				f->dominant = f->want[k];
		}
	}
	for (uint32_t i = 0; i < p->roles_nr; i++)
		flow[i].grows = flow[i].dominant > 0;
}

static void mark_growing(const struct policy *p, struct flow *flow)
{
	for (uint32_t i = 0; i < p->roles_nr; i++)
		flow[i].below_grows = false;
	for (uint32_t i = 0; i < p->roles_nr; i++)
		for (const struct role *r = flow[i].grows ? p->roles[i] : NULL;
		     r && !flow[r->i].below_grows; r = r->parent)
			flow[r->i].below_grows = true;
}

/* What the role with all below takes of each dimension while its dominant share grows by 1. */
static void unit_up(struct flow *flow, const struct role *r)
{
	struct flow *f = &flow[r->i];
	double most = 0;

	for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++)
		f->unit[k] = f->grows ? POLICY_WEIGHT_ONE * f->want[k] / f->dominant : 0;
	for (const struct role *c = r->child; c; c = c->sibling) {
		if (!flow[c->i].below_grows)
			continue;
		unit_up(flow, c);
		for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++)
			f->unit[k] += c->weight * flow[c->i].unit[k];
	}
	for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++)
		most = f->unit[k] > most ? f->unit[k] : most;
	for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++)
		f->unit[k] /= most;
	f->parts = most;
}

/* A role's rate to its children that grow, by weight, and to its own demands with weight 1. */
static void rates_down(struct flow *flow, const struct role *r)
{
	struct flow *f = &flow[r->i];

	f->own_rate = f->grows ? f->rate * POLICY_WEIGHT_ONE / f->parts : 0;
	for (const struct role *c = r->child; c; c = c->sibling) {
		if (!flow[c->i].below_grows)
			continue;
		flow[c->i].rate = f->rate * c->weight / f->parts;
		rates_down(flow, c);
	}
}

static bool rates(const struct policy *p, struct flow *flow)
{
	bool any = false;

	mark_growing(p, flow);
	for (uint32_t i = 0; i < p->roles_nr; i++) {
		const struct role *r = p->roles[i];

		any |= flow[i].grows;
		if (r->parent || !flow[i].below_grows)
			continue;
		unit_up(flow, r);
		flow[i].rate = r->weight;
		rates_down(flow, r);
	}
	return any;
}

/* How fast the role with all below takes of a dimension. */
static void speeds(const struct policy *p, const struct flow *flow,
		   double (*ret)[POLICY_DIMENSIONS], double whole[POLICY_DIMENSIONS])
{
	memset(ret, 0, p->roles_nr * sizeof(*ret));
	memset(whole, 0, POLICY_DIMENSIONS * sizeof(*whole));
	for (uint32_t i = 0; i < p->roles_nr; i++) {
		if (!flow[i].grows)
			continue;
		for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++) {
			double speed = flow[i].own_rate * flow[i].want[k] / flow[i].dominant;

			whole[k] += speed;
			for (const struct role *r = p->roles[i]; r; r = r->parent)
				ret[r->i][k] += speed;
		}
	}
}

/* What is left of a dimension under the role's limit; more than 1: no limit. */
static double left_of(const struct policy *p, const struct flow *f, const struct role *r,
		      unsigned int k)
{
	if (r->limit[k] == POLICY_UNLIMITED || !p->total[k])
		return 2;
	return (double)r->limit[k] / (double)p->total[k] - f->all[k];
}

/* Time until the first leaf has to stop. */
static double first_stop(const struct policy *p, const struct flow *flow,
			 double (*speed)[POLICY_DIMENSIONS], const double *whole,
			 const double *taken)
{
	double stop = 1 / EPSILON;

	for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++)
		if (whole[k] > 0 && (1 - taken[k]) / whole[k] < stop)
			stop = (1 - taken[k]) / whole[k];
	for (uint32_t i = 0; i < p->roles_nr; i++) {
		const struct flow *f = &flow[i];

		if (f->grows && (f->dominant - f->got) / f->own_rate < stop)
			stop = (f->dominant - f->got) / f->own_rate;
		for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++)
			if (speed[i][k] > 0 && left_of(p, f, p->roles[i], k) / speed[i][k] < stop)
				stop = left_of(p, f, p->roles[i], k) / speed[i][k];
	}
	return stop > 0 ? stop : 0;
}

static bool must_stop(const struct policy *p, const struct flow *flow, uint32_t i,
		      const double *taken)
{
	if (flow[i].got >= flow[i].dominant - EPSILON)
		return true;
	for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++) {
		if (flow[i].want[k] <= 0)
			continue;
		if (taken[k] >= 1 - EPSILON)
			return true;
		for (const struct role *r = p->roles[i]; r; r = r->parent)
			if (left_of(p, &flow[r->i], r, k) <= EPSILON)
				return true;
	}
	return false;
}

static void grow(const struct policy *p, struct flow *flow, double (*speed)[POLICY_DIMENSIONS],
		 const double *whole, double *taken)
{
	double time = first_stop(p, flow, speed, whole, taken);

	for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++)
		taken[k] += time * whole[k];
	for (uint32_t i = 0; i < p->roles_nr; i++) {
		if (flow[i].grows)
			flow[i].got += time * flow[i].own_rate;
		for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++)
			flow[i].all[k] += time * speed[i][k];
	}
	for (uint32_t i = 0; i < p->roles_nr; i++)
		if (flow[i].grows && must_stop(p, flow, i, taken))
			flow[i].grows = false;
}

static void show(const struct policy *p, const struct flow *flow)
{
	for (uint32_t i = 0; i < p->roles_nr; i++) {
		const struct role *r = p->roles[i];
		struct policy_share *s = &p->shares[i];
		double most = 0;

		for (unsigned int k = 0; k < POLICY_DIMENSIONS; k++)
			most = flow[i].all[k] > most ? flow[i].all[k] : most;
		s->role = r->name;
		memcpy(s->used.of, r->used, sizeof(r->used));
		s->dominant_ppb = (uint64_t)(role_share(p, r->used, &s->dominant) * 1e9 + 0.5);
		s->entitled_ppb = (uint64_t)(most * 1e9 + 0.5);
	}
}

int policy_shares(struct policy *p, const struct policy_share **ret, size_t *ret_nr)
{
	cleanup_free struct flow *flow = calloc(p->roles_nr + 1, sizeof(*flow));
	cleanup_free double(*speed)[POLICY_DIMENSIONS] = calloc(p->roles_nr + 1, sizeof(*speed));
	double whole[POLICY_DIMENSIONS], taken[POLICY_DIMENSIONS] = {0};

	if (!flow || !speed ||
	    array_grow(&p->shares, &p->shares_cap, p->roles_nr + 1, sizeof(struct policy_share)))
		return -ENOMEM;
	flow_wants(p, flow);
	/* each round stops a leaf, or rounding kept it from it: then it stops in the next */
	for (uint32_t round = 0; round < 2 * p->roles_nr + POLICY_DIMENSIONS && rates(p, flow);
	     round++) {
		speeds(p, flow, speed, whole);
		grow(p, flow, speed, whole, taken);
	}
	show(p, flow);
	*ret = p->shares;
	*ret_nr = p->roles_nr;
	return 0;
}
