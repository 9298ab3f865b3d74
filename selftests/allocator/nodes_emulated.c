// SPDX-License-Identifier: Apache-2.0
/*
 * Nodes for tests of dcos-allocator: they run nothing and say that they do. The label "emulate" of
 * an app chooses what its tasks do: "stage" never to run, "fail" to end at once, "sick" to be
 * unhealthy, "deaf" to lose the first order to end. Five times a second they report what they use: the load that a file says, in thousandths
 * of a CPU, divided among all. SIGUSR1 loses the first node, SIGUSR2 brings it back with its tasks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "agent/lib/cleanup.h"
#include "tools/allocator/app.h"
#include "tools/allocator/nodes.h"

#define NODES_MAX 1000
#define START_US  20000
#define END_US	  20000
#define REPORT_US 200000

struct task {
	LIST_ENTRY(task) link;
	struct agents *agents;
	char *id, *node, *emulate;
	sd_event_source *timer;
	bool running, killed;
	uint64_t cpu_ns;
	double cpus; /* as it was updated last */
};

struct agents {
	sd_event *event;
	const struct agents_ops *ops;
	void *arg;
	LIST_HEAD(, task) tasks;
	sd_event_source *boot, *lose, *restore, *report;
	const char *load;
	unsigned int nr;
	bool lost;
};

const struct opt_row nodes_rows[] = {
	{"emulated", 0, "N", opt_count, offsetof(struct nodes_options, emulated), "1..1000",
	 "so many nodes of 4 CPUs, 4 GiB and 100 ports each"},
	{"load", 0, "FILE", opt_string, offsetof(struct nodes_options, load), "a file",
	 "what all tasks use, in thousandths of a CPU"},
	{},
};

static void tell_node(struct agents *a, unsigned int i, enum agents_state state)
{
	char id[32], rack[32];
	json_t *ports = json_pack("[[i, i]]", 31000, 31099);
	struct agents_node n = {
		.id = id,
		.hostname = id,
		.cpus_milli = 4000,
		.memory = 4ULL << 30,
		.disk = 10ULL << 30,
		.ports = ports,
		.state = state,
		.version = DCOS_VERSION,
	};

	(void)snprintf(id, sizeof(id), "node-%u", i); /* these fit */
	(void)snprintf(rack, sizeof(rack), "rack-%u", i % 2);
	n.attributes = json_pack("{s:s}", "rack", rack);
	a->ops->node(a->arg, &n);
	json_decref(n.attributes);
	json_decref(ports);
}

static void tell(struct task *t, const char *state, const char *reason)
{
	json_t *s = json_pack("{s:s, s:s, s:s}", "task", t->id, "state", state, "reason", reason);

	if (!strcmp(state, "RUNNING") && !strcmp(t->emulate, "sick"))
		(void)json_object_set_new(s, "healthy", json_false()); /* seen by the test */
	t->agents->ops->status(t->agents->arg, t->node, s, NULL, NULL);
	json_decref(s);
}

static void task_free(struct task *t)
{
	LIST_REMOVE(t, link);
	sd_event_source_disable_unref(t->timer);
	free(t->id);
	free(t->node);
	free(t->emulate);
	free(t);
}

static bool cut_off(const struct task *t)
{
	return t->agents->lost && !strcmp(t->node, "node-0");
}

static int moves(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct task *t = userdata;

	(void)source; /* is t->timer */
	(void)usec;
	if (cut_off(t) || (!t->killed && !strcmp(t->emulate, "stage")))
		return 0;
	if (t->killed || !strcmp(t->emulate, "fail")) {
		tell(t, t->killed ? "KILLED" : "FAILED", t->killed ? "" : "exit status 1");
		task_free(t);
		return 0;
	}
	t->running = true;
	tell(t, "RUNNING", "");
	return 0;
}

int agents_launch(struct agents *a, const char *node, json_t *spec, struct why *why)
{
	const char *emulate = app_text(json_object_get(spec, "labels"), "emulate") ?: "";
	struct task *t = calloc(1, sizeof(*t));

	if (!t || (!json_object_get(spec, "cmd") && !json_object_get(spec, "command")))
		return why_set(why, -EINVAL, "command: required");
	*t = (struct task){.agents = a,
			   .id = strdup(app_text(spec, "id")),
			   .node = strdup(node),
			   .emulate = strdup(emulate)};
	LIST_INSERT_HEAD(&a->tasks, t, link);
	return sd_event_add_time_relative(a->event, &t->timer, CLOCK_MONOTONIC, START_US, 1000,
					  moves, t) < 0
		       ? -ENOMEM
		       : 0;
}

int agents_kill(struct agents *a, const char *node, const char *task, uint32_t grace_ms)
{
	struct task *t;

	(void)node;
	(void)grace_ms;
	LIST_FOREACH(t, &a->tasks, link)
	if (!strcmp(t->id, task)) {
		if (!strcmp(t->emulate, "deaf")) {
			*t->emulate = '\0';
			return 0;
		}
		t->killed = true;
		(void)sd_event_source_set_time_relative(t->timer, END_US);
		(void)sd_event_source_set_enabled(t->timer, SD_EVENT_ONESHOT);
		return 0;
	}
	return -ENOENT;
}

int agents_update(struct agents *a, const char *node, const char *task, json_t *resources)
{
	struct task *t;

	(void)node;
	LIST_FOREACH(t, &a->tasks, link)
	if (!strcmp(t->id, task)) {
		t->cpus = json_number_value(json_object_get(resources, "cpus"));
		return 0;
	}
	return -ENOENT;
}

int agents_drain(struct agents *a, const char *node, bool on)
{
	tell_node(a, node[strlen("node-")] - '0', on ? AGENTS_DRAINING : AGENTS_ACTIVE);
	return 0;
}

static int boot(sd_event_source *source, void *userdata)
{
	struct agents *a = userdata;

	(void)source;
	for (unsigned int i = 0; i < a->nr; i++)
		tell_node(a, i, AGENTS_ACTIVE);
	return 0;
}

static uint64_t read_load(const struct agents *a)
{
	cleanup_fclose FILE *f = fopen(a->load, "re");
	unsigned long long load = 0;

	if (!f || fscanf(f, "%llu", &load) != 1)
		return 0;
	return load;
}

static void report_node(struct agents *a, unsigned int i, uint64_t each_ns, uint64_t at_ms)
{
	json_t *list = json_array();
	struct task *t;
	char id[32];

	(void)snprintf(id, sizeof(id), "node-%u", i); /* fits */
	LIST_FOREACH(t, &a->tasks, link)
	{
		if (!t->running || t->killed || strcmp(t->node, id) != 0)
			continue;
		t->cpu_ns += each_ns;
		(void)json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "id", t->id,
							    "cpu_ns", (json_int_t)t->cpu_ns,
							    "memory_bytes", (json_int_t)1 << 20));
	}
	a->ops->report(a->arg, id, list, at_ms);
	json_decref(list);
}

static int report(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct agents *a = userdata;
	uint64_t running = 0;
	struct task *t;

	LIST_FOREACH(t, &a->tasks, link)
	running += t->running && !t->killed;
	for (unsigned int i = 0; i < a->nr; i++)
		report_node(a, i, running ? read_load(a) * REPORT_US / running : 0, usec / 1000);
	(void)sd_event_source_set_time_relative(source, REPORT_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int lose(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
	struct agents *a = userdata;
	struct task *t;

	(void)source;
	a->lost = si->ssi_signo == SIGUSR1;
	tell_node(a, 0, a->lost ? AGENTS_UNREACHABLE : AGENTS_ACTIVE);
	LIST_FOREACH(t, &a->tasks, link)
	if (!a->lost && !strcmp(t->node, "node-0") && t->running)
		(void)sd_event_source_set_enabled(t->timer, SD_EVENT_ONESHOT);
	return 0;
}

int nodes_begin(sd_event *event, const struct nodes_options *o, const struct agents_ops *ops,
		void *arg, struct agents **ret, struct why *why)
{
	struct agents *a = calloc(1, sizeof(*a));
	sigset_t mask;

	if (!a)
		return -ENOMEM;
	*a = (struct agents){.event = event,
			     .ops = ops,
			     .arg = arg,
			     .load = o->load,
			     .nr = (unsigned int)o->emulated.value};
	LIST_INIT(&a->tasks);
	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGUSR1);
	(void)sigaddset(&mask, SIGUSR2);
	(void)sigprocmask(SIG_BLOCK, &mask, NULL);
	if (a->nr > NODES_MAX || sd_event_add_defer(event, &a->boot, boot, a) < 0 ||
	    (a->load && sd_event_add_time_relative(event, &a->report, CLOCK_MONOTONIC, REPORT_US,
						   1000, report, a) < 0) ||
	    sd_event_add_signal(event, &a->lose, SIGUSR1, lose, a) < 0 ||
	    sd_event_add_signal(event, &a->restore, SIGUSR2, lose, a) < 0) {
		nodes_end(a);
		return why_set(why, -EINVAL, "--emulated: 1..%d", NODES_MAX);
	}
	*ret = a;
	return 0;
}

struct agents *nodes_end(struct agents *a)
{
	if (!a)
		return NULL;
	while (!LIST_EMPTY(&a->tasks))
		task_free(LIST_FIRST(&a->tasks));
	sd_event_source_disable_unref(a->boot);
	sd_event_source_disable_unref(a->report);
	sd_event_source_disable_unref(a->lose);
	sd_event_source_disable_unref(a->restore);
	free(a);
	return NULL;
}

void agents_counters(const struct agents *a, struct agents_counters *ret)
{
	*ret = (struct agents_counters){.connected = a ? a->nr : 0};
}

int agents_log(struct agents *a, const char *node, const char *task, const char *stream,
	       size_t bytes, void (*done)(void *arg, const char *text, const char *why), void *arg)
{
	(void)a;
	(void)node;
	(void)bytes;
	done(arg, strcmp(stream, "stdout") ? NULL : task, "only stdout here");
	return 0;
}
