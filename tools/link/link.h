/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Varlink connection on an sd-event loop: messages out, messages in, each with a NUL at its end.
 * Over a unix socket, TCP or, with tls.h, TLS. It never waits; what the other end has not read yet
 * is kept, up to a bound.
 */
#ifndef DCOS_LINK_H
#define DCOS_LINK_H

#include <stddef.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "agent/lib/varlink_wire.h"

#define LINK_OUT_MAX (8U << 20) /* bytes that wait to be read by the other end */

struct link;

/**
 * struct link_io - how bytes get through; a link without one is a socket
 * @begin: before the first byte; called until it returns 0. Return: 0; -EAGAIN; -errno
 * @recv, @send: Return: bytes; 0 the other end hung up (@recv); -EAGAIN; -errno
 * @wants_out: is it room to write that it waits for
 * @pending: has it bytes that came already, which no event will tell of
 * @end: the link is closed, before its socket is
 */
struct link_io {
	int (*begin)(struct link *l);
	ssize_t (*recv)(struct link *l, void *buf, size_t size);
	ssize_t (*send)(struct link *l, const void *buf, size_t size);
	bool (*wants_out)(const struct link *l);
	bool (*pending)(const struct link *l);
	void (*end)(struct link *l);
};

/**
 * struct link_set - links that are one source of the loop
 * sd-event asks the kernel for all that is ready before each one that it serves, which with
 * thousands is what it mostly does. A set serves all that the kernel told of in one go.
 */
struct link_set {
	int fd; /* -1: none */
	sd_event_source *source;
};

struct link {
	int fd; /* -1: closed */
	struct vl_buf in, out;
	size_t in_max; /* bytes of one message; 0: VL_REPLY_MAX */
	sd_event_source *source; /* NULL: it is in a set */
	const struct link_set *set;
	uint32_t events; /* in a set: that it waits for */
	const struct link_io *io; /* NULL: as a socket */
	void *io_data; /* of @io, who frees it in .end */
	bool begun;
	/* on_message - @text without its NUL; may close the link, not free it */
	void (*on_message)(struct link *l, const char *text, size_t len);
	/*
	 * on_lost - closed; @err is -errno, -EPIPE the other end hung up. May open it again or free
	 * it
	 */
	void (*on_lost)(struct link *l, int err);
	void *data;
};

/**
 * link_open - connect to a unix socket, without waiting
 * @l: closed; the callbacks and .data are set, and .set if it is to be in one
 * Return: 0; -EAGAIN the agent's queue is full; -errno. on_lost is not called for these.
 */
int link_open(struct link *l, sd_event *event, const char *path);

/**
 * link_adopt - a socket that is connected, or is about to be
 * @fd: non-blocking; taken over if 0 is returned
 * @io, @io_data: NULL, or how bytes get through
 */
int link_adopt(struct link *l, sd_event *event, int fd, const struct link_io *io, void *io_data);

/** link_set_open - an empty one. Return: 0; -errno */
int link_set_open(struct link_set *s, sd_event *event);

/** link_set_close - its links are closed already */
void link_set_close(struct link_set *s);

/** link_close - hang up; for a closed one nothing happens */
void link_close(struct link *l);

/**
 * link_send - messages, each with its NUL
 * Return: 0 it is on its way; -EAGAIN the other end does not read; -errno. The link is of no more
 * use then.
 */
int link_send(struct link *l, const char *text, size_t len);

#endif
