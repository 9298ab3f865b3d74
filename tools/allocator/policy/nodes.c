// SPDX-License-Identifier: Apache-2.0
/* Nodes: what they are, and what of them is in use. */
#include <errno.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/why.h"
#include "tools/allocator/policy/policy_impl.h"

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* The cell from the node: after anything of it changed. */
void node_refresh(struct policy *p, struct node *n)
{
	struct cell *c = &p->cells[n->i];

	for (unsigned int d = 0; d < POLICY_DIMENSIONS; d++) {
		uint64_t kept = 0;

		for (size_t i = 0; i < n->reserved_nr; i++)
			kept += n->reserved[i].amount[d];
		c->room[d] = less(less(n->total[d], kept), n->open_used[d]);
	}
	c->room[POLICY_PORTS] = n->ports.free;
	for (unsigned int d = 0; d < POLICY_PORTS; d++) {
		uint64_t used = n->used[d];

		if (n->metered.used.of[d] > used)
			used = n->metered.used.of[d];
		c->per[d] = n->total[d] ? 1.0F / (float)n->total[d] : 0;
		c->load[d] = (float)used * c->per[d];
	}
	c->closed = !n->accepts;
	c->stalled = n->metered.pressure_permille > p->pressure_max;
	c->promised = n->doomed > 0;
	c->special = n->reserved_nr || n->metered.slack.of[POLICY_CPUS] ||
		     n->metered.slack.of[POLICY_NETWORK];
	c->zone = p->fields[FIELD_ZONE]->column[n->i];
}

/* The reservation of the role, or else of the nearest role above it. */
struct reserved *node_reserved(struct node *n, const struct role *r)
{
	for (; r && n->reserved_nr; r = r->parent)
		for (size_t i = 0; i < n->reserved_nr; i++)
			if (n->reserved[i].role == r)
				return &n->reserved[i];
	return NULL;
}

/* What a demand may use of a node: reservation, unreserved or slack. */
void node_room(const struct policy *p, struct node *n, const struct demand *d,
	       uint64_t room[POLICY_DIMENSIONS])
{
	const struct reserved *of = node_reserved(n, d->role);

	memcpy(room, p->cells[n->i].room, sizeof(p->cells[n->i].room));
	for (unsigned int i = 0; i < POLICY_PORTS; i++) {
		if (!(d->accept & POLICY_ACCEPT_UNRESERVED))
			room[i] = 0;
		if (of && d->accept & POLICY_ACCEPT_RESERVED)
			room[i] += less(of->amount[i], of->used[i]);
		if (d->revocable && (i == POLICY_CPUS || i == POLICY_NETWORK))
			room[i] = less(n->metered.slack.of[i], n->lent_used[i]);
	}
}

/* Count an instance on its node: of its role's reservation first, the rest unreserved. */
void node_charge(struct policy *p, struct instance *in)
{
	struct node *n = in->node;
	struct reserved *of = node_reserved(n, in->demand->role);

	in->of = in->demand->accept & POLICY_ACCEPT_RESERVED ? of : NULL;
	for (unsigned int d = 0; d < POLICY_DIMENSIONS; d++) {
		uint64_t mine = 0;

		in->reserved[d] = 0;
		if (is_lent(in, d)) {
			n->lent_used[d] += in->used[d];
			continue;
		}
		if (in->of) {
			mine = less(in->of->amount[d], in->of->used[d]);
			mine = mine < in->used[d] ? mine : in->used[d];
			in->of->used[d] += mine;
		}
		in->reserved[d] = mine;
		n->used[d] += in->used[d];
		n->open_used[d] += in->used[d] - mine;
		p->used[d] += in->used[d];
	}
	for (size_t i = 0; i < in->ports_nr; i++)
		ports_take(&n->ports, in->ports[i]);
	node_refresh(p, n);
}

void node_uncharge(struct policy *p, struct instance *in)
{
	struct node *n = in->node;

	for (unsigned int d = 0; d < POLICY_DIMENSIONS; d++) {
		if (is_lent(in, d)) {
			n->lent_used[d] -= in->used[d];
			continue;
		}
		if (in->of)
			in->of->used[d] -= in->reserved[d];
		n->used[d] -= in->used[d];
		n->open_used[d] -= in->used[d] - in->reserved[d];
		p->used[d] -= in->used[d];
	}
	for (size_t i = 0; i < in->ports_nr; i++)
		ports_give(&n->ports, in->ports[i]);
	node_refresh(p, n);
}

/* All nodes' arrays together. */
static int nodes_grow(struct policy *p)
{
	uint32_t cap = p->nodes_cap, cells = p->nodes_cap;

	if (p->nodes_nr < p->nodes_cap)
		return 0;
	if (array_grow(&p->nodes, &cap, p->nodes_nr + 1, sizeof(struct node *)) ||
	    array_grow(&p->cells, &cells, p->nodes_nr + 1, sizeof(struct cell)))
		return -ENOMEM;
	for (uint32_t i = 0; i < p->fields_nr; i++) {
		uint32_t rows = p->nodes_cap;

		if (array_grow(&p->fields[i]->column, &rows, cap, sizeof(int32_t)))
			return -ENOMEM;
	}
	p->nodes_cap = cap; /* last: whoever grew alone before is as long, or longer */
	return 0;
}

static int check_amounts(const struct policy_node *from, struct why *why)
{
	for (unsigned int d = 0; d < POLICY_PORTS; d++) {
		uint64_t kept = 0;

		if (from->total.of[d] > POLICY_AMOUNT_MAX)
			return why_set(why, -EINVAL, "%s=%llu: at most %llu",
				       policy_dimension_name(d),
				       (unsigned long long)from->total.of[d], POLICY_AMOUNT_MAX);
		for (size_t i = 0; i < from->reserved_nr; i++) {
			if (from->reserved[i].amount.of[d] > from->total.of[d] - kept)
				return why_set(why, -EINVAL, "more %s are reserved than there are",
					       policy_dimension_name(d));
			kept += from->reserved[i].amount.of[d];
		}
	}
	return 0;
}

static bool text_ok(const char *text)
{
	return !text || strnlen(text, POLICY_NAME_MAX + 1) <= POLICY_NAME_MAX;
}

static int check(struct policy *p, const struct policy_node *from, struct why *why)
{
	if (!name_ok(from->id) || !text_ok(from->name) || !text_ok(from->zone) ||
	    !text_ok(from->region))
		return why_set(why, -EINVAL, "id, name, zone and region have 1 to %d bytes",
			       POLICY_NAME_MAX);
	if (from->attributes_nr > POLICY_ATTRIBUTES_MAX)
		return refuse_bound(p, why, "attributes of a node", POLICY_ATTRIBUTES_MAX);
	if (from->ports_nr > POLICY_RANGES_MAX)
		return refuse_bound(p, why, "ranges of ports of a node", POLICY_RANGES_MAX);
	if (from->reserved_nr > POLICY_RESERVED_MAX)
		return refuse_bound(p, why, "reservations of a node", POLICY_RESERVED_MAX);
	for (size_t i = 0; i < from->attributes_nr; i++)
		if (!name_ok(from->attributes[i].name) || !from->attributes[i].value ||
		    !text_ok(from->attributes[i].value))
			return why_set(why, -EINVAL, "an attribute's name has 1 to %d bytes",
				       POLICY_NAME_MAX);
	for (size_t i = 0; i < from->reserved_nr; i++)
		if (from->reserved[i].amount.of[POLICY_PORTS])
			return why_set(why, -EINVAL, "ports cannot be reserved");
	return check_amounts(from, why);
}

/* What a description becomes, before any of it is in force. */
struct described {
	int32_t value[POLICY_FIELDS_MAX];
	struct ports ports;
	struct reserved reserved[POLICY_RESERVED_MAX];
	size_t reserved_nr;
};

static void described_drop(struct policy *p, struct described *new)
{
	for (uint32_t f = 0; f < p->fields_nr; f++)
		value_drop(p->fields[f], new->value[f]);
	for (size_t i = 0; i < new->reserved_nr; i++)
		role_put(p, new->reserved[i].role);
	free(new->ports.taken);
}

static int describe_attribute(struct policy *p, struct described *new, const char *name,
			      const char *value, struct why *why)
{
	struct field *f;
	int32_t v;
	int r;

	if (!value)
		return 0;
	r = field_get(p, name, &f);
	if (r == -E2BIG)
		return refuse_bound(p, why, "different attribute names", POLICY_FIELDS_MAX);
	if (!r)
		r = value_hold(f, value, &v);
	if (r)
		return r;
	for (uint32_t i = 0; i < p->fields_nr; i++)
		if (p->fields[i] == f) {
			value_drop(f, new->value[i]); /* of two the last holds */
			new->value[i] = v;
		}
	return 0;
}

static int describe(struct policy *p, const struct policy_node *from, struct described *new,
		    struct why *why)
{
	int r;

	for (size_t i = 0; i < POLICY_FIELDS_MAX; i++)
		new->value[i] = NO_VALUE;
	for (size_t i = 0; i < from->attributes_nr; i++) {
		r = describe_attribute(p, new, from->attributes[i].name, from->attributes[i].value,
				       why);
		if (r)
			return r;
	}
	/* after the attributes, which so cannot pass for them */
	r = describe_attribute(p, new, "@hostname", from->name ? from->name : from->id, why);
	if (!r)
		r = describe_attribute(p, new, "@zone", from->zone, why);
	if (!r)
		r = describe_attribute(p, new, "@region", from->region, why);
	for (size_t i = 0; i < from->reserved_nr && !r; i++) {
		struct reserved *to = &new->reserved[i];

		r = role_get(p, from->reserved[i].role, &to->role, why);
		if (r)
			return r;
		memcpy(to->amount, from->reserved[i].amount.of, sizeof(to->amount));
		new->reserved_nr++;
	}
	if (!r)
		r = ports_set(&new->ports, from->ports, from->ports_nr, why);
	return r;
}

/* From here nothing fails. The old description is left in @new, to be dropped. */
static void node_put_on(struct policy *p, struct node *n, struct described *new,
			const struct policy_node *from)
{
	struct described old = {.ports = n->ports, .reserved_nr = n->reserved_nr};

	for (struct instance *in = n->first; in; in = in->node_next)
		node_uncharge(p, in);
	memcpy(old.reserved, n->reserved, sizeof(old.reserved));
	for (uint32_t f = 0; f < p->fields_nr; f++) {
		old.value[f] = p->fields[f]->column[n->i];
		p->fields[f]->column[n->i] = new->value[f];
	}
	for (unsigned int d = 0; d < POLICY_DIMENSIONS; d++) {
		uint64_t total = d == POLICY_PORTS ? new->ports.nr : from->total.of[d];

		p->total[d] += total - n->total[d];
		n->total[d] = total;
	}
	n->ports = new->ports;
	memcpy(n->reserved, new->reserved, sizeof(n->reserved));
	n->reserved_nr = new->reserved_nr;
	n->accepts = from->accepts;
	n->changed = ++p->generation;
	p->version++;
	p->chances++;
	*new = old;
	node_refresh(p, n);
	for (struct instance *in = n->first; in; in = in->node_next)
		node_charge(p, in);
}

static int node_new(struct policy *p, const char *id, struct node **ret)
{
	struct node *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return -ENOMEM;
	n->id = strdup(id);
	r = n->id ? nodes_grow(p) : -ENOMEM;
	if (!r)
		r = names_add(&p->node_names, n);
	if (r) {
		free(n->id);
		free(n);
		return r;
	}
	n->i = p->nodes_nr;
	for (uint32_t f = 0; f < p->fields_nr; f++)
		p->fields[f]->column[n->i] = NO_VALUE;
	memset(&p->cells[n->i], 0, sizeof(*p->cells));
	p->nodes[p->nodes_nr++] = n;
	*ret = n;
	return 0;
}

int policy_node_set(struct policy *p, const struct policy_node *from, struct why *why)
{
	cleanup_free struct described *new = calloc(1, sizeof(*new));
	struct node *n;
	int r = new ? check(p, from, why) : -ENOMEM;

	if (r)
		return r;
	n = names_find(&p->node_names, from->id);
	if (!n && p->nodes_nr >= POLICY_NODES_MAX)
		return refuse_bound(p, why, "nodes", POLICY_NODES_MAX);
	r = describe(p, from, new, why);
	if (!r && !n)
		r = node_new(p, from->id, &n);
	if (!r)
		node_put_on(p, n, new, from);
	described_drop(p, new);
	return r;
}

int policy_node_accepts(struct policy *p, const char *node, bool accepts)
{
	struct node *n = names_find(&p->node_names, node);

	if (!n)
		return -ENOENT;
	n->accepts = accepts;
	p->version++;
	p->chances++; /* a group that GROUP_BY waited for may be gone, too */
	node_refresh(p, n);
	return 0;
}

int policy_node_metered(struct policy *p, const char *node, const struct policy_metered *metered)
{
	struct node *n = names_find(&p->node_names, node);
	struct policy_resources before;
	bool was_stalled;

	if (!n)
		return -ENOENT;
	was_stalled = p->cells[n->i].stalled;
	before = n->metered.slack;
	n->metered = *metered;
	node_refresh(p, n);
	if ((was_stalled && !p->cells[n->i].stalled) ||
	    metered->slack.of[POLICY_CPUS] > before.of[POLICY_CPUS] ||
	    metered->slack.of[POLICY_NETWORK] > before.of[POLICY_NETWORK])
		p->chances++;
	return 0;
}

static void node_free(struct policy *p, struct node *n)
{
	struct described old = {.ports = n->ports, .reserved_nr = n->reserved_nr};

	while (n->first)
		instance_remove(p, n->first);
	memcpy(old.reserved, n->reserved, sizeof(old.reserved));
	for (uint32_t f = 0; f < p->fields_nr; f++)
		old.value[f] = p->fields[f]->column[n->i];
	old.ports = n->ports; /* its instances gave theirs back */
	described_drop(p, &old);
	names_remove(&p->node_names, n);
	free(n->id);
	free(n);
}

int policy_node_remove(struct policy *p, const char *node)
{
	struct node *n = names_find(&p->node_names, node);
	uint32_t i, last;

	if (!n)
		return -ENOENT;
	i = n->i;
	last = p->nodes_nr - 1;
	for (unsigned int d = 0; d < POLICY_DIMENSIONS; d++)
		p->total[d] -= n->total[d];
	node_free(p, n);
	/* the last takes its place */
	for (uint32_t f = 0; f < p->fields_nr; f++)
		p->fields[f]->column[i] = p->fields[f]->column[last];
	p->cells[i] = p->cells[last];
	p->nodes[i] = p->nodes[last];
	p->nodes_nr--;
	p->chances++;
	if (i < p->nodes_nr) {
		p->nodes[i]->i = i;
		p->nodes[i]->changed = ++p->generation;
	}
	p->version++;
	return 0;
}

void nodes_free(struct policy *p)
{
	for (uint32_t i = 0; i < p->nodes_nr; i++)
		node_free(p, p->nodes[i]);
	free(p->nodes);
	free(p->cells);
}
