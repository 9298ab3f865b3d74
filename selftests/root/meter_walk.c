// SPDX-License-Identifier: Apache-2.0
/* What walks find, and what they charge, against the kernel's own files and getrusage(2). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/meter.h"
#include "selftests/harness/meter_rig.h"
#include "selftests/harness/test.h"

#define NEEDS	  NEED_ROOT, NEED_CGROUP2, NEED_BPF
#define END_MS	  20000
#define SETTLE_NS UINT64_C(5000000000)
#define MIB	  (UINT64_C(1) << 20)
#define PAGE	  UINT64_C(4096)
#define CACHED	  (128 * PAGE) /* what CPUs and threads may not have added to a total yet */
#define STATUS_LAG                                                                                 \
	(64 * 16 * PAGE) /* before 6.2, of /proc/PID/status: faults of a thread, pages of each */
#define ANON_BYTES  (24 * MIB)
#define SHMEM_BYTES (12 * MIB)
#define FILE_BYTES  (8 * MIB)
#define THREADS	    5
#define CHILDREN    40

static struct rig up(void)
{
	struct why why = {};
	struct rig g;

	if (rig_up_with(test_dir(), test_cgroup(), RIG_ONLY(METER_WALK), &g, &why) < 0) {
		EXPECT_STREQ(why.text, "");
		test_abort();
	}
	if (!meter_has(g.m, METER_WALK, &why))
		test_skip("%s", why.text);
	if (why.text[0])
		printf("# done without: %s\n", why.text);
	return g;
}

static struct dcos_gauge walk(const struct rig *g)
{
	struct dcos_gauge ret;

	EXPECT_EQ(meter_walk(g->m), 0);
	meter_gauge(g->m, g->slot, &ret);
	return ret;
}

/* A child in the cgroup, and the pipe on which it says that it is where the test wants it. */
struct child {
	pid_t pid;
	int pidfd, pipefd[2];
	const char *dir;
};

static void say_ready(const struct child *c)
{
	if (write(c->pipefd[1], "", 1) != 1)
		_exit(120);
}

static void start(const struct rig *g, int (*fn)(void *), struct child *c)
{
	struct pollfd p = {.events = POLLIN};
	char byte;

	ASSERT_EQ(pipe2(c->pipefd, O_CLOEXEC), 0);
	c->pid = rig_spawn(g->cgroup_fd, fn, c, &c->pidfd);
	ASSERT_TRUE(c->pid > 0);
	p.fd = c->pipefd[0];
	ASSERT_EQ(poll(&p, 1, END_MS), 1);
	ASSERT_EQ(read(p.fd, &byte, 1), 1);
}

static void stop(struct child *c)
{
	int status;

	EXPECT_EQ(kill(c->pid, SIGKILL), 0);
	EXPECT_EQ(rig_wait(c->pid, c->pidfd, END_MS, &status), 0);
}

/* ---- memory ---- */

static int holds_memory(void *arg)
{
	const struct child *c = arg;
	int dirfd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(dirfd, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char *anon, *shmem, *file;
	volatile char sum = 0;
	uint64_t i;

	if (fd < 0 || ftruncate(fd, FILE_BYTES))
		return 1;
	anon = mmap(NULL, ANON_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	shmem = mmap(NULL, SHMEM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	file = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (anon == MAP_FAILED || shmem == MAP_FAILED || file == MAP_FAILED)
		return 2;
	memset(anon, 1, ANON_BYTES);
	memset(shmem, 1, SHMEM_BYTES);
	for (i = 0; i < FILE_BYTES; i += PAGE)
		sum = (char)(sum + file[i]);
	say_ready(c);
	(void)pause(); /* until it is killed */
	return 0;
}

/* A line of a /proc file, "Name:   123 kB", in bytes. */
static uint64_t proc_bytes(pid_t pid, const char *file, const char *name)
{
	char path[64], line[256];
	uint64_t kb;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file); /* fits */

	cleanup_fclose FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, strlen(name)) &&
		    sscanf(line + strlen(name), ": %lu kB", &kb) == 1)
			return kb * 1024;
	}
	test_fail(__FILE__, __LINE__, "%s has no %s", path, name);
	return 0;
}

static void expect_near(const char *what, uint64_t got, uint64_t want, uint64_t error)
{
	printf("# %s: meter %lu kB, kernel %lu kB\n", what, got / 1024, want / 1024);
	EXPECT_GE(got + error, want);
	EXPECT_LE(got, want + error);
}

TEST(resident_memory_is_what_proc_tells_of_the_process, NEEDS)
{
	struct rig g = up();
	struct child c = {.dir = test_dir()};
	struct dcos_gauge now;

	start(&g, holds_memory, &c);
	now = walk(&g);
	EXPECT_TRUE(now.has & DCOS_HAS_RSS);
	expect_near("anonymous", now.rss_anon_bytes, proc_bytes(c.pid, "status", "RssAnon"),
		    CACHED);
	expect_near("file", now.rss_file_bytes, proc_bytes(c.pid, "status", "RssFile"), STATUS_LAG);
	expect_near("shared", now.rss_shmem_bytes, proc_bytes(c.pid, "status", "RssShmem"), CACHED);
	expect_near("swap", now.swap_bytes, proc_bytes(c.pid, "status", "VmSwap"), CACHED);
	expect_near("all, page by page",
		    now.rss_anon_bytes + now.rss_file_bytes + now.rss_shmem_bytes,
		    proc_bytes(c.pid, "smaps_rollup", "Rss"), CACHED);
	EXPECT_GE(now.rss_anon_bytes + CACHED, ANON_BYTES);
	EXPECT_GE(now.rss_shmem_bytes + CACHED, SHMEM_BYTES);
	stop(&c);
	now = walk(&g);
	EXPECT_EQ(now.rss_anon_bytes + now.rss_file_bytes + now.rss_shmem_bytes, 0);
	EXPECT_EQ(now.nr_procs, 0);
}

static void *sleeps(void *arg)
{
	(void)pause(); /* until the process is killed */
	return arg;
}

static int sleeping_clone(void *arg)
{
	(void)sleeps(arg); /* does not return */
	return 0;
}

/* A child that has the very address space of its parent, until it ends. */
static int shares_memory(void *arg)
{
	static char stack[65536] __attribute__((aligned(16)));
	const struct child *c = arg;
	char *anon =
		mmap(NULL, ANON_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (anon == MAP_FAILED)
		return 1;
	memset(anon, 1, ANON_BYTES);
	if (clone(sleeping_clone, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL) < 0)
		return 2;
	say_ready(c);
	(void)pause(); /* until it is killed */
	return 0;
}

TEST(memory_that_two_processes_share_counts_once, NEEDS)
{
	struct rig g = up();
	struct child c = {};
	struct dcos_gauge now;

	start(&g, shares_memory, &c);
	now = walk(&g);
	EXPECT_EQ(now.nr_procs, 2);
	EXPECT_GE(now.rss_anon_bytes + CACHED, ANON_BYTES);
	EXPECT_LT(now.rss_anon_bytes, 2 * ANON_BYTES);
	EXPECT_EQ(rig_write(g.cgroup_fd, "cgroup.kill", "1"), 0);
	EXPECT_EQ(waitpid(c.pid, NULL, 0), c.pid);
}

/* ---- threads ---- */

static int spins(void *arg)
{
	say_ready(arg);
	while (rig_now_ns())
		; /* until it is killed */
	return 0;
}

static int has_threads(void *arg)
{
	pthread_t th;
	int i;

	for (i = 1; i < THREADS; i++) {
		if (pthread_create(&th, NULL, sleeps, NULL))
			return 1;
	}
	if (!fork())
		(void)pause(); /* until it is killed */
	return spins(arg); /* one that runs */
}

TEST(threads_and_processes_are_counted_by_what_they_do, NEEDS)
{
	struct rig g = up();
	struct child c = {};
	struct dcos_gauge now;

	start(&g, has_threads, &c);
	now = walk(&g);
	EXPECT_EQ(now.nr_procs, 2);
	EXPECT_EQ(now.nr_threads, THREADS + 1);
	EXPECT_GE(now.nr_running, 1);
	EXPECT_LE(now.nr_running, THREADS + 1); /* those that have not yet come to sleep */
	EXPECT_EQ(rig_write(g.cgroup_fd, "cgroup.kill", "1"), 0);
	EXPECT_EQ(waitpid(c.pid, NULL, 0), c.pid);
}

static void *goes_on(void *arg)
{
	char *anon =
		mmap(NULL, ANON_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char path[64], line[256];

	if (anon == MAP_FAILED)
		_exit(1);
	memset(anon, 1, ANON_BYTES);
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid()); /* fits */
	for (;;) { /* until the leader is a zombie */
		cleanup_fclose FILE *f = fopen(path, "re");

		if (!f || !fgets(line, sizeof(line), f) || strstr(line, ") Z "))
			break;
		(void)sched_yield(); /* can't fail */
	}
	say_ready(arg);
	(void)pause(); /* until the process is killed */
	return NULL;
}

static int leader_ends(void *arg)
{
	pthread_t th;

	if (pthread_create(&th, NULL, goes_on, arg))
		return 1;
	pthread_exit(NULL);
}

TEST(a_process_whose_first_thread_has_ended_still_counts_with_its_memory, NEEDS)
{
	struct rig g = up();
	struct child c = {};
	struct dcos_gauge now;

	start(&g, leader_ends, &c);
	now = walk(&g);
	EXPECT_EQ(now.nr_procs, 1);
	EXPECT_EQ(now.nr_threads, 1);
	EXPECT_GE(now.rss_anon_bytes + CACHED, ANON_BYTES);
	stop(&c);
}

/* vfork(2): the parent waits as one does for a disk, until the child has ended. */
static int waits_hard(void *arg)
{
	static struct child *c;

	c = arg;
	if (vfork() == 0) {
		say_ready(c);
		(void)pause(); /* until it is killed */
		_exit(0);
	}
	return 0;
}

TEST(uninterruptible_sleep_is_seen, NEEDS)
{
	struct rig g = up();
	struct child c = {};
	struct dcos_gauge now;
	uint64_t end = rig_now_ns() + SETTLE_NS;

	start(&g, waits_hard, &c);
	do {
		now = walk(&g); /* the child may still be on its way to sleep */
	} while ((now.nr_disk_wait != 1 || now.nr_running) && rig_now_ns() < end);
	EXPECT_EQ(now.nr_disk_wait, 1);
	EXPECT_EQ(now.nr_running, 0);
	EXPECT_EQ(now.nr_threads, 2);
	EXPECT_EQ(rig_write(g.cgroup_fd, "cgroup.kill", "1"), 0);
	EXPECT_EQ(waitpid(c.pid, NULL, 0), c.pid);
}

/* ---- faults, user and system time ---- */

static int faults(void *arg)
{
	uint64_t bytes = (uint64_t)(uintptr_t)arg, i;
	char *anon = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (anon == MAP_FAILED || madvise(anon, bytes, MADV_NOHUGEPAGE))
		return 1;
	for (i = 0; i < bytes; i += PAGE)
		anon[i] = 1;
	return 0;
}

/* The last switch of a dead thread comes after its parent could wait for it. */
static struct dcos_cell settled(const struct rig *g, uint64_t faults_wanted)
{
	uint64_t end = rig_now_ns() + SETTLE_NS;
	struct dcos_cell c;

	do {
		c = rig_row(g);
	} while ((c.nr_min_faults < faults_wanted || c.nr_forks != c.nr_exits) &&
		 rig_now_ns() < end);
	return c;
}

TEST(page_faults_of_a_process_that_has_ended_are_those_of_its_rusage, NEEDS)
{
	struct rig g = up();
	struct dcos_cell c;
	struct rusage ru;
	int pidfd, status;
	pid_t pid;

	pid = rig_spawn(g.cgroup_fd, faults, (void *)(uintptr_t)ANON_BYTES, &pidfd);
	ASSERT_TRUE(pid > 0);
	ASSERT_EQ(wait4(pid, &status, 0, &ru), pid);
	EXPECT_EQ(status, 0);
	c = settled(&g, (uint64_t)ru.ru_minflt);
	EXPECT_EQ(c.nr_min_faults, ru.ru_minflt);
	EXPECT_EQ(c.nr_maj_faults, ru.ru_majflt);
	EXPECT_GE(c.nr_min_faults, ANON_BYTES / PAGE);
}

/* Generations of processes; what all of them had is in the usage of the children. */
static int faults_in_children(void *arg)
{
	int i, status;
	pid_t pid;

	for (i = 0; i < CHILDREN; i++) {
		pid = fork();
		if (!pid)
			_exit(faults((void *)(uintptr_t)MIB));
		if (waitpid(pid, &status, 0) != pid || status)
			return 1;
	}
	return arg ? 1 : 0;
}

TEST(ends_between_and_during_walks_lose_no_fault, NEEDS)
{
	struct rig g = up();
	struct dcos_cell c;
	struct rusage ru;
	int pidfd, status, walks = 0;
	pid_t pid;

	pid = rig_spawn(g.cgroup_fd, faults_in_children, NULL, &pidfd);
	ASSERT_TRUE(pid > 0);
	while (rig_wait(pid, pidfd, 0, &status) == -ETIMEDOUT && walks < INT32_MAX) {
		(void)walk(&g); /* only for what it charges */
		walks++;
	}
	EXPECT_EQ(status, 0);
	ASSERT_EQ(getrusage(RUSAGE_CHILDREN, &ru), 0); /* of this test process: it has no other */
	c = settled(&g, (uint64_t)ru.ru_minflt);
	printf("# %d walks during %d processes, %lu faults\n", walks, CHILDREN + 1, ru.ru_minflt);
	EXPECT_GT(walks, 1);
	EXPECT_EQ(c.nr_min_faults, ru.ru_minflt);
	EXPECT_EQ(c.nr_maj_faults, ru.ru_majflt);
}

static int faults_and_stays(void *arg)
{
	if (faults((void *)(uintptr_t)ANON_BYTES))
		return 1;
	say_ready(arg);
	(void)pause(); /* until it is killed */
	return 0;
}

TEST(a_walk_charges_the_faults_of_what_still_runs_once, NEEDS)
{
	struct rig g = up();
	struct child c = {};
	uint64_t first;

	EXPECT_EQ(rig_row(&g).nr_min_faults, 0);
	start(&g, faults_and_stays, &c);
	(void)walk(&g); /* only for what it charges */
	first = rig_row(&g).nr_min_faults;
	EXPECT_GE(first, ANON_BYTES / PAGE);
	(void)walk(&g); /* as above */
	EXPECT_LT(rig_row(&g).nr_min_faults - first, 16); /* on its way to sleep it may have some */
	stop(&c);
}

/* About a third of the time in the kernel. */
static int mixes(void *arg)
{
	uint64_t end = rig_now_ns() + (uint64_t)(uintptr_t)arg * 1000000;
	cleanup_close int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	static char buf[1 << 20];
	volatile unsigned int i;

	while (rig_now_ns() < end) {
		if (read(zero, buf, sizeof(buf)) != sizeof(buf))
			return 1;
		for (i = 0; i < 100000; i++)
			;
	}
	return 0;
}

static double user_share_of_stat(int cgroup_fd)
{
	cleanup_close int fd = openat(cgroup_fd, "cpu.stat", O_RDONLY | O_CLOEXEC);
	uint64_t all = 0, user = 0;
	char buf[1024];
	ssize_t n = fd < 0 ? -1 : pread(fd, buf, sizeof(buf) - 1, 0);

	if (n <= 0)
		return -1;
	buf[n] = 0;
	if (sscanf(buf, "usage_usec %lu user_usec %lu", &all, &user) != 2 || !all)
		return -1;
	return (double)user / (double)all;
}

TEST(time_is_split_into_user_and_system_as_cpu_stat_splits_it, NEEDS)
{
	struct rig g = up();
	struct dcos_cell c;
	double ours, kernels;
	int pidfd, status;
	pid_t pid;

	pid = rig_spawn(g.cgroup_fd, mixes, (void *)3000, &pidfd);
	ASSERT_TRUE(pid > 0);
	while (rig_wait(pid, pidfd, 100, &status) == -ETIMEDOUT)
		(void)walk(&g); /* only for what it charges */
	EXPECT_EQ(status, 0);
	c = settled(&g, 0);
	kernels = user_share_of_stat(g.cgroup_fd);
	ours = (double)c.user_ns / (double)(c.user_ns + c.system_ns);
	printf("# user share: meter %.4f, cpu.stat %.4f; sampled %.3f s of %.3f s\n", ours, kernels,
	       (double)(c.user_ns + c.system_ns) / 1e9, (double)c.cpu_ns / 1e9);
	EXPECT_GT(c.user_ns, 0);
	EXPECT_GT(c.system_ns, 0);
	EXPECT_LE((ours - kernels) * 1e4, 100); /* hundredths of a percent */
	EXPECT_GE((ours - kernels) * 1e4, -100);
}

/* ---- the cgroup's own totals ---- */

/* total= of a line of a pressure file, in ns; 0 if it is not there. */
static uint64_t pressure_ns(int cgroup_fd, const char *file, const char *line)
{
	cleanup_close int fd = openat(cgroup_fd, file, O_RDONLY | O_CLOEXEC);
	char buf[512], *at;
	ssize_t n = fd < 0 ? -1 : pread(fd, buf, sizeof(buf) - 1, 0);
	uint64_t us;

	if (n <= 0)
		return 0;
	buf[n] = 0;
	at = strstr(buf, line);
	at = at ? strstr(at, "total=") : NULL;
	return at && sscanf(at, "total=%lu", &us) == 1 ? us * 1000 : 0;
}

TEST(pressure_is_what_the_cgroups_files_total, NEEDS)
{
	struct rig g = up();
	uint64_t before, after, end = rig_now_ns() + SETTLE_NS;
	struct dcos_gauge now;
	cpu_set_t one;
	struct child c[3] = {};
	size_t i;

	if (faccessat(g.cgroup_fd, "cpu.pressure", R_OK, 0))
		test_skip("no cpu.pressure: the kernel does not track pressure");
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0); /* and the children's */
	for (i = 0; i < ARRAY_SIZE(c); i++)
		start(&g, spins, &c[i]);
	do { /* a read of the file brings the total up to now */
		before = pressure_ns(g.cgroup_fd, "cpu.pressure", "some");
		now = walk(&g);
		after = pressure_ns(g.cgroup_fd, "cpu.pressure", "some");
	} while (before < 300000000 && rig_now_ns() < end);
	printf("# some of cpu.pressure: %.3f s, meter %.3f s\n", (double)after / 1e9,
	       (double)now.psi_cpu_some_ns / 1e9);
	EXPECT_TRUE(now.has & DCOS_HAS_PSI);
	EXPECT_GT(before, 0);
	EXPECT_GE(now.psi_cpu_some_ns + 1000, before);
	EXPECT_LE(now.psi_cpu_some_ns, after + 1000);
	EXPECT_LE(now.psi_io_some_ns, now.psi_cpu_some_ns);
	for (i = 0; i < ARRAY_SIZE(c); i++)
		stop(&c[i]);
}

/* The number of a file, or that of a line of it that begins with @key. */
static uint64_t file_number(int cgroup_fd, const char *file, const char *key)
{
	cleanup_close int fd = openat(cgroup_fd, file, O_RDONLY | O_CLOEXEC);
	char buf[1024], *at = buf;
	ssize_t n = fd < 0 ? -1 : pread(fd, buf, sizeof(buf) - 1, 0);
	uint64_t v = 0;

	if (n > 0) {
		buf[n] = 0;
		if (key[0])
			at = strstr(buf, key);
		if (at && sscanf(at + strlen(key), "%lu", &v) == 1)
			return v;
	}
	test_fail(__FILE__, __LINE__, "%s has no %s", file, key[0] ? key : "number");
	return 0;
}

/* Pages of a file that is one hole: they come from no disk and can always be given up again. */
static int eats(void *arg)
{
	const struct child *c = arg;
	int dirfd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(dirfd, "eaten", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	static char buf[1 << 20];
	int i;

	if (fd < 0 || ftruncate(fd, 32 << 20))
		return 1;
	for (i = 0; i < 32; i++)
		if (pread(fd, buf, sizeof(buf), (off_t)i << 20) != sizeof(buf))
			return 2;
	say_ready(c);
	(void)pause(); /* until it is killed */
	return 0;
}

TEST(memory_and_its_events_are_those_of_the_controllers_files, NEEDS, NEED_MEMORY_CONTROLLER)
{
	struct rig g = up();
	struct child c = {.dir = test_dir()};
	uint64_t before, after, end = rig_now_ns() + SETTLE_NS;
	struct dcos_gauge now;

	EXPECT_EQ(rig_write(g.cgroup_fd, "memory.max", "16777216"), 0);
	start(&g, eats, &c);
	do {
		before = file_number(g.cgroup_fd, "memory.current", "");
		now = walk(&g);
		after = file_number(g.cgroup_fd, "memory.current", "");
	} while (before != after && rig_now_ns() < end);
	EXPECT_TRUE(now.has & DCOS_HAS_MEMORY);
	EXPECT_EQ(now.memory_bytes, before);
	EXPECT_GT(now.memory_bytes, 0);
	if (!faccessat(g.cgroup_fd, "memory.peak", R_OK, 0))
		EXPECT_EQ(now.memory_peak_bytes, file_number(g.cgroup_fd, "memory.peak", ""));
	EXPECT_GE(now.memory_peak_bytes, now.memory_bytes);
	EXPECT_EQ(now.memory_low, file_number(g.cgroup_fd, "memory.events", "low "));
	EXPECT_EQ(now.memory_high, file_number(g.cgroup_fd, "memory.events", "high "));
	EXPECT_EQ(now.memory_max, file_number(g.cgroup_fd, "memory.events", "max "));
	EXPECT_GT(now.memory_max, 0);
	EXPECT_EQ(now.memory_oom, 0);
	stop(&c);
}

static int overeats(void *arg)
{
	(void)arg;
	return faults((void *)(uintptr_t)(64 * MIB));
}

TEST(an_oom_kill_is_in_the_controllers_totals_too, NEEDS, NEED_MEMORY_CONTROLLER)
{
	struct rig g = up();
	struct dcos_gauge now;
	int pidfd, status;
	pid_t pid;

	EXPECT_EQ(rig_write(g.cgroup_fd, "memory.max", "16777216"), 0);
	(void)rig_write(g.cgroup_fd, "memory.swap.max", "0"); /* where there is swap */
	pid = rig_spawn(g.cgroup_fd, overeats, NULL, &pidfd);
	ASSERT_TRUE(pid > 0);
	ASSERT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	EXPECT_EQ(status, SIGKILL);
	now = walk(&g);
	EXPECT_EQ(now.memory_oom, file_number(g.cgroup_fd, "memory.events", "oom "));
	EXPECT_EQ(now.memory_oom_kill, file_number(g.cgroup_fd, "memory.events", "oom_kill "));
	EXPECT_EQ(now.memory_oom_kill, 1);
	EXPECT_EQ(rig_row(&g).nr_oom_kills, 1);
}

TEST(pids_are_those_of_the_controllers_file, NEEDS, NEED_PIDS_CONTROLLER)
{
	struct rig g = up();
	struct child c = {};
	struct dcos_gauge now;

	start(&g, has_threads, &c);
	now = walk(&g);
	EXPECT_TRUE(now.has & DCOS_HAS_PIDS);
	EXPECT_EQ(now.pids, file_number(g.cgroup_fd, "pids.current", ""));
	EXPECT_EQ(now.pids, THREADS + 1);
	EXPECT_EQ(rig_write(g.cgroup_fd, "cgroup.kill", "1"), 0);
	EXPECT_EQ(waitpid(c.pid, NULL, 0), c.pid);
}

TEST(throttling_is_what_cpu_stat_tells, NEEDS, NEED_CPU_CONTROLLER)
{
	struct rig g = up();
	struct child c = {};
	uint64_t before, after, end = rig_now_ns() + SETTLE_NS;
	struct dcos_gauge now;

	EXPECT_EQ(rig_write(g.cgroup_fd, "cpu.max", "5000 50000"), 0);
	start(&g, spins, &c);
	do {
		before = file_number(g.cgroup_fd, "cpu.stat", "throttled_usec ");
		now = walk(&g);
		after = file_number(g.cgroup_fd, "cpu.stat", "throttled_usec ");
	} while ((before != after || before < 200000) && rig_now_ns() < end);
	EXPECT_TRUE(now.has & DCOS_HAS_CFS);
	EXPECT_GE(before, 200000);
	EXPECT_EQ(now.cfs_throttled_ns / 1000, before);
	EXPECT_GT(now.cfs_throttled, 3);
	EXPECT_GE(now.cfs_periods, now.cfs_throttled);
	EXPECT_LE(now.cfs_throttled, file_number(g.cgroup_fd, "cpu.stat", "nr_throttled "));
	EXPECT_GE(now.cfs_throttled + 1, file_number(g.cgroup_fd, "cpu.stat", "nr_throttled "));
	stop(&c);
}

static bool has_controller(int cgroup_fd, const char *name)
{
	cleanup_close int fd = openat(cgroup_fd, "cgroup.controllers", O_RDONLY | O_CLOEXEC);
	char buf[512];
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (n < 0)
		return false;
	buf[n] = 0;
	return strstr(buf, name) != NULL;
}

TEST(totals_of_controllers_that_are_not_there_are_not_claimed, NEEDS)
{
	static const struct {
		const char *name;
		uint64_t bit;
	} rows[] = {
		{"memory", DCOS_HAS_MEMORY},
		{"pids", DCOS_HAS_PIDS},
	};
	struct rig g = up();
	struct dcos_gauge now = walk(&g);
	size_t i;

	EXPECT_EQ(now.cgroup_walk, now.walk);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		EXPECT_EQ(!!(now.has & rows[i].bit), has_controller(g.cgroup_fd, rows[i].name));
}

/* ---- the family ---- */

TEST(a_slot_that_is_given_anew_has_an_empty_gauge, NEEDS)
{
	struct rig g = up();
	struct child c = {.dir = test_dir()};
	struct dcos_gauge now;
	uint32_t slot = 0, i;

	start(&g, holds_memory, &c);
	EXPECT_GT(walk(&g).rss_anon_bytes, 0);
	g.iso->detach(g.iso->ctx, g.id, g.slot);
	for (i = 1; i < DCOS_SLOTS && slot != g.slot; i++)
		ASSERT_EQ(g.iso->attach(g.iso->ctx, (UINT64_C(1) << 62) + i, &slot), 0);
	meter_gauge(g.m, slot, &now);
	EXPECT_EQ(now.rss_anon_bytes, 0);
	now = walk(&g); /* the survivors are not the new owner's */
	EXPECT_EQ(now.nr_threads, 0);
	EXPECT_EQ(now.rss_anon_bytes, 0);
	stop(&c);
}

TEST(without_a_cgroup_the_walk_is_refused_alone_and_says_so, NEEDS)
{
	struct rig g = up();
	struct child c = {};
	struct dcos_gauge now;
	struct why why = {};

	meter_close(g.m);
	ASSERT_EQ(meter_open(g.pins, -1, &g.m, &why), 0);
	EXPECT_FALSE(meter_has(g.m, METER_WALK, &why));
	EXPECT_STREQ(why.text, "there is no cgroup of the agent's own");
	EXPECT_TRUE(meter_has(g.m, METER_SCHED, NULL));
	EXPECT_EQ(meter_walk(g.m), -EOPNOTSUPP);
	start(&g, spins, &c);
	meter_gauge(g.m, g.slot, &now);
	EXPECT_EQ(now.nr_procs, 0);
	while (rig_row(&g).cpu_ns == 0)
		(void)sched_yield(); /* the harness ends a test that hangs */
	EXPECT_EQ(rig_row(&g).nr_forks, 1);
	stop(&c);
}

TEST(the_next_agents_first_walk_counts_every_process, NEEDS)
{
	struct rig g = up();
	struct child c = {};
	struct why why = {};

	start(&g, has_threads, &c);
	EXPECT_EQ(walk(&g).nr_procs, 2);
	meter_close(g.m);
	ASSERT_EQ(meter_open(g.pins, test_cgroup(), &g.m, &why), 0);
	EXPECT_EQ(walk(&g).nr_procs, 2);
	EXPECT_EQ(rig_write(g.cgroup_fd, "cgroup.kill", "1"), 0);
	EXPECT_EQ(waitpid(c.pid, NULL, 0), c.pid);
}
