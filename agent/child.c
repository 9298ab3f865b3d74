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
#include "agent/lib/fdpass.h"
#include "agent/lib/weaken.h"
#include "isolators/oci.h"

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define STREAMS	     3 /* standard ones; above them what the program is given, then keep[] */
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

/* Wait for the next word; take the descriptors that come with it. Return: false: hung up */
static bool hear_word(struct launch_child *c)
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
		n = recvmsg(c->keep[KEEP_SYNC], &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		return false;
	if (msg.msg_flags & MSG_CTRUNC)
		fail(c, -1, -EMFILE, "descriptors from the agent", NULL);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&msg); h; h = CMSG_NXTHDR(&msg, h))
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
			memcpy(c->iso->handed, CMSG_DATA(h), h->cmsg_len - CMSG_LEN(0));
	return true;
}

static void hear(struct launch_child *c)
{
	if (!hear_word(c))
		_exit(LAUNCH_CHILD_EXIT); /* the parent is dead: nobody would know of us */
}

static void say(const struct launch_child *c)
{
	char word = 1;

	if (send(c->keep[KEEP_SYNC], &word, sizeof(word), MSG_NOSIGNAL) != sizeof(word))
		_exit(LAUNCH_CHILD_EXIT); /* the parent is dead */
}

/* For rows: the parent does something when it hears this, and we go on when we hear it. */
static int meet(struct isolation *iso)
{
	struct launch_child *c = iso->child;

	say(c);
	hear(c);
	return 0;
}

/* The first number above what the program gets. */
static int keep_from(const struct launch_child *c)
{
	const struct ct_oci *oci = c->iso->spec->oci;

	return STREAMS + (oci ? oci->process.preserve_fds : 0);
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

	high = high < 0 ? -1 : fcntl(high, F_DUPFD_CLOEXEC, keep_from(c) + KEEP_NR);
	if (high < 0)
		fail(c, -1, -errno, fd < 0 ? "/dev/null" : "standard streams", NULL);
	return high;
}

/* What the program is to get beside the streams; dcosrun --preserve-fds. */
static void preserve_fds(const struct launch_child *c)
{
	for (int fd = STREAMS; fd < keep_from(c); fd++)
		if (fcntl(fd, F_SETFD, 0))
			fail(c, -1, -errno, "--preserve-fds", NULL);
}

static void close_above(const struct launch_child *c, int fd)
{
	if (!weakened("fds") && syscall(SYS_close_range, fd, ~0U, 0))
		fail(c, -1, -errno, "close_range", NULL);
}

/* Streams and what is to be kept stay, every other descriptor of the agent goes. */
static void keep_fds(struct launch_child *c)
{
	int want[] = {c->stdio.in, c->stdio.out, c->stdio.err}, from = keep_from(c);

	for (int i = 0; i < STREAMS; i++)
		want[i] = move_high(c, want[i]);
	for (int i = 0; i < KEEP_NR; i++)
		if (c->keep[i] >= 0)
			c->keep[i] = move_high(c, c->keep[i]);
	for (int i = 0; i < STREAMS; i++)
		if (dup2(want[i], i) < 0)
			fail(c, -1, -errno, "standard streams", NULL);
	preserve_fds(c);
	for (int i = 0; i < KEEP_NR; i++) {
		if (c->keep[i] < 0) {
			(void)close(from + i); /* whatever it was */
			continue;
		}
		if (dup3(c->keep[i], from + i, O_CLOEXEC) < 0)
			fail(c, -1, -errno, "descriptors to be kept", NULL);
		c->keep[i] = from + i;
	}
	close_above(c, from + KEEP_NR);
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

	for (int i = 0; i < STREAMS; i++) {
		int err;

		if (given[i] >= 0 || (c->iso->spec->oci && c->iso->spec->oci->process.terminal))
			continue;
		(void)close(i); /* nothing was written */
		err = open_null(i);
		if (err)
			fail(c, -1, err, "standard streams: /dev/null", NULL);
	}
}

/* mm and /proc entries are root's until execve */
static void hide(const struct launch_child *c)
{
	if (!weakened("dumpable") && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		fail(c, -1, -errno, "PR_SET_DUMPABLE", NULL);
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
	const struct ct_oci *oci = c->iso->spec->oci;

	if (c->join_flags && setns(c->keep[KEEP_JOIN], (int)c->join_flags))
		fail(c, -1, -errno, "joining the namespaces", NULL);
	(void)close(c->keep[KEEP_JOIN]); /* nothing was written */
	if (!((c->join_flags | c->born_flags) & CLONE_NEWUSER))
		return;
	if ((!(oci && oci->keep_groups) && syscall(SYS_setgroups, 0, NULL)) ||
	    syscall(SYS_setresgid, 0, 0, 0) || syscall(SYS_setresuid, 0, 0, 0))
		fail(c, -1, -errno, "becoming root of the user namespace", NULL);
}

static void enter(struct launch_child *c, bool late)
{
	for (int i = 0; iso_table[i]; i++) {
		int err;

		if (!iso_table[i]->enter || iso_table[i]->late != late)
			continue;
		if (c->keep[KEEP_JOIN] >= 0 && !iso_table[i]->every)
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
	if (chdir(c->process->cwd) && !(errno == EACCES && c->iso->early_cwd))
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

/* Who starts us may look at the page. Return: false: it has gone again */
static bool give_page(struct launch_child *c, int conn)
{
	char word = 1;

	if (dup3(conn, c->keep[KEEP_SYNC], O_CLOEXEC) < 0)
		return false;
	return !fd_send(c->keep[KEEP_SYNC], &word, sizeof(word), c->keep[KEEP_PAGE]) &&
	       hear_word(c);
}

/* The process that built us has gone; another one connects, sooner or later. */
static void wait_for_other(struct launch_child *c)
{
	bool heard = false;

	while (!heard) {
		int conn = accept4(c->keep[KEEP_START], NULL, NULL, SOCK_CLOEXEC);

		if (conn < 0 && errno != EINTR && errno != ECONNABORTED)
			_exit(LAUNCH_CHILD_EXIT); /* nobody could start us */
		if (conn < 0)
			continue;
		heard = give_page(c, conn);
		(void)close(conn); /* it has another number now */
	}
	(void)close(c->keep[KEEP_START]); /* a second start meets nobody */
}

static void wait_for_start(struct launch_child *c)
{
	/* what the rows were handed, which may have got the numbers of what is not kept */
	for (int i = 0; i < KEEP_NR && !weakened("fds"); i++)
		if (c->keep[i] < 0)
			(void)close(keep_from(c) + i);
	close_above(c, keep_from(c) + KEEP_NR);
	c->iso->pid = c->page->pid;
	c->page->stage = LAUNCH_WAITS;
	say(c);
	if (c->keep[KEEP_START] >= 0)
		wait_for_other(c);
	else
		hear(c);
}

void child_main(struct launch_child *c)
{
	char path[PATH_MAX];
	const struct ct_oci *oci = c->iso->spec->oci;
	bool unprivileged = oci && oci->unprivileged;
	const char *program = "";
	int err;

	c->iso->child = c;
	c->iso->meet = meet;
	c->iso->joined = c->keep[KEEP_JOIN] >= 0;
	reset_signals(c);
	keep_fds(c);
	c->iso->notify_fd = c->keep[KEEP_NOTIFY];
	if (!unprivileged)
		hide(c);
	own_session(c);
	hear(c); /* the parent has written our id maps and made our mounts */
	if (unprivileged)
		hide(c); /* not before: the maps would not have been our parent's to write */
	if (c->keep[KEEP_JOIN] >= 0)
		join(c);
	enter(c, false);
	own_null(c);
	(void)umask(c->process->umask); /* cannot fail */
	change_dir(c, path, sizeof(path));
	if (!oci || !oci->process.none)
		program = find_program(c, path, sizeof(path));
	wait_for_start(c);
	enter(c, true);
	c->page->stage = LAUNCH_EXECS;
	(void)execve(program, c->process->args, c->process->env); /* returns only to fail */
	err = -errno;
	fail(c, -1, err, err == -ENOENT ? "exec: interpreter of" : "exec", program);
}
