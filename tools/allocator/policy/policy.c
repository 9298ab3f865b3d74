// SPDX-License-Identifier: Apache-2.0
/* A policy as a whole. */
#include <errno.h>

#include "tools/allocator/policy/policy_impl.h"

int policy_new(const struct policy_config *config, struct policy **ret)
{
	struct policy *p = calloc(1, sizeof(*p));
	struct field *f;

	if (!p)
		return -ENOMEM;
	p->pressure_max = config && config->pressure_max_permille ? config->pressure_max_permille
								  : PRESSURE_DEFAULT;
	/* their numbers are FIELD_HOST, FIELD_ZONE and FIELD_REGION */
	if (field_get(p, "@hostname", &f) || field_get(p, "@zone", &f) ||
	    field_get(p, "@region", &f)) {
		policy_free(p);
		return -ENOMEM;
	}
	p->chances = 1;
	*ret = p;
	return 0;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	nodes_free(p);
	for (uint32_t i = 0; i < p->demands_nr; i++) {
		names_remove(&p->demand_names, p->demands[i]);
		demand_free(p, p->demands[i]);
	}
	free(p->demands);
	roles_free(p);
	fields_free(p);
	scratch_free(&p->scratch);
	free(p->log);
	free(p->active);
	free(p->placements);
	free(p->victims);
	free(p->unplaced);
	free(p->shares);
	free(p);
}

void policy_counters(const struct policy *p, struct policy_counters *ret)
{
	*ret = (struct policy_counters){
		.refused_bound = p->refused_bound,
		.evaluated = p->evaluated,
		.placed = p->placed,
		.victims = p->victims_nr,
		.nodes = p->nodes_nr,
		.roles = p->roles_nr,
		.demands = p->demands_nr,
		.instances = (uint32_t)p->instance_names.nr,
	};
}
