// SPDX-License-Identifier: Apache-2.0
/* dcostop: what the tasks of this node do right now. Options, connection and loop. */
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "tools/common/client.h"
#include "tools/common/options.h"
#include "tools/common/text.h"
#include "tools/dcostop/view.h"

#define EXIT_USAGE	2
#define RECONNECT_S	1
#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS 3600000

struct options {
	const char *socket, *sort, *filter;
	bool batch, json, help, version;
	struct opt_u64 interval_ms, iterations;
};

struct top {
	struct options o;
	struct top_model model;
	struct top_node node;
	struct top_choice choice;
	struct vl_client *client; /* NULL: not connected */
	struct screen *screen;
	struct why why;
};

#define FIELD(f) offsetof(struct options, f)

static const struct opt_row rows[] = {
	{"batch", 'b', NULL, opt_flag, FIELD(batch), NULL,
	 "text for a pipe or file (default when standard output is no terminal)"},
	{"json", 'j', NULL, opt_flag, FIELD(json), NULL, "one JSON object a snapshot, with rates"},
	{"iterations", 'n', "N", opt_count, FIELD(iterations), "a number from 1",
	 "end after so many snapshots"},
	{"interval", 'd', "TIME", opt_ms, FIELD(interval_ms), OPT_ALLOWED_MS,
	 "from one snapshot to the next (default: the agent's own)"},
	{"sort", 's', "KEY", opt_string, FIELD(sort), NULL,
	 "cpu, mem, wait, thr or id (default cpu)"},
	{"filter", 'f', "TEXT", opt_string, FIELD(filter), NULL,
	 "only tasks with this in their id"},
	{"socket", 0, "PATH", opt_string, FIELD(socket), NULL,
	 "socket of the agent (default $" CLIENT_SOCKET_ENV ", " CLIENT_SOCKET ")"},
	{"help", 'h', NULL, opt_flag, FIELD(help), NULL, "this help"},
	{"version", 0, NULL, opt_flag, FIELD(version), NULL, "the version"},
	{},
};

static const struct {
	const char *name;
	enum top_sort sort;
} sorts[] = {
	{"cpu", TOP_SORT_CPU},	     {"mem", TOP_SORT_MEMORY}, {"wait", TOP_SORT_WAIT},
	{"thr", TOP_SORT_THROTTLED}, {"id", TOP_SORT_ID},
};

static int fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(int status, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a cut sentence is still one */
	va_end(ap);
	(void)fprintf(stderr, "dcostop: "); /* nowhere to complain about stderr */
	text_print(stderr, text);
	(void)fputc('\n', stderr);
	return status;
}

static void print_help(void)
{
	/* errors of stdout are seen when it is closed */
	(void)printf("Usage: dcostop [OPTION...]\n\nA live table of the tasks of this node; h "
		     "shows keys and columns.\n\nOptions:\n");
	opts_help(stdout, rows);
	(void)printf("\nColumns:\n");
	for (const struct top_column *c = top_columns; c->title; c++)
		(void)printf("  %-8s%s\n", c->title, c->help);
	(void)printf("\nExit status: 0 done, 1 failed, 2 wrong command line.\n");
}

static int set_choice(struct top *t)
{
	const struct options *o = &t->o;

	if (o->interval_ms.given &&
	    (o->interval_ms.value < INTERVAL_MIN_MS || o->interval_ms.value > INTERVAL_MAX_MS))
		return fail(EXIT_USAGE, "--interval: must be from 100ms to 1h");
	t->model.wanted_ms = o->interval_ms.value;
	if (o->filter && strlen(o->filter) >= TOP_FILTER_MAX)
		return fail(EXIT_USAGE, "--filter: must be shorter than %d bytes", TOP_FILTER_MAX);
	(void)snprintf(t->choice.filter, TOP_FILTER_MAX, "%s", o->filter ? o->filter : "");
	if (!o->sort)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(sorts); i++)
		if (!strcmp(sorts[i].name, o->sort)) {
			t->choice.sort = sorts[i].sort;
			return 0;
		}
	return fail(EXIT_USAGE, "--sort=%s: must be cpu, mem, wait, thr or id", o->sort);
}

/* Ask who the agent is, and subscribe. Return: 0 or -errno with t->why. */
static int subscribe(struct top *t)
{
	cleanup_client struct vl_client *c = NULL;
	cleanup_json json_t *info = NULL;
	json_t *params;
	int r;

	t->why.text[0] = 0;
	r = client_open(client_socket(t->o.socket), &c, &t->why);
	if (r < 0)
		return r;
	r = client_call(c, "Info", NULL, &info, &t->why);
	if (r < 0)
		return r;
	(void)snprintf(t->node.name, sizeof(t->node.name), "%s", field_str(info, "node"));
	(void)snprintf(t->node.version, sizeof(t->node.version), "%s", field_str(info, "version"));
	t->node.memory_bytes = (uint64_t)field_int(info, "memory_bytes", 0);
	t->model.ncpu = (uint32_t)field_int(info, "ncpu", 1);
	params = json_object();
	if (t->o.interval_ms.given)
		(void)json_object_set_new(params, "interval_ms", /* out of memory: the call fails */
					  json_integer((json_int_t)t->o.interval_ms.value));
	r = client_more(c, "Subscribe", params, &t->why);
	if (r < 0)
		return r;
	model_restart(&t->model);
	t->client = take_ptr(c);
	return 0;
}

/* Return: 1 a snapshot was read, 0 none in time, or -errno with t->why. */
static int next_snapshot(struct top *t, int timeout_ms, bool skip)
{
	cleanup_json json_t *reply = NULL;
	const json_t *snapshot;
	bool more = false;
	int r;

	t->why.text[0] = 0;
	r = client_next(t->client, timeout_ms, &reply, &more, &t->why);
	if (r == -EINTR)
		return 0;
	if (r <= 0)
		return r;
	snapshot = json_object_get(reply, "snapshot");
	if (skip)
		model_skip(&t->model, snapshot);
	else if (model_read(&t->model, snapshot) < 0)
		return why_set(&t->why, -EBADMSG, "the agent sent no proper snapshot");
	if (!more)
		return why_set(&t->why, -EPIPE, "the agent ended the subscription");
	return 1;
}

static bool is_last(const struct top *t)
{
	return t->o.iterations.given && t->model.snapshots_nr >= t->o.iterations.value;
}

static int run_batch(struct top *t)
{
	if (subscribe(t) < 0)
		return fail(EXIT_FAILURE, "%s", t->why.text);
	while (!is_last(t)) {
		int r = next_snapshot(t, -1, false);

		if (r < 0)
			return fail(EXIT_FAILURE, "%s", t->why.text);
		if (r == 0)
			continue;
		if (!t->o.json && t->model.snapshots_nr > 1)
			(void)putchar('\n'); /* checked with the flush */
		if (t->o.json)
			r = view_json(stdout, &t->model, &t->node, &t->choice);
		else
			r = view_text(stdout, &t->model, &t->node, &t->choice);
		if (r < 0)
			return fail(EXIT_FAILURE, "out of memory");
		if (fflush(stdout))
			return fail(EXIT_FAILURE, "standard output: %s", strerror(errno));
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
		r = next_snapshot(t, 0, t->choice.paused);
	} while (r == 1 && !is_last(t));
	if (r < 0)
		lose(t);
}

static void reconnect(struct top *t)
{
	if (subscribe(t) < 0)
		lose(t);
	else
		t->choice.trouble[0] = 0;
}

/* A failure after the terminal was taken over: give it back first, so that it can be read. */
static int fail_screen(struct top *t, const char *text)
{
	t->screen = screen_free(t->screen);
	return fail(EXIT_FAILURE, "%s", text);
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

static int run_screen(struct top *t)
{
	const struct timespec again = {.tv_sec = RECONNECT_S};
	sigset_t mask;
	int r;

	/* a first failure is told on the terminal as it is */
	if (subscribe(t) < 0)
		return fail(EXIT_FAILURE, "%s", t->why.text);
	mask = hold_sigwinch();
	if (screen_new(&t->screen) < 0)
		return fail(EXIT_FAILURE, "this terminal ($TERM) can't be used; try --batch");
	for (;;) {
		struct pollfd fds[] = {
			{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = t->client ? vl_client_fd(t->client) : -1, .events = POLLIN},
		};

		if (screen_draw(t->screen, &t->model, &t->node, &t->choice) < 0)
			return fail_screen(t, "out of memory");
		if (is_last(t))
			return 0;
		r = ppoll(fds, ARRAY_SIZE(fds), t->client ? NULL : &again, &mask);
		if (r < 0 && errno != EINTR)
			return fail_screen(t, strerror(errno));
		if (r == 0)
			reconnect(t);
		if (r > 0 && fds[1].revents)
			take_snapshots(t);
		if (r > 0 && (fds[0].revents & (POLLHUP | POLLERR)))
			return 0; /* the terminal is gone */
		if (screen_keys(t->screen, &t->choice) < 0)
			return 0;
	}
}

static int run(struct top *t, int argc, char **argv)
{
	const struct opt_set set = {rows, &t->o};
	int first = opts_parse(&set, 1, argc, argv, false, &t->why), status;

	if (first < 0)
		return fail(EXIT_USAGE, "%s; try --help", t->why.text);
	if (first < argc)
		return fail(EXIT_USAGE, "unexpected argument: %s; try --help", argv[first]);
	if (t->o.version) {
		(void)printf("dcostop %s\n", DCOS_VERSION); /* seen when stdout is closed */
		return 0;
	}
	if (t->o.help) {
		print_help();
		return 0;
	}
	status = set_choice(t);
	if (status)
		return status;
	if (t->o.batch || t->o.json || !isatty(STDOUT_FILENO))
		return run_batch(t);
	return run_screen(t);
}

int main(int argc, char **argv)
{
	struct top t = {};
	int status;

	(void)setlocale(LC_CTYPE, ""); /* else the C locale, which shows less */
	status = run(&t, argc, argv);
	t.screen = screen_free(t.screen);
	t.client = vl_client_free(t.client);
	model_done(&t.model);
	if (fflush(stdout) || ferror(stdout))
		return EXIT_FAILURE;
	return status;
}
