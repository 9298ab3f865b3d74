// SPDX-License-Identifier: Apache-2.0
/* The process that measures a task's memory, and what it says. */
#include "agent/breach_measure.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "cgroupfs/cgroupfs.h"

#define ROLLUP_MAX 4096 /* bytes of smaps_rollup that are read; Pss is in its first 100 */

void measure_add(struct measure *m, pid_t pid, const char *comm, uint64_t bytes)
{
	int at = MEASURE_TOP;

	m->bytes += bytes;
	while (at > 0 && (!m->top[at - 1].pid || m->top[at - 1].bytes < bytes))
		at--;
	if (at == MEASURE_TOP)
		return;
	memmove(&m->top[at + 1], &m->top[at],
		(size_t)(MEASURE_TOP - 1 - at) * sizeof(struct measure_top));
	m->top[at] = (struct measure_top){.pid = pid, .bytes = bytes};
	/* longer ones are cut, as the kernel does */
	(void)snprintf(m->top[at].comm, sizeof(m->top[at].comm), "%s", comm);
}

void measure_show_comm(const char *comm, char *ret)
{
	size_t i;

	for (i = 0; comm[i]; i++)
		ret[i] = comm[i] < ' ' || comm[i] > '~' ? '?' : comm[i];
	ret[i] = '\0';
}

char *measure_text(const struct measure *m, char *buf, size_t size)
{
	char comm[MEASURE_COMM_MAX], bytes[16];
	size_t len = 0;

	buf[0] = '\0';
	for (int i = 0; i < MEASURE_TOP && m->top[i].pid && len < size; i++) {
		const struct measure_top *t = &m->top[i];

		measure_show_comm(t->comm, comm);
		len += (size_t)snprintf(buf + len, size - len, "%s %d %s %s", i ? "," : "most by",
					(int)t->pid, comm,
					format_bytes(bytes, sizeof(bytes), t->bytes));
	}
	return buf;
}

/* Return: bytes; 0 if it has just ended, or has no memory of its own */
static uint64_t proportional_size(pid_t pid)
{
	char path[64], buf[ROLLUP_MAX];
	uint64_t kib;
	const char *p;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid); /* fits */
	if (cg_read_text(AT_FDCWD, path, buf, sizeof(buf)) < 0)
		return 0;
	p = strstr(buf, "\nPss:");
	return p && sscanf(p, "\nPss: %" SCNu64, &kib) == 1 ? kib * 1024 : 0;
}

static int measure_cgroup(int dirfd, void *ctx)
{
	cleanup_free pid_t *pids = calloc(MEASURE_PIDS_MAX, sizeof(*pids));
	char path[64], comm[MEASURE_COMM_MAX + 1];
	int n;

	if (!pids)
		return -ENOMEM;
	n = cg_procs(dirfd, pids, MEASURE_PIDS_MAX);
	if (n == -EOPNOTSUPP || n == -ENODEV)
		return 0; /* threaded: its processes are listed above; or gone */
	if (n < 0 || n > MEASURE_PIDS_MAX)
		return n < 0 ? n : -E2BIG;
	for (int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pids[i]); /* fits */
		if (cg_read_text(AT_FDCWD, path, comm, sizeof(comm)) < 0)
			continue; /* it has ended */
		comm[strcspn(comm, "\n")] = '\0';
		measure_add(ctx, pids[i], comm, proportional_size(pids[i]));
	}
	return 0;
}

/* Nothing of the agent's, its locks least of all, shall be held by a process that may get stuck. */
static void close_others(int a, int b)
{
	unsigned int low = (unsigned int)(a < b ? a : b), high = (unsigned int)(a < b ? b : a);

	if (low)
		(void)close_range(0, low - 1, 0); /* or they stay open */
	if (low + 1 < high)
		(void)close_range(low + 1, high - 1, 0); /* likewise */
	(void)close_range(high + 1, ~0U, 0); /* likewise */
}

static void measure_and_exit(int cgroup_fd, int out)
{
	struct measure m = {0};
	struct timespec cpu;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* without it, it ends when it is through */
	(void)prctl(PR_SET_NAME, "dcos-measure"); /* for people */
	close_others(cgroup_fd, out);
	if (cg_walk(cgroup_fd, measure_cgroup, &m))
		_exit(1);
	if (!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu))
		m.cpu_us = (uint64_t)cpu.tv_sec * 1000000 + (uint64_t)cpu.tv_nsec / 1000;
	/* less than PIPE_BUF: all or nothing */
	_exit(write(out, &m, sizeof(m)) != (ssize_t)sizeof(m));
}

int measure_start(int cgroup_fd, int *ret_pidfd)
{
	int fds[2], pidfd;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	cleanup_close int in = fds[0], out = fds[1];

	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		measure_and_exit(cgroup_fd, out);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0) {
		pidfd = -errno;
		(void)kill(pid, SIGKILL); /* it is our child */
		(void)waitpid(pid, NULL, 0); /* as above */
		return pidfd;
	}
	*ret_pidfd = pidfd;
	return take_fd(&in);
}

int measure_end(int fd, int pidfd, struct measure *ret)
{
	struct measure m;
	siginfo_t info;

	(void)waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED); /* it is our child and has ended */
	if (read(fd, &m, sizeof(m)) != (ssize_t)sizeof(m))
		return -ENODATA;
	*ret = m;
	return 0;
}
