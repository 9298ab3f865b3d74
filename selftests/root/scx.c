// SPDX-License-Identifier: Apache-2.0
/*
 * CPU quotas and weights by the sched_ext scheduler, against cpu.stat; that it goes on without an
 * agent, and that the default scheduler holds the quotas when it is ejected.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/meter_impl.h"
#include "agent/scx.h"
#include "cgroupfs/cgroupfs.h"
#include "selftests/harness/meter_rig.h"
#include "selftests/harness/test.h"

#define NEEDS	     NEED_ROOT, NEED_CGROUP2, NEED_BPF, NEED_CPU_CONTROLLER
#define PERIOD_US    UINT64_C(100000)
#define NS_PER_US    1000
#define END_MS	     20000
#define DEADLINE_NS  UINT64_C(20000000000)
#define OVERSHOOT_US 60000 /* bookings come at ticks, on each CPU: paid back, but not by the end */
#define KILLS	     3
#ifndef SCHED_EXT
#define SCHED_EXT 7
#endif

struct scx_rig {
	struct rig g;
	struct scx *scx;
};

/* The scheduler is the host's only one: what keeps it from starting here is a reason to skip. */
static struct scx_rig up(void)
{
	struct scx_rig r = {};
	struct why why = {};
	int err;

	if (access("/sys/kernel/sched_ext/state", F_OK))
		test_skip("this kernel has no sched_ext");
	if (rig_up_with(test_dir(), test_cgroup(), 0, &r.g, &why) < 0) {
		EXPECT_STREQ(why.text, "");
		test_abort();
	}
	err = scx_open(r.g.m, &r.scx, &why);
	if (err == -EBUSY)
		test_skip("%s", why.text);
	EXPECT_STREQ(why.text, "");
	ASSERT_EQ(err, 0);
	return r;
}

static void down(struct scx_rig *r)
{
	scx_close(r->scx);
	EXPECT_EQ(scx_dismiss(r->g.m), 0);
	meter_close(r->g.m);
}

static int set_of(struct scx *s, const struct rig *g, uint64_t weight, uint64_t quota_us)
{
	const struct iso_scx *iso = scx_iso(s);
	const struct iso_quota q = {quota_us, PERIOD_US, 0};

	return iso->set(iso->ctx, g->slot, g->id, weight, &q);
}

static int set(struct scx_rig *r, uint64_t quota_us)
{
	return set_of(r->scx, &r->g, 100, quota_us);
}

static void *spin(void *arg)
{
	volatile uint64_t n = 0;

	for (;;)
		n++;
	return arg;
}

struct hog {
	int threads;
	int others; /* of these that leave the scheduler */
};

static void *spin_otherwise(void *arg)
{
	const struct sched_param p = {};

	if (sched_setscheduler(0, SCHED_OTHER, &p))
		_exit(2);
	return spin(arg);
}

/* As many busy threads as @arg says, until it is killed. */
static int hog(void *arg)
{
	const struct sched_param p = {};
	const struct hog *h = arg;
	pthread_t t;

	if (sched_setscheduler(0, SCHED_EXT, &p))
		return 3;
	for (int i = 1; i < h->threads; i++)
		if (pthread_create(&t, NULL, i <= h->others ? spin_otherwise : spin, NULL))
			return 1;
	(void)spin(NULL); /* never returns */
	return 0;
}

static pid_t hog_start(const struct rig *g, int threads, int others, int *ret_pidfd)
{
	struct hog h = {threads, others};
	pid_t pid = rig_spawn(g->cgroup_fd, hog, &h, ret_pidfd);

	ASSERT_TRUE(pid > 0);
	return pid;
}

static void hog_end(pid_t pid, int *pidfd)
{
	int status;

	EXPECT_EQ(kill(pid, SIGKILL), 0);
	EXPECT_EQ(rig_wait(pid, *pidfd, END_MS, &status), 0);
	EXPECT_TRUE(WIFSIGNALED(status)); /* or it could not begin */
	close_fd(pidfd);
}

/* What a cgroup runs in @us, which is measured into @ret_us. */
static uint64_t run_us(const struct rig *g, uint64_t us, uint64_t *ret_us)
{
	uint64_t begin = rig_now_ns(), used = rig_cpu_us(g->cgroup_fd);

	(void)poll(NULL, 0, (int)(us / 1000)); /* this much of the load's time is wanted */
	used = rig_cpu_us(g->cgroup_fd) - used;
	*ret_us = (rig_now_ns() - begin) / NS_PER_US;
	return used;
}

static void expect_share(const struct rig *g, uint64_t quota_us, uint64_t us)
{
	uint64_t took, used = run_us(g, us, &took);

	printf("# quota %lu of %lu us: %lu us in %lu us, %.2f %% of the quota\n", quota_us,
	       PERIOD_US, used, took,
	       100.0 * (double)used / ((double)took * (double)quota_us / (double)PERIOD_US));
	EXPECT_LE(used, took * quota_us / PERIOD_US + quota_us + OVERSHOOT_US);
	EXPECT_GE(used, took * quota_us / PERIOD_US / 2); /* a busy host gives less */
}

static uint64_t cfs_throttled(const struct rig *g)
{
	static const char *const keys[] = {"nr_throttled", NULL};
	uint64_t v = UINT64_MAX;

	EXPECT_EQ(cg_read_keys(g->cgroup_fd, "cpu.stat", keys, &v), 1);
	return v;
}

TEST(busy_threads_get_their_quota_and_no_more_and_it_is_metered, NEEDS)
{
	struct scx_rig r = up();
	struct dcos_cell c;
	int pidfd;
	pid_t pid;

	EXPECT_EQ(set(&r, 20000), 0);
	pid = hog_start(&r.g, 4, 0, &pidfd);
	expect_share(&r.g, 20000, 2000000);
	c = rig_row(&r.g);
	EXPECT_GE(c.nr_periods, 5);
	EXPECT_GE(c.nr_throttled, 4);
	EXPECT_LE(c.nr_throttled, c.nr_periods + 1);
	EXPECT_GE(c.throttled_ns, 300000000);
	EXPECT_LE(c.throttled_ns, rig_now_ns());
	EXPECT_EQ(set(&r, 0), 0); /* and at once without */
	{
		uint64_t took, used = run_us(&r.g, 500000, &took);

		EXPECT_GE(used, took / 2);
	}
	hog_end(pid, &pidfd);
	down(&r);
}

static int max_write(const struct rig *g, uint64_t quota_us)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%lu %lu", quota_us, PERIOD_US); /* fits */
	return rig_write(g->cgroup_fd, "cpu.max", text);
}

TEST(what_is_written_into_cpu_max_holds_at_once_and_the_default_scheduler_has_no_part_in_it, NEEDS)
{
	struct scx_rig r = up();
	int pidfd;
	pid_t pid;

	EXPECT_EQ(set(&r, 0), 0);
	pid = hog_start(&r.g, 2, 0, &pidfd);
	EXPECT_EQ(max_write(&r.g, 20000), 0);
	expect_share(&r.g, 20000, 1500000);
	EXPECT_EQ(cfs_throttled(&r.g), 0);
	EXPECT_GE(rig_row(&r.g).nr_throttled, 3);
	hog_end(pid, &pidfd);
	down(&r);
}

TEST(threads_that_leave_the_scheduler_gain_nothing, NEEDS)
{
	struct scx_rig r = up();
	int pidfd;
	pid_t pid;

	EXPECT_EQ(set(&r, 20000), 0);
	EXPECT_EQ(max_write(&r.g, 20000), 0);
	pid = hog_start(&r.g, 4, 2, &pidfd);
	expect_share(&r.g, 20000, 2000000);
	hog_end(pid, &pidfd);
	down(&r);
}

/* A second container beside the rig's own. */
static struct rig neighbour(const struct scx_rig *r)
{
	struct rig g = r->g;

	g.cgroup_fd = rig_cgroup_make(test_cgroup(), "other");
	ASSERT_TRUE(g.cgroup_fd >= 0);
	g.id = rig_cgroup_id(g.cgroup_fd);
	ASSERT_EQ(g.iso->attach(g.iso->ctx, g.id, &g.slot), 0);
	return g;
}

TEST(rivals_share_by_weight_however_many_threads_they_have, NEEDS)
{
	struct scx_rig r = up();
	struct rig other = neighbour(&r);
	uint64_t took, a, b;
	int fd_a, fd_b;
	pid_t pid_a, pid_b;

	EXPECT_EQ(set_of(r.scx, &r.g, 300, 0), 0);
	EXPECT_EQ(set_of(r.scx, &other, 100, 0), 0);
	pid_b = hog_start(&other, 6, 0, &fd_b);
	pid_a = hog_start(&r.g, 2, 0, &fd_a);
	(void)run_us(&r.g, 300000, &took); /* until all run */
	b = rig_cpu_us(other.cgroup_fd);
	a = run_us(&r.g, 2000000, &took);
	b = rig_cpu_us(other.cgroup_fd) - b;
	printf("# weights 300 and 100: %lu us and %lu us, in %lu us\n", a, b, took);
	EXPECT_GE(2 * a, 5 * b);
	EXPECT_LE(2 * a, 7 * b);
	EXPECT_GE(a + b, took); /* on two CPUs */
	hog_end(pid_a, &fd_a);
	hog_end(pid_b, &fd_b);
	close_fd(&other.cgroup_fd);
	down(&r);
}

static void eject(void)
{
	cleanup_close int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);

	EXPECT_EQ(write(fd, "S", 1), 1);
}

static bool ends(const struct scx *s, struct why *why)
{
	uint64_t end = rig_now_ns() + DEADLINE_NS;

	while (rig_now_ns() < end)
		if (!scx_runs(s, why))
			return true;
	return false;
}

TEST(when_it_is_ejected_cpu_max_holds_and_threads_go_on, NEEDS)
{
	struct scx_rig r = up();
	struct why why = {};
	int pidfd;
	pid_t pid;

	EXPECT_EQ(max_write(&r.g, 20000), 0);
	EXPECT_EQ(set(&r, 20000), 0);
	pid = hog_start(&r.g, 2, 0, &pidfd);
	expect_share(&r.g, 20000, 1000000);
	EXPECT_EQ(cfs_throttled(&r.g), 0);
	EXPECT_TRUE(scx_runs(r.scx, &why));
	eject();
	EXPECT_TRUE(ends(r.scx, &why));
	printf("# %s\n", why.text);
	EXPECT_TRUE(strstr(why.text, "sysrq"));
	expect_share(&r.g, 20000, 1500000);
	EXPECT_GE(cfs_throttled(&r.g), 3);
	scx_close(r.scx);
	memset(&why, 0, sizeof(why));
	EXPECT_EQ(scx_open(r.g.m, &r.scx, &why), 0); /* the next agent starts another */
	EXPECT_STREQ(why.text, "");
	EXPECT_TRUE(scx_runs(r.scx, &why));
	hog_end(pid, &pidfd);
	down(&r);
}

/* An agent that has the scheduler until it is killed. */
static pid_t agent_start(struct scx_rig *r, uint64_t quota_us)
{
	struct why why = {};
	int ready[2];
	pid_t pid;
	char c;

	ASSERT_EQ(pipe(ready), 0);
	pid = fork();
	ASSERT_TRUE(pid >= 0);
	if (!pid) {
		if (scx_open(r->g.m, &r->scx, &why) || set(r, quota_us) ||
		    write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause(); /* until the signal */
	}
	close_fd(&ready[1]);
	EXPECT_EQ(read(ready[0], &c, 1), 1);
	close_fd(&ready[0]);
	return pid;
}

/* How many schedulers this kernel has started. */
static uint64_t started(void)
{
	cleanup_close int fd = open("/sys/kernel/sched_ext/enable_seq", O_RDONLY | O_CLOEXEC);
	char text[32] = {};

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return 0;
	return strtoull(text, NULL, 10);
}

TEST(a_quota_holds_when_the_agent_is_killed_and_the_next_one_finds_the_same_scheduler, NEEDS)
{
	unsigned int seed = (unsigned int)getpid();
	struct scx_rig r = up();
	struct why why = {};
	uint64_t seq = started();
	int pidfd, status;
	pid_t agent, load;

	scx_close(r.scx);
	for (int i = 0; i < KILLS; i++) {
		agent = agent_start(&r, 20000);
		load = hog_start(&r.g, 2, 0, &pidfd);
		(void)poll(NULL, 0, (int)(rand_r(&seed) % 250)); /* any moment will do */
		EXPECT_EQ(kill(agent, SIGKILL), 0);
		EXPECT_EQ(waitpid(agent, &status, 0), agent);
		expect_share(&r.g, 20000, 700000);
		hog_end(load, &pidfd);
	}
	ASSERT_EQ(scx_open(r.g.m, &r.scx, &why), 0);
	EXPECT_EQ(started(), seq);
	down(&r);
}

TEST(when_it_is_dismissed_its_threads_are_the_default_schedulers, NEEDS)
{
	struct scx_rig r = up();
	uint64_t took, used;
	int pidfd;
	pid_t pid;

	EXPECT_EQ(set(&r, 1000), 0);
	pid = hog_start(&r.g, 2, 0, &pidfd);
	scx_close(r.scx);
	EXPECT_EQ(scx_dismiss(r.g.m), 0);
	used = run_us(&r.g, 500000, &took);
	EXPECT_GE(used, took / 2);
	hog_end(pid, &pidfd);
	meter_close(r.g.m);
}
