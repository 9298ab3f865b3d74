// SPDX-License-Identifier: Apache-2.0
/*
 * Which files the cpu, memory and pids rows write, in which order, and what they do when one can't
 * be written. On a temporary tree instead of a cgroup: what the kernel makes of the values is
 * tested in selftests/root/resources.c.
 */
#include "isolators/knobs.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"

#include "selftests/harness/iso_rig.h"

static void put(int dirfd, const char *file, const char *text)
{
	cleanup_close int fd = openat(dirfd, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		test_abort();
}

/* An expectation that names the file. */
static void expect_file(const struct iso_rig *rig, const char *file, const char *want)
{
	char text[64];
	int n = cg_read_text(rig->iso.cgroup_fd, file, text, sizeof(text));

	if (n < 0 || strcmp(text, want))
		test_fail(__FILE__, __LINE__, "%s: got \"%s\" (%d) want \"%s\"", file,
			  n < 0 ? "" : text, n, want);
}

/* A host whose tree says that children have these controllers, and a container below. */
static void rig_tree(struct iso_rig *rig, const char *controllers)
{
	int fd = open(test_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		test_abort();
	put(fd, "cgroup.controllers", controllers);
	put(fd, "cgroup.subtree_control", controllers);
	iso_rig_init(rig, fd, "t");
	rig->iso.cgroup_fd = cg_open(fd, "t", true);
	if (rig->iso.cgroup_fd < 0)
		test_abort();
}

static void rig_tree_cpu(struct iso_rig *rig)
{
	rig_tree(rig, "cpu");
	put(rig->iso.cgroup_fd, "cpu.max", "max 100000\n");
	put(rig->iso.cgroup_fd, "cpu.max.burst", "0\n");
	put(rig->iso.cgroup_fd, "cpu.weight", "100\n");
}

static void rig_tree_memory(struct iso_rig *rig)
{
	rig_tree(rig, "memory");
	put(rig->iso.cgroup_fd, "memory.oom.group", "0\n");
	put(rig->iso.cgroup_fd, "memory.low", "0\n");
	put(rig->iso.cgroup_fd, "memory.high", "max\n");
	put(rig->iso.cgroup_fd, "memory.max", "max\n");
}

static void rig_done(struct iso_rig *rig)
{
	close_fd(&rig->iso.cgroup_fd); /* the tree goes with the test */
	close_fd(&rig->host.cgroup_fd);
	iso_rig_free(rig);
}

TEST(limits_that_nobody_asked_for_are_not_written)
{
	struct iso_rig rig;

	rig_tree_cpu(&rig);
	EXPECT_EQ(cpu_isolator.prepare(&rig.iso), 0);
	expect_file(&rig, "cpu.max", "max 100000");
	expect_file(&rig, "cpu.weight", "100");
	EXPECT_EQ(rig.iso.warnings_nr, 0);
	rig_done(&rig);
}

TEST(a_quota_is_written_with_its_period)
{
	struct iso_rig rig;

	rig_tree_cpu(&rig);
	rig.iso.res.cpu_quota_us = 25000;
	rig.iso.res.cpu_period_us = 50000;
	rig.iso.res.cpu_burst_us = 5000;
	rig.iso.res.cpu_weight = 300;
	EXPECT_EQ(cpu_isolator.prepare(&rig.iso), 0);
	expect_file(&rig, "cpu.max", "25000 50000");
	expect_file(&rig, "cpu.max.burst", "5000");
	expect_file(&rig, "cpu.weight", "300");
	rig.iso.res.cpu_quota_us = CT_UNSET;
	rig.iso.res.cpu_burst_us = CT_UNSET;
	rig.iso.res.cpu_period_us = CT_UNSET;
	EXPECT_EQ(cpu_isolator.update(&rig.iso), 0);
	expect_file(&rig, "cpu.max", "max 100000");
	expect_file(&rig, "cpu.max.burst", "0");
	expect_file(&rig, "cpu.weight", "300");
	rig_done(&rig);
}

TEST(an_update_that_fails_halfway_leaves_the_old_limits)
{
	struct iso_rig rig;

	rig_tree_cpu(&rig);
	rig.iso.res.cpu_quota_us = 25000;
	rig.iso.res.cpu_burst_us = 5000;
	EXPECT_EQ(cpu_isolator.prepare(&rig.iso), 0);
	EXPECT_EQ(unlinkat(rig.iso.cgroup_fd, "cpu.weight", 0), 0);
	rig.iso.res.cpu_quota_us = 50000;
	rig.iso.res.cpu_burst_us = 7000;
	rig.iso.res.cpu_weight = 5;
	EXPECT_EQ(cpu_isolator.update(&rig.iso), -ENOENT);
	EXPECT_STREQ(rig.iso.why.text, "cpu.weight=5: No such file or directory");
	expect_file(&rig, "cpu.max", "25000 100000");
	expect_file(&rig, "cpu.max.burst", "5000");
	rig_done(&rig);
}

TEST(a_limit_without_its_controller_is_a_warning_not_a_refusal)
{
	struct iso_rig rig;

	rig_tree(&rig, "memory pids\n");
	rig.iso.res.cpu_quota_us = 25000;
	EXPECT_EQ(cpu_isolator.prepare(&rig.iso), 0);
	EXPECT_STREQ(iso_rig_warning(&rig), "resources.cpus is not enforced: no cpu controller "
					    "in cgroup.controllers");
	EXPECT_EQ(cpu_isolator.update(&rig.iso), 0);
	EXPECT_EQ(rig.iso.warnings_nr, 1);
	rig_done(&rig);
}

TEST(a_controller_that_is_only_switched_off_is_told_apart)
{
	struct iso_rig rig;
	struct iso_probe p = {0};

	rig_tree(&rig, "cpu memory\n");
	put(rig.host.cgroup_fd, "cgroup.subtree_control", "memory\n");
	rig.iso.res.cpu_weight = 1;
	EXPECT_EQ(cpu_isolator.prepare(&rig.iso), 0);
	EXPECT_STREQ(iso_rig_warning(&rig), "resources.cpu_weight is not enforced: the cpu "
					    "controller is not on in cgroup.subtree_control");
	EXPECT_EQ(cpu_isolator.probe(&rig.host, &p), 0);
	EXPECT_FALSE(p.ok);
	EXPECT_STREQ(p.reason, "the cpu controller is not on in cgroup.subtree_control");
	EXPECT_EQ(memory_isolator.probe(&rig.host, &p), 0);
	EXPECT_TRUE(p.ok);
	rig_done(&rig);
}

TEST(an_oom_kill_takes_the_whole_task_also_without_a_limit)
{
	struct iso_rig rig;

	rig_tree_memory(&rig);
	EXPECT_EQ(memory_isolator.prepare(&rig.iso), 0);
	expect_file(&rig, "memory.oom.group", "1");
	expect_file(&rig, "memory.max", "max");
	rig_done(&rig);
}

TEST(memory_limits_are_set_and_taken_back)
{
	struct iso_rig rig;

	rig_tree_memory(&rig);
	rig.iso.res.memory_low_bytes = 4096;
	rig.iso.res.memory_high_bytes = 8192;
	rig.iso.res.memory_max_bytes = 16384;
	EXPECT_EQ(memory_isolator.prepare(&rig.iso), 0);
	expect_file(&rig, "memory.low", "4096");
	expect_file(&rig, "memory.high", "8192");
	expect_file(&rig, "memory.max", "16384");
	rig.iso.res = rig.spec.resources;
	EXPECT_EQ(memory_isolator.update(&rig.iso), 0);
	expect_file(&rig, "memory.low", "0");
	expect_file(&rig, "memory.high", "max");
	expect_file(&rig, "memory.max", "max");
	rig_done(&rig);
}

TEST(swap_that_the_kernel_does_not_account_is_a_warning)
{
	struct iso_rig rig;

	rig_tree_memory(&rig);
	rig.iso.res.memory_swap_max_bytes = 0;
	EXPECT_EQ(memory_isolator.prepare(&rig.iso), 0);
	EXPECT_STREQ(iso_rig_warning(&rig),
		     "resources.swap is not enforced: the kernel does not account swap");
	rig_done(&rig);
}

TEST(a_missing_pids_controller_is_made_up_for_in_a_user_namespace_only)
{
	struct iso_rig rig;

	rig_tree(&rig, "cpu\n");
	rig.iso.res.pids_max = 5;
	rig.spec.namespaces = CLONE_NEWUSER;
	EXPECT_EQ(pids_isolator.prepare(&rig.iso), 0);
	EXPECT_EQ(rig.iso.warnings_nr, 0);
	rig.spec.namespaces = 0;
	EXPECT_EQ(pids_isolator.prepare(&rig.iso), 0);
	EXPECT_STREQ(iso_rig_warning(&rig), "resources.pids is not enforced: no pids controller "
					    "in cgroup.controllers");
	rig_done(&rig);
}

TEST(a_knob_that_vanished_is_named_with_value_and_reason)
{
	struct iso_rig rig;

	rig_tree(&rig, "pids\n");
	struct knob k = knob_u64("pids.max", 5, "a number of tasks");

	EXPECT_EQ(knobs_write(&rig.iso, &k, 1), -ENOENT);
	EXPECT_STREQ(rig.iso.why.text, "pids.max=5: No such file or directory");
	rig_done(&rig);
}

TEST(samples_of_a_controller_are_read_from_its_files)
{
	struct iso_sample s = iso_rig_sample();
	struct iso_rig rig;

	rig_tree(&rig, "cpu memory pids\n");
	put(rig.iso.cgroup_fd, "cpu.stat",
	    "usage_usec 9\nuser_usec 4\nsystem_usec 5\nnr_periods 3\nnr_throttled 2\n"
	    "throttled_usec 77\n");
	put(rig.iso.cgroup_fd, "memory.current", "4096\n");
	put(rig.iso.cgroup_fd, "memory.peak", "8192\n");
	put(rig.iso.cgroup_fd, "memory.events", "low 0\noom 1\noom_kill 1\noom_group_kill 1\n");
	put(rig.iso.cgroup_fd, "pids.current", "6\n");
	put(rig.iso.cgroup_fd, "pids.events", "max 12\n");
	EXPECT_EQ(cgroup_isolator.sample(&rig.iso, &s), 0);
	EXPECT_EQ(cpu_isolator.sample(&rig.iso, &s), 0);
	EXPECT_EQ(memory_isolator.sample(&rig.iso, &s), 0);
	EXPECT_EQ(pids_isolator.sample(&rig.iso, &s), 0);
	EXPECT_EQ(s.cpu_usage_us, 9);
	EXPECT_EQ(s.cpu_user_us, 4);
	EXPECT_EQ(s.cpu_system_us, 5);
	EXPECT_EQ(s.nr_periods, 3);
	EXPECT_EQ(s.nr_throttled, 2);
	EXPECT_EQ(s.throttled_us, 77);
	EXPECT_EQ(s.memory_bytes, 4096);
	EXPECT_EQ(s.memory_peak_bytes, 8192);
	EXPECT_EQ(s.pids_max_events, 12);
	EXPECT_EQ(s.oom_kills, 1);
	EXPECT_EQ(s.pids, 6);
	rig_done(&rig);
}

TEST(without_the_memory_controller_the_resident_pages_are_summed)
{
	struct iso_sample s = iso_rig_sample();
	char text[64];
	struct iso_rig rig;

	rig_tree(&rig, "cpu\n");
	(void)snprintf(text, sizeof(text), "%d\n", (int)getpid()); /* fits */
	put(rig.iso.cgroup_fd, "cgroup.procs", text);
	EXPECT_EQ(memory_isolator.sample(&rig.iso, &s), 0);
	EXPECT_GT(s.memory_bytes, 100 << 10);
	EXPECT_LT(s.memory_bytes, 1 << 30);
	EXPECT_EQ(s.memory_peak_bytes, CT_UNSET);
	EXPECT_EQ(s.oom_kills, CT_UNSET);
	rig_done(&rig);
}

TEST(a_sum_over_too_many_processes_is_not_told_at_all)
{
	struct iso_sample s = iso_rig_sample();
	char text[8192] = "";
	size_t len = 0;
	struct iso_rig rig;

	rig_tree(&rig, "cpu\n");
	for (int i = 0; i < 600; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%d\n", 1 + i); /* fits */
	put(rig.iso.cgroup_fd, "cgroup.procs", text);
	EXPECT_EQ(memory_isolator.sample(&rig.iso, &s), 0);
	EXPECT_EQ(s.memory_bytes, CT_UNSET);
	rig_done(&rig);
}
