// SPDX-License-Identifier: Apache-2.0
/*
 * dcosaudit watch: what the filters of tasks deny, as it happens. Nothing of a profile has to be
 * changed for it: the kernel is asked, not its log.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "agent/lib/cleanup.h"
#include "tools/common/text.h"
#include "tools/dcosaudit/live.h"
#include "tools/dcosaudit/refusal.h"
#include "tools/dcosctl/table.h"

#define ID_TEXT_MAX 256 /* of a task, longer ones are cut */
#define KNOWN_MAX   4096 /* tasks whose id is remembered; of others the cgroup is shown */

struct watch_options {
	struct target_options target;
	struct opt_u64 duration;
	bool stacks;
};

static const struct opt_row watch_rows[] = {
	TARGET_ROW_CGROUP(struct watch_options),
	TARGET_ROW_PID(struct watch_options),
	TARGET_ROW_WAIT(struct watch_options),
	TARGET_ROW_COMMAND(struct watch_options),
	{"stacks", 0, NULL, opt_flag, offsetof(struct watch_options, stacks), NULL,
	 "with the stack of each, as far as frame pointers tell"},
	{"duration", 0, "TIME", opt_ms, offsetof(struct watch_options, duration), OPT_ALLOWED_MS,
	 "stop after this time (default: when the task ends)"},
	{},
};

/* A task that was denied something: its directory may be gone when its counts are printed. */
struct known {
	uint64_t cgroup;
	char id[ID_TEXT_MAX];
};

struct watch {
	struct audit *a;
	const struct watch_options *o;
	const struct target *t;
	struct known *known;
	size_t known_nr;
};

/* The task whose cgroup has an id: the name of its directory, while it is there. */
static bool find_task(const char *node_dir, uint64_t cgroup, char ret[static ID_TEXT_MAX])
{
	cleanup_closedir DIR *dir = opendir(node_dir);
	const struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (e->d_type == DT_DIR && e->d_ino == cgroup) {
			(void)snprintf(ret, ID_TEXT_MAX, "%.255s", e->d_name); /* fits */
			return true;
		}
	return false;
}

static const char *task_of(struct watch *w, uint64_t cgroup, char buf[static ID_TEXT_MAX])
{
	(void)snprintf(buf, ID_TEXT_MAX, "%.255s", w->t->name); /* fits */
	if (w->t->kind != TARGET_NODE)
		return buf;
	for (size_t i = 0; i < w->known_nr; i++)
		if (w->known[i].cgroup == cgroup) {
			memcpy(buf, w->known[i].id, ID_TEXT_MAX);
			return buf;
		}
	if (!find_task(w->t->dir, cgroup, buf)) {
		(void)snprintf(buf, ID_TEXT_MAX, "cgroup %" PRIu64, cgroup); /* fits */
		return buf;
	}
	if (w->known_nr < KNOWN_MAX) {
		w->known[w->known_nr].cgroup = cgroup;
		memcpy(w->known[w->known_nr++].id, buf, ID_TEXT_MAX);
	}
	return buf;
}

static void print_text(const struct dcos_refusal *r, const char *task,
		       const struct refusal_stack *stack)
{
	char when[32] = "", call[CONDITION_TEXT_MAX], verdict[VERDICT_TEXT_MAX];
	char by[20] = "";
	int64_t us = refusal_unix_us(r);
	time_t s = (time_t)(us / 1000000);
	struct tm tm;

	if (localtime_r(&s, &tm))
		(void)strftime(when, sizeof(when), "%T", &tm); /* fits */
	memcpy(by, r->comm, sizeof(r->comm));
	/* errors of stdout are seen when it is closed */
	(void)printf("%s.%06d ", when, (int)(us % 1000000));
	text_print(stdout, task);
	(void)putchar(' ');
	text_print(stdout, by);
	(void)printf("[%u/%u] %s %s\n", r->pid, r->tid, refusal_call(r, call),
		     verdict_text(r->key.verdict, verdict));
	for (int i = 0; stack && i < stack->nr; i++) {
		(void)printf("    ");
		text_print(stdout, stack->places[i]);
		(void)putchar('\n');
	}
	(void)fflush(stdout);
}

/* One document a line, whatever standard output is: they come as they come. */
static void print_line(json_t *j)
{
	/* errors of stdout are seen when it is closed */
	(void)json_dumpf(j, stdout, JSON_COMPACT);
	(void)putchar('\n');
	(void)fflush(stdout);
	json_decref(j);
}

static void tell(void *ctx, const struct dcos_refusal *r)
{
	struct refusal_stack stack;
	struct watch *w = ctx;
	char task[ID_TEXT_MAX];
	json_t *j;

	(void)task_of(w, r->key.cgroup, task); /* it is @task */
	if (w->o->stacks)
		refusal_stack(r, &stack);
	if (!w->a->json) {
		print_text(r, task, w->o->stacks ? &stack : NULL);
		return;
	}
	j = refusal_json(r, w->o->stacks ? &stack : NULL);
	if (j && !json_object_set_new(j, "task", json_string(task)))
		print_line(j);
}

/* ---- the counts at the end ---- */

static const struct table_column columns[] = {
	{"COUNT", .right = true}, {"TASK", .cut = true}, {"CALL"}, {"VERDICT"}, {},
};

static int print_counts(struct watch *w, const struct refusal_count *c, int nr)
{
	struct libscols_table *t = nr ? table_new(columns) : NULL;
	char count[24], task[ID_TEXT_MAX], name[CALL_NAME_MAX], verdict[VERDICT_TEXT_MAX];

	(void)putchar('\n'); /* seen when stdout is closed */
	for (int i = 0; t && i < nr; i++) {
		const char *const cells[] = {
			count,
			task_of(w, c[i].key.cgroup, task),
			refusal_name(&c[i].key, name),
			verdict_text(c[i].key.verdict, verdict),
		};

		(void)snprintf(count, sizeof(count), "%" PRIu64, c[i].count); /* fits */
		if (table_row(t, cells) < 0) {
			scols_unref_table(t);
			return audit_fail("out of memory");
		}
	}
	if (!nr)
		(void)printf("Nothing was denied.\n");
	return t && table_print(t) < 0 ? audit_fail("can't print the table") : 0;
}

static int print_totals(struct watch *w, const struct refusal_count *c, int nr, uint64_t lost)
{
	json_t *list = json_array();
	char task[ID_TEXT_MAX];

	for (int i = 0; i < nr; i++) {
		json_t *row = refusal_key_json(&c[i].key, c[i].count);

		(void)json_object_set_new(row, "task",
					  json_string(task_of(w, c[i].key.cgroup, task)));
		(void)json_array_append_new(list, row);
	}
	print_line(json_pack("{s:o, s:I}", "totals", list, "not_shown", (json_int_t)lost));
	return 0;
}

static int finish(struct watch *w, struct live *l)
{
	cleanup_free struct refusal_count *counts = NULL;
	int nr = refusal_counts(live_refusals_fd(l), &counts);
	uint64_t lost = live_state(l)->events_lost;

	if (nr < 0)
		return audit_fail("out of memory");
	if (lost)
		audit_warn("%" PRIu64 " denials came too fast and are in the counts only", lost);
	if (live_state(l)->lost + live_skipped(l))
		audit_warn("%" PRIu64 " denials or more are not in the counts",
			   (uint64_t)live_state(l)->lost + live_skipped(l));
	return w->a->json ? print_totals(w, counts, nr, lost) : print_counts(w, counts, nr);
}

static int watch_run(struct audit *a, const void *options, char **operands, int nr)
{
	const struct watch_options *o = options;
	cleanup_free struct known *known = calloc(KNOWN_MAX, sizeof(*known));
	struct target t;
	struct watch w = {.a = a, .o = o, .t = &t, .known = known};
	const struct live_run run = {
		.duration_ms = o->duration.given ? o->duration.value : 0,
		.refused = tell,
		.ctx = &w,
	};
	struct live *l = NULL;
	enum live_end end;
	int status, err;

	if (!known)
		return audit_fail("out of memory");
	live_block();
	status = target_open(a, &o->target, operands, nr, true, &t);
	if (status)
		return status;
	err = live_open(&t, LIVE_WATCH, NULL, &l, &a->why);
	if (!err)
		err = live_run(l, &t, &run, &end, &a->why);
	status = err ? audit_fail("%s", a->why.text) : finish(&w, l);
	live_close(l);
	(void)target_close(&t); /* a command's status is not what was asked for */
	return status;
}

const struct command cmd_watch = {
	.name = "watch",
	.args = "[OPTION...] [TASK]",
	.help = "what filters deny to tasks, as it happens",
	.more = "Without an operand: to all tasks of the node. Until the task ends, for "
		"--duration, or to SIGINT or SIGTERM; then counts.",
	.options = watch_rows,
	.options_size = sizeof(struct watch_options),
	.operands_max = AUDIT_OPERANDS_ANY,
	.run = watch_run,
};
