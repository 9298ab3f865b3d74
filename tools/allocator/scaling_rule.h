/* SPDX-License-Identifier: Apache-2.0 */
/* The object "autoscale" of an app, parsed. */
#ifndef DCOS_SCALING_RULE_H
#define DCOS_SCALING_RULE_H

#include "tools/allocator/scaling.h"

enum scaling_quota { SCALING_CPUS, SCALING_MEMORY, SCALING_QUOTAS };

struct scaling_metric {
	enum signal signal;
	struct autoscale_config config;
};

struct scaling_rule {
	struct scaling_metric metric[SCALING_METRICS_MAX];
	size_t metrics_nr;
	bool has_quota[SCALING_QUOTAS];
	struct autoscale_vertical_config quota[SCALING_QUOTAS];
};

/**
 * scaling_rule_parse - read and check; unknown keys are errors
 * Return: 0; -EINVAL with @why.
 */
int scaling_rule_parse(const json_t *doc, struct scaling_rule *ret, struct why *why);

const char *scaling_quota_name(enum scaling_quota q);

#endif
