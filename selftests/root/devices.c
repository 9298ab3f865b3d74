// SPDX-License-Identifier: Apache-2.0
/* The device allow-list in the kernel: what opens, what is denied, what is counted, what stays. */
#include "isolators/devices.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "bpf/abi.h"
#include "cgroupfs/cgroupfs.h"
#include "selftests/harness/iso_rig.h"
#include "selftests/harness/meter_rig.h"
#include "selftests/harness/spawn.h"
#include "selftests/harness/test.h"

#define SLOT 3

static void rig_begin(struct iso_rig *rig)
{
	iso_rig_init(rig, test_cgroup(), "t");
	ASSERT_EQ(cgroup_isolator.prepare(&rig->iso), 0);
}

static void rig_allow(struct iso_rig *rig, const struct ct_device *devices, size_t nr)
{
	rig->spec.devices = calloc(nr, sizeof(*devices));
	ASSERT_TRUE(rig->spec.devices);
	memcpy(rig->spec.devices, devices, nr * sizeof(*devices));
	rig->spec.devices_nr = nr;
}

/* One thing to try inside the cgroup, and the errno that it must end with. */
struct attempt {
	char type; /* 'c', 'b' */
	unsigned int major, minor;
	int flags; /* of open(2); -1: only mknod(2) */
	int want;
};

struct attempts {
	const struct attempt *rows;
	size_t nr;
	const char *dir; /* where nodes can be made and opened */
};

static const char *node_path(const struct attempts *a, size_t i, char buf[256])
{
	(void)snprintf(buf, 256, "%s/node%zu", a->dir, i); /* fits */
	return buf;
}

/* Return: 0 or the errno */
static int attempt_make(const struct attempts *a, size_t i)
{
	const struct attempt *t = &a->rows[i];
	char path[256];

	return mknod(node_path(a, i, path), (t->type == 'b' ? S_IFBLK : S_IFCHR) | 0600,
		     makedev(t->major, t->minor))
		       ? errno
		       : 0;
}

static int attempt_run(const struct attempts *a, size_t i)
{
	char path[256];
	int fd;

	if (a->rows[i].flags == -1)
		return attempt_make(a, i);
	fd = open(node_path(a, i, path), a->rows[i].flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno;
	(void)close(fd); /* it was only opened to see whether it can be */
	return 0;
}

static int try_inside(const struct spawn_child *c)
{
	const struct attempts *a = c->arg;

	for (size_t i = 0; i < a->nr; i++)
		spawn_tell(c, attempt_run(a, i));
	return 0;
}

/* All attempts in the cgroup; the nodes to open are made from outside before. */
static void attempts_run(int cgroup_fd, const struct attempt *rows, size_t nr)
{
	struct attempts a = {.rows = rows, .nr = nr, .dir = test_dir()};
	char path[256];

	for (size_t i = 0; i < nr; i++) {
		(void)unlink(node_path(&a, i, path)); /* of an earlier call */
		if (rows[i].flags != -1)
			ASSERT_EQ(attempt_make(&a, i), 0);
	}
	struct spawned s = spawn(cgroup_fd, 0, try_inside, &a);

	for (size_t i = 0; i < nr; i++) {
		int got = spawn_listen(&s);

		if (got != rows[i].want)
			test_fail(__FILE__, __LINE__, "%c %u:%u flags %d: got %s want %s",
				  rows[i].type, rows[i].major, rows[i].minor, rows[i].flags,
				  strerror(got), strerror(rows[i].want));
	}
	EXPECT_EQ(spawn_end(&s), 0);
}

/* Devices that a kernel without a driver for them would refuse with another errno. */
static const struct attempt defaults[] = {
	{'c', 1, 3, O_RDWR, 0}, /* null */
	{'c', 1, 5, O_RDWR, 0}, /* zero */
	{'c', 1, 7, O_RDWR, 0}, /* full */
	{'c', 1, 8, O_RDONLY, 0}, /* random */
	{'c', 1, 9, O_RDONLY, 0}, /* urandom */
	{'c', 5, 0, O_RDWR, ENXIO}, /* tty, which this process has none of: allowed */
	{'c', 136, 99999, O_RDWR, EIO}, /* a pts that is not there: allowed */
	{'c', 1, 1, O_RDONLY, EPERM}, /* mem */
	{'c', 1, 2, O_RDONLY, EPERM}, /* kmem */
	{'c', 1, 4, O_RDONLY, EPERM}, /* port */
	{'c', 1, 11, O_WRONLY, EPERM}, /* kmsg */
	{'c', 10, 200, O_RDWR, EPERM}, /* net/tun */
	{'c', 10, 229, O_RDWR, EPERM}, /* fuse */
	{'c', 10, 232, O_RDWR, EPERM}, /* kvm */
	{'b', 1, 3, O_RDONLY, EPERM}, /* a block device of null's numbers */
	{'b', 7, 0, O_RDONLY, EPERM}, /* loop0 */
	{'b', 254, 0, O_RDONLY, EPERM}, /* vda */
	{'c', 1, 3, -1, 0}, /* mknod null */
	{'c', 1, 1, -1, EPERM}, /* mknod mem */
	{'b', 8, 0, -1, EPERM}, /* mknod sda */
	{'c', 0, 0, -1, 0}, /* an overlay's whiteout */
};

TEST(only_the_harmless_devices_open_by_default, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	struct iso_rig rig;

	rig_begin(&rig);
	ASSERT_EQ(devices_isolator.prepare(&rig.iso), 0);
	attempts_run(rig.iso.cgroup_fd, defaults, ARRAY_SIZE(defaults));
	iso_rig_free(&rig);
}

TEST(cgroups_that_the_task_makes_are_under_the_same_list, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	struct iso_rig rig;

	rig_begin(&rig);
	ASSERT_EQ(devices_isolator.prepare(&rig.iso), 0);
	cleanup_close int sub = cg_open(rig.iso.cgroup_fd, "a/b", true);

	attempts_run(sub, defaults, ARRAY_SIZE(defaults));
	iso_rig_free(&rig);
}

TEST(a_device_of_the_spec_opens_with_the_access_it_names_only, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	static const struct ct_device allow[] = {
		{.type = 'c', .major = 1, .minor = 11, .read = true},
		{.type = 'c', .major = 10, .minor = -1, .mknod = true},
		{.type = 'b', .major = -1, .minor = 5, .mknod = true},
	};
	static const struct attempt rows[] = {
		{'c', 1, 11, O_RDONLY, 0},     {'c', 1, 11, O_WRONLY, EPERM},
		{'c', 1, 11, O_RDWR, EPERM},   {'c', 1, 11, -1, EPERM},
		{'c', 10, 77, -1, 0},	       {'c', 10, 229, -1, 0},
		{'c', 10, 229, O_RDWR, EPERM}, {'b', 10, 229, -1, EPERM},
		{'b', 77, 5, -1, 0},	       {'b', 77, 6, -1, EPERM},
		{'b', 77, 5, O_RDONLY, EPERM},
	};
	struct iso_rig rig;

	rig_begin(&rig);
	rig_allow(&rig, allow, ARRAY_SIZE(allow));
	ASSERT_EQ(devices_isolator.prepare(&rig.iso), 0);
	attempts_run(rig.iso.cgroup_fd, rows, ARRAY_SIZE(rows));
	iso_rig_free(&rig);
}

TEST(the_longest_list_loads_and_its_last_line_counts, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	static const struct attempt rows[] = {
		{'c', 1, 11, O_RDONLY, 0},
		{'c', 1, 4, O_RDONLY, EPERM},
		{'c', 1, 3, O_RDWR, 0},
	};
	struct ct_device allow[CT_DEVICES_MAX + 1];
	struct iso_rig rig;

	for (int i = 0; i <= CT_DEVICES_MAX; i++)
		allow[i] = (struct ct_device){.type = 'c',
					      .major = 500 + i,
					      .minor = -1,
					      .read = true};
	allow[CT_DEVICES_MAX - 1].major = 1;
	allow[CT_DEVICES_MAX - 1].minor = 11;
	rig_begin(&rig);
	rig_allow(&rig, allow, CT_DEVICES_MAX);
	ASSERT_EQ(devices_isolator.prepare(&rig.iso), 0);
	attempts_run(rig.iso.cgroup_fd, rows, ARRAY_SIZE(rows));
	iso_rig_free(&rig);

	rig_begin(&rig);
	rig_allow(&rig, allow, CT_DEVICES_MAX + 1);
	EXPECT_EQ(devices_isolator.prepare(&rig.iso), -EINVAL);
	EXPECT_STREQ(rig.iso.why.text, "devices: 65 entries, allowed are up to 64");
	iso_rig_free(&rig);
}

TEST(type_a_without_numbers_allows_everything, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	static const struct ct_device all[] = {
		{.type = 'a', .major = -1, .minor = -1, .read = true, .write = true, .mknod = true},
	};
	static const struct attempt rows[] = {
		{'c', 1, 11, O_RDONLY, 0},
		{'b', 8, 0, -1, 0},
		{'c', 77, 0, -1, 0},
	};
	struct iso_rig rig;

	rig_begin(&rig);
	rig_allow(&rig, all, 1);
	ASSERT_EQ(devices_isolator.prepare(&rig.iso), 0);
	attempts_run(rig.iso.cgroup_fd, rows, ARRAY_SIZE(rows));
	iso_rig_free(&rig);
}

TEST(a_device_that_makes_no_sense_is_named_and_nothing_attached, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	static const struct ct_device bad[] = {
		{.type = 'c', .major = 1, .minor = 3, .read = true},
		{.type = 'x', .major = 1, .minor = -2, .read = true},
	};
	uint32_t nr = 0;
	struct iso_rig rig;

	rig_begin(&rig);
	rig_allow(&rig, bad, 2);
	EXPECT_EQ(devices_isolator.prepare(&rig.iso), -EINVAL);
	EXPECT_STREQ(rig.iso.why.text, "devices[1]: type 'x' 1:-2: allowed are a, b or c, numbers "
				       "from -1 (any), and at least one access");
	EXPECT_EQ(bpf_prog_query(rig.iso.cgroup_fd, BPF_CGROUP_DEVICE, 0, NULL, NULL, &nr), 0);
	EXPECT_EQ(nr, 0);
	iso_rig_free(&rig);
}

/* The id of the one program attached to a cgroup, 0 if there is none */
static uint32_t attached(int cgroup_fd)
{
	uint32_t ids[4] = {0}, nr = ARRAY_SIZE(ids), flags = 0;

	EXPECT_EQ(bpf_prog_query(cgroup_fd, BPF_CGROUP_DEVICE, 0, &flags, ids, &nr), 0);
	EXPECT_LE(nr, 1);
	if (nr)
		EXPECT_EQ(flags, BPF_F_ALLOW_MULTI);
	return nr ? ids[0] : 0;
}

TEST(containers_with_the_same_list_share_one_program, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	static const struct ct_device other[] = {
		{.type = 'c', .major = 1, .minor = 11, .read = true}};
	struct devices_cache *cache = devices_cache_new();
	struct iso_rig rig;
	uint32_t ids[3];

	ASSERT_TRUE(cache);
	for (int i = 0; i < 3; i++) {
		rig_begin(&rig);
		rig.host.devices = cache;
		if (i == 1)
			rig_allow(&rig, other, 1);
		ASSERT_EQ(devices_isolator.prepare(&rig.iso), 0);
		ids[i] = attached(rig.iso.cgroup_fd);
		iso_rig_free(&rig);
	}
	EXPECT_NE(ids[0], 0);
	EXPECT_EQ(ids[0], ids[2]);
	EXPECT_NE(ids[0], ids[1]);
	devices_cache_free(cache);
}

TEST(more_lists_than_the_cache_holds_still_load, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	static const struct attempt rows[] = {
		{'c', 1, 3, O_RDWR, 0},
		{'c', 1, 11, O_RDONLY, EPERM},
	};
	struct devices_cache *cache = devices_cache_new();
	struct iso_rig rig;

	ASSERT_TRUE(cache);
	for (int i = 0; i < DEVICES_CACHE_MAX + 3; i++) {
		struct ct_device d = {.type = 'c', .major = 600 + i, .minor = -1, .read = true};

		rig_begin(&rig);
		rig.host.devices = cache;
		rig_allow(&rig, &d, 1);
		ASSERT_EQ(devices_isolator.prepare(&rig.iso), 0);
		attempts_run(rig.iso.cgroup_fd, rows, ARRAY_SIZE(rows));
		iso_rig_free(&rig);
	}
	devices_cache_free(cache);
}

/* An agent that prepares the container and ends. */
static int prepare_and_exit(const struct spawn_child *c)
{
	return devices_isolator.prepare(c->arg) ? 1 : 0;
}

TEST(the_list_outlives_the_agent_and_is_renewed_if_taken_away, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	struct iso_rig rig;
	uint32_t id;

	rig_begin(&rig);
	cleanup_close int beside = cg_open(test_cgroup(), "agent", true);
	struct spawned agent = spawn(beside, 0, prepare_and_exit, &rig.iso);

	EXPECT_EQ(spawn_end(&agent), 0);
	id = attached(rig.iso.cgroup_fd);
	EXPECT_NE(id, 0);
	attempts_run(rig.iso.cgroup_fd, defaults, ARRAY_SIZE(defaults));
	EXPECT_EQ(devices_isolator.recover(&rig.iso), 0);
	EXPECT_EQ(attached(rig.iso.cgroup_fd), id);

	cleanup_close int prog = bpf_prog_get_fd_by_id(id);

	ASSERT_EQ(bpf_prog_detach2(prog, rig.iso.cgroup_fd, BPF_CGROUP_DEVICE), 0);
	EXPECT_EQ(attached(rig.iso.cgroup_fd), 0);
	EXPECT_EQ(devices_isolator.recover(&rig.iso), 0);
	EXPECT_NE(attached(rig.iso.cgroup_fd), 0);
	attempts_run(rig.iso.cgroup_fd, defaults, ARRAY_SIZE(defaults));
	iso_rig_free(&rig);
}

/* The meter's two maps, as far as this isolator knows them. */
static struct iso_meter maps_make(uint64_t cgroup_id, uint32_t ncpu)
{
	LIBBPF_OPTS(bpf_map_create_opts, cells_opts, .map_flags = BPF_F_MMAPABLE);
	struct dcos_slot_key key = {.slot = SLOT};
	struct dcos_cell cell = {.owner = cgroup_id};
	struct iso_meter m = {
		.slots_fd = bpf_map_create(BPF_MAP_TYPE_HASH, "test_slots", sizeof(uint64_t),
					   sizeof(key), DCOS_SLOTS, NULL),
		.cells_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "test_cells", sizeof(uint32_t),
					   sizeof(cell), DCOS_SLOTS * ncpu, &cells_opts),
	};

	ASSERT_TRUE(m.slots_fd >= 0 && m.cells_fd >= 0);
	ASSERT_EQ(bpf_map_update_elem(m.slots_fd, &cgroup_id, &key, BPF_ANY), 0);
	for (uint32_t cpu = 0; cpu < ncpu; cpu++) {
		uint32_t i = SLOT * ncpu + cpu;

		ASSERT_EQ(bpf_map_update_elem(m.cells_fd, &i, &cell, BPF_ANY), 0);
	}
	return m;
}

static uint64_t denied(const struct iso_meter *m, uint32_t ncpu)
{
	uint64_t sum = 0;

	for (uint32_t cpu = 0; cpu < ncpu; cpu++) {
		uint32_t i = SLOT * ncpu + cpu;
		struct dcos_cell cell;

		ASSERT_EQ(bpf_map_lookup_elem(m->cells_fd, &i, &cell), 0);
		sum += cell.nr_device_denied;
	}
	return sum;
}

TEST(denials_are_counted_in_the_tasks_slot_and_only_denials, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	static const struct attempt rows[] = {
		{'c', 1, 3, O_RDWR, 0},
		{'c', 1, 11, O_RDONLY, EPERM},
		{'c', 1, 1, -1, EPERM},
	};
	uint32_t ncpu = (uint32_t)libbpf_num_possible_cpus();
	struct iso_meter m;
	struct iso_rig rig;

	rig_begin(&rig);
	m = maps_make(rig.iso.cgroup_id, ncpu);
	rig.host.meter = &m;
	rig.iso.metered = true;
	rig.iso.slot = SLOT;
	ASSERT_EQ(devices_isolator.prepare(&rig.iso), 0);
	EXPECT_EQ(denied(&m, ncpu), 0);
	attempts_run(rig.iso.cgroup_fd, rows, ARRAY_SIZE(rows));
	EXPECT_EQ(denied(&m, ncpu), 2);
	cleanup_close int sub = cg_open(rig.iso.cgroup_fd, "a/b", true);

	attempts_run(sub, rows, ARRAY_SIZE(rows));
	EXPECT_EQ(denied(&m, ncpu), 4);
	EXPECT_EQ(bpf_map_delete_elem(m.slots_fd, &rig.iso.cgroup_id), 0);
	attempts_run(rig.iso.cgroup_fd, rows, ARRAY_SIZE(rows));
	EXPECT_EQ(denied(&m, ncpu), 4);
	close_fd(&m.slots_fd);
	close_fd(&m.cells_fd);
	iso_rig_free(&rig);
}

TEST(a_denial_shows_in_the_meter_itself, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	static const struct attempt rows[] = {
		{'c', 1, 3, O_RDWR, 0},
		{'c', 1, 11, O_RDONLY, EPERM},
	};
	struct why why = {""};
	struct iso_rig rig;
	struct meter_row row;
	struct rig real;
	int err = rig_up_with(test_dir(), test_cgroup(), RIG_ONLY(METER_SCHED), &real, &why);

	if (err)
		test_skip("the meter does not load: %s", why.text);
	rig_begin(&rig);
	rig.host.meter = real.iso;
	ASSERT_EQ(meter_isolator.prepare(&rig.iso), 0);
	EXPECT_TRUE(rig.iso.metered);
	ASSERT_EQ(devices_isolator.prepare(&rig.iso), 0);
	attempts_run(rig.iso.cgroup_fd, rows, ARRAY_SIZE(rows));
	meter_read(real.m, rig.iso.slot, &row);
	EXPECT_EQ(row.sum.nr_device_denied, 1);
	meter_isolator.cleanup(&rig.iso);
	iso_rig_free(&rig);
	meter_close(real.m);
}

TEST(without_the_meters_maps_the_container_is_refused, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	struct iso_meter m = {.slots_fd = 9999, .cells_fd = 9999};
	struct iso_rig rig;

	rig_begin(&rig);
	rig.host.meter = &m;
	rig.iso.metered = true;
	EXPECT_LT(devices_isolator.prepare(&rig.iso), 0); /* which errno depends on the kernel */
	EXPECT_EQ(strncmp(rig.iso.why.text, "devices: the meter's maps: ", 27), 0);
	iso_rig_free(&rig);
}

/* Without the right to load programs. */
static int prepare_unprivileged(const struct spawn_child *c)
{
	struct isolation *iso = c->arg;
	int err;

	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		return 1;
	err = devices_isolator.prepare(iso);
	spawn_tell(c, err);
	spawn_tell(c, strncmp(iso->why.text, "devices: loading the allow-list of 8 rules: ", 44));
	return 0;
}

TEST(a_host_that_refuses_the_program_starts_no_container, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	struct iso_rig rig;

	rig_begin(&rig);
	struct spawned s = spawn(rig.iso.cgroup_fd, 0, prepare_unprivileged, &rig.iso);

	EXPECT_EQ(spawn_listen(&s), -EPERM);
	EXPECT_EQ(spawn_listen(&s), 0);
	EXPECT_EQ(spawn_end(&s), 0);
	EXPECT_EQ(attached(rig.iso.cgroup_fd), 0);
	iso_rig_free(&rig);
}

TEST(the_hosts_answer_says_that_programs_load_and_attach, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	struct iso_host host = {.cgroup_fd = test_cgroup()};
	struct iso_probe p = {0};

	EXPECT_EQ(devices_isolator.probe(&host, &p), 0);
	EXPECT_STREQ(p.name, "devices");
	EXPECT_STREQ(p.reason, "");
	EXPECT_TRUE(p.ok);
	host.cgroup_fd = -1;
	memset(&p, 0, sizeof(p));
	EXPECT_EQ(devices_isolator.probe(&host, &p), 0);
	EXPECT_FALSE(p.ok);
	EXPECT_STREQ(p.reason, "attaching a cgroup/dev program: Bad file descriptor");
}
