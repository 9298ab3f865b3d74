/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy core: who gets which node. It is told of nodes, roles, demands and running instances,
 * and answers with placements, with victims, and with why something waits. It does no I/O, reads no
 * clock, draws no random number and keeps nothing outside its struct policy: the same calls in the
 * same order give the same answers, so that a log of the calls replays every decision.
 *
 * Amounts are integers, in the units of enum policy_dimension. All strings are copied. Every name is
 * at most POLICY_NAME_MAX bytes; what goes over a bound is refused with -E2BIG and counted
 * (policy_counters()).
 */
#ifndef DCOS_POLICY_H
#define DCOS_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct why;

#define POLICY_NAME_MAX	       255 /* bytes of an id, an attribute's name or its value */
#define POLICY_NODES_MAX       20000 /* nodes */
#define POLICY_ROLES_MAX       1000 /* roles, with those that only stand above others */
#define POLICY_ROLE_DEPTH_MAX  8 /* parts of a role's name, "a/b" has two */
#define POLICY_DEMANDS_MAX     100000 /* demands */
#define POLICY_INSTANCES_MAX   1000000 /* running instances */
#define POLICY_ATTRIBUTES_MAX  64 /* attributes of a node */
#define POLICY_FIELDS_MAX      256 /* different attribute names of all nodes and constraints */
#define POLICY_CONSTRAINTS_MAX 16 /* constraints of a demand */
#define POLICY_RANGES_MAX      16 /* ranges of ports of a node */
#define POLICY_PORTS_MAX       64 /* ports of an instance */
#define POLICY_RESERVED_MAX    8 /* roles that have something reserved on one node */
#define POLICY_WANTED_MAX      100000 /* instances that one demand may want */
#define POLICY_AMOUNT_MAX      (1ULL << 50) /* of one dimension of one node or request */
#define POLICY_PLACED_MAX      24 /* bytes of the name that a placement gets */
#define POLICY_PATTERN_MAX     128 /* bytes of a regular expression */
#define POLICY_WEIGHT_ONE      1000 /* a role's weight is in thousandths */
#define POLICY_WEIGHT_MAX      1000000
#define POLICY_UNLIMITED       UINT64_MAX /* a role's limit in a dimension that has none */

enum policy_dimension {
	POLICY_CPUS, /* thousandths of a CPU */
	POLICY_MEMORY, /* bytes */
	POLICY_DISK, /* bytes */
	POLICY_NETWORK, /* bits per second */
	POLICY_PORTS, /* how many; a node's come from its ranges */
	POLICY_DIMENSIONS
};

struct policy_resources {
	uint64_t of[POLICY_DIMENSIONS];
};

struct policy_range {
	uint16_t low, high; /* both belong to it */
};

struct policy_attribute {
	const char *name, *value;
};

/** struct policy_reserved - a part of a node that only one role and the roles below it may use */
struct policy_reserved {
	const char *role;
	struct policy_resources amount; /* POLICY_PORTS must be 0 */
};

/**
 * struct policy_node - a node as its agent registered it
 * @name: hostname; the field "@hostname" (also "hostname") of constraints. NULL: the id
 * @zone: failure domain, the field "@zone"; NULL: none
 * @region: the field "@region"; NULL: none
 * @total: what tasks may have; POLICY_PORTS is ignored, the ranges count
 * @accepts: false while it drains or is unreachable: what runs there counts, nothing is added
 */
struct policy_node {
	const char *id, *name, *zone, *region;
	struct policy_resources total;
	const struct policy_attribute *attributes;
	size_t attributes_nr;
	const struct policy_range *ports;
	size_t ports_nr;
	const struct policy_reserved *reserved;
	size_t reserved_nr;
	bool accepts;
};

/**
 * struct policy_metered - what the meters of a node say
 * @used: its use, in the units of requests; a dimension that is not metered is 0
 * @pressure_permille: of the time that tasks stalled (the greatest of PSI's some lines), 0..1000
 * @slack: what of the requested is not used and may be lent to revocable demands
 *         (oversubscription.h computes it); only POLICY_CPUS and POLICY_NETWORK are lent
 */
struct policy_metered {
	struct policy_resources used, slack;
	unsigned int pressure_permille;
};

/**
 * struct policy_role - a role's place in the fair order
 * @name: "a", or "a/b" below it; what stands above is made with weight 1 and no limit
 * @weight: in thousandths, against its siblings; 0 is POLICY_WEIGHT_ONE
 * @priority: a role of higher priority is served first and may take from a lower one
 * @guarantee: kept free for it, when it has it not yet
 * @limit: at most; it holds for the role with all below it. POLICY_UNLIMITED: none
 */
struct policy_role {
	const char *name;
	uint32_t weight;
	int priority;
	struct policy_resources guarantee, limit;
};

/** enum policy_operator - operators of constraints, with the meaning that Marathon documents */
enum policy_operator {
	POLICY_UNIQUE, /* every instance another value of the field */
	POLICY_CLUSTER, /* the field has this value; without a value, that of the first instance */
	POLICY_GROUP_BY, /* as many instances on each value; value: at least so many values */
	POLICY_LIKE, /* the field matches the (extended) regular expression, from end to end */
	POLICY_UNLIKE, /* it does not, or the node has no such field */
	POLICY_MAX_PER, /* at most so many instances on one value */
	POLICY_IS, /* the field has exactly this value */
	POLICY_OPERATORS
};

struct policy_constraint {
	const char *field; /* attribute, "@hostname", "hostname", "@zone" or "@region" */
	enum policy_operator op;
	const char *value; /* NULL or "": none */
};

enum policy_accept {
	POLICY_ACCEPT_ANY = 0, /* both of the following */
	POLICY_ACCEPT_UNRESERVED = 1 << 0, /* acceptedResourceRoles ["*"] */
	POLICY_ACCEPT_RESERVED = 1 << 1,
};

/**
 * struct policy_demand - so many instances of one thing in one role
 * @role: "": the role "*"; a role that nobody set has weight 1, no guarantee and no limit
 * @priority: within the role, the higher first
 * @request: of each instance; POLICY_PORTS is ignored, ports_nr counts
 * @ports: the ports of each instance; 0: any
 * @wanted: instances, with those that run
 * @accept: bits of enum policy_accept
 * @revocable: takes CPU and network from slack, and goes first under pressure
 * @preempts: may take from roles of lower priority
 * @hold: place nothing of it now (its back-off runs)
 */
struct policy_demand {
	const char *id, *role;
	int priority;
	struct policy_resources request;
	const uint16_t *ports;
	size_t ports_nr;
	const struct policy_constraint *constraints;
	size_t constraints_nr;
	uint32_t wanted;
	unsigned int accept;
	bool revocable, preempts, hold;
};

/**
 * struct policy_instance - an instance that runs, or is about to
 * @id: task id
 * @used: what it has; NULL: the demand's request
 * @ports: the ports that it has
 */
struct policy_instance {
	const char *id, *demand, *node;
	const struct policy_resources *used;
	const uint16_t *ports;
	size_t ports_nr;
};

struct policy_budget {
	size_t placements; /* at most so many, 0: as many as fit */
	size_t victims; /* at most so many, 0: none */
};

/** struct policy_placement - start one instance of the demand there, with these ports */
struct policy_placement {
	const char *demand, *node;
	uint16_t ports[POLICY_PORTS_MAX];
	size_t ports_nr;
	uint32_t score; /* the chosen node's, lower is better */
	char instance[POLICY_PLACED_MAX]; /* its name until policy_instance_name(): "@17" */
};

/** struct policy_victim - end this instance of @demand, so that @by finds room on its node */
struct policy_victim {
	const char *instance, *demand, *node, *by;
};

enum policy_filter {
	POLICY_FITS, /* no filter: the node would do */
	POLICY_NODE_CLOSED, /* drains or is unreachable */
	POLICY_PRESSURE, /* too much pressure there */
	POLICY_PROMISED, /* victims end there for a role of higher priority */
	POLICY_CONSTRAINT,
	POLICY_NO_CPUS, /* in the order of enum policy_dimension */
	POLICY_NO_MEMORY,
	POLICY_NO_DISK,
	POLICY_NO_NETWORK,
	POLICY_NO_PORTS, /* too few, or one that was asked for by number is taken */
	POLICY_FILTERS
};

enum policy_wait {
	POLICY_WAIT_NOTHING, /* it has all that it wants */
	POLICY_WAIT_BUDGET, /* the step's budget was used up before its turn */
	POLICY_WAIT_HELD, /* policy_demand.hold */
	POLICY_WAIT_ROLE_LIMIT,
	POLICY_WAIT_GUARANTEE, /* what is free is kept for the guarantees of others */
	POLICY_WAIT_NODES, /* no node passes all filters */
	POLICY_WAIT_VICTIMS, /* victims have yet to end */
	POLICY_WAITS
};

/**
 * struct policy_explanation - why a demand waits
 * @failed: so many nodes failed at this filter, the first that refused each; [POLICY_FITS] passed
 * @failed_constraint: those of failed[POLICY_CONSTRAINT], by constraint
 * @role: the role whose limit, or guarantee, is in the way; NULL: none
 * @dimension, @short_by: which dimension of role, or of nearest, lacks how much
 * @nearest: the node that lacks least; NULL: none is near (@nearest_filter says at what it failed)
 */
struct policy_explanation {
	enum policy_wait wait;
	uint32_t wanted, running, nodes;
	uint32_t failed[POLICY_FILTERS];
	uint32_t failed_constraint[POLICY_CONSTRAINTS_MAX];
	const char *role, *nearest;
	enum policy_filter nearest_filter;
	enum policy_dimension dimension;
	uint64_t short_by;
};

/** struct policy_unplaced - a demand that got less than it wants */
struct policy_unplaced {
	const char *demand;
	enum policy_wait wait;
	uint32_t missing;
};

/**
 * struct policy_result - what one step decided
 * The lists are the policy's and last until the next policy_step(), the strings in them as long as
 * the node, demand or instance that they name.
 */
struct policy_result {
	const struct policy_placement *placements;
	size_t placements_nr;
	const struct policy_victim *victims;
	size_t victims_nr;
	const struct policy_unplaced *unplaced;
	size_t unplaced_nr;
};

struct policy_config {
	unsigned int pressure_max_permille; /* a node above it gets nothing new; 0: 400 */
};

struct policy_counters {
	uint64_t refused_bound; /* calls refused with -E2BIG */
	uint64_t evaluated; /* nodes looked at, in all steps */
	uint64_t placed, victims;
	uint32_t nodes, roles, demands, instances;
};

/** struct policy_share - a role's part in the whole */
struct policy_share {
	const char *role;
	struct policy_resources used; /* with all below it */
	uint64_t dominant_ppb; /* of the cluster, in its dominant dimension, in parts of 10^9 */
	enum policy_dimension dominant;
	uint64_t entitled_ppb; /* dominant share that fairness gives it now: see policy_shares() */
};

struct policy;

/**
 * policy_new - a policy that knows of nothing
 * @config: NULL: defaults
 * Return: 0, -ENOMEM.
 */
int policy_new(const struct policy_config *config, struct policy **ret);
void policy_free(struct policy *p);

/**
 * policy_node_set - a node came, or is described anew; what runs there stays counted
 * @why: gets a sentence on what is not allowed; may be NULL
 * Return: 0; -EINVAL a description that contradicts itself; -E2BIG over a bound; -ENOMEM. The policy
 * is as before unless 0.
 */
int policy_node_set(struct policy *p, const struct policy_node *node, struct why *why);

/**
 * policy_node_accepts - open or close a node for new instances
 * Return: 0; -ENOENT no such node.
 */
int policy_node_accepts(struct policy *p, const char *node, bool accepts);

/**
 * policy_node_metered - newest reading of a node's meters; old ones are not kept
 * Return: 0; -ENOENT no such node.
 */
int policy_node_metered(struct policy *p, const char *node, const struct policy_metered *metered);

/**
 * policy_node_remove - a node is gone, with all instances on it
 * Return: 0; -ENOENT no such node.
 */
int policy_node_remove(struct policy *p, const char *node);

/**
 * policy_role_set - a role came or changed
 * Return: 0; -EINVAL not a role's name or weight; -E2BIG; -ENOMEM.
 */
int policy_role_set(struct policy *p, const struct policy_role *role, struct why *why);

/**
 * policy_role_remove - the role is as if nobody had set it: weight 1, no guarantee and no limit
 * Return: 0; -ENOENT nobody set it.
 */
int policy_role_remove(struct policy *p, const char *role);

/**
 * policy_demand_set - a demand came or changed; its instances stay, and are counted anew by the new
 * constraints
 * Return: 0; -EINVAL a value, constraint or regular expression that is not allowed; -E2BIG; -ENOMEM.
 */
int policy_demand_set(struct policy *p, const struct policy_demand *demand, struct why *why);

/**
 * policy_demand_wanted - change how many, and whether to hold, and nothing else
 * Return: 0; -ENOENT no such demand; -E2BIG.
 */
int policy_demand_wanted(struct policy *p, const char *demand, uint32_t wanted, bool hold);

/**
 * policy_demand_remove - nothing of it is wanted any more, and none of its instances runs
 * Return: 0; -ENOENT no such demand; -EBUSY it has instances.
 */
int policy_demand_remove(struct policy *p, const char *demand);

/**
 * policy_instance_add - something runs that no policy_step() placed: found when a node registered
 *
 * It is counted even where the node has no room for it (the node is then over-committed by fact,
 * and gets nothing new).
 * Return: 0; -ENOENT no such demand or node; -EEXIST; -EINVAL; -E2BIG; -ENOMEM.
 */
int policy_instance_add(struct policy *p, const struct policy_instance *instance, struct why *why);

/**
 * policy_instance_name - give a placement's instance the task id that was made for it
 * @placement: policy_placement.instance
 * Return: 0; -ENOENT no such instance; -EEXIST; -EINVAL; -ENOMEM (it may then be counted no more).
 */
int policy_instance_name(struct policy *p, const char *placement, const char *id);

/**
 * policy_instance_remove - it ended
 * Return: 0; -ENOENT no such instance.
 */
int policy_instance_remove(struct policy *p, const char *instance);

/**
 * policy_step - place what can be placed
 * @budget: NULL: as many placements as fit and no victims
 *
 * In the order: roles of higher priority; in these, roles below their guarantee; then the role with
 * the least weighted dominant share (Ghodsi et al., "Dominant Resource Fairness", NSDI 2011), which
 * down a tree of roles is chosen among siblings at each level; in a role the demand of highest
 * priority, then the oldest. Each placement counts as a running instance at once.
 * Cost: the first placement of a demand looks at every node, the next at what changed meanwhile; a
 * demand that no node had room for costs nothing until something may have made room. A demand whose
 * constraints count by two fields or more, besides @zone, and @hostname with UNIQUE and MAX_PER,
 * looks at every node for each placement.
 * Return: 0; -ENOMEM (@ret then has what was placed before).
 */
int policy_step(struct policy *p, const struct policy_budget *budget, struct policy_result *ret);

/**
 * policy_explain - why is it not placed
 * Return: 0; -ENOENT no such demand.
 */
int policy_explain(struct policy *p, const char *demand, struct policy_explanation *ret);

/**
 * policy_shares - what each role has, and what fairness gives it
 * @ret: as many as policy_counters.roles, in the order in which the roles came; the policy's, until
 *       the next call that changes it
 *
 * The entitlement is the allocation at the end of progressive filling (weighted, hierarchical, up to
 * limits and to what is wanted) when nodes are one pool.
 * Return: 0; -ENOMEM.
 */
int policy_shares(struct policy *p, const struct policy_share **ret, size_t *ret_nr);

void policy_counters(const struct policy *p, struct policy_counters *ret);

/* Names for people and JSON: "cpus", "role limit", "GROUP_BY"... */
const char *policy_dimension_name(enum policy_dimension d);
const char *policy_filter_name(enum policy_filter f);
const char *policy_wait_name(enum policy_wait w);
const char *policy_operator_name(enum policy_operator op);

/**
 * policy_operator_parse - the other way round, in any case of letters
 * Return: 0; -EINVAL no such operator.
 */
int policy_operator_parse(const char *name, enum policy_operator *ret);

#endif
