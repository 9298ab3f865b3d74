// SPDX-License-Identifier: Apache-2.0
/*
 * How long commands take from spawn to end, in rounds in which each runs once, in an order that
 * changes: `launch ROUNDS ROOTFS -- NAME COMMAND [ARG...] [-- NAME COMMAND...]...`. The first row
 * is the floor: one clone3 with the same namespaces, the root, /proc, /dev and execve, and nothing
 * that a runtime has to read, check or remember. Medians, and the median of the ratio to the first
 * command within each round, of time and of CPU time (its own and its children's).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/units.h"

#define COMMANDS_MAX 16
#define ROUNDS_MAX   1000
#define WARM_UP	     3

extern char **environ;

struct command {
	const char *name;
	char **argv; /* NULL: the floor */
	double ms[ROUNDS_MAX], cpu[ROUNDS_MAX];
};

static struct command commands[COMMANDS_MAX];
static const char *rootfs;

static void __attribute__((noreturn)) floor_child(void)
{
	static char *argv[] = {(char *)"true", NULL}, *env[] = {NULL};
	struct mount_attr private = {.propagation = MS_PRIVATE};
	int root;

	if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private, sizeof(private)))
		_exit(1);
	root = open_tree(AT_FDCWD, rootfs, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (root < 0 || move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) ||
	    fchdir(root) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) ||
	    mount("proc", "/proc", "proc", 0, NULL) || mount("dev", "/dev", "tmpfs", 0, NULL))
		_exit(2);
	(void)execve("/bin/true", argv, env); /* returns only to fail */
	_exit(3);
}

static pid_t start_floor(void)
{
	struct clone_args args = {.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
					   CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP,
				  .exit_signal = SIGCHLD};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (!pid)
		floor_child();
	return pid;
}

static pid_t start(const struct command *c)
{
	pid_t pid;

	if (!c->argv)
		return start_floor();
	return posix_spawnp(&pid, c->argv[0], NULL, NULL, c->argv, environ) ? -1 : pid;
}

static double ms_of(const struct timeval *t)
{
	return (double)t->tv_sec * 1e3 + (double)t->tv_usec / 1e3;
}

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void run(struct command *c, int round)
{
	double begin = now_ms();
	struct rusage used;
	int status = 0;
	pid_t pid = start(c);

	if (pid < 0 || wait4(pid, &status, 0, &used) < 0 || status) {
		(void)fprintf(stderr, "%s: failed, status %d\n", c->name, status);
		exit(1);
	}
	if (round < 0)
		return;
	c->ms[round] = now_ms() - begin;
	c->cpu[round] = ms_of(&used.ru_utime) + ms_of(&used.ru_stime);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *v, int nr)
{
	static double sorted[ROUNDS_MAX];

	memcpy(sorted, v, sizeof(*v) * (size_t)nr);
	qsort(sorted, (size_t)nr, sizeof(*sorted), compare);
	return sorted[nr / 2];
}

static double ratio(const double *v, const double *to, int nr)
{
	static double r[ROUNDS_MAX];

	for (int i = 0; i < nr; i++)
		r[i] = v[i] / to[i];
	return median(r, nr);
}

static int parse(int argc, char **argv)
{
	int nr = 1;

	commands[0].name = "the floor: clone3, root, execve";
	for (int i = 3; i < argc && nr < COMMANDS_MAX; i++) {
		if (strcmp(argv[i], "--"))
			continue;
		argv[i] = NULL; /* ends the command before */
		if (i + 2 >= argc)
			break;
		commands[nr].name = argv[i + 1];
		commands[nr++].argv = &argv[i + 2];
	}
	return nr;
}

int main(int argc, char **argv)
{
	uint64_t rounds = 0;
	int nr;

	if (argc < 6 || parse_u64(argv[1], 1, ROUNDS_MAX, &rounds)) {
		(void)fprintf(stderr, "launch ROUNDS ROOTFS -- NAME COMMAND...\n");
		return 2;
	}
	rootfs = argv[2];
	nr = parse(argc, argv);
	for (int round = -WARM_UP; round < (int)rounds; round++)
		for (int i = 0; i < nr; i++)
			run(&commands[(i + round + WARM_UP) % nr], round);
	(void)printf("%-40s %8s %7s %8s %7s\n", "medians, ratios to the second row", "ms", "ratio",
		     "CPU ms", "ratio");
	for (int i = 0; i < nr; i++)
		(void)printf("%-40s %8.2f %7.2f %8.2f %7.2f\n", commands[i].name,
			     median(commands[i].ms, (int)rounds),
			     ratio(commands[i].ms, commands[1].ms, (int)rounds),
			     median(commands[i].cpu, (int)rounds),
			     ratio(commands[i].cpu, commands[1].cpu, (int)rounds));
	return 0;
}
