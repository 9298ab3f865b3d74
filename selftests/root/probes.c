// SPDX-License-Identifier: Apache-2.0
/* The host's facts for doctor: sane on any host, right where this test can find out otherwise. */
#include "agent/probes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "cgroupfs/cgroupfs.h"
#include "isolators/credentials.h"
#include "selftests/harness/test.h"

static struct iso_probe rows[PROBES_MAX];

static int run(int cgroup_fd)
{
	struct iso_host host = {.cgroup_fd = cgroup_fd, .state_dir = test_dir()};

	memset(rows, 0, sizeof(rows));
	return probes_run(&host, rows, PROBES_MAX);
}

static const struct iso_probe *row(int nr, const char *name)
{
	for (int i = 0; i < nr; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	test_fail(__FILE__, __LINE__, "there is no row \"%s\"", name);
	test_abort();
}

static int entries(const char *path)
{
	cleanup_closedir DIR *d = opendir(path);
	int nr = 0;

	while (d && readdir(d))
		nr++;
	return nr;
}

static int children(int cgroup_fd)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", cgroup_fd); /* fits */
	return entries(path);
}

TEST(every_row_says_how_or_why_not, NEED_ROOT, NEED_CGROUP2)
{
	int nr = run(test_cgroup());

	EXPECT_GE(nr, 30);
	EXPECT_LT(nr, PROBES_MAX);
	for (int i = 0; i < nr; i++) {
		if (rows[i].ok ? !rows[i].how[0] || rows[i].reason[0] : !rows[i].reason[0])
			test_fail(__FILE__, __LINE__, "%s: ok %d, how \"%s\", reason \"%s\"",
				  rows[i].name, rows[i].ok, rows[i].how, rows[i].reason);
		for (int j = 0; j < i; j++)
			if (!strcmp(rows[i].name, rows[j].name))
				test_fail(__FILE__, __LINE__, "two rows %s", rows[i].name);
	}
}

TEST(nothing_is_left_behind, NEED_ROOT, NEED_CGROUP2)
{
	int cgroup_fd = test_cgroup();
	int fds, cgroups = children(cgroup_fd);

	(void)run(cgroup_fd); /* libraries keep what they learn once */
	fds = entries("/proc/self/fd");
	(void)run(cgroup_fd);
	EXPECT_EQ(entries("/proc/self/fd"), fds);
	EXPECT_EQ(children(cgroup_fd), cgroups);
	errno = 0;
	EXPECT_EQ(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	EXPECT_EQ(errno, ECHILD);
}

TEST(fewer_places_than_rows_are_no_overflow, NEED_ROOT, NEED_CGROUP2)
{
	struct iso_host host = {.cgroup_fd = test_cgroup(), .state_dir = test_dir()};

	memset(rows, 0, sizeof(rows));
	EXPECT_EQ(probes_run(&host, rows, 5), 5);
	EXPECT_TRUE(rows[4].name != NULL);
	EXPECT_TRUE(rows[5].name == NULL);
}

TEST(facts_agree_with_the_host, NEED_ROOT, NEED_CGROUP2)
{
	int cgroup_fd = test_cgroup();
	unsigned int on = 0;
	struct utsname u;
	uint64_t own = 0;
	int nr = run(cgroup_fd);

	ASSERT_EQ(uname(&u), 0);
	EXPECT_TRUE(strstr(row(nr, "kernel")->how, u.release) != NULL);
	ASSERT_EQ(cg_controllers(cgroup_fd, &on), 0);
	EXPECT_EQ(row(nr, "cgroup2 controllers")->ok,
		  !(~on & (CG_CPU | CG_MEMORY | CG_PIDS | CG_IO)));
	EXPECT_EQ(row(nr, "tracefs")->ok, access("/sys/kernel/tracing/trace", F_OK) == 0);
	EXPECT_EQ(row(nr, "kernel types (BTF)")->ok, access("/sys/kernel/btf/vmlinux", R_OK) == 0);
	EXPECT_EQ(row(nr, "systemd")->ok, access("/run/systemd/system", F_OK) == 0);
	ASSERT_EQ(caps_permitted(&own), 0);
	if (!(own & (UINT64_C(1) << CAP_SYS_RESOURCE)))
		EXPECT_TRUE(strstr(row(nr, "agent's capabilities")->reason, "CAP_SYS_RESOURCE") !=
			    NULL);
}

TEST(what_tests_need_of_bpf_is_what_the_probes_find, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	int nr = run(test_cgroup());

	EXPECT_TRUE(row(nr, "BPF tp_btf")->ok);
	EXPECT_TRUE(row(nr, "BPF mapped array")->ok);
}

TEST(what_tests_need_of_user_namespaces_is_what_the_probes_find, NEED_ROOT, NEED_USERNS)
{
	int nr = run(-1);

	EXPECT_TRUE(row(nr, "user namespaces")->ok);
}

TEST(without_a_cgroup_the_rows_that_need_one_say_so, NEED_ROOT)
{
	int nr = run(-1);

	EXPECT_FALSE(row(nr, "birth in a cgroup")->ok);
	EXPECT_STREQ(row(nr, "birth in a cgroup")->reason,
		     "clone3 with CLONE_INTO_CGROUP: Bad file descriptor (EBADF)");
	EXPECT_FALSE(row(nr, "BPF cgroup device")->ok);
	EXPECT_TRUE(row(nr, "new mount interface")->ok);
}

TEST(without_privileges_every_refusal_has_its_errno, NEED_ROOT)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		int nr, bad = 0;

		(void)test_dir(); /* made while that is possible */
		if (setresuid(65534, 65534, 65534) < 0)
			_exit(100);
		nr = run(-1);
		if (row(nr, "BPF tp_btf")->ok || row(nr, "new mount interface")->ok)
			_exit(101);
		bad += !strstr(row(nr, "BPF tp_btf")->reason, "(EPERM)");
		bad += !strstr(row(nr, "new mount interface")->reason, "(EPERM)");
		bad += !strstr(row(nr, "agent's capabilities")->reason, "the agent lacks");
		_exit(bad);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}
