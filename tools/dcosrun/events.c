// SPDX-License-Identifier: Apache-2.0
/*
 * events: what a container uses, now and then, and when the kernel has killed something of it for
 * its memory. The kernel wakes who polls memory.events: cgroup-v2.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "cgroupfs/cgroupfs.h"
#include "tools/dcosrun/rt.h"

#define INTERVAL_MS 5000
#define IO_STAT_MAX 65536

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

/* "8:0 rbytes=1 wbytes=2 ...": one row for each number asked for. */
static void add_io(json_t *rows, char *line, const char *key, const char *op)
{
	unsigned int major, minor;
	uint64_t v = 0;
	const char *at = strstr(line, key);

	if (!at || sscanf(line, "%u:%u", &major, &minor) != 2 ||
	    sscanf(at + strlen(key), "=%" SCNu64, &v) != 1)
		return;
	(void)json_array_append_new(rows, json_pack("{s:i, s:i, s:s, s:I}", "major", (int)major,
						    "minor", (int)minor, "op", op, "value",
						    (json_int_t)v)); /* NULL is left out */
}

static json_t *io_stats(int cgroup)
{
	static char text[IO_STAT_MAX];
	json_t *bytes = json_array(), *times = json_array();
	char *save = NULL;

	if (cg_read_text(cgroup, "io.stat", text, sizeof(text)) < 0)
		text[0] = '\0'; /* there is no controller */
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		add_io(bytes, line, " rbytes", "Read");
		add_io(bytes, line, " wbytes", "Write");
		add_io(times, line, " rios", "Read");
		add_io(times, line, " wios", "Write");
	}
	return json_pack("{s:o, s:o}", "ioServiceBytesRecursive", bytes, "ioServicedRecursive",
			 times);
}

static int print_line(struct rt *rt, const json_t *doc)
{
	if (doc && !json_dumpf(doc, stdout, JSON_COMPACT) && putchar('\n') != EOF &&
	    !fflush(stdout))
		return 0;
	return why_set(&rt->why, -EIO, "standard output");
}

static int print_stats(struct rt *rt, const struct rt_box *b)
{
	json_t *doc = json_pack("{s:s, s:s, s:{s:o*, s:o*, s:{s:o*, s:o*}, s:o*}}", "type", "stats",
				"id", b->id, "data", "cpu", cpu_stats(b->cgroup_fd), "memory",
				memory_stats(b->cgroup_fd), "pids", "current",
				number(b->cgroup_fd, "pids.current"), "limit",
				number(b->cgroup_fd, "pids.max"), "blkio", io_stats(b->cgroup_fd));
	int err = print_line(rt, doc);

	json_decref(doc);
	return err;
}

/* What is watched of one container. */
struct watch {
	struct rt *rt;
	const struct rt_box *b;
	int events; /* memory.events; -1: there is no controller */
	uint64_t killed; /* so far, by the kernel */
};

static uint64_t killed_now(const struct watch *w)
{
	static const char *const keys[] = {"oom_kill", NULL};
	uint64_t v = w->killed;

	(void)cg_read_keys(w->b->cgroup_fd, "memory.events", keys, &v); /* as it was */
	return v;
}

static int tell_oom(struct watch *w)
{
	uint64_t now = killed_now(w);
	json_t *doc;
	int err;

	if (now <= w->killed)
		return 0;
	w->killed = now;
	doc = json_pack("{s:s, s:s}", "type", "oom", "id", w->b->id);
	err = print_line(w->rt, doc);
	json_decref(doc);
	return err;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail with this clock */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Until the time has come, or the container's end. Return: 1 it has ended; 0; -errno */
static int wait_until(struct watch *w, int64_t until)
{
	char text[CG_FILE_MAX];
	int err = 0;

	for (int64_t left; !err && (left = until - now_ms()) > 0;) {
		struct pollfd p[] = {{.fd = w->b->pidfd, .events = POLLIN},
				     {.fd = w->events, .events = POLLPRI}};

		if (poll(p, ARRAY_SIZE(p), (int)left) < 0 && errno != EINTR)
			return -errno;
		/* reading is what lets the next wait wait */
		if (p[1].revents && pread(w->events, text, sizeof(text), 0) < 0)
			close_fd(&w->events); /* the cgroup is gone */
		err = tell_oom(w);
		if (!err && p[0].revents)
			return 1;
	}
	return err;
}

static int watch(struct watch *w, const struct events_options *o)
{
	int64_t ms = o->interval.given ? (int64_t)o->interval.value : INTERVAL_MS;
	char text[CG_FILE_MAX];
	int err = 0;

	w->killed = killed_now(w);
	if (w->events >= 0)
		(void)!pread(w->events, text, sizeof(text), 0); /* as above */
	for (int64_t next = now_ms(); !err;) {
		err = print_stats(w->rt, w->b);
		if (err || o->stats)
			return err;
		next += ms;
		err = wait_until(w, next);
	}
	return err < 0 ? why_set(&w->rt->why, err, "events") : 0;
}

static int run_events(struct rt *rt, void *options, struct rt_box *b, char **argv, int argc)
{
	struct watch w = {.rt = rt, .b = b, .events = -1};
	int err = rt_box_living(rt, b);

	(void)argv; /* none */
	(void)argc;
	if (!err)
		err = rt_box_cgroup(rt, b);
	if (err)
		return err;
	w.events = openat(b->cgroup_fd, "memory.events", O_RDONLY | O_CLOEXEC);
	err = watch(&w, options);
	close_fd(&w.events);
	return err;
}

const struct rt_command rt_events = {
	.name = "events",
	.args = "[OPTION...] ID",
	.help = "print what a container uses, until it ends",
	.options = events_rows,
	.options_size = sizeof(struct events_options),
	.operands_min = 1,
	.operands_max = 1,
	.run_on = run_events,
};
