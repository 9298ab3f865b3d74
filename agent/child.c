// SPDX-License-Identifier: Apache-2.0
/*
 * The child from clone3 to execve. It is a copy of a program with one thread, and calls only what
 * is async-signal-safe; it allocates nothing. Before it meets anything of the container it has let
 * go of every descriptor of the agent and cannot be traced (CVE-2016-9962, CVE-2024-21626).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/launch.h"
#include "agent/lib/weaken.h"

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define FD_SYNC	     3 /* where the socket is kept */
#define FD_JOIN	     4 /* and the process whose namespaces are joined; all above is closed */
#define FD_HIGH	     16 /* out of the way of these */
#define SIGNALS	     64 /* _NSIG of the kernel */
#define BUILD_UMASK  0022 /* while mount points are made */

static void copy_cut(char *to, size_t size, const char *from)
{
	size_t i = 0;

	for (; from && from[i] && i + 1 < size; i++)
		to[i] = from[i];
	to[i] = '\0';
}

static void __attribute__((noreturn))
fail(const struct launch_child *c, int row, int err, const char *step, const char *value)
{
	copy_cut(c->page->step, sizeof(c->page->step), step);
	copy_cut(c->page->value, sizeof(c->page->value), value);
	c->page->row = row;
	c->page->err = err;
	_exit(LAUNCH_CHILD_EXIT);
}

/* Wait for the parent's next word; take the descriptors that come with it. */
static void hear(struct launch_child *c)
{
	char word, space[CMSG_SPACE(sizeof(int) * ISO_HANDED_MAX)];
	struct iovec iov = {&word, 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space),
	};
	ssize_t n;

	do
		n = recvmsg(c->sync, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(LAUNCH_CHILD_EXIT); /* the parent is dead: nobody would know of us */
	if (msg.msg_flags & MSG_CTRUNC)
		fail(c, -1, -EMFILE, "descriptors from the agent", NULL);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&msg); h; h = CMSG_NXTHDR(&msg, h))
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
			memcpy(c->iso->handed, CMSG_DATA(h), h->cmsg_len - CMSG_LEN(0));
}

/*
 * By bare system calls: the C library keeps two signals for itself and leaves them as they were,
 * and make(1), for one, has them ignored.
 */
static void reset_signals(const struct launch_child *c)
{
	static const struct {
		void *handler; /* SIG_DFL */
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} dfl; /* as the kernel has it: rt_sigaction(2) */
	static const uint64_t none;

	for (int i = 1; i <= SIGNALS; i++)
		(void)syscall(SYS_rt_sigaction, i, &dfl, NULL,
			      sizeof(none)); /* not of SIGKILL, SIGSTOP */
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none)))
		fail(c, -1, -errno, "sigprocmask", NULL);
}

/* @fd, or without one /dev/null, at a number that nothing else wants */
static int move_high(const struct launch_child *c, int fd)
{
	int high = fd < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : fd;

	high = high < 0 ? -1 : fcntl(high, F_DUPFD_CLOEXEC, FD_HIGH);
	if (high < 0)
		fail(c, -1, -errno, fd < 0 ? "/dev/null" : "standard streams", NULL);
	return high;
}

/* Standard streams, the socket and a pidfd stay, every other descriptor of the agent goes. */
static void keep_fds(struct launch_child *c)
{
	int want[] = {c->stdio.in, c->stdio.out, c->stdio.err, c->sync, c->join_pidfd};
	int nr = c->join_pidfd >= 0 ? FD_JOIN + 1 : FD_SYNC + 1;

	for (int i = 0; i < nr; i++)
		want[i] = move_high(c, want[i]);
	for (int i = 0; i < nr; i++)
		if (i < FD_SYNC ? dup2(want[i], i) < 0 : dup3(want[i], i, O_CLOEXEC) < 0)
			fail(c, -1, -errno, "standard streams", NULL);
	c->sync = FD_SYNC;
	if (!weakened("fds") && syscall(SYS_close_range, nr, ~0U, 0))
		fail(c, -1, -errno, "close_range", NULL);
}

/* Open the null device as the lowest number that is free. Return: 0 or -errno */
static int open_null(int want)
{
	/* never waits, whatever it is */
	int fd = open("/dev/null", O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fd != want || fstat(fd, &st))
		return -EBADF;
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return -ENODEV;
	return fcntl(fd, F_SETFL, 0) || fcntl(fd, F_SETFD, 0) ? -errno : 0;
}

/*
 * Streams that nobody gave were opened in the host's /dev, where root without a user namespace
 * could change the mode of what it has a descriptor of. The container's node is on a read-only
 * mount. No further descriptor is needed, for there may be a limit of them.
 */
static void own_null(const struct launch_child *c)
{
	const int given[] = {c->stdio.in, c->stdio.out, c->stdio.err};

	for (int i = 0; i < FD_SYNC; i++) {
		int err;

		if (given[i] >= 0)
			continue;
		(void)close(i); /* nothing was written */
		err = open_null(i);
		if (err)
			fail(c, -1, err, "standard streams: /dev/null", NULL);
	}
}

static void own_session(const struct launch_child *c)
{
	if (!weakened("session") && setsid() < 0)
		fail(c, -1, -errno, "setsid", NULL);
	/* a kernel without keyrings has none to leave */
	if (!weakened("keyring") && syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 &&
	    errno != ENOSYS)
		fail(c, -1, -errno, "session keyring", NULL);
	(void)umask(BUILD_UMASK); /* cannot fail */
}

/* Become a member of the container: its namespaces, and root of its user namespace. */
static void join(const struct launch_child *c)
{
	if (setns(FD_JOIN, (int)c->join_flags))
		fail(c, -1, -errno, "joining the namespaces", NULL);
	(void)close(FD_JOIN); /* nothing was written */
	if (!(c->join_flags & CLONE_NEWUSER))
		return;
	if (syscall(SYS_setgroups, 0, NULL) || syscall(SYS_setresgid, 0, 0, 0) ||
	    syscall(SYS_setresuid, 0, 0, 0))
		fail(c, -1, -errno, "becoming root of the user namespace", NULL);
}

static void enter(struct launch_child *c, bool late)
{
	for (int i = 0; iso_table[i]; i++) {
		int err;

		if (!iso_table[i]->enter || iso_table[i]->late != late)
			continue;
		if (c->join_pidfd >= 0 && !iso_table[i]->every)
			continue;
		c->page->row = i;
		c->iso->step = "enter";
		c->iso->step_value = NULL;
		err = iso_table[i]->enter(c->iso);
		if (err)
			fail(c, i, err, c->iso->step, c->iso->step_value);
	}
	c->page->row = -1;
}

/* A directory that is outside of the root has no path: getcwd(2). */
static void change_dir(const struct launch_child *c, char *buf, size_t size)
{
	if (chdir(c->process->cwd))
		fail(c, -1, -errno, "cwd", c->process->cwd);
	if (weakened("cwd"))
		return;
	if (syscall(SYS_getcwd, buf, size) < 0)
		fail(c, -1, -errno, "cwd", c->process->cwd);
	if (buf[0] != '/')
		fail(c, -1, -EXDEV, "cwd", c->process->cwd);
}

static const char *path_of(char *const *env)
{
	for (; env && *env; env++)
		if (!strncmp(*env, "PATH=", 5))
			return *env + 5;
	return PATH_DEFAULT;
}

/* The next directory of PATH with the program's name behind it. Return: false: does not fit */
static bool path_next(const char **path, const char *name, char *buf, size_t size)
{
	size_t dir = strcspn(*path, ":"), len = strlen(name);
	const char *from = *path;

	*path += dir + ((*path)[dir] == ':');
	if (dir + len + 3 > size)
		return false;
	if (!dir) { /* an empty one is the current directory */
		from = ".";
		dir = 1;
	}
	memcpy(buf, from, dir);
	buf[dir] = '/';
	memcpy(buf + dir + 1, name, len + 1);
	return true;
}

static int check_program(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES; /* as execve(2) says */
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) ? -errno : 0;
}

/* Found before the filter is on, with one execve left to make then. */
static const char *find_program(const struct launch_child *c, char *buf, size_t size)
{
	const char *name = c->process->args[0], *path = path_of(c->process->env);
	int first = -ENOENT, err;

	if (strchr(name, '/') || !*name) {
		err = check_program(name);
		if (err)
			fail(c, -1, err, "exec", name);
		return name;
	}
	while (*path) {
		if (!path_next(&path, name, buf, size))
			continue;
		err = check_program(buf);
		if (!err)
			return buf;
		if (err == -EACCES)
			first = err;
	}
	fail(c, -1, first, "exec", name);
}

static void wait_for_start(struct launch_child *c)
{
	char word = 1;

	/* what the rows were handed */
	if (!weakened("fds") && syscall(SYS_close_range, FD_SYNC + 1, ~0U, 0))
		fail(c, -1, -errno, "close_range", NULL);
	c->page->stage = LAUNCH_WAITS;
	if (send(c->sync, &word, sizeof(word), MSG_NOSIGNAL) != sizeof(word))
		_exit(LAUNCH_CHILD_EXIT); /* the parent is dead */
	hear(c);
}

void child_main(struct launch_child *c)
{
	char path[PATH_MAX];
	const char *program;
	int err;

	reset_signals(c);
	keep_fds(c);
	/* mm and /proc entries are root's until execve */
	if (!weakened("dumpable") && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		fail(c, -1, -errno, "PR_SET_DUMPABLE", NULL);
	own_session(c);
	hear(c); /* the parent has written our id maps and made our mounts */
	if (c->join_pidfd >= 0)
		join(c);
	enter(c, false);
	own_null(c);
	(void)umask(c->process->umask); /* cannot fail */
	change_dir(c, path, sizeof(path));
	program = find_program(c, path, sizeof(path));
	wait_for_start(c);
	enter(c, true);
	c->page->stage = LAUNCH_EXECS;
	(void)execve(program, c->process->args, c->process->env); /* returns only to fail */
	err = -errno;
	fail(c, -1, err, err == -ENOENT ? "exec: interpreter of" : "exec", program);
}
