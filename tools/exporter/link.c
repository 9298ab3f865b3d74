// SPDX-License-Identifier: Apache-2.0
/* A Varlink connection, see link.h. */
#include "tools/exporter/link.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/varlink.h"

#define READ_BYTES 262144
#define READS_MAX  16 /* in a row: then others get their turn */

void link_close(struct link *l)
{
	l->source = sd_event_source_disable_unref(l->source);
	close_fd(&l->fd);
	vl_buf_free(&l->in);
}

static void lose(struct link *l, int err)
{
	link_close(l);
	l->on_lost(l, err);
}

/* All messages that have come. Return: 0; -ECANCELED the link was closed meanwhile; -EBADMSG. */
static int deliver(struct link *l)
{
	ssize_t len;

	while ((len = vl_buf_frame(&l->in, VL_REPLY_MAX)) >= 0) {
		l->on_message(l, l->in.data + l->in.start, (size_t)len);
		if (l->fd < 0)
			return -ECANCELED;
		vl_buf_consume(&l->in, (size_t)len + 1);
	}
	return len == -EAGAIN ? 0 : -EBADMSG;
}

static int readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct link *l = userdata;
	int r = 0;

	(void)source; /* is l->source */
	(void)events; /* an error shows when reading */
	for (int i = 0; i < READS_MAX && !r; i++) {
		ssize_t n;

		r = vl_buf_reserve(&l->in, READ_BYTES);
		if (r < 0)
			break;
		n = recv(fd, l->in.data + l->in.end, READ_BYTES, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0) {
			r = n < 0 ? -errno : -EPIPE;
			break;
		}
		l->in.end += (size_t)n;
		r = deliver(l);
	}
	if (r < 0 && r != -ECANCELED)
		lose(l, r);
	return 0;
}

int link_open(struct link *l, sd_event *event, const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path));
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	r = sd_event_add_io(event, &l->source, fd, EPOLLIN, readable, l);
	if (r < 0)
		return r;
	l->fd = take_fd(&fd);
	return 0;
}

int link_send(struct link *l, const char *text, size_t len)
{
	ssize_t n = send(l->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EAGAIN; /* a few hundred bytes: its buffer is full */
}
