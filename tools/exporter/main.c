// SPDX-License-Identifier: Apache-2.0
/* dcos-exporter: the metrics of the tasks and of the agent for Prometheus. Options and wiring. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "tools/common/client.h"
#include "tools/common/options.h"
#include "tools/common/text.h"
#include "tools/exporter/http.h"
#include "tools/exporter/metrics.h"

#define EXIT_USAGE	2
#define LISTEN_DEFAULT	"127.0.0.1:9924"
#define SERIES_DEFAULT	200000
#define STEP_DEFAULT	2
#define PRINT_WAIT_US	5000000
#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS 3600000

struct options {
	const char *socket, *listen, *print;
	bool list_metrics, help, version;
	struct opt_u64 max_series, bucket_step, interval_ms;
	struct opt_list exclude;
};

struct exporter {
	struct options o;
	sd_event *event;
	struct pages pages;
	struct feed *feed;
	struct http *http; /* NULL with --print */
	bool settled; /* with --print */
	struct why why;
};

#define FIELD(f) offsetof(struct options, f)

static const struct opt_row rows[] = {
	{"listen", 'l', "ADDR:PORT", opt_string, FIELD(listen), NULL,
	 "where to serve HTTP (default " LISTEN_DEFAULT "); port 0: any"},
	{"max-series", 0, "N", opt_count, FIELD(max_series), "a number from 1000",
	 "leave out tasks beyond so many series (default 200000)"},
	{"bucket-step", 0, "N", opt_count, FIELD(bucket_step), "a number from 1 to 8",
	 "buckets of histograms are 2^N apart (default 2)"},
	{"exclude", 'x', "PATTERN", opt_strings, FIELD(exclude), NULL,
	 "leave out metrics of such names, e.g. 'dcos_task_tcp_*'; may be repeated"},
	{"interval", 'd', "TIME", opt_ms, FIELD(interval_ms), OPT_ALLOWED_MS,
	 "between snapshots (default: the agent's own)"},
	{"print", 0, "FORMAT", opt_string, FIELD(print), NULL,
	 "print one page, text or openmetrics, and end"},
	{"list-metrics", 0, NULL, opt_flag, FIELD(list_metrics), NULL,
	 "print every metric with its meaning, and end"},
	{"socket", 0, "PATH", opt_string, FIELD(socket), NULL,
	 "socket of the agent (default $" CLIENT_SOCKET_ENV ", " CLIENT_SOCKET ")"},
	{"help", 'h', NULL, opt_flag, FIELD(help), NULL, "this help"},
	{"version", 0, NULL, opt_flag, FIELD(version), NULL, "the version"},
	{},
};

static int fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(int status, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a cut sentence is still one */
	va_end(ap);
	(void)fprintf(stderr, "dcos-exporter: "); /* nowhere to complain about stderr */
	text_print(stderr, text);
	(void)fputc('\n', stderr);
	return status;
}

static void print_help(void)
{
	/* errors of stdout are seen when it is closed */
	(void)printf("Usage: dcos-exporter [OPTION...]\n\nServes the metrics of the tasks of this "
		     "node for Prometheus.\n\nOptions:\n");
	opts_help(stdout, rows);
	(void)printf("\nExit status: 0 done, 1 failed, 2 wrong command line.\n");
}

static int check_options(const struct options *o, struct page_options *ret)
{
	*ret = (struct page_options){
		.max_series = o->max_series.given ? o->max_series.value : SERIES_DEFAULT,
		.bucket_step = STEP_DEFAULT,
		.exclude = &o->exclude,
	};
	if (ret->max_series < PAGE_SERIES_MIN)
		return fail(EXIT_USAGE, "--max-series: must be at least %d", PAGE_SERIES_MIN);
	if (o->bucket_step.given && o->bucket_step.value > PAGE_STEP_MAX)
		return fail(EXIT_USAGE, "--bucket-step: must be from 1 to %d", PAGE_STEP_MAX);
	if (o->bucket_step.given)
		ret->bucket_step = (unsigned int)o->bucket_step.value;
	if (o->interval_ms.given &&
	    (o->interval_ms.value < INTERVAL_MIN_MS || o->interval_ms.value > INTERVAL_MAX_MS))
		return fail(EXIT_USAGE, "--interval: must be from 100ms to 1h");
	if (o->print && strcmp(o->print, "text") != 0 && strcmp(o->print, "openmetrics") != 0)
		return fail(EXIT_USAGE, "--print=%s: must be text or openmetrics", o->print);
	return 0;
}

static int new_loop(struct exporter *e)
{
	static const int ends[] = {SIGTERM, SIGINT};
	sigset_t mask;
	int r;

	(void)sigemptyset(&mask); /* cannot fail */
	(void)sigaddset(&mask, SIGPIPE);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		(void)sigaddset(&mask, ends[i]);
	(void)sigprocmask(SIG_BLOCK, &mask, NULL); /* fails only for a bad argument */
	r = sd_event_default(&e->event);
	for (size_t i = 0; i < ARRAY_SIZE(ends) && r >= 0; i++)
		r = sd_event_add_signal(e->event, NULL, ends[i], NULL, NULL);
	if (r >= 0)
		r = sd_event_set_watchdog(e->event, true);
	return r < 0 ? why_set(&e->why, r, "no event loop") : 0;
}

static void settled(void *data)
{
	struct exporter *e = data;

	if (e->http)
		http_settled(e->http);
	else
		e->settled = true;
}

static int new_feed(struct exporter *e)
{
	int r = feed_new(e->event, client_socket(e->o.socket), e->o.interval_ms.value, settled, e,
			 &e->feed);

	e->pages.feed = e->feed;
	return r < 0 ? why_set(&e->why, r, "no connection to the agent can be made") : 0;
}

static int serve(struct exporter *e)
{
	cleanup_close int fd = http_listen(e->o.listen ? e->o.listen : LISTEN_DEFAULT, &e->why);
	char address[96];
	int r;

	if (fd < 0)
		return fd;
	r = new_feed(e);
	if (!r) {
		r = http_new(e->event, fd, &e->pages, &e->http);
		if (r < 0)
			(void)why_set(&e->why, r, "no HTTP server");
	}
	if (r < 0)
		return r;
	log_info("serves http://%s/metrics", http_address(take_fd(&fd), address, sizeof(address)));
	(void)sd_notify(0, "READY=1"); /* nobody listens without systemd */
	r = sd_event_loop(e->event);
	(void)sd_notify(0, "STOPPING=1"); /* likewise */
	return r < 0 ? why_set(&e->why, r, "the event loop failed") : 0;
}

/* Turn the loop until the feed has all, is not there, or takes too long. */
static int wait_for_feed(struct exporter *e)
{
	uint64_t now, end;
	int r = sd_event_now(e->event, CLOCK_MONOTONIC, &now);

	for (end = now + PRINT_WAIT_US; r >= 0 && now < end && !e->settled;) {
		r = sd_event_run(e->event, end - now);
		feed_ask(e->feed);
		if (r >= 0)
			r = sd_event_now(e->event, CLOCK_MONOTONIC, &now);
		if (sd_event_get_state(e->event) == SD_EVENT_FINISHED)
			return why_set(&e->why, -EINTR, "ended by a signal");
	}
	return r < 0 ? why_set(&e->why, r, "the event loop failed") : 0;
}

/* One page; without an agent it is a failure, though the page says so itself. */
static int print(struct exporter *e)
{
	struct out o = {};
	int r = new_feed(e) ?: wait_for_feed(e);

	if (r < 0)
		return r;
	r = pages_render(&e->pages, strcmp(e->o.print, "text") ? PAGE_OPENMETRICS : PAGE_TEXT, &o);
	if (r < 0)
		(void)why_set(&e->why, r, "no page");
	else
		(void)fwrite(o.data, 1, o.len, stdout); /* seen when stdout is closed */
	out_free(&o);
	if (r || feed_is_up(e->feed))
		return r;
	(void)why_set(&e->why, -EINVAL, "%s", feed_trouble(e->feed));
	return -ENOTCONN;
}

static int run(struct exporter *e, int argc, char **argv)
{
	const struct opt_set set = {rows, &e->o};
	int first = opts_parse(&set, 1, argc, argv, false, &e->why), status, r;
	struct page_options options;

	if (first < 0)
		return fail(EXIT_USAGE, "%s; try --help", e->why.text);
	if (first < argc)
		return fail(EXIT_USAGE, "unexpected argument: %s; try --help", argv[first]);
	if (e->o.version)
		(void)printf("dcos-exporter %s\n", DCOS_VERSION); /* seen when stdout is closed */
	else if (e->o.help)
		print_help();
	else if (e->o.list_metrics)
		metrics_list(stdout);
	if (e->o.version || e->o.help || e->o.list_metrics)
		return 0;
	status = check_options(&e->o, &options);
	if (status)
		return status;
	if (e->o.print)
		log_open("dcos-exporter", LOG_ERR); /* its one sentence comes at the end */
	pages_init(&e->pages, &options);
	r = new_loop(e) ?: (e->o.print ? print(e) : serve(e));
	if (r < 0) /* -EINVAL: the address */
		return fail(r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE, "%s", e->why.text);
	return 0;
}

int main(int argc, char **argv)
{
	struct exporter e = {};
	int status;

	log_open("dcos-exporter", LOG_INFO);
	status = run(&e, argc, argv);
	pages_done(&e.pages);
	e.http = http_free(e.http);
	e.feed = feed_free(e.feed);
	sd_event_unref(e.event);
	if (fflush(stdout) || ferror(stdout))
		return EXIT_FAILURE;
	return status;
}
