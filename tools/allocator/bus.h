/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events for those who listen: each listener has a queue of its own, of bounded size. Who reads too
 * slowly is told so in a last event and gets no more.
 */
#ifndef DCOS_ALLOCATOR_BUS_H
#define DCOS_ALLOCATOR_BUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define BUS_LISTENERS_MAX 64
#define BUS_QUEUE_MAX	  (256 * 1024) /* bytes that wait for one listener */
#define BUS_TYPES_MAX	  32 /* event types that one listener may name */
#define BUS_USAGE	  "usage_event" /* comes every second, to those who name it */

struct bus;
struct bus_listener;

struct bus_counters {
	uint64_t events, refused, dropped;
	unsigned int listeners;
};

int bus_new(struct bus **ret);
struct bus *bus_free(struct bus *b);

/**
 * bus_publish - tell all listeners
 * @type: such as "deployment_success"
 * @body: taken over; "eventType" and "timestamp" are added. NULL: out of memory, counts as lost
 */
void bus_publish(struct bus *b, const char *type, json_t *body);

/** bus_asked - somebody has named this type, which those who name none do not get. Return: so it is */
bool bus_asked(const struct bus *b, const char *type);

/**
 * bus_listen - begin to listen
 * @types: event types, at most BUS_TYPES_MAX; @types_nr 0: all but BUS_USAGE
 * @wake: called when there is something to read and there was nothing
 * Return: 0; -EUSERS too many listeners; -ENOMEM.
 */
int bus_listen(struct bus *b, const char *const *types, size_t types_nr, void (*wake)(void *arg),
	       void *arg, struct bus_listener **ret);

/**
 * bus_read - take what waits, in the form of server-sent events
 * Return: bytes; 0 nothing waits; -EPIPE it was too slow and has read all that it gets.
 */
ssize_t bus_read(struct bus_listener *l, char *buf, size_t size);

/** bus_ping - an empty comment, so that dead connections are found */
void bus_ping(struct bus *b);

/** bus_unlisten - NULL allowed */
void bus_unlisten(struct bus_listener *l);

void bus_counters(const struct bus *b, struct bus_counters *ret);

/** bus_type_known - it is one of the documented types. Return: so it is */
bool bus_type_known(const char *type);

#endif
