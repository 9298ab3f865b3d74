// SPDX-License-Identifier: Apache-2.0
/* dcosctl ps: the tasks of this node. */
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/common/text.h"
#include "tools/dcosctl/ctl.h"
#include "tools/dcosctl/table.h"

#define COMMAND_SHOWN 256 /* bytes of a command line in the table */

struct ps_options {
	bool all, quiet;
};

static const struct opt_row ps_rows[] = {
	{"all", 'a', NULL, opt_flag, offsetof(struct ps_options, all), NULL, "ended tasks too"},
	{"quiet", 'q', NULL, opt_flag, offsetof(struct ps_options, quiet), NULL, "only ids"},
	{},
};

static const struct table_column ps_columns[] = {
	{"ID"},
	{"STATE"},
	{"PID", .right = true},
	{"IMAGE", .cut = true},
	{"AGE", .right = true},
	{"EXIT"},
	{"COMMAND", .cut = true},
	{},
};

static bool task_ended(const json_t *task)
{
	return json_is_object(json_object_get(task, "exit"));
}

/* Words with blanks between; for reading, not for a shell. */
static const char *join(const json_t *words, char *buf, size_t size)
{
	size_t i, used = 0;
	const json_t *w;

	buf[0] = 0;
	json_array_foreach (words, i, w) {
		int n = snprintf(buf + used, size - used, "%s%s", i ? " " : "",
				 json_string_value(w) ? json_string_value(w) : "");

		if (n < 0 || (size_t)n >= size - used)
			break;
		used += (size_t)n;
	}
	return buf;
}

static int add_task(struct libscols_table *t, const json_t *task)
{
	char pid[24] = "-", age[16], ended[24], command[COMMAND_SHOWN];
	int64_t n = field_int(task, "pid", 0);
	const char *const cells[] = {
		field_str(task, "id"),
		field_str(task, "state"),
		pid,
		field_str(task, "image"),
		ctl_age(field_int(task, "created_unix_us", 0), age, sizeof(age)),
		exit_text(json_object_get(task, "exit"), ended, sizeof(ended)),
		join(json_object_get(task, "command"), command, sizeof(command)),
	};

	if (n > 0 && !task_ended(task))
		(void)snprintf(pid, sizeof(pid), "%lld", (long long)n);
	return table_row(t, cells);
}

static int print_tasks(const json_t *tasks, bool all)
{
	struct libscols_table *t = table_new(ps_columns);
	const json_t *task;
	size_t i, ended = 0, shown = 0;

	if (!t)
		return ctl_fail("out of memory");
	json_array_foreach (tasks, i, task) {
		if (task_ended(task) && !all) {
			ended++;
			continue;
		}
		shown++;
		if (add_task(t, task) < 0) {
			scols_unref_table(t);
			return ctl_fail("out of memory");
		}
	}
	if (shown && table_print(t) < 0)
		return ctl_fail("can't print the table");
	if (!shown) {
		scols_unref_table(t);
		/* said to people only; nowhere to complain about stderr */
		if (ended)
			(void)fprintf(stderr, "no task runs; %zu ended: dcosctl ps -a\n", ended);
		else
			(void)fprintf(stderr, "no tasks; dcosctl run --help\n");
	}
	return 0;
}

static void print_ids(const json_t *tasks, bool all)
{
	const json_t *task;
	size_t i;

	json_array_foreach (tasks, i, task) {
		if (task_ended(task) && !all)
			continue;
		text_print(stdout, field_str(task, "id"));
		(void)putchar('\n'); /* seen when stdout is closed */
	}
}

static int ps_run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	const struct ps_options *o = options;
	cleanup_json json_t *reply = ctl_call(ctl, "List", NULL);
	const json_t *tasks = json_object_get(reply, "tasks");

	(void)operands, (void)nr; /* it has none */
	if (!reply)
		return CTL_FAILED;
	if (ctl->json)
		ctl_print_json(reply, false);
	else if (o->quiet)
		print_ids(tasks, o->all);
	else
		return print_tasks(tasks, o->all);
	return 0;
}

const struct command cmd_ps = {
	.name = "ps",
	.args = "[-a] [-q]",
	.help = "list tasks",
	.more = "AGE is the time since the task was accepted. EXIT is the code, the signal, oom if "
		"the\n"
		"kernel ended it for want of memory, or ? if nobody knows. --json always has all "
		"tasks.",
	.options = ps_rows,
	.options_size = sizeof(struct ps_options),
	.run = ps_run,
};
