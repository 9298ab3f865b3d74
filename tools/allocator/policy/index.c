// SPDX-License-Identifier: Apache-2.0
/*
 * The nodes of one demand in the order in which they would be chosen, for the time of a step: a heap
 * by fit for each domain, which is a zone, or a zone and a value of the one other field by which a
 * constraint of the demand counts. A placement changes one node; it is written into a log, which
 * each index reads up to its end before it answers, so that the answer is that of looking at every
 * node. Entries are not changed: a new one is pushed, and the old one, whose stamp is not the
 * node's any more, is dropped when it comes up.
 *
 * Only demands of which many are to be placed get one, and only those whose constraints that count
 * are decided by the node itself or by its domain; others look at every node: those that count by
 * several attributes, or by one that has too many values.
 */
#include <errno.h>

#include "tools/allocator/policy/policy_impl.h"

#define INDEX_FROM  8 /* instances to be placed for which it is worth it */
#define DOMAINS_MAX 4096 /* looked at for each placement */
#define INDEXED_MAX (4ULL << 20) /* nodes in all indexes, 12 bytes each */

struct entry {
	uint32_t fit, node, stamp;
};

struct heap {
	struct entry *entry;
	uint32_t nr, cap;
};

struct index {
	struct heap *domain; /* see domain_of() */
	const struct field *extra; /* NULL: domains are zones */
	uint32_t domains, domains_cap;
	uint32_t read; /* of p->log */
	uint32_t nodes;
	struct scratch scratch;
};

static bool is_before(const struct entry *a, const struct entry *b)
{
	return a->fit != b->fit ? a->fit < b->fit : a->node < b->node;
}

static int heap_push(struct heap *h, struct entry e)
{
	uint32_t at = h->nr;

	if (array_grow(&h->entry, &h->cap, h->nr + 1, sizeof(*h->entry)))
		return -ENOMEM;
	h->nr++;
	for (; at && is_before(&e, &h->entry[(at - 1) / 2]); at = (at - 1) / 2)
		h->entry[at] = h->entry[(at - 1) / 2];
	h->entry[at] = e;
	return 0;
}

static void heap_pop(struct heap *h)
{
	struct entry last = h->entry[--h->nr];
	uint32_t at = 0, below;

	while ((below = 2 * at + 1) < h->nr) {
		if (below + 1 < h->nr && is_before(&h->entry[below + 1], &h->entry[below]))
			below++;
		if (!is_before(&h->entry[below], &last))
			break;
		h->entry[at] = h->entry[below];
		at = below;
	}
	h->entry[at] = last;
}

/* Hostnames are of one node each: what is counted by them is decided by the node. */
static bool hosts_differ(const struct policy *p)
{
	return p->fields[FIELD_HOST]->tree.nr == p->nodes_nr;
}

static bool decided_by_node(const struct policy *p, const struct constraint *c)
{
	return constraint_static(c) || (c->field == p->fields[FIELD_HOST] && hosts_differ(p) &&
					(c->op == POLICY_UNIQUE || c->op == POLICY_MAX_PER));
}

static uint32_t domains_of(const struct policy *p, const struct field *extra)
{
	return (p->fields[FIELD_ZONE]->values_nr + 1) * (extra ? extra->values_nr + 1 : 1);
}

/* The one field besides the zone by whose values domains must differ; false: there are several. */
static bool extra_field(const struct policy *p, const struct demand *d, const struct field **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < d->constraints_nr; i++) {
		const struct constraint *c = &d->constraint[i];

		if (decided_by_node(p, c) || c->field == p->fields[FIELD_ZONE] || c->field == *ret)
			continue;
		if (*ret)
			return false;
		*ret = c->field;
	}
	return true;
}

bool index_wanted(const struct policy *p, const struct demand *d)
{
	const struct field *extra;

	return d->wanted - d->running >= INDEX_FROM && p->indexed + p->nodes_nr <= INDEXED_MAX &&
	       extra_field(p, d, &extra) && domains_of(p, extra) <= DOMAINS_MAX;
}

/* Numbers without a value are -1. */
static uint32_t domain_of(const struct policy *p, const struct index *x, uint32_t node)
{
	uint32_t zone = (uint32_t)(p->cells[node].zone + 1);

	if (!x->extra)
		return zone;
	return zone * (x->extra->values_nr + 1) + (uint32_t)(x->extra->column[node] + 1);
}

/* Constraints of the domain, or those of the node. */
static bool counted_ok(const struct policy *p, const struct demand *d, uint32_t node, bool domain)
{
	for (size_t k = 0; k < d->constraints_nr; k++)
		if (decided_by_node(p, &d->constraint[k]) != domain &&
		    !constraint_counted_ok(&d->index->scratch, d, k, node))
			return false;
	return true;
}

static int look_at(struct policy *p, struct demand *d, uint32_t i)
{
	uint64_t room[POLICY_DIMENSIONS];
	struct entry e = {.node = i, .stamp = p->cells[i].changed};

	p->evaluated++;
	if (state_filter(p, d, i))
		return 0;
	node_room_of(p, d, i, room);
	if (resources_filter(p, d, i, room) || !counted_ok(p, d, i, false))
		return 0;
	e.fit = node_fit(p, d, i);
	return heap_push(&d->index->domain[domain_of(p, d->index, i)], e);
}

static void index_free(struct index *x)
{
	for (uint32_t i = 0; i < x->domains; i++)
		free(x->domain[i].entry);
	free(x->domain);
	scratch_free(&x->scratch);
	free(x);
}

int index_make(struct policy *p, struct demand *d)
{
	struct index *x = calloc(1, sizeof(*x));
	uint32_t domains;
	int r;

	if (!x)
		return -ENOMEM;
	if (!extra_field(p, d, &x->extra))
		abort(); /* index_wanted() has looked */
	domains = domains_of(p, x->extra);
	d->index = x;
	p->now = &x->scratch;
	x->read = p->log_nr;
	x->nodes = p->nodes_nr;
	p->indexed += x->nodes;
	r = array_grow(&x->domain, &x->domains_cap, domains, sizeof(*x->domain));
	if (!r) {
		x->domains = domains;
		r = scratch_build(p, d, &x->scratch);
	}
	for (uint32_t i = 0; i < p->nodes_nr && !r; i++)
		r = look_at(p, d, i);
	return r; /* indexes_drop() frees it */
}

static int catch_up(struct policy *p, struct demand *d)
{
	for (uint32_t *read = &d->index->read; *read < p->log_nr; (*read)++) {
		uint32_t i = p->log[*read];
		int r = p->cells[i].changed == *read + 1 ? look_at(p, d, i) : 0;

		if (r)
			return r;
	}
	return 0;
}

/* The best node of a domain, or NULL. */
static const struct entry *top_of(const struct policy *p, const struct demand *d, struct heap *h)
{
	while (h->nr && h->entry->stamp != p->cells[h->entry->node].changed)
		heap_pop(h);
	return h->nr && counted_ok(p, d, h->entry->node, true) ? h->entry : NULL;
}

/* The same node as looking at all of them gives; NULL: none passes. */
int index_best(struct policy *p, struct demand *d, struct node **ret, uint32_t *ret_score)
{
	struct index *x = d->index;
	struct node *best = NULL;
	int r;

	p->now = &x->scratch;
	r = catch_up(p, d);
	if (r)
		return r;
	for (uint32_t i = 0; i < x->domains; i++) {
		const struct entry *top = top_of(p, d, &x->domain[i]);
		uint32_t score;

		if (!top)
			continue;
		score = score_of(x->scratch.count[COUNTER_ZONE][p->cells[top->node].zone + 1],
				 top->fit);
		if (best && (score > *ret_score || (score == *ret_score && top->node > best->i)))
			continue;
		best = p->nodes[top->node];
		*ret_score = score;
	}
	*ret = best;
	return 0;
}

/* Something was placed on the node. */
int index_changed(struct policy *p, const struct node *n)
{
	int r = array_grow(&p->log, &p->log_cap, p->log_nr + 1, sizeof(*p->log));

	if (r)
		return r;
	p->log[p->log_nr++] = n->i;
	p->cells[n->i].changed = p->log_nr;
	return 0;
}

/* At the end of a step, and before anything else changes. */
void indexes_drop(struct policy *p)
{
	for (uint32_t i = 0; i < p->demands_nr; i++)
		if (p->demands[i]->index) {
			index_free(p->demands[i]->index);
			p->demands[i]->index = NULL;
		}
	for (uint32_t i = 0; i < p->log_nr; i++)
		p->cells[p->log[i]].changed = 0;
	p->log_nr = 0;
	p->indexed = 0;
	p->now = NULL;
	p->version++; /* what indexes counted, p->scratch did not */
}
