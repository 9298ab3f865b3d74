// SPDX-License-Identifier: Apache-2.0
/*
 * The cgroup, meter, cpu, memory and pids rows against the kernel. What needs no controller is
 * tested below a cgroup that gives none to its children, so that it is tested everywhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "cgroupfs/cgroupfs.h"
#include "selftests/harness/iso_rig.h"
#include "selftests/harness/spawn.h"
#include "selftests/harness/test.h"

#define MIB	  (1UL << 20)
#define USER_BASE 300000 /* host id of the user namespace's root; nobody's */

static bool killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* A cgroup whose children have no controller. */
static int plain_parent(void)
{
	int fd = cg_open(test_cgroup(), "plain", true);

	ASSERT_TRUE(fd >= 0);
	return fd;
}

static void rig_begin(struct iso_rig *rig, int host_fd)
{
	iso_rig_init(rig, host_fd, "t");
	ASSERT_EQ(cgroup_isolator.prepare(&rig->iso), 0);
}

/* ---- the cgroup ---- */

TEST(a_container_leaves_no_process_and_no_cgroup, NEED_ROOT, NEED_CGROUP2)
{
	struct iso_rig rig;

	rig_begin(&rig, test_cgroup());
	cleanup_close int sub = cg_open(rig.iso.cgroup_fd, "made/by/task", true);
	struct spawned one = spawn(rig.iso.cgroup_fd, 0, spawn_sleeper, NULL);
	struct spawned other = spawn(sub, 0, spawn_sleeper, NULL);

	EXPECT_EQ(spawn_listen(&one), 1);
	EXPECT_EQ(spawn_listen(&other), 1);
	EXPECT_EQ(cg_freeze(rig.iso.cgroup_fd, true), 0);
	cgroup_isolator.cleanup(&rig.iso);
	EXPECT_EQ(rig.iso.cgroup_fd, -1);
	EXPECT_STREQ(rig.iso.why.text, "");
	EXPECT_TRUE(killed(spawn_end(&one)));
	EXPECT_TRUE(killed(spawn_end(&other)));
	EXPECT_EQ(faccessat(test_cgroup(), "t", F_OK, 0), -1);
	cgroup_isolator.cleanup(&rig.iso);
	iso_rig_free(&rig);
}

TEST(an_id_in_use_is_refused_and_its_owner_stays, NEED_ROOT, NEED_CGROUP2)
{
	struct iso_rig rig, second;

	rig_begin(&rig, test_cgroup());
	iso_rig_init(&second, test_cgroup(), "t");
	EXPECT_EQ(cgroup_isolator.prepare(&second.iso), -EEXIST);
	EXPECT_STREQ(second.iso.why.text, "cgroup t: File exists");
	cgroup_isolator.cleanup(&second.iso);
	EXPECT_EQ(faccessat(test_cgroup(), "t", F_OK, 0), 0);
	iso_rig_free(&second);
	iso_rig_free(&rig);
}

TEST(an_id_that_leads_elsewhere_makes_no_cgroup, NEED_ROOT, NEED_CGROUP2)
{
	static const char *const ids[] = {"../t", "a/b", "", "..", ".x"};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		struct iso_rig rig;

		iso_rig_init(&rig, test_cgroup(), ids[i]);
		EXPECT_EQ(cgroup_isolator.prepare(&rig.iso), -EINVAL);
		EXPECT_TRUE(strncmp(rig.iso.why.text, "id=", 3) == 0);
		EXPECT_EQ(rig.iso.cgroup_fd, -1);
		iso_rig_free(&rig);
	}
}

TEST(a_container_is_found_again_by_its_id, NEED_ROOT, NEED_CGROUP2)
{
	struct iso_rig rig, later;

	rig_begin(&rig, test_cgroup());
	iso_rig_init(&later, test_cgroup(), "t");
	EXPECT_EQ(cgroup_isolator.recover(&later.iso), 0);
	EXPECT_GE(later.iso.cgroup_fd, 0);
	EXPECT_EQ(later.iso.cgroup_id, rig.iso.cgroup_id);
	close_fd(&rig.iso.cgroup_fd);
	iso_rig_free(&rig);
	iso_rig_free(&later);
	iso_rig_init(&later, test_cgroup(), "t");
	EXPECT_EQ(cgroup_isolator.recover(&later.iso), -ENOENT);
	EXPECT_STREQ(later.iso.why.text, "cgroup t: No such file or directory");
	iso_rig_free(&later);
}

TEST(what_a_task_can_nest_can_be_removed, NEED_ROOT, NEED_CGROUP2)
{
	char path[2 * (CG_DEPTH_MAX + 2)] = "d";
	struct iso_rig rig;

	rig_begin(&rig, test_cgroup());
	for (int i = 1; i <= CG_DEPTH_MAX + 1; i++) {
		int err = mkdirat(rig.iso.cgroup_fd, path, 0755) ? -errno : 0;

		EXPECT_EQ(err, i <= CG_DEPTH_MAX ? 0 : -EAGAIN);
		memcpy(path + strlen(path), "/d", 3);
	}
	cgroup_isolator.cleanup(&rig.iso);
	EXPECT_EQ(faccessat(test_cgroup(), "t", F_OK, 0), -1);
	iso_rig_free(&rig);
}

/* Uses so much CPU time of its own, then ends. */
static int burn_ms(const struct spawn_child *c)
{
	struct timespec t;

	do {
		if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t))
			return 1;
	} while (t.tv_sec * 1000 + t.tv_nsec / 1000000 < *(int *)c->arg);
	return 0;
}

TEST(cpu_time_used_shows_in_the_sample, NEED_ROOT, NEED_CGROUP2)
{
	struct iso_sample s = iso_rig_sample();
	struct iso_rig rig;
	int ms = 50;

	rig_begin(&rig, test_cgroup());
	struct spawned burner = spawn(rig.iso.cgroup_fd, 0, burn_ms, &ms);

	EXPECT_EQ(spawn_end(&burner), 0);
	EXPECT_EQ(cgroup_isolator.sample(&rig.iso, &s), 0);
	EXPECT_GE(s.cpu_usage_us, 50000);
	EXPECT_LT(s.cpu_usage_us, 500000);
	EXPECT_LE(s.cpu_user_us, s.cpu_usage_us);
	EXPECT_LE(s.cpu_system_us, s.cpu_usage_us);
	iso_rig_free(&rig);
}

TEST(the_hosts_answer_names_its_controllers, NEED_ROOT, NEED_CGROUP2)
{
	struct iso_host host = {.cgroup_fd = test_cgroup()};
	struct iso_probe p = {0};
	unsigned int on = 0;

	EXPECT_EQ(cg_subtree_controllers(test_cgroup(), &on), 0);
	EXPECT_EQ(cgroup_isolator.probe(&host, &p), 0);
	EXPECT_TRUE(p.ok);
	EXPECT_EQ(strstr(p.how, " pids") != NULL, !!(on & CG_PIDS));
	EXPECT_EQ(strstr(p.how, " none") != NULL, !on);
	EXPECT_EQ(pids_isolator.probe(&host, &p), 0);
	EXPECT_EQ(p.ok, !!(on & CG_PIDS));
	host.cgroup_fd = -1;
	memset(&p, 0, sizeof(p));
	EXPECT_EQ(cgroup_isolator.probe(&host, &p), 0);
	EXPECT_FALSE(p.ok);
	EXPECT_TRUE(strstr(p.reason, "Bad file descriptor") != NULL);
}

/* ---- the meter's slot ---- */

struct fake_meter {
	int attach_err, cgroup_fd;
	int attached, detached;
	uint64_t id;
	bool populated;
};

static int fake_attach(void *ctx, uint64_t cgroup_id, uint32_t *ret_slot)
{
	struct fake_meter *m = ctx;

	if (m->attach_err)
		return m->attach_err;
	m->attached++;
	m->id = cgroup_id;
	*ret_slot = 7;
	return 0;
}

static void fake_detach(void *ctx, uint64_t cgroup_id, uint32_t slot)
{
	struct fake_meter *m = ctx;

	m->detached += slot == 7 && cgroup_id == m->id;
	EXPECT_EQ(cg_populated(m->cgroup_fd, &m->populated), 0);
}

TEST(a_slot_is_given_back_when_the_last_process_is_gone, NEED_ROOT, NEED_CGROUP2)
{
	struct fake_meter fake = {.populated = true};
	struct iso_meter meter = {.ctx = &fake, .attach = fake_attach, .detach = fake_detach};
	struct iso_rig rig;

	rig_begin(&rig, test_cgroup());
	rig.host.meter = &meter;
	fake.cgroup_fd = rig.iso.cgroup_fd;
	EXPECT_EQ(meter_isolator.prepare(&rig.iso), 0);
	EXPECT_TRUE(rig.iso.metered);
	EXPECT_EQ(rig.iso.slot, 7);
	EXPECT_EQ(fake.id, rig.iso.cgroup_id);
	struct spawned s = spawn(rig.iso.cgroup_fd, 0, spawn_sleeper, NULL);

	meter_isolator.cleanup(&rig.iso);
	meter_isolator.cleanup(&rig.iso);
	EXPECT_EQ(fake.detached, 1);
	EXPECT_FALSE(fake.populated);
	EXPECT_FALSE(rig.iso.metered);
	EXPECT_TRUE(killed(spawn_end(&s)));
	iso_rig_free(&rig);
}

TEST(a_task_without_a_slot_runs_and_says_so, NEED_ROOT, NEED_CGROUP2)
{
	struct fake_meter fake = {.attach_err = -ENOSPC};
	struct iso_meter meter = {.ctx = &fake, .attach = fake_attach, .detach = fake_detach};
	struct iso_rig rig;

	rig_begin(&rig, test_cgroup());
	rig.host.meter = &meter;
	EXPECT_EQ(meter_isolator.prepare(&rig.iso), 0);
	EXPECT_FALSE(rig.iso.metered);
	EXPECT_STREQ(iso_rig_warning(&rig), "not metered: all slots are in use");
	meter_isolator.cleanup(&rig.iso);
	EXPECT_EQ(fake.detached, 0);
	iso_rig_free(&rig);
}

/* ---- without controllers ---- */

TEST(limits_without_controllers_are_warnings, NEED_ROOT, NEED_CGROUP2)
{
	cleanup_close int parent = plain_parent();
	struct iso_rig rig;

	rig_begin(&rig, parent);
	rig.iso.res.cpu_quota_us = 50000;
	rig.iso.res.memory_max_bytes = 64 * MIB;
	rig.iso.res.pids_max = 5;
	EXPECT_EQ(cpu_isolator.prepare(&rig.iso), 0);
	EXPECT_EQ(memory_isolator.prepare(&rig.iso), 0);
	EXPECT_EQ(pids_isolator.prepare(&rig.iso), 0);
	ASSERT_EQ(rig.iso.warnings_nr, 3);
	EXPECT_TRUE(strstr(rig.iso.warnings[0], "resources.cpus is not enforced: ") != NULL);
	EXPECT_TRUE(strstr(rig.iso.warnings[1], "resources.memory is not enforced: ") != NULL);
	EXPECT_TRUE(strstr(rig.iso.warnings[2], "resources.pids is not enforced: ") != NULL);
	iso_rig_free(&rig);
}

static int touch_memory(const struct spawn_child *c)
{
	size_t size = *(size_t *)c->arg;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < size; i += 4096)
		p[i] = 1;
	return spawn_sleeper(c);
}

TEST(resident_memory_is_read_without_the_controller, NEED_ROOT, NEED_CGROUP2)
{
	cleanup_close int parent = plain_parent();
	struct iso_sample before = iso_rig_sample(), s = iso_rig_sample();
	size_t size = 32 * MIB;
	struct iso_rig rig;

	rig_begin(&rig, parent);
	cleanup_close int sub = cg_open(rig.iso.cgroup_fd, "sub", true);

	EXPECT_EQ(memory_isolator.sample(&rig.iso, &before), 0);
	EXPECT_EQ(before.memory_bytes, 0);
	struct spawned one = spawn(rig.iso.cgroup_fd, 0, touch_memory, &size);
	struct spawned other = spawn(sub, 0, touch_memory, &size);

	EXPECT_EQ(spawn_listen(&one), 1);
	EXPECT_EQ(spawn_listen(&other), 1);
	EXPECT_EQ(memory_isolator.sample(&rig.iso, &s), 0);
	EXPECT_GE(s.memory_bytes, 2 * size);
	EXPECT_LT(s.memory_bytes, 2 * size + 32 * MIB);
	EXPECT_EQ(pids_isolator.sample(&rig.iso, &s), 0);
	EXPECT_EQ(s.pids, 2);
	spawn_go(&one);
	spawn_go(&other);
	EXPECT_EQ(spawn_end(&one), 0);
	EXPECT_EQ(spawn_end(&other), 0);
	iso_rig_free(&rig);
}

/* Tells how many it could fork, each time it may go. */
static int fork_each_go(const struct spawn_child *c)
{
	for (int i = 0; i < 8; i++) {
		spawn_tell(c, spawn_forks(16));
		spawn_hold(c);
	}
	return 0;
}

/* The same in a user namespace, limited by the row. */
static int fork_in_userns(const struct spawn_child *c)
{
	struct isolation *iso = c->arg;

	spawn_hold(c); /* until there is a uid_map */
	if (setresgid(0, 0, 0) || setresuid(0, 0, 0))
		return 1;
	if (pids_isolator.enter(iso))
		return 2;
	return fork_each_go(c);
}

static void map_ids(pid_t pid)
{
	static const char *const files[] = {"uid_map", "gid_map"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[64], map[64];

		(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]); /* fits */
		(void)snprintf(map, sizeof(map), "0 %d 1000", USER_BASE); /* fits */
		ASSERT_EQ(cg_write(AT_FDCWD, path, map), 0);
	}
}

TEST(a_user_namespace_limits_pids_without_the_controller, NEED_ROOT, NEED_CGROUP2, NEED_USERNS)
{
	cleanup_close int parent = plain_parent();
	struct iso_rig rig;
	struct rlimit own;
	int err;

	rig_begin(&rig, parent);
	rig.spec.namespaces = CLONE_NEWUSER;
	rig.iso.res.pids_max = 5;
	EXPECT_EQ(pids_isolator.prepare(&rig.iso), 0);
	EXPECT_EQ(rig.iso.warnings_nr, 0);
	struct spawned s = spawn(rig.iso.cgroup_fd, CLONE_NEWUSER, fork_in_userns, &rig.iso);

	map_ids(s.pid);
	spawn_go(&s);
	EXPECT_EQ(spawn_listen(&s), 4); /* and itself */
	rig.iso.res.pids_max = 3;
	EXPECT_EQ(pids_isolator.update(&rig.iso), 0);
	spawn_go(&s);
	EXPECT_EQ(spawn_listen(&s), 2);

	/* wider again: only with CAP_SYS_RESOURCE, which is tried on ourselves */
	ASSERT_EQ(getrlimit(RLIMIT_NPROC, &own), 0);
	rig.iso.res.pids_max = 6;
	err = pids_isolator.update(&rig.iso);
	spawn_go(&s);
	if (err) {
		EXPECT_EQ(err, -EPERM);
		EXPECT_STREQ(rig.iso.why.text, "RLIMIT_NPROC=6: Operation not permitted");
		EXPECT_EQ(spawn_listen(&s), 2);
		own.rlim_max--;
		own.rlim_cur = own.rlim_max;
		EXPECT_EQ(setrlimit(RLIMIT_NPROC, &own), 0);
		own.rlim_max++;
		EXPECT_EQ(setrlimit(RLIMIT_NPROC, &own), -1); /* we may not either */
	} else {
		EXPECT_EQ(spawn_listen(&s), 5);
	}
	EXPECT_EQ(cg_kill(rig.iso.cgroup_fd), 0);
	EXPECT_TRUE(killed(spawn_end(&s)));
	iso_rig_free(&rig);
}

/* ---- with controllers ---- */

TEST(a_cpu_quota_holds_a_task_back, NEED_ROOT, NEED_CGROUP2, NEED_CPU_CONTROLLER)
{
	struct iso_sample s = iso_rig_sample();
	struct timespec from, to;
	struct iso_rig rig;
	int ms = 100;

	rig_begin(&rig, test_cgroup());
	rig.iso.res.cpu_quota_us = 20000;
	rig.iso.res.cpu_period_us = 100000;
	rig.iso.res.cpu_weight = 200;
	ASSERT_EQ(cpu_isolator.prepare(&rig.iso), 0);
	ASSERT_EQ(clock_gettime(CLOCK_MONOTONIC, &from), 0);
	struct spawned burner = spawn(rig.iso.cgroup_fd, 0, burn_ms, &ms);

	EXPECT_EQ(spawn_end(&burner), 0);
	ASSERT_EQ(clock_gettime(CLOCK_MONOTONIC, &to), 0);
	/* 100 ms at 20 ms in each 100 ms: at least three refills had to be waited for */
	EXPECT_GE((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000, 250);
	EXPECT_EQ(cpu_isolator.sample(&rig.iso, &s), 0);
	EXPECT_GE(s.nr_periods, 3);
	EXPECT_GE(s.nr_throttled, 3);
	EXPECT_GT(s.throttled_us, 100000);
	EXPECT_EQ(rig.iso.warnings_nr, 0);
	iso_rig_free(&rig);
}

static void expect_text(int dirfd, const char *file, const char *want)
{
	char text[64] = "";

	EXPECT_GE(cg_read_text(dirfd, file, text, sizeof(text)), 0);
	EXPECT_STREQ(text, want);
}

TEST(a_quota_that_the_kernel_refuses_changes_nothing, NEED_ROOT, NEED_CGROUP2, NEED_CPU_CONTROLLER)
{
	struct iso_rig rig;

	rig_begin(&rig, test_cgroup());
	rig.iso.res.cpu_quota_us = 40000;
	rig.iso.res.cpu_burst_us = 30000;
	ASSERT_EQ(cpu_isolator.prepare(&rig.iso), 0);
	rig.iso.res.cpu_quota_us = 10; /* below the kernel's millisecond */
	rig.iso.res.cpu_burst_us = 0;
	EXPECT_EQ(cpu_isolator.update(&rig.iso), -EINVAL);
	EXPECT_STREQ(rig.iso.why.text,
		     "cpu.max=10 100000: refused by the kernel, allowed is a period of "
		     "1000..1000000 us and a quota of at least 1000 us");
	expect_text(rig.iso.cgroup_fd, "cpu.max", "40000 100000");
	expect_text(rig.iso.cgroup_fd, "cpu.max.burst", "30000");
	rig.iso.res.cpu_quota_us = 20000; /* below the burst that is in force */
	rig.iso.res.cpu_burst_us = 20000;
	EXPECT_EQ(cpu_isolator.update(&rig.iso), 0);
	expect_text(rig.iso.cgroup_fd, "cpu.max", "20000 100000");
	expect_text(rig.iso.cgroup_fd, "cpu.max.burst", "20000");
	rig.iso.res.cpu_weight = 10001;
	EXPECT_EQ(cpu_isolator.update(&rig.iso), -EINVAL);
	expect_text(rig.iso.cgroup_fd, "cpu.max.burst", "20000");
	expect_text(rig.iso.cgroup_fd, "cpu.weight", "100");
	iso_rig_free(&rig);
}

TEST(an_out_of_memory_kill_takes_the_whole_task_and_no_other, NEED_ROOT, NEED_CGROUP2,
     NEED_MEMORY_CONTROLLER)
{
	struct iso_sample s = iso_rig_sample();
	size_t small = 1 * MIB, big = 64 * MIB;
	struct iso_rig rig;

	rig_begin(&rig, test_cgroup());
	rig.iso.res.memory_max_bytes = 16 * MIB;
	rig.iso.res.memory_swap_max_bytes = 0;
	ASSERT_EQ(memory_isolator.prepare(&rig.iso), 0);
	cleanup_close int beside = cg_open(test_cgroup(), "beside", true);
	struct spawned neighbour = spawn(beside, 0, touch_memory, &big);
	struct spawned bystander = spawn(rig.iso.cgroup_fd, 0, touch_memory, &small);

	EXPECT_EQ(spawn_listen(&neighbour), 1);
	EXPECT_EQ(spawn_listen(&bystander), 1);
	EXPECT_EQ(memory_isolator.sample(&rig.iso, &s), 0);
	EXPECT_GE(s.memory_bytes, small);
	EXPECT_EQ(s.oom_kills, 0);
	struct spawned hog = spawn(rig.iso.cgroup_fd, 0, touch_memory, &big);

	EXPECT_TRUE(killed(spawn_end(&hog)));
	EXPECT_TRUE(killed(spawn_end(&bystander)));
	EXPECT_EQ(memory_isolator.sample(&rig.iso, &s), 0);
	EXPECT_GE(s.oom_kills, 1);
	if (s.memory_peak_bytes != CT_UNSET)
		EXPECT_GE(s.memory_peak_bytes, 15 * MIB);
	spawn_go(&neighbour);
	EXPECT_EQ(spawn_end(&neighbour), 0);
	iso_rig_free(&rig);
}

TEST(memory_limits_change_under_a_task_that_runs, NEED_ROOT, NEED_CGROUP2, NEED_MEMORY_CONTROLLER)
{
	struct iso_rig rig;
	uint64_t v = 0;

	rig_begin(&rig, test_cgroup());
	rig.iso.res.memory_max_bytes = 16 * MIB;
	rig.iso.res.memory_high_bytes = 8 * MIB;
	rig.iso.res.memory_low_bytes = 4 * MIB;
	ASSERT_EQ(memory_isolator.prepare(&rig.iso), 0);
	EXPECT_EQ(cg_read_u64(rig.iso.cgroup_fd, "memory.high", &v), 0);
	EXPECT_EQ(v, 8 * MIB);
	rig.iso.res = rig.spec.resources;
	rig.iso.res.memory_max_bytes = 32 * MIB;
	EXPECT_EQ(memory_isolator.update(&rig.iso), 0);
	EXPECT_EQ(cg_read_u64(rig.iso.cgroup_fd, "memory.max", &v), 0);
	EXPECT_EQ(v, 32 * MIB);
	EXPECT_EQ(cg_read_u64(rig.iso.cgroup_fd, "memory.high", &v), 0);
	EXPECT_EQ(v, UINT64_MAX);
	EXPECT_EQ(cg_read_u64(rig.iso.cgroup_fd, "memory.low", &v), 0);
	EXPECT_EQ(v, 0);
	EXPECT_EQ(cg_read_u64(rig.iso.cgroup_fd, "memory.oom.group", &v), 0);
	EXPECT_EQ(v, 1);
	iso_rig_free(&rig);
}

TEST(a_pids_limit_makes_forks_fail_and_can_be_changed, NEED_ROOT, NEED_CGROUP2,
     NEED_PIDS_CONTROLLER)
{
	struct iso_sample s = iso_rig_sample();
	struct iso_rig rig;

	rig_begin(&rig, test_cgroup());
	rig.iso.res.pids_max = 5;
	ASSERT_EQ(pids_isolator.prepare(&rig.iso), 0);
	struct spawned f = spawn(rig.iso.cgroup_fd, 0, fork_each_go, NULL);

	EXPECT_EQ(spawn_listen(&f), 4);
	EXPECT_EQ(pids_isolator.sample(&rig.iso, &s), 0);
	EXPECT_EQ(s.pids, 1);
	rig.iso.res.pids_max = 3;
	EXPECT_EQ(pids_isolator.update(&rig.iso), 0);
	spawn_go(&f);
	EXPECT_EQ(spawn_listen(&f), 2);
	rig.iso.res.pids_max = CT_UNSET;
	EXPECT_EQ(pids_isolator.update(&rig.iso), 0);
	spawn_go(&f);
	EXPECT_EQ(spawn_listen(&f), 16);
	EXPECT_EQ(cg_kill(rig.iso.cgroup_fd), 0);
	EXPECT_TRUE(killed(spawn_end(&f)));
	iso_rig_free(&rig);
}

TEST(a_pids_limit_that_the_kernel_refuses_is_named, NEED_ROOT, NEED_CGROUP2, NEED_PIDS_CONTROLLER)
{
	struct iso_rig rig;

	rig_begin(&rig, test_cgroup());
	rig.iso.res.pids_max = 1ULL << 40; /* beyond the kernel's own limit of ids */
	EXPECT_EQ(pids_isolator.prepare(&rig.iso), -EINVAL);
	EXPECT_STREQ(rig.iso.why.text, "pids.max=1099511627776: refused by the kernel, allowed is "
				       "a number of tasks");
	iso_rig_free(&rig);
}
