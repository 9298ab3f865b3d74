// SPDX-License-Identifier: Apache-2.0
/* dcos-allocator: apps on the nodes that dial in. Options and wiring. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "tools/allocator/http.h"
#include "tools/allocator/nodes.h"
#include "tools/common/listen.h"
#include "tools/common/options.h"
#include "tools/common/text.h"

#define EXIT_USAGE     2
#define LISTEN_DEFAULT "127.0.0.1:8080"
#define STATE_DEFAULT  "/var/lib/dcos-allocator"
#define STORE_FILE     "allocator.db"
#define WEB_DEFAULT    DCOS_PREFIX "/share/dcos-node/web"

struct options {
	const char *listen, *state, *web;
	bool help, version;
	struct nodes_options nodes;
};

struct allocator {
	struct options o;
	sd_event *event;
	struct store *store;
	struct core *core;
	struct http *http;
	struct why why;
};

#define FIELD(f) offsetof(struct options, f)

static const struct opt_row rows[] = {
	{"listen", 'l', "ADDR:PORT", opt_string, FIELD(listen), NULL,
	 "where to serve HTTP (default " LISTEN_DEFAULT "); port 0: any"},
	{"state", 's', "DIR", opt_string, FIELD(state), NULL,
	 "directory of the store (default $STATE_DIRECTORY, " STATE_DEFAULT ")"},
	{"web", 0, "DIR", opt_string, FIELD(web), NULL,
	 "files of the web page (default " WEB_DEFAULT ")"},
	{"help", 'h', NULL, opt_flag, FIELD(help), NULL, "this help"},
	{"version", 0, NULL, opt_flag, FIELD(version), NULL, "the version"},
	{},
};

static int fail(int status, const char *text)
{
	(void)fprintf(stderr, "dcos-allocator: "); /* nowhere to complain about stderr */
	text_print(stderr, text);
	(void)fputc('\n', stderr);
	return status;
}

static void print_help(void)
{
	/* errors of stdout are seen when it is closed */
	(void)printf("Usage: dcos-allocator [OPTION...]\n\nPlaces and keeps apps on the nodes that "
		     "dial in; an HTTP interface as Marathon's.\n\nOptions:\n");
	opts_help(stdout, rows);
	opts_help(stdout, nodes_rows);
	(void)printf("\nExit status: 0 done, 1 failed, 2 wrong command line.\n");
}

static int new_loop(struct allocator *a)
{
	static const int ends[] = {SIGTERM, SIGINT};
	sigset_t mask;
	int r;

	(void)sigemptyset(&mask); /* cannot fail */
	(void)sigaddset(&mask, SIGPIPE);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		(void)sigaddset(&mask, ends[i]);
	(void)sigprocmask(SIG_BLOCK, &mask, NULL); /* fails only for a bad argument */
	r = sd_event_default(&a->event);
	for (size_t i = 0; i < ARRAY_SIZE(ends) && r >= 0; i++)
		r = sd_event_add_signal(a->event, NULL, ends[i], NULL, NULL);
	if (r >= 0)
		r = sd_event_set_watchdog(a->event, true);
	return r < 0 ? why_set(&a->why, r, "no event loop") : 0;
}

static int open_state(struct allocator *a)
{
	const char *dir = a->o.state ?: getenv("STATE_DIRECTORY") ?: STATE_DEFAULT;
	cleanup_free char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, STORE_FILE) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return store_open(path, &a->store, &a->why)
		       ?: core_new(a->event, a->store, &a->core, &a->why);
}

static int serve(struct allocator *a)
{
	cleanup_close int fd = http_listen(a->o.listen ?: LISTEN_DEFAULT, &a->why);
	char address[96];
	int r = fd < 0 ? fd : open_state(a);

	r = r
		    ?: nodes_begin(a->event, &a->o.nodes, &core_agents_ops, a->core,
				   &a->core->agents, &a->why);
	if (!r) {
		r = http_new(a->event, fd, a->core, a->o.web ?: WEB_DEFAULT, &a->http);
		if (r < 0)
			(void)why_set(&a->why, r, "no HTTP server");
	}
	if (r < 0)
		return r;
	log_info("serves http://%s/", http_address(take_fd(&fd), address, sizeof(address)));
	(void)sd_notify(0, "READY=1"); /* nobody listens without systemd */
	r = sd_event_loop(a->event);
	(void)sd_notify(0, "STOPPING=1"); /* likewise */
	return r < 0 ? why_set(&a->why, r, "the event loop failed") : 0;
}

static int run(struct allocator *a, int argc, char **argv)
{
	const struct opt_set sets[] = {{rows, &a->o}, {nodes_rows, &a->o.nodes}};
	int r = opts_parse(sets, ARRAY_SIZE(sets), argc, argv, false, &a->why);

	if (r < 0)
		return fail(EXIT_USAGE, a->why.text);
	if (r < argc)
		return fail(EXIT_USAGE, "unexpected argument; try --help");
	if (a->o.version)
		(void)printf("dcos-allocator %s\n", DCOS_VERSION); /* seen when it is closed */
	else if (a->o.help)
		print_help();
	if (a->o.version || a->o.help)
		return 0;
	r = new_loop(a) ?: serve(a);
	if (r < 0) /* -EINVAL: an option */
		return fail(r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE,
			    *a->why.text ? a->why.text : strerror(-r));
	return 0;
}

int main(int argc, char **argv)
{
	struct allocator a = {};
	int status;

	log_open("dcos-allocator", LOG_INFO);
	status = run(&a, argc, argv);
	a.http = http_free(a.http);
	if (a.core)
		a.core->agents = nodes_end(a.core->agents);
	a.core = core_free(a.core);
	a.store = store_free(a.store);
	sd_event_unref(a.event);
	if (fflush(stdout) || ferror(stdout))
		return EXIT_FAILURE;
	return status;
}
