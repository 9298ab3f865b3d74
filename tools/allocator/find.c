// SPDX-License-Identifier: Apache-2.0
/*
 * Apps, tasks and nodes by their ids, in trees of the C library (tsearch): reports name each task
 * once a second.
 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
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

static int by_home(const void *a, const void *b)
{
	return strcmp(((const struct core_home *)a)->node, ((const struct core_home *)b)->node);
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

struct core_home *core_find_home(struct core *c, const char *node)
{
	struct core_home key = {.node = (char *)(uintptr_t)node}, **found;

	found = tfind(&key, &c->homes_by_node, by_home);
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

static void home_free(struct core_home *h)
{
	free(h->node);
	free(h);
}

static struct core_home *home_of(struct core *c, const char *node)
{
	struct core_home *h = core_find_home(c, node);

	if (h)
		return h;
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	LIST_INIT(&h->tasks);
	h->node = strdup(node);
	if (h->node && !enter(h, &c->homes_by_node, by_home))
		return h;
	home_free(h);
	return NULL;
}

static void leave_home(struct core *c, struct core_home *h)
{
	if (!LIST_EMPTY(&h->tasks))
		return;
	(void)tdelete(h, &c->homes_by_node, by_home); /* it is in */
	home_free(h);
}

int core_enter_task(struct core *c, struct core_task *t)
{
	int r;

	t->home = home_of(c, t->node);
	if (!t->home)
		return -ENOMEM;
	r = enter(t, &c->tasks_by_id, by_task);
	if (r)
		leave_home(c, t->home);
	else
		LIST_INSERT_HEAD(&t->home->tasks, t, on_node);
	return r;
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
	LIST_REMOVE(t, on_node);
	leave_home(c, t->home);
}
