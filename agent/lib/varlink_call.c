// SPDX-License-Identifier: Apache-2.0
/* A call in the server: what a method does with it. */
#include <errno.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/varlink_impl.h"

struct vl_call *vl_call_new(struct vl_conn *c, struct vl_message *m)
{
	struct vl_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->refs = 1;
	call->conn = c;
	call->server = c->server;
	call->peer = c->peer;
	call->message = *m;
	*m = (struct vl_message){0};
	c->active = call;
	return call;
}

bool vl_call_more(const struct vl_call *call)
{
	return call->message.more && !call->message.oneway;
}

const struct ucred *vl_call_peer(const struct vl_call *call)
{
	return &call->peer;
}

/* From here on the connection is free for the next call. */
static struct vl_conn *detach(struct vl_call *call)
{
	struct vl_conn *c = call->conn;

	c->active = NULL;
	call->conn = NULL;
	call->server = NULL;
	return c;
}

struct vl_call *vl_call_ref(struct vl_call *call)
{
	call->refs++;
	return call;
}

struct vl_call *vl_call_unref(struct vl_call *call)
{
	if (!call || --call->refs)
		return NULL;
	if (call->conn)
		(void)vl_call_fail(call, -EIO); /* forgotten: the caller must not wait for ever */
	if (call->conn)
		vl_conn_break(detach(call)); /* and not even for that there was memory */
	vl_message_clear(&call->message);
	free(call);
	return NULL;
}

void vl_call_on_gone(struct vl_call *call, void (*fn)(struct vl_call *call, void *data), void *data)
{
	call->gone = fn;
	call->gone_data = data;
}

size_t vl_call_backlog(const struct vl_call *call)
{
	return call->conn ? vl_conn_unsent(call->conn) : 0;
}

void vl_call_drop(struct vl_call *call)
{
	(void)vl_call_ref(call); /* the callback gives away the last one otherwise */
	(void)detach(call);
	if (call->gone)
		call->gone(call, call->gone_data);
	(void)vl_call_unref(call);
}

/* The last message of a call. */
static int send_last(struct vl_call *call, const char *const *parts, const size_t *lens, size_t nr)
{
	struct vl_conn *c = detach(call);
	int r = 0;

	if (call->message.oneway)
		vl_conn_arm(c);
	else
		r = vl_conn_send(c, parts, lens, nr);
	if (!r && !call->message.oneway)
		c->server->stats.replies++;
	return r;
}

static int send_parts(struct vl_call *call, const char *const *parts, size_t nr)
{
	size_t lens[8];

	for (size_t i = 0; i < nr; i++)
		lens[i] = strlen(parts[i]);
	return send_last(call, parts, lens, nr);
}

/* @params is taken over. Return: malloc'd text, NULL without memory. */
static char *dump(json_t *params)
{
	char *text = params ? json_dumps(params, JSON_COMPACT) : strdup("{}");

	json_decref(params);
	return text;
}

int vl_reply(struct vl_call *call, json_t *params)
{
	cleanup_free char *text = dump(params);
	const char *parts[] = {"{\"parameters\":", text, "}"};

	if (!call->conn)
		return -EPIPE;
	return text ? send_parts(call, parts, ARRAY_SIZE(parts)) : -ENOMEM;
}

int vl_reply_text(struct vl_call *call, const char *params, size_t len)
{
	static const char head[] = "{\"parameters\":", tail[] = "}";
	const char *parts[] = {head, params, tail};
	const size_t lens[] = {sizeof(head) - 1, len, sizeof(tail) - 1};

	return call->conn ? send_last(call, parts, lens, ARRAY_SIZE(parts)) : -EPIPE;
}

int vl_reply_more_text(struct vl_call *call, const char *params, size_t len)
{
	static const char head[] = "{\"parameters\":", tail[] = ",\"continues\":true}";
	const char *parts[] = {head, params, tail};
	const size_t lens[] = {sizeof(head) - 1, len, sizeof(tail) - 1};
	struct vl_conn *c = call->conn;
	int r;

	if (!c)
		return -EPIPE;
	if (!vl_call_more(call))
		return -EPROTO;
	r = vl_conn_send(c, parts, lens, ARRAY_SIZE(parts));
	if (!r)
		c->server->stats.replies++;
	return r;
}

struct vl_text *vl_text_new(const char *params, size_t len)
{
	static const char head[] = "{\"parameters\":", tail[] = ",\"continues\":true}";
	size_t all = sizeof(head) - 1 + len + sizeof(tail); /* the message ends with a NUL */
	struct vl_text *t = malloc(sizeof(*t) + all);

	if (!t)
		return NULL;
	t->refs = 1;
	t->len = all;
	memcpy(t->data, head, sizeof(head) - 1);
	memcpy(t->data + sizeof(head) - 1, params, len);
	memcpy(t->data + sizeof(head) - 1 + len, tail, sizeof(tail));
	return t;
}

struct vl_text *vl_text_unref(struct vl_text *t)
{
	if (t && !--t->refs)
		free(t);
	return NULL;
}

int vl_reply_more_shared(struct vl_call *call, struct vl_text *text)
{
	struct vl_conn *c = call->conn;
	int r;

	if (!c)
		return -EPIPE;
	if (!vl_call_more(call))
		return -EPROTO;
	r = vl_conn_send_shared(c, text);
	if (!r)
		c->server->stats.replies++;
	return r;
}

void vl_call_unshare(struct vl_call *call)
{
	if (call->conn)
		vl_conn_unshare(call->conn);
}

int vl_reply_more(struct vl_call *call, json_t *params)
{
	cleanup_free char *text = dump(params);

	return text ? vl_reply_more_text(call, text, strlen(text)) : -ENOMEM;
}

int vl_error(struct vl_call *call, const char *name, json_t *params)
{
	cleanup_free char *text = dump(params);
	const char *parts[] = {"{\"error\":\"", name, "\",\"parameters\":", text, "}"};

	if (!call->conn)
		return -EPIPE;
	return text ? send_parts(call, parts, ARRAY_SIZE(parts)) : -ENOMEM;
}

int vl_error_param(struct vl_call *call, const char *parameter, const char *reason)
{
	return vl_error(call, VL_ERROR_INVALID_PARAMETER,
			json_pack("{s:s, s:s}", "parameter", parameter, "reason", reason));
}

int vl_call_fail(struct vl_call *call, int err)
{
	const char *name = strerrorname_np(-err);

	if (!call->conn)
		return -EPIPE;
	if (err == -EOPNOTSUPP)
		return vl_error(call, VL_ERROR_NOT_IMPLEMENTED,
				json_pack("{s:s}", "method", call->message.method));
	call->server->stats.failed++;
	return vl_error(call, VL_ERROR_SYSTEM,
			json_pack("{s:s, s:i, s:s}", "origin", "linux", "errno", -err, "errnoName",
				  name ? name : "?"));
}
