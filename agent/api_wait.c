// SPDX-License-Identifier: Apache-2.0
/* Methods that answer when a task has moved: Wait and Drain. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/api.h"
#include "agent/api_waiters.h"
#include "agent/drain.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "agent/lifecycle.h"

struct waiter {
	struct api_waiters *list;
	struct vl_call *call;
	struct task *task; /* NULL: Drain, waits for all */
	struct waiter *next;
};

static void waiter_free(struct waiter *gone)
{
	struct waiter **p = &gone->list->head;

	while (*p != gone)
		p = &(*p)->next;
	*p = gone->next;
	gone->list->nr--;
	vl_call_unref(gone->call);
	free(gone);
}

static void waiter_gone(struct vl_call *call, void *data)
{
	(void)call; /* the waiter holds it */
	waiter_free(data);
}

static int waiter_new(struct node *n, struct vl_call *call, struct task *task)
{
	struct api_waiters *list = &n->waiters;
	struct waiter *w;

	if (list->nr >= API_WAITERS_MAX)
		return -EUSERS;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (struct waiter){list, vl_call_ref(call), task, list->head};
	list->head = w;
	list->nr++;
	vl_call_on_gone(call, waiter_gone, w);
	return 0;
}

static int reply_ended(struct vl_call *call, const struct task *t)
{
	return vl_reply(call, json_pack("{so ss}", "exit", task_exit_json(&t->exit), "state",
					state_to_string(t->state)));
}

static int too_many(struct vl_call *call)
{
	return vl_error(call, "io.dcos.Agent.LimitReached",
			json_pack("{ss si}", "what", "waiting calls", "limit", API_WAITERS_MAX));
}

int api_wait(struct vl_call *call, json_t *params, void *userdata)
{
	struct task *t = api_task(userdata, call, params);
	int rc;

	if (!t)
		return 0;
	if (state_ended(t->state))
		return reply_ended(call, t);
	rc = waiter_new(userdata, call, t);
	return rc == -EUSERS ? too_many(call) : rc;
}

static json_t *remaining_json(const struct node *n)
{
	return json_pack("{si}", "remaining", node_running(n));
}

/* Nobody drains any more: those who wait for it hear how far it came. */
static void end_drains(struct node *n)
{
	struct waiter *next;

	for (struct waiter *w = n->waiters.head; w; w = next) {
		next = w->next;
		if (w->task)
			continue;
		vl_call_on_gone(w->call, NULL, NULL);
		(void)vl_reply(w->call, remaining_json(n)); /* the peer may be gone */
		waiter_free(w);
	}
}

int api_drain(struct vl_call *call, json_t *params, void *userdata)
{
	struct node *n = userdata;
	int64_t grace_ms = -1;
	bool off = false;
	int rc;

	if (api_bool(call, params, "off", &off) ||
	    api_int(call, params, "grace_ms", 0, API_GRACE_MAX_MS, &grace_ms))
		return 0;
	rc = drain_set(n, !off);
	if (rc)
		return rc;
	if (off)
		end_drains(n);
	else
		drain_kill(n, grace_ms);
	if (off || !node_running(n))
		return vl_reply(call, remaining_json(n));
	rc = waiter_new(n, call, NULL);
	return rc == -EUSERS ? too_many(call) : rc;
}

static void drain_moved(struct waiter *w, const struct node *n)
{
	if (node_running(n)) {
		if (vl_call_more(w->call))
			(void)vl_reply_more(w->call, remaining_json(n)); /* the peer may be gone */
		return;
	}
	vl_call_on_gone(w->call, NULL, NULL);
	(void)vl_reply(w->call, remaining_json(n)); /* likewise */
	waiter_free(w);
}

void api_waiters_moved(struct node *n, struct task *t)
{
	struct waiter *next;

	if (!state_ended(t->state))
		return;
	for (struct waiter *w = n->waiters.head; w; w = next) {
		next = w->next;
		if (w->task == t) {
			vl_call_on_gone(w->call, NULL, NULL);
			(void)reply_ended(w->call, t); /* the peer may be gone */
			waiter_free(w);
		} else if (!w->task) {
			drain_moved(w, n);
		}
	}
}
