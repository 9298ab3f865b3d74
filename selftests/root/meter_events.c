// SPDX-License-Identifier: Apache-2.0
/* What seccomp filters did to a task, and what the meter's own programs cost. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/meter.h"
#include "isolators/spec.h"
#include "selftests/harness/meter_rig.h"
#include "selftests/harness/test.h"

#define NEEDS	NEED_ROOT, NEED_CGROUP2, NEED_BPF
#define END_MS	20000
#define WAIT_NS UINT64_C(10000000000)
#define CALL_NR __NR_getppid /* which the filters here act on */
#define TRAPS	3

static struct rig up(void)
{
	struct why why = {};
	struct rig g;

	if (rig_up_with(test_dir(), test_cgroup(), RIG_ONLY(METER_SCHED), &g, &why) < 0) {
		EXPECT_STREQ(why.text, "");
		test_abort();
	}
	return g;
}

/* Let the calling thread, and what it makes, not make CALL_NR. */
static void confine(uint32_t action)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CALL_NR, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = {.len = ARRAY_SIZE(insns), .filter = insns};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog))
		_exit(120);
}

static int killed_by_filter(void *arg)
{
	confine((uint32_t)(uintptr_t)arg);
	(void)syscall(CALL_NR); /* does not return */
	return 0;
}

static void *thread_is_killed(void *arg)
{
	confine(SECCOMP_RET_KILL_THREAD);
	(void)syscall(CALL_NR); /* does not return */
	return arg;
}

static void *lives_on(void *arg)
{
	return arg;
}

/* One of three threads is killed; nobody can join it, the others end in peace. */
static int thread_killed(void *arg)
{
	pthread_t th;
	struct stat st;

	(void)arg;
	if (pthread_create(&th, NULL, thread_is_killed, NULL))
		return 1;
	while (!stat("/proc/self/task", &st) && st.st_nlink > 3)
		(void)sched_yield(); /* the harness ends a test that hangs */
	if (pthread_create(&th, NULL, lives_on, NULL) || pthread_join(th, NULL))
		return 2;
	return 0;
}

static void on_trap(int sig)
{
	(void)sig;
}

static int trapped(void *arg)
{
	const struct sigaction act = {.sa_handler = on_trap};
	int i;

	(void)arg;
	if (sigaction(SIGSYS, &act, NULL))
		return 1;
	confine(SECCOMP_RET_TRAP);
	for (i = 0; i < TRAPS; i++)
		(void)syscall(CALL_NR); /* its result is of no interest */
	return 0;
}

static int kills_itself(void *arg)
{
	(void)arg;
	return kill(getpid(), SIGSYS) ? 1 : 0;
}

static int sends_itself_sigsys_by_queue(void *arg)
{
	siginfo_t info = {.si_signo = SIGSYS, .si_code = -1};

	(void)arg;
	return syscall(SYS_rt_sigqueueinfo, getpid(), SIGSYS, &info) ? 1 : 0;
}

/* Return: waitpid's status */
static int run(const struct rig *g, int (*fn)(void *), uint32_t arg)
{
	uint64_t end = rig_now_ns() + WAIT_NS;
	int pidfd, status = -1;
	pid_t pid = rig_spawn(g->cgroup_fd, fn, (void *)(uintptr_t)arg, &pidfd);
	struct dcos_cell c;

	ASSERT_TRUE(pid > 0);
	EXPECT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	do {
		c = rig_row(g); /* the end of a thread may be a moment behind */
	} while (c.nr_forks != c.nr_exits && rig_now_ns() < end);
	return status;
}

static void need_signals(const struct rig *g)
{
	struct why why = {};

	(void)meter_has(g->m, METER_SCHED, &why); /* it does: it is open */
	if (strstr(why.text, "signal_generate"))
		test_skip("%s", why.text);
}

TEST(a_process_that_a_filter_kills_is_counted_once, NEEDS)
{
	struct rig g = up();

	need_signals(&g);
	EXPECT_EQ(WTERMSIG(run(&g, killed_by_filter, SECCOMP_RET_KILL_PROCESS)), SIGSYS);
	EXPECT_EQ(rig_row(&g).nr_seccomp_kills, 1);
	EXPECT_EQ(WTERMSIG(run(&g, killed_by_filter, SECCOMP_RET_KILL_THREAD)), SIGSYS);
	EXPECT_EQ(rig_row(&g).nr_seccomp_kills, 2);
}

TEST(a_thread_that_a_filter_kills_without_its_process_is_counted_once, NEEDS)
{
	struct rig g = up();

	EXPECT_EQ(run(&g, thread_killed, 0), 0);
	EXPECT_EQ(rig_row(&g).nr_forks, 3);
	EXPECT_EQ(rig_row(&g).nr_seccomp_kills, 1);
}

TEST(every_trap_of_a_filter_is_counted, NEEDS)
{
	struct rig g = up();

	need_signals(&g);
	EXPECT_EQ(run(&g, trapped, 0), 0);
	EXPECT_EQ(rig_row(&g).nr_seccomp_kills, TRAPS);
}

TEST(the_same_signal_from_elsewhere_is_not_a_filters, NEEDS)
{
	struct rig g = up();

	EXPECT_EQ(WTERMSIG(run(&g, kills_itself, 0)), SIGSYS);
	EXPECT_EQ(WTERMSIG(run(&g, sends_itself_sigsys_by_queue, 0)), SIGSYS);
	EXPECT_EQ(rig_row(&g).nr_seccomp_kills, 0);
}

static const struct meter_program *find_program(const struct meter_program *p, int nr,
						const char *name)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (!strncmp(p[i].name, name, sizeof(p[i].name) - 1))
			return &p[i];
	}
	return NULL;
}

static int switches(void *arg)
{
	int i;

	for (i = 0; i < 100; i++)
		(void)poll(NULL, 0, 1); /* a sleep, for the switches in it */
	return arg ? 1 : 0;
}

TEST(the_meters_programs_are_listed_with_what_the_kernel_counts_of_them, NEEDS)
{
	struct rig g = up();
	struct meter_program p[METER_PROGRAMS_MAX];
	const struct meter_program *sw;
	struct why why = {};
	uint64_t runs;
	int nr;

	nr = meter_programs(g.m, p, METER_PROGRAMS_MAX);
	EXPECT_GT(nr, 6);
	EXPECT_LT(nr, METER_PROGRAMS_MAX);
	sw = find_program(p, nr, "meter_switch");
	ASSERT_TRUE(sw);
	EXPECT_TRUE(find_program(p, nr, "meter_flush"));
	EXPECT_FALSE(find_program(p, nr, "no_such"));
	EXPECT_EQ(meter_programs(g.m, p, 2), 2);

	cleanup_close int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);

	ASSERT_TRUE(stats >= 0);
	EXPECT_EQ(run(&g, switches, 0), 0);
	nr = meter_programs(g.m, p, METER_PROGRAMS_MAX);
	sw = find_program(p, nr, "meter_switch");
	ASSERT_TRUE(sw);
	EXPECT_NE(sw->runs, CT_UNSET);
	EXPECT_GE(sw->runs, 100);
	EXPECT_GT(sw->run_ns, 0);
	runs = sw->runs;
	/* the next agent sees the program that runs, not the one that it has loaded */
	meter_close(g.m);
	ASSERT_EQ(meter_open(g.pins, test_cgroup(), &g.m, &why), 0);
	nr = meter_programs(g.m, p, METER_PROGRAMS_MAX);
	sw = find_program(p, nr, "meter_switch");
	ASSERT_TRUE(sw);
	EXPECT_NE(sw->runs, CT_UNSET);
	EXPECT_GE(sw->runs, runs);
}
