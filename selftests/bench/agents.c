// SPDX-License-Identifier: Apache-2.0
/*
 * Emulated nodes for a benchmark of dcos-allocator: `agents SOCKET NODES TASKS SECONDS`. Each is a
 * connection that registers, reports its tasks once a second, spread over it, as dcos-uplink does,
 * runs whatever it is ordered to at once, and comes back like dcos-uplink when it is cut off. It
 * prints how long it took until all were registered, each time that they were, and at the end what
 * was sent and what came late.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"

#define NODES_MAX      20000
#define TASKS_MAX      100
#define IN_BYTES       1048576 /* orders for hundreds of tasks at once */
#define OUT_BYTES      262144
#define EVENTS	       256
#define BACKOFF_MIN_MS 500
#define BACKOFF_MAX_MS 8000

struct conn {
	int fd; /* -1: cut off */
	unsigned int nr;
	bool registered;
	uint64_t due_ms, backoff_ms;
	char *in;
	size_t in_len;
	char *held; /* what the socket did not take */
	size_t held_len;
	uint64_t ticks;
};

static struct conn conns[NODES_MAX];
static unsigned int nodes, tasks;
static unsigned int registered;
static uint64_t begun_ms, reports, late, orders, bytes;
static const char *path;
static int poll_fd;

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void cut(struct conn *c)
{
	if (c->fd >= 0)
		(void)close(c->fd); /* nothing is to be lost */
	c->fd = -1;
	if (c->registered && registered-- == nodes)
		begun_ms = now_ms();
	c->registered = false;
	c->in_len = c->held_len = 0;
	c->due_ms = now_ms() + c->backoff_ms / 2 + (uint64_t)rand() % (c->backoff_ms / 2 + 1);
	c->backoff_ms = c->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : c->backoff_ms * 2;
}

static void watch(struct conn *c)
{
	struct epoll_event e = {.events = EPOLLIN | (c->held_len ? (unsigned int)EPOLLOUT : 0U),
				.data.ptr = c};

	if (epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &e))
		die("epoll_ctl");
}

static void put(struct conn *c, const char *text, size_t len)
{
	ssize_t n = c->held_len ? 0 : send(c->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN) {
		cut(c);
		return;
	}
	n = n < 0 ? 0 : n;
	bytes += len;
	if ((size_t)n == len)
		return;
	if (c->held_len + len - (size_t)n > OUT_BYTES) {
		cut(c);
		return;
	}
	c->held = c->held ?: malloc(OUT_BYTES);
	if (!c->held)
		die("malloc");
	memcpy(c->held + c->held_len, text + n, len - (size_t)n);
	c->held_len += len - (size_t)n;
	watch(c);
}

static void flush(struct conn *c)
{
	ssize_t n = send(c->fd, c->held, c->held_len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN) {
		cut(c);
		return;
	}
	if (n > 0) {
		c->held_len -= (size_t)n;
		memmove(c->held, c->held + n, c->held_len);
	}
	watch(c);
}

static void connect_one(struct conn *c)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
	char text[512];
	int n;

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path); /* one that fits */
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		die("socket");
	if (connect(c->fd, (struct sockaddr *)&sa, sizeof(sa))) {
		cut(c);
		return;
	}
	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &e))
		die("epoll_ctl");
	n = snprintf(
		text, sizeof(text), /* fits */
		"{\"method\":\"io.dcos.Allocator.Register\",\"more\":true,\"parameters\":{"
		"\"node\":\"node-%u\",\"session\":\"1\",\"hostname\":\"node-%u\",\"version\":\"1\","
		"\"cpus\":64,\"memory_bytes\":274877906944,\"disk_bytes\":1099511627776,"
		"\"ports\":[[31000,32000]],\"attributes\":{\"rack\":\"r%u\"},\"draining\":false,"
		"\"doctor\":[]}}",
		c->nr, c->nr, c->nr % 40);
	put(c, text, (size_t)n + 1);
}

/* Appends to a report that is being made. */
static size_t add(char *buf, size_t at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static size_t add(char *buf, size_t at, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf + at, OUT_BYTES - at, fmt, ap);
	va_end(ap);
	return at + (size_t)n;
}

/* Of a task what changes within a second: counters and the histogram of its waits. */
static size_t add_usage(char *buf, size_t at, const struct conn *c, unsigned int t)
{
	uint64_t k = c->ticks;

	return add(
		buf, at,
		"%s{\"id\":\"job-%u.%u\",\"cpu_ns\":%llu,\"memory_bytes\":%llu,\"rx_bytes\":%llu,"
		"\"tx_bytes\":%llu,\"nr_periods\":%llu,\"wait_hist_us\":[%llu,%llu,%llu,%llu,%llu,"
		"%llu,%llu,%llu,%llu,%llu,1,1]}",
		t ? "," : "", c->nr, t, (unsigned long long)k * 300000000,
		(unsigned long long)(50000000 + k % 7 * 4096), (unsigned long long)k * 100000,
		(unsigned long long)k * 50000, (unsigned long long)k * 10,
		(unsigned long long)k * 10, (unsigned long long)k * 20, (unsigned long long)k * 30,
		(unsigned long long)k * 20, (unsigned long long)k * 9, (unsigned long long)k * 5,
		(unsigned long long)k * 3, (unsigned long long)k * 2, (unsigned long long)k,
		(unsigned long long)k);
}

static void report(struct conn *c)
{
	static char buf[OUT_BYTES];
	size_t at = add(buf, 0,
			"{\"method\":\"io.dcos.Allocator.Report\",\"oneway\":true,\"parameters\":{"
			"\"time_ms\":%llu,\"all\":%s,\"draining\":false,\"tasks\":[],\"gone\":[],"
			"\"answers\":[],\"usages\":[",
			(unsigned long long)now_ms(), c->ticks ? "false" : "true");

	c->ticks++;
	for (unsigned int t = 0; t < tasks; t++)
		at = add_usage(buf, at, c, t);
	at = add(buf, at, "]}}");
	put(c, buf, at + 1);
	reports++;
}

/* Whatever it is told to run runs. */
static void obey(struct conn *c, const char *text)
{
	const char *order = strstr(text, "\"number\":"), *id = strstr(text, "\"id\":\"app.");
	char reply[1024];
	int n;

	if (!c->registered) {
		c->registered = true;
		c->backoff_ms = BACKOFF_MIN_MS;
		c->ticks = 0;
		c->due_ms = now_ms() + (uint64_t)rand() % 1000;
		if (++registered == nodes)
			(void)printf("registered %u in %.2f s\n", nodes,
				     (double)(now_ms() - begun_ms) / 1000);
		(void)fflush(stdout); /* for who waits for that line */
		report(c);
		return;
	}
	if (!order || !id)
		return;
	orders++;
	n = snprintf(reply, sizeof(reply), /* fits: ids have at most 127 bytes */
		     "{\"method\":\"io.dcos.Allocator.Report\",\"oneway\":true,\"parameters\":{"
		     "\"time_ms\":1,\"all\":false,\"draining\":false,\"tasks\":[{\"id\":\"%.*s\","
		     "\"state\":"
		     "\"%s\"}],\"gone\":[],\"usages\":[],\"answers\":[{\"order\":%.*s}]}}",
		     (int)strcspn(id + 6, "\""), id + 6,
		     strstr(text, "\"Run\"") ? "RUNNING" : "KILLED",
		     (int)strspn(order + 9, "0123456789"), order + 9);
	put(c, reply, (size_t)n + 1);
}

static void take(struct conn *c)
{
	ssize_t n;
	char *end;

	c->in = c->in ?: malloc(IN_BYTES);
	if (!c->in)
		die("malloc");
	n = recv(c->fd, c->in + c->in_len, IN_BYTES - c->in_len, MSG_DONTWAIT);
	if (n <= 0) {
		if (!n || errno != EAGAIN)
			cut(c);
		return;
	}
	c->in_len += (size_t)n;
	while (c->fd >= 0 && (end = memchr(c->in, '\0', c->in_len))) {
		size_t len = (size_t)(end - c->in) + 1;

		obey(c, c->in);
		if (c->fd < 0)
			break;
		c->in_len -= len;
		memmove(c->in, c->in + len, c->in_len);
	}
}

/* Who is due reports, or tries to come back. */
static void turn(void)
{
	uint64_t now = now_ms();

	for (unsigned int i = 0; i < nodes; i++) {
		struct conn *c = &conns[i];

		if (now < c->due_ms)
			continue;
		if (c->fd < 0) {
			connect_one(c);
			if (c->fd >= 0)
				c->due_ms = now + 60000; /* until it is let in */
		} else if (c->registered) {
			late += now > c->due_ms + 1000;
			c->due_ms = c->due_ms + 1000 > now ? c->due_ms + 1000 : now + 1000;
			report(c);
		}
	}
}

int main(int argc, char **argv)
{
	struct rlimit files;
	struct epoll_event events[EVENTS];
	uint64_t n[3] = {0}, end;

	if (argc != 5 || parse_u64(argv[2], 1, NODES_MAX, &n[0]) ||
	    parse_u64(argv[3], 0, TASKS_MAX, &n[1]) || parse_u64(argv[4], 1, 100000, &n[2])) {
		(void)fprintf(stderr, "usage: agents SOCKET NODES TASKS SECONDS\n"); /* stderr */
		return 2;
	}
	path = argv[1];
	nodes = (unsigned int)n[0];
	tasks = (unsigned int)n[1];
	(void)getrlimit(RLIMIT_NOFILE, &files); /* cannot fail */
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files); /* socket() says if it was not enough */
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	begun_ms = now_ms();
	for (unsigned int i = 0; i < nodes; i++)
		conns[i] = (struct conn){.fd = -1, .nr = i, .backoff_ms = BACKOFF_MIN_MS};
	for (end = now_ms() + n[2] * 1000; now_ms() < end;) {
		int nr = epoll_wait(poll_fd, events, EVENTS, 5);

		for (int i = 0; i < nr; i++) {
			struct conn *c = events[i].data.ptr;

			if (events[i].events & EPOLLOUT)
				flush(c);
			if (c->fd >= 0 && (events[i].events & ~(unsigned int)EPOLLOUT))
				take(c);
		}
		turn();
	}
	(void)printf("reports %llu, later than a second %llu, orders %llu, bytes %llu\n",
		     (unsigned long long)reports, (unsigned long long)late,
		     (unsigned long long)orders, (unsigned long long)bytes);
	return 0;
}
