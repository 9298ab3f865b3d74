// SPDX-License-Identifier: Apache-2.0
/* cgroupfs against the kernel: ids, processes, freezing, killing, removing. */
#include "cgroupfs/cgroupfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/spawn.h"
#include "selftests/harness/test.h"

static bool killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static int child_cgroup(int parent, const char *path)
{
	int fd = cg_open(parent, path, true);

	ASSERT_TRUE(fd >= 0);
	return fd;
}

TEST(the_id_is_the_one_in_the_kernels_file_handle, NEED_ROOT, NEED_CGROUP2)
{
	union {
		struct file_handle h;
		char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u = {.h.handle_bytes = MAX_HANDLE_SZ};
	uint64_t id = 0, in_handle;
	int mount;
	cleanup_close int fd = child_cgroup(test_cgroup(), "c");

	ASSERT_EQ(cg_id(fd, &id), 0);
	ASSERT_EQ(name_to_handle_at(fd, "", &u.h, &mount, AT_EMPTY_PATH), 0);
	ASSERT_EQ(u.h.handle_bytes, sizeof(in_handle));
	memcpy(&in_handle, u.h.f_handle, sizeof(in_handle));
	EXPECT_EQ(id, in_handle);
}

TEST(a_process_is_found_where_it_was_born, NEED_ROOT, NEED_CGROUP2)
{
	cleanup_free char *own = NULL;
	bool populated = false;
	pid_t pids[2];
	cleanup_close int fd = child_cgroup(test_cgroup(), "born/here");
	struct spawned s = spawn(fd, 0, spawn_sleeper, NULL);

	EXPECT_EQ(spawn_listen(&s), 1);
	EXPECT_EQ(cg_procs(fd, pids, 2), 1);
	EXPECT_EQ(pids[0], s.pid);
	EXPECT_EQ(cg_threads(fd), 1);
	EXPECT_EQ(cg_populated(test_cgroup(), &populated), 0);
	EXPECT_TRUE(populated);
	ASSERT_EQ(cg_own(s.pid, &own), 0);
	EXPECT_TRUE(strlen(own) > 10 && strcmp(own + strlen(own) - 10, "/born/here") == 0);
	spawn_go(&s);
	EXPECT_EQ(spawn_end(&s), 0);
	EXPECT_EQ(cg_wait_empty(fd, 1000), 0);
}

TEST(a_frozen_tree_is_killed_with_all_below, NEED_ROOT, NEED_CGROUP2)
{
	cleanup_close int top = child_cgroup(test_cgroup(), "top");
	cleanup_close int sub = child_cgroup(top, "a/b");
	struct spawned one = spawn(top, 0, spawn_sleeper, NULL);
	struct spawned other = spawn(sub, 0, spawn_sleeper, NULL);

	EXPECT_EQ(spawn_listen(&one), 1);
	EXPECT_EQ(spawn_listen(&other), 1);
	EXPECT_EQ(cg_freeze(top, true), 0);
	EXPECT_EQ(cg_kill(top), 0);
	EXPECT_TRUE(killed(spawn_end(&one)));
	EXPECT_TRUE(killed(spawn_end(&other)));
	EXPECT_EQ(cg_remove(test_cgroup(), "top"), 0);
	EXPECT_EQ(faccessat(test_cgroup(), "top", F_OK, 0), -1);
}

TEST(a_removal_waits_for_processes_that_are_dying, NEED_ROOT, NEED_CGROUP2)
{
	cleanup_close int top = child_cgroup(test_cgroup(), "top");
	cleanup_close int sub = child_cgroup(top, "below");
	struct spawned s[16];

	for (size_t i = 0; i < ARRAY_SIZE(s); i++)
		s[i] = spawn(i % 2 ? top : sub, 0, spawn_sleeper, NULL);
	EXPECT_EQ(cg_kill(top), 0);
	EXPECT_EQ(cg_remove(test_cgroup(), "top"), 0); /* not one of them is reaped yet */
	EXPECT_EQ(faccessat(test_cgroup(), "top", F_OK, 0), -1);
	for (size_t i = 0; i < ARRAY_SIZE(s); i++)
		EXPECT_TRUE(killed(spawn_end(&s[i])));
}

TEST(a_wait_for_processes_that_stay_ends_in_time, NEED_ROOT, NEED_CGROUP2)
{
	cleanup_close int fd = child_cgroup(test_cgroup(), "busy");
	struct spawned s = spawn(fd, 0, spawn_sleeper, NULL);

	EXPECT_EQ(spawn_listen(&s), 1);
	EXPECT_EQ(cg_wait_empty(fd, 20), -EBUSY);
	EXPECT_EQ(cg_remove(test_cgroup(), "busy"), -EBUSY);
	spawn_go(&s);
	EXPECT_EQ(spawn_end(&s), 0);
	EXPECT_EQ(cg_remove(test_cgroup(), "busy"), 0);
}

TEST(a_removed_cgroup_reads_as_gone_and_is_empty, NEED_ROOT, NEED_CGROUP2)
{
	uint64_t v = 7;
	int nr;
	cleanup_close int fd = child_cgroup(test_cgroup(), "gone");

	EXPECT_EQ(cg_remove(test_cgroup(), "gone"), 0);
	nr = cg_procs(fd, NULL, 0);
	EXPECT_TRUE(nr == -ENODEV || nr == -ENOENT);
	EXPECT_LT(cg_read_u64(fd, "cgroup.max.depth", &v), 0);
	EXPECT_EQ(v, 7);
	EXPECT_EQ(cg_wait_empty(fd, 0), 0);
}

TEST(controllers_reach_the_children_that_are_to_have_them, NEED_ROOT, NEED_CGROUP2)
{
	unsigned int have = 0, on = 0, below = 0;
	cleanup_close int mid = child_cgroup(test_cgroup(), "mid");
	cleanup_close int leaf = child_cgroup(mid, "leaf");

	ASSERT_EQ(cg_controllers(mid, &have), 0);
	EXPECT_EQ(cg_enable(mid, CG_CPU | CG_MEMORY | CG_PIDS, &on), 0);
	EXPECT_EQ(on, have & (CG_CPU | CG_MEMORY | CG_PIDS));
	EXPECT_EQ(cg_controllers(leaf, &below), 0);
	EXPECT_EQ(below, on);
	EXPECT_EQ(faccessat(leaf, "pids.max", F_OK, 0), on & CG_PIDS ? 0 : -1);
	EXPECT_EQ(faccessat(leaf, "memory.max", F_OK, 0), on & CG_MEMORY ? 0 : -1);
	EXPECT_EQ(faccessat(leaf, "cpu.max", F_OK, 0), on & CG_CPU ? 0 : -1);
}

TEST(cgroup2_is_found_where_it_is_mounted, NEED_ROOT, NEED_CGROUP2)
{
	cleanup_free char *at = NULL, *own = NULL;
	struct stat st;
	char path[4200];

	ASSERT_EQ(cg_find_mount("/proc/self/mountinfo", &at), 0);
	(void)snprintf(path, sizeof(path), "%s/cgroup.controllers", at); /* fits */
	EXPECT_EQ(stat(path, &st), 0);
	EXPECT_EQ(cg_own(0, &own), 0);
	EXPECT_EQ(own[0], '/');
}
