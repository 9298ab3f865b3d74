/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Varlink (https://varlink.org): JSON objects, each ended by a NUL, over a stream socket.
 * A server on an sd-event loop, and a blocking client for one-shot commands.
 *
 * The server is bounded in every direction: VL_CONNS_MAX connections (a client that has more than
 * its share per user is refused first), VL_MESSAGE_MAX bytes a message, VL_OUTPUT_MAX bytes
 * waiting for a slow reader (one long reply excepted), VL_MEMORY_MAX bytes for all of them. Calls of one connection run one
 * after the other, so replies keep their order; those that wait stay in the socket, which is full
 * at some time. What is refused or dropped is counted in struct vl_stats.
 */
#ifndef DCOS_VARLINK_H
#define DCOS_VARLINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#define VL_CONNS_MAX	  1024
#define VL_CONNS_PER_UID  896 /* so that one user can't shut out another; root may use all */
#define VL_CONNS_ROOT	  64 /* that users can't have together, so that they can't shut out root */
#define VL_MESSAGE_MAX	  (1U << 20)
#define VL_OUTPUT_MAX	  (4U << 20)
#define VL_REPLY_MAX	  (32U << 20) /* one reply, to a reader with nothing else unread */
#define VL_MEMORY_MAX	  (128U << 20) /* buffers of all connections */
#define VL_MEMORY_PER_UID (96U << 20) /* of those of one user, root excepted */
#define VL_MEMORY_ROOT	  (16U << 20) /* that users can't have together */
#define VL_JSON_DEPTH_MAX 32

/* Errors of org.varlink.service that methods themselves may give; the others the server gives. */
#define VL_ERROR_PERMISSION_DENIED "org.varlink.service.PermissionDenied"
#define VL_ERROR_EXPECTED_MORE	   "org.varlink.service.ExpectedMore"
#define VL_ERROR_NOT_IMPLEMENTED   "org.varlink.service.MethodNotImplemented"
#define VL_ERROR_INVALID_PARAMETER "org.varlink.service.InvalidParameter"
#define VL_ERROR_SYSTEM		   "io.systemd.System" /* (origin, errno, errnoName): the generic one */

struct vl_server;
struct vl_call;
struct vl_text;

/**
 * vl_method_fn - a method of an interface
 * @call: answered exactly once with vl_reply() or vl_error(), at once or later (take a reference
 *        with vl_call_ref()); with vl_reply_more() any number of times before
 * @params: the call's parameters, an object, never NULL; borrowed
 * @userdata: of the server
 * Return: 0, or -errno: nothing was answered, the caller gets VL_ERROR_SYSTEM and it is counted;
 *         -EOPNOTSUPP is MethodNotImplemented. The same if the last reference goes unanswered.
 */
typedef int (*vl_method_fn)(struct vl_call *call, json_t *params, void *userdata);

struct vl_method {
	const char *name; /* without the interface */
	vl_method_fn fn;
	const char *const *params; /* names allowed, NULL-terminated; others: InvalidParameter */
	bool manages; /* needs the right to manage, see vl_server_config.may_manage */
	bool needs_more; /* a call without "more" is ExpectedMore */
};

struct vl_interface {
	const char *name; /* "io.dcos.Agent" */
	const char *description; /* the .varlink text, for GetInterfaceDescription */
	const struct vl_method *methods; /* ended by .name NULL */
};

struct vl_server_config {
	const char *vendor, *product, *version, *url; /* for org.varlink.service.GetInfo */
	const struct vl_interface *interface;
	bool (*may_manage)(const struct ucred *peer, void *userdata); /* NULL: everybody may */
	bool (*may_read)(const struct ucred *peer, void *userdata); /* NULL: all may connect */
	void *userdata;
};

struct vl_stats {
	uint64_t connections, calls, replies; /* since start */
	uint64_t refused; /* connections over a limit or without the right to read */
	uint64_t garbage; /* connections dropped: no JSON, no call, too long */
	uint64_t slow; /* connections dropped: did not read VL_OUTPUT_MAX bytes */
	uint64_t denied; /* calls without the right to manage */
	uint64_t failed; /* calls that got VL_ERROR_SYSTEM */
	uint32_t open; /* now */
};

/**
 * vl_server_new - a server on a loop
 * @event: reference taken
 * @config: copied; the strings and the interface must outlive the server
 */
int vl_server_new(sd_event *event, const struct vl_server_config *config, struct vl_server **ret);

/**
 * vl_server_listen - listen on a unix socket
 * @path: absolute; a stale socket file is replaced, any other file is -EEXIST
 * @mode: of the socket file
 * Return: 0; -EADDRINUSE somebody listens there; -ENAMETOOLONG; -ENOSPC; -errno.
 */
int vl_server_listen(struct vl_server *s, const char *path, unsigned int mode);

/**
 * vl_server_listen_fd - listen on a unix socket that is bound already (socket activation)
 * @fd: taken over on success
 * Return: 0; -EAFNOSUPPORT no unix socket, so nobody could be told apart; -ENOSPC; -errno.
 */
int vl_server_listen_fd(struct vl_server *s, int fd);

/**
 * vl_server_adopt - serve a connected unix socket, e.g. one end of a pair
 * @fd: taken over on success
 * Return: 0; -EUSERS over a limit; -EACCES may not read; -errno.
 */
int vl_server_adopt(struct vl_server *s, int fd);

/**
 * vl_server_free - close everything; calls still open are dropped with their on_gone
 * Not from within a method. NULL allowed. Return: NULL.
 */
struct vl_server *vl_server_free(struct vl_server *s);

/** vl_server_stats - what has been counted so far; see struct vl_stats */
void vl_server_stats(const struct vl_server *s, struct vl_stats *ret);

/** vl_call_more - does the caller want several replies ("more": true) */
bool vl_call_more(const struct vl_call *call);

/** vl_call_peer - who calls; for a socket pair of a test the test itself */
const struct ucred *vl_call_peer(const struct vl_call *call);

/** vl_call_ref - keep a call beyond its method. Return: @call */
struct vl_call *vl_call_ref(struct vl_call *call);

/** vl_call_unref - the last one ends a call, with VL_ERROR_SYSTEM if nobody answered. Return: NULL */
struct vl_call *vl_call_unref(struct vl_call *call);

/**
 * vl_call_on_gone - be told once when the peer hangs up before the last reply
 * @fn: must drop its reference; is not called after the last reply
 */
void vl_call_on_gone(struct vl_call *call, void (*fn)(struct vl_call *call, void *data),
		     void *data);

/** vl_call_backlog - bytes for this call's connection that its socket has not yet taken; 0 if it is gone */
size_t vl_call_backlog(const struct vl_call *call);

/**
 * vl_reply - the last reply
 * @params: an object, taken over also on failure; NULL is {}
 * Return: 0 also for a oneway call, where nothing is sent; -EPIPE the peer is gone or the last
 *         reply was given already; -ENOBUFS the peer is dropped, it did not read; -ENOMEM.
 *         The same for the other replies; vl_reply_more() without vl_call_more(): -EPROTO.
 */
int vl_reply(struct vl_call *call, json_t *params);

/** vl_reply_text - as vl_reply(), with parameters that are serialized already: text of a JSON object */
int vl_reply_text(struct vl_call *call, const char *params, size_t len);

/** vl_reply_more - a reply with "continues": true; only for vl_call_more(); @params taken over */
int vl_reply_more(struct vl_call *call, json_t *params);

/**
 * vl_reply_more_text - as vl_reply_more(), with parameters that are serialized already
 * @params: text of a JSON object; the same text can go to many subscribers
 */
int vl_reply_more_text(struct vl_call *call, const char *params, size_t len);

/**
 * vl_text_new - a reply with "continues": true, made once for many calls
 * @params: text of a JSON object; copied
 * Return: NULL out of memory. Give it back with vl_text_unref().
 */
struct vl_text *vl_text_new(const char *params, size_t len);

/** vl_text_unref - who still sends it keeps it. NULL allowed. Return: NULL */
struct vl_text *vl_text_unref(struct vl_text *t);

/**
 * vl_reply_more_shared - as vl_reply_more_text(); what can't be sent at once is not copied
 * So many connections may keep @text for as long as they like: see vl_call_unshare().
 */
int vl_reply_more_shared(struct vl_call *call, struct vl_text *text);

/**
 * vl_call_unshare - what has not been sent of a shared text becomes the connection's own memory
 * Where it counts, and is bounded, as such; the connection is dropped if there is too little. To be
 * called before the next text is made, so that slow readers do not keep many.
 */
void vl_call_unshare(struct vl_call *call);

/** vl_error - the last reply, an error; @name e.g. "io.dcos.Agent.NoSuchTask"; @params taken over, may be NULL */
int vl_error(struct vl_call *call, const char *name, json_t *params);

/** vl_error_param - org.varlink.service.InvalidParameter with our sentence as "reason" beside "parameter" */
int vl_error_param(struct vl_call *call, const char *parameter, const char *reason);

/* ---- client, blocking ---- */
struct vl_client;

/** vl_client_connect - @path: of the unix socket. Return: 0 or -errno of connect(2) */
int vl_client_connect(const char *path, struct vl_client **ret);

/** vl_client_free - hang up. NULL allowed. Return: NULL */
struct vl_client *vl_client_free(struct vl_client *c);

/** vl_client_fd - for poll(2): a reply may be waiting; call vl_client_next() then */
int vl_client_fd(const struct vl_client *c);

/**
 * vl_client_call - call and wait for the one reply
 * @method: full name, "io.dcos.Agent.List"
 * @params: taken over, NULL is {}
 * @ret_params: reply's or error's parameters, a new reference
 * @ret_error: malloc'd name of the error, NULL on success
 * Return: 0 a reply or an error has come; -errno of the connection; -EBADMSG not Varlink.
 */
int vl_client_call(struct vl_client *c, const char *method, json_t *params, json_t **ret_params,
		   char **ret_error);

/** vl_client_more - start a call with "more": true; replies by vl_client_next() */
int vl_client_more(struct vl_client *c, const char *method, json_t *params);

/**
 * vl_client_next - the next reply of vl_client_more()
 * @timeout_ms: -1 waits for ever; 0 looks
 * @ret_continues: more will follow
 * Return: 1 a reply; 0 none in time; -errno; -EPIPE the server hung up.
 */
int vl_client_next(struct vl_client *c, int timeout_ms, json_t **ret_params, char **ret_error,
		   bool *ret_continues);

#endif
