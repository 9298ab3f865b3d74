// SPDX-License-Identifier: Apache-2.0
/*
 * Thawing what a governor has left frozen, and its guard: a process that does nothing until the
 * agent is gone, and then governs in its place (agent/governor_deputy.c). It is a copy of the agent
 * made by fork, which has threads: only async-signal-safe calls are allowed in it.
 */
#include "agent/governor_guard.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/governor.h"
#include "agent/lib/cleanup.h"
#include "agent/meter_pins.h"
#include "bpf/abi.h"

#define FILEID_KERNFS 0xfe /* include/linux/exportfs.h: a handle is the cgroup's id */

static int open_by_id(int cgroup_fd, uint64_t id)
{
	struct {
		unsigned int handle_bytes;
		int handle_type;
		unsigned char id[sizeof(id)];
	} h = {.handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS};
	int fd;

	memcpy(h.id, &id, sizeof(id));
	fd = open_by_handle_at(cgroup_fd, (struct file_handle *)&h,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int freeze_by_id(int cgroup_fd, uint64_t id, const char *text)
{
	cleanup_close int dir = open_by_id(cgroup_fd, id);

	if (dir < 0)
		return dir;
	cleanup_close int fd = openat(dir, "cgroup.freeze", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, 1) == 1 ? 0 : -errno;
}

int governor_thaw(int budgets_fd, int cgroup_fd)
{
	const size_t size = DCOS_SLOTS * sizeof(struct dcos_budget);
	struct dcos_budget *b;
	int nr = 0, r;

	b = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, budgets_fd, 0);
	if (b == MAP_FAILED)
		return -errno;
	for (size_t i = 1; i < DCOS_SLOTS; i++) { /* slot 0 is no task's */
		if (!__atomic_load_n(&b[i].frozen, __ATOMIC_ACQUIRE))
			continue;
		r = freeze_by_id(cgroup_fd, b[i].owner, "0");
		if (r && r != -ESTALE && r != -ENOENT && r != -ENODEV)
			continue; /* it stays marked; those three: the cgroup is gone */
		__atomic_store_n(&b[i].frozen, 0, __ATOMIC_RELEASE);
		nr += !r;
	}
	(void)munmap(b, size); /* it was mapped */
	return nr;
}

int governor_thaw_pins(const char *pin_dir, int cgroup_fd, struct why *why)
{
	char dir[PIN_PATH_MAX], version[16], path[PIN_PATH_MAX];
	int r;

	(void)snprintf(version, sizeof(version), "v%d", DCOS_ABI); /* fits */
	r = pin_path(dir, pin_dir, version, "");
	if (!r)
		r = pin_path(path, dir, "budgets", "");
	if (r)
		return why_set(why, r, "%s", pin_dir);
	cleanup_close int fd = bpf_obj_get(path);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return why_set(why, fd, "%s", path);
	r = governor_thaw(fd, cgroup_fd);
	return r < 0 ? why_set(why, r, "thawing what %s says", path) : r;
}

/* All descriptors but these; nothing else of the agent's shall live on in its guard. */
static void close_others(int *keep, int nr)
{
	unsigned int next = 0;

	for (int i = 0; i < nr; i++) { /* sort by insertion */
		for (int j = i; j > 0 && keep[j - 1] > keep[j]; j--) {
			int t = keep[j];

			keep[j] = keep[j - 1];
			keep[j - 1] = t;
		}
	}
	for (int i = 0; i < nr; i++) {
		if ((unsigned int)keep[i] > next)
			(void)close_range(next, (unsigned int)keep[i] - 1,
					  0); /* or they stay open */
		next = (unsigned int)keep[i] + 1;
	}
	(void)close_range(next, ~0U, 0); /* as above */
}

static void guard(int agent_pidfd, const struct deputy *of_agent)
{
	struct pollfd p = {.fd = agent_pidfd, .events = POLLIN};
	struct deputy d = *of_agent;
	sigset_t all;

	/* the agent's own has its lock, which would outlive it here */
	d.cgroup_fd = openat(of_agent->cgroup_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d.cgroup_fd < 0)
		_exit(1);
	int keep[] = {agent_pidfd, d.budgets_fd, d.cgroup_fd, d.prog_fd};

	(void)sigfillset(&all); /* never fails */
	(void)sigprocmask(SIG_SETMASK, &all, NULL); /* as above: only SIGKILL ends it early */
	(void)prctl(PR_SET_NAME, "dcos-governor"); /* for people */
	close_others(keep, ARRAY_SIZE(keep));
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
	deputy_run(&d);
	_exit(0);
}

int guard_start(const struct deputy *d, int *ret_pidfd)
{
	cleanup_close int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	pid_t pid;
	int fd;

	if (self < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		guard(self, d);
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0) {
		fd = -errno;
		(void)kill(pid, SIGKILL); /* it is our child */
		(void)waitpid(pid, NULL, 0); /* as above */
		return fd;
	}
	*ret_pidfd = fd;
	return 0;
}

bool guard_ended(int pidfd)
{
	siginfo_t info = {};

	return waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) || info.si_pid;
}

void guard_stop(int pidfd)
{
	siginfo_t info;

	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0); /* it may have ended */
	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) && errno == EINTR)
		;
}
