// SPDX-License-Identifier: Apache-2.0
/*
 * The transport of the HTTP interface, see http.h. libmicrohttpd has an epoll descriptor of its
 * own, which is one source of the program's loop; there is no thread. A listener of events is a
 * connection that is suspended while nothing waits for it.
 */
#include "tools/allocator/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "agent/lib/cleanup.h"
#include "tools/allocator/api.h"
#include "tools/allocator/page.h"

#define EVENTS_PATH  "/v2/events"
#define EVENTS_BLOCK 16384 /* bytes that are passed on at once */
#define TASKS_PATH   "/v2/tasks/"
#define LOG_PATH     "/log"
#define LOG_BYTES    65536 /* of the end of a log */
#define DIGITS	     JSON_REAL_PRECISION(15) /* 1.15, not 1.1499999999999999 */
#define JSON_TYPE    "application/json"
#define PAGE_POLICY                                                                                \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "            \
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

struct http {
	sd_event *event;
	struct core *core;
	const char *web; /* directory of the page */
	struct MHD_Daemon *daemon;
	sd_event_source *io, *timer, *post;
	LIST_HEAD(, stream) streams;
	LIST_HEAD(, waiting) waiting;
	size_t bodies; /* bytes */
	bool resumed;
};

/* One listener of events. */
struct stream {
	LIST_ENTRY(stream) link;
	struct http *http;
	struct MHD_Connection *mhd;
	struct bus_listener *listener;
	bool suspended;
};

/* One request that is being received. */
struct request {
	char *body;
	size_t len, room;
	unsigned int refused; /* status; the rest of the body is not looked at */
	unsigned int status; /* of the answer that was waited for; 0: none */
	char *answer;
};

/* One request whose answer comes from a node. The node's end frees it. */
struct waiting {
	LIST_ENTRY(waiting) link;
	struct http *http; /* NULL: nobody waits any more */
	struct MHD_Connection *mhd;
	struct request *rq;
};

/* ---- events ---- */

static void stream_wake(void *arg)
{
	struct stream *s = arg;

	if (!s->suspended)
		return;
	s->suspended = false;
	s->http->resumed = true;
	MHD_resume_connection(s->mhd);
}

static ssize_t stream_read(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct stream *s = arg;
	ssize_t n = bus_read(s->listener, buf, max);

	(void)pos;
	if (n == -EPIPE)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (!n) {
		s->suspended = true;
		MHD_suspend_connection(s->mhd);
	}
	return n;
}

static void stream_free(void *arg)
{
	struct stream *s = arg;
	struct bus *bus = s->http->core->bus;
	bool listened = s->listener;

	bus_unlisten(s->listener);
	LIST_REMOVE(s, link);
	free(s);
	if (listened)
		bus_publish(bus, "event_stream_detached", json_pack("{s:s}", "remoteAddress", ""));
}

struct types {
	const char *names[BUS_TYPES_MAX];
	size_t nr;
	bool wrong;
};

static enum MHD_Result add_type(void *arg, enum MHD_ValueKind kind, const char *key,
				const char *value)
{
	struct types *t = arg;

	(void)kind; /* arguments are all that was asked for */
	if (strcmp(key, "event_type") != 0)
		return MHD_YES;
	if (!value || !bus_type_known(value) || t->nr == BUS_TYPES_MAX)
		t->wrong = true;
	else
		t->names[t->nr++] = value;
	return MHD_YES;
}

/* ---- answers ---- */

static enum MHD_Result send_response(struct MHD_Connection *mhd, unsigned int status,
				     struct MHD_Response *r, const char *type, const char *location)
{
	enum MHD_Result result = MHD_NO;

	if (!r)
		return MHD_NO;
	if (MHD_add_response_header(r, "Content-Type", type) == MHD_YES &&
	    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff") == MHD_YES &&
	    MHD_add_response_header(r, "Cache-Control", "no-cache, no-store") == MHD_YES &&
	    (!location || MHD_add_response_header(r, "Location", location) == MHD_YES))
		result = MHD_queue_response(mhd, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result send_text(struct MHD_Connection *mhd, unsigned int status, const char *type,
				 const char *location, const char *text)
{
	return send_response(mhd, status,
			     MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
							     MHD_RESPMEM_MUST_COPY),
			     type, location);
}

static enum MHD_Result send_call(struct MHD_Connection *mhd, struct api_call *call)
{
	cleanup_free char *json =
		call->reply ? json_dumps(call->reply, JSON_COMPACT | DIGITS) : NULL;
	enum MHD_Result r;

	if (call->text)
		r = send_text(mhd, call->status, call->type, NULL, call->text);
	else if (json)
		r = send_text(mhd, call->status, JSON_TYPE, call->location, json);
	else
		r = send_text(mhd, call->reply ? 500 : call->status, JSON_TYPE, NULL, "");
	json_decref(call->reply);
	free(call->text);
	free(call->location);
	return r;
}

static enum MHD_Result refuse(struct MHD_Connection *mhd, unsigned int status, const char *why)
{
	struct api_call call = {};

	api_says(&call, status, "%s", why);
	return send_call(mhd, &call);
}

static enum MHD_Result listen_events(struct http *h, struct MHD_Connection *mhd)
{
	struct types types = {};
	struct stream *s;

	(void)MHD_get_connection_values(mhd, MHD_GET_ARGUMENT_KIND, add_type, &types); /* a count */
	if (types.wrong)
		return refuse(mhd, 400, "event_type is not the name of an event");
	s = calloc(1, sizeof(*s));
	if (!s)
		return MHD_NO;
	*s = (struct stream){.http = h, .mhd = mhd};
	if (bus_listen(h->core->bus, types.names, types.nr, stream_wake, s, &s->listener) < 0) {
		free(s);
		return refuse(mhd, 503, "too many listen to events");
	}
	LIST_INSERT_HEAD(&h->streams, s, link);
	bus_publish(h->core->bus, "event_stream_attached", json_pack("{s:s}", "remoteAddress", ""));
	return send_response(mhd, 200,
			     MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, EVENTS_BLOCK,
							       stream_read, s, stream_free),
			     "text/event-stream", NULL);
}

static enum MHD_Result send_page(struct http *h, struct MHD_Connection *mhd, const char *name,
				 const char *type)
{
	size_t size = 0;
	int fd = page_open(h->web, name, &size);
	struct MHD_Response *r;

	if (fd < 0)
		return refuse(mhd, 404, "The web page is not installed; the API is below /v2");
	r = MHD_create_response_from_fd(size, fd); /* takes it over */
	if (!r) {
		close_fd(&fd);
		return MHD_NO;
	}
	if (MHD_add_response_header(r, "Content-Security-Policy", PAGE_POLICY) != MHD_YES) {
		MHD_destroy_response(r);
		return MHD_NO;
	}
	return send_response(mhd, 200, r, type, NULL);
}

/* ---- logs: the one answer that is not known at once ---- */

static void log_came(void *arg, const char *text, const char *why)
{
	struct waiting *w = arg;

	if (w->http) {
		w->rq->status = text ? 200 : 502;
		w->rq->answer = strdup(text ?: why);
		w->http->resumed = true;
		LIST_REMOVE(w, link);
		MHD_resume_connection(w->mhd);
	}
	free(w);
}

static enum MHD_Result send_log(struct MHD_Connection *mhd, const struct request *rq)
{
	if (rq->status != 200)
		return refuse(mhd, rq->status, rq->answer ?: "out of memory");
	return send_text(mhd, 200, "text/plain; charset=utf-8", NULL, rq->answer ?: "");
}

/* "/v2/tasks/ID/log": the ID, or "" */
static const char *log_task(const char *path, char *buf, size_t size)
{
	size_t len = strlen(path), before = strlen(TASKS_PATH), after = strlen(LOG_PATH);

	*buf = '\0';
	if (len > before + after && len - before - after < size &&
	    !strncmp(path, TASKS_PATH, before) && !strcmp(path + len - after, LOG_PATH)) {
		memcpy(buf, path + before, len - before - after);
		buf[len - before - after] = '\0';
	}
	return buf;
}

static enum MHD_Result ask_log(struct http *h, struct MHD_Connection *mhd, struct request *rq,
			       const char *id)
{
	const char *stream = MHD_lookup_connection_value(mhd, MHD_GET_ARGUMENT_KIND, "stream");
	const struct core_task *t = core_find_task(h->core, id);
	struct waiting *w;

	if (!t)
		return refuse(mhd, 404, "there is no such task");
	if (stream && strcmp(stream, "stdout") != 0 && strcmp(stream, "stderr") != 0)
		return refuse(mhd, 400, "stream: must be stdout or stderr");
	w = calloc(1, sizeof(*w));
	if (!w)
		return MHD_NO;
	*w = (struct waiting){.http = h, .mhd = mhd, .rq = rq};
	LIST_INSERT_HEAD(&h->waiting, w, link);
	MHD_suspend_connection(mhd);
	if (agents_log(h->core->agents, t->node, id, stream ?: "stdout", LOG_BYTES, log_came, w))
		log_came(w, NULL, "the node cannot be asked now");
	return MHD_YES;
}

/* ---- requests ---- */

/*
 * A page of somebody else's that an operator's browser shows must not be able to change anything
 * here: browsers say where such a request comes from.
 */
static bool is_foreign(struct MHD_Connection *mhd, const char *method)
{
	const char *origin = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Origin");
	const char *host = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Host");

	if (!origin || !strcmp(method, MHD_HTTP_METHOD_GET) ||
	    !strcmp(method, MHD_HTTP_METHOD_HEAD))
		return false;
	if (!strncmp(origin, "http://", 7))
		origin += 7;
	else if (!strncmp(origin, "https://", 8))
		origin += 8;
	return !host || strcasecmp(origin, host) != 0;
}

/* A parameter; without a key the address that the client has used. */
static const char *query(void *arg, const char *key)
{
	struct MHD_Connection *mhd = arg;

	if (!key)
		return MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Host");
	return MHD_lookup_connection_value(mhd, MHD_GET_ARGUMENT_KIND, key);
}

/* Without double slashes and without one at the end. Return: 0; -ENAMETOOLONG. */
static int clean_path(const char *url, char *buf)
{
	size_t len = 0;

	for (; *url; url++) {
		if (*url == '/' && len && buf[len - 1] == '/')
			continue;
		if (len + 1 >= API_PATH_MAX)
			return -ENAMETOOLONG;
		buf[len++] = *url;
	}
	if (len > 1 && buf[len - 1] == '/')
		len--;
	buf[len] = '\0';
	return 0;
}

static enum MHD_Result run(struct http *h, struct MHD_Connection *mhd, const char *url,
			   const char *method, struct request *rq)
{
	char task[CORE_TASK_ID_SIZE];
	struct api_call call = {.core = h->core,
				.method = method,
				.query = query,
				.query_arg = mhd};
	const char *file, *type = NULL;
	json_error_t error;
	enum MHD_Result r;

	if (clean_path(url, call.path) < 0)
		return refuse(mhd, 414, "the path is too long");
	if (is_foreign(mhd, method))
		return refuse(mhd, 403, "a page of another origin may change nothing here");
	file = page_find(call.path, &type);
	if (file && !strcmp(method, MHD_HTTP_METHOD_GET))
		return send_page(h, mhd, file, type);
	if (*log_task(call.path, task, sizeof(task)) && !strcmp(method, MHD_HTTP_METHOD_GET))
		return ask_log(h, mhd, rq, task);
	if (!strcmp(call.path, EVENTS_PATH) && !strcmp(method, MHD_HTTP_METHOD_GET))
		return listen_events(h, mhd);
	if (rq->len) {
		call.body = json_loadb(rq->body, rq->len, JSON_REJECT_DUPLICATES, &error);
		if (!call.body) {
			char text[256];

			(void)snprintf(text, sizeof(text), "Invalid JSON: line %d, column %d: %s",
				       error.line, error.column, error.text); /* may be cut */
			return refuse(mhd, 400, text);
		}
	}
	api_run(&call);
	r = send_call(mhd, &call);
	json_decref(call.body);
	return r;
}

static void take_body(struct http *h, struct request *rq, const char *data, size_t len)
{
	if (rq->refused)
		return;
	if (rq->len + len > HTTP_BODY_MAX) {
		rq->refused = 413;
		return;
	}
	if (rq->len + len > rq->room) {
		size_t room = (rq->len + len) * 2;
		char *body = NULL;

		if (h->bodies + room - rq->room <= HTTP_BODIES_MAX)
			body = realloc(rq->body, room);
		if (!body) {
			rq->refused = 503;
			return;
		}
		h->bodies += room - rq->room;
		rq->body = body;
		rq->room = room;
	}
	memcpy(rq->body + rq->len, data, len);
	rq->len += len;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *mhd, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_len, void **state)
{
	struct http *h = cls;
	struct request *rq = *state;

	(void)version;
	if (!rq) {
		*state = calloc(1, sizeof(*rq));
		return *state ? MHD_YES : MHD_NO; /* once more, with what may be a body */
	}
	if (*upload_len) {
		take_body(h, rq, upload, *upload_len);
		*upload_len = 0;
		return MHD_YES;
	}
	if (rq->status)
		return send_log(mhd, rq);
	if (rq->refused == 413)
		return refuse(mhd, 413, "the body is too large");
	if (rq->refused)
		return refuse(mhd, rq->refused, "too much is being received, try again");
	return run(h, mhd, url, method, rq);
}

static void request_ends(void *cls, struct MHD_Connection *mhd, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct request *rq = *state;
	struct http *h = cls;

	(void)mhd;
	(void)code;
	if (!rq)
		return;
	h->bodies -= rq->room;
	free(rq->body);
	free(rq->answer);
	free(rq);
	*state = NULL;
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
	(void)MHD_run(h->daemon); /* likewise */
	return 0;
}

/* After every turn of the loop: when to look again if nothing happens. */
static int plan_next(sd_event_source *source, void *userdata)
{
	struct http *h = userdata;
	MHD_UNSIGNED_LONG_LONG ms = 0;
	int r;

	(void)source; /* is h->post */
	if (!h->resumed && MHD_get_timeout(h->daemon, &ms) != MHD_YES)
		return sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
	r = sd_event_source_set_time_relative(h->timer, h->resumed ? 0 : ms * 1000);
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
		r = sd_event_add_post(h->event, &h->post, plan_next, h);
	return r < 0 ? r : 0;
}

int http_new(sd_event *event, int fd, struct core *core, const char *web, struct http **ret)
{
	struct http *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->event = sd_event_ref(event);
	h->core = core;
	h->web = web;
	LIST_INIT(&h->streams);
	LIST_INIT(&h->waiting);
	h->daemon =
		MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, h,
				 MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				 (unsigned int)HTTP_CONNS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
				 (unsigned int)HTTP_PER_ADDR_MAX,
				 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEADERS_MAX,
				 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)HTTP_IDLE_S,
				 MHD_OPTION_NOTIFY_COMPLETED, request_ends, h,
				 MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP,
				 1, MHD_OPTION_END);
	r = h->daemon ? add_sources(h) : -EIO;
	if (r < 0) {
		if (h->daemon) /* the socket stays the caller's */
			(void)MHD_quiesce_daemon(h->daemon);
		http_free(h);
		return r;
	}
	*ret = h;
	return 0;
}

struct http *http_free(struct http *h)
{
	struct waiting *w;
	struct stream *s;

	if (!h)
		return NULL;
	while ((w = LIST_FIRST(&h->waiting))) { /* the node's end frees it */
		LIST_REMOVE(w, link);
		w->http = NULL;
		MHD_resume_connection(w->mhd);
	}
	LIST_FOREACH(s, &h->streams, link)
	{
		bus_unlisten(s->listener); /* nobody is told of each other's end */
		s->listener = NULL;
		if (s->suspended)
			MHD_resume_connection(s->mhd); /* libmicrohttpd wants none suspended */
		s->suspended = false;
	}
	sd_event_source_disable_unref(h->post);
	sd_event_source_disable_unref(h->timer);
	sd_event_source_disable_unref(h->io);
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	sd_event_unref(h->event);
	free(h);
	return NULL;
}
