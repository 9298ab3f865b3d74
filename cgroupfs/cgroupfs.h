/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup v2 as typed files and a tree. Knows no policy, never logs, never touches cgroup v1.
 * Every function works relative to a directory descriptor that the caller passes, so that
 * tests run unprivileged on temporary trees.
 * Source of all file semantics: the kernel's Documentation/admin-guide/cgroup-v2.rst.
 */
#ifndef DCOS_CGROUPFS_H
#define DCOS_CGROUPFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CG_FILE_MAX	 4096 /* bytes read of a cgroup file, memory.stat included */
#define CG_REMOVE_MS	 5000 /* how long cg_remove() waits for dying processes */
#define CG_DEPTH_MAX	 16 /* of cgroups that a task made below its own */

/**
 * cg_find_mount - where cgroup2 is mounted
 * @mountinfo: "/proc/self/mountinfo", or a test's file
 * @ret: malloc'd mount point, the first of type cgroup2 whose root is "/", else the first
 * Return: 0; -ENOENT cgroup2 is not mounted; -errno.
 */
int cg_find_mount(const char *mountinfo, char **ret);

/**
 * cg_own - which cgroup2 group a process is in
 * @pid: 0 for the caller
 * @ret: malloc'd path relative to the hierarchy's root, e.g. "/system.slice/x.service"
 */
int cg_own(pid_t pid, char **ret);

/**
 * cg_open - open or make a cgroup directory below another
 * @dirfd: where to start
 * @path: relative, without ".."; missing components are made when @create
 * Return: an O_PATH-less directory descriptor, or -errno.
 */
int cg_open(int dirfd, const char *path, bool create);

/**
 * cg_enable - turn controllers on for the children of a cgroup
 * @dirfd: the parent
 * @wanted: e.g. "cpu memory pids io"; those not in cgroup.controllers are skipped
 * @ret_enabled: bit set of enum cg_controller that are on for children now
 * Return: 0, or the first -errno of a write (the others are tried all the same).
 */
enum cg_controller {
	CG_CPU = 1 << 0,
	CG_MEMORY = 1 << 1,
	CG_PIDS = 1 << 2,
	CG_IO = 1 << 3,
	CG_CPUSET = 1 << 4,
};
int cg_enable(int dirfd, unsigned int wanted, unsigned int *ret_enabled);

/**
 * cg_controllers - which controllers the cgroup's own files have
 * @dirfd: cgroup directory; reads cgroup.controllers
 */
int cg_controllers(int dirfd, unsigned int *ret);

/**
 * cg_id - the kernel's id of a cgroup, as BPF sees it (bpf_get_current_cgroup_id)
 */
int cg_id(int dirfd, uint64_t *ret);

/**
 * cg_read_u64 - read a single-value cgroup file
 * @dirfd: cgroup directory
 * @file:  e.g. "memory.current"
 * @ret:   the value in the file's own unit; "max" reads as UINT64_MAX
 * Return: 0; -ENOENT controller off; -ENODEV cgroup removed; -EINVAL not a number.
 */
int cg_read_u64(int dirfd, const char *file, uint64_t *ret);

/**
 * cg_read_keys - read some keys of a flat-keyed file in one pass
 * @file: e.g. "cpu.stat"
 * @keys: NULL-terminated names, e.g. {"usage_usec", "nr_throttled", NULL}
 * @ret:  one value a key; those not in the file are left as they were
 * Return: number of keys found, or -errno.
 */
int cg_read_keys(int dirfd, const char *file, const char *const *keys, uint64_t *ret);

/**
 * cg_write - write one value, in one write(2), as the kernel wants it
 */
int cg_write(int dirfd, const char *file, const char *value);

/** cg_write_u64 - cg_write() of a number; UINT64_MAX is "max" */
int cg_write_u64(int dirfd, const char *file, uint64_t value);

/**
 * cg_procs - the processes of a cgroup, not of those below
 * @ret: array of @max places
 * @max: more are not reported
 * Return: how many there are (may be more than @max), or -errno.
 */
int cg_procs(int dirfd, pid_t *ret, int max);

/** cg_populated - does the cgroup or one below have a process (cgroup.events) */
int cg_populated(int dirfd, bool *ret);

/** cg_freeze - freeze or thaw (cgroup.freeze); does not wait */
int cg_freeze(int dirfd, bool frozen);

/**
 * cg_kill - SIGKILL all processes in and below
 * By cgroup.kill (since 5.14); where it is not there, freeze, signal each, thaw.
 */
int cg_kill(int dirfd);

/**
 * cg_remove - remove a cgroup and those below it, waiting for dying processes
 * @dirfd: parent
 * @name:  of the child
 * Waits by cgroup.events up to CG_REMOVE_MS; does not kill.
 * Return: 0 (also if there is none); -EBUSY still populated.
 */
int cg_remove(int dirfd, const char *name);

#endif
