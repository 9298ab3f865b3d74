/* SPDX-License-Identifier: Apache-2.0 */
/* A Varlink connection as its client's end on an sd-event loop: messages out, messages in. */
#ifndef DCOS_EXPORTER_LINK_H
#define DCOS_EXPORTER_LINK_H

#include <stddef.h>
#include <systemd/sd-event.h>

#include "agent/lib/varlink_wire.h"

struct link {
	int fd; /* -1: closed */
	struct vl_buf in;
	sd_event_source *source;
	/* on_message - @text without its NUL; may close the link */
	void (*on_message)(struct link *l, const char *text, size_t len);
	/* on_lost - closed; @err is -errno, -EPIPE the other end hung up. May open it again */
	void (*on_lost)(struct link *l, int err);
	void *data;
};

/**
 * link_open - connect, without waiting
 * @l: closed; the callbacks and .data are set
 * Return: 0; -EAGAIN the agent's queue is full; -errno. on_lost is not called for these.
 */
int link_open(struct link *l, sd_event *event, const char *path);

/** link_close - hang up; for a closed one nothing happens */
void link_close(struct link *l);

/**
 * link_send - calls, each with its NUL
 * Return: 0; -EAGAIN the agent does not read; -errno. The link is of no more use then.
 */
int link_send(struct link *l, const char *text, size_t len);

#endif
