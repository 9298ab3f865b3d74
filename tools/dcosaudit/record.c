// SPDX-License-Identifier: Apache-2.0
/*
 * dcosaudit record: the system calls of a task, while it runs. What was seen is written every few
 * seconds, by rename, so that a recorder that is killed loses those only.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/lib/cleanup.h"
#include "tools/common/text.h"
#include "tools/dcosaudit/collect.h"
#include "tools/dcosaudit/record.h"

#define STARTUP_MS_DEFAULT 10000
#define FLUSH_MS_DEFAULT   5000

struct record_options {
	struct target_options target;
	const char *output;
	struct opt_u64 duration, startup, flush;
};

static const struct opt_row record_rows[] = {
	{"output", 'o', "FILE", opt_string, offsetof(struct record_options, output), "a path",
	 "write there (default: TASK.recording.json)"},
	TARGET_ROW_CGROUP(struct record_options),
	TARGET_ROW_PID(struct record_options),
	TARGET_ROW_WAIT(struct record_options),
	TARGET_ROW_COMMAND(struct record_options),
	{"duration", 0, "TIME", opt_ms, offsetof(struct record_options, duration), OPT_ALLOWED_MS,
	 "stop after this time (default: when the task ends)"},
	{"startup", 0, "TIME", opt_ms, offsetof(struct record_options, startup), OPT_ALLOWED_MS,
	 "what comes later than this after the first execve is no startup (default 10s)"},
	{"flush", 0, "TIME", opt_ms, offsetof(struct record_options, flush), OPT_ALLOWED_MS,
	 "how often the file is written (default 5s)"},
	{},
};

struct recorder {
	struct audit *a;
	const struct target *t;
	struct live *l;
	const char *path;
	uint64_t started_unix_us;
	bool failed; /* the file can't be written: was told */
};

static uint64_t now_unix_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail */
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void flush(void *ctx)
{
	struct recorder *r = ctx;
	struct recording rec = {};
	struct why why = {};

	if (r->failed || collect(r->l, r->t, r->started_unix_us, &rec) < 0)
		return; /* the next time */
	if (rec_write(r->path, &rec, &why) < 0) {
		audit_warn("%s", why.text);
		r->failed = true;
	}
	rec_free(&rec);
}

int record_run_live(struct audit *a, struct target *t, const struct record_how *how,
		    struct recording *ret)
{
	struct recorder r = {.a = a, .t = t, .path = how->path, .started_unix_us = now_unix_us()};
	struct live_run run = {
		.duration_ms = how->duration_ms,
		.startup_ms = how->startup_ms,
		.tick_ms = how->path ? how->flush_ms : 0,
		.tick = flush,
		.ctx = &r,
	};
	enum live_end end = LIVE_SIGNAL;
	int err;

	if (live_open(t, LIVE_RECORD, NULL, &r.l, &a->why) < 0)
		return audit_fail("%s", a->why.text);
	err = live_run(r.l, t, &run, &end, &a->why);
	if (!err && collect(r.l, t, r.started_unix_us, ret) < 0)
		err = why_set(&a->why, -ENOMEM, "the recording");
	if (!err) {
		ret->complete = true;
		if (live_state(r.l)->unpaired)
			audit_warn("%" PRIu64 " threads were in a call when the recording began: "
				   "if it was denied, that is not in it",
				   (uint64_t)live_state(r.l)->unpaired);
	}
	live_close(r.l);
	return err ? audit_fail("%s", a->why.text) : 0;
}

/* ---- the command ---- */

struct totals {
	uint64_t calls, denied;
	size_t kinds;
};

static struct totals totals_of(const struct recording *r, enum rec_part part)
{
	struct totals t = {.kinds = r->parts[part].nr};

	for (size_t i = 0; i < r->parts[part].nr; i++) {
		t.calls += r->parts[part].calls[i].count;
		t.denied += r->parts[part].calls[i].denied;
	}
	return t;
}

static int tell(struct audit *a, const char *path, const struct recording *r, int command_status)
{
	struct totals start = totals_of(r, REC_STARTUP), run = totals_of(r, REC_RUNNING);

	if (r->lost)
		audit_warn("%" PRIu64 " events were lost: a profile made of this may be too narrow",
			   r->lost);
	if (a->json)
		return audit_print_json(
			json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i}",
				  "recording", path, "task", r->task, "command", r->command,
				  "duration_us", (json_int_t)r->duration_us, "startup_calls",
				  (json_int_t)start.calls, "startup_kinds", (json_int_t)start.kinds,
				  "calls", (json_int_t)(start.calls + run.calls), "running_kinds",
				  (json_int_t)run.kinds, "denied",
				  (json_int_t)(start.denied + run.denied), "lost",
				  (json_int_t)r->lost, "command_status", command_status));
	text_print(stdout, path);
	/* errors of stdout are seen when it is closed */
	(void)printf(": %" PRIu64 " calls in %.1f s, startup: %" PRIu64 " of %zu kinds, running: "
		     "%" PRIu64 " of %zu kinds; %" PRIu64 " denied\n",
		     start.calls + run.calls, (double)r->duration_us / 1e6, start.calls,
		     start.kinds, run.calls, run.kinds, start.denied + run.denied);
	return 0;
}

/* "web-1.recording.json"; of a cgroup or a program, the last component */
static char *default_path(const struct target *t)
{
	const char *slash = strrchr(t->name, '/');
	char *path = NULL;

	if (asprintf(&path, "%s.recording.json", slash && slash[1] ? slash + 1 : t->name) < 0)
		return NULL;
	for (char *p = path; *p; p++)
		if (*p == ' ')
			*p = '-';
	return path;
}

static uint64_t ms_or(const struct opt_u64 *o, uint64_t dflt)
{
	return o->given ? o->value : dflt;
}

static int record(struct audit *a, const struct record_options *o, struct target *t)
{
	cleanup_free char *dflt = default_path(t);
	const char *path = o->output ? o->output : dflt;
	struct recording rec = {};
	const struct record_how how = {
		.path = path,
		.duration_ms = ms_or(&o->duration, 0),
		.startup_ms = ms_or(&o->startup, STARTUP_MS_DEFAULT),
		.flush_ms = ms_or(&o->flush, FLUSH_MS_DEFAULT),
	};
	int status = path ? record_run_live(a, t, &how, &rec) : audit_fail("out of memory");
	int command_status = target_close(t);

	if (status)
		return status;
	status = rec_write(path, &rec, &a->why) < 0 ? audit_fail("%s", a->why.text)
						    : tell(a, path, &rec, command_status);
	rec_free(&rec);
	return status;
}

static int record_run(struct audit *a, const void *options, char **operands, int nr)
{
	const struct record_options *o = options;
	struct target t;
	int status;

	live_block();
	status = target_open(a, &o->target, operands, nr, false, &t);
	if (status)
		return status;
	t.starting = o->startup.given;
	status = record(a, o, &t);
	(void)target_close(&t); /* done already, unless it failed */
	return status;
}

const struct command cmd_record = {
	.name = "record",
	.args = "[OPTION...] [TASK]",
	.help = "the system calls of a task, while it runs",
	.more = "Until the task ends, for --duration, or to SIGINT or SIGTERM; what was seen is "
		"kept.\nThe startup part ends when the task first waits for clients (accept, "
		"poll and their like),\nafter --startup, or at SIGUSR1; a task that runs already "
		"has started.",
	.options = record_rows,
	.options_size = sizeof(struct record_options),
	.operands_max = AUDIT_OPERANDS_ANY,
	.run = record_run,
};
