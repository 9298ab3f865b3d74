// SPDX-License-Identifier: Apache-2.0
/* A private bpffs, processes in cgroups, and the cgroup's own word on them. */
#include "selftests/harness/meter_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "agent/lib/cleanup.h"
#include "agent/meter_impl.h"

#define FREEZE_MS 5000

int rig_bpffs(const char *dir)
{
	if (unshare(CLONE_NEWNS))
		return -errno;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	if (mkdir(dir, 0700) && errno != EEXIST)
		return -errno;
	return mount("bpf", dir, "bpf", 0, "mode=0700") ? -errno : 0;
}

int rig_up_with(const char *dir, int parent_fd, uint32_t families, struct rig *ret, struct why *why)
{
	struct rig g = {};
	char bpffs[RIG_PATH_MAX - 8];
	int r, n;

	n = snprintf(bpffs, sizeof(bpffs), "%s/bpf", dir);
	if (n < 0 || (size_t)n >= sizeof(bpffs))
		return -ENAMETOOLONG;
	(void)snprintf(g.pins, sizeof(g.pins), "%s/dcos", bpffs); /* fits */
	r = rig_bpffs(bpffs);
	if (r < 0)
		return why_set(why, r, "a bpf file system at %s", bpffs);
	r = meter_open_some(g.pins, parent_fd, families, &g.m, why);
	if (r < 0)
		return r;
	g.iso = meter_iso(g.m);
	g.cgroup_fd = rig_cgroup_make(parent_fd, "task");
	if (g.cgroup_fd < 0)
		return why_set(why, g.cgroup_fd, "a cgroup");
	g.id = rig_cgroup_id(g.cgroup_fd);
	r = g.iso->attach(g.iso->ctx, g.id, &g.slot);
	if (r < 0)
		return why_set(why, r, "a slot");
	*ret = g;
	return 0;
}

int rig_up(const char *dir, int parent_fd, struct rig *ret, struct why *why)
{
	return rig_up_with(dir, parent_fd, UINT32_MAX, ret, why);
}

struct dcos_cell rig_row(const struct rig *g)
{
	struct meter_row r;

	if (meter_flush(g->m))
		memset(&r, 0xff, sizeof(r));
	else
		meter_read(g->m, g->slot, &r);
	return r.sum;
}

pid_t rig_spawn(int cgroup_fd, int (*fn)(void *arg), void *arg, int *ret_pidfd)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)cgroup_fd,
	};
	pid_t parent = getpid(), pid;

	(void)fflush(NULL); /* or the child prints it again */
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		return -errno;
	if (pid)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(127);
	_exit(fn(arg));
}

int rig_wait(pid_t pid, int pidfd, int timeout_ms, int *ret_status)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int n = poll(&p, 1, timeout_ms);

	if (n <= 0)
		return n ? -errno : -ETIMEDOUT;
	return waitpid(pid, ret_status, 0) < 0 ? -errno : 0;
}

int rig_cgroup_make(int parent_fd, const char *name)
{
	int fd;

	if (mkdirat(parent_fd, name, 0755))
		return -errno;
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

uint64_t rig_cgroup_id(int cgroup_fd)
{
	struct stat st;

	return fstat(cgroup_fd, &st) ? 0 : st.st_ino;
}

uint64_t rig_cpu_us(int cgroup_fd)
{
	cleanup_close int fd = openat(cgroup_fd, "cpu.stat", O_RDONLY | O_CLOEXEC);
	char buf[1024];
	uint64_t us;
	ssize_t n = fd < 0 ? -1 : pread(fd, buf, sizeof(buf) - 1, 0);

	if (n <= 0)
		return 0;
	buf[n] = 0;
	return sscanf(buf, "usage_usec %lu", &us) == 1 ? us : 0;
}

int rig_write(int cgroup_fd, const char *file, const char *text)
{
	cleanup_close int fd = openat(cgroup_fd, file, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int rig_freeze(int cgroup_fd, int on)
{
	cleanup_close int fd = openat(cgroup_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	struct pollfd p = {.fd = fd, .events = POLLPRI};
	const char *want = on ? "frozen 1" : "frozen 0";
	char buf[256];
	ssize_t n;
	int r;

	if (fd < 0)
		return -errno;
	r = rig_write(cgroup_fd, "cgroup.freeze", on ? "1" : "0");
	if (r < 0)
		return r;
	for (;;) {
		n = pread(fd, buf, sizeof(buf) - 1, 0);
		if (n < 0)
			return -errno;
		buf[n] = 0;
		if (strstr(buf, want))
			return 0;
		r = poll(&p, 1, FREEZE_MS);
		if (r <= 0)
			return r ? -errno : -ETIMEDOUT;
	}
}

uint64_t rig_now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* can't fail */
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}
