// SPDX-License-Identifier: Apache-2.0
/* The loop while programs count: messages, the end of the target, signals, times. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "cgroupfs/cgroupfs.h"
#include "tools/dcosaudit/live_impl.h"

#define LOOK_MS	   200 /* how often the state is looked at that nothing tells of */
#define EVENTS_MAX 128 /* bytes of cgroup.events */

struct runner {
	struct live *l;
	struct target *t;
	const struct live_run *run;
	struct ring_buffer *ring;
	int signals, cgroup; /* cgroup: O_PATH directory whose end is awaited, or -1 */
	int events; /* its cgroup.events, or -1 */
	bool was_populated, ended;
	uint64_t began_ms, ticked_ms, moved;
	enum live_end end;
};

static void signal_set(sigset_t *ret)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};

	(void)sigemptyset(ret); /* cannot fail */
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		(void)sigaddset(ret, signals[i]); /* cannot fail */
}

void live_block(void)
{
	sigset_t set;

	signal_set(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL); /* cannot fail */
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail */
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int on_message(void *ctx, void *data, size_t size)
{
	struct runner *r = ctx;

	if (size >= sizeof(struct dcos_refusal) && r->run->refused)
		r->run->refused(r->run->ctx, data);
	return 0;
}

/* By the descriptor that is polled: reading it is what arms it again. */
static void look_at_cgroup(struct runner *r)
{
	char text[EVENTS_MAX + 1];
	ssize_t n;

	if (r->events < 0)
		return;
	n = pread(r->events, text, EVENTS_MAX, 0);
	text[n < 0 ? 0 : n] = '\0';
	if (n < 0)
		r->ended = true; /* removed */
	else if (strstr(text, "populated 1"))
		r->was_populated = true;
	else if (r->was_populated)
		r->ended = true;
}

/* Follow a cgroup until nothing is left in it. */
static void follow(struct runner *r, int dirfd)
{
	r->cgroup = dirfd;
	r->events = openat(dirfd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	r->ended = r->events < 0; /* it is gone already */
	look_at_cgroup(r);
}

/* A task that was awaited: BPF has seen its cgroup. */
static void look_for_awaited(struct runner *r)
{
	struct target *t = r->t;
	int fd;

	if (t->kind != TARGET_AWAITED || r->cgroup >= 0 || !r->l->state->appeared)
		return;
	r->was_populated = true; /* by now: it is not made for nothing */
	fd = cg_open(t->cgroup_fd, t->wait_name, false);
	if (fd < 0)
		r->ended = true; /* so short a task */
	else
		follow(r, fd);
}

static void look_at_part(struct runner *r)
{
	struct dcos_audit_state *s = r->l->state;

	if (s->part == DCOS_AUDIT_STARTUP && r->run->startup_ms && s->began_ns &&
	    now_ns() - s->began_ns >= r->run->startup_ms * 1000000)
		s->part = DCOS_AUDIT_RUNNING;
}

static void look(struct runner *r)
{
	uint64_t now_ms = now_ns() / 1000000;

	look_for_awaited(r);
	look_at_part(r);
	if (r->l->state->moved != r->moved) {
		r->moved = r->l->state->moved;
		(void)live_mark(r->l); /* the next look tries again */
	}
	if (r->run->tick_ms && now_ms - r->ticked_ms >= r->run->tick_ms) {
		r->ticked_ms = now_ms;
		r->run->tick(r->run->ctx);
	}
}

static bool is_signalled(struct runner *r)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGUSR1)
			return true;
		r->l->state->part = DCOS_AUDIT_RUNNING;
	}
	return false;
}

static bool is_over(struct runner *r)
{
	if (is_signalled(r))
		r->end = LIVE_SIGNAL;
	else if (r->ended)
		r->end = LIVE_TARGET_ENDED;
	else if (r->run->duration_ms && now_ns() / 1000000 - r->began_ms >= r->run->duration_ms)
		r->end = LIVE_TIME;
	else
		return false;
	return true;
}

/* How long to sleep: until the next look, or the end. */
static int timeout_of(const struct runner *r)
{
	uint64_t gone = now_ns() / 1000000 - r->began_ms;

	if (r->run->duration_ms && r->run->duration_ms - gone < LOOK_MS)
		return r->run->duration_ms > gone ? (int)(r->run->duration_ms - gone) : 0;
	return LOOK_MS;
}

static int loop(struct runner *r)
{
	while (!is_over(r)) {
		struct pollfd fds[] = {
			{ring_buffer__epoll_fd(r->ring), POLLIN, 0},
			{r->signals, POLLIN, 0},
			{r->t->pidfd, POLLIN, 0},
			{r->events, POLLPRI, 0},
		};

		if (poll(fds, ARRAY_SIZE(fds), timeout_of(r)) < 0 && errno != EINTR)
			return -errno;
		(void)ring_buffer__consume(r->ring); /* its callback never fails */
		if (fds[2].revents)
			r->ended = true;
		if (fds[3].revents)
			r->was_populated = true; /* there was a change */
		look_at_cgroup(r);
		look(r);
	}
	(void)ring_buffer__consume(r->ring); /* the last messages */
	return 0;
}

int live_run(struct live *l, struct target *t, const struct live_run *run, enum live_end *ret,
	     struct why *why)
{
	struct runner r = {
		.l = l,
		.t = t,
		.run = run,
		.cgroup = -1,
		.events = -1,
		.began_ms = now_ns() / 1000000,
	};
	sigset_t set;
	int err;

	signal_set(&set);
	r.ticked_ms = r.began_ms;
	r.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	r.ring = ring_buffer__new(l->ring_fd, on_message, &r, NULL);
	if (r.signals < 0 || !r.ring) {
		close_fd(&r.signals);
		ring_buffer__free(r.ring);
		return why_set(why, -ENOMEM, "waiting for events");
	}
	if (t->kind == TARGET_CGROUP)
		follow(&r, t->cgroup_fd);
	l->state->on = 1;
	target_start(t);
	err = loop(&r);
	l->state->on = 0;
	ring_buffer__free(r.ring);
	close_fd(&r.signals);
	close_fd(&r.events);
	if (r.cgroup != t->cgroup_fd)
		close_fd(&r.cgroup);
	if (err)
		return why_set(why, err, "waiting for events");
	*ret = r.end;
	return 0;
}
