// SPDX-License-Identifier: Apache-2.0
/* The sums of what a node's tasks use. */
#include "tools/allocator/metered.h"

#include "tools/allocator/core.h"
#include "tools/allocator/signals.h"
#include "tools/allocator/stamp.h"

#define FRESH_MS 5000 /* a task that said nothing for so long is left out */
#define BITS	 8
#define TOLD_MAX 1000 /* tasks in one event: it must fit the queue of a listener */

/* The sum over the tasks, from the mean. */
static uint64_t sum_of(const struct signals *s, enum signal which, uint64_t now_ms)
{
	/* thousandths of so much are thousandths of a CPU, and bytes */
	static const struct signals_request units = {.cpus_milli = 1000, .memory_bytes = 1000};
	struct signals_value v;

	signals_read(s, which, &units, now_ms, FRESH_MS, &v);
	return v.value * v.reporting;
}

/* For people, in their units. */
static void show(struct core_node *n, const struct policy_resources *used)
{
	(void)json_object_set_new(
		n->doc, "used",
		json_pack("{s:f, s:f, s:I}", "cpus", (double)used->of[POLICY_CPUS] / 1000, "mem",
			  (double)used->of[POLICY_MEMORY] / (1 << 20), "networkBps",
			  (json_int_t)
				  used->of[POLICY_NETWORK])); /* out of memory: it is not shown */
}

void metered_report(struct core *c, const char *node, const json_t *tasks)
{
	struct core_node *n = core_find_node(c, node);
	struct policy_metered metered = {0};
	uint64_t now_ms = mono_ms();
	const json_t *v;
	size_t i;

	if (!n || (!n->use && signals_new(&n->use)))
		return;
	json_array_foreach (tasks, i, v) {
		const char *id = json_string_value(json_object_get(v, "id"))
					 ?: json_string_value(json_object_get(v, "task"));

		if (id)
			(void)signals_report(n->use, id, v, now_ms); /* one too many is counted */
	}
	metered.used.of[POLICY_CPUS] = sum_of(n->use, SIGNAL_CPU, now_ms);
	metered.used.of[POLICY_MEMORY] = sum_of(n->use, SIGNAL_MEMORY, now_ms);
	metered.used.of[POLICY_NETWORK] = BITS * (sum_of(n->use, SIGNAL_RECEIVED, now_ms) +
						  sum_of(n->use, SIGNAL_SENT, now_ms));
	show(n, &metered.used);
	(void)policy_node_metered(c->policy, node, &metered); /* not there when it is lost */
}

void metered_task_gone(struct core *c, const struct core_task *t)
{
	struct core_node *n = core_find_node(c, t->node);

	if (n && n->use)
		signals_gone(n->use, t->id);
}

void metered_node_gone(struct core_node *n)
{
	n->use = signals_free(n->use);
}

struct telling {
	struct core *core;
	json_t *tasks;
	size_t max;
};

static void tell_task(void *arg, const struct signals_task *t)
{
	struct telling *to = arg;
	const struct core_task *is = core_find_task(to->core, t->id);

	if (!is || json_array_size(to->tasks) >= to->max)
		return;
	(void)json_array_append_new(to->tasks,
				    json_pack("{s:s, s:s, s:s, s:f, s:I, s:I, s:I, s:I, s:I}", "id",
					      t->id, "app", is->app->id, "node", is->node, "cpus",
					      (double)t->cpus_milli / 1000, "memory",
					      (json_int_t)t->memory_bytes, "throttled",
					      (json_int_t)t->throttled, "waitP99Us",
					      (json_int_t)t->wait_p99_us, "received",
					      (json_int_t)t->received, "sent",
					      (json_int_t)t->sent)); /* else without */
}

static void tell_node(struct core_node *n, struct telling *to)
{
	if (n->use && n->state != AGENTS_UNREACHABLE)
		signals_each(n->use, mono_ms(), FRESH_MS, tell_task, to);
}

json_t *metered_tasks(struct core *c)
{
	struct telling to = {c, json_array(), SIZE_MAX};
	struct core_node *n;

	LIST_FOREACH(n, &c->nodes, link)
	tell_node(n, &to);
	return to.tasks;
}

void metered_tell(struct core *c)
{
	struct telling to = {c, NULL, TOLD_MAX};
	json_t *nodes;
	struct core_node *n;

	if (!bus_asked(c->bus, BUS_USAGE))
		return;
	to.tasks = json_array();
	nodes = json_object();
	LIST_FOREACH(n, &c->nodes, link)
	{
		tell_node(n, &to);
		if (json_object_get(n->doc, "used"))
			(void)json_object_set(nodes, n->id,
					      json_object_get(n->doc, "used")); /* else without */
	}
	bus_publish(c->bus, BUS_USAGE, json_pack("{s:o, s:o}", "nodes", nodes, "tasks", to.tasks));
}
