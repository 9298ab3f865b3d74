// SPDX-License-Identifier: Apache-2.0
/* Events for those who listen, see bus.h. */
#include "tools/allocator/bus.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "agent/lib/cleanup.h"
#include "tools/allocator/stamp.h"

#define TOLD_ROOM 256 /* bytes kept for the last event */
#define PING	  ":\r\n"

static const char *const types_known[] = {
	"api_post_event",
	"status_update_event",
	"framework_message_event",
	"event_stream_attached",
	"event_stream_detached",
	"event_stream_dropped",
	"add_health_check_event",
	"remove_health_check_event",
	"failed_health_check_event",
	"health_status_changed_event",
	"unhealthy_task_kill_event",
	"group_change_success",
	"group_change_failed",
	"deployment_success",
	"deployment_failed",
	"deployment_info",
	"deployment_step_success",
	"deployment_step_failure",
	"app_terminated_event",
	"instance_changed_event",
	"instance_health_changed_event",
	"unknown_instance_terminated_event",
	"node_changed_event",
	"task_preempted_event",
	BUS_USAGE,
};

struct bus_listener {
	LIST_ENTRY(bus_listener) link;
	struct bus *bus;
	char *types[BUS_TYPES_MAX];
	size_t types_nr;
	char *queue;
	size_t len;
	bool dropped;
	void (*wake)(void *arg);
	void *arg;
};

struct bus {
	LIST_HEAD(, bus_listener) listeners;
	struct bus_counters counters;
};

int bus_new(struct bus **ret)
{
	struct bus *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	LIST_INIT(&b->listeners);
	*ret = b;
	return 0;
}

struct bus *bus_free(struct bus *b)
{
	struct bus_listener *l;

	while (b && (l = LIST_FIRST(&b->listeners)))
		bus_unlisten(l);
	free(b);
	return NULL;
}

static bool wants(const struct bus_listener *l, const char *type)
{
	for (size_t i = 0; i < l->types_nr; i++)
		if (!strcmp(l->types[i], type))
			return true;
	return !l->types_nr && strcmp(type, BUS_USAGE) != 0;
}

bool bus_asked(const struct bus *b, const char *type)
{
	const struct bus_listener *l;

	LIST_FOREACH(l, &b->listeners, link)
	if (wants(l, type) && l->types_nr)
		return true;
	return false;
}

static void queue_text(struct bus_listener *l, const char *text, size_t len)
{
	bool idle = !l->len;

	memcpy(l->queue + l->len, text, len);
	l->len += len;
	if (idle)
		l->wake(l->arg);
}

static void drop(struct bus_listener *l)
{
	char text[TOLD_ROOM], stamp[STAMP_SIZE];
	int n = snprintf(text, sizeof(text), /* fits */
			 "event: event_stream_dropped\r\ndata: {\"eventType\": "
			 "\"event_stream_dropped\", \"timestamp\": \"%s\", \"reason\": \"read too "
			 "slowly: %d bytes waited\"}\r\n\r\n",
			 stamp_now(stamp), BUS_QUEUE_MAX - TOLD_ROOM);

	l->dropped = true;
	l->bus->counters.dropped++;
	queue_text(l, text, (size_t)n);
}

static void offer(struct bus_listener *l, const char *text, size_t len)
{
	if (l->dropped)
		return;
	if (l->len + len > BUS_QUEUE_MAX - TOLD_ROOM)
		drop(l);
	else
		queue_text(l, text, len);
}

void bus_publish(struct bus *b, const char *type, json_t *body)
{
	char stamp[STAMP_SIZE];
	cleanup_free char *text = NULL, *event = NULL;
	struct bus_listener *l, *next;
	int n;

	b->counters.events++;
	if (body && !LIST_EMPTY(&b->listeners) &&
	    !json_object_set_new(body, "eventType", json_string(type)) &&
	    !json_object_set_new(body, "timestamp", json_string(stamp_now(stamp))))
		text = json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_decref(body);
	if (!text)
		return;
	n = asprintf(&event, "event: %s\r\ndata: %s\r\n\r\n", type, text);
	if (n < 0) {
		event = NULL;
		return;
	}
	for (l = LIST_FIRST(&b->listeners); l; l = next) {
		next = LIST_NEXT(l, link);
		if (wants(l, type))
			offer(l, event, (size_t)n);
	}
}

int bus_listen(struct bus *b, const char *const *types, size_t types_nr, void (*wake)(void *arg),
	       void *arg, struct bus_listener **ret)
{
	struct bus_listener *l;

	if (b->counters.listeners >= BUS_LISTENERS_MAX || types_nr > BUS_TYPES_MAX) {
		b->counters.refused++;
		return -EUSERS;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	*l = (struct bus_listener){.bus = b, .wake = wake, .arg = arg};
	l->queue = malloc(BUS_QUEUE_MAX);
	LIST_INSERT_HEAD(&b->listeners, l, link);
	b->counters.listeners++;
	for (; l->types_nr < types_nr; l->types_nr++) {
		l->types[l->types_nr] = strdup(types[l->types_nr]);
		if (!l->types[l->types_nr])
			break;
	}
	if (!l->queue || l->types_nr < types_nr) {
		bus_unlisten(l);
		return -ENOMEM;
	}
	*ret = l;
	return 0;
}

ssize_t bus_read(struct bus_listener *l, char *buf, size_t size)
{
	size_t n = l->len < size ? l->len : size;

	if (!n)
		return l->dropped ? -EPIPE : 0;
	memcpy(buf, l->queue, n);
	l->len -= n;
	memmove(l->queue, l->queue + n, l->len);
	return (ssize_t)n;
}

void bus_ping(struct bus *b)
{
	struct bus_listener *l;

	LIST_FOREACH(l, &b->listeners, link)
	offer(l, PING, strlen(PING));
}

void bus_unlisten(struct bus_listener *l)
{
	if (!l)
		return;
	LIST_REMOVE(l, link);
	l->bus->counters.listeners--;
	for (size_t i = 0; i < l->types_nr; i++)
		free(l->types[i]);
	free(l->queue);
	free(l);
}

void bus_counters(const struct bus *b, struct bus_counters *ret)
{
	*ret = b->counters;
}

bool bus_type_known(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types_known); i++)
		if (!strcmp(types_known[i], type))
			return true;
	return false;
}
