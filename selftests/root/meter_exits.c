// SPDX-License-Identifier: Apache-2.0
/* How the first process of a cgroup ended, as BPF recorded it, against what waitpid(2) says. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent/lib/cleanup.h"
#include "agent/meter.h"
#include "selftests/harness/meter_rig.h"
#include "selftests/harness/test.h"

#define NEEDS	  NEED_ROOT, NEED_CGROUP2, NEED_BPF
#define END_MS	  20000
#define OOM_LIMIT "16777216" /* bytes of memory.max; the victim wants four times that */
#define OOM_HALF  (8U << 20)
#define RACES	  200
#define SETTLE_NS UINT64_C(2000000000)

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

static uint64_t start_ticks(pid_t pid)
{
	char path[64], line[1024];
	uint64_t ticks = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid); /* fits */

	cleanup_fclose FILE *f = fopen(path, "re");
	const char *p = f && fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;

	if (!p || sscanf(p,
			 ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			 "%*d %*d %lu",
			 &ticks) != 1)
		return 0;
	return ticks;
}

/* Run @fn as first process of a metered cgroup; the record must agree with waitpid. */
static struct dcos_exit ended(struct rig *g, int (*fn)(void *), void *arg)
{
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK), before = rig_now_ns(), ticks;
	struct dcos_exit e = {};
	int pidfd, status = -1;
	pid_t pid;

	EXPECT_EQ(meter_exit(g->m, g->id, &e), -ENOENT);
	pid = rig_spawn(g->cgroup_fd, fn, arg, &pidfd);
	EXPECT_GT(pid, 0);
	ASSERT_TRUE(pid > 0);
	{
		struct pollfd p = {.fd = pidfd, .events = POLLIN};

		ASSERT_EQ(poll(&p, 1, END_MS), 1); /* a zombie, so /proc still has it */
	}
	ticks = start_ticks(pid);
	ASSERT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	(void)close(pidfd); /* nothing was written */
	ASSERT_EQ(meter_exit(g->m, g->id, &e), 0);
	EXPECT_EQ(e.status, status);
	EXPECT_EQ(e.tgid, pid);
	EXPECT_EQ(e.start_ns / (1000000000 / hz), ticks);
	EXPECT_GE(e.end_ns, before);
	EXPECT_LE(e.end_ns, rig_now_ns());
	return e;
}

static int returns(void *arg)
{
	return *(int *)arg;
}

static int dies_of(void *arg)
{
	const struct rlimit none = {};

	(void)setrlimit(RLIMIT_CORE, &none); /* no core file; lowering always works */
	(void)raise(*(int *)arg); /* it kills us, or the status is wrong */
	return 0;
}

static int execs(void *arg)
{
	char *const argv[] = {"sh", "-c", arg, NULL};

	(void)execv("/bin/sh", argv); /* returns only on failure */
	return 127;
}

TEST(an_exit_code_is_recorded_as_waitpid_gives_it, NEEDS)
{
	struct rig g = up();
	int code = 3;
	struct dcos_exit e = ended(&g, returns, &code);

	EXPECT_EQ(e.status, 3 << 8);
	EXPECT_EQ(e.flags, 0);
	meter_forget(g.m, g.id);
	EXPECT_EQ(meter_exit(g.m, g.id, &e), -ENOENT);
}

TEST(exit_code_0_is_a_record_too, NEEDS)
{
	struct rig g = up();
	int code = 0;

	EXPECT_EQ(ended(&g, returns, &code).status, 0);
}

TEST(a_deadly_signal_is_recorded_as_waitpid_gives_it, NEEDS)
{
	struct rig g = up();
	int sig = SIGKILL;

	EXPECT_EQ(ended(&g, dies_of, &sig).status, SIGKILL);
}

TEST(an_abort_is_recorded_as_waitpid_gives_it, NEEDS)
{
	struct rig g = up();
	int sig = SIGABRT;

	EXPECT_EQ(ended(&g, dies_of, &sig).status & 0x7f, SIGABRT);
}

TEST(an_executed_program_is_counted_and_its_exit_code_recorded, NEEDS)
{
	struct rig g = up();
	struct dcos_exit e = ended(&g, execs, "/bin/true; exit 5");
	struct dcos_cell c = rig_row(&g);

	EXPECT_EQ(e.status, 5 << 8);
	EXPECT_EQ(c.nr_execs, 2);
	EXPECT_EQ(c.nr_forks, 2);
	EXPECT_EQ(c.nr_exits, 2);
}

TEST(a_process_that_is_not_the_first_leaves_no_record, NEEDS)
{
	struct rig g = up();
	struct dcos_exit e;
	int pidfd, pidfd2, status, code = 7;
	pid_t first, second;

	first = rig_spawn(g.cgroup_fd, execs, "exit 0", &pidfd);
	ASSERT_TRUE(first > 0);
	ASSERT_EQ(rig_wait(first, pidfd, END_MS, &status), 0);
	ASSERT_EQ(meter_exit(g.m, g.id, &e), 0);
	EXPECT_EQ(e.tgid, first);
	second = rig_spawn(g.cgroup_fd, returns, &code, &pidfd2);
	ASSERT_TRUE(second > 0);
	ASSERT_EQ(rig_wait(second, pidfd2, END_MS, &status), 0);
	EXPECT_EQ(status, 7 << 8);
	ASSERT_EQ(meter_exit(g.m, g.id, &e), 0);
	EXPECT_EQ(e.tgid, first);
	EXPECT_EQ(rig_row(&g).nr_exits, 2);
}

static pthread_barrier_t barrier;

/* The leader stays a zombie while other threads live. */
static bool leader_has_ended(void)
{
	char path[64], line[1024];

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid()); /* fits */

	cleanup_fclose FILE *f = fopen(path, "re");
	const char *p = f && fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;

	return p && p[1] == ' ' && p[2] == 'Z';
}

static void *exits_group_with_7(void *arg)
{
	while (!leader_has_ended())
		(void)sched_yield(); /* the condition decides */
	_exit(arg ? 1 : 7);
}

static int leader_ends_first(void *arg)
{
	pthread_t th;

	if (pthread_create(&th, NULL, exits_group_with_7, arg))
		return 1;
	(void)syscall(SYS_exit, 3); /* this thread only; does not return */
	return 1;
}

TEST(the_last_thread_decides_when_the_leader_ended_before, NEEDS)
{
	struct rig g = up();

	EXPECT_EQ(ended(&g, leader_ends_first, NULL).status, 7 << 8);
}

static void *thread_exits_alone(void *arg)
{
	(void)pthread_barrier_wait(&barrier); /* any answer will do */
	(void)syscall(SYS_exit, 9); /* this thread only */
	return arg;
}

/* Leader and threads end together, each by itself: the kernel takes the last one's code. */
static int all_end_together(void *arg)
{
	pthread_t th;
	int i;

	(void)arg;
	if (pthread_barrier_init(&barrier, NULL, 4))
		return 1;
	for (i = 0; i < 3; i++) {
		if (pthread_create(&th, NULL, thread_exits_alone, NULL))
			return 1;
	}
	(void)pthread_barrier_wait(&barrier); /* any answer will do */
	(void)syscall(SYS_exit, 5); /* does not return */
	return 1;
}

TEST(threads_that_end_at_once_leave_the_exit_code_that_waitpid_gives, NEEDS)
{
	struct rig g = up();
	uint32_t status;
	uint64_t end;
	char name[32];
	int i;

	for (i = 0; i < RACES; i++) {
		if (i) {
			(void)snprintf(name, sizeof(name), "race%d", i); /* fits */
			g.cgroup_fd = rig_cgroup_make(test_cgroup(), name);
			g.id = rig_cgroup_id(g.cgroup_fd);
			ASSERT_EQ(g.iso->attach(g.iso->ctx, g.id, &g.slot), 0);
		}
		status = ended(&g, all_end_together, NULL).status; /* compares with waitpid */
		EXPECT_TRUE(status == 5 << 8 || status == 9 << 8);
		EXPECT_EQ(rig_row(&g).nr_forks, 4);
		end = rig_now_ns() + SETTLE_NS; /* at the last switches of the threads at latest */
		while (rig_row(&g).nr_exits != 4 && rig_now_ns() < end)
			(void)sched_yield(); /* the condition decides */
		EXPECT_EQ(rig_row(&g).nr_exits, 4);
		(void)close(g.cgroup_fd); /* nothing was written */
	}
}

static void *execs_from_thread(void *arg)
{
	_exit(execs(arg));
}

static int thread_execs(void *arg)
{
	pthread_t th;

	if (pthread_create(&th, NULL, execs_from_thread, arg))
		return 1;
	for (;;)
		(void)pause(); /* the exec ends this thread */
}

TEST(an_exec_by_a_thread_that_is_not_the_leader_keeps_slot_and_record, NEEDS)
{
	struct rig g = up();
	struct dcos_exit e = ended(&g, thread_execs,
				   "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; exit 4");
	struct dcos_cell c = rig_row(&g);
	uint64_t us = rig_cpu_us(g.cgroup_fd);

	EXPECT_EQ(e.status, 4 << 8);
	EXPECT_EQ(c.nr_execs, 1);
	EXPECT_EQ(c.nr_forks, 2);
	EXPECT_EQ(c.nr_exits, 2);
	EXPECT_GE(c.cpu_ns / 1000, us - us / 100);
	EXPECT_LE(c.cpu_ns / 1000, us + us / 100);
}

static int in_child_cgroup(void *arg)
{
	int parent = *(int *)arg, child, pidfd, status, code = 0;
	pid_t pid;

	child = rig_cgroup_make(parent, "inner");
	if (child < 0)
		return 1;
	pid = rig_spawn(child, returns, &code, &pidfd);
	if (pid < 0 || rig_wait(pid, pidfd, END_MS, &status))
		return 2;
	return 0;
}

TEST(processes_in_cgroups_below_count_in_the_slot_but_are_not_the_first, NEEDS)
{
	struct rig g = up();
	int pidfd, status;
	struct dcos_exit e;
	pid_t pid;

	/* the one that comes first runs in a cgroup below; its parent is not metered */
	pid = fork();
	if (!pid)
		_exit(in_child_cgroup(&g.cgroup_fd));
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
	EXPECT_EQ(rig_row(&g).nr_forks, 1);
	EXPECT_EQ(meter_exit(g.m, g.id, &e), -ENOENT);
	pid = rig_spawn(g.cgroup_fd, execs, "exit 6", &pidfd);
	ASSERT_TRUE(pid > 0);
	ASSERT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	ASSERT_EQ(meter_exit(g.m, g.id, &e), 0);
	EXPECT_EQ(e.status, 6 << 8);
	EXPECT_EQ(rig_row(&g).nr_forks, 2);
}

static int eats_memory(void *arg)
{
	size_t i, size = 4 * 16777216;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	if (p == MAP_FAILED)
		return 1;
	for (i = 0; i < size; i += 4096)
		p[i] = 1;
	return 0;
}

TEST(a_victim_of_the_oom_killer_is_recorded_as_one, NEEDS, NEED_MEMORY_CONTROLLER)
{
	struct dcos_victim v = {};
	struct rig g = up();
	struct dcos_exit e;

	ASSERT_EQ(rig_write(g.cgroup_fd, "memory.max", OOM_LIMIT), 0);
	(void)rig_write(g.cgroup_fd, "memory.swap.max", "0"); /* absent without swap accounting */
	e = ended(&g, eats_memory, NULL);
	EXPECT_EQ(e.status, SIGKILL);
	EXPECT_EQ(e.flags, DCOS_EXIT_OOM);
	EXPECT_EQ(rig_row(&g).nr_oom_kills, 1);
	ASSERT_EQ(meter_victim(g.m, g.id, &v), 0);
	EXPECT_EQ(v.tgid, e.tgid);
	EXPECT_STREQ(v.comm, "meter_exits");
	EXPECT_TRUE(v.peak_pages * 4096 > OOM_HALF);
	meter_forget(g.m, g.id);
	EXPECT_EQ(meter_victim(g.m, g.id, &v), -ENOENT);
}

TEST(a_plain_sigkill_is_no_oom_kill, NEEDS)
{
	struct dcos_victim v;
	struct rig g = up();
	int sig = SIGKILL;

	EXPECT_EQ(ended(&g, dies_of, &sig).flags, 0);
	EXPECT_EQ(rig_row(&g).nr_oom_kills, 0);
	EXPECT_EQ(meter_victim(g.m, g.id, &v), -ENOENT);
}
