// SPDX-License-Identifier: Apache-2.0
/* The policy's view of nodes, apps and tasks, and what follows from its placements. */
#include <errno.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "tools/allocator/core.h"
#include "tools/allocator/stamp.h"

#define MIB		(1024.0 * 1024.0)
#define STEP_PLACEMENTS 1000 /* in one turn */
#define VICTIMS_BURST	32 /* tasks that may be ended for others at once, */
#define VICTIMS_PER_S	4 /* and in a second after that */
#define ATTRIBUTES_MAX	64 /* of a node that constraints can use */

static struct policy_resources request_of(const json_t *def)
{
	return (struct policy_resources){
		.of = {
			[POLICY_CPUS] = (uint64_t)(app_number(def, "cpus") * 1000 + 0.5),
			[POLICY_MEMORY] = (uint64_t)(app_number(def, "mem") * MIB),
			[POLICY_DISK] = (uint64_t)(app_number(def, "disk") * MIB),
		}};
}

static size_t ports_of(const json_t *def, uint16_t ports[POLICY_PORTS_MAX])
{
	json_t *maps = json_object_get(json_object_get(def, "container"), "portMappings"), *v;
	bool mapped = json_array_size(maps);
	bool fixed = json_is_true(json_object_get(def, "requirePorts"));
	size_t i, nr = app_ports_nr(def);

	json_array_foreach (mapped ? maps : json_object_get(def, "portDefinitions"), i, v)
		ports[i] = mapped  ? (uint16_t)app_number(v, "hostPort")
			   : fixed ? (uint16_t)app_number(v, "port")
				   : 0;
	return nr;
}

int place_app(struct core *c, const struct core_app *a, struct why *why)
{
	struct policy_constraint constraints[POLICY_CONSTRAINTS_MAX];
	uint16_t ports[POLICY_PORTS_MAX];
	json_t *roles = json_object_get(a->def, "acceptedResourceRoles"), *v;
	const char *role = app_text(a->def, "role");
	struct policy_demand d = {
		.id = a->id,
		.role = !strcmp(role, "*") ? "" : role,
		.request = request_of(a->def),
		.ports = ports,
		.ports_nr = ports_of(a->def, ports),
		.constraints = constraints,
		.wanted = a->tasks_nr,
		.preempts = true, /* roles are equal until one is given a priority */
	};
	size_t i;

	json_array_foreach (json_object_get(a->def, "constraints"), i, v) {
		constraints[i] = (struct policy_constraint){
			.field = json_string_value(json_array_get(v, 0)),
			.value = json_string_value(json_array_get(v, 2)),
		};
		(void)policy_operator_parse(json_string_value(json_array_get(v, 1)),
					    &constraints[i].op); /* checked when it was accepted */
		d.constraints_nr++;
	}
	json_array_foreach (roles, i, v)
		d.accept |= !strcmp(json_string_value(v), "*") ? POLICY_ACCEPT_UNRESERVED
							       : POLICY_ACCEPT_RESERVED;
	return policy_demand_set(c->policy, &d, why);
}

void place_app_gone(struct core *c, const char *id)
{
	(void)policy_demand_remove(c->policy, id); /* never there when it could not be placed */
}

void place_task(struct core *c, const struct core_task *t)
{
	struct policy_instance i = {.id = t->id,
				    .demand = t->app->id,
				    .node = t->node,
				    .ports = t->ports,
				    .ports_nr = t->ports_nr};
	struct why why = {};
	int r = policy_instance_add(c->policy, &i, &why);

	if (r < 0 && r != -EEXIST)
		log_warn("task %s is not counted on %s: %s", t->id, t->node, why.text);
}

void place_task_gone(struct core *c, const char *id)
{
	(void)policy_instance_remove(c->policy, id); /* not there when its node was gone */
}

/* Tasks that run there from before. */
static void count_tasks(struct core *c, const char *node)
{
	struct core_app *a;
	struct core_task *t;

	LIST_FOREACH(a, &c->apps, link)
	TAILQ_FOREACH(t, &a->tasks, link)
	if (!strcmp(t->node, node))
		place_task(c, t);
}

int place_node(struct core *c, const struct agents_node *n)
{
	struct policy_attribute attributes[ATTRIBUTES_MAX];
	struct policy_range ranges[POLICY_RANGES_MAX];
	struct policy_node p = {
		.id = n->id,
		.name = n->hostname,
		.total = {.of = {[POLICY_CPUS] = n->cpus_milli,
				 [POLICY_MEMORY] = n->memory,
				 [POLICY_DISK] = n->disk,
				 [POLICY_NETWORK] = n->network_bps}},
		.attributes = attributes,
		.ports = ranges,
		.accepts = n->state == AGENTS_ACTIVE,
	};
	struct why why = {};
	const char *key;
	json_t *v;
	size_t i;
	int r;

	if (n->state == AGENTS_GONE)
		return policy_node_remove(c->policy, n->id) == -ENOMEM ? -ENOMEM : 0;
	json_object_foreach (n->attributes, key, v) {
		if (p.attributes_nr < ATTRIBUTES_MAX && json_is_string(v))
			attributes[p.attributes_nr++] =
				(struct policy_attribute){key, json_string_value(v)};
		if (!strcmp(key, "zone"))
			p.zone = json_string_value(v);
		if (!strcmp(key, "region"))
			p.region = json_string_value(v);
	}
	json_array_foreach (n->ports, i, v)
		if (i < POLICY_RANGES_MAX)
			ranges[p.ports_nr++] = (struct policy_range){
				(uint16_t)json_integer_value(json_array_get(v, 0)),
				(uint16_t)json_integer_value(json_array_get(v, 1))};
	r = policy_node_set(c->policy, &p, &why);
	if (r < 0) {
		log_warn("node %s: %s", n->id, why.text);
		return r;
	}
	count_tasks(c, n->id);
	return 0;
}

void place_wanted(struct core *c, const struct core_app *a, uint32_t wanted, bool hold)
{
	(void)policy_demand_wanted(c->policy, a->id, wanted, hold); /* place_why() tells it */
}

/* "app.shop.web.5f0c...": of characters that a task id may have. */
static void make_id(const struct core_app *a, char *buf)
{
	sd_id128_t random = {};
	char text[SD_ID128_STRING_MAX];

	(void)sd_id128_randomize(&random); /* getrandom(2), which works */
	(void)sd_id128_to_string(random, text); /* cannot fail */
	(void)snprintf(buf, CORE_TASK_ID_SIZE, "app.%.80s.%.20s", a->id + 1, text); /* fits */
	for (char *p = buf; *p; p++)
		if (*p == '/')
			*p = '.';
}

static void launch_failed(struct core *c, struct core_task *t, const char *why)
{
	json_t *status =
		json_pack("{s:s, s:s, s:s}", "task", t->id, "state", "FAILED", "reason", why);
	cleanup_free char *node = strdup(t->node);

	if (status && node)
		core_agents_ops.status(c, node, status, NULL, NULL);
	json_decref(status);
}

/* The order; who is told to start a task is told after it was written down. */
static void launch(struct core *c, struct core_task *t)
{
	struct why why = {};
	json_t *spec = launch_spec(t);
	int r = spec ? agents_launch(c->agents, t->node, spec, &why) : -ENOMEM;

	json_decref(spec);
	if (r < 0)
		launch_failed(c, t, *why.text ? why.text : strerror(-r));
}

/* Return: the task, which is about to be written down; NULL: there is none. */
static struct core_task *place(struct core *c, const struct policy_placement *p)
{
	struct core_app *a = core_find_app(c, p->demand);
	struct core_node *n = core_find_node(c, p->node);
	char id[CORE_TASK_ID_SIZE];
	struct core_task *t;

	if (a)
		make_id(a, id);
	t = a && n ? task_add(c, a, id, n->id, n->host) : NULL;
	if (!t || policy_instance_name(c->policy, p->instance, id) < 0) {
		(void)policy_instance_remove(c->policy, p->instance); /* it is no more, or goes */
		if (t)
			task_gone(c, t);
		return NULL;
	}
	memcpy(t->ports, p->ports, p->ports_nr * sizeof(*p->ports));
	t->ports_nr = p->ports_nr;
	c->counters.launched++;
	if (!task_keep(c, t))
		return t;
	launch_failed(c, t, "it cannot be written down");
	return NULL;
}

/* Those whose room a role of higher priority gets. */
static void end_victims(struct core *c, const struct policy_result *result)
{
	for (size_t i = 0; i < result->victims_nr; i++) {
		const struct policy_victim *v = &result->victims[i];
		struct core_task *t = core_find_task(c, v->instance);

		if (t)
			task_preempt(c, t, v->by);
		else
			log_warn("%s is not there to be preempted", v->instance);
	}
	c->victims_left -= (unsigned int)result->victims_nr;
}

void place_tick(struct core *c)
{
	c->victims_left += VICTIMS_PER_S;
	if (c->victims_left > VICTIMS_BURST)
		c->victims_left = VICTIMS_BURST;
}

void place_turn(struct core *c)
{
	const struct policy_budget budget = {.placements = STEP_PLACEMENTS,
					     .victims = c->victims_left};
	struct core_task *placed[STEP_PLACEMENTS];
	struct policy_result result = {};
	struct why why = {};
	size_t nr = 0;
	int r;

	if (policy_step(c->policy, &budget, &result) < 0)
		log_warn("out of memory while placing");
	end_victims(c, &result);
	for (size_t i = 0; i < result.placements_nr; i++) {
		placed[nr] = place(c, &result.placements[i]);
		nr += placed[nr] != NULL;
	}
	r = nr ? keep_flush(c, &why) : 0;
	for (size_t i = 0; i < nr; i++) {
		if (r)
			launch_failed(c, placed[i], why.text);
		else
			launch(c, placed[i]);
	}
	if (result.placements_nr == STEP_PLACEMENTS)
		core_turn(c);
}

json_t *place_why(struct core *c, const char *app)
{
	struct policy_explanation e;
	json_t *reasons = json_array();

	if (policy_explain(c->policy, app, &e) < 0)
		return json_pack("{s:s, s:o}", "wait", "not a demand that can be placed", "filters",
				 reasons);
	for (int i = 0; i < POLICY_FILTERS; i++)
		if (e.failed[i])
			(void)json_array_append_new(
				reasons, json_pack("{s:s, s:I}", "reason",
						   policy_filter_name((enum policy_filter)i),
						   "nodes", (json_int_t)e.failed[i]));
	return json_pack("{s:s, s:I, s:o, s:s?, s:s?, s:s, s:I}", "wait", policy_wait_name(e.wait),
			 "nodes", (json_int_t)e.nodes, "filters", reasons, "role", e.role,
			 "nearest", e.nearest, "dimension", policy_dimension_name(e.dimension),
			 "shortBy", (json_int_t)e.short_by);
}
