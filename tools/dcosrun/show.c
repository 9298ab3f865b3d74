// SPDX-License-Identifier: Apache-2.0
/* list, ps and events: what there is, and what it uses. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/slurp.h"
#include "cgroupfs/cgroupfs.h"
#include "tools/dcosrun/rt.h"

#define COMMAND_MAX 4096

struct list_options {
	const char *format;
	bool quiet;
};

static const struct opt_row list_rows[] = {
	{"format", 'f', "FORMAT", opt_string, offsetof(struct list_options, format),
	 "table or json", "table (default) or json"},
	{"quiet", 'q', NULL, opt_flag, offsetof(struct list_options, quiet), NULL, "ids only"},
	{},
};

static int want_json(struct rt *rt, const char *format, bool *ret)
{
	*ret = format && !strcmp(format, "json");
	if (!format || *ret || !strcmp(format, "table"))
		return 0;
	return why_set(&rt->why, -EINVAL, "--format=%.32s: allowed are table, json", format);
}

static json_t *row_of(const struct rt_box *b)
{
	return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s*, s:s*, s:s, s:O*}", "ociVersion",
			 RT_OCI_VERSION, "id", b->id, "pid", b->pidfd >= 0 ? (int)b->pid : 0,
			 "status", rt_status_name(b->status), "bundle", b->bundle ? b->bundle : "",
			 "rootfs", json_string_value(json_object_get(b->state, "rootfs")),
			 "created", json_string_value(json_object_get(b->state, "created")),
			 "owner", "root", "annotations", json_object_get(b->state, "annotations"));
}

static void print_row(const struct rt_box *b)
{
	const char *created = json_string_value(json_object_get(b->state, "created"));

	/* errors of stdout are seen when it is closed */
	(void)printf("%-20s %-8d %-9s %s %s\n", b->id, b->pidfd >= 0 ? (int)b->pid : 0,
		     rt_status_name(b->status), b->bundle ? b->bundle : "-",
		     created ? created : "-");
}

static int run_list(struct rt *rt, void *options, char **argv, int argc)
{
	const struct list_options *o = options;
	cleanup_closedir DIR *d = opendir(rt->root);
	json_t *rows = json_array();
	bool as_json;
	int err = want_json(rt, o->format, &as_json);

	(void)argv; /* none */
	(void)argc;
	if (!err && !as_json && !o->quiet)
		(void)printf("%-20s %-8s %-9s %s %s\n", "ID", "PID", "STATUS", "BUNDLE", "CREATED");
	for (struct dirent *e; d && !err && (e = readdir(d));) {
		struct rt_box b;

		if (!ct_id_valid(e->d_name) || rt_box_open(rt, e->d_name, &b))
			continue; /* it has just been deleted */
		if (o->quiet)
			(void)printf("%s\n", b.id);
		else if (as_json)
			(void)json_array_append_new(rows, row_of(&b)); /* NULL is left out */
		else
			print_row(&b);
		rt_box_close(&b);
	}
	if (!err && as_json && !o->quiet &&
	    (json_dumpf(rows, stdout, JSON_COMPACT) || putchar('\n') == EOF))
		err = why_set(&rt->why, -EIO, "standard output");
	json_decref(rows);
	return err;
}

const struct rt_command rt_list = {
	.name = "list",
	.args = "[OPTION...]",
	.help = "list containers",
	.options = list_rows,
	.options_size = sizeof(struct list_options),
	.operands_max = 0,
	.run = run_list,
};

static const struct opt_row ps_rows[] = {
	{"format", 'f', "FORMAT", opt_string, offsetof(struct list_options, format),
	 "table or json", "table (default) or json"},
	{},
};

static void add_pid(pid_t pid, void *ctx)
{
	(void)json_array_append_new(ctx, json_integer(pid)); /* ?int */
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

static int run_ps(struct rt *rt, void *options, struct rt_box *b, char **argv, int argc)
{
	const struct list_options *o = options;
	json_t *pids, *pid;
	bool as_json;
	size_t i;
	int err = want_json(rt, o->format, &as_json);

	(void)argv; /* options of ps(1), which is not used */
	(void)argc;
	if (err)
		return err;
	pids = json_array();
	err = rt_box_pids(rt, b, add_pid, pids);
	if (!err && as_json)
		(void)(json_dumpf(pids, stdout, JSON_COMPACT) || putchar('\n')); /* see closing */
	if (!err && !as_json) {
		(void)printf("%-8s %s\n", "PID", "CMD");
		json_array_foreach (pids, i, pid)
			print_process((pid_t)json_integer_value(pid));
	}
	json_decref(pids);
	return err;
}

const struct rt_command rt_ps = {
	.name = "ps",
	.args = "[OPTION...] ID",
	.help = "list the processes of a container",
	.options = ps_rows,
	.options_size = sizeof(struct list_options),
	.operands_min = 1,
	.operands_max = 16,
	.run_on = run_ps,
};

struct events_options {
	bool stats;
	struct opt_u64 interval;
};

static const struct opt_row events_rows[] = {
	{"stats", 0, NULL, opt_flag, offsetof(struct events_options, stats), NULL,
	 "once, and no more"},
	{"interval", 0, "TIME", opt_ms, offsetof(struct events_options, interval), OPT_ALLOWED_MS,
	 "how often (default 5s)"},
	{},
};

/* A file that is not there is not said. */
static json_t *number(int cgroup, const char *file)
{
	uint64_t v;

	return cg_read_u64(cgroup, file, &v) ? NULL : json_integer((json_int_t)v);
}

static json_t *cpu_stats(int cgroup)
{
	static const char *const keys[] = {"usage_usec", "user_usec",	 "system_usec",
					   "nr_periods", "nr_throttled", "throttled_usec",
					   NULL};
	uint64_t v[6] = {0};

	(void)cg_read_keys(cgroup, "cpu.stat", keys, v); /* what is not there stays 0 */
	return json_pack("{s:{s:I, s:I, s:I}, s:{s:I, s:I, s:I}}", "usage", "total",
			 (json_int_t)(v[0] * 1000), "kernel", (json_int_t)(v[2] * 1000), "user",
			 (json_int_t)(v[1] * 1000), "throttling", "periods", (json_int_t)v[3],
			 "throttledPeriods", (json_int_t)v[4], "throttledTime",
			 (json_int_t)(v[5] * 1000));
}

static json_t *memory_stats(int cgroup)
{
	static const char *const keys[] = {"anon",    "file",	    "kernel_stack",
					   "slab",    "sock",	    "inactive_file",
					   "pgfault", "pgmajfault", NULL};
	uint64_t v[8] = {0};
	json_t *raw;

	(void)cg_read_keys(cgroup, "memory.stat", keys, v); /* likewise */
	raw = json_object();
	for (size_t i = 0; raw && keys[i]; i++)
		(void)json_object_set_new(raw, keys[i], json_integer((json_int_t)v[i])); /* ?int */
	return json_pack("{s:I, s:{s:o*, s:o*, s:o*}, s:{s:o*, s:o*}, s:o*}", "cache",
			 (json_int_t)v[1], "usage", "usage", number(cgroup, "memory.current"),
			 "max", number(cgroup, "memory.peak"), "limit",
			 number(cgroup, "memory.max"), "swap", "usage",
			 number(cgroup, "memory.swap.current"), "limit",
			 number(cgroup, "memory.swap.max"), "raw", raw);
}

static int print_stats(struct rt *rt, const struct rt_box *b)
{
	json_t *doc = json_pack("{s:s, s:s, s:{s:o*, s:o*, s:{s:o*, s:o*}}}", "type", "stats", "id",
				b->id, "data", "cpu", cpu_stats(b->cgroup_fd), "memory",
				memory_stats(b->cgroup_fd), "pids", "current",
				number(b->cgroup_fd, "pids.current"), "limit",
				number(b->cgroup_fd, "pids.max"));
	int err = doc && !json_dumpf(doc, stdout, JSON_COMPACT) && putchar('\n') != EOF &&
				  !fflush(stdout)
			  ? 0
			  : -EIO;

	json_decref(doc);
	return err ? why_set(&rt->why, err, "standard output") : 0;
}

static int run_events(struct rt *rt, void *options, char **argv, int argc)
{
	const struct events_options *o = options;
	uint64_t ms = o->interval.given ? o->interval.value : 5000;
	const struct timespec pause = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
	struct rt_box b;
	int err;

	(void)argc; /* one */
	for (;;) {
		err = rt_box_open(rt, argv[0], &b);
		if (err)
			return err;
		err = rt_box_living(rt, &b);
		if (!err)
			err = rt_box_cgroup(rt, &b);
		if (!err)
			err = print_stats(rt, &b);
		rt_box_close(&b);
		if (err || o->stats)
			return err;
		(void)nanosleep(&pause, NULL); /* sooner is well */
	}
}

const struct rt_command rt_events = {
	.name = "events",
	.args = "[OPTION...] ID",
	.help = "print what a container uses, until it ends",
	.options = events_rows,
	.options_size = sizeof(struct events_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = run_events,
};
