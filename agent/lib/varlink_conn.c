// SPDX-License-Identifier: Apache-2.0
/*
 * One connection of the Varlink server: reads, starts calls in order, writes. All work per
 * wakeup is bounded; what remains is done at the next turn of the loop, after the other sources.
 */
#include "agent/lib/varlink_impl.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "agent/lib/cleanup.h"

/* Would this connection's owner, or all together, hold too much memory with @more bytes? */
static bool memory_is_short(const struct vl_conn *c, size_t more)
{
	size_t all = more, own = more, users = more;
	const struct vl_conn *o;

	for (o = TAILQ_FIRST(&c->server->conns); o; o = TAILQ_NEXT(o, all)) {
		size_t size = o->in.size + o->out.size;

		all += size;
		own += o->peer.uid == c->peer.uid ? size : 0;
		users += o->peer.uid ? size : 0;
	}
	if (all > VL_MEMORY_MAX)
		return true;
	return c->peer.uid && (own > VL_MEMORY_PER_UID || users > VL_MEMORY_MAX - VL_MEMORY_ROOT);
}

/* Bytes that the socket has not yet taken. */
static size_t unsent(const struct vl_conn *c)
{
	return vl_buf_len(&c->out) + (c->shared ? c->shared->len - c->shared_at : 0);
}

static int conn_reserve(struct vl_conn *c, struct vl_buf *b, size_t more)
{
	size_t size = vl_buf_grown(b, more);

	if (size > b->size && memory_is_short(c, size - b->size))
		return -ENOBUFS;
	return vl_buf_reserve(b, more);
}

static bool has_frame(struct vl_conn *c)
{
	return vl_buf_frame(&c->in, VL_MESSAGE_MAX) != -EAGAIN;
}

static bool can_start(const struct vl_conn *c)
{
	return !c->active && !c->broken && unsent(c) < VL_BACKLOG_PAUSE;
}

static bool is_finished(struct vl_conn *c)
{
	return c->broken || (c->eof && !c->active && !unsent(c) && !has_frame(c));
}

static void conn_set_ready(struct vl_conn *c, bool ready)
{
	struct vl_server *s = c->server;

	if (c->is_ready == ready)
		return;
	c->is_ready = ready;
	if (ready) {
		TAILQ_INSERT_TAIL(&s->ready, c, ready);
		(void)eventfd_write(s->wakeup_fd, 1); /* fails only when it is readable as it is */
	} else {
		TAILQ_REMOVE(&s->ready, c, ready);
	}
}

void vl_conn_arm(struct vl_conn *c)
{
	bool work = is_finished(c) || (has_frame(c) && can_start(c));
	uint32_t events = 0;

	if (!c->eof && !has_frame(c))
		events |= EPOLLIN;
	if (unsent(c))
		events |= EPOLLOUT;
	/* fails without memory only: then the peer hangs, and is dropped when it goes */
	(void)sd_event_source_set_io_events(c->io, c->broken ? 0 : events);
	conn_set_ready(c, work);
}

static void conn_break(struct vl_conn *c, uint64_t *counter)
{
	if (counter && !c->broken)
		(*counter)++;
	c->broken = true;
}

static void shared_drop(struct vl_conn *c)
{
	c->shared = vl_text_unref(c->shared);
	c->shared_at = 0;
}

/* Return: bytes sent; 0 none now, or never. */
static size_t send_some(struct vl_conn *c, const char *data, size_t len)
{
	ssize_t n;

	do
		n = send(c->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN)
		conn_break(c, NULL);
	return n < 0 ? 0 : (size_t)n;
}

static void conn_flush(struct vl_conn *c)
{
	size_t n = 1;

	while (!c->broken && n && vl_buf_len(&c->out)) {
		n = send_some(c, c->out.data + c->out.start, vl_buf_len(&c->out));
		vl_buf_consume(&c->out, n);
	}
	while (!c->broken && n && c->shared) {
		n = send_some(c, c->shared->data + c->shared_at, c->shared->len - c->shared_at);
		c->shared_at += n;
		if (c->shared_at == c->shared->len)
			shared_drop(c);
	}
}

void vl_conn_break(struct vl_conn *c)
{
	conn_break(c, NULL);
	vl_conn_arm(c);
}

size_t vl_conn_unsent(const struct vl_conn *c)
{
	return unsent(c);
}

/* What is left of a shared text becomes the connection's own, behind what it has. */
static int conn_unshare(struct vl_conn *c)
{
	size_t len = c->shared ? c->shared->len - c->shared_at : 0;
	int r;

	if (!c->shared)
		return 0;
	r = conn_reserve(c, &c->out, len);
	if (!r)
		r = vl_buf_append(&c->out, c->shared->data + c->shared_at, len);
	shared_drop(c);
	if (r)
		conn_break(c, &c->server->stats.slow); /* the middle of a message is missing */
	return r ? -ENOBUFS : 0;
}

void vl_conn_unshare(struct vl_conn *c)
{
	(void)conn_unshare(c); /* one that is broken is closed by the loop */
	vl_conn_arm(c);
}

/* Is there room for a message of so many bytes? If not, the peer reads too slowly. */
static int conn_admit(struct vl_conn *c, size_t len)
{
	size_t waiting = unsent(c), max = waiting ? VL_OUTPUT_MAX : VL_REPLY_MAX;

	if (c->broken)
		return -EPIPE;
	if (waiting + len <= max)
		return conn_unshare(c);
	conn_break(c, &c->server->stats.slow);
	return -ENOBUFS;
}

int vl_conn_send(struct vl_conn *c, const char *const *parts, const size_t *lens, size_t nr)
{
	size_t len = 1;
	int r;

	for (size_t i = 0; i < nr; i++)
		len += lens[i];
	r = conn_admit(c, len);
	if (r == -EPIPE)
		return r;
	if (!r && conn_reserve(c, &c->out, len) < 0) {
		conn_break(c, &c->server->stats.slow);
		r = -ENOBUFS;
	}
	for (size_t i = 0; !r && i < nr; i++)
		r = vl_buf_append(&c->out, parts[i], lens[i]); /* reserved: does not fail */
	if (!r)
		r = vl_buf_append(&c->out, "", 1);
	if (!r)
		conn_flush(c);
	vl_conn_arm(c);
	return r;
}

int vl_conn_send_shared(struct vl_conn *c, struct vl_text *text)
{
	int r = conn_admit(c, text->len);

	if (r == -EPIPE)
		return r;
	if (!r) {
		text->refs++;
		c->shared = text;
		conn_flush(c);
	}
	vl_conn_arm(c);
	return r;
}

/* Takes the first message out and starts it. */
static void conn_start_call(struct vl_conn *c)
{
	ssize_t len = vl_buf_frame(&c->in, VL_MESSAGE_MAX);
	struct vl_message m;
	struct vl_call *call;

	if (len < 0 || vl_message_parse(c->in.data + c->in.start, (size_t)len, &m) < 0) {
		conn_break(c, &c->server->stats.garbage);
		return;
	}
	vl_buf_consume(&c->in, (size_t)len + 1);
	call = vl_call_new(c, &m);
	if (!call) {
		vl_message_clear(&m);
		conn_break(c, NULL);
		return;
	}
	c->server->stats.calls++;
	(void)vl_dispatch(call); /* what fails is answered */
	(void)vl_call_unref(call); /* answered, or the method keeps a reference */
}

static void conn_work(struct vl_conn *c)
{
	for (int i = 0; i < VL_CALLS_WAKEUP && has_frame(c) && can_start(c); i++)
		conn_start_call(c);
	if (is_finished(c))
		(void)vl_conn_free(c);
	else
		vl_conn_arm(c);
}

/* One read. What does not end within VL_MESSAGE_MAX bytes counts as a frame, which is garbage. */
static void conn_read(struct vl_conn *c)
{
	char chunk[VL_READ_BYTES]; /* so that an idle connection needs no room to read into */
	ssize_t n = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (n == 0)
		c->eof = true;
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		conn_break(c, NULL);
	if (n <= 0)
		return;
	if (conn_reserve(c, &c->in, (size_t)n) < 0 || vl_buf_append(&c->in, chunk, (size_t)n) < 0)
		conn_break(c, &c->server->stats.garbage);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct vl_conn *c = userdata;

	(void)source;
	(void)fd;
	if (revents & EPOLLOUT)
		conn_flush(c);
	if (revents & EPOLLIN)
		conn_read(c);
	/* nobody is there to read: what was sent is still started, but nothing is waited for */
	if (revents & (EPOLLHUP | EPOLLERR) && (c->active || unsent(c)))
		conn_break(c, NULL);
	conn_work(c);
	return 0;
}

void vl_conn_turn(struct vl_server *s)
{
	struct vl_conn *c = TAILQ_FIRST(&s->ready);

	if (!c)
		return;
	conn_set_ready(c, false); /* what is left then goes to the end */
	conn_work(c);
}

int vl_conn_new(struct vl_server *s, int fd, const struct ucred *peer)
{
	struct vl_conn *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->server = s;
	c->fd = fd;
	c->peer = *peer;
	TAILQ_INSERT_TAIL(&s->conns, c, all);
	s->stats.open++;
	r = sd_event_add_io(s->event, &c->io, fd, EPOLLIN, on_io, c);
	if (r < 0) {
		c->fd = -1;
		(void)vl_conn_free(c);
		return r;
	}
	s->stats.connections++;
	return 0;
}

struct vl_conn *vl_conn_free(struct vl_conn *c)
{
	if (!c)
		return NULL;
	c->broken = true;
	if (c->active)
		vl_call_drop(c->active);
	sd_event_source_disable_unref(c->io);
	conn_set_ready(c, false);
	TAILQ_REMOVE(&c->server->conns, c, all);
	c->server->stats.open--;
	vl_buf_free(&c->in);
	vl_buf_free(&c->out);
	shared_drop(c);
	close_fd(&c->fd);
	free(c);
	return NULL;
}
