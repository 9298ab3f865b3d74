// SPDX-License-Identifier: Apache-2.0
/*
 * ps: the processes of a container, as JSON, or the lines that ps(1) has for them, whose column
 * PID tells which those are. Without ps(1) there is a table of our own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "tools/dcosrun/rt.h"

#define COMMAND_MAX 4096
#define OPTIONS_MAX 16 /* of ps(1) */
#define PROGRAM	    "/bin/ps" /* of the distribution, whatever PATH says */

struct ps_options {
	const char *format;
};

static const struct opt_row ps_rows[] = {
	{"format", 'f', "FORMAT", opt_string, offsetof(struct ps_options, format), "table or json",
	 "table (default) or json"},
	{},
};

static void add_pid(pid_t pid, void *ctx)
{
	(void)json_array_append_new(ctx, json_integer(pid)); /* ?int */
}

static bool has_pid(const json_t *pids, uint64_t pid)
{
	const json_t *v;
	size_t i;

	json_array_foreach (pids, i, v)
		if ((uint64_t)json_integer_value(v) == pid)
			return true;
	return false;
}

static void print_process(pid_t pid)
{
	char path[32], text[COMMAND_MAX] = "";
	int fd;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid); /* fits */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	for (ssize_t i = 0; i < n;
	     i++) /* arguments end in NULs; terminals obey control characters */
		text[i] = (char)((unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i]);
	close_fd(&fd);
	(void)printf("%-8d %s\n", (int)pid, text);
}

static void print_own(const json_t *pids)
{
	const json_t *pid;
	size_t i;

	(void)printf("%-8s %s\n", "PID", "CMD");
	json_array_foreach (pids, i, pid)
		print_process((pid_t)json_integer_value(pid));
}

/* The word of a line, from 0 on, cut if it is longer. Return: false: there are fewer */
static bool word_at(const char *line, int index, char *buf, size_t size)
{
	size_t len;

	for (line += strspn(line, " \t"); index; index--) {
		line += strcspn(line, " \t\n");
		line += strspn(line, " \t");
	}
	len = strcspn(line, " \t\n");
	(void)snprintf(buf, size, "%.*s", (int)len,
		       line); /* a number that is cut is none of ours */
	return len;
}

static int pid_column(const char *header)
{
	char word[8];

	for (int i = 0; word_at(header, i, word, sizeof(word)); i++)
		if (!strcmp(word, "PID"))
			return i;
	return -1;
}

/* Return: 0; -EINVAL it has no such column */
static int print_lines(FILE *f, const json_t *pids)
{
	cleanup_free char *line = NULL;
	size_t size = 0;
	int column = -1;

	for (bool first = true; getline(&line, &size, f) > 0; first = false) {
		char word[16];
		uint64_t pid;

		if (first) {
			column = pid_column(line);
			if (column < 0)
				return -EINVAL;
			(void)fputs(line, stdout); /* seen when it is closed */
		} else if (word_at(line, column, word, sizeof(word)) &&
			   !parse_u64(word, 1, INT32_MAX, &pid) && has_pid(pids, pid)) {
			(void)fputs(line, stdout); /* likewise */
		}
	}
	return 0;
}

static pid_t start_ps(char *const *options, int nr, int *ret_out)
{
	static char *const env[] = {(char *)"LC_ALL=C", (char *)"COLUMNS=4096", NULL};
	char *argv[OPTIONS_MAX + 2] = {(char *)"ps", (char *)"-ef"};
	int out[2];
	pid_t pid;

	for (int i = 0; i < nr; i++)
		argv[i + 1] = options[i];
	if (pipe2(out, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		if (dup2(out[1], STDOUT_FILENO) >= 0)
			(void)execve(PROGRAM, argv, env); /* returns only to fail */
		_exit(127);
	}
	(void)close(out[1]); /* the child's */
	if (pid < 0)
		(void)close(out[0]); /* nothing was written */
	else
		*ret_out = out[0];
	return pid;
}

static int print_ps(struct rt *rt, const json_t *pids, char *const *options, int nr)
{
	int out = -1, status = 0, err;
	pid_t pid = start_ps(options, nr, &out);
	FILE *f = pid < 0 ? NULL : fdopen(out, "r");

	if (!f) {
		close_fd(&out); /* it ends by it */
		return why_set(&rt->why, -errno, PROGRAM);
	}
	err = print_lines(f, pids);
	(void)fclose(f); /* it was read */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status))
		return why_set(&rt->why, -EINVAL, PROGRAM ": it ended with status %d",
			       WEXITSTATUS(status));
	return err ? why_set(&rt->why, err, PROGRAM ": its output has no column PID") : 0;
}

static int run_ps(struct rt *rt, void *options, struct rt_box *b, char **argv, int argc)
{
	const struct ps_options *o = options;
	bool as_json = o->format && !strcmp(o->format, "json");
	json_t *pids;
	int err;

	if (o->format && !as_json && strcmp(o->format, "table"))
		return why_set(&rt->why, -EINVAL, "--format=%.32s: allowed are table, json",
			       o->format);
	pids = json_array();
	err = rt_box_pids(rt, b, add_pid, pids);
	if (!err && as_json)
		(void)(json_dumpf(pids, stdout, JSON_COMPACT) || putchar('\n')); /* see closing */
	else if (!err && !argc && access(PROGRAM, X_OK))
		print_own(pids);
	else if (!err)
		err = print_ps(rt, pids, argv, argc);
	json_decref(pids);
	return err;
}

const struct rt_command rt_ps = {
	.name = "ps",
	.args = "[OPTION...] ID [OPTION-OF-PS...]",
	.help = "list the processes of a container",
	.options = ps_rows,
	.options_size = sizeof(struct ps_options),
	.operands_min = 1,
	.operands_max = OPTIONS_MAX,
	.operands_end_options = true,
	.run_on = run_ps,
};
