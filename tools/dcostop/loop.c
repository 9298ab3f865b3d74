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

#define NS_PER_MS    INT64_C(1000000)
#define NS_PER_S     INT64_C(1000000000)
#define RECONNECT_NS NS_PER_S
#define LOOK_NS	     NS_PER_S /* how often silence is looked for */
#define SILENCE_NS   (3 * NS_PER_S) /* that is told; 3 intervals if they are longer */

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

/* The next snapshot, which is waited for. Return: as replay_next() */
static int next_snapshot(struct top *t)
{
	if (t->replay)
		return replay_next(t);
	if (!t->o.cluster)
		return live_next(t, -1, false);
	if (t->model.snapshots_nr)
		(void)poll(NULL, 0, (int)cluster_interval_ms(t)); /* a signal only hurries */
	return cluster_read(t);
}

static bool is_live(const struct top *t)
{
	return !t->replay && !t->o.cluster;
}

int run_batch(struct top *t)
{
	int r;

	if (is_live(t) && live_open(t) < 0)
		return top_fail(EXIT_FAILURE, "%s", t->why.text);
	while (!top_is_last(t)) {
		r = next_snapshot(t);
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
	live_close(t);
	(void)snprintf(t->choice.trouble, sizeof(t->choice.trouble), "%s", t->why.text);
}

static int64_t now_ns(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_MONOTONIC, &t) ? 0 : t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* What the loop itself remembers. */
struct loop {
	sigset_t mask; /* while waiting */
	int64_t due_ns; /* next snapshot of a recording, or attempt to connect; 0 not known yet */
	int64_t heard_ns; /* the last snapshot, or connection */
	bool dirty; /* the screen is to be drawn */
};

/* Take the snapshots that have come. */
static void take_snapshots(struct top *t, struct loop *l)
{
	int r;

	while ((r = live_next(t, 0, t->choice.paused)) == 1) {
		l->dirty = true;
		l->heard_ns = now_ns();
		t->choice.trouble[0] = 0;
		if (top_is_last(t))
			return;
		t->live.want_history |=
			t->choice.mode == MODE_TASK && !t->choice.paused && !t->choice.back;
	}
	if (r == 0)
		return;
	lose(t);
	l->due_ns = now_ns() + RECONNECT_NS;
	l->dirty = true;
}

static void reconnect(struct top *t, struct loop *l)
{
	l->dirty = true;
	l->heard_ns = now_ns();
	l->due_ns = l->heard_ns + RECONNECT_NS;
	if (live_open(t) < 0)
		lose(t); /* the sentence goes when the first snapshot has come */
}

/* An agent that is stopped, or has too much to do, keeps its connections. */
static void notice_silence(struct top *t, struct loop *l)
{
	int64_t limit = SILENCE_NS, silence = now_ns() - l->heard_ns;

	if (3 * (int64_t)t->model.interval_ms * NS_PER_MS > limit)
		limit = 3 * (int64_t)t->model.interval_ms * NS_PER_MS;
	if (3 * (int64_t)t->model.wanted_ms * NS_PER_MS > limit)
		limit = 3 * (int64_t)t->model.wanted_ms * NS_PER_MS;
	if (!t->live.feed || silence < limit)
		return;
	(void)snprintf(t->choice.trouble, sizeof(t->choice.trouble),
		       "no snapshot for %lld s: the agent is stopped or busy",
		       (long long)(silence / NS_PER_S));
	l->dirty = true;
}

static void play(struct top *t, struct loop *l)
{
	l->due_ns = 0;
	l->dirty = true;
	if (replay_next(t) < 0) {
		(void)snprintf(t->choice.trouble, sizeof(t->choice.trouble), "%s", t->why.text);
		t->choice.paused = true;
	}
}

/* The allocator is asked again. */
static void look_around(struct top *t, struct loop *l)
{
	l->due_ns = now_ns() + (int64_t)cluster_interval_ms(t) * NS_PER_MS;
	l->dirty = true;
	if (t->choice.paused)
		return;
	t->choice.trouble[0] = 0;
	if (cluster_read(t) < 0)
		(void)snprintf(t->choice.trouble, sizeof(t->choice.trouble), "%s", t->why.text);
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

/* Time to wait for, -1 for ever. */
static int64_t wait_ns(struct top *t, struct loop *l)
{
	int64_t now = now_ns(), left;
	int ms;

	if (is_live(t) && t->live.feed)
		return LOOK_NS;
	if (t->replay && (t->choice.paused || !l->due_ns)) {
		ms = replay_wait_ms(t);
		l->due_ns = ms < 0 ? 0 : now + ms * NS_PER_MS;
		if (ms < 0)
			return -1;
	}
	left = l->due_ns - now;
	return left > 0 ? left : 0;
}

/* Back in the agent's history, or out of it. */
static void follow_back(struct top *t, struct loop *l)
{
	struct top_choice *c = &t->choice;

	if (!c->back) {
		if (t->past.nr)
			past_done(&t->past);
		c->back_ms = 0;
		return;
	}
	if (!t->past.nr && past_begin(&t->past, &t->model, &c->order, &t->history) < 0) {
		c->back = 0;
		return;
	}
	c->back_ms = past_show(&t->past, c->back, &t->model);
	c->past_nr = t->past.next;
	c->past_of = t->past.nr;
	l->dirty = true;
}

/* What keys asked for. */
static void follow_keys(struct top *t, struct loop *l, bool was_task)
{
	struct top_choice *c = &t->choice;

	l->dirty = true;
	if (c->wish != WISH_NONE && t->replay) {
		replay_wish(t);
		l->due_ns = 0;
	} else if (c->wish != WISH_NONE) {
		live_wish(t);
	}
	c->wish = WISH_NONE;
	if (c->mode == MODE_TASK && t->replay)
		replay_history(t);
	else if (c->mode == MODE_TASK && !was_task)
		t->live.want_history = true;
	if (is_live(t))
		follow_back(t, l);
	else if (t->o.cluster)
		c->back = 0; /* nobody remembers */
}

static int draw(struct top *t, struct loop *l)
{
	const struct top_model *m = t->choice.back ? &t->past.model : &t->model;

	if (!l->dirty)
		return 0;
	l->dirty = false;
	return screen_draw(t->screen, m, &t->node, &t->history, &t->choice);
}

static void hear(struct top *t, struct loop *l, bool feed)
{
	if (feed)
		take_snapshots(t, l);
	else
		notice_silence(t, l);
	if (live_talk(t, now_ns())) {
		l->dirty = true;
		follow_back(t, l);
	}
}

/* Return: 0 go on; else the exit status plus 1. */
static int one_turn(struct top *t, struct loop *l)
{
	struct pollfd fds[] = {
		{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = t->live.feed ? vl_client_fd(t->live.feed) : -1, .events = POLLIN},
		{.fd = t->live.ask ? vl_client_fd(t->live.ask) : -1, .events = POLLIN},
	};
	int64_t ns = wait_ns(t, l);
	struct timespec wait = {ns / NS_PER_S, ns % NS_PER_S};
	int r = ppoll(fds, ARRAY_SIZE(fds), ns < 0 ? NULL : &wait, &l->mask);
	bool was_task;

	if (r < 0 && errno != EINTR)
		return 1 + fail_screen(t, strerror(errno));
	if (r < 0)
		l->dirty = true; /* another size */
	if (r == 0 && t->replay)
		play(t, l);
	else if (r == 0 && t->o.cluster)
		look_around(t, l);
	else if (r == 0 && !t->live.feed)
		reconnect(t, l);
	if (is_live(t))
		hear(t, l, r > 0 && fds[1].revents);
	if (r > 0 && (fds[0].revents & (POLLHUP | POLLERR)))
		return 1; /* the terminal is gone */
	do {
		/* keys are about what is on the screen */
		if (draw(t, l) < 0)
			return 1 + fail_screen(t, "out of memory");
		if (top_is_last(t))
			return 1;
		was_task = t->choice.mode == MODE_TASK;
		r = screen_key(t->screen, &t->choice);
		if (r > 0)
			follow_keys(t, l, was_task);
	} while (r > 0);
	return r < 0 ? 1 : 0;
}

int run_screen(struct top *t)
{
	struct loop l = {.heard_ns = now_ns(), .dirty = true};
	int r;

	t->choice.replay = t->replay;
	/* a first failure is told on the terminal as it is */
	if (is_live(t) && live_open(t) < 0)
		return top_fail(EXIT_FAILURE, "%s", t->why.text);
	if (!is_live(t) && next_snapshot(t) < 0)
		return top_fail(EXIT_FAILURE, "%s", t->why.text);
	l.mask = hold_sigwinch();
	if (screen_new(&t->screen) < 0)
		return top_fail(EXIT_FAILURE, "this terminal ($TERM) can't be used; try --batch");
	if (draw(t, &l) < 0)
		return fail_screen(t, "out of memory");
	do
		r = one_turn(t, &l);
	while (!r);
	return r - 1;
}
