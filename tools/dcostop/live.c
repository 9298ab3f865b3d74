// SPDX-License-Identifier: Apache-2.0
/*
 * The agent's side of dcostop. Two connections, so that a subscription and calls do not wait for
 * each other, and nothing here waits for an answer: an agent that is stopped or busy shows, and
 * keys go on to work. Only connect(2) may wait, when the queue of the agent's socket is full.
 */
#include <errno.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/dcostop/top.h"

#define APPS_AGAIN_NS INT64_C(5000000000) /* labels of new tasks are asked for so often at most */

int live_open(struct top *t)
{
	cleanup_client struct vl_client *c = NULL;
	int r;

	t->why.text[0] = 0;
	r = client_open(client_socket(t->o.socket), &c, &t->why);
	if (!r)
		r = client_more(c, "Info", NULL, &t->why);
	if (r < 0)
		return r;
	t->live.feed = take_ptr(c);
	t->live.subscribed = false;
	model_restart(&t->model);
	return 0;
}

void live_close(struct top *t)
{
	t->live.feed = vl_client_free(t->live.feed);
	t->live.ask = vl_client_free(t->live.ask);
	t->live.asked = ASK_NOTHING;
}

static int subscribe(struct top *t, const json_t *info)
{
	json_t *params = json_object();

	(void)snprintf(t->node.name, sizeof(t->node.name), "%s", field_str(info, "node"));
	(void)snprintf(t->node.version, sizeof(t->node.version), "%s", field_str(info, "version"));
	t->node.memory_bytes = (uint64_t)field_int(info, "memory_bytes", 0);
	t->model.ncpu = (uint32_t)field_int(info, "ncpu", 1);
	if (t->o.interval_ms.given)
		(void)json_object_set_new(params, "interval_ms", /* out of memory: the call fails */
					  json_integer((json_int_t)t->o.interval_ms.value));
	t->live.subscribed = true;
	return client_more(t->live.feed, "Subscribe", params, &t->why);
}

static int take_snapshot(struct top *t, const json_t *snapshot, bool skip)
{
	if (!json_is_object(snapshot))
		return why_set(&t->why, -EBADMSG, "the agent sent no proper snapshot");
	if (t->recorder && recorder_add(t->recorder, snapshot, &t->why) < 0) {
		/* what is shown is worth more than what can't be kept */
		if (!t->screen)
			return -EIO;
		(void)snprintf(t->choice.message, sizeof(t->choice.message), "%s; it ends here",
			       t->why.text);
		t->why.text[0] = 0;
		t->recorder = recorder_free(t->recorder);
		t->record_failed = true;
	}
	if (skip)
		model_skip(&t->model, snapshot);
	else if (model_read(&t->model, snapshot) < 0)
		return why_set(&t->why, -EBADMSG, "the agent sent no proper snapshot");
	return 1;
}

int live_next(struct top *t, int timeout_ms, bool skip)
{
	cleanup_json json_t *reply = NULL;
	bool more = false;
	int r;

	t->why.text[0] = 0;
	r = client_next(t->live.feed, timeout_ms, &reply, &more, &t->why);
	if (r == -EINTR)
		return 0;
	if (r <= 0)
		return r;
	if (!t->live.subscribed) {
		if (t->recorder)
			recorder_node(t->recorder, reply);
		return subscribe(t, reply);
	}
	r = take_snapshot(t, json_object_get(reply, "snapshot"), skip);
	if (r > 0 && !more)
		return why_set(&t->why, -EPIPE, "the agent ended the subscription");
	return r;
}

/* ---- questions, one at a time ---- */

static void tell(struct top *t, const char *text)
{
	(void)snprintf(t->choice.message, sizeof(t->choice.message), "%s", text); /* may be cut */
}

static void forget_question(struct top *t, const struct why *why)
{
	if (t->live.asked == ASK_KILL || t->live.asked == ASK_CPUS)
		tell(t, why->text);
	else if (t->live.asked == ASK_PAST)
		past_add(&t->past, t->live.asked_id, NULL);
	else if (t->live.asked == ASK_HISTORY)
		history_read(&t->history, t->live.asked_id,
			     NULL); /* the page says that none is there */
	t->live.asked = ASK_NOTHING;
}

static void ask(struct top *t, enum question what, const char *id, json_t *params)
{
	static const char *const methods[] = {
		[ASK_APPS] = "List", [ASK_HISTORY] = "History", [ASK_PAST] = "History",
		[ASK_KILL] = "Kill", [ASK_CPUS] = "Update",
	};
	struct why why = {};
	int r = 0;

	(void)snprintf(t->live.asked_id, sizeof(t->live.asked_id), "%s", id); /* ids fit */
	t->live.asked = what;
	if (!t->live.ask)
		r = client_open(client_socket(t->o.socket), &t->live.ask, &why);
	if (r < 0) {
		json_decref(params);
		forget_question(t, &why);
		return;
	}
	if (client_more(t->live.ask, methods[what], params, &why) < 0) {
		t->live.ask = vl_client_free(t->live.ask);
		forget_question(t, &why);
	}
}

static void take_apps(struct top *t, const json_t *reply)
{
	const json_t *tasks = json_object_get(reply, "tasks"), *task;
	cleanup_json json_t *apps = json_object();
	size_t i;

	json_array_foreach (tasks, i, task) {
		const char *app = field_str(json_object_get(task, "labels"), "app");

		if (*app) /* without memory a task is where its id says */
			(void)json_object_set_new(apps, field_str(task, "id"), json_string(app));
	}
	model_apps(&t->model, apps);
	if (t->recorder)
		recorder_apps(t->recorder, apps);
}

/* A warning means that this host does not hold the limit. */
static void take_update(struct top *t, const json_t *reply)
{
	const json_t *warnings = json_object_get(reply, "warnings");
	const char *warning = json_string_value(json_array_get(warnings, 0));
	char text[TOP_ID_MAX + 64];

	(void)snprintf(text, sizeof(text), "%s has a quota of %g CPUs", t->live.asked_id,
		       t->live.wish.cpus);
	tell(t, warning ? warning : text);
}

static void take_answer(struct top *t, const json_t *reply)
{
	char text[TOP_ID_MAX + 64];

	switch (t->live.asked) {
	case ASK_NOTHING:
		break;
	case ASK_APPS:
		take_apps(t, reply);
		break;
	case ASK_HISTORY:
		history_read(&t->history, t->live.asked_id, reply);
		break;
	case ASK_PAST:
		past_add(&t->past, t->live.asked_id, reply);
		break;
	case ASK_KILL:
		(void)snprintf(text, sizeof(text), "sent signal %d to %s", t->live.wish.signal,
			       t->live.asked_id);
		tell(t, text);
		break;
	case ASK_CPUS:
		take_update(t, reply);
		break;
	}
	t->live.asked = ASK_NOTHING;
}

static void ask_next(struct top *t, int64_t now_ns)
{
	struct live *l = &t->live;
	const char *id;

	if (l->wish.what != WISH_NONE) {
		bool kill = l->wish.what == WISH_KILL;

		l->wish.what = WISH_NONE;
		ask(t, kill ? ASK_KILL : ASK_CPUS, l->wish.id,
		    kill ? json_pack("{s:s, s:i}", "id", l->wish.id, "signal", l->wish.signal)
			 : json_pack("{s:s, s:{s:f}}", "id", l->wish.id, "resources", "cpus",
				     l->wish.cpus));
	} else if (l->want_history) {
		l->want_history = false;
		ask(t, ASK_HISTORY, t->choice.selected,
		    json_pack("{s:s}", "id", t->choice.selected));
	} else if ((id = past_wants(&t->past))) {
		ask(t, ASK_PAST, id, json_pack("{s:s}", "id", id));
	} else if (l->apps_strangers_nr != t->model.strangers_nr && now_ns >= l->apps_due_ns) {
		l->apps_strangers_nr = t->model.strangers_nr;
		l->apps_due_ns = now_ns + APPS_AGAIN_NS;
		ask(t, ASK_APPS, "", NULL);
	}
}

bool live_talk(struct top *t, int64_t now_ns)
{
	cleanup_json json_t *reply = NULL;
	struct why why = {};
	bool more, changed = false;
	int r;

	if (t->live.asked != ASK_NOTHING) {
		r = client_next(t->live.ask, 0, &reply, &more, &why);
		changed = r > 0 || (r < 0 && r != -EINTR);
		if (r > 0) {
			take_answer(t, reply);
		} else if (changed) {
			if (client_is_gone(r))
				t->live.ask = vl_client_free(t->live.ask);
			forget_question(t, &why);
		}
	}
	if (t->live.asked == ASK_NOTHING && t->live.feed)
		ask_next(t, now_ns);
	return changed;
}

void live_wish(struct top *t)
{
	struct live *l = &t->live;
	bool busy = l->wish.what != WISH_NONE || l->asked == ASK_KILL || l->asked == ASK_CPUS;

	if (!t->live.feed)
		tell(t, "there is no agent to ask");
	else if (busy)
		tell(t, "the agent has not answered the last request yet");
	if (!t->live.feed || busy)
		return;
	l->wish.what = t->choice.wish;
	l->wish.signal = t->choice.wish_signal;
	l->wish.cpus = t->choice.wish_cpus;
	memcpy(l->wish.id, t->choice.selected, sizeof(l->wish.id));
	tell(t, "asked the agent, no answer yet");
}
