// SPDX-License-Identifier: Apache-2.0
/*
 * /v2/groups. A group is the part of the apps that its path leads to; it exists as long as there
 * is an app in it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/allocator/api.h"

#define GROUP_DEPTH_MAX 16

/* Apps that a change of a group is made of. */
struct group_change {
	struct core_change *items;
	size_t nr, max;
	struct app_errors errors;
};

static bool is_in(const char *group, const char *id)
{
	size_t len = strlen(group);

	return !strcmp(group, "/") || (!strncmp(id, group, len) && id[len] == '/');
}

static struct core_app *next_in(const struct core *c, struct core_app *a, const char *group)
{
	for (a = a ? LIST_NEXT(a, link) : LIST_FIRST(&c->apps); a; a = LIST_NEXT(a, link))
		if (!a->doomed && is_in(group, a->id))
			return a;
	return NULL;
}

/* Has this sub-group been made before? */
static bool has_group(const json_t *groups, const char *id)
{
	const json_t *g;
	size_t i;

	json_array_foreach (groups, i, g)
		if (!strcmp(app_text(g, "id"), id))
			return true;
	return false;
}

static json_t *group_json(struct core *c, const char *group, const char *version)
{
	size_t skip = strcmp(group, "/") ? strlen(group) + 1 : 1;
	json_t *apps = json_array(), *groups = json_array();

	for (struct core_app *a = next_in(c, NULL, group); a; a = next_in(c, a, group)) {
		const char *slash = strchr(a->id + skip, '/');
		char sub[APP_ID_MAX + 1];

		if (!slash) {
			(void)json_array_append_new(apps, api_app_json(c, a, false));
			continue;
		}
		(void)snprintf(sub, sizeof(sub), "%.*s", (int)(slash - a->id), a->id); /* fits */
		if (!has_group(groups, sub))
			(void)json_array_append_new(groups, group_json(c, sub, version));
	}
	return json_pack("{s:s, s:o, s:o, s:[], s:[], s:s}", "id", group, "apps", apps, "groups",
			 groups, "pods", "dependencies", "version", version);
}

static const char *version_of(const struct core *c, const char *group)
{
	const char *latest = "1970-01-01T00:00:00.000Z";

	for (struct core_app *a = next_in(c, NULL, group); a; a = next_in(c, a, group))
		if (strcmp(app_text(a->def, "version"), latest) > 0)
			latest = app_text(a->def, "version");
	return latest;
}

static void get_group(struct api_call *call)
{
	const char *group = *call->rest ? call->rest : "/";
	struct core *c = call->core;
	size_t len = strlen(group);

	if (len >= 9 && !strcmp(group + len - 9, "/versions")) {
		char id[API_PATH_MAX];

		(void)snprintf(id, sizeof(id), "%.*s", len > 9 ? (int)len - 9 : 1, group);
		api_answer(call, 200, json_pack("[s]", version_of(c, id)));
	} else if (strcmp(group, "/") != 0 && !next_in(c, NULL, group)) {
		api_says(call, 404, "Group '%s' does not exist", group);
	} else {
		api_answer(call, 200, group_json(c, group, version_of(c, group)));
	}
}

static void add_item(struct group_change *g, const char *id, json_t *def)
{
	char *copy = strdup(id);

	if (copy && g->nr == g->max) {
		size_t max = g->max ? g->max * 2 : 16;
		struct core_change *items = reallocarray(g->items, max, sizeof(*items));

		if (items) {
			g->items = items;
			g->max = max;
		}
	}
	if (!copy || g->nr == g->max) {
		app_error(&g->errors, "/", "out of memory");
		json_decref(def);
		free(copy);
		return;
	}
	g->items[g->nr++] = (struct core_change){copy, def, false};
}

static bool has_item(const struct group_change *g, const char *id)
{
	for (size_t i = 0; i < g->nr; i++)
		if (!strcmp(g->items[i].id, id))
			return true;
	return false;
}

/* Dependencies of a group are those of each app in it. */
static void add_dependencies(json_t *app, const json_t *dependencies)
{
	json_t *own = json_object_get(app, "dependencies"), *v;
	size_t i;

	if (!json_is_array(own) && json_array_size(dependencies)) {
		own = json_array();
		(void)json_object_set_new(app, "dependencies", own); /* checked by app_make() */
	}
	json_array_foreach (dependencies, i, v)
		(void)json_array_append(own, v);
}

static void take_group(struct group_change *g, const json_t *body, const char *id,
		       const json_t *dependencies, int depth)
{
	json_t *all = json_array(), *v;
	size_t i;

	if (depth > GROUP_DEPTH_MAX)
		app_error(&g->errors, "/groups", "are nested too deeply");
	(void)json_array_extend(all, (json_t *)(uintptr_t)dependencies);
	(void)json_array_extend(all, json_object_get(body, "dependencies"));
	json_array_foreach (json_object_get(body, "apps"), i, v) {
		json_t *copy = json_deep_copy(v), *def = NULL;

		add_dependencies(copy, all);
		if (!app_make(copy, id, &def, &g->errors)) {
			if (has_item(g, app_id(def)))
				app_error(&g->errors, "/apps", "%s is there twice", app_id(def));
			add_item(g, app_id(def), def);
		}
		json_decref(copy);
	}
	json_array_foreach (json_object_get(body, "groups"), i, v) {
		char sub[APP_ID_MAX + 1];

		if (!app_text(v, "id"))
			app_error(&g->errors, "/groups/id", "must be given");
		else if (!g->errors.details && !app_id_make(app_text(v, "id"), id, sub, &g->errors))
			take_group(g, v, sub, all, depth + 1);
	}
	json_decref(all);
}

static void drop_others(struct core *c, struct group_change *g, const char *group)
{
	for (struct core_app *a = next_in(c, NULL, group); a; a = next_in(c, a, group))
		if (!has_item(g, a->id))
			add_item(g, a->id, NULL);
}

static void scale_group(struct core *c, struct group_change *g, const char *group, double by)
{
	for (struct core_app *a = next_in(c, NULL, group); a; a = next_in(c, a, group)) {
		json_t *def = json_deep_copy(a->def);
		double n = ceil(app_instances(a->def) * by);

		(void)json_object_set_new(
			def, "instances",
			json_integer((json_int_t)(n < APP_INSTANCES_MAX ? n : APP_INSTANCES_MAX)));
		add_item(g, a->id, def);
	}
}

static void finish(struct api_call *call, struct group_change *g, unsigned int status)
{
	if (g->errors.details)
		api_refuse(call, &g->errors);
	else
		api_change(call, status, g->items, g->nr);
	for (size_t i = 0; i < g->nr; i++) {
		free((char *)(uintptr_t)g->items[i].id);
		json_decref(g->items[i].def);
	}
	free(g->items);
}

/* The group that a call is about: of the path, else of the body. Return: 0; -EINVAL with @e. */
static int group_of(struct api_call *call, char *buf, struct app_errors *e)
{
	const char *id = *call->rest ? call->rest : app_text(call->body, "id") ?: "/";

	return app_id_make(id, NULL, buf, e);
}

static void post_group(struct api_call *call)
{
	struct group_change g = {};
	char id[APP_ID_MAX + 1];

	if (!group_of(call, id, &g.errors)) {
		if (next_in(call->core, NULL, id)) {
			api_says(call, 409,
				 "Group %s is already created. Use PUT to change this "
				 "group.",
				 id);
			return;
		}
		take_group(&g, call->body, id, NULL, 0);
	}
	finish(call, &g, 201);
}

static void put_group(struct api_call *call)
{
	json_t *by = json_object_get(call->body, "scaleBy");
	struct group_change g = {};
	char id[APP_ID_MAX + 1];

	if (!group_of(call, id, &g.errors)) {
		if (by && !(json_number_value(by) >= 0))
			app_error(&g.errors, "/scaleBy", "must be a number from 0");
		else if (by)
			scale_group(call->core, &g, id, json_number_value(by));
		else
			take_group(&g, call->body, id, NULL, 0);
		if (!by && !g.errors.details)
			drop_others(call->core, &g, id);
	}
	finish(call, &g, 200);
}

static void delete_group(struct api_call *call)
{
	const char *group = *call->rest ? call->rest : "/";
	struct group_change g = {};

	if (strcmp(group, "/") != 0 && !next_in(call->core, NULL, group)) {
		api_says(call, 404, "Group '%s' does not exist", group);
		return;
	}
	drop_others(call->core, &g, group);
	finish(call, &g, 200);
}

const struct api_route groups_routes[] = {
	{"GET", "/v2/groups", true, get_group},
	{"POST", "/v2/groups", true, post_group},
	{"PUT", "/v2/groups", true, put_group},
	{"DELETE", "/v2/groups", true, delete_group},
	{},
};
