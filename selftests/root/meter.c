// SPDX-License-Identifier: Apache-2.0
/* The meter's numbers against the kernel's own: cpu.stat, /proc/PID/schedstat, /proc/PID/status. */
#include "agent/meter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/meter_rig.h"
#include "selftests/harness/test.h"

#define SEC_NS	    UINT64_C(1000000000)
#define LOAD_END_MS 20000 /* every load ends by itself long before */
#define SETTLE_NS   (2 * SEC_NS)
#define BRACKET_US  100 /* of slack between two reads of cpu.stat around one of the meter */
#define THREADS_MAX 64
#define NEEDS	    NEED_ROOT, NEED_CGROUP2, NEED_BPF

static struct rig up(void)
{
	struct why why = {};
	struct rig g;

	if (rig_up_with(test_dir(), test_cgroup(), RIG_ONLY(METER_SCHED), &g, &why) < 0) {
		EXPECT_STREQ(why.text, "");
		test_abort();
	}
	EXPECT_GT(g.slot, 0);
	return g;
}

struct load {
	uint64_t ns; /* how long */
	int threads;
	int cpu; /* to be pinned to, -1 not */
};

static void spin_until(uint64_t end)
{
	volatile unsigned int i;

	do {
		for (i = 0; i < 1000; i++)
			;
	} while (rig_now_ns() < end);
}

static void *spinner(void *arg)
{
	spin_until(*(uint64_t *)arg);
	return NULL;
}

static void pin_to(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((unsigned int)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		_exit(126);
}

static int load_spin(void *arg)
{
	const struct load *l = arg;
	uint64_t end = rig_now_ns() + l->ns;
	pthread_t th[THREADS_MAX];
	int i;

	pin_to(l->cpu);
	for (i = 1; i < l->threads; i++) {
		if (pthread_create(&th[i], NULL, spinner, &end))
			return 1;
	}
	spin_until(end);
	for (i = 1; i < l->threads; i++)
		(void)pthread_join(th[i], NULL); /* it was created */
	return 0;
}

static int load_ping_pong(void *arg)
{
	const struct load *l = arg;
	uint64_t end = rig_now_ns() + l->ns;
	int there[2], back[2];
	char c = 0;
	pid_t pid;

	pin_to(l->cpu);
	if (pipe2(there, O_CLOEXEC) || pipe2(back, O_CLOEXEC))
		return 1;
	pid = fork();
	if (!pid) {
		(void)close(there[1]); /* ours to close; the reader sees the end by it */
		while (read(there[0], &c, 1) == 1 && write(back[1], &c, 1) == 1)
			;
		_exit(0);
	}
	while (rig_now_ns() < end) {
		if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
			return 1;
	}
	(void)close(there[1]); /* ends the child */
	return waitpid(pid, NULL, 0) == pid ? 0 : 1;
}

static int load_fork_storm(void *arg)
{
	const struct load *l = arg;
	uint64_t end = rig_now_ns() + l->ns;
	pid_t pid;

	while (rig_now_ns() < end) {
		pid = fork();
		if (pid < 0)
			return 1;
		if (!pid)
			_exit(0);
		if (waitpid(pid, NULL, 0) != pid)
			return 1;
	}
	return 0;
}

static void *thread_nothing(void *arg)
{
	return arg;
}

static int load_thread_storm(void *arg)
{
	const struct load *l = arg;
	uint64_t end = rig_now_ns() + l->ns;
	pthread_t th;

	while (rig_now_ns() < end) {
		if (pthread_create(&th, NULL, thread_nothing, NULL))
			return 1;
		(void)pthread_join(th, NULL); /* it was created */
	}
	return 0;
}

static void *napper(void *arg)
{
	const struct timespec nap = {.tv_nsec = 200000};
	uint64_t end = *(uint64_t *)arg;

	while (rig_now_ns() < end)
		(void)nanosleep(&nap, NULL); /* cut short is as good */
	return NULL;
}

static int load_sleepers(void *arg)
{
	const struct load *l = arg;
	uint64_t end = rig_now_ns() + l->ns;
	pthread_t th[THREADS_MAX];
	int i;

	for (i = 0; i < l->threads; i++) {
		if (pthread_create(&th[i], NULL, napper, &end))
			return 1;
	}
	for (i = 0; i < l->threads; i++)
		(void)pthread_join(th[i], NULL); /* it was created */
	return 0;
}

/* One read of the meter lies between the two of cpu.stat around it. */
static void expect_bracketed(const struct rig *g)
{
	uint64_t before = rig_cpu_us(g->cgroup_fd);
	uint64_t us = rig_row(g).cpu_ns / 1000;
	uint64_t after = rig_cpu_us(g->cgroup_fd);

	EXPECT_GE(us + BRACKET_US, before);
	EXPECT_LE(us, after + BRACKET_US);
}

/* The last switch of a dead thread comes after its parent could wait for it. */
static struct dcos_cell settled(const struct rig *g)
{
	uint64_t end = rig_now_ns() + SETTLE_NS;
	struct dcos_cell c = rig_row(g), next;

	for (;;) {
		(void)poll(NULL, 0, 1); /* let it switch; the condition below decides */
		next = rig_row(g);
		if ((next.nr_forks == next.nr_exits && next.nr_switches == c.nr_switches) ||
		    rig_now_ns() > end)
			return next;
		c = next;
	}
}

static struct dcos_cell run_load(const char *name, int (*fn)(void *), struct load l,
				 double bound_pct)
{
	struct rig g = up();
	uint64_t stat_ns;
	struct dcos_cell c;
	double error_pct;
	int pidfd, status, r;
	pid_t pid;

	pid = rig_spawn(g.cgroup_fd, fn, &l, &pidfd);
	EXPECT_GT(pid, 0);
	ASSERT_TRUE(pid > 0);
	while ((r = rig_wait(pid, pidfd, 200, &status)) == -ETIMEDOUT)
		expect_bracketed(&g);
	ASSERT_EQ(r, 0);
	EXPECT_EQ(status, 0);
	c = settled(&g);
	stat_ns = rig_cpu_us(g.cgroup_fd) * 1000;
	EXPECT_GT(stat_ns, 0);
	error_pct = 100.0 * ((double)c.cpu_ns - (double)stat_ns) / (double)stat_ns;
	printf("# %s: cpu.stat %.6f s, meter %.6f s, error %+.5f %%, %lu switches, %lu births\n",
	       name, (double)stat_ns / 1e9, (double)c.cpu_ns / 1e9, error_pct,
	       (unsigned long)c.nr_switches, (unsigned long)c.nr_forks);
	EXPECT_LE(error_pct * 1e6, bound_pct * 1e6);
	EXPECT_GE(error_pct * 1e6, -bound_pct * 1e6);
	EXPECT_EQ(c.nr_forks, c.nr_exits);
	meter_close(g.m);
	return c;
}

TEST(a_busy_loop_is_charged_as_cpu_stat_does_within_a_thousandth_over_5_s, NEEDS)
{
	struct dcos_cell c =
		run_load("1 busy thread", load_spin,
			 (struct load){.ns = 5 * SEC_NS, .threads = 1, .cpu = -1}, 0.1);

	EXPECT_GT(c.cpu_ns, SEC_NS);
	EXPECT_EQ(c.nr_forks, 1);
}

TEST(three_busy_threads_are_charged_as_cpu_stat_does_within_a_thousandth_over_5_s, NEEDS)
{
	struct dcos_cell c =
		run_load("3 busy threads", load_spin,
			 (struct load){.ns = 5 * SEC_NS, .threads = 3, .cpu = -1}, 0.1);

	EXPECT_EQ(c.nr_forks, 3);
}

TEST(a_pinned_ping_pong_is_charged_exactly_for_every_switch, NEEDS)
{
	struct dcos_cell c = run_load("pinned ping-pong", load_ping_pong,
				      (struct load){.ns = SEC_NS, .cpu = 0}, 0.1);

	EXPECT_GT(c.nr_switches, 1000);
	EXPECT_EQ(c.nr_migrations <= 2, 1); /* each was at most once moved to its CPU */
}

TEST(a_ping_pong_across_cpus_is_charged_exactly, NEEDS)
{
	run_load("ping-pong", load_ping_pong, (struct load){.ns = SEC_NS, .cpu = -1}, 0.1);
}

TEST(a_storm_of_forks_loses_nothing, NEEDS)
{
	struct dcos_cell c =
		run_load("fork storm", load_fork_storm, (struct load){.ns = SEC_NS}, 0.1);

	EXPECT_GT(c.nr_forks, 20);
}

TEST(a_storm_of_threads_loses_nothing, NEEDS)
{
	struct dcos_cell c =
		run_load("thread storm", load_thread_storm, (struct load){.ns = SEC_NS}, 0.1);

	EXPECT_GT(c.nr_forks, 20);
}

TEST(many_short_sleepers_are_charged_exactly, NEEDS)
{
	run_load("32 sleepers", load_sleepers, (struct load){.ns = SEC_NS, .threads = 32}, 0.1);
}

/* What /proc says of all threads of a process that does not run. */
struct told {
	uint64_t exec_ns, delay_ns, arrivals, voluntary, involuntary;
};

static void told_add(pid_t pid, const char *tid, struct told *t)
{
	uint64_t exec, delay, arrivals, n;
	char path[128], line[128];

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%.16s/schedstat", pid, tid); /* fits */

	cleanup_fclose FILE *f = fopen(path, "re");

	ASSERT_TRUE(f);
	ASSERT_EQ(fscanf(f, "%lu %lu %lu", &exec, &delay, &arrivals), 3);
	t->exec_ns += exec;
	t->delay_ns += delay;
	t->arrivals += arrivals;
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%.16s/status", pid, tid); /* fits */

	cleanup_fclose FILE *s = fopen(path, "re");

	ASSERT_TRUE(s);
	while (fgets(line, sizeof(line), s)) {
		if (sscanf(line, "voluntary_ctxt_switches: %lu", &n) == 1)
			t->voluntary += n;
		if (sscanf(line, "nonvoluntary_ctxt_switches: %lu", &n) == 1)
			t->involuntary += n;
	}
}

static struct told told_of(pid_t pid)
{
	struct told t = {};
	struct dirent *e;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid); /* fits */

	cleanup_closedir DIR *d = opendir(path);

	ASSERT_TRUE(d);
	while ((e = readdir(d))) {
		if (e->d_name[0] != '.')
			told_add(pid, e->d_name, &t);
	}
	return t;
}

TEST(waits_and_switches_equal_what_proc_tells_of_the_same_threads, NEEDS)
{
	struct rig g = up();
	struct load l = {.ns = 60 * SEC_NS, .threads = 3, .cpu = 0};
	uint64_t end, in_hist = 0, half;
	struct dcos_cell c = {};
	struct told t = {};
	int pidfd, i;
	pid_t pid;

	pid = rig_spawn(g.cgroup_fd, load_spin, &l, &pidfd);
	EXPECT_GT(pid, 0);
	ASSERT_TRUE(pid > 0);
	end = rig_now_ns() + 10 * SEC_NS;
	while (rig_row(&g).nr_waits < 300 && rig_now_ns() < end)
		(void)poll(NULL, 0, 20); /* the load needs time, the counter tells */
	ASSERT_EQ(rig_freeze(g.cgroup_fd, 1), 0);
	end = rig_now_ns() + SETTLE_NS; /* a thread counts as frozen just before it switches out */
	do {
		c = rig_row(&g);
		t = told_of(pid);
	} while ((c.cpu_ns != t.exec_ns || c.nr_switches != t.voluntary + t.involuntary) &&
		 rig_now_ns() < end);
	printf("# cpu %.3f s, wait %.3f s in %lu arrivals, %lu switches, %lu involuntary\n",
	       (double)c.cpu_ns / 1e9, (double)c.wait_ns / 1e9, (unsigned long)c.nr_waits,
	       (unsigned long)c.nr_switches, (unsigned long)c.nr_involuntary);
	EXPECT_EQ(c.cpu_ns, t.exec_ns);
	EXPECT_EQ(c.wait_ns, t.delay_ns);
	EXPECT_EQ(c.nr_waits, t.arrivals);
	EXPECT_EQ(c.nr_switches, t.voluntary + t.involuntary);
	EXPECT_EQ(c.nr_involuntary, t.involuntary);
	EXPECT_GE(c.nr_waits, 300);
	for (i = 0; i < DCOS_HIST; i++)
		in_hist += c.wait_hist[i];
	EXPECT_EQ(in_hist, c.nr_waits);
	/* three on one CPU: the median thread waits for milliseconds, and none for seconds */
	half = hist_quantile_us(c.wait_hist, 0.5);
	EXPECT_GE(half, 1000);
	EXPECT_LE(half, 1000000);
	EXPECT_EQ(kill(pid, SIGKILL), 0);
	ASSERT_EQ(rig_freeze(g.cgroup_fd, 0), 0);
	EXPECT_EQ(rig_wait(pid, pidfd, LOAD_END_MS, &i), 0);
}
