// SPDX-License-Identifier: Apache-2.0
/*
 * Apps, tasks and nodes by their ids, in trees of the C library (tsearch): reports name each task
 * once a second.
 */
#include <errno.h>
#include <search.h>
#include <string.h>

#include "tools/allocator/core.h"

static int by_app(const void *a, const void *b)
{
	return strcmp(((const struct core_app *)a)->id, ((const struct core_app *)b)->id);
}

static int by_task(const void *a, const void *b)
{
	return strcmp(((const struct core_task *)a)->id, ((const struct core_task *)b)->id);
}

static int by_node(const void *a, const void *b)
{
	return strcmp(((const struct core_node *)a)->id, ((const struct core_node *)b)->id);
}

struct core_app *core_find_app(struct core *c, const char *id)
{
	struct core_app key = {.id = (char *)(uintptr_t)id}, **found;

	found = tfind(&key, &c->apps_by_id, by_app);
	return found ? *found : NULL;
}

struct core_task *core_find_task(struct core *c, const char *id)
{
	struct core_task key, **found;

	if (strlen(id) >= sizeof(key.id))
		return NULL;
	memcpy(key.id, id, strlen(id) + 1);
	found = tfind(&key, &c->tasks_by_id, by_task);
	return found ? *found : NULL;
}

struct core_node *core_find_node(struct core *c, const char *id)
{
	struct core_node key = {.id = (char *)(uintptr_t)id}, **found;

	found = tfind(&key, &c->nodes_by_id, by_node);
	return found ? *found : NULL;
}

static int enter(void *object, void **root, int (*order)(const void *, const void *))
{
	void **at = tsearch(object, root, order);

	if (!at)
		return -ENOMEM;
	return *at == object ? 0 : -EEXIST;
}

int core_enter_app(struct core *c, struct core_app *a)
{
	return enter(a, &c->apps_by_id, by_app);
}

int core_enter_task(struct core *c, struct core_task *t)
{
	return enter(t, &c->tasks_by_id, by_task);
}

int core_enter_node(struct core *c, struct core_node *n)
{
	return enter(n, &c->nodes_by_id, by_node);
}

void core_leave_app(struct core *c, struct core_app *a)
{
	(void)tdelete(a, &c->apps_by_id, by_app); /* it is in */
}

void core_leave_node(struct core *c, struct core_node *n)
{
	(void)tdelete(n, &c->nodes_by_id, by_node);
}

void core_leave_task(struct core *c, struct core_task *t)
{
	(void)tdelete(t, &c->tasks_by_id, by_task);
}
