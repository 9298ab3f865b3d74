// SPDX-License-Identifier: Apache-2.0
/*
 * Staying with a process: what we are signalled it is signalled, and if it has a terminal of its
 * own, ours is passed through, until it ends.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/fdpass.h"
#include "tools/dcosrun/rt.h"

struct attendance {
	pid_t pid;
	int pidfd, signals, master;
	bool input_ended;
	bool raw; /* our terminal was changed */
	struct termios was;
};

int rt_terminal_pair(struct rt *rt, int ret[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret))
		return why_set(&rt->why, -errno, "process.terminal");
	return 0;
}

static void copy_size(const struct attendance *a)
{
	struct winsize size;

	if (a->master >= 0 && !ioctl(STDIN_FILENO, TIOCGWINSZ, &size))
		(void)ioctl(a->master, TIOCSWINSZ, &size); /* only how it looks */
}

static void make_raw(struct attendance *a)
{
	struct termios raw;

	if (a->master < 0 || tcgetattr(STDIN_FILENO, &a->was))
		return; /* no terminal of ours: nothing to change */
	raw = a->was;
	cfmakeraw(&raw);
	a->raw = !tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	copy_size(a);
}

static void pass_signal(const struct attendance *a)
{
	struct signalfd_siginfo si;

	if (read(a->signals, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo == SIGWINCH)
		copy_size(a);
	else if (si.ssi_signo != SIGCHLD && si.ssi_signo != SIGPIPE)
		(void)syscall(SYS_pidfd_send_signal, a->pidfd, (int)si.ssi_signo, NULL,
			      0); /* it may have ended */
}

/* Return: bytes passed on; 0 that was the end */
static ssize_t copy(int from, int to)
{
	char buf[65536];
	ssize_t n = read(from, buf, sizeof(buf)), at = 0;

	while (at < n) {
		ssize_t w = write(to, buf + at, (size_t)(n - at));

		if (w < 0)
			return 0;
		at += w;
	}
	return n < 0 ? 0 : n;
}

/* What it has written is still there when it has ended. */
static void drain(const struct attendance *a)
{
	struct pollfd p = {.fd = a->master, .events = POLLIN};

	while (a->master >= 0 && poll(&p, 1, 0) > 0 && (p.revents & POLLIN))
		if (!copy(a->master, STDOUT_FILENO))
			return;
}

static void serve(struct attendance *a)
{
	bool ended = false;

	while (!ended) {
		struct pollfd p[] = {
			{.fd = a->pidfd, .events = POLLIN},
			{.fd = a->signals, .events = POLLIN},
			{.fd = a->master, .events = POLLIN},
			{.fd = a->master >= 0 && !a->input_ended ? STDIN_FILENO : -1,
			 .events = POLLIN},
		};

		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return;
		if (p[1].revents)
			pass_signal(a);
		if (p[2].revents & POLLIN && !copy(a->master, STDOUT_FILENO))
			close_fd(&a->master);
		else if (p[2].revents & POLLHUP && !(p[2].revents & POLLIN))
			close_fd(&a->master);
		if (p[3].revents && !copy(STDIN_FILENO, a->master))
			a->input_ended = true;
		ended = p[0].revents;
	}
	drain(a);
}

static int reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int rt_attend(struct rt *rt, pid_t pid, int pidfd, int console)
{
	struct attendance a = {.pid = pid, .pidfd = pidfd, .master = -1};
	sigset_t all, old;
	char name[64];
	int status;

	(void)sigfillset(&all); /* cannot fail */
	a.signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a.signals < 0)
		return why_set(&rt->why, -errno, "signalfd");
	if (console >= 0) {
		a.master = fd_receive(console, name, sizeof(name), MSG_DONTWAIT, NULL);
		if (a.master < 0) {
			close_fd(&a.signals);
			return why_set(&rt->why, a.master, "process.terminal");
		}
	}
	(void)sigprocmask(SIG_BLOCK, &all, &old); /* cannot fail with valid arguments */
	make_raw(&a);
	serve(&a);
	if (a.raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &a.was); /* it was so before */
	close_fd(&a.master);
	close_fd(&a.signals);
	(void)sigprocmask(SIG_SETMASK, &old, NULL); /* likewise */
	status = reap(pid);
	return status < 0 ? why_set(&rt->why, status, "waiting for process %d", (int)pid) : status;
}
