// SPDX-License-Identifier: Apache-2.0
/*
 * Ways out of containers that other runtimes had. What takes a system call that no shell makes is
 * done by this program itself, which is bound into the container and told by its environment.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <pty.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/probe_rig.h"
#include "selftests/harness/test.h"

#define NEED_HOST  NEED_ROOT | NEED_CGROUP2 | NEED_BPF
#define NEED_IMAGE NEED_HOST | NEED_OVERLAY | NEED_USERNS | NEED_IDMAP
#define JOINS	   60
#define LEAK_TURNS 10

/* ---- what runs in the container ---- */

static void inside_keyring(void)
{
	long id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);

	(void)dprintf(STDERR_FILENO, "%ld\n", id);
}

/* CVE-2017-5226; with the upper half set a filter on 32 bits is passed by: CVE-2019-10063 */
static void inside_tty(void)
{
	probe_tell("TIOCSTI", syscall(SYS_ioctl, STDIN_FILENO, (unsigned long)TIOCSTI, "x"));
	probe_tell("TIOCSTI and a bit", syscall(SYS_ioctl, STDIN_FILENO, TIOCSTI | 1UL << 32, "x"));
}

static void __attribute__((constructor)) inside(void)
{
	static const struct probe probes[] = {
		{"keyring", inside_keyring},
		{"tty", inside_tty},
		{NULL, NULL},
	};

	probe_inside(probes);
}

/* ---- the test's side ---- */

static int entries(const char *path)
{
	cleanup_closedir DIR *d = opendir(path);
	int nr = 0;

	ASSERT_TRUE(d);
	while (readdir(d))
		nr++;
	return nr;
}

TEST(the_session_keyring_is_not_the_agents, NEED_HOST)
{
	long own = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	struct ct_rig rig;
	long got;

	if (own < 0 && errno == ENOSYS)
		test_skip("the kernel has no keyrings");
	probe_begin(&rig, "keyring");
	EXPECT_EQ(ct_rig_run(&rig), 0);
	ASSERT_EQ(sscanf(rig.output, "%ld", &got), 1);
	EXPECT_GT(got, 0);
	EXPECT_NE(got, own);
	ct_rig_end(&rig);
}

/* An agent in the foreground of a terminal, which its tasks must not be in the session of. */
static void type_into(int terminal, int line)
{
	struct ct_rig rig;
	char text[64];
	int pair[2];

	ASSERT_TRUE(setsid() > 0);
	ASSERT_EQ(ioctl(line, TIOCSCTTY, 0), 0);
	probe_begin(&rig, "tty");
	rig.spec.process.capabilities = 0;
	ASSERT_EQ(pipe2(pair, O_CLOEXEC), 0);
	ASSERT_EQ(ct_create(&rig.host, &rig.spec, &(struct ct_stdio){line, pair[1], pair[1]},
			    &rig.c, &rig.why),
		  0);
	rig.stdio_fd = pair[0];
	close_fd(&pair[1]);
	ASSERT_EQ(ct_start(rig.c, &rig.why), 0);
	/* EIO: the kernel has no TIOCSTI for anybody (dev.tty.legacy_tiocsti=0), since 6.2 */
	if (strcmp(ct_rig_read(&rig), "TIOCSTI: EIO\nTIOCSTI and a bit: EIO\n"))
		EXPECT_STREQ(rig.output, "TIOCSTI: EPERM\nTIOCSTI and a bit: EPERM\n");
	ASSERT_EQ(fcntl(terminal, F_SETFL, O_NONBLOCK), 0);
	EXPECT_EQ(read(terminal, text, sizeof(text)), -1); /* no echo of what was typed */
	ct_rig_end(&rig);
}

TEST(nothing_is_typed_into_the_terminal_of_the_caller, NEED_HOST)
{
	int terminal, line, status;
	pid_t pid;

	ASSERT_EQ(openpty(&terminal, &line, NULL, NULL, NULL), 0);
	(void)test_dir(); /* both belong to this process, the other one uses them */
	(void)close(test_cgroup()); /* likewise */
	pid = fork();
	ASSERT_TRUE(pid >= 0);
	if (!pid) {
		type_into(terminal, line);
		_exit(0); /* failures have been counted */
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
}

/*
 * While a process joins, it is still the agent's program with the agent's socket: a task that
 * looks at it in that moment must see neither (CVE-2016-9962, CVE-2019-5736).
 */
TEST(a_process_that_joins_shows_nothing_of_the_agent, NEED_IMAGE)
{
	struct ct_rig rig;
	int watcher;

	ct_rig_begin(&rig);
	(void)ct_rig_image(&rig);
	ct_rig_sh(&rig, "until [ -e /tmp/stop ]; do ls -l /proc/[0-9]*/fd /proc/[0-9]*/exe "
			"/proc/[0-9]*/cwd; done 2> /dev/null > /tmp/seen; "
			"grep -e socket: -e anon_inode: /tmp/seen; "
			"grep 'exe -> ' /tmp/seen | grep -v ' /bin/busybox$'; "
			"grep -c 'exe -> /bin/busybox' /tmp/seen | grep -v '^0'");
	ASSERT_EQ(ct_rig_create(&rig), 0);
	ASSERT_EQ(ct_start(rig.c, &rig.why), 0);
	watcher = rig.stdio_fd;
	for (int i = 0; i <= JOINS; i++) {
		rig.stdio_fd = -1;
		EXPECT_EQ(ct_rig_exec(&rig, i < JOINS ? "exit 0" : ": > /tmp/stop"), 0);
		close_fd(&rig.stdio_fd);
	}
	rig.stdio_fd = watcher;
	(void)ct_rig_read(&rig); /* how often it saw programs of its own, and nothing else */
	if (!*rig.output || strspn(rig.output, "0123456789") + 1 != strlen(rig.output))
		test_fail(__FILE__, __LINE__, "\"%.500s\"", rig.output);
	ct_rig_end(&rig);
}

/*
 * CVE-2024-21626: a working directory that is a descriptor of the agent. Those of the container's
 * own root are there while it is built and lead to where it is anyway.
 */
TEST(no_descriptor_is_a_way_to_a_directory_of_the_host, NEED_IMAGE)
{
	struct ct_rig rig;
	int refused = 0;

	ct_rig_begin(&rig);
	(void)ct_rig_image(&rig);
	ct_rig_sh(&rig, "cd /proc/self/cwd && ls -d bin/busybox");
	for (int fd = 0; fd < 24; fd++) {
		int status;

		ASSERT_TRUE(fcntl(rig.host.cgroup_fd, F_DUPFD, 8) >= 8); /* without O_CLOEXEC */
		free(rig.spec.process.cwd);
		rig.spec.process.cwd = ct_rig_text("/proc/self/fd/%d", fd);
		status = ct_rig_run(&rig);
		refused += status < 0;
		if (status < 0)
			EXPECT_EQ(strncmp(rig.why.text, "cwd /proc/self/fd/", 18), 0);
		else
			EXPECT_STREQ(rig.output, "bin/busybox\n");
		EXPECT_EQ(ct_destroy(status < 0 ? NULL : rig.c), 0);
		rig.c = NULL;
		ct_rig_nothing_left(&rig);
	}
	EXPECT_GT(refused, 16);
	ct_rig_end(&rig);
}

TEST(the_agent_keeps_no_descriptor_and_no_memory_mapping_of_what_is_gone, NEED_IMAGE)
{
	struct ct_rig rig;
	int fds = 0, maps = 0;

	ct_rig_begin(&rig);
	(void)ct_rig_image(&rig);
	for (int i = 0; i <= LEAK_TURNS; i++) {
		EXPECT_RUN(&rig, "exit 0", "");
		ct_rig_args(&rig, "/no/such", NULL);
		EXPECT_REFUSED(&rig, -ENOENT, "exec /no/such: No such file or directory");
		ct_rig_args(&rig, "sleep", "1000", NULL);
		ASSERT_EQ(ct_rig_create(&rig), 0);
		ASSERT_EQ(ct_start(rig.c, &rig.why), 0);
		EXPECT_EQ(ct_rig_exec(&rig, "exit 0"), 0);
		EXPECT_EQ(ct_destroy(rig.c), 0);
		rig.c = NULL;
		close_fd(&rig.stdio_fd);
		if (i == 0) { /* the first fills what is kept for good */
			fds = entries("/proc/self/fd");
			maps = entries("/proc/self/map_files");
		}
	}
	EXPECT_EQ(entries("/proc/self/fd"), fds);
	EXPECT_EQ(entries("/proc/self/map_files"), maps);
	ct_rig_end(&rig);
}

TEST(a_cgroup_that_cannot_be_removed_is_told, NEED_HOST)
{
	struct ct_rig rig;
	int cgroup_fd;

	ct_rig_begin(&rig);
	ct_rig_args(&rig, "sleep", "1000", NULL);
	ASSERT_EQ(ct_rig_create(&rig), 0);
	cgroup_fd = rig.host.cgroup_fd;
	rig.host.cgroup_fd = -1; /* stands for whatever keeps the kernel from it */
	EXPECT_EQ(ct_destroy(rig.c), -EBUSY);
	rig.c = NULL;
	rig.host.cgroup_fd = cgroup_fd;
	EXPECT_EQ(faccessat(cgroup_fd, "t", F_OK, 0), 0);
	EXPECT_EQ(unlinkat(cgroup_fd, "t", AT_REMOVEDIR), 0); /* its processes are gone */
	ct_rig_end(&rig);
}
