// SPDX-License-Identifier: Apache-2.0
/* A supervisor that answers system calls of a container's processes: SCMP_ACT_NOTIFY. */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/fdpass.h"
#include "isolators/seccomp.h"
#include "selftests/harness/ct_rig.h"
#include "selftests/harness/test.h"

#define HOST	 NEED_ROOT, NEED_CGROUP2
#define TEXT_MAX 4096

/* Calls of the launch itself are among those that are asked for: none of them may be made. */
#define PROFILE                                                                                    \
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"%s\","                           \
	"\"listenerMetadata\":\"for \\\"t\\\"\",\"flags\":[%s],\"syscalls\":[{\"names\":"          \
	"[\"mkdir\",\"mkdirat\",\"execve\",\"sendmsg\",\"futex\",\"sched_yield\",\"close\"],"      \
	"\"action\":\"SCMP_ACT_NOTIFY\"}]}"

static int listen_at(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path); /* the caller's is short */
	if (sock >= 0 && (bind(sock, (struct sockaddr *)&at, sizeof(at)) || listen(sock, 4)))
		close_fd(&sock);
	return sock;
}

/* What a launch hands over, and its text. */
static int receive(int sock, char text[static TEXT_MAX])
{
	cleanup_close int conn = accept4(sock, NULL, NULL, SOCK_CLOEXEC);
	size_t len = 0;
	int fd = fd_receive(conn, text, TEXT_MAX - 1, 0, &len);

	text[len] = '\0';
	return fd;
}

/* Directories are refused with an errno of ours, all else is done; until all its users ended. */
static void answer(int listener)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};

	while (poll(&p, 1, -1) > 0 && p.revents & POLLIN) {
		struct seccomp_notif asked = {0};
		struct seccomp_notif_resp resp = {0};

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked))
			continue; /* it was killed meanwhile */
		resp.id = asked.id;
		if (asked.data.nr == SYS_mkdir || asked.data.nr == SYS_mkdirat)
			resp.error = -EXDEV;
		else
			resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp); /* likewise */
	}
}

/* A supervisor of @nr processes; the texts it gets are written to @log, a line each. */
static pid_t supervise(int sock, int log, int nr)
{
	char text[TEXT_MAX];
	pid_t pid = fork();

	if (pid)
		return pid;
	(void)setpgid(0, 0); /* cannot fail for a new process */
	for (int i = 0; i < nr; i++) {
		int listener = receive(sock, text);

		(void)dprintf(log, "%s\n", text); /* what is missing is missed by the test */
		if (!fork()) {
			answer(listener);
			_exit(0);
		}
		close_fd(&listener);
	}
	while (wait(NULL) > 0)
		;
	_exit(0);
}

static void expect_supervised(const char *flags)
{
	char path[SC_LISTENER_MAX], profile[TEXT_MAX], told[TEXT_MAX] = "", want[64];
	cleanup_close int log = open(test_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct ct_rig rig;
	pid_t pid;

	ct_rig_begin(&rig);
	(void)snprintf(path, sizeof(path), "%s/s", test_dir()); /* seen if cut */
	(void)snprintf(profile, sizeof(profile), PROFILE, path, flags); /* fits */
	cleanup_close int sock = listen_at(path);

	ASSERT_TRUE(sock >= 0 && log >= 0);
	pid = supervise(sock, log, 3);
	rig.spec.seccomp = profile;
	rig.spec.seccomp_is_constant = true;
	ct_rig_sh(&rig, "mkdir /tmp/x || exec sleep 1000");
	ASSERT_EQ(ct_rig_create(&rig), 0);
	ASSERT_EQ(ct_start(rig.c, &rig.why), 0);
	EXPECT_EQ(ct_rig_exec(&rig, "mkdir /tmp/y 2>&1"), 1);
	EXPECT_TRUE(strstr(rig.output, "Invalid cross-device link"));
	EXPECT_EQ(ct_rig_exec(&rig, "test ! -e /tmp/x"), 0);
	EXPECT_TRUE(pread(log, told, sizeof(told) - 1, 0) > 0);
	(void)snprintf(want, sizeof(want), "\"pid\":%d", (int)rig.c->iso.pid); /* fits */
	EXPECT_TRUE(strstr(told, want));
	EXPECT_TRUE(strstr(told, "\"fds\":[\"seccompFd\"]"));
	EXPECT_TRUE(strstr(told, "\"metadata\":\"for \\\"t\\\"\""));
	EXPECT_EQ(ct_kill(rig.c), 0);
	/* 6.1 leaves it waiting when all who could ask have ended */
	EXPECT_EQ(kill(-pid, SIGKILL), 0);
	while (waitpid(-pid, NULL, 0) > 0)
		;
	ct_rig_end(&rig);
}

TEST(a_supervisor_answers_calls_of_the_program_and_of_what_is_run_beside_it, HOST)
{
	expect_supervised("");
}

TEST(also_where_the_profile_asks_for_all_threads, HOST)
{
	expect_supervised("\"SECCOMP_FILTER_FLAG_TSYNC\"");
}

TEST(a_supervisor_that_is_not_there_is_named_and_nothing_starts, HOST)
{
	char profile[TEXT_MAX], path[SC_LISTENER_MAX];
	struct ct_rig rig;

	ct_rig_begin(&rig);
	(void)snprintf(path, sizeof(path), "%s/none", test_dir()); /* seen if cut */
	(void)snprintf(profile, sizeof(profile), PROFILE, path, ""); /* fits */
	rig.spec.seccomp = profile;
	rig.spec.seccomp_is_constant = true;
	ct_rig_sh(&rig, "true");
	EXPECT_EQ(ct_rig_create(&rig), -ENOENT);
	EXPECT_TRUE(strstr(rig.why.text, "seccomp: /listenerPath: "));
	rig.spec.seccomp = NULL;
	ct_rig_end(&rig);
}
