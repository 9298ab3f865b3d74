// SPDX-License-Identifier: Apache-2.0
/* A Varlink connection, see link.h. */
#include "tools/link/link.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/varlink.h"

#define READ_BYTES 262144
#define READS_MAX  16 /* in a row: then others get their turn */
#define SET_EVENTS 256

void link_close(struct link *l)
{
	if (l->fd >= 0 && l->io)
		l->io->end(l);
	l->source = sd_event_source_disable_unref(l->source);
	close_fd(&l->fd);
	vl_buf_free(&l->in);
	vl_buf_free(&l->out);
}

static void lose(struct link *l, int err)
{
	link_close(l);
	l->on_lost(l, err);
}

static ssize_t link_recv(struct link *l, void *buf, size_t size)
{
	ssize_t n = l->io ? l->io->recv(l, buf, size) : recv(l->fd, buf, size, MSG_DONTWAIT);

	if (n >= 0 || l->io)
		return n;
	return errno == EINTR ? -EAGAIN : -errno;
}

static ssize_t link_write(struct link *l, const void *buf, size_t size)
{
	ssize_t n = l->io ? l->io->send(l, buf, size)
			  : send(l->fd, buf, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0 || l->io)
		return n;
	return errno == EINTR ? -EAGAIN : -errno;
}

/* All messages that have come. Return: 0; -ECANCELED the link was closed meanwhile; -EBADMSG. */
static int deliver(struct link *l)
{
	ssize_t len;

	while ((len = vl_buf_frame(&l->in, l->in_max ?: VL_REPLY_MAX)) >= 0) {
		l->on_message(l, l->in.data + l->in.start, (size_t)len);
		if (l->fd < 0)
			return -ECANCELED;
		vl_buf_consume(&l->in, (size_t)len + 1);
	}
	return len == -EAGAIN ? 0 : -EBADMSG;
}

/* Return: 0; -ECANCELED; -errno */
static int take_in(struct link *l)
{
	for (int i = 0; i < READS_MAX || (l->io && l->io->pending(l)); i++) {
		int r = vl_buf_reserve(&l->in, READ_BYTES);
		ssize_t n;

		if (r < 0)
			return r;
		n = link_recv(l, l->in.data + l->in.end, READ_BYTES);
		if (n <= 0)
			return n == -EAGAIN ? 0 : n ? (int)n : -EPIPE;
		l->in.end += (size_t)n;
		r = deliver(l);
		if (r < 0)
			return r;
	}
	return 0;
}

static int put_out(struct link *l)
{
	while (vl_buf_len(&l->out)) {
		ssize_t n = link_write(l, l->out.data + l->out.start, vl_buf_len(&l->out));

		if (n < 0)
			return n == -EAGAIN ? 0 : (int)n;
		vl_buf_consume(&l->out, (size_t)n);
	}
	return 0;
}

static int set_events(struct link *l, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = l};

	if (!l->set)
		return sd_event_source_set_io_events(l->source, events);
	if (events == l->events)
		return 0;
	if (epoll_ctl(l->set->fd, EPOLL_CTL_MOD, l->fd, &e))
		return -errno;
	l->events = events;
	return 0;
}

/* Which events it waits for. */
static int watch(struct link *l)
{
	bool out = (l->begun && vl_buf_len(&l->out)) || (l->io && l->io->wants_out(l));

	return set_events(l, EPOLLIN | (out ? EPOLLOUT : 0U));
}

static int begin(struct link *l)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return -errno;
	if (err)
		return -err;
	if (l->io)
		err = l->io->begin(l);
	l->begun = !err;
	return err;
}

static void serve(struct link *l)
{
	int r = 0;

	if (!l->begun)
		r = begin(l);
	if (l->begun)
		r = take_in(l);
	if (l->begun && !r)
		r = put_out(l);
	if (!r || r == -EAGAIN)
		r = watch(l);
	if (r < 0 && r != -ECANCELED)
		lose(l, r);
}

static int ready(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)source; /* is its own */
	(void)fd;
	(void)events; /* an error shows when reading */
	serve(userdata);
	return 0;
}

/* A link may be closed by one that is served before it, and is not freed within this. */
static int set_ready(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct epoll_event told[SET_EVENTS];
	int nr = epoll_wait(fd, told, SET_EVENTS, 0);

	(void)source; /* is the set's */
	(void)events;
	(void)userdata;
	for (int i = 0; i < nr; i++) {
		struct link *l = told[i].data.ptr;

		if (l->fd >= 0)
			serve(l);
	}
	return 0;
}

int link_set_open(struct link_set *s, sd_event *event)
{
	int r;

	s->fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->fd < 0)
		return -errno;
	r = sd_event_add_io(event, &s->source, s->fd, EPOLLIN, set_ready, s);
	if (r < 0)
		close_fd(&s->fd);
	return r < 0 ? r : 0;
}

void link_set_close(struct link_set *s)
{
	s->source = sd_event_source_disable_unref(s->source);
	close_fd(&s->fd);
}

static int add(struct link *l, sd_event *event, int fd)
{
	/* room to write is how a connection says that it is there */
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = l};

	if (!l->set)
		return sd_event_add_io(event, &l->source, fd, e.events, ready, l);
	l->events = e.events;
	return epoll_ctl(l->set->fd, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

int link_adopt(struct link *l, sd_event *event, int fd, const struct link_io *io, void *io_data)
{
	int r = add(l, event, fd);

	if (r < 0)
		return r;
	l->io = io;
	l->io_data = io_data;
	l->begun = false;
	l->fd = fd;
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
	r = link_adopt(l, event, fd, NULL, NULL);
	if (r < 0)
		return r;
	l->begun = true;
	(void)take_fd(&fd);
	return watch(l);
}

int link_send(struct link *l, const char *text, size_t len)
{
	int r;

	if (vl_buf_len(&l->out) + len > LINK_OUT_MAX)
		return -EAGAIN;
	r = vl_buf_append(&l->out, text, len);
	if (r || !l->begun)
		return r;
	return put_out(l) ?: watch(l);
}
