// SPDX-License-Identifier: Apache-2.0
/* Loop devices, and readers of /sys/block/NAME/stat and io.stat. */
#include "selftests/harness/disk_rig.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/blkpg.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"

#define CONTROL_MAJOR 10 /* include/linux/miscdevice.h */
#define CONTROL_MINOR 237
#define TRIES	      16 /* for a free device: others look for one as well */
#define RUN_MS	      60000
#define LAND_NS	      UINT64_C(10000000000)
#define USUAL_LOOPS   8 /* that a kernel makes by itself (BLK_DEV_LOOP_MIN_COUNT) */
#define SECTOR	      512
#define BUF_ALIGN     4096
#define STAT_MAX      65536

/* Opening a node of its number loads the module, which /dev/loop-control may still be waiting for. */
static int open_control(const char *file)
{
	char node[256];
	int fd, n = snprintf(node, sizeof(node), "%s.control", file);

	if (n < 0 || (size_t)n >= sizeof(node))
		return -ENAMETOOLONG;
	if (mknod(node, S_IFCHR | 0600, makedev(CONTROL_MAJOR, CONTROL_MINOR)))
		return -errno;
	fd = open(node, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	(void)unlink(node); /* the test's directory goes anyhow */
	return fd;
}

static int loop_take(int control, int backing, struct rig_disk *d)
{
	struct loop_config c = {
		.fd = (uint32_t)backing,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN,
	};
	int nr = ioctl(control, LOOP_CTL_GET_FREE), r;

	if (nr < 0)
		return -errno;
	(void)snprintf(d->name, sizeof(d->name), "loop%d", nr); /* fits */
	(void)snprintf(d->path, sizeof(d->path), "/dev/%s", d->name); /* fits */
	d->fd = open(d->path, O_RDWR | O_CLOEXEC);
	if (d->fd < 0)
		return -errno;
	if (!ioctl(d->fd, LOOP_CONFIGURE, &c))
		return 0;
	r = -errno;
	close_fd(&d->fd);
	return r;
}

int rig_loop(const char *file, uint64_t bytes, struct rig_disk *ret, struct why *why)
{
	struct rig_disk d = {.fd = -1};
	cleanup_close int control = open_control(file);
	cleanup_close int backing = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;
	int r, i;

	if (control < 0)
		return why_set(why, control, "loop devices");
	if (backing < 0 || ftruncate(backing, (off_t)bytes))
		return why_set(why, -errno, "%s", file);
	for (i = 0, r = -EBUSY; i < TRIES && r == -EBUSY; i++)
		r = loop_take(control, backing, &d);
	if (r < 0)
		return why_set(why, r, "a loop device, %s", d.path);
	if (fstat(d.fd, &st)) {
		r = -errno;
		close_fd(&d.fd);
		return why_set(why, r, "%s", d.path);
	}
	d.major = major(st.st_rdev);
	d.minor = minor(st.st_rdev);
	*ret = d;
	return 0;
}

void rig_loop_drop(struct rig_disk *d)
{
	cleanup_close int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	close_fd(&d->fd);
	/* somebody else may have taken it already: then it stays */
	if (control >= 0 && d->minor >= USUAL_LOOPS)
		(void)ioctl(control, LOOP_CTL_REMOVE, (long)d->minor);
}

int rig_loop_sysfs(const struct rig_disk *d, const char *file, const char *value)
{
	char path[128];
	int n = snprintf(path, sizeof(path), "/sys/block/%s/%s", d->name, file);

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;

	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

int rig_loop_partition(const struct rig_disk *d, uint64_t start, uint64_t bytes,
		       char ret[static 40])
{
	struct blkpg_partition part = {
		.start = (long long)start,
		.length = (long long)bytes,
		.pno = 1,
	};
	struct blkpg_ioctl_arg arg = {
		.op = BLKPG_ADD_PARTITION,
		.datalen = sizeof(part),
		.data = &part,
	};

	if (ioctl(d->fd, BLKPG, &arg))
		return -errno;
	(void)snprintf(ret, 40, "%sp1", d->path); /* fits */
	return 0;
}

int rig_disk_stat(const struct rig_disk *d, struct rig_disk_io *ret)
{
	uint64_t read_sectors, write_sectors;
	struct rig_disk_io io = {};
	char path[64], buf[512];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/sys/block/%s/stat", d->name); /* fits */

	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
	if (n < 0)
		return -errno;
	buf[n] = 0;
	if (sscanf(buf, "%" SCNu64 " %*u %" SCNu64 " %" SCNu64 " %" SCNu64 " %*u %" SCNu64,
		   &io.nr_reads, &read_sectors, &io.read_ms, &io.nr_writes, &write_sectors) != 5)
		return -EINVAL;
	io.read_bytes = read_sectors * SECTOR;
	io.write_bytes = write_sectors * SECTOR;
	*ret = io;
	return 0;
}

int rig_io_stat(int cgroup_fd, uint32_t major, uint32_t minor, struct rig_disk_io *ret)
{
	cleanup_close int fd = openat(cgroup_fd, "io.stat", O_RDONLY | O_CLOEXEC);
	cleanup_free char *buf = calloc(1, STAT_MAX);
	struct rig_disk_io io = {};
	char head[32], *line, *save;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = buf ? read(fd, buf, STAT_MAX - 1) : -1;
	if (n < 0)
		return -errno;
	(void)snprintf(head, sizeof(head), "%u:%u ", major, minor); /* fits */
	for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, head, strlen(head)))
			continue;
		if (sscanf(line + strlen(head),
			   "rbytes=%" SCNu64 " wbytes=%" SCNu64 " rios=%" SCNu64 " wios=%" SCNu64,
			   &io.read_bytes, &io.write_bytes, &io.nr_reads, &io.nr_writes) != 4)
			return -EINVAL;
	}
	*ret = io;
	return 0;
}

static bool write_all(const struct rig_load *l, int fd, const void *buf)
{
	int i;

	for (i = 0; i < l->writes; i++) {
		if (pwrite(fd, buf, l->bytes, (off_t)(l->bytes * (uint64_t)i)) !=
			    (ssize_t)l->bytes &&
		    !l->may_fail)
			return false;
	}
	return true;
}

static bool read_all(const struct rig_load *l, int fd, void *buf)
{
	uint64_t begin;
	int i;

	for (i = 0; i < l->reads; i++) {
		begin = rig_now_ns();
		if (pread(fd, buf, l->bytes, (off_t)(l->bytes * (uint64_t)i)) !=
			    (ssize_t)l->bytes &&
		    !l->may_fail)
			return false;
		if (l->took_ns)
			l->took_ns[i] = rig_now_ns() - begin;
	}
	return true;
}

int rig_load_run(void *load)
{
	const struct rig_load *l = load;
	cleanup_close int fd = open(l->path, O_RDWR | O_DIRECT | O_CLOEXEC);
	cleanup_free void *buf = NULL;
	char c = 0;

	if (fd < 0 || posix_memalign(&buf, BUF_ALIGN, RIG_LOAD_BYTES))
		return RIG_LOAD_SETUP;
	memset(buf, 0x5a, RIG_LOAD_BYTES);
	if (!write_all(l, fd, buf))
		return RIG_LOAD_WRITE;
	if (l->say && (write(l->say, &c, 1) != 1 || read(l->wait, &c, 1) != 1))
		return RIG_LOAD_SETUP;
	if (!read_all(l, fd, buf))
		return RIG_LOAD_READ;
	return l->flush && fsync(fd) ? RIG_LOAD_WRITE : 0;
}

int rig_run(int cgroup_fd, int (*fn)(void *), void *arg)
{
	int status, pidfd, r;
	pid_t pid = rig_spawn(cgroup_fd, fn, arg, &pidfd);

	if (pid < 0)
		return pid;
	r = rig_wait(pid, pidfd, RUN_MS, &status);
	(void)close(pidfd); /* nothing was written */
	return r ? r : status;
}

struct dcos_disk rig_disk_row(const struct rig *g, uint32_t major, uint32_t minor)
{
	struct meter_disk all[DCOS_TASK_DISKS];
	int i, n = meter_disks(g->m, g->slot, all, DCOS_TASK_DISKS);

	for (i = 0; i < n; i++) {
		if (all[i].major == major && all[i].minor == minor)
			return all[i].io;
	}
	return (struct dcos_disk){};
}

int rig_flights(const struct rig *g)
{
	char path[RIG_PATH_MAX + 32];
	uint64_t key, end = rig_now_ns() + LAND_NS;
	int n;

	(void)snprintf(path, sizeof(path), "%s/v%d/disk_flights", g->pins, DCOS_ABI); /* fits */

	cleanup_close int fd = bpf_obj_get(path);

	if (fd < 0)
		return -errno;
	do {
		(void)sched_yield(); /* can't fail */
		n = 0;
		while (!bpf_map_get_next_key(fd, n ? &key : NULL, &key))
			n++;
	} while (n && rig_now_ns() < end);
	return n;
}
