// SPDX-License-Identifier: Apache-2.0
/* Whom the meter charges for block devices, against io.stat: byte for byte where both count. */
#include "agent/meter.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/disk_rig.h"
#include "selftests/harness/meter_rig.h"
#include "selftests/harness/test.h"

#define NEEDS	  NEED_ROOT, NEED_CGROUP2, NEED_BPF, NEED_MEMORY_CONTROLLER
#define MB	  (UINT64_C(1) << 20)
#define DIRTY_MB  8
#define BLOCK	  4096
#define DISKS_MAX DCOS_TASK_DISKS

static struct rig up(void)
{
	struct rig_disk_io io;
	struct why why = {};
	struct rig g;

	if (rig_up_with(test_dir(), test_cgroup(), RIG_ONLY(METER_DISK), &g, &why) < 0 ||
	    !meter_has(g.m, METER_DISK, &why)) {
		EXPECT_STREQ(why.text, "");
		test_abort();
	}
	if (rig_io_stat(g.cgroup_fd, 0, 0, &io) < 0)
		test_skip("no io controller of cgroup v2");
	return g;
}

/* Buffered writes that nobody waits for: they are the kernel's to write back, at some time. */
static int dirty(void *arg)
{
	cleanup_close int fd = open(arg, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	static char buf[MB];
	int i;

	memset(buf, 0x5a, sizeof(buf));
	for (i = 0; i < DIRTY_MB; i++) {
		if (fd < 0 || write(fd, buf, sizeof(buf)) != (ssize_t)sizeof(buf))
			return 1;
	}
	return 0;
}

/* Some of everything. */
static int mixture(void *arg)
{
	struct rig_load l = {.path = arg, .bytes = BLOCK, .writes = 20, .reads = 20, .flush = true};
	int r = dirty(arg), fd;

	if (!r)
		r = rig_load_run(&l);
	l.bytes = MB;
	l.reads = l.writes = 4;
	if (!r)
		r = rig_load_run(&l);
	fd = open(arg, O_RDWR | O_CLOEXEC);
	if (r || fd < 0 || fsync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		return r ? r : 2;
	/* read ahead by the kernel, what is dropped comes again */
	while ((r = (int)read(fd, (char[BLOCK]){}, BLOCK)) > 0)
		;
	return r ? 3 : dirty(arg);
}

/* All devices of the meter; none that io.stat has is missing in the sums. */
static struct dcos_disk expect_io_stat(const struct rig *g)
{
	struct meter_disk all[DISKS_MAX];
	struct dcos_disk sum = {};
	struct rig_disk_io io;
	struct dcos_cell c;
	int i, n;

	EXPECT_EQ(rig_flights(g), 0);
	n = meter_disks(g->m, g->slot, all, DISKS_MAX);
	for (i = 0; i < n; i++) {
		EXPECT_EQ(rig_io_stat(g->cgroup_fd, all[i].major, all[i].minor, &io), 0);
		printf("# %u:%u: io.stat reads %lu, %lu bytes, writes %lu, %lu bytes\n",
		       all[i].major, all[i].minor, (unsigned long)io.nr_reads,
		       (unsigned long)io.read_bytes, (unsigned long)io.nr_writes,
		       (unsigned long)io.write_bytes);
		EXPECT_EQ(all[i].io.read_bytes, io.read_bytes);
		EXPECT_EQ(all[i].io.write_bytes, io.write_bytes);
		EXPECT_EQ(all[i].io.nr_reads, io.nr_reads);
		EXPECT_EQ(all[i].io.nr_writes, io.nr_writes);
		sum.read_bytes += io.read_bytes;
		sum.write_bytes += io.write_bytes;
		sum.nr_reads += io.nr_reads;
		sum.nr_writes += io.nr_writes;
	}
	c = rig_row(g);
	EXPECT_EQ(c.disk_read_bytes, sum.read_bytes);
	EXPECT_EQ(c.disk_write_bytes, sum.write_bytes);
	EXPECT_EQ(c.nr_disk_reads, sum.nr_reads);
	EXPECT_EQ(c.nr_disk_writes, sum.nr_writes);
	return sum;
}

static char *file_of(char buf[static RIG_PATH_MAX], const char *name)
{
	(void)snprintf(buf, RIG_PATH_MAX, "%s/%s", test_dir(), name); /* fits */
	return buf;
}

TEST(a_mixture_of_everything_equals_io_stat_byte_for_byte, NEEDS)
{
	struct rig g = up();
	char file[RIG_PATH_MAX];
	struct dcos_disk d;

	EXPECT_EQ(rig_run(g.cgroup_fd, mixture, file_of(file, "data")), 0);
	sync();
	d = expect_io_stat(&g);
	EXPECT_GE(d.write_bytes, DIRTY_MB * MB);
	EXPECT_GE(d.read_bytes, DIRTY_MB * MB);
}

TEST(what_the_kernel_writes_back_later_is_charged_to_who_made_it_dirty, NEEDS)
{
	struct rig g = up();
	char file[RIG_PATH_MAX];
	struct dcos_disk d;

	EXPECT_EQ(rig_run(g.cgroup_fd, dirty, file_of(file, "data")), 0);
	sync(); /* by a process that is not metered */
	d = expect_io_stat(&g);
	EXPECT_GE(d.write_bytes, DIRTY_MB * MB);
}

static int syncing(void *arg)
{
	cleanup_close int fd = open(arg, O_WRONLY | O_CLOEXEC);

	return fd < 0 || fsync(fd) ? 1 : 0;
}

TEST(who_waits_for_the_pages_of_others_is_not_charged_for_them, NEEDS)
{
	struct rig g = up();
	int plain = rig_cgroup_make(test_cgroup(), "plain");
	char file[RIG_PATH_MAX];

	ASSERT_EQ(plain < 0, 0);
	EXPECT_EQ(rig_run(plain, dirty, file_of(file, "data")), 0);
	EXPECT_EQ(rig_run(g.cgroup_fd, syncing, file), 0);
	EXPECT_LT(expect_io_stat(&g).write_bytes, MB);
}

TEST(cgroups_below_that_of_the_task_count_for_it, NEEDS)
{
	struct rig g = up();
	int below = rig_cgroup_make(g.cgroup_fd, "below");
	char file[RIG_PATH_MAX];

	ASSERT_EQ(below < 0, 0);
	EXPECT_EQ(rig_run(below, mixture, file_of(file, "shared")), 0);
	sync();
	EXPECT_GE(expect_io_stat(&g).write_bytes, DIRTY_MB * MB);
	ASSERT_EQ(rig_write(g.cgroup_fd, "cgroup.subtree_control", "+io +memory"), 0);
	EXPECT_EQ(rig_run(below, mixture, file_of(file, "own")), 0);
	sync();
	EXPECT_GE(expect_io_stat(&g).write_bytes, 2 * DIRTY_MB * MB);
}

TEST(a_loop_device_and_what_it_lies_on_are_told_apart_as_by_io_stat, NEEDS)
{
	struct rig g = up();
	char file[RIG_PATH_MAX];
	struct rig_load l = {.bytes = 64 * 1024, .writes = 40, .reads = 40, .flush = true};
	struct why why = {};
	struct rig_disk d;
	struct dcos_disk row;

	if (rig_loop(file_of(file, "disk"), 16 * MB, &d, &why) < 0)
		test_skip("%s", why.text);
	l.path = d.path;
	EXPECT_EQ(rig_run(g.cgroup_fd, rig_load_run, &l), 0);
	sync();
	(void)expect_io_stat(&g);
	row = rig_disk_row(&g, d.major, d.minor);
	EXPECT_EQ(row.read_bytes, 40 * 64 * 1024);
	EXPECT_EQ(row.write_bytes, 40 * 64 * 1024);
}

TEST(what_io_max_holds_back_is_charged_to_the_task_when_it_goes_on, NEEDS)
{
	struct rig g = up();
	char file[RIG_PATH_MAX], limit[64];
	struct rig_load l = {.bytes = 64 * 1024, .reads = 32};
	uint64_t begin = rig_now_ns();
	struct dcos_detail detail;
	struct why why = {};
	struct rig_disk d;

	if (rig_loop(file_of(file, "disk"), 16 * MB, &d, &why) < 0)
		test_skip("%s", why.text);
	l.path = d.path;
	(void)snprintf(limit, sizeof(limit), "%u:%u rbps=2097152", d.major, d.minor); /* fits */
	if (rig_write(g.cgroup_fd, "io.max", limit))
		test_skip("no io.max");
	EXPECT_EQ(rig_run(g.cgroup_fd, rig_load_run, &l), 0);
	(void)expect_io_stat(&g);
	EXPECT_EQ(rig_disk_row(&g, d.major, d.minor).read_bytes, 2 * MB);
	meter_detail(g.m, g.slot, &detail);
	printf("# %.1f s for 32 reads, p99 of latencies <= %lu us\n",
	       (double)(rig_now_ns() - begin) / 1e9,
	       (unsigned long)hist_quantile_us(detail.disk_hist, 0.99));
}
