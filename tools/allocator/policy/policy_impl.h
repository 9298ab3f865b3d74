/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the policy core share. Only they include it. */
#ifndef DCOS_POLICY_IMPL_H
#define DCOS_POLICY_IMPL_H

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "tools/allocator/policy/policy.h"

#define NO_VALUE	 (-1) /* the node has no such attribute */
#define FIELD_HOST	 0 /* the fields that every node may have, in p->fields */
#define FIELD_ZONE	 1
#define FIELD_REGION	 2
#define COUNTER_ZONE	 POLICY_CONSTRAINTS_MAX /* counters of the placement scratch */
#define COUNTERS	 (POLICY_CONSTRAINTS_MAX + 1)
#define HERE_MAX	 UINT16_MAX
#define PRESSURE_DEFAULT 400 /* per mille */

/* An object that a tree of names finds: its first member is its name. */
struct named {
	char *name;
};

/* A name's place among many; trees are the C library's (tsearch), no input makes them slow. */
struct names {
	void *root;
	size_t nr;
};

struct value {
	char *text;
	uint32_t i, refs;
};

/* An attribute's name, and its values numbered from 0, so that counting by value is an array. */
struct field {
	char *name;
	struct value **values; /* NULL where a number is free */
	uint32_t values_nr, values_cap;
	struct names tree;
	int32_t *column; /* value of each node by index, p->nodes_cap long */
};

struct reserved {
	struct role *role;
	uint64_t amount[POLICY_DIMENSIONS], used[POLICY_DIMENSIONS];
};

/* What the search reads of each node, together. */
struct cell {
	uint64_t room[POLICY_DIMENSIONS]; /* unreserved, free */
	float load[POLICY_PORTS]; /* 0..1 in use: the greater of requested and metered */
	float per[POLICY_PORTS]; /* 1 / total, 0 of nothing */
	int32_t zone;
	uint32_t changed; /* in this step: its last place in p->log, from 1; 0: not */
	bool closed, stalled, promised, special; /* special: has reservations or slack */
};

struct ports {
	struct policy_range range[POLICY_RANGES_MAX];
	size_t ranges_nr;
	uint32_t nr, free;
	uint32_t next; /* after the one that was taken last: what was just given back rests */
	uint64_t *taken; /* one bit for each port of the ranges, in order */
};

struct node {
	char *id;
	uint32_t i;
	uint64_t changed; /* p->generation when it was described last */
	bool accepts;
	uint64_t total[POLICY_DIMENSIONS];
	uint64_t used[POLICY_DIMENSIONS]; /* of all that is not lent, reserved or not */
	uint64_t open_used[POLICY_DIMENSIONS]; /* the unreserved part of it */
	uint64_t lent_used[POLICY_DIMENSIONS];
	struct policy_metered metered;
	struct reserved reserved[POLICY_RESERVED_MAX];
	size_t reserved_nr;
	struct ports ports;
	struct instance *first;
	uint32_t instances;
	uint32_t doomed; /* of them, for a demand in a role of this priority: */
	int promised_to;
};

struct role {
	char *name;
	uint32_t i, refs; /* demands, children, reservations and policy_role_set() */
	bool set;
	struct role *parent, *child, *sibling;
	uint32_t weight;
	int priority;
	uint64_t guarantee[POLICY_DIMENSIONS], limit[POLICY_DIMENSIONS];
	uint64_t used[POLICY_DIMENSIONS]; /* with all below */
	uint64_t own[POLICY_DIMENSIONS]; /* without */
	uint64_t going[POLICY_DIMENSIONS]; /* the part of used that is doomed */
	/* of a step: */
	uint32_t from, to; /* its demands in p->active */
	uint32_t live; /* roles at or below it that may still get something */
};

struct constraint {
	struct field *field;
	enum policy_operator op;
	char *text; /* NULL: none */
	uint32_t number;
	regex_t regex;
	bool compiled;
};

struct demand {
	char *id;
	uint32_t i;
	uint64_t seq;
	struct role *role;
	int priority;
	uint64_t request[POLICY_DIMENSIONS];
	uint16_t *ports; /* those asked for by number */
	size_t ports_nr;
	bool numbered, revocable, preempts, hold;
	struct constraint constraint[POLICY_CONSTRAINTS_MAX];
	size_t constraints_nr;
	uint32_t wanted, running;
	unsigned int accept;
	struct instance *first, *last; /* in the order in which they came */
	uint64_t refused_at; /* p->chances when no node passed, from 1; 0: one did */
	uint32_t victims_left; /* victims for it that have yet to end */
	/* nodes that pass the constraints that do not count, as of a generation */
	uint64_t *eligible;
	uint32_t eligible_cap;
	uint64_t eligible_at;
	bool selective; /* has such constraints */
	/* of a step: */
	enum policy_wait wait;
	struct index *index; /* NULL: none, or not worth it */
};

struct instance {
	char *id;
	uint64_t seq;
	struct demand *demand;
	struct node *node;
	uint64_t used[POLICY_DIMENSIONS];
	uint64_t reserved[POLICY_DIMENSIONS]; /* the part of used that is of a reservation */
	struct reserved *of; /* that one */
	uint16_t *ports;
	size_t ports_nr;
	bool revocable;
	struct demand *victim_of; /* it is to end for this demand */
	bool doomed;
	struct instance *next, *prev; /* of the demand */
	struct instance *node_next, *node_prev;
};

/* Counts of a demand's instances: p->scratch is rebuilt when another one's turn comes. */
struct scratch {
	struct demand *demand;
	uint64_t version; /* of the instances and nodes that were counted */
	uint32_t *count[COUNTERS]; /* instances by value */
	bool *known[POLICY_CONSTRAINTS_MAX]; /* GROUP_BY: values that eligible nodes have */
	uint32_t cap[COUNTERS];
	uint32_t least[POLICY_CONSTRAINTS_MAX], groups[POLICY_CONSTRAINTS_MAX];
	int32_t only[POLICY_CONSTRAINTS_MAX]; /* CLUSTER: the value, NO_VALUE while free */
	uint16_t *here; /* instances by node, p->nodes_cap long */
	uint32_t here_cap;
};

struct policy {
	unsigned int pressure_max;
	struct node **nodes;
	struct cell *cells;
	uint32_t nodes_nr, nodes_cap;
	struct field **fields;
	uint32_t fields_nr, fields_cap;
	struct role **roles;
	uint32_t roles_nr, roles_cap;
	struct demand **demands;
	uint32_t demands_nr, demands_cap;
	struct names node_names, role_names, demand_names, instance_names, field_names;
	uint64_t total[POLICY_DIMENSIONS]; /* of all nodes */
	uint64_t used[POLICY_DIMENSIONS]; /* of it, what is not lent */
	uint64_t generation; /* grows when a node's attributes change */
	uint64_t chances; /* grows when something may fit that did not before */
	uint64_t version; /* grows when anything that scratch counts changes */
	uint64_t seq;
	uint64_t step_seq; /* of a step: instances after this one were placed by it */
	uint64_t open_free[POLICY_DIMENSIONS]; /* of a step: free on nodes that accept */
	bool guarantees; /* of a step: a role has one */
	uint64_t refused_bound, evaluated, placed, victims_nr;
	struct scratch scratch, *now; /* now: that of the demand whose turn it is */
	uint32_t *log; /* of a step: nodes on which something was placed, in order */
	uint32_t log_nr, log_cap;
	uint64_t indexed; /* of a step: nodes in all indexes */
	struct demand **active;
	uint32_t active_nr, active_cap;
	struct policy_placement *placements;
	uint32_t placements_nr, placements_cap;
	struct policy_victim *victims;
	uint32_t victims_now, victims_cap;
	struct policy_unplaced *unplaced;
	uint32_t unplaced_nr, unplaced_cap;
	struct policy_share *shares;
	uint32_t shares_cap;
};

/* names.c */
void *names_find(const struct names *n, const char *name);
int names_add(struct names *n, void *object);
void names_replace(struct names *n, void *object, void *by);
void names_remove(struct names *n, void *object);
int array_grow(void *array, uint32_t *cap, uint32_t want, size_t size);
bool name_ok(const char *name);
int refuse_bound(struct policy *p, struct why *why, const char *what, unsigned long long max);

/* fields.c */
int field_get(struct policy *p, const char *name, struct field **ret);
int field_of_constraint(struct policy *p, const char *name, struct field **ret);
int value_hold(struct field *f, const char *text, int32_t *ret);
void value_drop(struct field *f, int32_t i);
void fields_free(struct policy *p);

/* ports.c */
int ports_set(struct ports *ports, const struct policy_range *range, size_t nr, struct why *why);
void ports_take(struct ports *ports, uint16_t port);
void ports_give(struct ports *ports, uint16_t port);
bool ports_is_free(const struct ports *ports, uint16_t port);
size_t ports_choose(const struct ports *ports, size_t nr, uint16_t *ret);

/* nodes.c */
void node_refresh(struct policy *p, struct node *n);
void node_charge(struct policy *p, struct instance *in);
void node_uncharge(struct policy *p, struct instance *in);
struct reserved *node_reserved(struct node *n, const struct role *r);
void node_room(const struct policy *p, struct node *n, const struct demand *d,
	       uint64_t room[POLICY_DIMENSIONS]);
void nodes_free(struct policy *p);

/* roles.c */
int role_get(struct policy *p, const char *name, struct role **ret, struct why *why);
void role_put(struct policy *p, struct role *r);
void role_charge(struct role *r, const struct instance *in, bool on);
void role_going(struct role *r, const struct instance *in, bool on);
bool role_within(const struct role *above, const struct role *r);
void roles_free(struct policy *p);

/* demands.c */
void demand_free(struct policy *p, struct demand *d);

/* pattern.c */
bool pattern_is_cheap(const char *text);

/* constraints.c */
int constraint_compile(struct policy *p, const struct policy_constraint *from,
		       struct constraint *to, struct why *why);
void constraint_free(struct constraint *c);
bool constraint_static(const struct constraint *c);
bool constraint_static_ok(const struct constraint *c, uint32_t node);
bool constraint_counted_ok(const struct scratch *s, const struct demand *d, size_t c,
			   uint32_t node);
int eligible_refresh(struct policy *p, struct demand *d);
int scratch_use(struct policy *p, struct demand *d);
int scratch_build(struct policy *p, struct demand *d, struct scratch *s);
void scratch_count(struct policy *p, struct demand *d, const struct node *n);
void scratch_free(struct scratch *s);

/* instances.c */
int instance_new(struct policy *p, struct demand *d, struct node *n,
		 const struct policy_instance *from, struct instance **ret);
void instance_remove(struct policy *p, struct instance *in);
bool is_lent(const struct instance *in, unsigned int dimension);

/* index.c */
bool index_wanted(const struct policy *p, const struct demand *d);
int index_make(struct policy *p, struct demand *d);
int index_best(struct policy *p, struct demand *d, struct node **ret, uint32_t *ret_score);
int index_changed(struct policy *p, const struct node *n);
void indexes_drop(struct policy *p);

/* place.c */
uint32_t node_fit(const struct policy *p, const struct demand *d, uint32_t i);
uint32_t score_of(uint32_t domain, uint32_t fit);
enum policy_filter resources_filter(const struct policy *p, const struct demand *d, uint32_t i,
				    const uint64_t room[POLICY_DIMENSIONS]);
enum policy_filter state_filter(const struct policy *p, const struct demand *d, uint32_t i);
enum policy_filter node_filter(struct policy *p, struct demand *d, uint32_t i,
			       const uint64_t room[POLICY_DIMENSIONS]);
void node_room_of(const struct policy *p, const struct demand *d, uint32_t i,
		  uint64_t room[POLICY_DIMENSIONS]);
int place_one(struct policy *p, struct demand *d, struct policy_placement *ret);

/* fair.c */
int order_active(struct policy *p);
struct role *order_pick(struct policy *p);
double role_share(const struct policy *p, const uint64_t used[POLICY_DIMENSIONS],
		  enum policy_dimension *ret_dominant);

/* limits.c */
void limits_begin(struct policy *p);
bool below_guarantee(const struct role *r, const struct demand *d);
struct role *over_limit(const struct demand *d, enum policy_dimension *dimension,
			uint64_t *short_by);
struct role *guarded(struct policy *p, const struct demand *d, enum policy_dimension *dimension,
		     uint64_t *short_by);
uint64_t charged(const struct demand *d, unsigned int dimension);

/* preempt.c */
int preempt(struct policy *p, size_t budget);

#endif
