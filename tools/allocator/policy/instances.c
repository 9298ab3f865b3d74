// SPDX-License-Identifier: Apache-2.0
/* Instances: counted on their node, in their role and for their demand. */
#include <errno.h>

#include "agent/lib/why.h"
#include "tools/allocator/policy/policy_impl.h"

/* CPU and network of a revocable instance are of the node's slack, and nobody's share. */
bool is_lent(const struct instance *in, unsigned int dimension)
{
	return in->revocable && (dimension == POLICY_CPUS || dimension == POLICY_NETWORK);
}

static void instance_free(struct instance *in)
{
	free(in->ports);
	free(in->id);
	free(in);
}

static void link_in(struct demand *d, struct node *n, struct instance *in)
{
	in->prev = d->last;
	if (d->last)
		d->last->next = in;
	else
		d->first = in;
	d->last = in;
	d->running++;
	in->node_next = n->first;
	if (n->first)
		n->first->node_prev = in;
	n->first = in;
	n->instances++;
}

static void link_out(struct instance *in)
{
	struct demand *d = in->demand;
	struct node *n = in->node;

	*(in->prev ? &in->prev->next : &d->first) = in->next;
	*(in->next ? &in->next->prev : &d->last) = in->prev;
	d->running--;
	*(in->node_prev ? &in->node_prev->node_next : &n->first) = in->node_next;
	if (in->node_next)
		in->node_next->node_prev = in->node_prev;
	n->instances--;
}

static int instance_copy(struct instance *in, const struct policy_instance *from)
{
	in->id = strdup(from->id);
	if (!in->id)
		return -ENOMEM;
	if (!from->ports_nr)
		return 0;
	in->ports = reallocarray(NULL, from->ports_nr, sizeof(*in->ports));
	if (!in->ports)
		return -ENOMEM;
	memcpy(in->ports, from->ports, from->ports_nr * sizeof(*in->ports));
	in->ports_nr = from->ports_nr;
	return 0;
}

int instance_new(struct policy *p, struct demand *d, struct node *n,
		 const struct policy_instance *from, struct instance **ret)
{
	struct instance *in = calloc(1, sizeof(*in));
	int r;

	if (!in)
		return -ENOMEM;
	r = instance_copy(in, from);
	if (!r)
		r = names_add(&p->instance_names, in);
	if (r) {
		instance_free(in);
		return r;
	}
	memcpy(in->used, from->used ? from->used->of : d->request, sizeof(in->used));
	in->used[POLICY_PORTS] = from->ports_nr;
	in->seq = ++p->seq;
	in->demand = d;
	in->node = n;
	in->revocable = d->revocable;
	link_in(d, n, in);
	node_charge(p, in);
	role_charge(d->role, in, true);
	*ret = in;
	return 0;
}

void instance_remove(struct policy *p, struct instance *in)
{
	names_remove(&p->instance_names, in);
	in->node->doomed -= in->doomed;
	node_uncharge(p, in);
	role_charge(in->demand->role, in, false);
	link_out(in);
	if (in->victim_of)
		in->victim_of->victims_left--;
	p->version++;
	p->chances++;
	instance_free(in);
}

int policy_instance_add(struct policy *p, const struct policy_instance *from, struct why *why)
{
	struct demand *d = names_find(&p->demand_names, from->demand);
	struct node *n = names_find(&p->node_names, from->node);
	struct instance *in;

	if (!name_ok(from->id) || *from->id == '@')
		return why_set(why, -EINVAL, "an instance's id has 1 to %d bytes and no @ in front",
			       POLICY_NAME_MAX);
	if (!d)
		return why_set(why, -ENOENT, "demand %s", from->demand);
	if (!n)
		return why_set(why, -ENOENT, "node %s", from->node);
	if (from->ports_nr > POLICY_PORTS_MAX)
		return refuse_bound(p, why, "ports of an instance", POLICY_PORTS_MAX);
	if (p->instance_names.nr >= POLICY_INSTANCES_MAX)
		return refuse_bound(p, why, "instances", POLICY_INSTANCES_MAX);
	for (unsigned int i = 0; from->used && i < POLICY_PORTS; i++)
		if (from->used->of[i] > POLICY_AMOUNT_MAX)
			return why_set(why, -EINVAL, "%s=%llu: at most %llu",
				       policy_dimension_name(i),
				       (unsigned long long)from->used->of[i], POLICY_AMOUNT_MAX);
	p->version++;
	p->chances++; /* of GROUP_BY: the least of its groups may have grown */
	return instance_new(p, d, n, from, &in);
}

int policy_instance_name(struct policy *p, const char *placement, const char *id)
{
	struct instance *in = names_find(&p->instance_names, placement);
	char *fresh;

	if (!in)
		return -ENOENT;
	if (!name_ok(id) || *id == '@')
		return -EINVAL;
	if (names_find(&p->instance_names, id))
		return -EEXIST;
	fresh = strdup(id);
	if (!fresh)
		return -ENOMEM;
	names_remove(&p->instance_names, in);
	free(in->id);
	in->id = fresh;
	if (names_add(&p->instance_names, in)) {
		instance_remove(p, in); /* nobody could name it any more */
		return -ENOMEM;
	}
	return 0;
}

int policy_instance_remove(struct policy *p, const char *instance)
{
	struct instance *in = names_find(&p->instance_names, instance);

	if (!in)
		return -ENOENT;
	instance_remove(p, in);
	return 0;
}
