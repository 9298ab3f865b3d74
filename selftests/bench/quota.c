// SPDX-License-Identifier: Apache-2.0
/*
 * How exactly a CPU quota holds, and what that costs: busy threads under the governor and, where
 * the host has the cpu controller, under cpu.max and the scheduler of agent/scx.h in the same run. A share is what cpu.stat counted
 * over whole periods, after the first ones, whose budget was full.
 * Usage: quota [SECONDS a case]
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/governor.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "agent/meter_impl.h"
#include "agent/scx.h"
#include "selftests/harness/harness.h"
#include "selftests/harness/meter_rig.h"

#define SECONDS	  5
#define WARM_NS	  UINT64_C(400000000)
#define END_MS	  20000
#define GAP_NS	  3000000 /* a busy thread that did not run so long was frozen */
#define GAPS_MAX  4096
#define WEIGHT	  100
#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_US 1000

#ifndef SCHED_EXT
#define SCHED_EXT 7
#endif

enum enforcer { GOVERNOR, CFS, SCX, ENFORCERS };

static const char *const names[ENFORCERS] = {"governor", "cpu.max", "scx"};

struct shared {
	uint64_t nr;
	uint32_t thaw_us[GAPS_MAX]; /* from the thaw to the first instruction */
};

struct bench {
	char dir[PATH_MAX], cgroup[PATH_MAX]; /* removed at the end */
	struct rig g;
	struct governor *gov;
	struct scx *scx; /* NULL: this host can't */
	struct dcos_budget *budgets;
	struct shared *shared;
	uint64_t seconds;
};

struct load {
	int threads, policy; /* SCHED_* */
	const struct dcos_budget *budget;
	struct shared *shared;
};

static void *spin(void *arg)
{
	volatile uint64_t n = 0;

	for (;;)
		n++;
	return arg;
}

/* The first thread looks at the clock all the time: a gap that a thaw ends tells how long it took. */
static int load(void *arg)
{
	const struct sched_param param = {};
	const struct load *l = arg;
	uint64_t last = rig_now_ns(), now, thawed;
	pthread_t t;

	if (sched_setscheduler(0, l->policy, &param)) /* the threads have it too */
		return 2;
	for (int i = 1; i < l->threads; i++) {
		if (pthread_create(&t, NULL, spin, NULL))
			return 1;
	}
	for (;; last = now) {
		now = rig_now_ns();
		thawed = __atomic_load_n(&l->budget->thawed_ns, __ATOMIC_RELAXED);
		if (now - last > GAP_NS && thawed > last && thawed < now &&
		    l->shared->nr < GAPS_MAX)
			l->shared->thaw_us[l->shared->nr++] =
				(uint32_t)((now - thawed) / NS_PER_US);
	}
}

static int set_quota(struct bench *b, enum enforcer e, uint64_t quota_us, uint64_t period_us)
{
	const struct iso_governor *iso = governor_iso(b->gov);
	const struct iso_quota q = {quota_us, period_us, 0};
	const struct iso_scx *scx;
	char text[64];

	if (e == GOVERNOR)
		return iso->set(iso->ctx, b->g.slot, b->g.id, b->g.cgroup_fd, &q);
	if (e == SCX) {
		scx = scx_iso(b->scx);
		return scx->set(scx->ctx, b->g.slot, b->g.id, WEIGHT, &q);
	}
	(void)snprintf(text, sizeof(text), "%lu %lu", quota_us, period_us); /* fits */
	return rig_write(b->g.cgroup_fd, "cpu.max", text);
}

static void unset_quota(struct bench *b, enum enforcer e)
{
	const struct iso_governor *iso = governor_iso(b->gov);
	const struct iso_quota none = {};
	const struct iso_scx *scx;

	if (e == GOVERNOR) {
		iso->drop(iso->ctx, b->g.slot, b->g.id);
	} else if (e == SCX) {
		scx = scx_iso(b->scx);
		(void)scx->set(scx->ctx, b->g.slot, b->g.id, WEIGHT, &none); /* likewise */
	} else {
		(void)rig_write(b->g.cgroup_fd, "cpu.max", "max"); /* the cgroup goes anyhow */
	}
}

/* Of this process: the load is a child that is not reaped while it is measured. */
static uint64_t own_cpu_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t))
		abort(); /* the clock exists */
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void sleep_ns(uint64_t ns)
{
	const struct timespec t = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};

	(void)nanosleep(&t, NULL); /* what it really took is measured */
}

static int by_value(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void print_thaw(struct shared *s)
{
	if (!s->nr) {
		printf("        -       -");
		return;
	}
	qsort(s->thaw_us, s->nr, sizeof(s->thaw_us[0]), by_value);
	printf(" %8u%8u", s->thaw_us[s->nr / 2], s->thaw_us[s->nr * 99 / 100]);
}

static int run_case(struct bench *b, enum enforcer e, unsigned int percent, int threads,
		    uint64_t period_us)
{
	uint64_t quota_us = period_us * percent / 100, used, begin, own, took;
	struct load l = {threads, e == SCX ? SCHED_EXT : SCHED_OTHER, &b->budgets[b->g.slot],
			 b->shared};
	int pidfd, status, err;
	double share;
	pid_t pid;

	memset(b->shared, 0, sizeof(*b->shared));
	err = set_quota(b, e, quota_us, period_us);
	if (err)
		return err;
	pid = rig_spawn(b->g.cgroup_fd, load, &l, &pidfd);
	if (pid < 0)
		return pid;
	sleep_ns(WARM_NS);
	own = own_cpu_ns();
	begin = rig_now_ns();
	used = rig_cpu_us(b->g.cgroup_fd);
	sleep_ns(b->seconds * NS_PER_S - 1000000); /* a whole number of periods, nearly */
	used = rig_cpu_us(b->g.cgroup_fd) - used;
	took = rig_now_ns() - begin;
	own = own_cpu_ns() - own;
	err = kill(pid, SIGKILL) ? -errno : rig_wait(pid, pidfd, END_MS, &status);
	close_fd(&pidfd);
	unset_quota(b, e);
	share = 100.0 * (double)used * NS_PER_US / (double)took;
	printf("  %-9s %4lu ms %5u %% %3d  %8.2f  %+7.2f", names[e],
	       (unsigned long)(period_us / 1000), percent, threads, share,
	       100.0 * (share - percent) / percent);
	if (e == GOVERNOR) {
		printf(" %8.3f", 100.0 * (double)own / (double)took);
		print_thaw(b->shared);
	}
	printf("\n");
	return err;
}

static bool has(const struct bench *b, enum enforcer e)
{
	if (e == SCX)
		return b->scx != NULL;
	return e == GOVERNOR || !faccessat(b->g.cgroup_fd, "cpu.max", W_OK, 0);
}

static int run_all(struct bench *b)
{
	static const unsigned int percents[] = {5, 10, 25, 50, 100, 150};
	static const int threads[] = {1, 2, 8};
	static const uint64_t periods[] = {100000, 20000};
	int err = 0;

	printf("CPU quotas, %lu s a case        share %%  error %%  own CPU %%  thaw us p50, p99\n",
	       (unsigned long)b->seconds);
	printf("  enforcer   period  quota thr\n");
	for (size_t p = 0; p < ARRAY_SIZE(periods); p++) {
		for (size_t i = 0; i < ARRAY_SIZE(percents); i++) {
			for (size_t t = 0; t < ARRAY_SIZE(threads) && !err; t++) {
				if (percents[i] > 100U * (unsigned int)threads[t])
					continue; /* nothing would hold it */
				for (int e = 0; e < ENFORCERS && !err; e++)
					if (has(b, e))
						err = run_case(b, e, percents[i], threads[t],
							       periods[p]);
			}
		}
	}
	return err;
}

static void print_delays(const struct bench *b)
{
	struct governor_stats s;
	uint64_t sum = 0, seen = 0;

	governor_stats(b->gov, &s);
	for (int i = 0; i < DCOS_HIST; i++)
		sum += s.delay_hist_us[i];
	printf("from the last booking to the end of the freeze, %lu freezes\n",
	       (unsigned long)s.freezes);
	for (int i = 0; i < DCOS_HIST && seen < sum; i++) {
		seen += s.delay_hist_us[i];
		if (s.delay_hist_us[i])
			printf("  below %7lu us  %7.3f %%\n", 2UL << i,
			       100.0 * (double)seen / (double)sum);
	}
}

static int bench_up(struct bench *b)
{
	cleanup_close int root_fd = -1;
	struct why why = {};
	char name[32];
	int r, fd;

	b->shared = mmap(NULL, sizeof(*b->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b->shared == MAP_FAILED)
		return -errno;
	(void)snprintf(name, sizeof(name), "dcos-bench-%d", getpid()); /* fits */
	r = scratch_dir_make(b->dir);
	if (!r)
		r = scratch_cgroup_make(name, b->cgroup);
	if (r < 0)
		return r;
	root_fd = open(b->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -errno;
	r = rig_up(b->dir, root_fd, &b->g, &why);
	if (!r)
		r = governor_open(b->g.m, b->g.cgroup_fd, &b->gov, &why);
	if (r < 0) {
		fprintf(stderr, "%s\n", why.text);
		return r;
	}
	if (!governor_rt(b->gov, &why))
		printf("%s\n", why.text);
	if (access("/sys/kernel/sched_ext/state", F_OK) || scx_open(b->g.m, &b->scx, &why) < 0)
		printf("without scx: %s\n", why.text[0] ? why.text : "this kernel has none");
	fd = meter_map_fd(b->g.m, METER_GOVERNOR, "budgets");
	b->budgets = mmap(NULL, DCOS_SLOTS * sizeof(*b->budgets), PROT_READ, MAP_SHARED, fd, 0);
	return b->budgets == MAP_FAILED ? -errno : 0;
}

int main(int argc, char **argv)
{
	struct bench b = {.seconds = SECONDS};
	int r = argc > 1 ? parse_u64(argv[1], 1, 3600, &b.seconds) : 0;

	if (!r)
		r = bench_up(&b);
	if (!r)
		r = run_all(&b);
	if (!r)
		print_delays(&b);
	governor_close(b.gov);
	scx_close(b.scx);
	if (b.g.m && b.scx)
		(void)scx_dismiss(b.g.m); /* what is pinned is removed below too */
	meter_close(b.g.m);
	if (b.g.pins[0])
		(void)meter_unpin(b.g.pins); /* its mount ends with this process */
	scratch_cgroup_remove(b.cgroup);
	scratch_dir_remove(b.dir);
	if (r < 0)
		fprintf(stderr, "bench-quota: %s\n", strerror(-r));
	return r < 0;
}
