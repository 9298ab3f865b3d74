// SPDX-License-Identifier: Apache-2.0
/* /v2/apps: apps, their versions and restarts. Tasks of an app are in api_tasks.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/allocator/api.h"
#include "tools/allocator/api_tasks.h"
#include "tools/allocator/scaler.h"
#include "tools/allocator/stamp.h"

static void set(json_t *o, const char *key, json_t *v)
{
	(void)json_object_set_new(o, key, v); /* out of memory: the answer lacks it */
}

static json_t *deployments_json(const struct core_app *a)
{
	return a->deployment ? json_pack("[{s:s}]", "id", a->deployment->id) : json_array();
}

static void set_counts(json_t *o, const struct core_app *a)
{
	int running = 0, staged = 0, healthy = 0, unhealthy = 0;
	const struct core_task *t;

	TAILQ_FOREACH(t, &a->tasks, link)
	{
		running += t->state == CORE_RUNNING;
		staged += t->state == CORE_STAGING;
		healthy += t->healthy_known && t->healthy;
		unhealthy += t->healthy_known && !t->healthy;
	}
	set(o, "tasksRunning", json_integer(running));
	set(o, "tasksStaged", json_integer(staged));
	set(o, "tasksHealthy", json_integer(healthy));
	set(o, "tasksUnhealthy", json_integer(unhealthy));
}

/* The older key beside the newer one: numbers only. */
static json_t *ports_json(const json_t *def)
{
	json_t *list = json_array(), *v;
	size_t i;

	json_array_foreach (json_object_get(def, "portDefinitions"), i, v)
		(void)json_array_append(list, json_object_get(v, "port")); /* else shorter */
	return list;
}

json_t *api_app_json(struct core *c, const struct core_app *a, bool tasks)
{
	json_t *o = json_copy(a->def);

	(void)c;
	if (!o)
		return NULL;
	set(o, "ports", ports_json(a->def));
	set(o, "deployments", deployments_json(a));
	set_counts(o, a);
	if (tasks)
		set(o, "tasks", tasks_json(a));
	if (a->last_failure)
		set(o, "lastTaskFailure", json_incref(a->last_failure));
	return o;
}

static bool label_fits(const json_t *def, const char *selector)
{
	json_t *labels = json_object_get(def, "labels");
	cleanup_free char *copy = strdup(selector);
	char *save = NULL;

	for (char *p = copy ? strtok_r(copy, ",", &save) : NULL; p;
	     p = strtok_r(NULL, ",", &save)) {
		char *eq = strstr(p, "==");
		const char *value;

		if (eq)
			*eq = '\0';
		value = json_string_value(json_object_get(labels, p));
		if (!value || (eq && strcmp(value, eq + 2) != 0))
			return false;
	}
	return true;
}

static bool selected(struct api_call *call, const struct core_app *a)
{
	const char *id = call->query(call->query_arg, "id");
	const char *cmd = call->query(call->query_arg, "cmd");
	const char *label = call->query(call->query_arg, "label");
	const char *own = app_text(a->def, "cmd");

	if (a->doomed && !a->tasks_nr)
		return false;
	return (!id || strstr(a->id, id)) && (!cmd || (own && strstr(own, cmd))) &&
	       (!label || label_fits(a->def, label));
}

static void list_apps(struct api_call *call)
{
	const char *embed = call->query(call->query_arg, "embed");
	bool tasks = embed && strstr(embed, "tasks");
	json_t *list = json_array();
	struct core_app *a;

	LIST_FOREACH(a, &call->core->apps, link)
	if (selected(call, a))
		(void)json_array_append_new(list, api_app_json(call->core, a, tasks));
	api_answer(call, 200, json_pack("{s:o}", "apps", list));
}

static void create_app(struct api_call *call)
{
	struct app_errors e = {};
	struct core_change change = {};
	struct core_app *a;
	json_t *def = NULL;

	if (app_make(call->body, NULL, &def, &e) < 0) {
		api_refuse(call, &e);
		return;
	}
	change = (struct core_change){app_id(def), def, false};
	a = core_find_app(call->core, change.id);
	if (a && !a->doomed) {
		api_says(call, 409, "An app with id [%s] already exists.", change.id);
	} else if (api_change(call, 201, &change, 1)) {
		if (asprintf(&call->location, "/v2/apps%s", change.id) < 0)
			call->location = NULL;
		bus_publish(call->core->bus, "api_post_event",
			    json_pack("{s:s, s:O}", "uri", "/v2/apps", "appDefinition", def));
		api_answer(call, 201,
			   api_app_json(call->core, core_find_app(call->core, change.id), true));
	}
	json_decref(def);
}

/* What a PUT or PATCH makes of an app. Return: 0, -EINVAL with @e, -ENOENT. */
static int updated(struct api_call *call, const char *id, const json_t *body, json_t **ret,
		   struct app_errors *e)
{
	struct core_app *a = core_find_app(call->core, id);
	bool partial = api_flag(call, "partialUpdate", true) || !strcmp(call->method, "PATCH");
	const char *version = app_text(body, "version");
	cleanup_free char *key = NULL, *text = NULL;
	json_t *full;
	int r;

	if (!json_is_object(body)) {
		app_error(e, "/", "must be an object");
		return -EINVAL;
	}
	if (version && json_object_size(body) <= 2 && a) { /* back to an older one */
		if (asprintf(&key, "version%s@%s", id, version) < 0) {
			key = NULL;
			return -ENOMEM;
		}
		if (store_get(call->core->store, key, &text) < 0) {
			app_error(e, "/version", "%s is no version of %s", version, id);
			return -EINVAL;
		}
		full = json_loads(text, 0, NULL);
	} else {
		full = a && !a->doomed && partial ? app_merge(a->def, body) : json_deep_copy(body);
	}
	if (!full)
		return -ENOMEM;
	(void)json_object_set_new(full, "id", json_string(id)); /* checked by app_make() */
	r = app_make(full, NULL, ret, e);
	json_decref(full);
	return r;
}

static void update_app(struct api_call *call, const char *id)
{
	struct core_app *a = core_find_app(call->core, id);
	bool there = a && !a->doomed;
	struct app_errors e = {};
	json_t *def = NULL;
	int r;

	if (!there && !strcmp(call->method, "PATCH")) {
		api_says(call, 404, "App '%s' does not exist", id);
		return;
	}
	r = updated(call, id, call->body, &def, &e);
	if (r == -ENOMEM) {
		api_says(call, 500, "out of memory");
	} else if (r < 0) {
		api_refuse(call, &e);
	} else {
		struct core_change change = {id, def, false};

		if (api_change(call, there ? 200 : 201, &change, 1))
			bus_publish(call->core->bus, "api_post_event",
				    json_pack("{s:s, s:O}", "uri", call->path, "appDefinition",
					      def));
	}
	json_decref(def);
}

/* Many at once: all, or none. */
static void update_apps(struct api_call *call)
{
	size_t nr = json_array_size(call->body), i, made = 0;
	struct core_change *changes;
	struct app_errors e = {};
	json_t *v;

	changes = calloc(nr ?: 1, sizeof(*changes));
	if (!changes) {
		api_says(call, 500, "out of memory");
		return;
	}
	if (!json_is_array(call->body) || nr > CORE_APPS_MAX)
		app_error(&e, "/", "must be an array of apps");
	json_array_foreach (call->body, i, v) {
		char id[APP_ID_MAX + 1];

		if (!app_text(v, "id"))
			app_error(&e, "/id", "must be given");
		else if (!app_id_make(app_text(v, "id"), NULL, id, &e) &&
			 !updated(call, id, v, &changes[made].def, &e)) {
			changes[made].id = app_id(changes[made].def);
			made++;
		}
	}
	if (e.details)
		api_refuse(call, &e);
	else
		api_change(call, 200, changes, made);
	for (i = 0; i < made; i++)
		json_decref(changes[i].def);
	free(changes);
}

static int add_version(void *arg, const char *key, const char *value)
{
	(void)value;
	return json_array_insert_new(arg, 0, json_string(strrchr(key, '@') + 1));
}

static void list_versions(struct api_call *call, const char *id)
{
	cleanup_free char *prefix = NULL;
	json_t *list = json_array();

	if (asprintf(&prefix, "version%s@", id) < 0)
		prefix = NULL;
	if (!prefix || store_each(call->core->store, prefix, add_version, list) < 0)
		api_says(call, 503, "the store cannot be read");
	else
		api_answer(call, 200, json_pack("{s:O}", "versions", list));
	json_decref(list);
}

static void get_version(struct api_call *call, const char *id, const char *version)
{
	cleanup_free char *key = NULL, *text = NULL;

	if (asprintf(&key, "version%s@%s", id, version) < 0)
		key = NULL;
	if (!key || store_get(call->core->store, key, &text) < 0)
		api_says(call, 404, "App '%s' does not exist in version %s", id, version);
	else
		api_answer(call, 200, json_loads(text, 0, NULL));
}

static void restart_app(struct api_call *call, const char *id)
{
	struct core_app *a = core_find_app(call->core, id);
	struct core_change change = {id, a->def, true};

	api_change(call, 200, &change, 1);
}

static void delete_app(struct api_call *call, const char *id)
{
	struct core_change change = {id, NULL, false};

	api_change(call, 200, &change, 1);
}

/* "/a/b/versions/X" is the app "/a/b", the word and its argument. */
struct app_path {
	char id[API_PATH_MAX];
	const char *word, *arg;
};

static bool is_word(const char *s, size_t len)
{
	static const char *const words[] = {"tasks", "versions", "restart", "scaling"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i]) == len && !strncmp(words[i], s, len))
			return true;
	return false;
}

static void split(const char *rest, struct app_path *ret)
{
	char *last, *before;

	*ret = (struct app_path){};
	(void)snprintf(ret->id, sizeof(ret->id), "%s", rest); /* fits */
	last = strrchr(ret->id, '/');
	if (!last || last == ret->id)
		return;
	if (is_word(last + 1, strlen(last + 1))) {
		*last = '\0';
		ret->word = last + 1;
		return;
	}
	*last = '\0';
	before = strrchr(ret->id, '/');
	if (before && before != ret->id && is_word(before + 1, strlen(before + 1))) {
		*before = '\0';
		ret->word = before + 1;
		ret->arg = last + 1;
		return;
	}
	*last = '/';
}

static void get_scaling(struct api_call *call, const char *id)
{
	json_t *doc = scaler_json(core_find_app(call->core, id));

	if (doc)
		api_answer(call, 200, doc);
	else
		api_says(call, 404, "App '%s' has no rule to scale by", id);
}

static void run_word(struct api_call *call, const struct app_path *p)
{
	bool get = !strcmp(call->method, "GET"), del = !strcmp(call->method, "DELETE");

	if (!strcmp(p->word, "tasks") && (get || del))
		app_tasks(call, p->id, p->arg);
	else if (!strcmp(p->word, "versions") && get && p->arg)
		get_version(call, p->id, p->arg);
	else if (!strcmp(p->word, "versions") && get)
		list_versions(call, p->id);
	else if (!strcmp(p->word, "scaling") && get)
		get_scaling(call, p->id);
	else if (!strcmp(p->word, "restart") && !strcmp(call->method, "POST"))
		restart_app(call, p->id);
	else
		api_says(call, 405, "%s is not possible here", call->method);
}

static void one_app(struct api_call *call)
{
	struct core_app *a;
	struct app_path p;

	split(call->rest, &p);
	a = core_find_app(call->core, p.id);
	if (!strcmp(call->method, "PUT") || !strcmp(call->method, "PATCH")) {
		if (p.word)
			api_says(call, 405, "%s is not possible here", call->method);
		else
			update_app(call, p.id);
	} else if (!a || (a->doomed && !a->tasks_nr)) {
		api_says(call, 404, "App '%s' does not exist", p.id);
	} else if (p.word) {
		run_word(call, &p);
	} else if (!strcmp(call->method, "DELETE")) {
		delete_app(call, p.id);
	} else if (!strcmp(call->method, "POST")) {
		api_says(call, 405, "POST is not possible here");
	} else {
		api_answer(call, 200, json_pack("{s:o}", "app", api_app_json(call->core, a, true)));
	}
}

const struct api_route apps_routes[] = {
	{"GET", "/v2/apps", false, list_apps},	 {"POST", "/v2/apps", false, create_app},
	{"PUT", "/v2/apps", false, update_apps}, {"PATCH", "/v2/apps", false, update_apps},
	{"GET", "/v2/apps", true, one_app},	 {"POST", "/v2/apps", true, one_app},
	{"PUT", "/v2/apps", true, one_app},	 {"PATCH", "/v2/apps", true, one_app},
	{"DELETE", "/v2/apps", true, one_app},	 {},
};
