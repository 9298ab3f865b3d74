/* SPDX-License-Identifier: Apache-2.0 */
/* Block devices to test with, and what the kernel itself counts for them. */
#ifndef DCOS_DISK_RIG_H
#define DCOS_DISK_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/lib/why.h"
#include "bpf/abi.h"
#include "selftests/harness/meter_rig.h"

struct rig_disk {
	int fd; /* of a loop device, read and write; the device is gone after the last close */
	uint32_t major, minor;
	char path[32]; /* e.g. "/dev/loop0" */
	char name[24];
};

/* For the device since boot, or for the device and one cgroup. */
struct rig_disk_io {
	uint64_t read_bytes, write_bytes;
	uint64_t nr_reads, nr_writes;
	uint64_t read_ms; /* of all reads together; 0 from io.stat */
};

/**
 * rig_loop - a loop device on a new file
 * @file: made, all holes; the kernel may take the device's blocks from the page cache
 * @bytes: size of both
 * Return: 0; -errno with @why: what the host cannot do.
 */
int rig_loop(const char *file, uint64_t bytes, struct rig_disk *ret, struct why *why);

/** rig_loop_drop - end a loop device before the process ends, and remove one beyond the usual few */
void rig_loop_drop(struct rig_disk *d);

/** rig_loop_sysfs - set a file of /sys/block/NAME/, e.g. "queue/max_sectors_kb". Return: 0 or -errno */
int rig_loop_sysfs(const struct rig_disk *d, const char *file, const char *value);

/** rig_loop_partition - make the first partition, of @bytes from @start; @ret: its path */
int rig_loop_partition(const struct rig_disk *d, uint64_t start, uint64_t bytes,
		       char ret[static 40]);

/**
 * rig_disk_stat - /sys/block/NAME/stat
 * Requests after merging and splitting; flushes are none of them.
 */
int rig_disk_stat(const struct rig_disk *d, struct rig_disk_io *ret);

/**
 * rig_io_stat - a device's line of io.stat
 * @ret: all 0 if there is no such line
 * Return: 0; -ENOENT there is no io controller.
 */
int rig_io_stat(int cgroup_fd, uint32_t major, uint32_t minor, struct rig_disk_io *ret);

/* What a process does to a file or device; sequential, past the page cache. */
struct rig_load {
	const char *path;
	uint64_t bytes; /* of each operation, at most RIG_LOAD_BYTES */
	int writes, reads; /* first these, then those */
	bool flush; /* fsync at last */
	bool may_fail; /* go on after an error */
	uint64_t *took_ns; /* shared memory, of each read; may be NULL */
	int say, wait; /* pipes: between writes and reads a byte is written, and one read; 0 none */
};
#define RIG_LOAD_BYTES (1U << 20)

/* what of it failed */
enum rig_load_status { RIG_LOAD_SETUP = 1, RIG_LOAD_WRITE, RIG_LOAD_READ };

/** rig_load_run - for rig_spawn(). Return: the exit status, 0 or enum rig_load_status */
int rig_load_run(void *load);

/** rig_run - rig_spawn() and rig_wait(), 60 s. Return: the wait status or -errno */
int rig_run(int cgroup_fd, int (*fn)(void *), void *arg);

/** rig_disk_row - what the meter has for a device, all 0 if nothing */
struct dcos_disk rig_disk_row(const struct rig *g, uint32_t major, uint32_t minor);

/** rig_flights - wait, 10 s, for the meter to know of no request that is under way. Return: how many */
int rig_flights(const struct rig *g);

#endif
