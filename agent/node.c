// SPDX-License-Identifier: Apache-2.0
/* The node's table of tasks, and the small things that all parts of the agent need. */
#include "agent/node.h"

#include <string.h>
#include <time.h>

struct task *node_find(const struct node *n, const char *id)
{
	for (int i = 0; i < n->tasks_nr; i++)
		if (!strcmp(n->tasks[i]->spec->ct.id, id))
			return n->tasks[i];
	return NULL;
}

int node_running(const struct node *n)
{
	int running = 0;

	for (int i = 0; i < n->tasks_nr; i++)
		running += !state_ended(n->tasks[i]->state);
	return running;
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts); /* cannot fail with these clocks */
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

uint64_t unix_now_us(void)
{
	return now_ns(CLOCK_REALTIME) / 1000;
}

uint64_t mono_now_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

json_t *task_exit_json(const struct task_exit *x)
{
	json_t *doc = json_pack("{sb sb sI ss}", "known", x->known, "oom", x->oom, "ended_unix_us",
				(json_int_t)x->ended_unix_us, "reason", x->reason);

	if (doc && x->known && x->code >= 0)
		(void)json_object_set_new(doc, "code", json_integer(x->code)); /* ?int: may lack */
	if (doc && x->sig)
		(void)json_object_set_new(doc, "signal", json_integer(x->sig));
	return doc;
}

json_t *task_warnings_json(const struct task *t)
{
	json_t *list = json_array();

	for (int i = 0; list && i < t->warnings_nr; i++)
		(void)json_array_append_new(list, json_string(t->warnings[i])); /* best effort */
	return list;
}
