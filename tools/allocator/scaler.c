// SPDX-License-Identifier: Apache-2.0
/*
 * Apps that have a rule are followed: the reports of their tasks become signals, once a second each
 * is decided on. More or fewer instances are a change of the app as a person would make it, with a
 * deployment; a quota is changed on the running tasks, which are not restarted for it, and a task
 * that starts later gets it in the next second.
 */
#include "tools/allocator/scaler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "tools/allocator/core.h"
#include "tools/allocator/scaling.h"
#include "tools/allocator/stamp.h"

#define MIB 1048576.0

/**
 * struct scaler_app - what is known of an app with a rule
 * @rule: that it was made for
 * @quota: what its tasks should have
 */
struct scaler_app {
	struct scaling *scaling;
	json_t *rule;
	struct signals_request quota;
};

const json_t *scaler_rule(const json_t *def)
{
	const json_t *rule = json_object_get(json_object_get(def, "dcos"), "autoscale");

	return json_is_object(rule) ? rule : NULL;
}

static struct signals_request request_of(const struct core_app *a)
{
	return (struct signals_request){
		.cpus_milli = (uint64_t)(app_number(a->def, "cpus") * 1000 + 0.5),
		.memory_bytes = (uint64_t)(app_number(a->def, "mem") * MIB + 0.5),
	};
}

void scaler_app_gone(struct core_app *a)
{
	if (!a->scaler)
		return;
	scaling_free(a->scaler->scaling);
	json_decref(a->scaler->rule);
	free(a->scaler);
	a->scaler = NULL;
}

static int follow_new(struct core_app *a, const json_t *rule, struct why *why)
{
	struct scaler_app *s = calloc(1, sizeof(*s));
	int r = s ? scaling_new(rule, &s->scaling, why) : -ENOMEM;

	if (r) {
		free(s);
		return r;
	}
	s->rule = json_incref((json_t *)rule);
	s->quota = request_of(a);
	a->scaler = s;
	return 0;
}

/* The app as its definition now has it. Return: is it followed. */
static bool follow(struct core_app *a)
{
	const json_t *rule = a->doomed ? NULL : scaler_rule(a->def);
	struct why why = {""};
	int r = 0;

	if (!rule)
		scaler_app_gone(a);
	else if (!a->scaler)
		r = follow_new(a, rule, &why);
	else if (a->scaler->rule != rule && !json_equal(a->scaler->rule, rule))
		r = scaling_rule(a->scaler->scaling, rule, &why);
	if (rule && a->scaler && !r && a->scaler->rule != rule) {
		json_decref(a->scaler->rule);
		a->scaler->rule = json_incref((json_t *)rule);
	}
	return a->scaler && !r;
}

/* A node speaks for its own tasks only. */
static void report_one(struct core *c, const char *node, const json_t *usage, uint64_t now_ms)
{
	const char *id = json_string_value(json_object_get(usage, "id"))
				 ?: json_string_value(json_object_get(usage, "task"));
	struct core_task *t = id ? core_find_task(c, id) : NULL;

	if (t && t->app->scaler && !strcmp(t->node, node))
		(void)signals_report(scaling_signals(t->app->scaler->scaling), id, usage,
				     now_ms); /* a task too many is counted there */
}

void scaler_report(struct core *c, const char *node, const json_t *tasks)
{
	uint64_t now_ms = mono_ms();
	struct core_app *a;
	const json_t *v;
	size_t i;
	bool any = false;

	LIST_FOREACH(a, &c->apps, link)
	any = any || a->scaler;
	if (!any)
		return;
	json_array_foreach (tasks, i, v)
		report_one(c, node, v, now_ms);
}

void scaler_task_gone(struct core_task *t)
{
	if (t->app->scaler)
		signals_gone(scaling_signals(t->app->scaler->scaling), t->id);
}

static void push_quota(struct core *c, struct core_task *t, const struct signals_request *quota)
{
	json_t *limits = json_pack("{s:f, s:I}", "cpus", (double)quota->cpus_milli / 1000, "memory",
				   (json_int_t)quota->memory_bytes);

	if (limits && !agents_update(c->agents, t->node, t->id, limits)) {
		t->quota_cpus_milli = quota->cpus_milli;
		t->quota_memory = quota->memory_bytes;
	}
	json_decref(limits);
}

/* What a task started with is its definition's; it is told of anything else. */
static void push_quotas(struct core *c, struct core_app *a)
{
	const struct signals_request *quota = &a->scaler->quota, began = request_of(a);
	struct core_task *t;

	TAILQ_FOREACH(t, &a->tasks, link)
	{
		uint64_t cpus = t->quota_cpus_milli ? t->quota_cpus_milli : began.cpus_milli;
		uint64_t memory = t->quota_memory ? t->quota_memory : began.memory_bytes;

		if (t->state == CORE_RUNNING &&
		    (cpus != quota->cpus_milli || memory != quota->memory_bytes))
			push_quota(c, t, quota);
	}
}

/* As a person would: a new version and a deployment. Return: whether it was accepted. */
static bool set_instances(struct core *c, struct core_app *a, uint32_t instances)
{
	json_t *def = json_copy(a->def);
	struct core_change change = {.id = a->id, .def = def};
	struct core_changed changed = {0};
	struct why why = {""};
	int r = -ENOMEM;

	if (def && json_object_set_new(def, "instances", json_integer(instances)) >= 0)
		r = core_change(c, &change, 1, false, &changed, &why);
	json_decref(changed.locked);
	json_decref(def);
	if (r)
		log_warn("app %s cannot be scaled to %u: %s", a->id, instances,
			 *why.text ? why.text : strerror(-r));
	return !r;
}

static void decide(struct core *c, struct core_app *a, uint64_t now_ms)
{
	const struct scaling_now now = {app_instances(a->def), a->scaler->quota};
	struct scaling_now to = now, done = now;

	(void)scaling_decide(a->scaler->scaling, &now, now_ms, stamp_ms(),
			     &to); /* the history may lack it */
	a->scaler->quota = done.request = to.request;
	/* one deployment at a time: the wish is still there when it has ended */
	if (to.instances != now.instances && !a->deployment && set_instances(c, a, to.instances)) {
		done.instances = to.instances;
		log_info("app %s is scaled from %u to %u", a->id, now.instances, to.instances);
		bus_publish(c->bus, "app_scaled_event",
			    json_pack("{s:s, s:I, s:I}", "appId", a->id, "from",
				      (json_int_t)now.instances, "to", (json_int_t)to.instances));
	}
	scaling_changed(a->scaler->scaling, &now, &done, now_ms);
}

void scaler_tick(struct core *c)
{
	uint64_t now_ms = mono_ms();
	struct core_app *a;

	LIST_FOREACH(a, &c->apps, link)
	{
		if (!follow(a))
			continue;
		decide(c, a, now_ms);
		push_quotas(c, a);
	}
}

json_t *scaler_json(const struct core_app *a)
{
	if (!a->scaler)
		return NULL;
	return json_pack("{s:O, s:{s:f, s:f}, s:O}", "rule", a->scaler->rule, "quota", "cpus",
			 (double)a->scaler->quota.cpus_milli / 1000, "mem",
			 (double)a->scaler->quota.memory_bytes / MIB, "decisions",
			 scaling_history(a->scaler->scaling));
}
