// SPDX-License-Identifier: Apache-2.0
/* The parent's side of a launch: one clone3, then words over a socket pair, all with a deadline. */
#include "agent/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/fdpass.h"
#include "isolators/join.h"
#include "isolators/oci.h"

struct launch *launch_free(struct launch *l)
{
	if (!l)
		return NULL;
	close_fd(&l->sync);
	if (l->page)
		(void)munmap(l->page, sizeof(*l->page)); /* it was mapped so */
	free(l);
	return NULL;
}

/* The page; of memory that has a descriptor, @fd, or none: -1 */
static int page_map(struct launch *l, int fd)
{
	void *page = mmap(NULL, sizeof(*l->page), PROT_READ | PROT_WRITE,
			  MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);

	if (page == MAP_FAILED)
		return -errno;
	l->page = page;
	return 0;
}

/* One that is started by another process needs a page that can be handed to it. */
static int page_make(struct launch *l, int *keep)
{
	if (keep[KEEP_START] >= 0) {
		keep[KEEP_PAGE] = memfd_create("dcos-launch", MFD_CLOEXEC);
		if (keep[KEEP_PAGE] < 0 || ftruncate(keep[KEEP_PAGE], sizeof(*l->page)))
			return -errno;
	}
	return page_map(l, keep[KEEP_PAGE]);
}

static int launch_new(struct launch **ret, int *keep)
{
	struct launch *l = calloc(1, sizeof(*l));
	int pair[2], err;

	if (!l)
		return -ENOMEM;
	l->sync = -1;
	l->deadline_ms = CT_LAUNCH_DEADLINE_MS;
	err = page_make(l, keep);
	if (!err && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		err = -errno;
	if (err) {
		(void)launch_free(l); /* always NULL */
		close_fd(&keep[KEEP_PAGE]);
		return err;
	}
	l->page->row = -1;
	l->sync = pair[0];
	*ret = l;
	keep[KEEP_SYNC] = pair[1];
	return 0;
}

int launch_from(int sync, struct launch **ret)
{
	struct launch *l = calloc(1, sizeof(*l));
	cleanup_close int page = -1;
	char word;
	int err;

	if (!l) {
		close_fd(&sync);
		return -ENOMEM;
	}
	l->sync = sync;
	l->deadline_ms = -1;
	page = fd_receive(sync, &word, sizeof(word), 0, NULL); /* its first word to us */
	err = page < 0 ? -ECHILD : page_map(l, page);
	if (err) {
		(void)launch_free(l); /* always NULL */
		return err;
	}
	*ret = l;
	return 0;
}

/* Signals wait meanwhile, so that no handler of the agent runs in the child. */
static long clone_blocked(struct clone_args *args, struct launch_child *child)
{
	sigset_t all, old;
	long pid;

	(void)sigfillset(&all); /* cannot fail */
	(void)sigprocmask(SIG_BLOCK, &all, &old); /* cannot fail with valid arguments */
	pid = syscall(SYS_clone3, args, sizeof(*args));
	if (!pid)
		child_main(child);
	if (pid < 0)
		pid = -errno;
	(void)sigprocmask(SIG_SETMASK, &old, NULL); /* likewise */
	return pid;
}

static bool is_one_way(const struct launch_child *child)
{
	const struct ct_spec *spec = child->iso->spec;

	return spec->oci && spec->oci->one_way && child->keep[KEEP_JOIN] < 0 &&
	       (spec->oci->joins_nr || spec->namespaces & CLONE_NEWTIME);
}

/* In the process between: namespaces that exist, where we could not come back from them. */
static void join_others(const struct launch_child *child)
{
	struct ns_own own = {{0}};
	int err = is_one_way(child) ? ns_join(child->iso, &own) : 0;

	if (!err)
		return;
	(void)snprintf(child->page->value, sizeof(child->page->value), "%.*s",
		       (int)sizeof(child->page->value) - 1,
		       child->iso->why.text); /* cut if it is longer */
	_exit(-err);
}

/*
 * A process is told the numbers of its own pid namespace, so the one between has to be born in ours
 * even if our children are to be born elsewhere. Who joined that one leaves it in the end.
 * @ret_pids: where they were to be born, for the one between; -1: in ours
 */
static int born_here(int *ret_pids)
{
	cleanup_close int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	cleanup_close int next = open("/proc/self/ns/pid_for_children", O_RDONLY | O_CLOEXEC);
	struct stat here, there;

	if (own < 0 || next < 0 || fstat(own, &here) || fstat(next, &there))
		return -errno;
	*ret_pids = -1;
	if (here.st_ino == there.st_ino && here.st_dev == there.st_dev)
		return 0;
	if (setns(own, CLONE_NEWPID))
		return -errno;
	*ret_pids = take_fd(&next);
	return 0;
}

/*
 * Into a user namespace that exists there is only one way, and none back: a process between goes
 * there and clones for its parent, which is us.
 * @fd: of the namespace, or of a process in it
 * @ns: CLONE_NEW* of it that are joined
 */
static long clone_between(struct clone_args *args, struct launch_child *child, int fd, uint64_t ns)
{
	cleanup_close int pids = -1;
	int status = 0, err = born_here(&pids);
	pid_t between;
	long pid;

	if (err)
		return err;
	args->flags = (args->flags | CLONE_PARENT) & ~(uint64_t)CLONE_PIDFD;
	args->exit_signal = 0; /* our parent's */
	args->pidfd = 0;
	between = fork();
	if (!between) {
		if (pids >= 0 && setns(pids, CLONE_NEWPID)) /* while we may: it is not of @fd */
			_exit(errno);
		if (ns && setns(fd, (int)ns))
			_exit(errno);
		join_others(child);
		pid = clone_blocked(args, child);
		child->page->pid = (pid_t)pid;
		_exit(pid < 0 ? (int)-pid : 0);
	}
	while (between > 0 && waitpid(between, &status, 0) < 0 && errno == EINTR)
		;
	if (between < 0 || !WIFEXITED(status))
		return -EAGAIN;
	return WEXITSTATUS(status) ? -WEXITSTATUS(status) : child->page->pid;
}

/* A new container in a user namespace that exists. */
static long clone_in_user(struct clone_args *args, struct launch_child *child, const char *path)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : clone_between(args, child, fd, CLONE_NEWUSER);
}

static long clone_where(struct clone_args *args, struct launch_child *child, int *ret_pidfd)
{
	const char *user = ns_joined_user(child->iso->spec);
	long pid;

	if (child->born_flags)
		pid = clone_between(args, child, child->keep[KEEP_JOIN], child->born_flags);
	else if (user && child->keep[KEEP_JOIN] < 0)
		pid = clone_in_user(args, child, user);
	else if (is_one_way(child))
		pid = clone_between(args, child, -1, 0);
	else
		return clone_blocked(args, child);
	*ret_pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, (pid_t)pid, 0) : -1;
	return pid;
}

int launch_clone(uint64_t flags, struct launch_child *child, struct launch **ret)
{
	struct launch *l = NULL;
	int pidfd = -1;
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid = launch_new(&l, child->keep);

	if (pid < 0)
		return iso_fail(child->iso, (int)pid, "launch: socket and page");
	child->page = l->page;
	/* from another cgroup namespace nothing but what is below its root can be reached */
	if (child->iso->cgroup_fd >= 0 &&
	    (child->keep[KEEP_JOIN] >= 0 || !ns_joins_cgroup(child->iso->spec))) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)child->iso->cgroup_fd;
	}
	pid = clone_where(&args, child, &pidfd);
	close_fd(&child->keep[KEEP_SYNC]);
	close_fd(&child->keep[KEEP_PAGE]);
	if (pid < 0 && l->page->value[0] && !child->iso->why.text[0])
		(void)snprintf(child->iso->why.text, sizeof(child->iso->why.text), "%s",
			       l->page->value); /* of join_others() */
	if (pid < 0) {
		(void)launch_free(l); /* always NULL */
		return iso_fail(child->iso, (int)pid, "clone3");
	}
	l->page->pid = child->iso->pid = (pid_t)pid;
	child->iso->pidfd = pidfd;
	*ret = l;
	return 0;
}

int launch_tell(struct launch *l, int *fds, int nr)
{
	char word = 1, space[CMSG_SPACE(sizeof(int) * ISO_HANDED_MAX)] = {0};
	struct iovec iov = {&word, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	int err = 0;

	if (nr > 0) {
		struct cmsghdr *c;

		msg.msg_control = space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)nr);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)nr);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)nr);
	}
	if (sendmsg(l->sync, &msg, MSG_NOSIGNAL) < 0)
		err = -errno;
	for (int i = 0; i < nr; i++)
		close_fd(&fds[i]);
	return err;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail with this clock */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* @ms: -1 for ever. Return: 0 readable, or hung up; -ETIMEDOUT */
static int wait_readable(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t end = now_ms() + ms;

	for (int64_t left = -1; ms < 0 || (left = end - now_ms()) > 0;)
		if (poll(&p, 1, (int)left) > 0)
			return 0;
	return -ETIMEDOUT;
}

static const char *row_name(const struct launch_page *page)
{
	return page->row >= 0 ? iso_table[page->row]->name : "launch";
}

/* The child's report as one sentence. Return: its errno */
static int report(struct isolation *iso, const struct launch_page *page)
{
	return iso_fail(iso, page->err, "%s%s%s%s%s%s", page->row >= 0 ? row_name(page) : "",
			page->row >= 0 ? ": " : "", page->step, page->value[0] ? " " : "",
			page->value, page->err == -EINVAL ? ": Invalid argument" : "");
}

int launch_wait(struct launch *l, struct isolation *iso, enum launch_stage until)
{
	char word;
	ssize_t n;

	if (wait_readable(l->sync, l->deadline_ms))
		return iso_fail(iso, -ETIMEDOUT, "launch: did not finish in %d s (step %s)",
				l->deadline_ms / 1000, row_name(l->page));
	n = recv(l->sync, &word, sizeof(word), MSG_DONTWAIT);
	if (l->page->err)
		return report(iso, l->page);
	if (n > 0 && until == LAUNCH_WAITS)
		return 0;
	if (n == 0 && until == LAUNCH_EXECS && l->page->stage == LAUNCH_EXECS)
		return 0;
	return iso_fail(iso, -ECHILD, "launch: the process ended before its program ran (step %s)",
			row_name(l->page));
}

void launch_reap(int pidfd)
{
	siginfo_t si;

	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0); /* it may have ended */
	if (wait_readable(pidfd, CT_LAUNCH_DEADLINE_MS))
		return; /* stuck in the kernel: its cgroup says that it is still there */
	(void)waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | WNOHANG); /* ECHILD: reaped already */
}
