/* SPDX-License-Identifier: Apache-2.0 */
/* healthChecks of apps: what the agents are to do of them, and what they say of it. */
#ifndef DCOS_ALLOCATOR_HEALTH_H
#define DCOS_ALLOCATOR_HEALTH_H

#include "tools/allocator/core.h"

/** health_check - refuse what the agents can't check, with a reason for each */
void health_check(const json_t *app, struct app_errors *e);

/** health_spec - "health_checks" of dcos-task(5) for a task; NULL: it has none */
json_t *health_spec(const struct core_task *t);

/**
 * health_take - what a status says of a task's health; those who listen are told
 * @status: "healthy" and "health", as in type Task of io.dcos.Agent; both may lack
 */
void health_take(struct core *c, struct core_task *t, const json_t *status);

/** health_results - healthCheckResults of a task */
json_t *health_results(const struct core_task *t);

/** health_is_good - does a task serve: it runs, and its checks, if it has any, have succeeded */
bool health_is_good(const struct core_task *t);

#endif
