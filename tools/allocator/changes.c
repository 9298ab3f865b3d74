// SPDX-License-Identifier: Apache-2.0
/*
 * Accepting changes: what is locked, the order of steps by dependencies, and the one transaction
 * that has all of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/allocator/core.h"
#include "tools/allocator/stamp.h"

struct change_set {
	const struct core_change *items;
	size_t nr;
	size_t *levels; /* of the step that each is in */
	json_t *defs; /* app: definition with its versions, null: none */
};

static int find_locks(struct core *c, const struct change_set *s, json_t **ret)
{
	json_t *locked = json_array();

	for (size_t i = 0; i < s->nr; i++) {
		struct core_app *a = core_find_app(c, s->items[i].id);
		struct deployment *d = a ? a->deployment : NULL;
		bool told = false;
		json_t *v;
		size_t k;

		json_array_foreach (locked, k, v)
			told = told || (d && !strcmp(json_string_value(v), d->id));
		if (d && !told)
			(void)json_array_append_new(locked, json_string(d->id)); /* seen below */
	}
	if (json_array_size(locked)) {
		*ret = locked;
		return -EBUSY;
	}
	json_decref(locked);
	return 0;
}

static const struct core_change *item_of(const struct change_set *s, const char *id, size_t *ret)
{
	for (size_t i = 0; i < s->nr; i++)
		if (!strcmp(s->items[i].id, id)) {
			*ret = i;
			return &s->items[i];
		}
	return NULL;
}

/* Does the dependency (an app or a group) name this app? */
static bool names(const char *dependency, const char *id)
{
	size_t len = strlen(dependency);

	return !strncmp(id, dependency, len) && (!id[len] || id[len] == '/' || len == 1);
}

/* What starts comes after what it depends on, as far as that is of the same change. */
static bool raise_levels(struct change_set *s)
{
	bool raised = false;

	for (size_t i = 0; i < s->nr; i++) {
		json_t *deps = json_object_get(s->items[i].def, "dependencies"), *v;
		size_t k;

		json_array_foreach (deps, k, v)
			for (size_t j = 0; j < s->nr; j++)
				if (j != i && s->items[j].def &&
				    names(json_string_value(v), s->items[j].id) &&
				    s->levels[i] <= s->levels[j]) {
					s->levels[i] = s->levels[j] + 1;
					raised = true;
				}
	}
	return raised;
}

static int find_order(struct core *c, struct change_set *s, struct why *why)
{
	size_t i, k, at;
	json_t *v;

	for (i = 0; i < s->nr; i++)
		json_array_foreach (json_object_get(s->items[i].def, "dependencies"), k, v) {
			const char *id = json_string_value(v);
			struct core_app *a;
			bool there = item_of(s, id, &at) && s->items[at].def;

			LIST_FOREACH(a, &c->apps, link)
			there = there || (names(id, a->id) && !a->doomed);
			for (size_t j = 0; j < s->nr; j++)
				there = there || (s->items[j].def && names(id, s->items[j].id));
			if (!there)
				return why_set(why, -EINVAL, "%s depends on %s, which is not there",
					       s->items[i].id, id);
		}
	for (i = 0; raise_levels(s); i++)
		if (i > s->nr) {
			(void)why_set(why, -EINVAL, "dependencies go in a circle");
			return -ELOOP;
		}
	return 0;
}

/* The definition with its versions. */
static json_t *versioned(struct core *c, const struct core_change *item, const char *version)
{
	struct core_app *a = core_find_app(c, item->id);
	const json_t *old = a && !a->doomed ? json_object_get(a->def, "versionInfo") : NULL;
	bool same = old && !item->restart && app_same_config(a->def, item->def);
	json_t *def = json_deep_copy(item->def);
	const char *config = same ? app_text(old, "lastConfigChangeAt") : version;
	const char *scaled = same ? version : old ? app_text(old, "lastScalingAt") : version;

	if (same && app_instances(a->def) == app_instances(item->def))
		scaled = app_text(old, "lastScalingAt");
	if (json_object_set_new(def, "version", json_string(version)) < 0 ||
	    json_object_set_new(def, "versionInfo",
				json_pack("{s:s, s:s}", "lastScalingAt", scaled,
					  "lastConfigChangeAt", config)) < 0) {
		json_decref(def);
		return NULL;
	}
	return def;
}

static const char *action_of(struct core *c, const struct core_change *item, const json_t *def)
{
	struct core_app *a = core_find_app(c, item->id);

	if (!item->def)
		return "StopApplication";
	if (!a || a->doomed)
		return "StartApplication";
	if (strcmp(app_text(json_object_get(def, "versionInfo"), "lastConfigChangeAt"),
		   app_text(json_object_get(a->def, "versionInfo"), "lastConfigChangeAt")) != 0)
		return "RestartApplication";
	return "ScaleApplication";
}

static json_t *make_plan(struct core *c, struct change_set *s, const struct core_changed *id)
{
	json_t *steps = json_array(), *original = json_object();

	for (size_t i = 0; i < s->nr; i++) {
		struct core_app *a = core_find_app(c, s->items[i].id);
		json_t *def =
			s->items[i].def ? versioned(c, &s->items[i], id->version) : json_null();

		(void)json_object_set_new(s->defs, s->items[i].id, def); /* counted by the caller */
		(void)json_object_set_new(original, s->items[i].id,
					  a && !a->doomed ? json_deep_copy(a->def) : json_null());
		while (json_array_size(steps) <= s->levels[i])
			if (json_array_append_new(steps, json_array()) < 0)
				break;
		(void)json_array_append_new(json_array_get(steps, s->levels[i]),
					    json_pack("{s:s, s:s}", "action",
						      action_of(c, &s->items[i], def), "app",
						      s->items[i].id));
	}
	return json_pack("{s:s, s:s, s:o, s:i, s:o, s:O}", "id", id->deployment, "version",
			 id->version, "steps", steps, "step", 0, "original", original, "target",
			 s->defs);
}

/* One transaction: definitions, versions, the deployment; those that are ended by it are not in
 * the store any more. */
static int keep(struct core *c, const struct change_set *s, const json_t *plan, struct why *why)
{
	size_t max = s->nr * 2 + 1 + c->deployments_nr, nr = 0;
	struct store_op *ops = calloc(max, sizeof(*ops));
	int r = ops ? 0 : -ENOMEM;

	for (size_t i = 0; i < s->nr && !r; i++) {
		json_t *def = json_object_get(s->defs, s->items[i].id);
		struct core_app *a = core_find_app(c, s->items[i].id);
		char *key, *version;
		json_t *doc = json_is_null(def) ? a ? json_copy(a->def) : NULL : json_incref(def);

		if (!doc)
			continue;
		if (json_is_null(def))
			(void)json_object_set_new(doc, "doomed", json_true()); /* checked by dump */
		if (asprintf(&key, "app%s", s->items[i].id) < 0)
			r = -ENOMEM;
		else
			ops[nr++] = (struct store_op){key, json_dumps(doc, JSON_COMPACT)};
		if (!r && !json_is_null(def)) {
			if (asprintf(&version, "version%s@%s", s->items[i].id,
				     app_text(def, "version")) < 0)
				r = -ENOMEM;
			else
				ops[nr++] =
					(struct store_op){version, json_dumps(doc, JSON_COMPACT)};
		}
		json_decref(doc);
	}
	if (!r) {
		char *key;

		if (asprintf(&key, "deployment/%s", app_text(plan, "id")) < 0)
			r = -ENOMEM;
		else
			ops[nr++] = (struct store_op){key, json_dumps(plan, JSON_COMPACT)};
	}
	for (size_t i = 0; i < nr; i++)
		r = ops[i].value ? r : -ENOMEM;
	r = r ?: store_commit(c->store, ops, nr, why);
	for (size_t i = 0; i < nr; i++) {
		free((char *)(uintptr_t)ops[i].key);
		free((char *)(uintptr_t)ops[i].value);
	}
	free(ops);
	return r;
}

static int put_app(struct core *c, const char *id, json_t *def)
{
	struct core_app *a = core_find_app(c, id);
	struct why why = {};

	if (!a) {
		a = calloc(1, sizeof(*a));
		if (!a)
			return -ENOMEM;
		a->id = strdup(id);
		if (!a->id || core_enter_app(c, a)) {
			free(a->id);
			free(a);
			return -ENOMEM;
		}
		TAILQ_INIT(&a->tasks);
		LIST_INSERT_HEAD(&c->apps, a, link);
		c->apps_nr++;
	}
	json_decref(a->def);
	a->def = json_incref(def);
	a->doomed = false;
	a->backoff_s = 0; /* what is new may be better */
	a->hold_until_ms = 0;
	return place_app(c, a, &why);
}

static void apply(struct core *c, const struct change_set *s)
{
	for (size_t i = 0; i < s->nr; i++) {
		json_t *def = json_object_get(s->defs, s->items[i].id);
		struct core_app *a;

		if (!json_is_null(def)) {
			(void)put_app(c, s->items[i].id, def); /* "why" of the queue tells it */
			versions_prune(c, s->items[i].id, CORE_VERSIONS_MAX);
			continue;
		}
		a = core_find_app(c, s->items[i].id);
		if (a)
			a->doomed = true;
	}
}

static void end_locks(struct core *c, const struct change_set *s)
{
	for (size_t i = 0; i < s->nr; i++) {
		struct core_app *a = core_find_app(c, s->items[i].id);

		if (a && a->deployment)
			deployment_cancel(c, a->deployment, "another was forced");
	}
}

static int accept(struct core *c, struct change_set *s, bool force, struct core_changed *ret,
		  struct why *why)
{
	struct core_changed id = {};
	struct deployment *d = NULL;
	json_t *plan;
	int r = force ? 0 : find_locks(c, s, &ret->locked);

	r = r ?: find_order(c, s, why);
	if (r < 0)
		return r;
	if (c->apps_nr + s->nr > CORE_APPS_MAX || c->deployments_nr >= CORE_DEPLOYMENTS_MAX)
		return why_set(why, -E2BIG, "at most %d apps and %d deployments", CORE_APPS_MAX,
			       CORE_DEPLOYMENTS_MAX);
	core_uuid(id.deployment);
	core_stamp(c, id.version);
	plan = make_plan(c, s, &id);
	r = plan && json_object_size(s->defs) == s->nr ? deployment_load(c, plan, &d) : -ENOMEM;
	r = r ?: keep(c, s, plan, why);
	json_decref(plan);
	if (r < 0) {
		deployment_free(d);
		return r;
	}
	end_locks(c, s);
	apply(c, s);
	deployment_begin(c, d);
	*ret = id;
	return 0;
}

int core_change(struct core *c, const struct core_change *changes, size_t nr, bool force,
		struct core_changed *ret, struct why *why)
{
	struct change_set s = {.items = changes, .nr = nr};
	int r;

	*ret = (struct core_changed){};
	s.levels = calloc(nr ?: 1, sizeof(*s.levels));
	s.defs = json_object();
	r = s.levels && s.defs ? accept(c, &s, force, ret, why) : -ENOMEM;
	free(s.levels);
	json_decref(s.defs);
	if (r < 0)
		c->counters.changes_refused++;
	else
		core_turn(c);
	return r;
}
