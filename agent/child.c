// SPDX-License-Identifier: Apache-2.0
/*
 * The child from clone3 to execve. It is a copy of a program with one thread, and calls only what
 * is async-signal-safe; it allocates nothing. A failure goes to the parent as step and errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/launch.h"

#define CHILD_EXIT   127
#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define FD_SYNC	     3 /* where the socket is kept; everything above is closed */

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
	struct launch_report r = {.word = LAUNCH_FAILED, .err = err, .row = row, .step = step};

	copy_cut(r.value, sizeof(r.value), value);
	(void)send(c->sync, &r, sizeof(r), MSG_NOSIGNAL); /* the parent may be dead */
	_exit(CHILD_EXIT);
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
		_exit(CHILD_EXIT); /* the parent is dead: nobody would know of us */
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&msg); h; h = CMSG_NXTHDR(&msg, h))
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
			memcpy(c->iso->handed, CMSG_DATA(h), h->cmsg_len - CMSG_LEN(0));
}

static void reset_signals(const struct launch_child *c)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int i = 1; i <= SIGRTMAX; i++)
		(void)sigaction(i, &dfl, NULL); /* SIGKILL, SIGSTOP and libc's own refuse */
	(void)sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL))
		fail(c, -1, -errno, "sigprocmask", NULL);
}

/* Standard streams and the socket stay, every other descriptor of the agent goes. */
static void keep_stdio(struct launch_child *c)
{
	int want[3] = {c->stdio.in, c->stdio.out, c->stdio.err};
	int high[3];

	for (int i = 0; i < 3; i++) {
		high[i] = want[i] >= 0 ? fcntl(want[i], F_DUPFD_CLOEXEC, 16)
				       : open("/dev/null", O_RDWR | O_CLOEXEC);
		if (high[i] >= 0 && high[i] < 16)
			high[i] = fcntl(high[i], F_DUPFD_CLOEXEC, 16);
		if (high[i] < 0)
			fail(c, -1, -errno, "standard streams", NULL);
	}
	int sync = fcntl(c->sync, F_DUPFD_CLOEXEC, 16);

	if (sync < 0)
		fail(c, -1, -errno, "the socket to the agent", NULL);
	c->sync = sync;
	for (int i = 0; i < 3; i++)
		if (dup2(high[i], i) < 0)
			fail(c, -1, -errno, "standard streams", NULL);
	if (dup3(sync, FD_SYNC, O_CLOEXEC) < 0)
		fail(c, -1, -errno, "the socket to the agent", NULL);
	c->sync = FD_SYNC;
	if (syscall(SYS_close_range, FD_SYNC + 1, ~0U, 0))
		fail(c, -1, -errno, "close_range", NULL);
}

static void own_session(const struct launch_child *c)
{
	if (setsid() < 0)
		fail(c, -1, -errno, "setsid", NULL);
	/* without keyrings in the kernel there is nothing to leave */
	(void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	(void)umask(c->process->umask);
}

/* Become a member of the container: its namespaces, and root of its user namespace. */
static void join(const struct launch_child *c)
{
	if (setns(c->join_pidfd, (int)c->join_flags))
		fail(c, -1, -errno, "joining the namespaces", NULL);
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
		if (c->joins && !iso_table[i]->every)
			continue;
		c->iso->step = "enter";
		c->iso->step_value = NULL;
		err = iso_table[i]->enter(c->iso);
		if (err)
			fail(c, i, err, c->iso->step, c->iso->step_value);
	}
}

static void change_dir(const struct launch_child *c)
{
	if (chdir(c->process->cwd))
		fail(c, -1, -errno, "cwd", c->process->cwd);
}

static const char *path_of(char *const *env)
{
	for (; env && *env; env++)
		if (!strncmp(*env, "PATH=", 5))
			return *env + 5;
	return PATH_DEFAULT;
}

/* The next directory of PATH with the program's name behind it. Return: 0 when it does not fit. */
static int path_next(const char **path, const char *name, char *buf, size_t size)
{
	size_t dir = strcspn(*path, ":"), len = strlen(name);
	const char *from = *path;

	*path += dir + ((*path)[dir] == ':');
	if (dir + len + 3 > size)
		return 0;
	if (!dir)
		from = ".", dir = 1;
	memcpy(buf, from, dir);
	buf[dir] = '/';
	memcpy(buf + dir + 1, name, len + 1);
	return 1;
}

/* Find the program before the filter is on, so that what is missing can still be said. */
static const char *find_program(const struct launch_child *c, char *buf, size_t size)
{
	const char *name = c->process->args[0], *path = path_of(c->process->env);
	int err = -ENOENT;

	if (strchr(name, '/')) {
		if (faccessat(AT_FDCWD, name, X_OK, AT_EACCESS))
			fail(c, -1, -errno, "exec", name);
		return name;
	}
	while (*path) {
		struct stat st;

		if (!path_next(&path, name, buf, size))
			continue;
		if (!stat(buf, &st) && S_ISREG(st.st_mode) &&
		    !faccessat(AT_FDCWD, buf, X_OK, AT_EACCESS))
			return buf;
		if (errno == EACCES)
			err = -EACCES;
	}
	fail(c, -1, err, "exec", name);
}

void child_main(struct launch_child *c)
{
	static const struct launch_report ready = {.word = LAUNCH_READY};
	char path[4096];
	const char *program;

	hear(c); /* the parent has written our id maps and made our mounts */
	reset_signals(c);
	own_session(c);
	if (c->joins)
		join(c);
	enter(c, false);
	keep_stdio(c);
	change_dir(c);
	program = find_program(c, path, sizeof(path));
	if (send(c->sync, &ready, sizeof(ready), MSG_NOSIGNAL) != sizeof(ready))
		_exit(CHILD_EXIT);
	hear(c); /* start */
	enter(c, true);
	execve(program, c->process->args, c->process->env);
	fail(c, -1, -errno, "exec", program);
}
