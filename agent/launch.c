// SPDX-License-Identifier: Apache-2.0
/* The parent's side of a launch: one clone3, then words over a socket pair, all with a deadline. */
#include "agent/launch.h"

#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"

int launch_clone(uint64_t flags, struct launch_child *child, pid_t *ret_pid, int *ret_pidfd,
		 int *ret_sync)
{
	int pidfd = -1, pair[2];
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD | CLONE_INTO_CGROUP,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)child->iso->cgroup_fd,
	};
	long pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	child->sync = pair[1];
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (!pid) {
		(void)close(pair[0]); /* or the child would not see the parent die */
		child_main(child);
	}
	if (pid < 0)
		pid = -errno;
	close_fd(&pair[1]);
	if (pid < 0) {
		close_fd(&pair[0]);
		return (int)pid;
	}
	*ret_pid = (pid_t)pid;
	*ret_pidfd = pidfd;
	*ret_sync = pair[0];
	return 0;
}

int launch_tell(int sync, int *fds, int nr)
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
	if (sendmsg(sync, &msg, MSG_NOSIGNAL) < 0)
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

int launch_hear(int sync, struct launch_report *ret)
{
	struct pollfd p = {.fd = sync, .events = POLLIN};
	int64_t end = now_ms() + CT_LAUNCH_DEADLINE_MS, left;
	ssize_t n;

	for (;;) {
		left = end - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) > 0)
			break;
	}
	n = recv(sync, ret, sizeof(*ret), 0);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	return n == sizeof(*ret);
}

int launch_fail(struct isolation *iso, const struct launch_report *r)
{
	const char *row = r->row >= 0 ? iso_table[r->row]->name : NULL;

	return iso_fail(iso, r->err, "%s%s%s%s%s%s", row ? row : "", row ? ": " : "", r->step,
			r->value[0] ? " " : "", r->value,
			r->err == -EINVAL ? ": Invalid argument" : "");
}

void launch_reap(int pidfd)
{
	siginfo_t si;

	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0); /* it may have ended */
	while (waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED) && errno == EINTR)
		;
}
