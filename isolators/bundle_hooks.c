// SPDX-License-Identifier: Apache-2.0
/*
 * Hooks that run in the container's namespaces: each is a child of the process that is going to
 * be the container's first, gets the state on its standard input, and must end well.
 * Source: runtime-spec config.md, "POSIX-platform Hooks".
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/bundle.h"

#define STATE_PID "@PID@" /* in ct_oci.state, where the number of the process goes */

static int put_text(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0)
			return -errno; /* EPIPE: it does not want to know */
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static void put_state(int fd, const char *state)
{
	const char *at = strstr(state, STATE_PID);
	char number[12], *p = number + sizeof(number);
	unsigned int v = (unsigned int)getpid();

	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	/* a hook need not read it */
	if (at) {
		(void)put_text(fd, state, (size_t)(at - state));
		(void)put_text(fd, p, (size_t)(number + sizeof(number) - p));
		state = at + strlen(STATE_PID);
	}
	(void)put_text(fd, state, strlen(state));
}

static void __attribute__((noreturn)) run(const struct oci_hook *h, const int in[2])
{
	char *alone[] = {h->path, NULL}, *none[] = {NULL};

	if (dup2(in[0], STDIN_FILENO) < 0)
		_exit(126);
	(void)execve(h->path, h->args ? h->args : alone, h->env ? h->env : none);
	_exit(127); /* the status says that it was not run */
}

/* Return: 0 it ended well; -ETIMEDOUT; -ECANCELED it did not */
static int wait_for(pid_t pid, const struct oci_hook *h)
{
	long fd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = {.fd = (int)fd, .events = POLLIN};
	int status = 0, n = 1;

	if (h->timeout_s && fd >= 0)
		do
			n = poll(&p, 1, (int)h->timeout_s * 1000);
		while (n < 0 && errno == EINTR);
	if (fd >= 0)
		(void)close((int)fd);
	if (!n)
		(void)kill(pid, SIGKILL); /* not reaped yet: it is ours */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return !n ? -ETIMEDOUT : status ? -ECANCELED : 0;
}

/* A hook may end without reading. */
static void on_pipe(void (*handler)(int))
{
	const struct sigaction sa = {.sa_handler = handler};

	(void)sigaction(SIGPIPE, &sa, NULL); /* cannot fail */
}

int oci_hook_run(const struct oci_hook *h, const char *state)
{
	int in[2], err;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC))
		return -errno;
	on_pipe(SIG_IGN);
	pid = fork();
	if (!pid) {
		on_pipe(SIG_DFL);
		run(h, in);
	}
	err = pid < 0 ? -errno : 0;
	close_fd(&in[0]);
	if (!err)
		put_state(in[1], state);
	close_fd(&in[1]);
	on_pipe(SIG_DFL);
	return err ? err : wait_for(pid, h);
}

int bundle_hooks(struct isolation *iso, enum oci_hook_stage stage)
{
	const struct oci_hooks *hooks = &iso->spec->oci->inside[stage];

	for (size_t i = 0; i < hooks->nr; i++) {
		int err = oci_hook_run(&hooks->items[i], iso->spec->oci->state);

		if (err)
			return bundle_fail(iso, "hook", hooks->items[i].path, err);
	}
	return 0;
}
