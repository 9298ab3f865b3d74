/* SPDX-License-Identifier: Apache-2.0 */
/* Scaling of the apps that have a rule, {"dcos": {"autoscale": {...}}}: scaling.h with the core. */
#ifndef DCOS_SCALER_H
#define DCOS_SCALER_H

#include <jansson.h>

struct core;
struct core_app;
struct core_task;

/** scaler_rule - the rule in a definition, or NULL. Return: borrowed */
const json_t *scaler_rule(const json_t *def);

/**
 * scaler_report - what the tasks of a node use
 * @tasks: array of type Usage, each with "id" (or "task"); time is that of its arrival
 */
void scaler_report(struct core *c, const char *node, const json_t *tasks);

/** scaler_tick - each second: decide, change the app, change limits of its tasks */
void scaler_tick(struct core *c);

/** scaler_task_gone - it is followed no more */
void scaler_task_gone(struct core_task *t);

/** scaler_app_gone - forget what was learnt */
void scaler_app_gone(struct core_app *a);

/**
 * scaler_json - the rule, quotas in force and decisions with their numbers
 * Return: a new object, NULL without a rule.
 */
json_t *scaler_json(const struct core_app *a);

#endif
