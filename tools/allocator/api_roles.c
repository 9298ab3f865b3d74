// SPDX-License-Identifier: Apache-2.0
/* /v2/roles: our own, what roles may have, and what they have. */
#include <errno.h>
#include <string.h>

#include "tools/allocator/api.h"

/* "/a/b" is the role a/b. Return: NULL and an answer: there is no such */
static const char *name_of(struct api_call *call)
{
	const char *name = *call->rest ? call->rest + 1 : "";

	if (*name)
		return name;
	api_says(call, 404, "/v2/roles/NAME is meant");
	return NULL;
}

static void get_roles(struct api_call *call)
{
	const char *name = *call->rest ? call->rest + 1 : NULL;
	json_t *list = roles_json(call->core), *v, *found = NULL;
	size_t i;

	if (!name) {
		api_answer(call, 200, list ? json_pack("{s:o}", "roles", list) : NULL);
		return;
	}
	json_array_foreach (list, i, v)
		if (!strcmp(app_text(v, "name"), name))
			found = v;
	if (found)
		api_answer(call, 200, json_incref(found));
	else
		api_says(call, 404, "Role %s does not exist", name);
	json_decref(list);
}

static void put_role(struct api_call *call)
{
	const char *name = name_of(call);
	struct app_errors e = {};
	struct why why = {};
	int r;

	if (!name)
		return;
	r = role_set(call->core, name, call->body, &e, &why);
	if (e.details)
		api_refuse(call, &e);
	else if (r)
		api_says(call, 503, "%s", *why.text ? why.text : strerror(-r));
	else
		get_roles(call);
}

static void delete_role(struct api_call *call)
{
	const char *name = name_of(call);
	struct why why = {};
	int r;

	if (!name)
		return;
	r = role_unset(call->core, name, &why);
	if (r == -ENOENT)
		api_says(call, 404, "Role %s is not configured", name);
	else if (r)
		api_says(call, 503, "%s", *why.text ? why.text : strerror(-r));
	else
		call->status = 204;
}

const struct api_route roles_routes[] = {
	{"GET", "/v2/roles", true, get_roles},
	{"PUT", "/v2/roles", true, put_role},
	{"DELETE", "/v2/roles", true, delete_role},
	{},
};
