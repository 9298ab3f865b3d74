/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the Varlink server. Internal to agent/lib. */
#ifndef DCOS_VARLINK_IMPL_H
#define DCOS_VARLINK_IMPL_H

#include <sys/queue.h>

#include "agent/lib/varlink.h"
#include "agent/lib/varlink_wire.h"

#define VL_READ_BYTES	   65536 /* read from one connection per wakeup */
#define VL_CALLS_WAKEUP	   16 /* started by one connection per wakeup */
#define VL_READY_WAKEUP	   4 /* turns per wakeup for connections with work left */
#define VL_ACCEPT_WAKEUP   16 /* accepted per wakeup */
#define VL_ACCEPT_PAUSE_US 100000 /* when descriptors or memory ran out */
#define VL_LISTENERS_MAX   4
#define VL_BACKLOG_PAUSE   (256U << 10) /* bytes not yet written from which no further call starts */

struct vl_listener {
	int fd;
	char *path; /* to unlink, or NULL */
	dev_t dev;
	ino_t ino;
	sd_event_source *io;
};

/* A whole message that many connections send. */
struct vl_text {
	unsigned int refs;
	size_t len;
	char data[];
};

/*
 * One connection. A call is taken out of @in only when none is open and @out is short, so
 * replies keep their order and a client that does not read is not served.
 */
struct vl_conn {
	struct vl_server *server;
	TAILQ_ENTRY(vl_conn) all, ready;
	int fd;
	struct ucred peer;
	struct vl_buf in, out;
	struct vl_text *shared; /* to be sent behind @out, or NULL */
	size_t shared_at; /* bytes of it that have been sent */
	struct vl_call *active; /* not a reference */
	sd_event_source *io;
	bool is_ready; /* in the server's list: there is work that no event of the socket announces */
	bool eof; /* the peer sends no more */
	bool broken; /* to be freed from the loop; takes no output */
};

struct vl_server {
	sd_event *event;
	struct vl_server_config config;
	struct vl_stats stats;
	struct vl_listener listeners[VL_LISTENERS_MAX];
	unsigned int listeners_nr;
	sd_event_source *resume; /* accept again */
	TAILQ_HEAD(, vl_conn) conns, ready;
	/*
	 * Readable while @ready has members. A defer source of sd-event would do, but is dispatched
	 * before any descriptor of its priority, so one busy client would stop all others.
	 */
	int wakeup_fd;
	sd_event_source *wakeup;
};

struct vl_call {
	unsigned int refs;
	struct vl_conn *conn; /* NULL when the peer is gone or all is said */
	struct vl_server *server; /* NULL with @conn */
	struct vl_message message;
	struct ucred peer;
	void (*gone)(struct vl_call *call, void *data);
	void *gone_data;
};

/* ---- varlink_conn.c ---- */

/** vl_conn_new - serve a connected socket; @fd is taken over on success only */
int vl_conn_new(struct vl_server *s, int fd, const struct ucred *peer);

/** vl_conn_free - close; an open call hears of it. Not while a method runs */
struct vl_conn *vl_conn_free(struct vl_conn *c);

/**
 * vl_conn_send - put one message, made of parts, into the output and try to write
 * Return: 0; -EPIPE the peer is gone or dropped; -ENOBUFS it is dropped now, for it reads too slowly.
 */
int vl_conn_send(struct vl_conn *c, const char *const *parts, const size_t *lens, size_t nr);

/** vl_conn_send_shared - as vl_conn_send(), without a copy: a reference to @text is kept */
int vl_conn_send_shared(struct vl_conn *c, struct vl_text *text);

/** vl_conn_unshare - as vl_call_unshare() */
void vl_conn_unshare(struct vl_conn *c);

/** vl_conn_unsent - bytes that the socket has not yet taken */
size_t vl_conn_unsent(const struct vl_conn *c);

/** vl_conn_arm - tell the loop what this connection waits for now */
void vl_conn_arm(struct vl_conn *c);

/** vl_conn_turn - work on the connection at the head of the server's ready list, which may free it */
void vl_conn_turn(struct vl_server *s);

/** vl_conn_break - have it closed by the loop */
void vl_conn_break(struct vl_conn *c);

/* ---- varlink_service.c ---- */

/** vl_dispatch - answer or start a call. Return: 0, always: what fails is answered */
int vl_dispatch(struct vl_call *call);

/* ---- varlink_call.c ---- */

/** vl_call_new - a call read from @c, which becomes its active one; @m is taken over */
struct vl_call *vl_call_new(struct vl_conn *c, struct vl_message *m);

/** vl_call_drop - the peer is gone: detach and tell */
void vl_call_drop(struct vl_call *call);

/** vl_call_fail - the generic error for a method that gave @err instead of an answer */
int vl_call_fail(struct vl_call *call, int err);

#endif
