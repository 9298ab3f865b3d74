// SPDX-License-Identifier: Apache-2.0
/* Processes that are born in a cgroup, and a pipe each way to keep step with them. */
#include "selftests/harness/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"

#define FORKS_MAX 64

struct spawned spawn(int cgroup_fd, uint64_t flags, int (*fn)(const struct spawn_child *c),
		     void *arg)
{
	struct spawned s = {.pidfd = -1};
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | CLONE_PIDFD | flags,
		.pidfd = (uint64_t)(uintptr_t)&s.pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)cgroup_fd,
	};
	int go[2], told[2];

	if (pipe2(go, O_CLOEXEC) || pipe2(told, O_CLOEXEC)) {
		test_fail(__FILE__, __LINE__, "pipe2: %s", strerror(errno));
		test_abort();
	}
	(void)fflush(NULL); /* or the child prints it again */
	s.pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (s.pid < 0) {
		test_fail(__FILE__, __LINE__, "clone3: %s", strerror(errno));
		test_abort();
	}
	if (!s.pid) {
		struct spawn_child c = {.arg = arg, .go = go[0], .told = told[1]};

		close_fd(&go[1]); /* so that a parent that dies is an end of file */
		close_fd(&told[0]);
		if (prctl(PR_SET_PDEATHSIG, SIGKILL))
			_exit(127);
		_exit(fn(&c));
	}
	close_fd(&go[0]);
	close_fd(&told[1]);
	s.go = go[1];
	s.told = told[0];
	return s;
}

void spawn_hold(const struct spawn_child *c)
{
	char byte;

	if (read(c->go, &byte, 1) != 1)
		_exit(126);
}

void spawn_tell(const struct spawn_child *c, int value)
{
	if (write(c->told, &value, sizeof(value)) != sizeof(value))
		_exit(125);
}

void spawn_go(const struct spawned *s)
{
	EXPECT_EQ(write(s->go, "g", 1), 1);
}

int spawn_listen(const struct spawned *s)
{
	struct pollfd p = {.fd = s->told, .events = POLLIN};
	int value;

	ASSERT_EQ(poll(&p, 1, SPAWN_WAIT_MS), 1);
	ASSERT_EQ(read(s->told, &value, sizeof(value)), sizeof(value));
	return value;
}

int spawn_end(struct spawned *s)
{
	struct pollfd p = {.fd = s->pidfd, .events = POLLIN};
	int status = -1;

	ASSERT_EQ(poll(&p, 1, SPAWN_WAIT_MS), 1);
	ASSERT_EQ(waitpid(s->pid, &status, __WALL), s->pid);
	close_fd(&s->pidfd);
	close_fd(&s->go);
	close_fd(&s->told);
	return status;
}

int spawn_sleeper(const struct spawn_child *c)
{
	spawn_tell(c, 1);
	spawn_hold(c);
	return 0;
}

int spawn_forks(int max)
{
	pid_t pids[FORKS_MAX];
	int nr = 0;

	while (nr < max && nr < FORKS_MAX) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (!pid) {
			for (;;)
				(void)pause();
		}
		pids[nr++] = pid;
	}
	for (int i = 0; i < nr; i++) {
		(void)kill(pids[i], SIGKILL); /* a child of ours that waits */
		(void)waitpid(pids[i], NULL, 0); /* likewise */
	}
	return nr;
}
