/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health checks of tasks (spec key "health_checks"): each is tried again and again while its task
 * runs. A task is healthy once all of its checks have succeeded the last time, unhealthy if one
 * has failed the last time, and before that nothing is known. Results are not written down: an agent
 * that comes back asks anew.
 */
#ifndef DCOS_HEALTH_H
#define DCOS_HEALTH_H

#include <jansson.h>

#include "agent/node.h"

#define HEALTH_BUSY_MAX 128 /* attempts of all tasks at a time; more wait, which is counted */

struct health;

/**
 * health_start - from now on check a task; without checks in its spec nothing happens
 * That it could not be started is logged: the task runs without.
 */
void health_start(struct task *t);

/** health_free - end all checks; NULL is allowed. Return: NULL */
struct health *health_free(struct health *h);

/**
 * health_put - "healthy" and "health" into type Task of io.dcos.Agent
 * Nothing is added for a task without checks, and "healthy" only once it is known.
 */
void health_put(const struct task *t, json_t *doc);

#endif
