// SPDX-License-Identifier: Apache-2.0
/*
 * Plain sockets: with HTTP/1.0 the server neither keeps the connection nor sends pieces, so that an
 * answer is a status line, headers that nobody here needs, an empty line, and JSON up to the end.
 */
#include "tools/common/http.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"

#define SCHEME	    "http://"
#define HOST_MAX    256
#define ROOM_FIRST  4096
#define STATUS_AT   9 /* of "HTTP/1.0 200" */
#define STATUS_SAYS "HTTP/1."

/* Return: a connected socket or -errno */
static int connect_to(const char *host, const char *port, struct why *why)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	const struct timeval wait = {.tv_sec = HTTP_WAIT_S};
	struct addrinfo *list = NULL;
	int r = getaddrinfo(host, port, &hints, &list), fd = -1, err = -EHOSTUNREACH;

	if (r)
		return why_set(why, -EINVAL, "allocator %s: %s", host, gai_strerror(r));
	for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
		if (fd >= 0 && !connect(fd, a->ai_addr, a->ai_addrlen))
			break;
		err = -errno;
		close_fd(&fd);
	}
	freeaddrinfo(list);
	if (fd < 0)
		return why_set(why, err, "allocator %s port %s", host, port);
	/* fail for bad arguments only */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	return fd;
}

/* "http://[::1]:8080" in two; @host has HOST_MAX bytes */
static int open_url(const char *url, char *host, struct why *why)
{
	const char *at = url + strlen(SCHEME), *end, *port;
	uint64_t number;

	if (strncmp(url, SCHEME, strlen(SCHEME)) != 0)
		goto bad;
	end = *at == '[' ? strchr(at, ']') : strchr(at, ':');
	if (!end)
		goto bad;
	at += *at == '[';
	port = *end == ']' ? end + 2 : end + 1;
	if (port[-1] != ':' || end - at >= HOST_MAX || end == at ||
	    parse_u64(port, 1, 65535, &number) < 0)
		goto bad;
	memcpy(host, at, (size_t)(end - at));
	host[end - at] = '\0';
	return connect_to(host, port, why);
bad:
	return why_set(why, -EINVAL, "allocator %s: allowed is http://HOST:PORT", url);
}

static int send_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Return: 0; -errno. @ret is malloc'd and ends with a NUL. */
static int read_all(int fd, char **ret, size_t *ret_len)
{
	cleanup_free char *text = NULL;
	size_t len = 0, room = 0;

	for (;;) {
		char *grown;
		ssize_t n;

		if (len + 1 >= room) {
			room = room ? room * 2 : ROOM_FIRST;
			grown = room > HTTP_ANSWER_MAX ? NULL : realloc(text, room);
			if (!grown)
				return -EFBIG;
			text = grown;
		}
		n = recv(fd, text + len, room - 1 - len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	*ret = take_ptr(text);
	*ret_len = len;
	return 0;
}

/* Return: the status; -EINVAL */
static int parse_answer(const char *text, size_t len, json_t **ret, struct why *why)
{
	const char *body = strstr(text, "\r\n\r\n");
	char digits[4] = "";
	uint64_t status;
	json_t *doc;

	if (body && !strncmp(text, STATUS_SAYS, strlen(STATUS_SAYS)))
		memcpy(digits, text + STATUS_AT, 3);
	if (!body || parse_u64(digits, 100, 599, &status) < 0)
		return why_set(why, -EINVAL, "the allocator's answer is not one of HTTP");
	body += 4;
	len -= (size_t)(body - text);
	doc = len ? json_loadb(body, len, JSON_DECODE_ANY, NULL) : json_null();
	if (!doc)
		return why_set(why, -EINVAL, "the allocator's answer (status %d) is not JSON",
			       (int)status);
	*ret = doc;
	return (int)status;
}

int http_ask(const char *url, const char *method, const char *path, const json_t *body,
	     json_t **ret, struct why *why)
{
	cleanup_free char *text = body ? json_dumps(body, JSON_COMPACT) : NULL, *request = NULL,
			  *answer = NULL;
	char host[HOST_MAX] = "";
	size_t len = 0;
	int n, err;

	cleanup_close int fd = open_url(url, host, why);

	if (fd < 0)
		return fd;
	n = asprintf(&request,
		     "%s %s HTTP/1.0\r\nHost: %s\r\nContent-Type: application/json\r\n"
		     "Content-Length: %zu\r\n\r\n%s",
		     method, path, host, text ? strlen(text) : 0, text ?: "");
	if (n < 0) {
		request = NULL; /* asprintf leaves it undefined */
		return why_set(why, -ENOMEM, "allocator");
	}
	err = send_all(fd, request, (size_t)n) ?: read_all(fd, &answer, &len);
	return err ? why_set(why, err, "allocator %s", url) : parse_answer(answer, len, ret, why);
}
