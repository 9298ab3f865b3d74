/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lending what was requested and is not used, and taking it back: a ladder that first throttles
 * the revocable instances of a node under pressure, then freezes them, and ends them only when
 * frozen ones did not help. Functions of (configuration, past, sample, now); the caller keeps the
 * past of each node.
 */
#ifndef DCOS_POLICY_OVERSUBSCRIPTION_H
#define DCOS_POLICY_OVERSUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/allocator/policy/policy.h"

#define LADDER_INSTANCES_MAX 256 /* revocable instances of a node that the ladder looks at */

/** enum ladder_rung - how far a revocable instance is pushed back */
enum ladder_rung { LADDER_FREE, LADDER_THROTTLED, LADDER_FROZEN, LADDER_ENDED, LADDER_RUNGS };

/**
 * struct ladder_config - 0 anywhere: the default in brackets
 * @high_permille, @low_permille: pressure above which one rung is climbed [200], below which one is
 *         given back [50]; low must be below high
 * @climb_ns: pressure must be high so long before each rung [2 s]
 * @give_back_ns: and low so long [10 s]
 * @frozen_ns: an instance must have been frozen so long before it may be ended [30 s]
 */
struct ladder_config {
	unsigned int high_permille, low_permille;
	uint64_t climb_ns, give_back_ns, frozen_ns;
};

/** struct ladder_instance - a revocable instance of the node; @rung and @since_ns are its past */
struct ladder_instance {
	const char *id;
	int priority; /* the lowest is pushed first */
	uint64_t used; /* among equals the one that uses most is */
	enum ladder_rung rung;
	uint64_t since_ns;
};

/** struct ladder_past - of one node; all zero at first */
struct ladder_past {
	uint64_t high_since_ns, low_since_ns, last_now_ns;
	bool high, low;
};

/** struct ladder_decision - at most one instance moves by one rung */
struct ladder_decision {
	size_t instance; /* index into the instances */
	enum ladder_rung from, to; /* equal: nothing to do */
	unsigned int pressure_permille;
	uint64_t for_ns; /* pressure was high, or low, so long */
	uint64_t frozen_wait_ns; /* the rest of frozen_ns, when that is what it waits for */
};

/**
 * ladder_step - one rung up or down, or nothing
 * @instances: their rung and since_ns are updated by what is decided
 * Return: 0; -EINVAL low is not below high; -E2BIG more than LADDER_INSTANCES_MAX.
 */
int ladder_step(const struct ladder_config *config, struct ladder_past *past,
		struct ladder_instance *instances, size_t instances_nr,
		unsigned int pressure_permille, uint64_t now_ns, struct ladder_decision *ret);

/**
 * struct slack_past - the most that was used, forgotten slowly; all zero at first
 */
struct slack_past {
	struct policy_resources peak;
	uint64_t last_ns;
};

/**
 * policy_slack - what of a node may be lent
 * @requested: by instances that are not revocable, @used: by the same
 * @margin_permille: of the peak, kept on top of it
 * @half_life_ns: the distance of the peak to the present use halves in this time
 * @ret: for policy_metered.slack; only POLICY_CPUS and POLICY_NETWORK, others are 0
 */
void policy_slack(struct slack_past *past, const struct policy_resources *requested,
		  const struct policy_resources *used, unsigned int margin_permille,
		  uint64_t half_life_ns, uint64_t now_ns, struct policy_resources *ret);

const char *ladder_rung_name(enum ladder_rung r);

#endif
