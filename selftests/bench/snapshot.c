// SPDX-License-Identifier: Apache-2.0
/*
 * What one reading of 1,000 running tasks costs: from the meter's maps, by the walk over threads
 * and cgroups that fills the gauges, and from the files of the same cgroups through descriptors
 * that stay open. Rounds alternate, medians are compared. Each task wakes ten times a second.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/meter.h"
#include "selftests/harness/harness.h"
#include "selftests/harness/meter_rig.h"

#define TASKS	1000
#define ROUNDS	15
#define WAKE_NS 100000000L
#define TEXT	8192 /* memory.stat has 1.5 kB */

/* What the meter gives, as files; those that the host has not are left out. */
static const char *const files[] = {
	"cpu.stat",    "cpu.pressure",	"memory.pressure", "io.pressure",  "memory.current",
	"memory.stat", "memory.events", "io.stat",	   "pids.current",
};

enum what { CELLS, GAUGES, FLUSH, WALK, FILES, WHATS };

static const char *const what_names[WHATS] = {
	[CELLS] = "cells of all tasks (counters, wait histogram)",
	[GAUGES] = "gauges of all tasks (memory, pressure)",
	[FLUSH] = "charging what runs now, on each CPU",
	[WALK] = "the walk over threads and cgroups",
	[FILES] = "cgroup files, descriptors kept open",
};

struct task {
	int dir_fd, pidfd;
	int fds[ARRAY_SIZE(files)];
	pid_t pid;
	uint64_t id;
	uint32_t slot;
};

struct bench {
	char dir[PATH_MAX], cgroup[PATH_MAX]; /* removed at the end */
	int root_fd;
	struct rig g;
	int nr; /* tasks that were made */
	size_t nr_files; /* that a task has */
	struct task tasks[TASKS];
	uint64_t sink; /* what was read, so that it is */
};

static int wake_and_sleep(void *arg)
{
	const struct timespec t = {.tv_nsec = WAKE_NS};

	for (;;)
		(void)nanosleep(&t, NULL); /* no signal comes but the last */
	return arg ? 0 : 1;
}

static int task_start(struct bench *b, struct task *t)
{
	char name[16];
	size_t nr = 0;
	int err;

	(void)snprintf(name, sizeof(name), "t%d", b->nr); /* fits */
	t->dir_fd = rig_cgroup_make(b->root_fd, name);
	if (t->dir_fd < 0)
		return t->dir_fd;
	t->id = rig_cgroup_id(t->dir_fd);
	err = b->g.iso->attach(b->g.iso->ctx, t->id, &t->slot);
	if (err)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		t->fds[nr] = openat(t->dir_fd, files[i], O_RDONLY | O_CLOEXEC);
		nr += t->fds[nr] >= 0;
	}
	b->nr_files = nr;
	t->pid = rig_spawn(t->dir_fd, wake_and_sleep, NULL, &t->pidfd);
	return t->pid < 0 ? t->pid : 0;
}

static int tasks_start(struct bench *b)
{
	int err = 0;

	while (b->nr < TASKS && !err) {
		err = task_start(b, &b->tasks[b->nr]);
		b->nr += !err;
	}
	return err;
}

static void tasks_end(struct bench *b)
{
	int status;

	for (int i = 0; i < b->nr; i++)
		(void)kill(b->tasks[i].pid, SIGKILL); /* it is there until it is reaped */
	for (int i = 0; i < b->nr; i++)
		(void)waitpid(b->tasks[i].pid, &status, 0); /* as above */
}

static void read_cells(struct bench *b)
{
	struct meter_row row;

	for (int i = 0; i < b->nr; i++) {
		meter_read(b->g.m, b->tasks[i].slot, &row);
		b->sink += row.sum.cpu_ns;
	}
}

static void read_gauges(struct bench *b)
{
	struct dcos_gauge g;

	for (int i = 0; i < b->nr; i++) {
		meter_gauge(b->g.m, b->tasks[i].slot, &g);
		b->sink += g.rss_anon_bytes;
	}
}

static int read_files(struct bench *b)
{
	char text[TEXT];
	ssize_t n;

	for (int i = 0; i < b->nr; i++) {
		for (size_t f = 0; f < b->nr_files; f++) {
			n = pread(b->tasks[i].fds[f], text, sizeof(text), 0);
			if (n < 0)
				return -errno;
			b->sink += (uint64_t)n;
		}
	}
	return 0;
}

static int read_once(struct bench *b, enum what what, double *ret_us)
{
	uint64_t begin = rig_now_ns();
	int err = 0;

	switch (what) {
	case CELLS:
		read_cells(b);
		break;
	case GAUGES:
		read_gauges(b);
		break;
	case FLUSH:
		err = meter_flush(b->g.m);
		break;
	case WALK:
		err = meter_walk(b->g.m);
		break;
	default:
		err = read_files(b);
	}
	*ret_us = (double)(rig_now_ns() - begin) / 1000;
	return err;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int measure(struct bench *b)
{
	double us[WHATS][ROUNDS];
	int err;

	for (int i = 0; i < ROUNDS; i++) {
		for (int w = 0; w < WHATS; w++) {
			err = read_once(b, (enum what)w, &us[w][i]);
			if (err)
				return err;
		}
	}
	for (int w = 0; w < WHATS; w++)
		qsort(us[w], ROUNDS, sizeof(us[w][0]), by_value);
	printf("one reading of %d running tasks, %d rounds          us   files are x times\n",
	       b->nr, ROUNDS);
	for (int w = 0; w < WHATS; w++)
		printf("  %-46s %8.1f   %6.0f\n", what_names[w], us[w][ROUNDS / 2],
		       us[FILES][ROUNDS / 2] / us[w][ROUNDS / 2]);
	printf("  files: %zu of each task\n", b->nr_files);
	return 0;
}

/* Each task has up to eleven; the hard limit is what can be had. */
static void raise_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		return;
	l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l); /* opening fails with a sentence if it is too low */
}

static int bench_up(struct bench *b)
{
	struct why why = {};
	char name[32];
	int r;

	(void)snprintf(name, sizeof(name), "dcos-bench-%d", getpid()); /* fits */
	r = scratch_dir_make(b->dir);
	if (!r)
		r = scratch_cgroup_make(name, b->cgroup);
	if (r < 0)
		return r;
	b->root_fd = open(b->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->root_fd < 0)
		return -errno;
	r = rig_up(b->dir, b->root_fd, &b->g, &why);
	if (r < 0)
		fprintf(stderr, "%s\n", why.text);
	return r;
}

int main(void)
{
	struct bench *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return 1;
	raise_descriptors();
	r = bench_up(b);
	if (!r)
		r = tasks_start(b);
	if (!r)
		r = measure(b);
	tasks_end(b);
	meter_close(b->g.m);
	if (b->g.pins[0])
		(void)meter_unpin(b->g.pins); /* its mount ends with this process */
	scratch_cgroup_remove(b->cgroup);
	scratch_dir_remove(b->dir);
	if (r < 0)
		fprintf(stderr, "bench-snapshot: %s\n", strerror(-r));
	return r < 0;
}
