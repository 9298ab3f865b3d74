// SPDX-License-Identifier: Apache-2.0
/*
 * The meter's numbers on block devices against the kernel's own: the device's statistics, where a
 * loop device is all ours, and io.stat, where there is an io controller.
 */
#include "agent/meter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/disk_rig.h"
#include "selftests/harness/meter_rig.h"
#include "selftests/harness/test.h"

#define NEEDS	 NEED_ROOT, NEED_CGROUP2, NEED_BPF
#define MB	 (UINT64_C(1) << 20)
#define KB	 UINT64_C(1024)
#define BLOCK	 4096
#define TOGETHER 64
#define STORM	 8 /* processes */
#define OPS_MAX	 1024 /* of one load, with times */

static struct rig up(void)
{
	struct why why = {};
	struct rig g;

	if (rig_up_with(test_dir(), test_cgroup(), RIG_ONLY(METER_DISK), &g, &why) < 0 ||
	    !meter_has(g.m, METER_DISK, &why)) {
		EXPECT_STREQ(why.text, "");
		test_abort();
	}
	return g;
}

static const char *in_dir(char buf[static RIG_PATH_MAX], const char *name)
{
	(void)snprintf(buf, RIG_PATH_MAX, "%s/%s", test_dir(), name); /* fits */
	return buf;
}

static struct rig_disk loop(const char *name, uint64_t bytes)
{
	char file[RIG_PATH_MAX];
	struct why why = {};
	struct rig_disk d;
	int r = rig_loop(in_dir(file, name), bytes, &d, &why);

	if (r == -ENOENT || r == -ENXIO || r == -ENODEV || r == -EPERM)
		test_skip("%s", why.text);
	if (r < 0) {
		EXPECT_STREQ(why.text, "");
		test_abort();
	}
	return d;
}

static uint64_t hist_count(const struct rig *g)
{
	struct dcos_detail d;
	uint64_t n = 0;
	int i;

	meter_detail(g->m, g->slot, &d);
	for (i = 0; i < DCOS_HIST; i++)
		n += d.disk_hist[i];
	return n;
}

/* Where the io controller charges a loop device's own requests, they are in the histogram too. */
/* Events that may have been missed: what the last of the programs did not see. */
static uint64_t skipped(const struct rig *g, const char *last)
{
	struct meter_program p[METER_PROGRAMS_MAX];
	int i, n = meter_programs(g->m, p, METER_PROGRAMS_MAX);

	for (i = 0; i < n; i++) {
		if (strncmp(p[i].name, last, sizeof(p[i].name) - 1))
			continue;
		if (p[i].skipped)
			printf("# %s was skipped %lu times\n", last, (unsigned long)p[i].skipped);
		return p[i].skipped;
	}
	test_fail(__FILE__, __LINE__, "no program %s", last);
	return 0;
}

static uint64_t ends_skipped(const struct rig *g)
{
	return skipped(g, "disk_done_2nd") + skipped(g, "disk_end_2nd");
}

static void expect_all_ended(const struct rig *g, const struct dcos_disk *only)
{
	struct dcos_cell c = rig_row(g);
	uint64_t all = c.nr_disk_reads + c.nr_disk_writes;

	if (all == only->nr_reads + only->nr_writes) {
		EXPECT_LE(hist_count(g), all);
		EXPECT_GE(hist_count(g) + ends_skipped(g), all);
	} else {
		printf("# other devices counted as well, latencies not compared\n");
	}
}

static void expect_disk(const struct dcos_disk *got, const struct rig_disk_io *want)
{
	EXPECT_EQ(got->read_bytes, want->read_bytes);
	EXPECT_EQ(got->write_bytes, want->write_bytes);
	EXPECT_EQ(got->nr_reads, want->nr_reads);
	EXPECT_EQ(got->nr_writes, want->nr_writes);
}

static struct rig_disk_io since(const struct rig_disk *d, const struct rig_disk_io *before)
{
	struct rig_disk_io io = {};

	EXPECT_EQ(rig_disk_stat(d, &io), 0);
	io.read_bytes -= before->read_bytes;
	io.write_bytes -= before->write_bytes;
	io.nr_reads -= before->nr_reads;
	io.nr_writes -= before->nr_writes;
	io.read_ms -= before->read_ms;
	return io;
}

TEST(bytes_and_operations_equal_the_statistics_of_a_device_used_by_one_task_alone, NEEDS)
{
	struct rig g = up();
	struct rig_disk d = loop("disk", 16 * MB);
	struct rig_load l = {.path = d.path, .bytes = BLOCK, .writes = 300, .reads = 500};
	struct rig_disk_io before, io;
	struct dcos_disk row;

	ASSERT_EQ(rig_disk_stat(&d, &before), 0);
	EXPECT_EQ(rig_run(g.cgroup_fd, rig_load_run, &l), 0);
	io = since(&d, &before);
	row = rig_disk_row(&g, d.major, d.minor);
	expect_disk(&row, &io);
	EXPECT_EQ(row.write_bytes, 300 * BLOCK);
	EXPECT_EQ(row.read_bytes, 500 * BLOCK);
	EXPECT_LE(rig_flights(&g), ends_skipped(&g));
	expect_all_ended(&g, &row);
}

TEST(what_others_do_on_the_same_device_is_charged_to_nobody, NEEDS)
{
	struct rig g = up();
	struct rig_disk d = loop("disk", 16 * MB);
	struct rig_load mine = {.path = d.path, .bytes = BLOCK, .reads = 50};
	struct rig_load other = {.path = d.path, .bytes = 64 * KB, .writes = 10, .reads = 20};
	int plain = rig_cgroup_make(test_cgroup(), "plain");

	ASSERT_EQ(plain < 0, 0);
	EXPECT_EQ(rig_run(plain, rig_load_run, &other), 0);
	EXPECT_EQ(rig_load_run(&other), 0);
	EXPECT_EQ(rig_disk_row(&g, d.major, d.minor).dev, 0);
	EXPECT_EQ(rig_run(g.cgroup_fd, rig_load_run, &mine), 0);
	EXPECT_EQ(rig_run(plain, rig_load_run, &other), 0);
	EXPECT_EQ(rig_disk_row(&g, d.major, d.minor).read_bytes, 50 * BLOCK);
	EXPECT_EQ(rig_disk_row(&g, d.major, d.minor).write_bytes, 0);
	EXPECT_LE(rig_flights(&g), ends_skipped(&g));
}

TEST(a_request_that_the_device_takes_in_pieces_counts_as_its_pieces_and_ends_once, NEEDS)
{
	struct rig g = up();
	struct rig_disk d = loop("disk", 16 * MB);
	struct rig_load l = {.path = d.path, .bytes = MB, .writes = 4, .reads = 8};
	struct rig_disk_io before, io;
	struct dcos_disk row;

	ASSERT_EQ(rig_loop_sysfs(&d, "queue/max_sectors_kb", "64"), 0);
	ASSERT_EQ(rig_disk_stat(&d, &before), 0);
	EXPECT_EQ(rig_run(g.cgroup_fd, rig_load_run, &l), 0);
	io = since(&d, &before);
	row = rig_disk_row(&g, d.major, d.minor);
	expect_disk(&row, &io);
	EXPECT_EQ(row.read_bytes, 8 * MB);
	EXPECT_EQ(row.nr_reads, 8 * MB / (64 * KB));
	EXPECT_EQ(row.nr_writes, 4 * MB / (64 * KB));
	EXPECT_LE(rig_flights(&g), ends_skipped(&g));
	expect_all_ended(&g, &row);
}

TEST(a_partition_counts_for_its_whole_disk, NEEDS)
{
	struct rig g = up();
	struct rig_disk d = loop("disk", 16 * MB);
	struct meter_disk all[DCOS_TASK_DISKS];
	struct rig_load l = {.bytes = BLOCK, .writes = 10, .reads = 20};
	char part[40];
	int i, n;

	ASSERT_EQ(rig_loop_partition(&d, MB, 8 * MB, part), 0);
	l.path = part;
	EXPECT_EQ(rig_run(g.cgroup_fd, rig_load_run, &l), 0);
	EXPECT_EQ(rig_disk_row(&g, d.major, d.minor).read_bytes, 20 * BLOCK);
	EXPECT_EQ(rig_disk_row(&g, d.major, d.minor).write_bytes, 10 * BLOCK);
	n = meter_disks(g.m, g.slot, all, DCOS_TASK_DISKS);
	for (i = 0; i < n; i++)
		EXPECT_TRUE(all[i].major != 259); /* numbers of partitions beyond a driver's own */
}

/* Bucket i of a histogram: at least this long. */
static uint64_t bucket_from_ns(int i)
{
	return i ? (UINT64_C(1000) << i) : 0;
}

TEST(latencies_lie_between_those_of_the_device_and_of_the_reader, NEEDS)
{
	struct rig g = up();
	struct rig_disk d = loop("disk", 16 * MB);
	uint64_t *took = mmap(NULL, OPS_MAX * sizeof(*took), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct rig_load l = {.path = d.path, .bytes = 64 * KB, .reads = 250, .took_ns = took};
	struct rig_disk_io before, io;
	struct dcos_detail detail;
	uint64_t at_most_us = 0, slower, seen;
	int i, k;

	ASSERT_TRUE(took != MAP_FAILED);
	ASSERT_EQ(rig_disk_stat(&d, &before), 0);
	EXPECT_EQ(rig_run(g.cgroup_fd, rig_load_run, &l), 0);
	io = since(&d, &before);
	meter_detail(g.m, g.slot, &detail);
	printf("# p50 <= %lu us, p99 <= %lu us, the device's mean %.0f us\n",
	       (unsigned long)hist_quantile_us(detail.disk_hist, 0.5),
	       (unsigned long)hist_quantile_us(detail.disk_hist, 0.99),
	       (double)io.read_ms * 1000 / (double)io.nr_reads);
	EXPECT_EQ(io.nr_reads, l.reads);
	if (rig_row(&g).nr_disk_reads != io.nr_reads)
		test_skip("the loop device's own reads are in the same histogram");
	for (i = DCOS_HIST - 1, slower = 0; i >= 0; i--) {
		slower += detail.disk_hist[i];
		for (k = 0, seen = 0; k < l.reads; k++)
			seen += took[k] >= bucket_from_ns(i);
		EXPECT_LE(slower, seen);
		at_most_us += detail.disk_hist[i] * (bucket_from_ns(i + 1) / 1000);
	}
	EXPECT_EQ(slower, l.reads);
	EXPECT_GE(at_most_us, io.read_ms * 1000);
}

TEST(a_flush_is_a_write_without_bytes, NEEDS)
{
	struct rig g = up();
	struct rig_disk d = loop("disk", 16 * MB);
	struct rig_load l = {.path = d.path, .bytes = BLOCK, .flush = true};

	EXPECT_EQ(rig_run(g.cgroup_fd, rig_load_run, &l), 0);
	EXPECT_EQ(rig_disk_row(&g, d.major, d.minor).nr_writes, 1);
	EXPECT_EQ(rig_disk_row(&g, d.major, d.minor).write_bytes, 0);
	EXPECT_GE(hist_count(&g), 1);
	EXPECT_LE(rig_flights(&g), ends_skipped(&g));
}

/* Neighbours that are submitted together, which the block layer merges into few requests. */
static int load_together(void *arg)
{
	cleanup_close int fd = open(arg, O_RDONLY | O_DIRECT | O_CLOEXEC);
	struct io_event events[TOGETHER];
	struct iocb io[TOGETHER] = {}, *list[TOGETHER];
	cleanup_free char *buf = NULL;
	aio_context_t ctx = 0;
	long n;
	int i;

	if (fd < 0 || posix_memalign((void **)&buf, BLOCK, TOGETHER * BLOCK) ||
	    syscall(SYS_io_setup, TOGETHER, &ctx))
		return 1;
	for (i = 0; i < TOGETHER; i++) {
		io[i].aio_fildes = (__u32)fd;
		io[i].aio_lio_opcode = IOCB_CMD_PREAD;
		io[i].aio_buf = (__u64)(uintptr_t)(buf + (size_t)i * BLOCK);
		io[i].aio_nbytes = BLOCK;
		io[i].aio_offset = i * BLOCK;
		list[i] = &io[i];
	}
	n = syscall(SYS_io_submit, ctx, TOGETHER, list);
	return n == TOGETHER && syscall(SYS_io_getevents, ctx, n, n, events, NULL) == n ? 0 : 2;
}

TEST(requests_that_are_merged_count_and_end_each_for_itself, NEEDS)
{
	struct rig g = up();
	struct rig_disk d = loop("disk", 16 * MB);
	struct rig_disk_io before, io;
	struct dcos_disk row;

	ASSERT_EQ(rig_disk_stat(&d, &before), 0);
	EXPECT_EQ(rig_run(g.cgroup_fd, load_together, d.path), 0);
	io = since(&d, &before);
	row = rig_disk_row(&g, d.major, d.minor);
	printf("# %d reads became %lu\n", TOGETHER, (unsigned long)io.nr_reads);
	EXPECT_EQ(row.nr_reads, TOGETHER);
	EXPECT_EQ(row.read_bytes, io.read_bytes);
	EXPECT_LE(rig_flights(&g), ends_skipped(&g));
	expect_all_ended(&g, &row);
	if (io.nr_reads == TOGETHER)
		test_skip("this kernel merged none of them");
}

static int load_discard(void *arg)
{
	cleanup_close int fd = open(arg, O_RDWR | O_CLOEXEC);
	uint64_t range[2] = {0, MB};

	return fd < 0 || ioctl(fd, BLKDISCARD, range) ? errno : 0;
}

TEST(a_discard_is_not_counted, NEEDS)
{
	struct rig g = up();
	struct rig_disk d = loop("disk", 16 * MB);
	int status = rig_run(g.cgroup_fd, load_discard, d.path);

	if (status == EOPNOTSUPP << 8)
		test_skip("no discard on %s", d.path);
	EXPECT_EQ(status, 0);
	EXPECT_EQ(rig_disk_row(&g, d.major, d.minor).dev, 0);
	EXPECT_LE(rig_flights(&g), ends_skipped(&g));
}

/* A file system too small for what is written to the device on its file. */
TEST(requests_that_fail_are_counted_and_end, NEEDS)
{
	struct rig g = up();
	char dir[RIG_PATH_MAX], file[RIG_PATH_MAX];
	struct rig_load l = {.bytes = 64 * KB, .writes = 32, .may_fail = true};
	struct rig_disk_io before, io;
	struct why why = {};
	struct dcos_disk row;
	struct rig_disk d;

	ASSERT_EQ(mkdir(in_dir(dir, "small"), 0700), 0);
	ASSERT_EQ(mount("small", dir, "tmpfs", 0, "size=1m"), 0);
	if (rig_loop(in_dir(file, "small/disk"), 16 * MB, &d, &why) < 0)
		test_skip("%s", why.text);
	l.path = d.path;
	ASSERT_EQ(rig_disk_stat(&d, &before), 0);
	EXPECT_EQ(rig_run(g.cgroup_fd, rig_load_run, &l), 0);
	io = since(&d, &before);
	row = rig_disk_row(&g, d.major, d.minor);
	EXPECT_EQ(row.nr_writes, 32);
	EXPECT_EQ(row.write_bytes, 32 * 64 * KB);
	expect_disk(&row, &io);
	EXPECT_LE(rig_flights(&g), ends_skipped(&g));
	expect_all_ended(&g, &row);
	l.may_fail = false;
	EXPECT_EQ(rig_run(g.cgroup_fd, rig_load_run, &l), RIG_LOAD_WRITE << 8);
}

TEST(a_slot_that_was_given_back_is_not_charged, NEEDS)
{
	struct rig g = up();
	struct rig_disk d = loop("disk", 16 * MB);
	int there[2], back[2], status = -1, pidfd;
	struct rig_load l = {.path = d.path, .bytes = BLOCK, .writes = 8, .reads = 64};
	uint64_t id = UINT64_C(1) << 40; /* no cgroup has it */
	struct dcos_cell c;
	uint32_t slot = 0;
	pid_t pid;
	char b;

	ASSERT_EQ(pipe(there) || pipe(back), 0);
	l.say = there[1];
	l.wait = back[0];
	pid = rig_spawn(g.cgroup_fd, rig_load_run, &l, &pidfd);
	ASSERT_TRUE(pid > 0);
	ASSERT_EQ(read(there[0], &b, 1), 1);
	EXPECT_EQ(rig_disk_row(&g, d.major, d.minor).nr_writes, 8);
	g.iso->detach(g.iso->ctx, g.id, g.slot);
	while (slot != g.slot) { /* the others' come first */
		id++;
		ASSERT_EQ(g.iso->attach(g.iso->ctx, id, &slot), 0);
	}
	EXPECT_EQ(write(back[1], &b, 1), 1);
	EXPECT_EQ(rig_wait(pid, pidfd, 20000, &status), 0);
	EXPECT_EQ(status, 0);
	c = rig_row(&g);
	EXPECT_EQ(c.owner, id);
	EXPECT_EQ(c.nr_disk_reads + c.nr_disk_writes, 0);
	EXPECT_EQ(rig_disk_row(&g, d.major, d.minor).dev, 0);
	EXPECT_EQ(hist_count(&g), 0);
	EXPECT_LE(rig_flights(&g), ends_skipped(&g));
}

TEST(a_new_agent_finds_the_counts_of_each_device, NEEDS)
{
	struct rig g = up();
	struct rig_disk d = loop("disk", 16 * MB);
	struct rig_load l = {.path = d.path, .bytes = BLOCK, .reads = 10};
	struct why why = {};

	EXPECT_EQ(rig_run(g.cgroup_fd, rig_load_run, &l), 0);
	meter_close(g.m);
	EXPECT_EQ(rig_run(g.cgroup_fd, rig_load_run, &l), 0);
	ASSERT_EQ(meter_open(g.pins, g.cgroup_fd, &g.m, &why), 0);
	EXPECT_TRUE(meter_has(g.m, METER_DISK, &why));
	EXPECT_EQ(rig_disk_row(&g, d.major, d.minor).nr_reads, 20);
}

/* What one program is skipped for, the next must count: interrupts and preemption at their worst. */
TEST(a_storm_of_requests_loses_no_more_than_the_kernel_admits, NEEDS)
{
	struct rig g = up();
	struct rig_disk d = loop("disk", 16 * MB);
	struct rig_load l = {.path = d.path, .bytes = BLOCK, .writes = 1000, .reads = 3000};
	struct rig_disk_io before, io;
	int pidfd[STORM], status, i;
	struct dcos_disk row;
	uint64_t lost;
	pid_t pid[STORM];

	ASSERT_EQ(rig_disk_stat(&d, &before), 0);
	for (i = 0; i < STORM; i++) {
		pid[i] = rig_spawn(g.cgroup_fd, rig_load_run, &l, &pidfd[i]);
		ASSERT_TRUE(pid[i] > 0);
	}
	for (i = 0; i < STORM; i++) {
		status = -1;
		EXPECT_EQ(rig_wait(pid[i], pidfd[i], 60000, &status), 0);
		EXPECT_EQ(status, 0);
	}
	io = since(&d, &before);
	row = rig_disk_row(&g, d.major, d.minor);
	lost = STORM * (1000 + 3000) - row.nr_reads - row.nr_writes;
	printf("# %lu of %d requests were not counted\n", (unsigned long)lost, STORM * 4000);
	EXPECT_LE(lost, skipped(&g, "disk_queue_3rd"));
	EXPECT_EQ(row.read_bytes + row.write_bytes + lost * BLOCK, io.read_bytes + io.write_bytes);
	EXPECT_EQ((row.read_bytes + row.write_bytes) / BLOCK, row.nr_reads + row.nr_writes);
	EXPECT_LE(rig_flights(&g), ends_skipped(&g));
	expect_all_ended(&g, &row);
}

TEST(devices_beyond_the_places_are_in_the_sums_and_counted_as_lost, NEEDS)
{
	struct rig g = up();
	struct rig_load l = {.bytes = BLOCK, .reads = 3};
	struct meter_disk all[DCOS_TASK_DISKS + 2];
	struct rig_disk d[DCOS_TASK_DISKS + 2];
	struct meter_drops drops;
	char name[16];
	int i;

	for (i = 0; i < DCOS_TASK_DISKS + 2; i++) {
		(void)snprintf(name, sizeof(name), "disk%d", i); /* fits */
		d[i] = loop(name, MB);
		l.path = d[i].path;
		EXPECT_EQ(rig_run(g.cgroup_fd, rig_load_run, &l), 0);
	}
	meter_drops(g.m, &drops);
	EXPECT_EQ(meter_disks(g.m, g.slot, all, DCOS_TASK_DISKS + 2), DCOS_TASK_DISKS);
	EXPECT_GE(drops.disks_full, 6);
	EXPECT_GE(rig_row(&g).disk_read_bytes, (DCOS_TASK_DISKS + 2) * 3 * BLOCK);
	EXPECT_EQ(drops.disk_inflight_full, 0);
	for (i = 0; i < DCOS_TASK_DISKS + 2; i++)
		rig_loop_drop(&d[i]);
}
