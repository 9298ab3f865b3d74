// SPDX-License-Identifier: Apache-2.0
/*
 * Deployments: a list of steps, each ended when all of its apps have settled. A step that does
 * not go on says why (deployment.reason).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "tools/allocator/core.h"
#include "tools/allocator/stamp.h"

int deployment_load(struct core *c, const json_t *doc, struct deployment **ret)
{
	const char *id = app_text(doc, "id"), *version = app_text(doc, "version");
	struct deployment *d;

	(void)c;
	if (!id || !version || !json_is_array(json_object_get(doc, "steps")) ||
	    !json_is_object(json_object_get(doc, "target")))
		return -EBADMSG;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	(void)snprintf(d->id, sizeof(d->id), "%s", id); /* fit: we made them */
	(void)snprintf(d->version, sizeof(d->version), "%s", version);
	d->steps = json_deep_copy(json_object_get(doc, "steps"));
	d->original = json_deep_copy(json_object_get(doc, "original"));
	d->target = json_deep_copy(json_object_get(doc, "target"));
	d->step = (size_t)json_integer_value(json_object_get(doc, "step"));
	*ret = d;
	return 0;
}

json_t *deployment_store(const struct deployment *d)
{
	return json_pack("{s:s, s:s, s:O, s:I, s:O, s:O}", "id", d->id, "version", d->version,
			 "steps", d->steps, "step", (json_int_t)d->step, "original", d->original,
			 "target", d->target);
}

static json_t *affected(const struct deployment *d)
{
	json_t *list = json_array(), *v;
	const char *id;

	json_object_foreach (d->target, id, v)
		(void)json_array_append_new(list, json_string(id)); /* a shorter list then */
	return list;
}

json_t *deployment_json(const struct deployment *d, bool reason)
{
	json_t *steps = json_array(), *current = json_array(), *step, *action;
	size_t i;

	json_array_foreach (d->steps, i, step)
		(void)json_array_append_new(steps, json_pack("{s:O}", "actions", step));
	json_array_foreach (json_array_get(d->steps, d->step), i, action) {
		json_t *a = json_copy(action);

		(void)json_object_set_new(a, "readinessCheckResults", json_array());
		(void)json_array_append_new(current, a); /* out of memory: a shorter list */
	}
	/* clients of Marathon may refuse keys that they do not know */
	return json_pack("{s:s, s:s, s:o, s:[], s:o, s:o, s:I, s:i, s:s*}", "id", d->id, "version",
			 d->version, "affectedApps", affected(d), "affectedPods", "steps", steps,
			 "currentActions", current, "currentStep", (json_int_t)d->step + 1,
			 "totalSteps", (int)json_array_size(d->steps), "reason",
			 reason ? d->reason : NULL);
}

struct deployment *deployment_find(struct core *c, const char *id)
{
	struct deployment *d;

	TAILQ_FOREACH(d, &c->deployments, link)
	if (!strcmp(d->id, id))
		return d;
	return NULL;
}

void deployment_free(struct deployment *d)
{
	if (!d)
		return;
	json_decref(d->steps);
	json_decref(d->original);
	json_decref(d->target);
	free(d);
}

static void publish(struct core *c, const char *type, const struct deployment *d, const char *why)
{
	json_t *body = json_pack("{s:s, s:o}", "id", d->id, "plan", deployment_json(d, true));

	if (body && why)
		(void)json_object_set_new(body, "reason", json_string(why)); /* else without */
	bus_publish(c->bus, type, body);
}

/* Apps of later steps wait for theirs. */
static void hold(struct core *c, const struct deployment *d)
{
	json_t *step, *action;
	size_t i, k;

	json_array_foreach (d->steps, i, step)
		json_array_foreach (step, k, action) {
			struct core_app *a = core_find_app(c, app_text(action, "app"));

			if (!a)
				continue;
			a->deployment = (struct deployment *)(uintptr_t)d;
			a->held = i > d->step;
		}
}

static void release(struct core *c, const struct deployment *d)
{
	struct core_app *a;

	LIST_FOREACH(a, &c->apps, link)
	if (a->deployment == d) {
		a->deployment = NULL;
		a->held = false;
	}
}

void deployment_begin(struct core *c, struct deployment *d)
{
	TAILQ_INSERT_TAIL(&c->deployments, d, link);
	c->deployments_nr++;
	c->counters.deployments++;
	hold(c, d);
	publish(c, "deployment_info", d, NULL);
}

static void forget(struct core *c, struct deployment *d)
{
	char key[CORE_ID_SIZE + 16];
	struct store_op op = {key, NULL};
	struct why why = {};

	(void)snprintf(key, sizeof(key), "deployment/%s", d->id); /* fits */
	if (store_commit(c->store, &op, 1, &why) < 0)
		log_err("deployment %s begins again after a restart: %s", d->id, why.text);
	release(c, d);
	TAILQ_REMOVE(&c->deployments, d, link);
	c->deployments_nr--;
	deployment_free(d);
}

void deployment_cancel(struct core *c, struct deployment *d, const char *why)
{
	c->counters.deployments_failed++;
	publish(c, "deployment_failed", d, why);
	forget(c, d);
	core_turn(c);
}

int deployment_rollback(struct core *c, struct deployment *d, struct core_changed *ret,
			struct why *why)
{
	size_t nr = json_object_size(d->original), i = 0;
	struct core_change *changes = calloc(nr ?: 1, sizeof(*changes));
	json_t *original = json_deep_copy(d->original), *def;
	const char *id;
	int r;

	json_object_foreach (original, id, def)
		changes[i++] = (struct core_change){id, json_is_null(def) ? NULL : def, false};
	r = core_change(c, changes, nr, true, ret, why);
	json_decref(original);
	free(changes);
	return r;
}

/* Has this action been done? What goes, goes here. */
static bool action_done(struct core *c, struct deployment *d, const json_t *action)
{
	struct core_app *a = core_find_app(c, app_text(action, "app"));
	char reason[WHY_MAX];

	if (!a)
		return true;
	if (!scale_settled(a, reason, sizeof(reason))) {
		(void)snprintf(d->reason, sizeof(d->reason), "%.200s: %.300s", a->id, reason);
		return false;
	}
	return true;
}

static void bury(struct core *c, struct core_app *a)
{
	cleanup_free char *key = NULL;
	struct store_op op = {};
	struct why why = {};
	int n = asprintf(&key, "app%s", a->id);

	if (n < 0) {
		key = NULL;
		return; /* at the next turn */
	}
	op.key = key;
	if (store_commit(c->store, &op, 1, &why) < 0) {
		log_err("%s is not removed yet: %s", a->id, why.text);
		return;
	}
	bus_publish(c->bus, "app_terminated_event", json_pack("{s:s}", "appId", a->id));
	versions_prune(c, a->id, 0);
	core_app_free(c, a);
}

static bool step_done(struct core *c, struct deployment *d)
{
	json_t *action;
	bool done = true;
	size_t i;

	d->reason[0] = '\0';
	json_array_foreach (json_array_get(d->steps, d->step), i, action)
		done = action_done(c, d, action) && done;
	if (!done)
		return false;
	json_array_foreach (json_array_get(d->steps, d->step), i, action) {
		struct core_app *a = core_find_app(c, app_text(action, "app"));

		if (a && a->doomed)
			bury(c, a);
	}
	return true;
}

static void advance(struct core *c, struct deployment *d)
{
	struct why why = {};

	while (d->step < json_array_size(d->steps) && step_done(c, d)) {
		char key[CORE_ID_SIZE + 16];
		cleanup_free char *text = NULL;
		struct store_op op = {key};
		json_t *doc;

		publish(c, "deployment_step_success", d, NULL);
		d->step++;
		(void)snprintf(key, sizeof(key), "deployment/%s", d->id); /* fits */
		doc = deployment_store(d);
		text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
		json_decref(doc);
		op.value = text;
		if (text && d->step < json_array_size(d->steps) &&
		    store_commit(c->store, &op, 1, &why) < 0) /* the step is only looked at again */
			log_warn("deployment %s: %s", d->id, why.text);
		hold(c, d);
		core_turn(c);
	}
	if (d->step < json_array_size(d->steps))
		return;
	publish(c, "deployment_success", d, NULL);
	bus_publish(c->bus, "group_change_success",
		    json_pack("{s:s, s:s}", "groupId", "/", "version", d->version));
	forget(c, d);
}

void deployments_turn(struct core *c)
{
	struct deployment *d, *next;

	for (d = TAILQ_FIRST(&c->deployments); d; d = next) {
		next = TAILQ_NEXT(d, link);
		advance(c, d);
	}
	/* what was to go when its deployment was ended by another */
	for (struct core_app *a = LIST_FIRST(&c->apps), *after; a; a = after) {
		after = LIST_NEXT(a, link);
		if (a->doomed && !a->deployment && !a->tasks_nr)
			bury(c, a);
	}
}
