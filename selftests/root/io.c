// SPDX-License-Identifier: Apache-2.0
/*
 * The io row against the kernel, with loop devices as disks. What a host without the io controller
 * says is tested below a cgroup that gives none to its children, so that it is tested everywhere.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "cgroupfs/cgroupfs.h"
#include "selftests/harness/disk_rig.h"
#include "selftests/harness/iso_rig.h"
#include "selftests/harness/test.h"

#define NEEDS NEED_ROOT, NEED_CGROUP2
#define MB    (UINT64_C(1) << 20)

static void rig_end(struct iso_rig *rig)
{
	io_isolator.release(&rig->iso);
	iso_rig_free(rig);
}

static void rig_begin(struct iso_rig *rig, int host_fd)
{
	iso_rig_init(rig, host_fd, "t");
	ASSERT_EQ(cgroup_isolator.prepare(&rig->iso), 0);
}

static void rig_begin_controlled(struct iso_rig *rig)
{
	unsigned int on = 0;

	ASSERT_EQ(cg_enable(test_cgroup(), CG_IO, &on), 0);
	if (!(on & CG_IO))
		test_skip("no io controller of cgroup v2");
	rig_begin(rig, test_cgroup());
}

static struct rig_disk disk(const char *name)
{
	char file[RIG_PATH_MAX];
	struct why why = {};
	struct rig_disk d;

	(void)snprintf(file, sizeof(file), "%s/%s", test_dir(), name); /* fits */
	if (rig_loop(file, 16 * MB, &d, &why) < 0)
		test_skip("%s", why.text);
	return d;
}

static struct ct_io_max io_max(const char *device, uint64_t read_bps, uint64_t write_iops)
{
	struct ct_io_max m = {.read_bps = read_bps,
			      .write_bps = CT_UNSET,
			      .read_iops = CT_UNSET,
			      .write_iops = write_iops};

	(void)snprintf(m.device, sizeof(m.device), "%s", device); /* fits */
	return m;
}

/* @want: without it, that there is nothing at all */
static void expect_max(const struct iso_rig *rig, const struct rig_disk *d, const char *want)
{
	char text[256] = "?", full[256] = "";

	if (want)
		(void)snprintf(full, sizeof(full), "%u:%u %s", d->major, d->minor, want); /* fits */
	EXPECT_GE(cg_read_text(rig->iso.cgroup_fd, "io.max", text, sizeof(text)), 0);
	EXPECT_STREQ(text, full);
}

TEST(io_limits_without_the_controller_are_warnings, NEEDS)
{
	cleanup_close int parent = cg_open(test_cgroup(), "plain", true);
	struct iso_probe p = {};
	struct iso_rig rig;

	ASSERT_TRUE(parent >= 0);
	rig_begin(&rig, parent);
	rig.iso.res.io_weight = 50;
	rig.iso.res.io_max = io_max("auto", MB, CT_UNSET);
	EXPECT_EQ(io_isolator.prepare(&rig.iso), 0);
	ASSERT_EQ(rig.iso.warnings_nr, 2);
	EXPECT_TRUE(strstr(rig.iso.warnings[0], "resources.io_max is not enforced: ") != NULL);
	EXPECT_TRUE(strstr(rig.iso.warnings[1], "resources.io_weight is not enforced: ") != NULL);
	EXPECT_EQ(io_isolator.probe(&rig.host, &p), 0);
	EXPECT_STREQ(p.name, "io");
	EXPECT_FALSE(p.ok);
	EXPECT_STREQ(p.how, "metered only, by eBPF");
	rig_end(&rig);
}

TEST(a_device_that_is_none_is_refused_with_and_without_the_controller, NEEDS)
{
	static const struct {
		const char *device, *why;
	} cases[] = {
		{"/dev/no-such-disk",
		 "io_max: device /dev/no-such-disk: No such file or directory"},
		{"/dev/null", "io_max: device /dev/null is no block device"},
	};
	struct iso_rig rig;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		rig_begin(&rig, test_cgroup());
		rig.iso.res.io_max = io_max(cases[i].device, MB, CT_UNSET);
		EXPECT_LT(io_isolator.prepare(&rig.iso), 0);
		EXPECT_STREQ(rig.iso.why.text, cases[i].why);
		EXPECT_EQ(rig.iso.warnings_nr, 0);
		rig_end(&rig);
	}
}

TEST(a_device_that_went_away_does_not_stand_in_the_way_of_other_limits, NEEDS)
{
	struct iso_rig rig;

	rig_begin(&rig, test_cgroup());
	rig.iso.res.io_max = io_max("/dev/no-such-disk", MB, CT_UNSET);
	EXPECT_EQ(io_isolator.recover(&rig.iso), 0); /* it was there when the task began */
	EXPECT_EQ(io_isolator.update(&rig.iso), 0);
	EXPECT_STREQ(rig.iso.why.text, "");
	rig.iso.res.io_max.read_bps = 2 * MB;
	EXPECT_EQ(io_isolator.update(&rig.iso), -ENOENT);
	rig_end(&rig);
}

TEST(a_disk_is_read_no_faster_than_its_limit, NEEDS)
{
	struct rig_load l = {.bytes = 64 * 1024, .reads = 32};
	struct rig_disk d = disk("disk");
	struct iso_rig rig;
	uint64_t began, took_ms;

	rig_begin_controlled(&rig);
	l.path = d.path;
	rig.iso.res.io_max = io_max(d.path, 2 * MB, CT_UNSET);
	EXPECT_EQ(io_isolator.prepare(&rig.iso), 0);
	EXPECT_STREQ(rig.iso.why.text, "");
	EXPECT_EQ(rig.iso.warnings_nr, 0);
	expect_max(&rig, &d, "rbps=2097152 wbps=max riops=max wiops=max");
	began = rig_now_ns();
	EXPECT_EQ(rig_run(rig.iso.cgroup_fd, rig_load_run, &l), 0);
	took_ms = (rig_now_ns() - began) / 1000000;
	printf("# 2 MiB at 2 MiB/s took %lu ms\n", (unsigned long)took_ms);
	/* one second, of which the kernel may give the first tenths at once */
	EXPECT_GE(took_ms, 600);
	rig_end(&rig);
}

TEST(io_limits_change_move_to_another_disk_and_go, NEEDS)
{
	struct rig_disk one = disk("one"), other = disk("other");
	char weight[64], pair[32];
	struct iso_rig rig;

	rig_begin_controlled(&rig);
	rig.iso.res.io_max = io_max(one.path, MB, CT_UNSET);
	EXPECT_EQ(io_isolator.prepare(&rig.iso), 0);
	rig.iso.res.io_max = io_max(one.path, CT_UNSET, 100);
	EXPECT_EQ(io_isolator.update(&rig.iso), 0);
	expect_max(&rig, &one, "rbps=max wbps=max riops=max wiops=100");

	/* a device that the kernel does not have leaves the limit where it is */
	rig.iso.res.io_max = io_max("9999:7", MB, CT_UNSET);
	EXPECT_EQ(io_isolator.update(&rig.iso), -ENODEV);
	EXPECT_STREQ(rig.iso.why.text,
		     "io.max=9999:7 rbps=1048576 wbps=max riops=max wiops=max: No such device");
	expect_max(&rig, &one, "rbps=max wbps=max riops=max wiops=100");
	rig.iso.why.text[0] = '\0';

	(void)snprintf(pair, sizeof(pair), "%u:%u", other.major, other.minor); /* fits */
	rig.iso.res.io_max = io_max(pair, MB, CT_UNSET);
	EXPECT_EQ(io_isolator.update(&rig.iso), 0);
	expect_max(&rig, &other, "rbps=1048576 wbps=max riops=max wiops=max");
	rig.iso.res.io_max = (struct ct_io_max){};
	EXPECT_EQ(io_isolator.update(&rig.iso), 0);
	expect_max(&rig, &other, NULL);
	EXPECT_STREQ(rig.iso.why.text, "");

	rig.iso.res.io_weight = 300;
	EXPECT_EQ(io_isolator.update(&rig.iso), 0);
	if (cg_read_text(rig.iso.cgroup_fd, "io.weight", weight, sizeof(weight)) >= 0)
		EXPECT_STREQ(weight, "default 300");
	if (cg_read_text(rig.iso.cgroup_fd, "io.bfq.weight", weight, sizeof(weight)) >= 0)
		EXPECT_STREQ(weight, "default 118");
	rig.iso.res.io_weight = CT_UNSET;
	EXPECT_EQ(io_isolator.update(&rig.iso), 0);
	if (cg_read_text(rig.iso.cgroup_fd, "io.weight", weight, sizeof(weight)) >= 0)
		EXPECT_STREQ(weight, "default 100");
	rig_end(&rig);
}

TEST(a_partition_stands_for_its_disk, NEEDS)
{
	struct rig_disk d = disk("disk");
	char part[40];
	struct iso_rig rig;

	rig_begin_controlled(&rig);
	if (rig_loop_partition(&d, MB, 8 * MB, part) < 0)
		test_skip("no partition of a loop device");
	rig.iso.res.io_max = io_max(part, MB, CT_UNSET);
	EXPECT_EQ(io_isolator.prepare(&rig.iso), 0);
	EXPECT_STREQ(rig.iso.why.text, "");
	expect_max(&rig, &d, "rbps=1048576 wbps=max riops=max wiops=max");
	rig_end(&rig);
}

TEST(auto_is_the_disk_of_the_state_directory, NEEDS)
{
	struct iso_rig rig;
	char text[256] = "";
	int err;

	rig_begin_controlled(&rig);
	rig.host.state_dir = "/sys"; /* on no disk, anywhere */
	rig.iso.res.io_max = io_max("auto", MB, CT_UNSET);
	EXPECT_EQ(io_isolator.prepare(&rig.iso), -EINVAL);
	EXPECT_STREQ(rig.iso.why.text,
		     "io_max: device auto: the file system of /sys is on no block device of its "
		     "own, name the device");
	rig.iso.why.text[0] = '\0';
	rig.host.state_dir = "/";
	err = io_isolator.prepare(&rig.iso);
	if (err && strstr(rig.iso.why.text, "no block device"))
		test_skip("%s", rig.iso.why.text);
	EXPECT_EQ(err, 0);
	EXPECT_GT(cg_read_text(rig.iso.cgroup_fd, "io.max", text, sizeof(text)), 0);
	EXPECT_TRUE(strstr(text, " rbps=1048576 wbps=max riops=max wiops=max") != NULL);
	rig_end(&rig);
}
