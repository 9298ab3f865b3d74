// SPDX-License-Identifier: Apache-2.0
/*
 * What the meter costs a task that reads a block device, 4 KiB at a time and past the page cache:
 * without it, under it unmetered, and metered; and the kernel's own time per run of each program.
 * The device is a loop device on a file that the page cache has, so that little hides the cost.
 * The cases take turns; each is compared with its neighbour without a meter, and the median of
 * these ratios is told: on a busy machine single rounds differ by more than the meter costs.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/meter.h"
#include "selftests/harness/disk_rig.h"
#include "selftests/harness/harness.h"
#include "selftests/harness/meter_rig.h"

#define ROUNDS 41
#define READS  4000
#define BLOCK  4096
#define DISK   (UINT64_C(16) << 20)

enum bench_case { WITHOUT, UNMETERED, METERED, CASES };

static const char *const case_names[CASES] = {
	[WITHOUT] = "no program",
	[UNMETERED] = "meter attached, task unmetered",
	[METERED] = "meter attached, task metered",
};

struct bench {
	char dir[PATH_MAX], cgroup[PATH_MAX]; /* removed at the end */
	int plain_fd; /* a cgroup that is never metered */
	struct rig g;
	struct rig_disk disk;
	uint64_t *shared; /* the load's result: picoseconds per read */
};

static int reads(void *arg)
{
	struct bench *b = arg;
	cleanup_close int fd = open(b->disk.path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	cleanup_free void *buf = NULL;
	uint64_t begin;
	int i;

	if (fd < 0 || posix_memalign(&buf, BLOCK, BLOCK))
		return 1;
	begin = rig_now_ns();
	for (i = 0; i < READS; i++) {
		if (pread(fd, buf, BLOCK, (off_t)((uint64_t)i * BLOCK % DISK)) != BLOCK)
			return 1;
	}
	*b->shared = (rig_now_ns() - begin) * 1000 / READS;
	return 0;
}

static int run_in(struct bench *b, int cgroup_fd)
{
	int r = rig_run(cgroup_fd, reads, b);

	return r > 0 ? -EIO : r;
}

static int meter_up(struct bench *b)
{
	struct why why = {};
	int r = meter_open(b->g.pins, b->g.cgroup_fd, &b->g.m, &why);

	if (!r && !meter_has(b->g.m, METER_DISK, &why))
		r = -EOPNOTSUPP;
	if (r < 0) {
		fprintf(stderr, "%s\n", why.text);
		return r;
	}
	b->g.iso = meter_iso(b->g.m);
	return b->g.iso->attach(b->g.iso->ctx, b->g.id, &b->g.slot);
}

static void meter_down(struct bench *b)
{
	meter_close(b->g.m);
	b->g.m = NULL;
	(void)meter_unpin(b->g.pins); /* the next case opens it afresh */
}

static int run_case(struct bench *b, enum bench_case which, uint64_t *ret)
{
	int r = which == WITHOUT ? 0 : meter_up(b);

	if (!r)
		r = run_in(b, which == METERED ? b->g.cgroup_fd : b->plain_fd);
	*ret = *b->shared;
	meter_down(b);
	return r;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint64_t median(uint64_t v[static ROUNDS])
{
	qsort(v, ROUNDS, sizeof(v[0]), by_value);
	return v[ROUNDS / 2];
}

static int bench_reads(struct bench *b)
{
	uint64_t ps[CASES][ROUNDS], permille[CASES][ROUNDS];
	int i, c, r;

	for (i = 0; i < ROUNDS; i++) {
		for (c = 0; c < CASES; c++) {
			r = run_case(b, (enum bench_case)c, &ps[c][i]);
			if (r < 0)
				return r;
			permille[c][i] = ps[c][i] * 1000 / ps[WITHOUT][i];
		}
	}
	printf("reads of 4 KiB from a loop device, medians of %d    ns/read   ratio\n", ROUNDS);
	for (c = 0; c < CASES; c++)
		printf("  %-48s %8.0f   %5.3f\n", case_names[c], (double)median(ps[c]) / 1000,
		       (double)median(permille[c]) / 1000);
	return 0;
}

/* BPF_ENABLE_STATS: the kernel clocks each run, and its clock is in the figure. */
static int bench_programs(struct bench *b, int cgroup_fd, const char *whose)
{
	cleanup_close int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	struct meter_program p[METER_PROGRAMS_MAX];
	double sum = 0;
	int i, n, r;

	if (stats < 0)
		return stats;
	r = meter_up(b);
	if (!r)
		r = run_in(b, cgroup_fd);
	n = r ? 0 : meter_programs(b->g.m, p, METER_PROGRAMS_MAX);
	meter_down(b);
	printf("kernel's time per run, %-28s      ns/run\n", whose);
	for (i = 0; i < n; i++) {
		if (strncmp(p[i].name, "disk_", 5) || p[i].runs < READS || p[i].runs == UINT64_MAX)
			continue;
		printf("  %-48.16s %8.0f   %lu runs\n", p[i].name,
		       (double)p[i].run_ns / (double)p[i].runs, (unsigned long)p[i].runs);
		sum += (double)p[i].run_ns / READS;
	}
	printf("  %-48s %8.0f\n", "all for one read", sum);
	return r;
}

static int bench_up(struct bench *b)
{
	cleanup_close int root_fd = -1;
	char name[32], file[PATH_MAX + 8];
	struct why why = {};
	int r;

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
	b->plain_fd = rig_cgroup_make(root_fd, "plain");
	if (b->plain_fd < 0)
		return b->plain_fd;
	(void)snprintf(file, sizeof(file), "%s/disk", b->dir); /* fits */
	r = rig_loop(file, DISK, &b->disk, &why);
	if (!r)
		r = rig_up(b->dir, root_fd, &b->g, &why);
	if (r < 0)
		fprintf(stderr, "%s\n", why.text);
	else
		meter_down(b);
	return r;
}

int main(void)
{
	struct bench b = {.plain_fd = -1, .disk.fd = -1};
	int r = bench_up(&b);

	if (!r)
		r = bench_reads(&b);
	if (!r)
		r = bench_programs(&b, b.g.cgroup_fd, "task metered");
	if (!r)
		r = bench_programs(&b, b.plain_fd, "task unmetered");
	meter_close(b.g.m);
	if (b.g.pins[0])
		(void)meter_unpin(b.g.pins); /* its mount ends with this process */
	close_fd(&b.disk.fd);
	scratch_cgroup_remove(b.cgroup);
	scratch_dir_remove(b.dir);
	if (r < 0)
		fprintf(stderr, "bench-disk: %s\n", strerror(-r));
	return r < 0;
}
