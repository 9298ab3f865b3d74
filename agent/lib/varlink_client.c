// SPDX-License-Identifier: Apache-2.0
/* The blocking Varlink client of one-shot commands. One call at a time. */
#include <errno.h>
#include <poll.h>
#include <sys/un.h>
#include <time.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/varlink.h"
#include "agent/lib/varlink_wire.h"

#define CONNECT_TIMEOUT_S 10 /* only if the server's queue is full */
#define READ_BYTES	  65536

struct vl_client {
	int fd;
	bool streaming; /* more replies are to come for a call */
	struct vl_buf in;
};

int vl_client_connect(const char *path, struct vl_client **ret)
{
	const struct timeval timeout = {.tv_sec = CONNECT_TIMEOUT_S};
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct vl_client *c;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path));
	/* unix(7): a connect that waits for a place in the queue obeys SO_SNDTIMEO */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->fd = take_fd(&fd);
	*ret = c;
	return 0;
}

struct vl_client *vl_client_free(struct vl_client *c)
{
	if (!c)
		return NULL;
	close_fd(&c->fd);
	vl_buf_free(&c->in);
	free(c);
	return NULL;
}

int vl_client_fd(const struct vl_client *c)
{
	return c->fd;
}

static int wait_for(const struct vl_client *c, short events, int timeout_ms)
{
	struct pollfd p = {.fd = c->fd, .events = events};
	int r = poll(&p, 1, timeout_ms);

	return r < 0 && errno != EINTR ? -errno : 0;
}

/* A server that refuses hangs up, but says why before: what can't be sent is no reason to stop. */
static int send_all(const struct vl_client *c, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(c->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		int r = 0;

		if (n > 0) {
			data += n;
			len -= (size_t)n;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			return 0;
		} else if (errno == EAGAIN) {
			r = wait_for(c, POLLOUT, -1);
		} else if (errno != EINTR) {
			r = -errno;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* @params is taken over. */
static int start(struct vl_client *c, const char *method, json_t *params, bool more)
{
	cleanup_free char *text = NULL;
	json_t *message;
	int r;

	if (c->streaming) {
		json_decref(params);
		return -EBUSY;
	}
	message = json_pack("{s:s, s:o*, s:o*}", "method", method, "parameters", params, "more",
			    more ? json_true() : NULL);
	text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	json_decref(message);
	if (!text)
		return -ENOMEM;
	if (strlen(text) > VL_MESSAGE_MAX)
		return -EMSGSIZE;
	r = send_all(c, text, strlen(text) + 1);
	if (!r)
		c->streaming = true;
	return r;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* does not fail for this clock */
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Return: 1 bytes have come; 0 none in time; -EPIPE end; -errno. */
static int receive(struct vl_client *c, int timeout_ms)
{
	uint64_t end = now_ms() + (timeout_ms > 0 ? (uint64_t)timeout_ms : 0);
	ssize_t n;
	int r = vl_buf_reserve(&c->in, READ_BYTES);

	while (!r) {
		uint64_t now = now_ms();

		n = recv(c->fd, c->in.data + c->in.end, READ_BYTES, MSG_DONTWAIT);
		if (n > 0) {
			c->in.end += (size_t)n;
			return 1;
		}
		if (n == 0 || errno == ECONNRESET)
			return -EPIPE;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (timeout_ms >= 0 && now >= end)
			return 0;
		r = wait_for(c, POLLIN, timeout_ms < 0 ? -1 : (int)(end - now));
	}
	return r;
}

/* A reply as it stands in a message. Return: 0; -EBADMSG; -ENOMEM. Outputs only on success. */
static int parse_reply(const char *text, size_t len, json_t **ret_params, char **ret_error,
		       bool *ret_continues)
{
	json_t *json, *params, *name;
	char *error = NULL;
	int r = vl_json_parse(text, len, VL_REPLY_VALUES_MAX, &json);

	if (r < 0)
		return r;
	name = json_object_get(json, "error");
	params = json_object_get(json, "parameters");
	if (!json_is_object(json) || (name && !json_is_string(name)) ||
	    (params && !json_is_object(params) && !json_is_null(params)))
		r = -EBADMSG;
	if (!r && name) {
		error = strdup(json_string_value(name));
		r = error ? 0 : -ENOMEM;
	}
	params = json_is_object(params) ? json_incref(params) : json_object();
	if (!r) {
		*ret_continues = !name && json_is_true(json_object_get(json, "continues"));
		*ret_params = params;
		*ret_error = error;
	} else {
		json_decref(params);
	}
	json_decref(json);
	return r;
}

int vl_client_next(struct vl_client *c, int timeout_ms, json_t **ret_params, char **ret_error,
		   bool *ret_continues)
{
	ssize_t len;
	int r;

	if (!c->streaming)
		return -EINVAL;
	while ((len = vl_buf_frame(&c->in, VL_REPLY_MAX)) == -EAGAIN) {
		r = receive(c, timeout_ms);
		if (r <= 0)
			return r;
	}
	if (len < 0)
		return -EBADMSG;
	r = parse_reply(c->in.data + c->in.start, (size_t)len, ret_params, ret_error,
			ret_continues);
	vl_buf_consume(&c->in, (size_t)len + 1);
	if (r < 0)
		return r;
	c->streaming = *ret_continues;
	return 1;
}

int vl_client_more(struct vl_client *c, const char *method, json_t *params)
{
	return start(c, method, params, true);
}

int vl_client_call(struct vl_client *c, const char *method, json_t *params, json_t **ret_params,
		   char **ret_error)
{
	json_t *reply;
	char *error;
	bool continues;
	int r = start(c, method, params, false);

	if (!r)
		r = vl_client_next(c, -1, &reply, &error, &continues);
	if (r < 0)
		return r;
	if (continues) { /* nobody asked for more */
		json_decref(reply);
		free(error);
		return -EBADMSG;
	}
	*ret_params = reply;
	*ret_error = error;
	return 0;
}
