// SPDX-License-Identifier: Apache-2.0
/* dcostop: what the tasks of this node do right now, and why they are slow. Options. */
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "tools/common/http.h"
#include "tools/common/text.h"
#include "tools/dcostop/top.h"

#define EXIT_USAGE	2
#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS 3600000

#define FIELD(f) offsetof(struct options, f)

static const struct opt_row rows[] = {
	{"batch", 'b', NULL, opt_flag, FIELD(batch), NULL,
	 "text for a pipe or file (default when standard output is no terminal)"},
	{"json", 'j', NULL, opt_flag, FIELD(json), NULL, "one JSON object a snapshot, with rates"},
	{"csv", 0, NULL, opt_flag, FIELD(csv), NULL, "a line a task, all columns"},
	{"iterations", 'n', "N", opt_count, FIELD(iterations), "a number from 1",
	 "end after so many snapshots"},
	{"interval", 'd', "TIME", opt_ms, FIELD(interval_ms), OPT_ALLOWED_MS,
	 "from one snapshot to the next (default: the agent's own)"},
	{"sort", 's', "NAME", opt_string, FIELD(sort), NULL,
	 "a column's name, as below (default cpu)"},
	{"filter", 'f', "TEXT", opt_string, FIELD(filter), NULL,
	 "part of an id, or an expression such as cpu>50"},
	{"columns", 'c', "SET", opt_string, FIELD(columns), NULL,
	 "overview, cpu, memory, disk, network or security"},
	{"tree", 't', NULL, opt_flag, FIELD(tree), NULL, "tasks below their app"},
	{"record", 'w', "FILE", opt_string, FIELD(record), NULL,
	 "keep all snapshots in a new file"},
	{"replay", 'r', "FILE", opt_string, FIELD(replay), NULL, "show such a file"},
	{"socket", 0, "PATH", opt_string, FIELD(socket), NULL,
	 "socket of the agent (default $" CLIENT_SOCKET_ENV ", " CLIENT_SOCKET ")"},
	{"cluster", 0, NULL, opt_flag, FIELD(cluster), NULL,
	 "tasks of all nodes, as the allocator knows them"},
	{"allocator", 0, "URL", opt_string, FIELD(allocator), NULL,
	 "whom --cluster asks (default $" HTTP_URL_ENV ", " HTTP_URL ")"},
	{"help", 'h', NULL, opt_flag, FIELD(help), NULL, "this help"},
	{"version", 0, NULL, opt_flag, FIELD(version), NULL, "the version"},
	{},
};

int top_fail(int status, const char *fmt, ...)
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

static void print_line(const char *text, void *data)
{
	(void)data;
	(void)printf("  %s\n", text); /* errors of stdout are seen when it is closed */
}

static void print_help(void)
{
	(void)printf("Usage: dcostop [OPTION...]\n\nA live table of the tasks of this node; h "
		     "shows keys and columns.\n\nOptions:\n"); /* as above */
	opts_help(stdout, rows);
	(void)printf("\nColumns, with their names in filters, --sort, CSV and JSON:\n");
	columns_help(print_line, NULL);
	(void)printf("\nExit status: 0 done, 1 failed, 2 wrong command line.\n");
}

static int set_columns(struct top *t)
{
	if (!t->o.columns)
		return 0;
	for (int i = 0; i < TOP_SETS; i++)
		if (!strcasecmp(top_set_names[i], t->o.columns)) {
			t->choice.set = (enum top_set)i;
			return 0;
		}
	return top_fail(EXIT_USAGE,
			"--columns=%s: must be overview, cpu, memory, disk, network or security",
			t->o.columns);
}

static int set_sort(struct top *t)
{
	if (!t->o.sort)
		return 0;
	t->choice.order.by = column_find(t->o.sort);
	if (t->choice.order.by < 0)
		return top_fail(EXIT_USAGE, "--sort=%s: must be a column's name, see --help",
				t->o.sort);
	return 0;
}

static int set_choice(struct top *t)
{
	const struct options *o = &t->o;
	int status;

	if (o->interval_ms.given &&
	    (o->interval_ms.value < INTERVAL_MIN_MS || o->interval_ms.value > INTERVAL_MAX_MS))
		return top_fail(EXIT_USAGE, "--interval: must be from 100ms to 1h");
	if (o->record && o->replay)
		return top_fail(EXIT_USAGE, "--record and --replay: only one of them");
	if (o->cluster && (o->record || o->replay || o->socket))
		return top_fail(EXIT_USAGE,
				"--cluster and --record, --replay or --socket: only one of them");
	if (o->allocator && !o->cluster)
		return top_fail(EXIT_USAGE, "--allocator: needs --cluster");
	if (o->json && o->csv)
		return top_fail(EXIT_USAGE, "--json and --csv: only one of them");
	t->model.wanted_ms = o->interval_ms.value;
	t->choice.order.by = M_CPU;
	t->choice.order.tree = o->tree;
	status = set_sort(t);
	if (!status)
		status = set_columns(t);
	if (!status && o->filter && choice_filter(&t->choice, o->filter, &t->why) < 0)
		status = top_fail(EXIT_USAGE, "%s", t->why.text);
	return status;
}

static int open_files(struct top *t)
{
	const struct options *o = &t->o;
	int err = 0;

	if (o->replay)
		err = record_open(o->replay, &t->replay, &t->node, &t->why);
	if (!err && o->record)
		err = recorder_new(o->record, &t->recorder, &t->why);
	return err ? top_fail(EXIT_FAILURE, "%s", t->why.text) : 0;
}

static int run(struct top *t, int argc, char **argv)
{
	const struct opt_set set = {rows, &t->o};
	int first = opts_parse(&set, 1, argc, argv, false, &t->why), status;

	if (first < 0)
		return top_fail(EXIT_USAGE, "%s; try --help", t->why.text);
	if (first < argc)
		return top_fail(EXIT_USAGE, "unexpected argument: %s; try --help", argv[first]);
	if (t->o.version) {
		(void)printf("dcostop %s\n", DCOS_VERSION); /* seen when stdout is closed */
		return 0;
	}
	if (t->o.help) {
		print_help();
		return 0;
	}
	status = set_choice(t);
	if (!status)
		status = open_files(t);
	if (status)
		return status;
	if (t->o.batch || t->o.json || t->o.csv || !isatty(STDOUT_FILENO))
		return run_batch(t);
	return run_screen(t);
}

int main(int argc, char **argv)
{
	static struct top t; /* its history is large */
	int status;

	(void)setlocale(LC_CTYPE, ""); /* else the C locale, which shows less */
	status = run(&t, argc, argv);
	t.screen = screen_free(t.screen);
	live_close(&t);
	past_done(&t.past);
	t.replay = record_close(t.replay);
	t.choice.filter = filter_free(t.choice.filter);
	model_done(&t.model);
	t.recorder = recorder_free(t.recorder);
	if (t.record_failed && !status)
		status = top_fail(EXIT_FAILURE, "the recording %s is not complete", t.o.record);
	if (fflush(stdout) || ferror(stdout))
		return EXIT_FAILURE;
	return status;
}
