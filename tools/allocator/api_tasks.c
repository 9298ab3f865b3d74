// SPDX-License-Identifier: Apache-2.0
/* /v2/apps/ID/tasks, /v2/tasks and /v2/queue. */
#include "tools/allocator/api_tasks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/allocator/stamp.h"

#define IDS_MAX 10000 /* of one call */

json_t *tasks_json(const struct core_app *a)
{
	json_t *list = json_array();
	const struct core_task *t;

	TAILQ_FOREACH(t, &a->tasks, link)
	(void)json_array_append_new(list, task_json(t)); /* out of memory: shorter */
	return list;
}

/* A definition with so many instances less. */
static json_t *smaller(const struct core_app *a, uint32_t by)
{
	json_t *def = json_deep_copy(a->def);
	uint32_t n = app_instances(a->def);

	(void)json_object_set_new(def, "instances", json_integer(n > by ? n - by : 0));
	return def;
}

static void kill_tasks(struct api_call *call, struct core_app *a, struct core_task *only)
{
	struct core_task *t, *next;

	for (t = only ?: TAILQ_FIRST(&a->tasks); t; t = next) {
		next = only ? NULL : TAILQ_NEXT(t, link);
		if (t->state != CORE_KILLING)
			task_kill(call->core, t);
	}
	core_turn(call->core);
}

void app_tasks(struct api_call *call, const char *app, const char *task)
{
	struct core_app *a = core_find_app(call->core, app);
	struct core_task *t = task ? core_find_task(call->core, task) : NULL;
	json_t *list;

	if (task && (!t || t->app != a)) {
		api_says(call, 404, "Task '%s' does not exist", task);
		return;
	}
	if (!strcmp(call->method, "GET")) {
		list = task ? json_pack("[o]", task_json(t)) : tasks_json(a);
		api_answer(call, 200, json_pack("{s:o}", "tasks", list));
		return;
	}
	list = task ? json_pack("{s:o}", "task", task_json(t))
		    : json_pack("{s:o}", "tasks", tasks_json(a));
	if (api_flag(call, "scale", false)) {
		struct core_change change = {app, smaller(a, task ? 1 : a->tasks_nr), false};
		bool done = api_change(call, 200, &change, 1);

		json_decref(change.def);
		json_decref(list);
		if (done)
			kill_tasks(call, a, t);
		return;
	}
	kill_tasks(call, a, t);
	api_answer(call, 200, list);
}

static void list_tasks(struct api_call *call)
{
	const char *status = call->query(call->query_arg, "status");
	json_t *list = json_array();
	const struct core_app *a;
	const struct core_task *t;

	LIST_FOREACH(a, &call->core->apps, link)
	TAILQ_FOREACH(t, &a->tasks, link)
	{
		if (status && strcmp(status, t->state == CORE_STAGING	? "staging"
					     : t->state == CORE_RUNNING ? "running"
									: ""))
			continue;
		(void)json_array_append_new(list, task_json(t)); /* else shorter */
	}
	api_answer(call, 200, json_pack("{s:o}", "tasks", list));
}

/* The changes of apps that lose tasks, with scale=true. */
static bool scale_down(struct api_call *call, const json_t *ids)
{
	size_t nr = 0, i, k;
	struct core_change *changes = calloc(json_array_size(ids) ?: 1, sizeof(*changes));
	json_t *v;
	bool done;

	if (!changes) {
		api_says(call, 500, "out of memory");
		return false;
	}
	json_array_foreach (ids, i, v) {
		struct core_task *t = core_find_task(call->core, json_string_value(v));

		for (k = 0; t && k < nr && strcmp(changes[k].id, t->app->id) != 0; k++)
			;
		if (!t)
			continue;
		if (k == nr)
			changes[nr++] = (struct core_change){t->app->id, smaller(t->app, 1), false};
		else if (app_instances(changes[k].def))
			(void)json_object_set_new(changes[k].def, "instances",
						  json_integer(app_instances(changes[k].def) - 1));
	}
	done = api_change(call, 200, changes, nr);
	for (k = 0; k < nr; k++)
		json_decref(changes[k].def);
	free(changes);
	return done;
}

static void delete_tasks(struct api_call *call)
{
	json_t *ids = json_object_get(call->body, "ids"), *list = json_array(), *v;
	bool scale = api_flag(call, "scale", false);
	struct app_errors e = {};
	size_t i;

	json_array_foreach (ids, i, v)
		if (!json_is_string(v))
			app_error(&e, "/ids", "must be an array of texts");
	if (!json_is_array(ids) || json_array_size(ids) > IDS_MAX)
		app_error(&e, "/ids", "must be an array of at most %d ids", IDS_MAX);
	if (e.details || (scale && !scale_down(call, ids))) {
		if (e.details)
			api_refuse(call, &e);
		json_decref(list);
		return;
	}
	json_array_foreach (ids, i, v) {
		struct core_task *t = core_find_task(call->core, json_string_value(v));

		if (!t)
			continue;
		(void)json_array_append_new(list, task_json(t)); /* out of memory: shorter */
		if (t->state != CORE_KILLING)
			task_kill(call->core, t);
	}
	core_turn(call->core);
	if (scale)
		json_decref(list);
	else
		api_answer(call, 200, json_pack("{s:o}", "tasks", list));
}

static json_t *queue_item(struct core *c, const struct core_app *a, bool why)
{
	uint64_t now = mono_ms();
	json_int_t left =
		a->hold_until_ms > now ? (json_int_t)((a->hold_until_ms - now + 999) / 1000) : 0;
	char since[STAMP_SIZE];
	struct scale_counts s;
	uint32_t wanted = app_instances(a->def);

	scale_count(a, &s);
	return json_pack("{s:O, s:I, s:{s:I, s:b}, s:s, s:o*}", "app", a->def, "count",
			 (json_int_t)(wanted > s.now_alive ? wanted - s.now_alive : 0), "delay",
			 "timeLeftSeconds", left, "overdue", !left, "since",
			 stamp_make(since, a->waits_since_ms), "why",
			 why ? place_why(c, a->id) : NULL);
}

static void list_queue(struct api_call *call)
{
	const char *embed = call->query(call->query_arg, "embed");
	bool why = embed && !strcmp(embed, "why");
	json_t *list = json_array();
	const struct core_app *a;

	LIST_FOREACH(a, &call->core->apps, link)
	if (a->waits)
		(void)json_array_append_new(list, queue_item(call->core, a, why)); /* likewise */
	api_answer(call, 200, json_pack("{s:o}", "queue", list));
}

static void delete_delay(struct api_call *call)
{
	static const char word[] = "/delay";
	size_t len = strlen(call->rest);
	char id[API_PATH_MAX];
	struct core_app *a;

	(void)snprintf(id, sizeof(id), "%s", call->rest); /* fits */
	if (len > strlen(word) && !strcmp(id + len - strlen(word), word))
		id[len - strlen(word)] = '\0';
	a = core_find_app(call->core, id);
	if (!a || !a->waits) {
		api_says(call, 404, "Application %s not found in tasks queue.", id);
		return;
	}
	a->hold_until_ms = 0;
	a->backoff_s = 0;
	core_turn(call->core);
	call->status = 204;
}

const struct api_route tasks_routes[] = {
	{"GET", "/v2/tasks", false, list_tasks},
	{"POST", "/v2/tasks/delete", false, delete_tasks},
	{"GET", "/v2/queue", false, list_queue},
	{"DELETE", "/v2/queue", true, delete_delay},
	{},
};
