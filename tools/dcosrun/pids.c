// SPDX-License-Identifier: Apache-2.0
/* The processes of a container. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "cgroupfs/cgroupfs.h"
#include "tools/dcosrun/rt.h"

#define PIDS_MAX   65536 /* of one cgroup */
#define NESTED_MAX 32 /* MAX_PID_NS_LEVEL of the kernel */

struct visitor {
	void (*f)(pid_t pid, void *ctx);
	void *ctx;
};

static int visit_cgroup(int dirfd, void *ctx)
{
	static pid_t pids[PIDS_MAX];
	const struct visitor *v = ctx;
	int nr = cg_procs(dirfd, pids, PIDS_MAX);

	for (int i = 0; i < nr && i < PIDS_MAX; i++)
		v->f(pids[i], v->ctx);
	return nr < 0 ? nr : 0;
}

static int open_namespace(const char *pid, struct stat *ret)
{
	char path[32];
	int fd;

	if (snprintf(path, sizeof(path), "/proc/%s/ns/pid", pid) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, ret))
		return fd;
	(void)close(fd); /* nothing was written */
	return -EIO;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* In that namespace, or in one that was made inside it: ioctl_nsfs(2). */
static bool is_inside(const char *pid, const struct stat *ns)
{
	struct stat st;
	cleanup_close int fd = open_namespace(pid, &st);

	for (int i = 0; fd >= 0 && i < NESTED_MAX; i++) {
		int above;

		if (is_same(&st, ns))
			return true;
		above = ioctl(fd, NS_GET_PARENT);
		close_fd(&fd);
		fd = above;
		if (fd >= 0 && fstat(fd, &st))
			return false;
	}
	return false;
}

static int visit_namespace(const struct stat *ns, const struct visitor *v)
{
	cleanup_closedir DIR *d = opendir("/proc");

	if (!d)
		return -errno;
	for (struct dirent *e; (e = readdir(d));) {
		uint64_t pid;

		if (!parse_u64(e->d_name, 1, INT32_MAX, &pid) && is_inside(e->d_name, ns))
			v->f((pid_t)pid, v->ctx);
	}
	return 0;
}

int rt_box_pids(struct rt *rt, const struct rt_box *b, void (*f)(pid_t pid, void *ctx), void *ctx)
{
	struct visitor v = {f, ctx};
	struct stat ours, theirs;
	cleanup_close int own = -1, fd = -1;
	char pid[16];
	int err;

	if (b->cgroup_fd >= 0) {
		err = cg_walk(b->cgroup_fd, visit_cgroup, &v);
		return err ? why_set(&rt->why, err, "container %s: its cgroup", b->id) : 0;
	}
	if (!b->state || b->cgroup)
		return rt_box_cgroup(rt, b);
	err = rt_box_living(rt, b);
	if (err)
		return err;
	(void)snprintf(pid, sizeof(pid), "%d", (int)b->pid); /* fits */
	own = open_namespace("self", &ours);
	fd = own < 0 ? own : open_namespace(pid, &theirs);
	if (fd < 0)
		return why_set(&rt->why, fd, "container %s: its pid namespace", b->id);
	if (is_same(&ours, &theirs))
		return why_set(&rt->why, -EINVAL,
			       "container %s has neither a cgroup nor a pid namespace of its own, "
			       "by which its processes could be known",
			       b->id);
	err = visit_namespace(&theirs, &v);
	return err ? why_set(&rt->why, err, "container %s: its pid namespace", b->id) : 0;
}
