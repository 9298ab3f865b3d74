// SPDX-License-Identifier: Apache-2.0
/* Calls of the HTTP interface: routes and common answers, see api.h. */
#include "tools/allocator/api.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "agent/lib/cleanup.h"

static const struct api_route *const tables[] = {
	apps_routes, tasks_routes, groups_routes, state_routes, roles_routes,
};

void api_answer(struct api_call *call, unsigned int status, json_t *reply)
{
	call->status = reply ? status : 500;
	json_decref(call->reply);
	call->reply = reply;
}

void api_says(struct api_call *call, unsigned int status, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a cut sentence is still one */
	va_end(ap);
	api_answer(call, status,
		   json_pack("{s:s}", "message", text)
			   ?: json_pack("{s:s}", "message", "not valid UTF-8"));
}

void api_refuse(struct api_call *call, struct app_errors *e)
{
	api_answer(call, 422,
		   json_pack("{s:s, s:O}", "message", "Object is not valid", "details",
			     e->details));
	app_errors_free(e);
}

bool api_flag(struct api_call *call, const char *key, bool fallback)
{
	const char *value = call->query(call->query_arg, key);

	return value ? !strcasecmp(value, "true") : fallback;
}

static json_t *ids_json(const json_t *ids)
{
	json_t *list = json_array(), *v;
	size_t i;

	json_array_foreach (ids, i, v)
		(void)json_array_append_new(list, json_pack("{s:O}", "id", v)); /* else shorter */
	return list;
}

void api_changed(struct api_call *call, unsigned int status, int r, struct core_changed *changed,
		 const struct why *why)
{
	if (!r) {
		api_answer(call, status,
			   json_pack("{s:s, s:s}", "version", changed->version, "deploymentId",
				     changed->deployment));
	} else if (r == -EBUSY) {
		api_says(call, 409,
			 "App is locked by one or more deployments. Override with the option "
			 "'?force=true'. View details at '/v2/deployments/<DEPLOYMENT_ID>'.");
		if (call->reply)
			(void)json_object_set_new(call->reply, "deployments",
						  ids_json(changed->locked)); /* else without */
	} else if (r == -EINVAL || r == -ELOOP || r == -E2BIG) {
		struct app_errors e = {};

		app_error(&e, "/", "%s", why->text);
		api_refuse(call, &e);
	} else {
		api_says(call, 503, "%s", *why->text ? why->text : strerror(-r));
	}
	json_decref(changed->locked);
	changed->locked = NULL;
}

bool api_change(struct api_call *call, unsigned int status, const struct core_change *changes,
		size_t nr)
{
	struct core_changed changed = {};
	struct why why = {};
	int r = core_change(call->core, changes, nr, api_flag(call, "force", false), &changed,
			    &why);

	api_changed(call, status, r, &changed, &why);
	return !r;
}

/* Does the route's path begin the call's, at a slash? */
static bool matches(const struct api_route *route, const char *path, const char **ret_rest)
{
	size_t len = strlen(route->path);

	if (strncmp(path, route->path, len) != 0 || (path[len] && path[len] != '/'))
		return false;
	if (path[len] && !route->deep)
		return false;
	*ret_rest = path + len;
	return true;
}

void api_run(struct api_call *call)
{
	const char *method = strcmp(call->method, "HEAD") ? call->method : "GET";
	bool other = false;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (const struct api_route *r = tables[i]; r->path; r++) {
			if (!matches(r, call->path, &call->rest))
				continue;
			if (!strcmp(r->method, method)) {
				r->run(call);
				return;
			}
			other = true;
		}
	if (other)
		api_says(call, 405, "%s is not possible here", call->method);
	else
		api_says(call, 404, "There is nothing at %s", call->path);
}
