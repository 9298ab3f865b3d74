// SPDX-License-Identifier: Apache-2.0
/* When checks are tried, what their results mean, and the end of tasks that fail too often. */
#include "agent/health.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/health_probe.h"
#include "agent/lib/log.h"
#include "agent/lifecycle.h"

#define ACCURACY_US  10000
#define POSTPONED_US 100000 /* when too many attempts are under way */

struct health_check {
	struct health_probe probe; /* its data: this */
	sd_event_source *timer; /* of the next attempt */
	bool known, alive, succeeded; /* succeeded: ever */
	uint64_t failures; /* in a row */
	uint64_t first_success_us, last_failure_us; /* since 1970; 0 never */
	char cause[TASK_REASON_MAX]; /* of the last failure */
};

struct health {
	size_t nr;
	struct health_check checks[];
};

static void again(struct health_check *c, uint64_t us)
{
	/* both fail for bad arguments only */
	(void)sd_event_source_set_time_relative(c->timer, us);
	(void)sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
}

/* Of the task, in wall clock time, so that it goes on over a restart of the agent. */
static bool in_grace(const struct health_check *c, uint64_t now_us)
{
	const struct task *t = c->probe.task;

	return !c->succeeded && now_us < t->started_unix_us + c->probe.check->grace_us;
}

static void give_up(const struct health_check *c)
{
	struct task *t = c->probe.task;
	int err;

	(void)snprintf(t->unhealthy, sizeof(t->unhealthy), /* a cut one is true */
		       "killed by the agent: health check (%s) failed %" PRIu64 " times: %.160s",
		       task_health_protocol(c->probe.check->protocol), c->failures, c->cause);
	err = task_kill(t, t->spec->kill_signal, t->spec->kill_grace_us);
	if (!err)
		return;
	log_msg(LOG_ERR, t->spec->ct.id, "kill: %s", strerror(-err));
	t->unhealthy[0] = '\0'; /* tried again after the next failure */
}

static void failed(struct health_check *c, const char *cause)
{
	const struct task *t = c->probe.task;
	uint64_t now = unix_now_us();

	c->last_failure_us = now;
	(void)snprintf(c->cause, sizeof(c->cause), "%s", cause); /* likewise */
	if (in_grace(c, now))
		return;
	c->failures++;
	if (!c->known || c->alive)
		log_msg(LOG_NOTICE, t->spec->ct.id, "unhealthy: %s", c->cause);
	c->known = true;
	c->alive = false;
	if (c->probe.check->max_failures && c->failures >= c->probe.check->max_failures)
		give_up(c);
}

static void succeeded(struct health_check *c)
{
	if (!c->first_success_us)
		c->first_success_us = unix_now_us();
	if (!c->alive)
		log_msg(LOG_INFO, c->probe.task->spec->ct.id, "healthy (%s)",
			task_health_protocol(c->probe.check->protocol));
	c->known = c->alive = c->succeeded = true;
	c->failures = 0;
}

static void take_result(struct health_probe *p, const char *failure)
{
	struct health_check *c = p->data;

	if (p->task->state != TASK_RUNNING)
		return; /* it is ending, of that a check would only see the consequences */
	if (failure)
		failed(c, failure);
	else
		succeeded(c);
	again(c, p->check->interval_us);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct health_check *c = userdata;
	struct node *n = c->probe.task->node;
	struct why why = {0};

	(void)source; /* is c->timer, one-shot */
	(void)usec;
	if (c->probe.task->state != TASK_RUNNING)
		return 0;
	if (n->health_busy >= HEALTH_BUSY_MAX) {
		n->health_postponed++;
		again(c, POSTPONED_US);
	} else if (probe_begin(&c->probe, &why)) {
		take_result(&c->probe, why.text);
	}
	return 0;
}

static int add_check(struct health *h, struct task *t, const struct task_health *spec)
{
	struct health_check *c = &h->checks[h->nr++];

	c->probe = (struct health_probe){
		.task = t, .check = spec, .done = take_result, .data = c, .fd = -1, .pidfd = -1};
	return sd_event_add_time_relative(t->node->event, &c->timer, CLOCK_MONOTONIC,
					  spec->delay_us, ACCURACY_US, on_timer, c);
}

void health_start(struct task *t)
{
	size_t nr = t->spec->health_nr;
	struct health *h = NULL;
	int err = -ENOMEM;

	if (!nr || t->health)
		return;
	h = calloc(1, sizeof(*h) + nr * sizeof(h->checks[0]));
	for (size_t i = 0; h && i < nr; i++) {
		err = add_check(h, t, &t->spec->health[i]);
		if (err < 0)
			break;
	}
	if (err < 0) {
		log_msg(LOG_ERR, t->spec->ct.id, "its health is not checked: %s", strerror(-err));
		h = health_free(h);
	}
	t->health = h;
}

struct health *health_free(struct health *h)
{
	for (size_t i = 0; h && i < h->nr; i++) {
		probe_abort(&h->checks[i].probe);
		sd_event_source_disable_unref(h->checks[i].timer);
	}
	free(h);
	return NULL;
}

static void put_time(json_t *doc, const char *key, uint64_t us)
{
	if (us)
		(void)json_object_set_new(doc, key, json_integer((json_int_t)us)); /* ?int */
}

static json_t *check_json(const struct health_check *c)
{
	json_t *doc =
		json_pack("{ss sI}", "protocol", task_health_protocol(c->probe.check->protocol),
			  "consecutive_failures", (json_int_t)c->failures);

	if (!doc)
		return NULL;
	if (c->known)
		(void)json_object_set_new(doc, "alive", json_boolean(c->alive)); /* ?bool */
	put_time(doc, "first_success_unix_us", c->first_success_us);
	put_time(doc, "last_failure_unix_us", c->last_failure_us);
	if (c->last_failure_us)
		(void)json_object_set_new(doc, "last_failure", json_string(c->cause)); /* ?string */
	return doc;
}

void health_put(const struct task *t, json_t *doc)
{
	const struct health *h = t->health;
	json_t *list = h ? json_array() : NULL;
	bool known = true, alive = true;

	for (size_t i = 0; h && i < h->nr; i++) {
		known &= h->checks[i].known;
		alive &= !h->checks[i].known || h->checks[i].alive;
		(void)json_array_append_new(list, check_json(&h->checks[i])); /* else shorter */
	}
	if (!h)
		return;
	if (known || !alive)
		(void)json_object_set_new(doc, "healthy", json_boolean(alive)); /* ?bool */
	(void)json_object_set_new(doc, "health", list); /* likewise */
}
