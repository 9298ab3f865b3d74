// SPDX-License-Identifier: Apache-2.0
/* The ring of events. An event's text is made once, for all who will read it. */
#include "agent/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"

struct event {
	char *id; /* of the task */
	char *text; /* type Event; NULL: there was no memory, the number is a gap */
	size_t len;
};

struct events {
	struct event ring[EVENTS_MAX]; /* place: number modulo EVENTS_MAX */
	uint64_t first, next; /* numbers: the oldest that is kept, the next one */
	struct events_stats stats;
};

static const char *const kind_names[EVENT_KINDS] = {
	[EVENT_STARTED] = "started", [EVENT_KILL] = "kill",
	[EVENT_ENDED] = "ended",     [EVENT_LAUNCH_FAILED] = "launch_failed",
	[EVENT_UPDATE] = "update",   [EVENT_OOM] = "oom",
	[EVENT_MEMORY] = "memory",   [EVENT_PIDS] = "pids",
	[EVENT_CPU] = "cpu",	     [EVENT_NETWORK] = "network",
	[EVENT_DENIED] = "denied",
};

const char *event_kind_name(enum event_kind kind)
{
	return kind_names[kind];
}

bool event_is_breach(enum event_kind kind)
{
	return kind >= EVENT_OOM;
}

int events_new(struct events **ret)
{
	struct events *ev = calloc(1, sizeof(*ev));

	if (!ev)
		return -ENOMEM;
	ev->first = ev->next = unix_now_us();
	*ret = ev;
	return 0;
}

static struct event *place_of(struct events *ev, uint64_t seq)
{
	return &ev->ring[seq % EVENTS_MAX];
}

static void drop_oldest(struct events *ev)
{
	struct event *e = place_of(ev, ev->first++);

	ev->stats.bytes -= e->len;
	free(e->id);
	free(e->text);
	*e = (struct event){0};
}

struct events *events_free(struct events *ev)
{
	while (ev && ev->first < ev->next)
		drop_oldest(ev);
	free(ev);
	return NULL;
}

static void print_event(struct jsonbuf *b, uint64_t seq, enum event_kind kind, const char *id,
			const char *text, const struct jsonbuf *details)
{
	jb_lit(b, "{\"seq\":");
	jb_u64(b, seq);
	jb_lit(b, ",\"time_ns\":");
	jb_u64(b, mono_now_ns());
	jb_lit(b, ",\"unix_us\":");
	jb_u64(b, unix_now_us());
	jb_lit(b, ",\"task\":");
	jb_text(b, id);
	jb_lit(b, ",\"kind\":");
	jb_text(b, event_kind_name(kind));
	jb_lit(b, ",\"text\":");
	jb_text(b, text);
	jb_lit(b, ",\"details\":");
	if (details->err || !details->len)
		jb_lit(b, "{}");
	else
		jb_raw(b, details->data, details->len);
	jb_lit(b, "}");
}

static void make_room(struct events *ev, size_t len)
{
	while (ev->first < ev->next &&
	       (ev->next - ev->first == EVENTS_MAX || ev->stats.bytes + len > EVENTS_BYTES_MAX)) {
		drop_oldest(ev);
		ev->stats.overwritten++;
	}
}

void event_add(struct node *n, enum event_kind kind, const char *id, const char *text,
	       const struct jsonbuf *details)
{
	cleanup_jsonbuf struct jsonbuf b = {};
	struct events *ev = n->events;
	struct event e = {0};

	if (event_is_breach(kind))
		log_msg(LOG_WARNING, id, "%s: %s", event_kind_name(kind), text);
	if (!ev)
		return;
	ev->stats.counts[kind]++;
	print_event(&b, ev->next, kind, id, text, details);
	e.len = b.len;
	e.id = strdup(id);
	e.text = jb_take(&b);
	if (details->err || !e.id || !e.text)
		ev->stats.failed++;
	if (!e.id || !e.text) {
		free(take_ptr(e.id));
		free(take_ptr(e.text));
		e.len = 0;
	}
	make_room(ev, e.len);
	ev->stats.bytes += e.len;
	*place_of(ev, ev->next++) = e;
	if (n->on_event)
		n->on_event(n);
}

void event_add_json(struct node *n, enum event_kind kind, const char *id, const char *text,
		    json_t *details)
{
	cleanup_free char *doc = details ? json_dumps(details, JSON_COMPACT) : NULL;
	struct jsonbuf b = {.data = doc, .len = doc ? strlen(doc) : 0, .err = doc ? 0 : -ENOMEM};

	json_decref(details);
	event_add(n, kind, id, text, &b);
}

uint64_t events_print(const struct events *ev, const char *id, uint64_t since, size_t max_bytes,
		      struct jsonbuf *b, int *ret_nr)
{
	uint64_t at = since < ev->first ? ev->first : since < ev->next ? since : ev->next;
	uint64_t lost = since && since < ev->first ? ev->first - since : 0;
	int nr = 0;

	jb_lit(b, "{\"events\":[");
	for (; at < ev->next && b->len < max_bytes; at++) {
		const struct event *e = &ev->ring[at % EVENTS_MAX];

		if (!e->text || (id && strcmp(e->id, id)))
			continue;
		if (nr++)
			jb_lit(b, ",");
		jb_raw(b, e->text, e->len);
	}
	jb_lit(b, "],\"lost\":");
	jb_u64(b, lost);
	jb_lit(b, ",\"next\":");
	jb_u64(b, at);
	jb_lit(b, "}");
	*ret_nr = nr;
	return at;
}

uint64_t events_first(const struct events *ev)
{
	return ev->first;
}

uint64_t events_next(const struct events *ev)
{
	return ev->next;
}

void events_stats(const struct events *ev, struct events_stats *ret)
{
	*ret = ev->stats;
}
