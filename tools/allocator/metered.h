/* SPDX-License-Identifier: Apache-2.0 */
/* What the tasks of each node really use, told to the policy, which places by it. */
#ifndef DCOS_ALLOCATOR_METERED_H
#define DCOS_ALLOCATOR_METERED_H

#include <jansson.h>

struct core;
struct core_node;
struct core_task;

/**
 * metered_report - a node's tasks
 * @tasks: array of type Usage, each with "id" (or "task"); time is that of its arrival
 *
 * What a node says of its tasks changes how that node is judged, and nothing else.
 */
void metered_report(struct core *c, const char *node, const json_t *tasks);

/** metered_task_gone - it uses nothing any more */
void metered_task_gone(struct core *c, const struct core_task *t);

/** metered_node_gone - forget what was learnt */
void metered_node_gone(struct core_node *n);

/** metered_tasks - all tasks of ours that reported of late, as in that event but all of them. Return: new */
json_t *metered_tasks(struct core *c);

/** metered_tell - a BUS_USAGE event of all tasks of ours, if somebody wants it */
void metered_tell(struct core *c);

#endif
