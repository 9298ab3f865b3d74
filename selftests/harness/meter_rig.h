/* SPDX-License-Identifier: Apache-2.0 */
/* What tests and benchmarks of the meter need around it: a private bpffs, processes in cgroups. */
#ifndef DCOS_METER_RIG_H
#define DCOS_METER_RIG_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/meter.h"

#define RIG_PATH_MAX 256

/* A metered cgroup that processes may be born in. */
struct rig {
	char pins[RIG_PATH_MAX]; /* the meter's pin directory */
	struct meter *m;
	const struct iso_meter *iso;
	int cgroup_fd;
	uint64_t id;
	uint32_t slot;
};

/**
 * rig_up - a private bpffs in @dir, a meter on it, and a metered child of a cgroup
 * @parent_fd: cgroup directory
 * @why: why the meter could not be opened
 * Return: 0 or -errno. meter_close() and the end of the process take it down.
 */
int rig_up(const char *dir, int parent_fd, struct rig *ret, struct why *why);

#define RIG_ONLY(family) (UINT32_C(1) << (family))

/**
 * rig_up_with - rig_up() with some families alone: to load them all takes seconds in a guest
 * @families: RIG_ONLY() of each that is wanted beside METER_SCHED
 */
int rig_up_with(const char *dir, int parent_fd, uint32_t families, struct rig *ret,
		struct why *why);

/** rig_row - flush and read. Return: the cell, all 0xff after a failing flush */
struct dcos_cell rig_row(const struct rig *g);

/** rig_bpffs - a bpf file system at @dir (made if missing) that only this process and its children see */
int rig_bpffs(const char *dir);

/**
 * rig_spawn - run a function in a new process that is born in a cgroup
 * @cgroup_fd: directory
 * @fn: its result is the exit status; the process dies with its parent
 * @ret_pidfd: owned by the caller
 * Return: the pid or -errno.
 */
pid_t rig_spawn(int cgroup_fd, int (*fn)(void *arg), void *arg, int *ret_pidfd);

/** rig_wait - wait for a process's end, at most @timeout_ms. Return: 0, -ETIMEDOUT; @ret_status of waitpid(2) */
int rig_wait(pid_t pid, int pidfd, int timeout_ms, int *ret_status);

/**
 * rig_cgroup_make - a child cgroup that processes may be in
 * One with controllers enabled for its children, as the harness makes them, may not hold any.
 * Return: directory descriptor or -errno.
 */
int rig_cgroup_make(int parent_fd, const char *name);

/** rig_cgroup_id - the id that the kernel's programs see for a cgroup directory */
uint64_t rig_cgroup_id(int cgroup_fd);

/** rig_cpu_us - usage_usec of cpu.stat */
uint64_t rig_cpu_us(int cgroup_fd);

/** rig_write - write a text into a file of a cgroup. Return: 0 or -errno */
int rig_write(int cgroup_fd, const char *file, const char *text);

/** rig_freeze - freeze or thaw, and wait until it is so (5 s). Return: 0, -ETIMEDOUT */
int rig_freeze(int cgroup_fd, int on);

/** rig_now_ns - CLOCK_MONOTONIC */
uint64_t rig_now_ns(void);

#endif
