// SPDX-License-Identifier: Apache-2.0
/* Names of the policy's enums. */
#include "tools/allocator/policy/policy.h"

#include <errno.h>
#include <strings.h>

static const char *const dimensions[] = {
	[POLICY_CPUS] = "cpus",	      [POLICY_MEMORY] = "memory", [POLICY_DISK] = "disk",
	[POLICY_NETWORK] = "network", [POLICY_PORTS] = "ports",
};
_Static_assert(sizeof(dimensions) / sizeof(*dimensions) == POLICY_DIMENSIONS, "a name for each");

static const char *const filters[] = {
	[POLICY_FITS] = "fits",
	[POLICY_NODE_CLOSED] = "node closed",
	[POLICY_PRESSURE] = "pressure",
	[POLICY_PROMISED] = "promised",
	[POLICY_CONSTRAINT] = "constraint",
	[POLICY_NO_CPUS] = "cpus",
	[POLICY_NO_MEMORY] = "memory",
	[POLICY_NO_DISK] = "disk",
	[POLICY_NO_NETWORK] = "network",
	[POLICY_NO_PORTS] = "ports",
};
_Static_assert(sizeof(filters) / sizeof(*filters) == POLICY_FILTERS, "a name for each");

static const char *const waits[] = {
	[POLICY_WAIT_NOTHING] = "nothing",
	[POLICY_WAIT_BUDGET] = "its turn",
	[POLICY_WAIT_HELD] = "held back",
	[POLICY_WAIT_ROLE_LIMIT] = "role limit",
	[POLICY_WAIT_GUARANTEE] = "guarantees of others",
	[POLICY_WAIT_NODES] = "a node that fits",
	[POLICY_WAIT_VICTIMS] = "victims to end",
};
_Static_assert(sizeof(waits) / sizeof(*waits) == POLICY_WAITS, "a name for each");

static const char *const operators[] = {
	[POLICY_UNIQUE] = "UNIQUE", [POLICY_CLUSTER] = "CLUSTER", [POLICY_GROUP_BY] = "GROUP_BY",
	[POLICY_LIKE] = "LIKE",	    [POLICY_UNLIKE] = "UNLIKE",	  [POLICY_MAX_PER] = "MAX_PER",
	[POLICY_IS] = "IS",
};
_Static_assert(sizeof(operators) / sizeof(*operators) == POLICY_OPERATORS, "a name for each");

const char *policy_dimension_name(enum policy_dimension d)
{
	return (unsigned int)d < POLICY_DIMENSIONS ? dimensions[d] : "?";
}

const char *policy_filter_name(enum policy_filter f)
{
	return (unsigned int)f < POLICY_FILTERS ? filters[f] : "?";
}

const char *policy_wait_name(enum policy_wait w)
{
	return (unsigned int)w < POLICY_WAITS ? waits[w] : "?";
}

const char *policy_operator_name(enum policy_operator op)
{
	return (unsigned int)op < POLICY_OPERATORS ? operators[op] : "?";
}

int policy_operator_parse(const char *name, enum policy_operator *ret)
{
	for (unsigned int i = 0; i < POLICY_OPERATORS; i++)
		if (!strcasecmp(name, operators[i])) {
			*ret = i;
			return 0;
		}
	return -EINVAL;
}
