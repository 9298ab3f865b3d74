// SPDX-License-Identifier: Apache-2.0
/* Demands: what is wanted, how often, and where it may go. */
#include <errno.h>
#include <limits.h>

#include "agent/lib/why.h"
#include "tools/allocator/policy/policy_impl.h"

void demand_free(struct policy *p, struct demand *d)
{
	if (p->scratch.demand == d)
		p->scratch.demand = NULL;
	for (size_t i = 0; i < d->constraints_nr; i++)
		constraint_free(&d->constraint[i]);
	if (d->role)
		role_put(p, d->role);
	free(d->eligible);
	free(d->ports);
	free(d->id);
	free(d);
}

static int check(struct policy *p, const struct policy_demand *from, struct why *why)
{
	if (!name_ok(from->id))
		return why_set(why, -EINVAL, "a demand's id has 1 to %d bytes", POLICY_NAME_MAX);
	if (from->wanted > POLICY_WANTED_MAX)
		return refuse_bound(p, why, "instances of one demand", POLICY_WANTED_MAX);
	if (from->ports_nr > POLICY_PORTS_MAX)
		return refuse_bound(p, why, "ports of an instance", POLICY_PORTS_MAX);
	if (from->constraints_nr > POLICY_CONSTRAINTS_MAX)
		return refuse_bound(p, why, "constraints of a demand", POLICY_CONSTRAINTS_MAX);
	for (unsigned int i = 0; i < POLICY_PORTS; i++)
		if (from->request.of[i] > POLICY_AMOUNT_MAX)
			return why_set(why, -EINVAL, "%s=%llu: at most %llu",
				       policy_dimension_name(i),
				       (unsigned long long)from->request.of[i], POLICY_AMOUNT_MAX);
	for (size_t i = 0; i < from->ports_nr; i++)
		for (size_t j = 0; from->ports && from->ports[i] && j < i; j++)
			if (from->ports[i] == from->ports[j])
				return why_set(why, -EINVAL, "port %u is asked for twice",
					       from->ports[i]);
	return 0;
}

static int copy_ports(struct demand *d, const struct policy_demand *from)
{
	if (!from->ports_nr)
		return 0;
	d->ports = calloc(from->ports_nr, sizeof(*d->ports));
	if (!d->ports)
		return -ENOMEM;
	d->ports_nr = from->ports_nr;
	for (size_t i = 0; from->ports && i < from->ports_nr; i++) {
		d->ports[i] = from->ports[i];
		d->numbered |= from->ports[i] != 0;
	}
	return 0;
}

static int fill(struct policy *p, struct demand *d, const struct policy_demand *from,
		struct why *why)
{
	int r = copy_ports(d, from);

	d->id = strdup(from->id);
	if (r || !d->id)
		return -ENOMEM;
	d->priority = from->priority;
	memcpy(d->request, from->request.of, sizeof(d->request));
	d->request[POLICY_PORTS] = from->ports_nr;
	d->wanted = from->wanted;
	d->accept = from->accept ? from->accept : POLICY_ACCEPT_UNRESERVED | POLICY_ACCEPT_RESERVED;
	d->revocable = from->revocable;
	d->preempts = from->preempts;
	d->hold = from->hold;
	for (size_t i = 0; i < from->constraints_nr; i++) {
		d->constraints_nr++;
		r = constraint_compile(p, &from->constraints[i], &d->constraint[i], why);
		if (r)
			return r;
		d->selective |= constraint_static(&d->constraint[i]);
	}
	return role_get(p, from->role, &d->role, why);
}

/* The new description takes the old one's instances, place and age. */
static void inherit(struct policy *p, struct demand *d, struct demand *old)
{
	d->i = old->i;
	d->seq = old->seq;
	d->first = old->first;
	d->last = old->last;
	d->running = old->running;
	d->victims_left = old->victims_left;
	for (struct instance *in = d->first; in; in = in->next) {
		node_uncharge(p, in);
		role_charge(old->role, in, false);
		in->demand = d;
		role_charge(d->role, in, true);
		node_charge(p, in);
	}
	if (d->victims_left)
		for (uint32_t n = 0; n < p->nodes_nr; n++)
			for (struct instance *in = p->nodes[n]->first; in; in = in->node_next)
				if (in->victim_of == old)
					in->victim_of = d;
	names_replace(&p->demand_names, old, d);
	demand_free(p, old);
}

static int enlist(struct policy *p, struct demand *d, struct demand *old)
{
	if (!old) {
		if (array_grow(&p->demands, &p->demands_cap, p->demands_nr + 1,
			       sizeof(struct demand *)) ||
		    names_add(&p->demand_names, d))
			return -ENOMEM;
		d->seq = ++p->seq;
		d->i = p->demands_nr++;
	} else {
		inherit(p, d, old);
	}
	p->demands[d->i] = d;
	p->version++;
	return 0;
}

int policy_demand_set(struct policy *p, const struct policy_demand *from, struct why *why)
{
	struct demand *old, *d;
	int r = check(p, from, why);

	if (r)
		return r;
	old = names_find(&p->demand_names, from->id);
	if (!old && p->demands_nr >= POLICY_DEMANDS_MAX)
		return refuse_bound(p, why, "demands", POLICY_DEMANDS_MAX);
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	r = fill(p, d, from, why);
	if (!r)
		r = enlist(p, d, old);
	if (r)
		demand_free(p, d);
	return r;
}

int policy_demand_wanted(struct policy *p, const char *demand, uint32_t wanted, bool hold)
{
	struct demand *d = names_find(&p->demand_names, demand);

	if (!d)
		return -ENOENT;
	if (wanted > POLICY_WANTED_MAX)
		return refuse_bound(p, NULL, "instances of one demand", POLICY_WANTED_MAX);
	d->wanted = wanted;
	d->hold = hold;
	return 0;
}

/* The caller was told to end them: they stay doomed, and nobody waits for them any more. */
static void forget_victims(struct policy *p, struct demand *d)
{
	for (uint32_t n = 0; n < p->nodes_nr && d->victims_left; n++)
		for (struct instance *in = p->nodes[n]->first; in; in = in->node_next)
			if (in->victim_of == d) {
				in->victim_of = NULL;
				p->nodes[n]->promised_to = INT_MIN;
				d->victims_left--;
				p->chances++;
			}
}

int policy_demand_remove(struct policy *p, const char *demand)
{
	struct demand *d = names_find(&p->demand_names, demand);

	if (!d)
		return -ENOENT;
	if (d->running)
		return -EBUSY;
	forget_victims(p, d);
	names_remove(&p->demand_names, d);
	p->demands_nr--;
	p->demands[d->i] = p->demands[p->demands_nr];
	p->demands[d->i]->i = d->i; /* itself, when it was the last */
	demand_free(p, d);
	return 0;
}
