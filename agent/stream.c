// SPDX-License-Identifier: Apache-2.0
/* Ticks and subscribers. */
#include "agent/stream.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/api_events.h"
#include "agent/governor.h"
#include "agent/host.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/jsonbuf.h"
#include "agent/lib/log.h"
#include "agent/lifecycle.h"
#include "agent/logs.h"
#include "agent/sample.h"
#include "agent/usage.h"

#define TICK_ACCURACY_US 100 /* later than asked is counted as the loop being late */

struct subscriber {
	struct stream *stream;
	struct vl_call *call;
	uint64_t every; /* ticks */
	struct subscriber *next;
};

struct stream {
	sd_event_source *timer, *logs_timer;
	uint64_t next_us,
		logs_all_us; /* when the next tick, and the next look at all logs, is due */
	uint64_t owed; /* intervals that the last tick ran over */
	struct subscriber *subscribers;
	struct stream_stats stats;
};

static void unsubscribe(struct subscriber *gone)
{
	struct subscriber **p = &gone->stream->subscribers;

	while (*p != gone)
		p = &(*p)->next;
	*p = gone->next;
	gone->stream->stats.subscribers--;
	vl_call_unref(gone->call);
	free(gone);
}

static void subscriber_gone(struct vl_call *call, void *data)
{
	(void)call; /* the subscriber holds it */
	unsubscribe(data);
}

/* What was sent before is, for who has not read it all, its own from now on. */
static void send_to(struct stream *s, struct subscriber *sub, struct vl_text *text)
{
	if (!text || vl_call_backlog(sub->call) > STREAM_BACKLOG_MAX ||
	    vl_reply_more_shared(sub->call, text)) {
		vl_call_unshare(sub->call);
		s->stats.dropped++;
	} else {
		s->stats.sent++;
	}
}

static struct vl_text *snapshot(struct node *n)
{
	cleanup_jsonbuf struct jsonbuf b = {};

	sample_snapshot(n, &b);
	n->stream->stats.snapshot_bytes = b.len;
	return b.err ? NULL : vl_text_new(b.data, b.len);
}

static void publish(struct node *n)
{
	struct stream *s = n->stream;
	struct vl_text *text = NULL;
	struct subscriber *next;
	bool made = false;

	for (struct subscriber *sub = s->subscribers; sub; sub = next) {
		next = sub->next; /* a failing send may end the subscription */
		if (n->seq % sub->every) {
			vl_call_unshare(sub->call);
			continue;
		}
		if (!made)
			text = snapshot(n);
		made = true;
		send_to(s, sub, text);
	}
	vl_text_unref(text);
}

/*
 * When the next tick is due: on the grid of intervals, in the future. A tick stands for all
 * intervals that have passed since the last one. Return: how many.
 */
static unsigned int intervals_passed(struct stream *s, uint64_t interval, uint64_t now_us)
{
	uint64_t late = now_us > s->next_us ? now_us - s->next_us : 0, missed = late / interval;
	uint64_t passed = 1 + missed + s->owed;

	s->stats.late_hist_us[hist_class_us(late)]++;
	s->stats.skipped += passed - 1;
	s->next_us += (missed + 1) * interval;
	s->owed = 0;
	return passed < UINT32_MAX ? (unsigned int)passed : UINT32_MAX;
}

static void schedule(struct stream *s, uint64_t interval, uint64_t now_us)
{
	if (s->next_us > now_us)
		return;
	s->owed = (now_us - s->next_us) / interval + 1;
	s->next_us += s->owed * interval;
}

static int tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct node *n = userdata;
	struct stream *s = n->stream;
	uint64_t began = mono_now_ns() / 1000, interval = n->cfg->meter_interval_us, ended;

	(void)usec; /* late or not, the next is due by the schedule */
	sample_all(n, intervals_passed(s, interval, began));
	publish(n);
	api_events_pump(n);
	node_trim(n);
	node_save_again(n);
	if (n->governor)
		governor_check(n->governor);
	host_scx_check(n);
	ended = mono_now_ns() / 1000;
	s->stats.ticks++;
	s->stats.cost_hist_us[hist_class_us(ended - began)]++;
	schedule(s, interval, ended);
	return sd_event_source_set_time(source, s->next_us);
}

/*
 * Who has not run since the last look has not written. Readings are flushed, so a thread that has
 * run on since the reading shows in the next one; they must come as often as the looks.
 */
static bool may_have_written(struct task *t)
{
	uint64_t ran = t->usage ? t->usage->v[U_cpu_ns] : USAGE_UNKNOWN;

	if (ran == USAGE_UNKNOWN || t->node->cfg->meter_interval_us > LOGS_IDLE_US)
		return true;
	if (ran == t->log_cpu_ns)
		return false;
	t->log_cpu_ns = ran;
	return true;
}

/* All tasks each LOGS_IDLE_US; between, those that have written too much lately, or are new. */
static int bound_logs(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct node *n = userdata;
	struct stream *s = n->stream;
	uint64_t now = mono_now_ns() / 1000;
	bool all = now >= s->logs_all_us, soon = false;

	(void)usec; /* late or not */
	for (int i = 0; i < n->tasks_nr; i++) {
		struct task *t = n->tasks[i];

		if (!t->ct || !(t->log_watch || (all && may_have_written(t))))
			continue;
		if (logs_bound(t))
			t->log_watch = LOGS_WATCH;
		else if (t->log_watch)
			t->log_watch--;
		soon |= t->log_watch > 0;
	}
	if (all)
		s->logs_all_us = now + LOGS_IDLE_US;
	return sd_event_source_set_time(source, soon ? now + LOGS_SOON_US : s->logs_all_us);
}

int stream_start(struct node *n)
{
	struct stream *s = calloc(1, sizeof(*s));
	uint64_t now = mono_now_ns() / 1000;
	int err;

	if (!s)
		return -ENOMEM;
	s->next_us = now + n->cfg->meter_interval_us;
	s->logs_all_us = now + LOGS_IDLE_US;
	n->stream = s;
	err = sd_event_add_time(n->event, &s->timer, CLOCK_MONOTONIC, s->next_us, TICK_ACCURACY_US,
				tick, n);
	if (err >= 0)
		err = sd_event_source_set_enabled(s->timer, SD_EVENT_ON);
	if (err >= 0)
		err = sd_event_add_time(n->event, &s->logs_timer, CLOCK_MONOTONIC, s->logs_all_us,
					TICK_ACCURACY_US, bound_logs, n);
	if (err >= 0)
		err = sd_event_source_set_enabled(s->logs_timer, SD_EVENT_ON);
	return err < 0 ? err : 0;
}

void stream_log_soon(struct node *n)
{
	uint64_t soon = mono_now_ns() / 1000 + LOGS_SOON_US, due;

	if (!n->stream || sd_event_source_get_time(n->stream->logs_timer, &due) < 0 || due < soon)
		return;
	/* fails without memory only: then it is looked at with all others */
	(void)sd_event_source_set_time(n->stream->logs_timer, soon);
}

void stream_stop(struct node *n)
{
	struct stream *s = n->stream;

	if (!s)
		return;
	while (s->subscribers) {
		vl_call_on_gone(s->subscribers->call, NULL, NULL);
		unsubscribe(s->subscribers);
	}
	sd_event_source_disable_unref(s->timer);
	sd_event_source_disable_unref(s->logs_timer);
	free(s);
	n->stream = NULL;
}

int stream_subscribe(struct node *n, struct vl_call *call, uint64_t interval_ms)
{
	uint64_t own_ms = n->cfg->meter_interval_us / 1000;
	struct stream *s = n->stream;
	struct subscriber *sub;

	if (s->stats.subscribers >= STREAM_SUBSCRIBERS_MAX)
		return -EUSERS;
	sub = calloc(1, sizeof(*sub));
	if (!sub)
		return -ENOMEM;
	sub->stream = s;
	sub->call = vl_call_ref(call);
	sub->every = interval_ms > own_ms ? (interval_ms + own_ms - 1) / own_ms : 1;
	sub->next = s->subscribers;
	s->subscribers = sub;
	s->stats.subscribers++;
	vl_call_on_gone(call, subscriber_gone, sub);
	return 0;
}

void stream_stats(const struct node *n, struct stream_stats *ret)
{
	*ret = n->stream->stats;
}
