// SPDX-License-Identifier: Apache-2.0
/*
 * What happens to a cgroup with all below it: walk, freeze, kill, wait, remove. Deeper than
 * CG_DEPTH_MAX is refused, so that the stack and the descriptors stay bounded.
 */
#include "cgroupfs/cgroupfs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"

#define RETRY_MS 2 /* between two tries of a removal that nothing announces */

static uint64_t now_ms(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t) < 0)
		abort(); /* the clock exists on every kernel */
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int ms_until(uint64_t deadline)
{
	uint64_t now = now_ms();

	return now >= deadline ? 0 : (int)(deadline - now);
}

/* Calls @fn with the name of each cgroup right below; names that vanish are fn's matter. */
static int each_child(int dirfd, int (*fn)(int dirfd, const char *name, void *ctx), void *ctx)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return errno == ENODEV || errno == ENOENT ? 0 : -errno;
	cleanup_closedir DIR *dir = fdopendir(fd);

	if (!dir) {
		err = -errno;
		close_fd(&fd);
		return err;
	}
	while (!err) {
		struct dirent *e;
		struct stat st;

		errno = 0;
		e = readdir(dir);
		if (!e)
			return -errno;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (e->d_type == DT_UNKNOWN &&
		    fstatat(dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
			e->d_type = DT_DIR;
		if (e->d_type == DT_DIR)
			err = fn(dirfd, e->d_name, ctx);
	}
	return err;
}

struct walk {
	int (*fn)(int dirfd, void *ctx);
	void *ctx;
	int depth;
};

static int walk_from(int dirfd, struct walk *w);

static int walk_child(int dirfd, const char *name, void *ctx)
{
	struct walk *w = ctx;
	cleanup_close int fd = cg_open(dirfd, name, false);
	int err;

	if (fd < 0)
		return fd == -ENOENT || fd == -ENODEV ? 0 : fd;
	if (w->depth >= CG_DEPTH_MAX)
		return -ELOOP;
	w->depth++;
	err = walk_from(fd, w);
	w->depth--;
	return err;
}

static int walk_from(int dirfd, struct walk *w)
{
	int err = w->fn(dirfd, w->ctx);

	return err ? err : each_child(dirfd, walk_child, w);
}

int cg_walk(int dirfd, int (*fn)(int dirfd, void *ctx), void *ctx)
{
	struct walk w = {.fn = fn, .ctx = ctx};

	return walk_from(dirfd, &w);
}

int cg_populated(int dirfd, bool *ret)
{
	static const char *const keys[] = {"populated", NULL};
	uint64_t populated;
	int n = cg_read_keys(dirfd, "cgroup.events", keys, &populated);

	if (n < 0)
		return n;
	if (n == 0)
		return -EINVAL;
	*ret = populated != 0;
	return 0;
}

/* Sleeps until @key of cgroup.events reads @want. Return: 0, -EBUSY too late, -errno */
static int event_wait(int dirfd, const char *key, uint64_t want, uint64_t deadline)
{
	const char *const keys[] = {key, NULL};
	cleanup_close int fd = openat(dirfd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	struct pollfd p = {.events = POLLPRI};
	uint64_t value;

	if (fd < 0)
		return -errno;
	p.fd = fd;
	for (;;) {
		char armed[1];
		int n;

		/* a read of the polled descriptor itself makes it wait for the next change */
		if (pread(fd, armed, sizeof(armed), 0) < 0)
			return -errno;
		n = cg_read_keys(dirfd, "cgroup.events", keys, &value);
		if (n < 0)
			return n;
		if (n == 0)
			return -EINVAL;
		if (value == want)
			return 0;
		n = poll(&p, 1, ms_until(deadline));
		if (n == 0)
			return -EBUSY;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

int cg_wait_empty(int dirfd, int timeout_ms)
{
	int err = event_wait(dirfd, "populated", 0, now_ms() + (uint64_t)timeout_ms);

	return err == -ENODEV || err == -ENOENT ? 0 : err;
}

int cg_freeze(int dirfd, bool frozen)
{
	return cg_write(dirfd, "cgroup.freeze", frozen ? "1" : "0");
}

static int kill_own(int dirfd, void *ctx)
{
	cleanup_free pid_t *pids = calloc(CG_KILL_MAX, sizeof(*pids));
	int n;

	(void)ctx;
	if (!pids)
		return -ENOMEM;
	n = cg_procs(dirfd, pids, CG_KILL_MAX);
	if (n == -EOPNOTSUPP || n == -ENODEV)
		return 0; /* threaded: its processes are listed above; or gone */
	for (int i = 0; i < n && i < CG_KILL_MAX; i++)
		if (kill(pids[i], SIGKILL) < 0 && errno != ESRCH)
			return -errno;
	return n < 0 ? n : 0;
}

/* Frozen processes can't fork: one pass finds all of them. */
static int kill_each(int dirfd)
{
	int err = cg_freeze(dirfd, true), thawed;

	if (err)
		return err;
	(void)event_wait(dirfd, "frozen", 1,
			 now_ms() + CG_FREEZE_MS); /* too late: try all the same */
	err = cg_walk(dirfd, kill_own, NULL);
	thawed = cg_freeze(dirfd, false);
	return err ? err : thawed;
}

int cg_kill(int dirfd)
{
	int err = cg_write(dirfd, "cgroup.kill", "1");

	return err == -ENOENT && faccessat(dirfd, ".", F_OK, 0) == 0 ? kill_each(dirfd) : err;
}

struct removal {
	uint64_t deadline;
	int depth;
};

/* After a rmdir(2) that was refused: what to wait for before the next. */
static int removal_wait(int dirfd, uint64_t deadline)
{
	int err = event_wait(dirfd, "populated", 0, deadline);

	if (err == -ENODEV)
		return 0;
	if (err)
		return err;
	if (!ms_until(deadline))
		return -EBUSY;
	/* empty, yet busy: a cgroup that was made below meanwhile, or its end not yet settled */
	(void)poll(NULL, 0, RETRY_MS); /* woken early is as good */
	return 0;
}

static int remove_child(int dirfd, const char *name, void *ctx)
{
	struct removal *r = ctx;
	cleanup_close int fd = cg_open(dirfd, name, false);

	if (fd < 0)
		return fd == -ENOENT || fd == -ENODEV ? 0 : fd;
	if (r->depth > CG_DEPTH_MAX)
		return -ELOOP;
	for (;;) {
		int err;

		r->depth++;
		err = each_child(fd, remove_child, r);
		r->depth--;
		if (err)
			return err;
		if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			return -errno;
		err = removal_wait(fd, r->deadline);
		if (err)
			return err;
	}
}

int cg_remove(int dirfd, const char *name)
{
	struct removal r = {.deadline = now_ms() + CG_REMOVE_MS};

	if (!name[0] || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	return remove_child(dirfd, name, &r);
}
