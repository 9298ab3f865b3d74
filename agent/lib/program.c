// SPDX-License-Identifier: Apache-2.0
/* See program.h. */
#include "agent/lib/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"

#define PATH_MAX_ 128
#define NOT_FOUND 127

static const char *const directories[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};

static void __attribute__((noreturn)) inside(char *const *argv, int in, int out)
{
	char path[PATH_MAX_], *env[] = {NULL};

	if (in < 0)
		in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(out, STDERR_FILENO) < 0)
		_exit(1);
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", directories[i], argv[0]); /* fits */
		(void)execve(path, argv, env); /* returns only to fail */
	}
	_exit(NOT_FOUND);
}

/* What it says, until it closes its end. Return: bytes, or -errno */
static ssize_t hear(int fd, int silence_ms, char said[static PROGRAM_SAID_MAX])
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char more[PROGRAM_SAID_MAX];
	ssize_t at = 0;

	for (;;) {
		int rc = poll(&p, 1, silence_ms);
		size_t room = (size_t)(PROGRAM_SAID_MAX - 1 - at);
		ssize_t n;

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc <= 0)
			return rc ? -errno : -ETIMEDOUT;
		n = read(fd, room ? said + at : more, room ? room : sizeof(more));
		if (n <= 0)
			break;
		at += room ? n : 0; /* the rest is nobody's business */
	}
	said[at] = '\0';
	said[strcspn(said, "\n")] = '\0';
	return at;
}

static int verdict(const char *name, int status, const char *said, struct why *why)
{
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND && !*said)
		return why_set(why, -ENOENT, "%s", name);
	return why_set(why, -EINVAL, "%s: %s", name,
		       *said ? said : "it failed and did not say why");
}

int program_run(char *const *argv, int in, int silence_ms, struct why *why)
{
	char said[PROGRAM_SAID_MAX] = "";
	int p[2], status = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		return why_set(why, -errno, "%s: pipe", argv[0]);
	cleanup_close int out = p[0];

	pid = fork();
	if (!pid)
		inside(argv, in, p[1]);
	(void)close(p[1]); /* the child's */
	if (pid < 0)
		return why_set(why, -EAGAIN, "%s: fork", argv[0]);
	n = hear(out, silence_ms, said);
	if (n < 0)
		(void)kill(pid, SIGKILL); /* it is our child and not yet waited for */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return n < 0 ? why_set(why, (int)n, "%s", argv[0]) : verdict(argv[0], status, said, why);
}
