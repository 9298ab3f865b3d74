// SPDX-License-Identifier: Apache-2.0
/*
 * Children that this process has never made. One that ct_exec() started is the agent's child, and
 * what it clones with CLONE_PARENT is so, too (clone(2); the kernel refuses that to the init of a
 * pid namespace only). Nobody else can reap them, and the kernel lets a pid namespace's init end
 * only when all others in it are reaped: pid_namespaces(7).
 * Where the kernel has no /proc/PID/task/TID/children they stay.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "agent/launch.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/weaken.h"

#define PASSES_MAX 16 /* over children that end and leave others to us meanwhile */

/* The last two parts of a cgroup's path, "/parent/id": enough among our own children. */
static int tail_of(int cgroup_fd, char *buf, size_t size, const char **ret)
{
	char path[64];
	ssize_t n;
	int parts = 0;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", cgroup_fd); /* fits */
	n = readlink(path, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	while (n > 0 && parts < 2)
		parts += buf[--n] == '/';
	*ret = buf + n;
	return 0;
}

/* A zombie is still in its cgroup. */
static bool is_in(pid_t pid, const char *tail)
{
	char path[64];
	size_t size = 0, len = strlen(tail);
	cleanup_free char *line = NULL;
	bool found = false;

	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid); /* fits */
	cleanup_fclose FILE *f = fopen(path, "re");

	while (f && !found && getline(&line, &size, f) > 0) {
		const char *p = strncmp(line, "0::", 3) ? NULL : strstr(line, tail);

		found = p && strchr("/\n ", p[len]); /* below it, or itself, or "(deleted)" */
	}
	return found;
}

static int reap_pass(pid_t init, const char *tail)
{
	cleanup_fclose FILE *f = fopen("/proc/thread-self/children", "re");
	int pid, nr = 0;

	while (f && fscanf(f, "%d", &pid) == 1) {
		if (pid == init || !is_in(pid, tail))
			continue;
		cleanup_close int pidfd = pidfd_open(pid, 0);

		if (pidfd < 0)
			continue;
		launch_reap(pidfd);
		nr++;
	}
	return nr;
}

void launch_reap_strays(pid_t init, int cgroup_fd)
{
	char path[PATH_MAX];
	const char *tail = NULL;

	if (weakened("strays") || tail_of(cgroup_fd, path, sizeof(path), &tail))
		return; /* a cgroup without a path is gone */
	for (int i = 0; i < PASSES_MAX && reap_pass(init, tail); i++)
		;
}
