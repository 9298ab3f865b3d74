// SPDX-License-Identifier: Apache-2.0
/*
 * The HTTP side, see http.h. libmicrohttpd has an epoll descriptor of its own, which is one
 * source of the program's loop; there is no thread. A connection is known here by its place in a
 * list that is ordered by progress: at its head is who is longest without a whole request, so that
 * clients that only trickle are the first to be closed, however many there are.
 */
#include "tools/exporter/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "agent/lib/cleanup.h"

struct conn {
	struct http *http;
	struct MHD_Connection *mhd;
	struct conn *prev, *next; /* in order of progress */
	uint64_t progress_ms;
	struct in6_addr peer; /* of IPv4 as IPv6 has it */
	bool dropped;
};

/* One request that has begun. */
struct request {
	struct http *http;
	struct MHD_Connection *mhd;
	struct request *next_waiting;
	bool waiting; /* suspended, in the list */
	bool waited; /* now without waiting again */
};

struct http {
	sd_event *event;
	struct MHD_Daemon *daemon;
	struct pages *pages;
	/* readiness; what libmicrohttpd wants to do later; the end of waiting for the agent */
	sd_event_source *io, *timer, *patience, *post;
	struct conn head; /* of the ring of connections */
	unsigned int conns_nr;
	struct request *waiting;
	bool resumed; /* libmicrohttpd only looks at them when it is run */
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* does not fail for this clock */
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- connections ---- */

static void conn_unlink(struct conn *c)
{
	c->prev->next = c->next;
	c->next->prev = c->prev;
}

/* To the end of the list: it has made progress. */
static void conn_link(struct conn *c)
{
	struct conn *head = &c->http->head;

	c->progress_ms = now_ms();
	c->prev = head->prev;
	c->next = head;
	c->prev->next = c;
	head->prev = c;
}

/* libmicrohttpd sees the end of input, closes it and tells conn_notify(). */
static void conn_drop(struct conn *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (c->dropped || !info)
		return;
	c->dropped = true;
	(void)shutdown(info->connect_fd, SHUT_RDWR); /* gone already: as well */
	c->http->pages->connections_dropped++;
}

static struct in6_addr peer_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct in6_addr peer = {};

	if (info && info->client_addr->sa_family == AF_INET6) {
		peer = ((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_addr;
	} else if (info && info->client_addr->sa_family == AF_INET) {
		peer.s6_addr32[2] = htonl(0xffff);
		peer.s6_addr32[3] = ((const struct sockaddr_in *)(const void *)info->client_addr)
					    ->sin_addr.s_addr;
	}
	return peer;
}

static unsigned int conns_of_peer(const struct http *h, const struct in6_addr *peer)
{
	unsigned int nr = 0;

	for (const struct conn *c = h->head.next; c != &h->head; c = c->next)
		nr += !c->dropped && IN6_ARE_ADDR_EQUAL(&c->peer, peer);
	return nr;
}

/* Of the address that has most connections the one that made no progress for longest. */
static void drop_slowest(struct http *h)
{
	struct conn *worst = NULL;
	unsigned int most = 0;

	for (struct conn *c = h->head.next; c != &h->head; c = c->next) {
		unsigned int nr = c->dropped ? 0 : conns_of_peer(h, &c->peer);

		if (nr <= most)
			continue;
		most = nr;
		worst = c;
	}
	if (worst)
		conn_drop(worst);
}

static void conn_begins(struct http *h, struct MHD_Connection *mhd, void **socket_context)
{
	struct conn *c = calloc(1, sizeof(*c));

	h->pages->connections++;
	if (!c) /* it is served, without a deadline */
		return;
	c->http = h;
	c->mhd = mhd;
	c->peer = peer_of(mhd);
	conn_link(c);
	*socket_context = c;
	if (++h->conns_nr > HTTP_CONNS_SOFT)
		drop_slowest(h);
}

static void conn_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
			enum MHD_ConnectionNotificationCode code)
{
	struct http *h = cls;
	struct conn *c = *socket_context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		conn_begins(h, mhd, socket_context);
	} else if (c) {
		conn_unlink(c);
		free(c);
		h->conns_nr--;
		*socket_context = NULL;
	}
}

static struct conn *conn_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void conn_progress(struct MHD_Connection *mhd)
{
	struct conn *c = conn_of(mhd);

	if (!c)
		return;
	conn_unlink(c);
	conn_link(c);
}

static void drop_late(struct http *h)
{
	uint64_t now = now_ms();

	for (struct conn *c = h->head.next; c != &h->head; c = c->next) {
		if (now < c->progress_ms + HTTP_DEADLINE_MS)
			return;
		conn_drop(c);
	}
}

/* ---- requests ---- */

static enum MHD_Result reply(struct MHD_Connection *mhd, unsigned int status, const char *type,
			     const char *extra, const char *extra_value, const char *text)
{
	struct MHD_Response *r =
		MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
						MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = MHD_NO;

	if (!r)
		return MHD_NO;
	if (MHD_add_response_header(r, "Content-Type", type) == MHD_YES &&
	    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff") == MHD_YES &&
	    (!extra || MHD_add_response_header(r, extra, extra_value) == MHD_YES))
		result = MHD_queue_response(mhd, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result reply_text(struct MHD_Connection *mhd, unsigned int status, const char *text)
{
	return reply(mhd, status, "text/plain; charset=utf-8", NULL, NULL, text);
}

static enum MHD_Result get_root(struct http *h, struct request *rq)
{
	char page[1024];

	(void)snprintf(
		page, sizeof(page), /* fits */
		"<!DOCTYPE html>\n<html lang=\"en\"><head><title>dcos-exporter</title></head>"
		"<body>\n<h1>dcos-exporter " DCOS_VERSION "</h1>\n"
		"<p>The agent %s.</p>\n<ul>\n"
		"<li><a href=\"metrics\">metrics</a>: OpenMetrics 1.0.0 or Prometheus' text "
		"format 0.0.4, as the Accept header says</li>\n"
		"<li><a href=\"healthz\">healthz</a>: 200 while the agent sends snapshots, "
		"else 503</li>\n</ul></body></html>\n",
		feed_is_up(h->pages->feed) ? "sends snapshots" : "is not there");
	return reply(rq->mhd, MHD_HTTP_OK, "text/html; charset=utf-8", NULL, NULL, page);
}

static enum MHD_Result get_health(struct http *h, struct request *rq)
{
	char text[WHY_MAX + 2];

	if (feed_is_up(h->pages->feed))
		return reply_text(rq->mhd, MHD_HTTP_OK, "ok\n");
	(void)snprintf(text, sizeof(text), "%s\n", feed_trouble(h->pages->feed)); /* fits */
	return reply_text(rq->mhd, MHD_HTTP_SERVICE_UNAVAILABLE, text);
}

static void wait_for_agent(struct http *h, struct request *rq)
{
	if (!h->waiting) {
		/* fail for a bad argument only */
		(void)sd_event_source_set_time_relative(h->patience, HTTP_WAIT_MS * 1000);
		(void)sd_event_source_set_enabled(h->patience, SD_EVENT_ONESHOT);
	}
	rq->waiting = rq->waited = true;
	rq->next_waiting = h->waiting;
	h->waiting = rq;
	MHD_suspend_connection(rq->mhd);
}

static enum MHD_Result get_metrics(struct http *h, struct request *rq)
{
	enum page_format format =
		accept_choose(MHD_lookup_connection_value(rq->mhd, MHD_HEADER_KIND, "Accept"));
	struct MHD_Response *page = pages_kept(h->pages, format);
	int r = 0;

	if (!page && !rq->waited) {
		feed_ask(h->pages->feed);
		if (!feed_settled(h->pages->feed)) {
			wait_for_agent(h, rq);
			return MHD_YES;
		}
	}
	if (!page)
		r = pages_response(h->pages, format, &page);
	if (r == -EBUSY) {
		h->pages->refused++;
		return reply(rq->mhd, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain; charset=utf-8",
			     "Retry-After", "10", "too many clients read slowly\n");
	}
	if (r < 0)
		return reply_text(rq->mhd, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
	h->pages->requests[format]++;
	return MHD_queue_response(rq->mhd, MHD_HTTP_OK, page);
}

static const struct route {
	const char *path;
	enum MHD_Result (*get)(struct http *h, struct request *rq);
} routes[] = {
	{"/metrics", get_metrics},
	{"/healthz", get_health},
	{"/", get_root},
};

static enum MHD_Result handle(void *cls, struct MHD_Connection *mhd, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_len, void **state)
{
	struct http *h = cls;
	struct request *rq = *state;

	(void)version;
	(void)upload; /* a body means nothing to us */
	if (!rq) {
		rq = calloc(1, sizeof(*rq));
		if (!rq)
			return MHD_NO;
		*rq = (struct request){.http = h, .mhd = mhd};
		*state = rq;
		conn_progress(mhd);
		return MHD_YES; /* once more, for what may be a body */
	}
	if (*upload_len) {
		*upload_len = 0;
		return MHD_YES;
	}
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (strcmp(url, routes[i].path) != 0)
			continue;
		if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
		    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
			return reply(mhd, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain; charset=utf-8",
				     "Allow", "GET, HEAD", "only GET and HEAD\n");
		return routes[i].get(h, rq);
	}
	return reply_text(mhd, MHD_HTTP_NOT_FOUND, "not found; see /\n");
}

static void request_ends(void *cls, struct MHD_Connection *mhd, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct request *rq = *state;
	struct http *h = cls;

	if (rq && rq->waiting) { /* at the end of the program */
		struct request **p = &h->waiting;

		while (*p != rq)
			p = &(*p)->next_waiting;
		*p = rq->next_waiting;
	}
	free(rq);
	*state = NULL;
	if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		conn_progress(mhd);
}

void http_settled(struct http *h)
{
	struct request *next;

	for (struct request *rq = h->waiting; rq; rq = next) {
		next = rq->next_waiting;
		rq->waiting = false;
		h->resumed = true;
		MHD_resume_connection(rq->mhd);
	}
	h->waiting = NULL;
	(void)sd_event_source_set_enabled(h->patience, SD_EVENT_OFF); /* fails for no source only */
}

/* ---- the loop ---- */

static int readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct http *h = userdata;

	(void)source; /* is h->io */
	(void)fd;
	(void)events;
	(void)MHD_run(h->daemon); /* what fails concerns one connection, which is closed */
	return 0;
}

static int timer_fired(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct http *h = userdata;

	(void)source; /* is h->timer */
	(void)usec;
	h->resumed = false;
	drop_late(h);
	(void)MHD_run(h->daemon); /* likewise */
	return 0;
}

static int patience_ends(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	http_settled(userdata);
	return 0;
}

/* After every turn of the loop: when to look again if nothing happens. */
static int plan_next(sd_event_source *source, void *userdata)
{
	struct http *h = userdata;
	uint64_t now = now_ms(), wait = pages_trim(h->pages);
	MHD_UNSIGNED_LONG_LONG mhd_ms;
	int r;

	(void)source; /* is h->post */
	if (MHD_get_timeout(h->daemon, &mhd_ms) == MHD_YES && mhd_ms < wait)
		wait = mhd_ms;
	if (h->resumed)
		wait = 0;
	for (const struct conn *c = h->head.next; c != &h->head; c = c->next) {
		uint64_t end = c->progress_ms + HTTP_DEADLINE_MS;

		if (c->dropped)
			continue;
		if (end <= now)
			wait = 0;
		else if (end - now < wait)
			wait = end - now;
		break; /* the others are later */
	}
	if (wait == UINT64_MAX)
		return sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
	r = sd_event_source_set_time_relative(h->timer, wait * 1000);
	return r < 0 ? r : sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT);
}

static int add_sources(struct http *h)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int r;

	if (!info)
		return -EOPNOTSUPP;
	r = sd_event_add_io(h->event, &h->io, info->epoll_fd, EPOLLIN, readable, h);
	if (r >= 0)
		r = sd_event_add_time_relative(h->event, &h->timer, CLOCK_MONOTONIC, 0, 1000,
					       timer_fired, h);
	if (r >= 0)
		r = sd_event_add_time_relative(h->event, &h->patience, CLOCK_MONOTONIC, 0, 1000,
					       patience_ends, h);
	if (r >= 0)
		r = sd_event_source_set_enabled(h->patience, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_post(h->event, &h->post, plan_next, h);
	return r < 0 ? r : 0;
}

int http_new(sd_event *event, int fd, struct pages *pages, struct http **ret)
{
	struct http *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->event = sd_event_ref(event);
	h->pages = pages;
	h->head.next = h->head.prev = &h->head;
	h->daemon =
		MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, h,
				 MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				 (unsigned int)HTTP_CONNS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				 (size_t)HTTP_REQUEST_MAX, MHD_OPTION_NOTIFY_CONNECTION,
				 conn_notify, h, MHD_OPTION_NOTIFY_COMPLETED, request_ends, h,
				 MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP,
				 1, MHD_OPTION_END);
	r = h->daemon ? add_sources(h) : -EIO;
	if (r < 0) {
		/* the socket stays the caller's */
		if (h->daemon)
			(void)MHD_quiesce_daemon(h->daemon);
		http_free(h);
		return r;
	}
	*ret = h;
	return 0;
}

struct http *http_free(struct http *h)
{
	if (!h)
		return NULL;
	http_settled(h); /* libmicrohttpd wants none suspended */
	sd_event_source_disable_unref(h->post);
	sd_event_source_disable_unref(h->patience);
	sd_event_source_disable_unref(h->timer);
	sd_event_source_disable_unref(h->io);
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	sd_event_unref(h->event);
	free(h);
	return NULL;
}
