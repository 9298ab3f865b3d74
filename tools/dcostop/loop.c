// SPDX-License-Identifier: Apache-2.0
/* The two loops of dcostop: text into a pipe or file, and the terminal. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "tools/dcostop/top.h"

#define RECONNECT_MS 1000
#define NS_PER_MS    1000000
#define NS_PER_S     INT64_C(1000000000)

bool top_is_last(const struct top *t)
{
	return t->o.iterations.given && t->model.snapshots_nr >= t->o.iterations.value;
}

static int print_snapshot(struct top *t)
{
	if (t->o.json)
		return view_json(stdout, &t->model, &t->node, &t->choice);
	if (t->o.csv)
		return view_csv(stdout, &t->model, &t->choice);
	if (t->model.snapshots_nr > 1)
		(void)putchar('\n'); /* checked with the flush */
	return view_text(stdout, &t->model, &t->node, &t->choice);
}

int run_batch(struct top *t)
{
	int r;

	if (!t->replay && live_subscribe(t) < 0)
		return top_fail(EXIT_FAILURE, "%s", t->why.text);
	while (!top_is_last(t)) {
		r = t->replay ? replay_next(t) : live_next(t, -1, false);
		if (r < 0)
			return top_fail(EXIT_FAILURE, "%s", t->why.text);
		if (r == 0 && t->replay)
			return 0;
		if (r == 0)
			continue;
		if (print_snapshot(t) < 0)
			return top_fail(EXIT_FAILURE, "out of memory");
		if (fflush(stdout))
			return top_fail(EXIT_FAILURE, "standard output: %s", strerror(errno));
	}
	return 0;
}

/* The connection is of no more use: say so on the screen, and try again later. */
static void lose(struct top *t)
{
	t->client = vl_client_free(t->client);
	(void)snprintf(t->choice.trouble, sizeof(t->choice.trouble), "%s", t->why.text);
}

/* Take the snapshots that have come. */
static void take_snapshots(struct top *t)
{
	int r;

	do {
		r = live_next(t, 0, t->choice.paused);
	} while (r == 1 && !top_is_last(t));
	if (r < 0)
		lose(t);
	else if (t->choice.mode == MODE_TASK && !t->choice.paused && !t->choice.back)
		live_history(t);
}

static void reconnect(struct top *t)
{
	if (live_subscribe(t) < 0)
		lose(t);
	else
		t->choice.trouble[0] = 0;
}

static void play(struct top *t)
{
	if (replay_next(t) < 0) {
		(void)snprintf(t->choice.trouble, sizeof(t->choice.trouble), "%s", t->why.text);
		t->choice.paused = true;
	}
}

/* A failure after the terminal was taken over: give it back first, so that it can be read. */
static int fail_screen(struct top *t, const char *text)
{
	t->screen = screen_free(t->screen);
	return top_fail(EXIT_FAILURE, "%s", text);
}

/*
 * A new size of the terminal is noticed only while waiting, so that none is missed just before.
 * Return: the signals for ppoll(2).
 */
static sigset_t hold_sigwinch(void)
{
	sigset_t winch, mask;

	sigemptyset(&winch);
	sigaddset(&winch, SIGWINCH);
	(void)sigprocmask(SIG_BLOCK, &winch, &mask); /* fails only for a bad argument */
	sigdelset(&mask, SIGWINCH);
	return mask;
}

static int64_t now_ns(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_MONOTONIC, &t) ? 0 : t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Time to wait for; -1 for ever. @due_ns: of the next snapshot of a recording, 0 not known yet. */
static int64_t wait_ns(struct top *t, int64_t *due_ns)
{
	int64_t now = now_ns(), left;
	int ms;

	if (!t->replay)
		return t->client ? -1 : RECONNECT_MS * (int64_t)NS_PER_MS;
	ms = *due_ns && !t->choice.paused ? 0 : replay_wait_ms(t);
	if (ms < 0) {
		*due_ns = 0;
		return -1;
	}
	if (!*due_ns)
		*due_ns = now + ms * (int64_t)NS_PER_MS;
	left = *due_ns - now;
	return left > 0 ? left : 0;
}

static void grant(struct top *t)
{
	if (t->replay)
		replay_wish(t);
	else
		live_wish(t);
	t->choice.wish = WISH_NONE;
}

/* Return: 0 go on; else the exit status plus 1. */
static int one_turn(struct top *t, const sigset_t *mask, int64_t *due_ns)
{
	struct pollfd fds[] = {
		{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = t->client ? vl_client_fd(t->client) : -1, .events = POLLIN},
	};
	bool task = t->choice.mode == MODE_TASK;
	struct timespec wait;
	int64_t ns;
	int r;

	if (screen_draw(t->screen, &t->model, &t->node, &t->history, &t->choice) < 0)
		return 1 + fail_screen(t, "out of memory");
	if (top_is_last(t))
		return 1;
	ns = wait_ns(t, due_ns);
	wait = (struct timespec){ns / NS_PER_S, ns % NS_PER_S};
	r = ppoll(fds, ARRAY_SIZE(fds), ns < 0 ? NULL : &wait, mask);
	if (r < 0 && errno != EINTR)
		return 1 + fail_screen(t, strerror(errno));
	if (r == 0 && t->replay) {
		play(t);
		*due_ns = 0;
	} else if (r == 0) {
		reconnect(t);
	}
	if (r > 0 && fds[1].revents)
		take_snapshots(t);
	if (r > 0 && (fds[0].revents & (POLLHUP | POLLERR)))
		return 1; /* the terminal is gone */
	if (screen_keys(t->screen, &t->choice) < 0)
		return 1;
	if (t->choice.wish != WISH_NONE)
		grant(t);
	if (!t->replay && !task && t->choice.mode == MODE_TASK)
		live_history(t);
	return 0;
}

int run_screen(struct top *t)
{
	int64_t due_ns = 0;
	sigset_t mask;
	int r;

	t->choice.replay = t->replay;

	/* a first failure is told on the terminal as it is */
	if (!t->replay && live_subscribe(t) < 0)
		return top_fail(EXIT_FAILURE, "%s", t->why.text);
	if (t->replay && replay_next(t) < 0)
		return top_fail(EXIT_FAILURE, "%s", t->why.text);
	mask = hold_sigwinch();
	if (screen_new(&t->screen) < 0)
		return top_fail(EXIT_FAILURE, "this terminal ($TERM) can't be used; try --batch");
	do
		r = one_turn(t, &mask, &due_ns);
	while (!r);
	return r - 1;
}
