// SPDX-License-Identifier: Apache-2.0
/* CPU quotas by the governor, against cpu.stat; and that nobody stays frozen. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/governor.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "cgroupfs/cgroupfs.h"
#include "selftests/harness/meter_rig.h"
#include "selftests/harness/test.h"

#define NEEDS	     NEED_ROOT, NEED_CGROUP2, NEED_BPF
#define PERIOD_US    UINT64_C(100000)
#define NS_PER_US    1000
#define END_MS	     20000
#define DEADLINE_NS  UINT64_C(10000000000)
#define OVERSHOOT_US 60000 /* bookings come at ticks, on each CPU: paid back, but not by the end */
#define KILLS	     5
#define KILLS_ENV    "GOVERNOR_KILLS" /* of make bench-governor, which wants the bound below too */
#define FROST_US     (2 * PERIOD_US)
#define HELD_PERCENT 60 /* of one CPU, where the quota is 20 or less */

struct governed_rig {
	struct rig g;
	struct governor *gov;
};

static struct governed_rig up_with(const char *dir, int parent)
{
	struct governed_rig r = {};
	struct why why = {};

	if (rig_up_with(dir, parent, RIG_ONLY(METER_GOVERNOR), &r.g, &why) < 0 ||
	    governor_open(r.g.m, r.g.cgroup_fd, &r.gov, &why) < 0) {
		EXPECT_STREQ(why.text, "");
		test_abort();
	}
	return r;
}

static struct governed_rig up(void)
{
	return up_with(test_dir(), test_cgroup());
}

static void down(struct governed_rig *r)
{
	governor_close(r->gov);
	meter_close(r->g.m);
}

static int set(struct governed_rig *r, uint64_t quota_us, uint64_t burst_us)
{
	const struct iso_governor *iso = governor_iso(r->gov);
	const struct iso_quota q = {quota_us, PERIOD_US, burst_us};

	return iso->set(iso->ctx, r->g.slot, r->g.id, r->g.cgroup_fd, &q);
}

static void drop(struct governed_rig *r)
{
	const struct iso_governor *iso = governor_iso(r->gov);

	iso->drop(iso->ctx, r->g.slot, r->g.id);
}

static void *spin(void *arg)
{
	volatile uint64_t n = 0;

	for (;;)
		n++;
	return arg;
}

/* As many busy threads as @arg says, until it is killed. */
static int hog(void *arg)
{
	const int *threads = arg;
	pthread_t t;

	for (int i = 1; i < *threads; i++) {
		if (pthread_create(&t, NULL, spin, NULL))
			return 1;
	}
	(void)spin(NULL); /* never returns */
	return 0;
}

static pid_t hog_start(struct governed_rig *r, int threads, int *ret_pidfd)
{
	pid_t pid = rig_spawn(r->g.cgroup_fd, hog, &threads, ret_pidfd);

	ASSERT_TRUE(pid > 0);
	return pid;
}

static void hog_end(pid_t pid, int *pidfd)
{
	int status;

	EXPECT_EQ(kill(pid, SIGKILL), 0);
	EXPECT_EQ(rig_wait(pid, *pidfd, END_MS, &status), 0);
	close_fd(pidfd);
}

static bool is_frozen(int cgroup_fd)
{
	static const char *const keys[] = {"frozen", NULL};
	uint64_t frozen = 2;

	EXPECT_EQ(cg_read_keys(cgroup_fd, "cgroup.events", keys, &frozen), 1);
	return frozen == 1;
}

/* Until the cgroup is frozen, or is not: it is polled, the event would need a file for each. */
static bool becomes(int cgroup_fd, bool frozen)
{
	uint64_t end = rig_now_ns() + DEADLINE_NS;

	while (rig_now_ns() < end) {
		if (is_frozen(cgroup_fd) == frozen)
			return true;
	}
	return false;
}

/* The share that a load of @threads got in @us, and what it may have had at most. */
static void check_share(struct governed_rig *r, uint64_t quota_us, uint64_t burst_us, int threads,
			uint64_t us)
{
	uint64_t begin, used, end_us;
	int pidfd;
	pid_t pid;

	EXPECT_EQ(set(r, quota_us, burst_us), 0);
	pid = hog_start(r, threads, &pidfd);
	used = rig_cpu_us(r->g.cgroup_fd);
	begin = rig_now_ns() / NS_PER_US;
	(void)poll(NULL, 0, (int)(us / 1000)); /* this much of the load's time is wanted */
	used = rig_cpu_us(r->g.cgroup_fd) - used;
	end_us = rig_now_ns() / NS_PER_US - begin;
	printf("# quota %lu of %lu us, %d threads: %lu us in %lu us, %.2f %% of the quota\n",
	       quota_us, PERIOD_US, threads, used, end_us,
	       100.0 * (double)used / ((double)end_us * (double)quota_us / (double)PERIOD_US));
	EXPECT_LE(used, end_us * quota_us / PERIOD_US + quota_us + burst_us + OVERSHOOT_US);
	EXPECT_GE(used, end_us * quota_us / PERIOD_US / 2); /* a busy host gives less */
	hog_end(pid, &pidfd);
	drop(r);
}

TEST(a_busy_thread_gets_its_quota_and_no_more, NEEDS)
{
	struct governed_rig r = up();

	check_share(&r, 25000, 0, 1, 1000000);
	down(&r);
}

TEST(eight_busy_threads_get_their_quota_and_no_more, NEEDS)
{
	struct governed_rig r = up();

	check_share(&r, 50000, 0, 8, 1000000);
	down(&r);
}

TEST(a_burst_is_paid_once, NEEDS)
{
	struct governed_rig r = up();

	check_share(&r, 10000, 10000, 2, 1000000);
	down(&r);
}

TEST(periods_and_throttled_time_are_metered, NEEDS)
{
	struct governed_rig r = up();
	struct dcos_cell c;

	check_share(&r, 10000, 0, 1, 1000000);
	c = rig_row(&r.g);
	EXPECT_GE(c.nr_periods, 5);
	EXPECT_GE(c.nr_throttled, 4);
	EXPECT_LE(c.nr_throttled, c.nr_periods + 1);
	EXPECT_GE(c.throttled_ns, 300000000);
	EXPECT_LE(c.throttled_ns, rig_now_ns());
	down(&r);
}

TEST(another_quota_holds_at_once, NEEDS)
{
	struct governed_rig r = up();
	int pidfd;
	pid_t pid = hog_start(&r, 1, &pidfd);

	EXPECT_EQ(set(&r, 1000, 0), 0);
	EXPECT_TRUE(becomes(r.g.cgroup_fd, true));
	EXPECT_EQ(set(&r, 100 * PERIOD_US, 0), 0); /* far more than it can owe */
	EXPECT_TRUE(becomes(r.g.cgroup_fd, false));
	hog_end(pid, &pidfd);
	down(&r);
}

TEST(who_is_governed_no_longer_is_thawed, NEEDS)
{
	struct governed_rig r = up();
	int pidfd;
	pid_t pid = hog_start(&r, 1, &pidfd);

	EXPECT_EQ(set(&r, 1000, 0), 0);
	EXPECT_TRUE(becomes(r.g.cgroup_fd, true));
	drop(&r);
	EXPECT_TRUE(becomes(r.g.cgroup_fd, false));
	EXPECT_EQ(set(&r, 1000, 0), 0);
	EXPECT_TRUE(becomes(r.g.cgroup_fd, true));
	governor_close(r.gov);
	EXPECT_TRUE(becomes(r.g.cgroup_fd, false));
	hog_end(pid, &pidfd);
	meter_close(r.g.m);
}

TEST(a_quota_without_a_period_and_another_cgroups_slot_are_refused, NEEDS)
{
	struct governed_rig r = up();
	const struct iso_governor *iso = governor_iso(r.gov);
	struct iso_quota q = {1000, 0, 0};

	EXPECT_EQ(iso->set(iso->ctx, r.g.slot, r.g.id, r.g.cgroup_fd, &q), -EINVAL);
	q = (struct iso_quota){0, PERIOD_US, 0};
	EXPECT_EQ(iso->set(iso->ctx, r.g.slot, r.g.id, r.g.cgroup_fd, &q), -EINVAL);
	q = (struct iso_quota){1000, PERIOD_US, 0};
	EXPECT_EQ(iso->set(iso->ctx, 0, r.g.id, r.g.cgroup_fd, &q), -EINVAL);
	EXPECT_EQ(iso->set(iso->ctx, r.g.slot, r.g.id, r.g.cgroup_fd, &q), 0);
	EXPECT_EQ(iso->set(iso->ctx, r.g.slot, r.g.id + 1, r.g.cgroup_fd, &q), -EBUSY);
	down(&r);
}

/* An agent that governs until it is killed. */
static int agent_main(struct governed_rig *r, uint64_t quota_us, int ready_fd)
{
	struct why why = {};

	if (governor_open(r->g.m, r->g.cgroup_fd, &r->gov, &why) || set(r, quota_us, 0) ||
	    write(ready_fd, "r", 1) != 1)
		return 1;
	for (;;)
		(void)pause(); /* until the signal */
}

/* What outlives such an agent becomes a child of this process. */
static pid_t agent_start(struct governed_rig *r, uint64_t quota_us)
{
	int ready[2];
	pid_t pid;
	char c;

	EXPECT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ASSERT_EQ(pipe(ready), 0);
	pid = fork();
	ASSERT_TRUE(pid >= 0);
	if (!pid)
		_exit(agent_main(r, quota_us, ready[1]));
	close_fd(&ready[1]);
	EXPECT_EQ(read(ready[0], &c, 1), 1);
	close_fd(&ready[0]);
	return pid;
}

static void agent_kill(pid_t pid)
{
	int status;

	EXPECT_EQ(kill(pid, SIGKILL), 0);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
}

static struct governed_rig up_without(void)
{
	struct governed_rig r = {};
	struct why why = {};

	if (rig_up_with(test_dir(), test_cgroup(), RIG_ONLY(METER_GOVERNOR), &r.g, &why) < 0) {
		EXPECT_STREQ(why.text, "");
		test_abort();
	}
	return r;
}

/* The one child of this process beside @other, 0 none. */
static pid_t child_but(pid_t other)
{
	char path[64], text[256] = {};
	pid_t a = 0, b = 0;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", gettid()); /* fits */
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || sscanf(text, "%d %d", &a, &b) != 2)
		return 0;
	return a == other ? b : a;
}

/*
 * Once whoever governs has frozen it, the cgroup is held to its quota or below: for what it ran
 * beyond it before it pays. Without a governor it would not be frozen, and run all the time.
 */
static void expect_held(struct governed_rig *r, uint64_t us)
{
	uint64_t begin, used, took;

	EXPECT_TRUE(becomes(r->g.cgroup_fd, false));
	EXPECT_TRUE(becomes(r->g.cgroup_fd, true));
	begin = rig_now_ns() / NS_PER_US;
	used = rig_cpu_us(r->g.cgroup_fd);
	(void)poll(NULL, 0, (int)(us / 1000)); /* this much of the load's time is wanted */
	used = rig_cpu_us(r->g.cgroup_fd) - used;
	took = rig_now_ns() / NS_PER_US - begin;
	printf("# %lu us in %lu us\n", used, took);
	EXPECT_LE(used, took * HELD_PERCENT / 100);
	EXPECT_TRUE(becomes(r->g.cgroup_fd, false)); /* but not for good */
}

TEST(a_quota_holds_when_the_agent_is_killed, NEEDS)
{
	unsigned int seed = (unsigned int)getpid();
	struct governed_rig r = up_without();
	int pidfd, status;
	pid_t agent, load;

	for (int i = 0; i < KILLS; i++) {
		agent = agent_start(&r, 20000);
		load = hog_start(&r, 2, &pidfd);
		(void)poll(NULL, 0, (int)(rand_r(&seed) % 250)); /* any moment will do */
		agent_kill(agent);
		expect_held(&r, 500000);
		hog_end(load, &pidfd);
		EXPECT_EQ(governor_dismiss(r.g.m, r.g.cgroup_fd), 0);
		EXPECT_TRUE(wait(&status) > 0); /* the deputy has ended by itself */
		EXPECT_EQ(status, 0);
		EXPECT_TRUE(becomes(r.g.cgroup_fd, false));
	}
	meter_close(r.g.m);
}

TEST(the_next_agent_takes_over_with_what_is_owed, NEEDS)
{
	struct governed_rig r = up_without();
	pid_t agent = agent_start(&r, 2000), load;
	struct why why = {};
	int pidfd, status;

	load = hog_start(&r, 2, &pidfd);
	EXPECT_TRUE(becomes(r.g.cgroup_fd, true));
	agent_kill(agent);
	ASSERT_EQ(governor_open(r.g.m, r.g.cgroup_fd, &r.gov, &why), 0);
	EXPECT_TRUE(wait(&status) > 0); /* the deputy has left */
	EXPECT_EQ(set(&r, 2000, 0), 0);
	expect_held(&r, 500000);
	hog_end(load, &pidfd);
	down(&r);
}

TEST(who_governed_for_an_agent_ends_with_the_last_cgroup, NEEDS)
{
	struct governed_rig r = up_without();
	int pidfd, status;
	pid_t agent = agent_start(&r, 20000), load = hog_start(&r, 1, &pidfd);

	agent_kill(agent);
	hog_end(load, &pidfd);
	EXPECT_EQ(cg_remove(test_cgroup(), "task"), 0);
	EXPECT_TRUE(wait(&status) > 0);
	EXPECT_EQ(status, 0);
	meter_close(r.g.m);
}

TEST(without_a_deputy_what_was_frozen_can_be_thawed, NEEDS)
{
	struct governed_rig r = up_without();
	pid_t agent = agent_start(&r, 2000), load, deputy;
	struct why why = {};
	int pidfd, status;

	load = hog_start(&r, 2, &pidfd);
	agent_kill(agent);
	EXPECT_TRUE(becomes(r.g.cgroup_fd, true)); /* 2 of 100 ms: nearly all the time */
	deputy = child_but(load);
	ASSERT_TRUE(deputy > 0);
	EXPECT_EQ(kill(deputy, SIGSTOP), 0);
	EXPECT_TRUE(becomes(r.g.cgroup_fd, true));
	EXPECT_EQ(kill(deputy, SIGKILL), 0);
	EXPECT_EQ(waitpid(deputy, &status, 0), deputy);
	EXPECT_EQ(governor_thaw_pins(r.g.pins, r.g.cgroup_fd, &why), 1);
	EXPECT_TRUE(becomes(r.g.cgroup_fd, false));
	hog_end(load, &pidfd);
	meter_close(r.g.m);
}

/* How long a cgroup was frozen beyond what it had to pay for. */
struct frost {
	const struct governed_rig *r;
	uint64_t quota_us, worst_us, longest_us;
	unsigned int times;
	bool done; /* atomic */
};

static bool stays(const struct frost *f, bool frozen)
{
	return !__atomic_load_n(&f->done, __ATOMIC_ACQUIRE) &&
	       is_frozen(f->r->g.cgroup_fd) == frozen;
}

/* What it used since its last thaw is all that it can owe. */
static void *watch_frost(void *arg)
{
	struct frost *f = arg;
	uint64_t thawed = rig_cpu_us(f->r->g.cgroup_fd), used, begin, us, need;

	while (!__atomic_load_n(&f->done, __ATOMIC_ACQUIRE)) {
		while (stays(f, false))
			(void)poll(NULL, 0, 1);
		begin = rig_now_ns();
		used = rig_cpu_us(f->r->g.cgroup_fd);
		while (stays(f, true))
			(void)poll(NULL, 0, 1);
		us = (rig_now_ns() - begin) / NS_PER_US;
		need = (used - thawed) * PERIOD_US / f->quota_us;
		thawed = rig_cpu_us(f->r->g.cgroup_fd);
		f->times++;
		f->longest_us = us > f->longest_us ? us : f->longest_us;
		if (us > need && us - need > f->worst_us)
			f->worst_us = us - need;
	}
	return NULL;
}

/* Kill the agent at some time, and in each third round whoever governs for it then as well. */
static void kill_governors(struct governed_rig *r, uint64_t round, pid_t agent, pid_t load,
			   unsigned int *seed)
{
	struct why why = {};
	pid_t deputy;
	int status;

	(void)poll(NULL, 0, (int)(rand_r(seed) % 250)); /* any moment will do */
	agent_kill(agent);
	if (round % 3)
		return; /* the next agent takes over from it */
	deputy = child_but(load);
	ASSERT_TRUE(deputy > 0);
	(void)poll(NULL, 0, (int)(rand_r(seed) % 250)); /* likewise */
	EXPECT_EQ(kill(deputy, SIGKILL), 0);
	EXPECT_EQ(waitpid(deputy, &status, 0), deputy);
	EXPECT_GE(governor_thaw_pins(r->g.pins, r->g.cgroup_fd, &why), 0);
}

static void reap_but(pid_t load)
{
	pid_t pid;

	while ((pid = child_but(load)) > 0 && pid != load)
		EXPECT_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(no_task_stays_frozen_when_agents_are_killed_at_random, NEEDS)
{
	const char *env = getenv(KILLS_ENV);
	uint64_t kills = KILLS;
	int pidfd;
	unsigned int seed = (unsigned int)getpid();
	struct governed_rig r = up_without();
	struct frost f = {.r = &r, .quota_us = 20000};
	pid_t load = hog_start(&r, 2, &pidfd);
	pthread_t watch;

	ASSERT_TRUE(!env || !parse_u64(env, 1, 1000000, &kills));
	ASSERT_EQ(pthread_create(&watch, NULL, watch_frost, &f), 0);
	for (uint64_t i = 0; i < kills; i++)
		kill_governors(&r, i, agent_start(&r, f.quota_us), load, &seed);
	EXPECT_EQ(governor_dismiss(r.g.m, r.g.cgroup_fd), 0);
	EXPECT_TRUE(becomes(r.g.cgroup_fd, false));
	__atomic_store_n(&f.done, true, __ATOMIC_RELEASE);
	EXPECT_EQ(pthread_join(watch, NULL), 0);
	printf("# %lu kills, frozen %u times, at most %lu us, %lu us beyond what was owed\n", kills,
	       f.times, f.longest_us, f.worst_us);
	EXPECT_LE(f.worst_us, env ? FROST_US : DEADLINE_NS / NS_PER_US);
	hog_end(load, &pidfd);
	reap_but(0);
	meter_close(r.g.m);
}
