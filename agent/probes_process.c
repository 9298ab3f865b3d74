// SPDX-License-Identifier: Apache-2.0
/*
 * Probes with a short-lived process: birth in a cgroup, pidfd, user namespace, id-mapped mount.
 * The processes make no SIGCHLD when they end, so that nobody else in the agent notices them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/probes_impl.h"

#define HELD_STATUS 3 /* what a held process exits with */
#define MAPPED_BASE 100000U /* any range of host ids will do */
#define MAPPED_NR   65536U

/* linux/pidfd.h, since 6.13; that of the build host may be older */
struct pidfd_info_v0 {
	uint64_t mask, cgroupid;
	uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code;
};
_Static_assert(sizeof(struct pidfd_info_v0) == 64, "the kernel's PIDFD_INFO_SIZE_VER0");
#define PIDFD_INFO_GET	    _IOWR(0xFF, 11, struct pidfd_info_v0)
#define PIDFD_INFO_EXIT_BIT (1ULL << 3) /* since 6.15 */

struct held {
	pid_t pid;
	int pidfd, go; /* closing go lets it end */
};

/* Return: 0 or -errno; to be ended with held_end() */
static int held_start(uint64_t flags, int cgroup_fd, struct held *ret)
{
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&ret->pidfd,
		.cgroup = (uint64_t)cgroup_fd,
	};
	int go[2];
	char byte;

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	ret->pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (ret->pid == 0) {
		(void)close(go[1]); /* so that the parent's end or death is an end of file */
		_exit(read(go[0], &byte, 1) == 0 ? HELD_STATUS : 1);
	}
	if (ret->pid < 0) {
		int err = -errno;

		close_fd(&go[0]);
		close_fd(&go[1]);
		return err;
	}
	close_fd(&go[0]);
	ret->go = go[1];
	return 0;
}

/* The pidfd stays open. */
static void held_reap(struct held *h)
{
	siginfo_t si;

	close_fd(&h->go);
	while (waitid(P_PIDFD, (id_t)h->pidfd, &si, WEXITED | __WALL) < 0 && errno == EINTR)
		;
}

static void held_end(struct held *h)
{
	held_reap(h);
	close_fd(&h->pidfd);
}

static void into_cgroup_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	struct held h;
	int err = c->cgroup_fd;

	if (err >= 0)
		err = held_start(CLONE_INTO_CGROUP, c->cgroup_fd, &h);
	if (err < 0) {
		probe_errno(ret, NULL, "clone3 with CLONE_INTO_CGROUP", err);
		return;
	}
	held_end(&h);
	probe_ok(ret, "clone3 with CLONE_INTO_CGROUP and CLONE_PIDFD");
}

static void pidfd_info_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	struct pidfd_info_v0 info = {.mask = PIDFD_INFO_EXIT_BIT};
	static const char bpf[] = "the exit record that BPF keeps";
	struct held h;
	int err = held_start(0, -1, &h);

	(void)c;
	if (err) {
		probe_errno(ret, bpf, "clone3 with CLONE_PIDFD", err);
		return;
	}
	held_reap(&h);
	if (ioctl(h.pidfd, PIDFD_INFO_GET, &info) < 0)
		probe_errno(ret, bpf, "ioctl(PIDFD_GET_INFO)", -errno);
	else if (!(info.mask & PIDFD_INFO_EXIT_BIT) || info.exit_code != HELD_STATUS << 8)
		probe_no(ret, bpf, "PIDFD_GET_INFO does not tell exit codes");
	else
		probe_ok(ret, "exit codes also of tasks that this agent did not start");
	close_fd(&h.pidfd);
}

static void userns_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	static const char file[] = "/proc/sys/user/max_user_namespaces";
	char line[32];
	struct held h;
	int err = held_start(CLONE_NEWUSER, -1, &h);

	(void)c;
	if (err) {
		probe_errno(ret, "userns=false in the task", "clone3 with CLONE_NEWUSER", err);
		return;
	}
	held_end(&h);
	probe_ok(ret, "at most %s (%s)", probe_line(file, line, sizeof(line)), file);
}

static int map_write(pid_t pid, const char *file)
{
	char path[64], text[64];
	int n = snprintf(text, sizeof(text), "0 %u %u", MAPPED_BASE, MAPPED_NR);

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file); /* fits */
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, (size_t)n) < 0 ? -errno : 0;
}

/* Return: descriptor of the user namespace of @pid, now with a map; or -errno */
static int mapped_userns(pid_t pid)
{
	char path[64];
	int fd, err = map_write(pid, "uid_map");

	if (!err)
		err = map_write(pid, "gid_map");
	if (err)
		return err;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid); /* fits */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void idmap_userns(const char *dir, int userns_fd, struct iso_probe *ret)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns_fd};
	cleanup_close int fd = open_tree(AT_FDCWD, dir, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		probe_errno(ret, "userns=false in the task", "open_tree of the state directory",
			    -errno);
	else if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		probe_errno(ret, "userns=false in the task", "the state directory's file system",
			    -errno);
	else
		probe_ok(ret, "on the state directory's file system");
}

static void idmap_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	struct held h;
	int err = held_start(CLONE_NEWUSER, -1, &h);

	if (err) {
		probe_errno(ret, "userns=false in the task", "clone3 with CLONE_NEWUSER", err);
		return;
	}
	cleanup_close int fd = mapped_userns(h.pid);

	if (fd < 0)
		probe_errno(ret, "userns=false in the task", "id maps of a user namespace", fd);
	else
		idmap_userns(c->host->state_dir ?: "/", fd, ret);
	held_end(&h);
}

const struct probe_row probes_process[] = {
	{"birth in a cgroup", into_cgroup_run},
	{"exit codes by pidfd", pidfd_info_run},
	{"user namespaces", userns_run},
	{"id-mapped mounts", idmap_run},
	{NULL, NULL},
};
