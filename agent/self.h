/* SPDX-License-Identifier: Apache-2.0 */
/* The agent about itself: what it costs, and every count of something lost or refused. */
#ifndef DCOS_SELF_H
#define DCOS_SELF_H

#include <jansson.h>

#include "agent/node.h"

#define SELF_LOSSES_MAX 32

struct self_loss {
	const char *name; /* in Metrics, and in Documentation/metrics.rst */
	const char *what; /* for people */
	uint64_t
		count; /* only grows while the agent runs; those of the meter, while its pins stay */
};

/**
 * self_losses - all of them, those that are 0 as well
 * @ret: SELF_LOSSES_MAX places
 * Return: how many.
 */
int self_losses(const struct node *n, struct self_loss *ret);

/** self_json - type AgentUsage of io.dcos.Agent; a new object, NULL out of memory */
json_t *self_json(const struct node *n);

#endif
