// SPDX-License-Identifier: Apache-2.0
/* /v2/deployments, /v2/info, /v2/leader, /v2/nodes, /ping and /metrics. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/allocator/api.h"
#include "tools/allocator/metered.h"

static void ping(struct api_call *call)
{
	call->text = strdup("pong");
	call->type = "text/plain; charset=utf-8";
	call->status = call->text ? 200 : 500;
}

static const char *self(struct api_call *call)
{
	return call->query(call->query_arg, NULL) ?: "";
}

static void info(struct api_call *call)
{
	api_answer(call, 200,
		   json_pack("{s:s, s:s, s:s, s:s, s:b, s:{s:b}, s:{}, s:{}, s:{s:s}}", "name",
			     "marathon", "version", DCOS_VERSION, "frameworkId",
			     call->core->framework, "leader", self(call), "elected", true,
			     "marathon_config", "features", false, "zookeeper_config",
			     "http_config", "event_subscriber", "type", "sse"));
}

static void leader(struct api_call *call)
{
	api_answer(call, 200, json_pack("{s:s}", "leader", self(call)));
}

static json_t *all_nodes(const struct core *c)
{
	json_t *list = json_array();
	struct core_node *n;

	LIST_FOREACH(n, &c->nodes, link)
	(void)json_array_append(list, n->doc); /* out of memory: shorter */
	return list;
}

static void nodes(struct api_call *call)
{
	api_answer(call, 200, json_pack("{s:o}", "nodes", all_nodes(call->core)));
}

/* Ours: what all tasks use now, by the meters of their nodes. */
static void usage(struct api_call *call)
{
	api_answer(call, 200,
		   json_pack("{s:s, s:o, s:o}", "version", DCOS_VERSION, "nodes",
			     all_nodes(call->core), "tasks", metered_tasks(call->core)));
}

static void list_deployments(struct api_call *call)
{
	const char *embed = call->query(call->query_arg, "embed");
	bool reason = embed && !strcmp(embed, "reason");
	json_t *list = json_array();
	const struct deployment *d;

	TAILQ_FOREACH(d, &call->core->deployments, link)
	(void)json_array_append_new(list, deployment_json(d, reason)); /* likewise */
	api_answer(call, 200, list);
}

static void delete_deployment(struct api_call *call)
{
	const char *id = *call->rest ? call->rest + 1 : "";
	struct deployment *d = deployment_find(call->core, id);
	struct core_changed changed = {};
	struct why why = {};
	int r;

	if (!d) {
		api_says(call, 404, "DeploymentPlan %s does not exist", id);
	} else if (api_flag(call, "force", false)) {
		deployment_cancel(call->core, d, "ended by a user");
		call->status = 202;
	} else {
		r = deployment_rollback(call->core, d, &changed, &why);
		api_changed(call, 200, r, &changed, &why);
	}
}

static void add(FILE *f, const char *name, const char *type, const char *help, uint64_t value)
{
	/* errors are seen when it is closed */
	(void)fprintf(f, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name,
		      (unsigned long long)value);
}

static void add_all(FILE *f, struct core *c)
{
	const struct core_counters *n = &c->counters;
	uint64_t tasks = 0, nodes_active = 0;
	const struct core_node *node;
	const struct core_app *a;
	struct bus_counters b;

	LIST_FOREACH(a, &c->apps, link)
	tasks += a->tasks_nr;
	LIST_FOREACH(node, &c->nodes, link)
	nodes_active += node->state == AGENTS_ACTIVE;
	bus_counters(c->bus, &b);
	add(f, "dcos_allocator_apps", "gauge", "apps", c->apps_nr);
	add(f, "dcos_allocator_tasks", "gauge", "tasks that have not ended", tasks);
	add(f, "dcos_allocator_nodes_active", "gauge", "nodes that take tasks", nodes_active);
	add(f, "dcos_allocator_deployments", "gauge", "deployments under way", c->deployments_nr);
	add(f, "dcos_allocator_deployments_total", "counter", "deployments begun", n->deployments);
	add(f, "dcos_allocator_deployments_failed_total", "counter", "deployments ended early",
	    n->deployments_failed);
	add(f, "dcos_allocator_changes_refused_total", "counter", "changes not accepted",
	    n->changes_refused);
	add(f, "dcos_allocator_launched_total", "counter", "tasks launched", n->launched);
	add(f, "dcos_allocator_ended_total", "counter", "tasks ended", n->ended);
	add(f, "dcos_allocator_failed_total", "counter", "tasks ended unexpectedly", n->failed);
	add(f, "dcos_allocator_kills_total", "counter", "orders to end a task", n->kills);
	add(f, "dcos_allocator_preempted_total", "counter",
	    "tasks ended for a role of higher priority", n->preempted);
	add(f, "dcos_allocator_statuses_total", "counter", "status updates", n->statuses);
	add(f, "dcos_allocator_statuses_unknown_total", "counter",
	    "status updates of unknown tasks", n->statuses_unknown);
	add(f, "dcos_allocator_events_total", "counter", "events", b.events);
	add(f, "dcos_allocator_listeners", "gauge", "listeners of events", b.listeners);
	add(f, "dcos_allocator_listeners_dropped_total", "counter",
	    "listeners that read too slowly", b.dropped);
	add(f, "dcos_allocator_listeners_refused_total", "counter", "listeners over the bound",
	    b.refused);
}

static void add_agents(FILE *f, struct core *c)
{
	struct agents_counters n;

	agents_counters(c->agents, &n);
	add(f, "dcos_allocator_agents_connected", "gauge", "connections of nodes", n.connected);
	add(f, "dcos_allocator_agents_registered_total", "counter", "nodes that were let in",
	    n.registered);
	add(f, "dcos_allocator_agents_lost_total", "counter", "nodes that were lost", n.lost);
	add(f, "dcos_allocator_agents_reports_total", "counter", "reports of nodes", n.reports);
	add(f, "dcos_allocator_agents_bytes_total", "counter", "bytes of them", n.bytes);
	add(f, "dcos_allocator_agents_refused_tls_total", "counter",
	    "connections whose certificate or TLS was refused", n.refused_tls);
	add(f, "dcos_allocator_agents_refused_identity_total", "counter",
	    "nodes whose certificate is another's", n.refused_identity);
	add(f, "dcos_allocator_agents_refused_twice_total", "counter",
	    "nodes that are there already", n.refused_twice);
	add(f, "dcos_allocator_agents_refused_other_total", "counter",
	    "connections over the bound, silent ones, and what is no registration",
	    n.refused_other);
}

static void metrics(struct api_call *call)
{
	size_t size;
	FILE *f = open_memstream(&call->text, &size);

	if (f)
		add_all(f, call->core);
	if (f)
		add_agents(f, call->core);
	call->status = f && !fclose(f) ? 200 : 500;
	call->type = "text/plain; version=0.0.4; charset=utf-8";
}

const struct api_route state_routes[] = {
	{"GET", "/ping", false, ping},
	{"GET", "/metrics", false, metrics},
	{"GET", "/v2/info", false, info},
	{"GET", "/v2/leader", false, leader},
	{"GET", "/v2/nodes", false, nodes},
	{"GET", "/v2/usage", false, usage},
	{"GET", "/v2/deployments", false, list_deployments},
	{"DELETE", "/v2/deployments", true, delete_deployment},
	{},
};
