// SPDX-License-Identifier: Apache-2.0
/* cgroupfs on temporary trees: the formats, the paths, what is refused. */
#include "cgroupfs/cgroupfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"

static int tree(void)
{
	int fd = open(test_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		test_abort();
	return fd;
}

static void put(int dirfd, const char *file, const char *text)
{
	cleanup_close int fd = openat(dirfd, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		test_abort();
}

/* What cg_find_mount() answers to a mountinfo of these lines. */
static int find_in(const char *lines, char **ret)
{
	cleanup_close int fd = tree();
	char path[512];

	put(fd, "mountinfo", lines);
	(void)snprintf(path, sizeof(path), "%s/mountinfo", test_dir()); /* short */
	return cg_find_mount(path, ret);
}

TEST(the_mount_whose_root_is_the_hierarchys_is_preferred)
{
	cleanup_free char *at = NULL;

	ASSERT_EQ(find_in("25 1 0:22 / /sys rw - sysfs sysfs rw\n"
			  "30 25 0:26 /sub /run/part rw shared:9 - cgroup2 cgroup2 rw\n"
			  "31 25 0:26 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup rw\n",
			  &at),
		  0);
	EXPECT_STREQ(at, "/sys/fs/cgroup/unified");
}

TEST(a_mount_of_a_part_of_the_hierarchy_is_better_than_none)
{
	cleanup_free char *at = NULL;

	ASSERT_EQ(find_in("30 25 0:26 /sub /run/part rw - cgroup2 cgroup2 rw\n"
			  "31 25 0:26 /other /run/other rw - cgroup2 cgroup2 rw\n",
			  &at),
		  0);
	EXPECT_STREQ(at, "/run/part");
}

TEST(cgroup_v1_is_never_taken_for_v2)
{
	char *at = NULL;

	EXPECT_EQ(find_in("31 25 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
			  "32 25 0:27 / /mnt/cgroup2 rw - ext4 /dev/cgroup2 rw\n"
			  "garbage\n\n - cgroup2 \n",
			  &at),
		  -ENOENT);
	EXPECT_TRUE(at == NULL);
}

TEST(octal_escapes_in_a_mount_point_are_undone)
{
	cleanup_free char *at = NULL;

	ASSERT_EQ(find_in("31 25 0:26 / /a\\040b\\134c\\9 rw - cgroup2 none rw\n", &at), 0);
	EXPECT_STREQ(at, "/a b\\c\\9");
}

TEST(a_process_that_does_not_exist_is_in_no_cgroup)
{
	char *path = NULL;

	EXPECT_EQ(cg_own(0x3fffffff, &path), -ENOENT);
	EXPECT_TRUE(path == NULL);
}

TEST(missing_components_are_made_only_when_asked)
{
	cleanup_close int fd = tree();

	EXPECT_EQ(cg_open(fd, "a/b/c", false), -ENOENT);
	cleanup_close int made = cg_open(fd, "a//b/./c/", true);

	EXPECT_GE(made, 0);
	EXPECT_EQ(faccessat(fd, "a/b/c", F_OK, 0), 0);
	EXPECT_EQ(fcntl(made, F_GETFD), FD_CLOEXEC);
	cleanup_close int again = cg_open(fd, "a/b/c", true);

	EXPECT_GE(again, 0);
}

TEST(paths_that_lead_out_of_the_tree_are_refused)
{
	cleanup_close int fd = tree();

	EXPECT_EQ(cg_open(fd, "..", true), -EINVAL);
	EXPECT_EQ(cg_open(fd, "a/../../b", true), -EINVAL);
	EXPECT_EQ(cg_open(fd, "/etc", true), -EINVAL);
	EXPECT_EQ(symlinkat("/etc", fd, "link"), 0);
	EXPECT_LT(cg_open(fd, "link", true), 0);
	EXPECT_LT(cg_open(fd, "link/x", true), 0);
}

TEST(single_values_are_read_as_numbers_or_max)
{
	static const struct {
		const char *text;
		int err;
		uint64_t value;
	} rows[] = {
		{"0\n", 0, 0},
		{"42\n", 0, 42},
		{"42", 0, 42},
		{"max\n", 0, UINT64_MAX},
		{"18446744073709551615\n", 0, UINT64_MAX},
		{"18446744073709551616\n", -EINVAL, 0},
		{"-1\n", -EINVAL, 0},
		{"+1\n", -EINVAL, 0},
		{" 1\n", -EINVAL, 0},
		{"1 2\n", -EINVAL, 0},
		{"1\n2\n", -EINVAL, 0},
		{"\n", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"1111111111111111111111111111111111111111111\n", -EINVAL, 0},
	};
	cleanup_close int fd = tree();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t v = 7;

		put(fd, "pids.max", rows[i].text);
		EXPECT_EQ(cg_read_u64(fd, "pids.max", &v), rows[i].err);
		EXPECT_EQ(v, rows[i].err ? 7 : rows[i].value);
	}
}

TEST(a_controller_that_is_off_reads_as_enoent)
{
	cleanup_close int fd = tree();
	uint64_t v = 7;

	EXPECT_EQ(cg_read_u64(fd, "memory.current", &v), -ENOENT);
	EXPECT_EQ(cg_write(fd, "memory.max", "1"), -ENOENT);
	EXPECT_EQ(faccessat(fd, "memory.max", F_OK, 0), -1);
	EXPECT_EQ(v, 7);
}

TEST(keys_are_found_in_any_order_and_the_others_left_alone)
{
	static const char *const keys[] = {"nr_throttled", "absent", "usage_usec", "usage", NULL};
	uint64_t v[] = {1, 2, 3, 4};
	cleanup_close int fd = tree();

	put(fd, "cpu.stat", "usage_usec 100\nuser_usec 60\nnr_throttled 5\nodd\nusage x\n");
	EXPECT_EQ(cg_read_keys(fd, "cpu.stat", keys, v), 2);
	EXPECT_EQ(v[0], 5);
	EXPECT_EQ(v[1], 2);
	EXPECT_EQ(v[2], 100);
	EXPECT_EQ(v[3], 4);
}

TEST(pressure_is_the_two_totals_and_what_lacks_is_left_alone)
{
	cleanup_close int fd = tree();
	uint64_t some = 7, full = 8;

	EXPECT_EQ(cg_read_pressure(fd, "io.pressure", &some, &full), -ENOENT);
	put(fd, "io.pressure", "some avg10=0.00 avg60=0.12 avg300=0.05 total=123456\n");
	EXPECT_EQ(cg_read_pressure(fd, "io.pressure", &some, &full), 0);
	EXPECT_EQ(some, 123456);
	EXPECT_EQ(full, 8);
	put(fd, "io.pressure",
	    "some avg10=0.00 avg60=0.12 avg300=0.05 total=123457\n"
	    "full avg10=0.00 avg60=0.00 avg300=0.00 total=99\n");
	EXPECT_EQ(cg_read_pressure(fd, "io.pressure", &some, &full), 0);
	EXPECT_EQ(some, 123457);
	EXPECT_EQ(full, 99);
	put(fd, "io.pressure", "some total=x\nfull\n");
	EXPECT_EQ(cg_read_pressure(fd, "io.pressure", &some, &full), 0);
	EXPECT_EQ(some, 123457);
	EXPECT_EQ(full, 99);
}

TEST(a_file_longer_than_the_limit_is_refused_not_cut)
{
	static const char *const keys[] = {"a", NULL};
	char text[CG_FILE_MAX + 2];
	uint64_t v = 7;
	cleanup_close int fd = tree();

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	put(fd, "memory.stat", text);
	EXPECT_EQ(cg_read_keys(fd, "memory.stat", keys, &v), -EFBIG);
	text[CG_FILE_MAX - 1] = '\0';
	put(fd, "memory.stat", text);
	EXPECT_EQ(cg_read_keys(fd, "memory.stat", keys, &v), 0);
	EXPECT_EQ(v, 7);
}

TEST(a_write_leaves_exactly_the_value)
{
	cleanup_close int fd = tree();
	char buf[64];

	put(fd, "cpu.max", "max 100000\n");
	EXPECT_EQ(cg_write(fd, "cpu.max", "5000 10000"), 0);
	EXPECT_EQ(cg_read_text(fd, "cpu.max", buf, sizeof(buf)), 10);
	EXPECT_STREQ(buf, "5000 10000");
	EXPECT_EQ(cg_write_u64(fd, "cpu.max", UINT64_MAX), 0);
	EXPECT_EQ(cg_read_text(fd, "cpu.max", buf, sizeof(buf)), 3);
	EXPECT_STREQ(buf, "max");
}

TEST(only_controllers_that_are_known_are_reported)
{
	unsigned int set = 0;
	cleanup_close int fd = tree();

	put(fd, "cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n");
	EXPECT_EQ(cg_controllers(fd, &set), 0);
	EXPECT_EQ(set, CG_CPUSET | CG_CPU | CG_IO | CG_MEMORY | CG_PIDS);
	put(fd, "cgroup.controllers", "\n");
	EXPECT_EQ(cg_controllers(fd, &set), 0);
	EXPECT_EQ(set, 0);
	EXPECT_STREQ(cg_controller_name(CG_IO), "io");
	EXPECT_TRUE(cg_controller_name(CG_IO | CG_CPU) == NULL);
}

TEST(only_controllers_that_are_there_and_off_are_turned_on)
{
	unsigned int on = 99;
	char buf[64];
	cleanup_close int fd = tree();

	put(fd, "cgroup.controllers", "cpu pids\n");
	put(fd, "cgroup.subtree_control", "cpu\n");
	EXPECT_EQ(cg_enable(fd, CG_CPU | CG_MEMORY, &on), 0);
	EXPECT_EQ(on, CG_CPU);
	EXPECT_EQ(cg_read_text(fd, "cgroup.subtree_control", buf, sizeof(buf)), 3);
	EXPECT_EQ(cg_enable(fd, CG_CPU | CG_PIDS, NULL), 0);
	EXPECT_EQ(cg_read_text(fd, "cgroup.subtree_control", buf, sizeof(buf)), 5);
	EXPECT_STREQ(buf, "+pids");
}

TEST(processes_are_counted_beyond_the_callers_array)
{
	char text[20000] = "";
	size_t len = 0;
	pid_t pids[3] = {0};
	cleanup_close int fd = tree();

	for (int i = 1; i <= 3000; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%d\n", i); /* fits */
	EXPECT_GT(len, 2 * CG_FILE_MAX);
	put(fd, "cgroup.procs", text);
	EXPECT_EQ(cg_procs(fd, pids, 3), 3000);
	EXPECT_EQ(pids[0], 1);
	EXPECT_EQ(pids[2], 3);
	EXPECT_EQ(cg_procs(fd, NULL, 0), 3000);
}

TEST(processes_of_other_pid_namespaces_are_left_out)
{
	pid_t pids[4] = {9, 9, 9, 9};
	cleanup_close int fd = tree();

	put(fd, "cgroup.procs", "0\n12\n0\n13\n");
	EXPECT_EQ(cg_procs(fd, pids, 4), 2);
	EXPECT_EQ(pids[0], 12);
	EXPECT_EQ(pids[1], 13);
	EXPECT_EQ(pids[2], 9);
}

TEST(a_list_of_processes_with_garbage_is_refused)
{
	cleanup_close int fd = tree();

	put(fd, "cgroup.procs", "12\nx\n");
	EXPECT_EQ(cg_procs(fd, NULL, 0), -EINVAL);
	put(fd, "cgroup.procs", "99999999999\n");
	EXPECT_EQ(cg_procs(fd, NULL, 0), -EINVAL);
	put(fd, "cgroup.procs", "-1\n");
	EXPECT_EQ(cg_procs(fd, NULL, 0), -EINVAL);
}

static int count_visit(int dirfd, void *ctx)
{
	(void)dirfd;
	(*(int *)ctx)++;
	return 0;
}

static int stop_at_third(int dirfd, void *ctx)
{
	(void)dirfd;
	return ++*(int *)ctx == 3 ? 77 : 0;
}

/* Directories d/d/d... */
static void nest(int dirfd, int depth)
{
	char path[2 * CG_DEPTH_MAX + 16];
	int i;

	for (i = 0; i < depth; i++)
		memcpy(path + (ptrdiff_t)2 * i, "d/", 2);
	path[2 * i] = '\0';

	cleanup_close int fd = cg_open(dirfd, path, true);

	EXPECT_GE(fd, 0);
}

TEST(a_walk_visits_each_cgroup_once_and_can_be_ended)
{
	int nr = 0;
	cleanup_close int fd = tree();
	cleanup_close int a = cg_open(fd, "a/b", true);
	cleanup_close int c = cg_open(fd, "c", true);

	EXPECT_TRUE(a >= 0 && c >= 0);
	EXPECT_EQ(cg_walk(fd, count_visit, &nr), 0);
	EXPECT_EQ(nr, 4);
	nr = 0;
	EXPECT_EQ(cg_walk(fd, stop_at_third, &nr), 77);
	EXPECT_EQ(nr, 3);
}

TEST(a_tree_that_is_too_deep_is_refused)
{
	int nr = 0;
	cleanup_close int fd = tree();

	nest(fd, CG_DEPTH_MAX);
	EXPECT_EQ(cg_walk(fd, count_visit, &nr), 0);
	EXPECT_EQ(nr, CG_DEPTH_MAX + 1);
	nest(fd, CG_DEPTH_MAX + 2);
	EXPECT_EQ(cg_walk(fd, count_visit, &nr), -ELOOP);
	EXPECT_EQ(cg_remove(fd, "d"), -ELOOP);
	EXPECT_EQ(faccessat(fd, "d", F_OK, 0), 0);
}

TEST(a_removal_takes_all_below_and_is_content_if_there_is_nothing)
{
	cleanup_close int fd = tree();
	cleanup_close int a = cg_open(fd, "t/a/b", true);
	cleanup_close int b = cg_open(fd, "t/c", true);

	EXPECT_TRUE(a >= 0 && b >= 0);
	EXPECT_EQ(cg_remove(fd, "t"), 0);
	EXPECT_EQ(faccessat(fd, "t", F_OK, 0), -1);
	EXPECT_EQ(cg_remove(fd, "t"), 0);
}

TEST(a_removal_takes_one_name_below_its_parent_only)
{
	static const char *const names[] = {"", ".", "..", "a/b", "/tmp", "../x"};
	cleanup_close int fd = tree();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		EXPECT_EQ(cg_remove(fd, names[i]), -EINVAL);
	EXPECT_EQ(symlinkat("/tmp", fd, "link"), 0);
	EXPECT_LT(cg_remove(fd, "link"), 0);
	EXPECT_EQ(faccessat(fd, "link", F_OK, AT_SYMLINK_NOFOLLOW), 0);
}

TEST(populated_is_read_from_the_events)
{
	bool populated = false;
	cleanup_close int fd = tree();

	put(fd, "cgroup.events", "populated 1\nfrozen 0\n");
	EXPECT_EQ(cg_populated(fd, &populated), 0);
	EXPECT_TRUE(populated);
	put(fd, "cgroup.events", "frozen 0\npopulated 0\n");
	EXPECT_EQ(cg_populated(fd, &populated), 0);
	EXPECT_FALSE(populated);
	put(fd, "cgroup.events", "frozen 0\n");
	EXPECT_EQ(cg_populated(fd, &populated), -EINVAL);
	EXPECT_EQ(cg_wait_empty(fd, 0), -EINVAL);
}

/* A child that waits for ever, and dies with the test. */
static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)alarm(60); /* if the test dies first */
		for (;;)
			(void)pause();
	}
	return pid;
}

TEST(without_cgroup_kill_each_process_is_frozen_killed_and_thawed)
{
	char text[64], freeze[8];
	int status;
	pid_t one = sleeper(), other = sleeper();
	cleanup_close int fd = tree();
	cleanup_close int sub = cg_open(fd, "below", true);

	put(fd, "cgroup.freeze", "0\n");
	put(fd, "cgroup.events", "populated 1\nfrozen 1\n");
	(void)snprintf(text, sizeof(text), "0\n%d\n", one); /* fits */
	put(fd, "cgroup.procs", text);
	(void)snprintf(text, sizeof(text), "%d\n", other); /* fits */
	put(sub, "cgroup.procs", text);
	EXPECT_EQ(cg_kill(fd), 0);
	EXPECT_EQ(waitpid(one, &status, 0), one);
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_EQ(waitpid(other, &status, 0), other);
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_EQ(cg_read_text(fd, "cgroup.freeze", freeze, sizeof(freeze)), 1);
	EXPECT_STREQ(freeze, "0");
}

TEST(cgroup_kill_is_used_where_it_is)
{
	char text[8];
	cleanup_close int fd = tree();

	put(fd, "cgroup.kill", "");
	put(fd, "cgroup.procs", "1\n"); /* would be refused, or worse, if it were signalled */
	EXPECT_EQ(cg_kill(fd), 0);
	EXPECT_EQ(cg_read_text(fd, "cgroup.kill", text, sizeof(text)), 1);
	EXPECT_STREQ(text, "1");
}
