// SPDX-License-Identifier: Apache-2.0
/* Method Events: what happened to tasks, and with "more" what happens. */
#include "agent/api_events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/api.h"
#include "agent/events.h"
#include "agent/lib/cleanup.h"

#define READER_BACKLOG_MAX (1U << 20) /* bytes unread, then it has to wait for the tick */
#define READER_CHUNK_MAX   (256U << 10) /* bytes of one reply, but for its last event */

struct event_reader {
	struct node *n;
	struct vl_call *call;
	char *id; /* of the task; NULL: all */
	uint64_t next; /* number of the first event that it has not got */
	bool begun; /* it has got some, what it misses now is for its slowness */
	struct event_reader *behind;
};

static void reader_free(struct event_reader *gone)
{
	struct event_readers *list = &gone->n->event_readers;
	struct event_reader **p = &list->head;

	while (*p && *p != gone)
		p = &(*p)->behind;
	if (*p) {
		*p = gone->behind;
		list->nr--;
	}
	vl_call_unref(gone->call);
	free(gone->id);
	free(gone);
}

static void reader_gone(struct vl_call *call, void *data)
{
	(void)call; /* the reader holds it */
	reader_free(data);
}

/* Return: false nothing more for now, @r may be gone */
static bool send_some(struct event_reader *r)
{
	cleanup_jsonbuf struct jsonbuf b = {};
	uint64_t next, first = events_first(r->n->events);
	int nr;

	if (r->next >= events_next(r->n->events) || vl_call_backlog(r->call) > READER_BACKLOG_MAX)
		return false;
	next = events_print(r->n->events, r->id, r->next, READER_CHUNK_MAX, &b, &nr);
	if (b.err)
		return false; /* tried again by the tick */
	if (r->begun && r->next < first)
		r->n->event_readers.missed += first - r->next;
	r->begun = true;
	r->next = next;
	return !nr || !vl_reply_more_text(r->call, b.data, b.len);
}

void api_events_pump(struct node *n)
{
	struct event_reader *behind;

	for (struct event_reader *r = n->event_readers.head; r; r = behind) {
		behind = r->behind; /* a failing send may end the reader */
		while (send_some(r))
			;
	}
}

static int reader_new(struct node *n, struct vl_call *call, const char *id, uint64_t since)
{
	struct event_reader *r;

	if (n->event_readers.nr >= EVENT_READERS_MAX)
		return api_limit(call, "readers of events", EVENT_READERS_MAX);
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	if (id) {
		r->id = strdup(id);
		if (!r->id) {
			free(r);
			return -ENOMEM;
		}
	}
	r->n = n;
	r->call = vl_call_ref(call);
	r->next = since < events_next(n->events) ? since : events_next(n->events);
	r->behind = n->event_readers.head;
	n->event_readers.head = r;
	n->event_readers.nr++;
	vl_call_on_gone(call, reader_gone, r);
	while (send_some(r))
		;
	return 0;
}

int api_events(struct vl_call *call, json_t *params, void *userdata)
{
	const json_t *task = json_object_get(params, "task");
	cleanup_jsonbuf struct jsonbuf b = {};
	struct node *n = userdata;
	int64_t since = 0;
	const char *id;
	int nr;

	if (task && !json_is_null(task) && !json_is_string(task))
		return vl_error_param(call, "task", "task: the name of a task");
	if (api_int(call, params, "since", 0, INT64_MAX, &since))
		return 0;
	id = json_string_value(task); /* need not be there any more */
	if (vl_call_more(call))
		return reader_new(n, call, id, (uint64_t)since);
	(void)events_print(n->events, id, (uint64_t)since, SIZE_MAX, &b, &nr); /* all */
	return b.err ? b.err : vl_reply_text(call, b.data, b.len);
}
