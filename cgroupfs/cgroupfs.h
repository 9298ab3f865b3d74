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
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CG_FILE_MAX  4096 /* bytes read of a cgroup file, memory.stat included */
#define CG_REMOVE_MS 5000 /* how long cg_remove() waits for dying processes */
#define CG_FREEZE_MS 1000 /* how long cg_kill() without cgroup.kill waits for the freezer */
#define CG_DEPTH_MAX 16 /* of cgroups that a task made below its own */
#define CG_KILL_MAX  4096 /* processes of one cgroup that cg_kill() signals without cgroup.kill */

/**
 * cg_find_mount - where cgroup2 is mounted
 * @mountinfo: "/proc/self/mountinfo", or a test's file
 * @ret: malloc'd mount point, the first of type cgroup2 whose root is "/", else the first
 *
 * Source: proc(5), "/proc/pid/mountinfo", octal escapes included.
 * Return: 0; -ENOENT cgroup2 is not mounted; -errno.
 */
int cg_find_mount(const char *mountinfo, char **ret);

/**
 * cg_own - which cgroup2 group a process is in
 * @pid: 0 for the caller
 * @ret: malloc'd path relative to the hierarchy's root, e.g. "/system.slice/x.service"
 *
 * Source: cgroups(7), "/proc/pid/cgroup", the line "0::".
 * Return: 0; -ENOENT no such process, or no cgroup2; -errno.
 */
int cg_own(pid_t pid, char **ret);

/**
 * cg_open - open or make a cgroup directory below another
 * @dirfd: where to start
 * @path: relative, without ".."; missing components are made when @create
 * @create: a cgroup that exists already is no error
 *
 * Symbolic links are not followed.
 * Return: an O_PATH-less directory descriptor; -EINVAL an absolute path, or one with "..";
 * or -errno.
 */
int cg_open(int dirfd, const char *path, bool create);

enum cg_controller {
	CG_CPU = 1 << 0,
	CG_MEMORY = 1 << 1,
	CG_PIDS = 1 << 2,
	CG_IO = 1 << 3,
	CG_CPUSET = 1 << 4,
};

/**
 * cg_enable - turn controllers on for the children of a cgroup
 * @dirfd: the parent
 * @wanted: or-ed enum cg_controller; those not in cgroup.controllers are skipped
 * @ret_enabled: bit set of enum cg_controller that are on for children now, also set when a
 *		 write failed; NULL allowed
 *
 * Return: 0, or the first -errno of a write (the others are tried all the same); -EBUSY @dirfd
 * has processes of its own.
 */
int cg_enable(int dirfd, unsigned int wanted, unsigned int *ret_enabled);

/**
 * cg_controllers - which controllers the cgroup's own files have
 * @dirfd: cgroup directory; reads cgroup.controllers
 * @ret: or-ed enum cg_controller; others are left out
 * Return: 0 or -errno.
 */
int cg_controllers(int dirfd, unsigned int *ret);

/**
 * cg_subtree_controllers - which controllers the children's files have
 * @dirfd: cgroup directory; reads cgroup.subtree_control
 * @ret: or-ed enum cg_controller; others are left out
 * Return: 0 or -errno.
 */
int cg_subtree_controllers(int dirfd, unsigned int *ret);

/**
 * cg_controller_name - the kernel's name of one controller
 * @c: one bit
 * Return: e.g. "memory"; NULL for anything else.
 */
const char *cg_controller_name(enum cg_controller c);

/**
 * cg_id - the kernel's id of a cgroup, as BPF sees it (bpf_get_current_cgroup_id)
 * @dirfd: cgroup directory
 * @ret: its inode number, which on 64-bit kernels is the id
 * Return: 0 or -errno.
 */
int cg_id(int dirfd, uint64_t *ret);

/**
 * cg_read_text - read a cgroup file as it is, without the last newline
 * @dirfd: cgroup directory
 * @file:  e.g. "cpu.max"
 * @buf:   NUL-terminated text
 * @size:  places in @buf
 * Return: bytes read; -EFBIG does not fit; -ENOENT controller off; -ENODEV cgroup removed.
 */
int cg_read_text(int dirfd, const char *file, char *buf, size_t size);

/**
 * cg_read_u64 - read a single-value cgroup file
 * @dirfd: cgroup directory
 * @file:  e.g. "memory.current"
 * @ret:   the value in the file's own unit (bytes for memory.*, tasks for pids.*); "max" reads
 *	   as UINT64_MAX
 *
 * Source: cgroup-v2.rst, "Conventions".
 * Return: 0; -ENOENT controller off; -ENODEV cgroup removed; -EINVAL not a number.
 */
int cg_read_u64(int dirfd, const char *file, uint64_t *ret);

/**
 * cg_read_keys - read some keys of a flat-keyed file in one pass
 * @dirfd: cgroup directory
 * @file: e.g. "cpu.stat"
 * @keys: NULL-terminated names, e.g. {"usage_usec", "nr_throttled", NULL}
 * @ret:  one value a key; those not in the file are left as they were
 * Return: number of keys found, or -errno.
 */
int cg_read_keys(int dirfd, const char *file, const char *const *keys, uint64_t *ret);

/**
 * cg_read_pressure - how long work has been stalled
 * @dirfd: cgroup directory
 * @file: e.g. "io.pressure"
 * @ret_some, @ret_full: microseconds in which some, or all, work was; left alone if not in the file
 *
 * Source: Documentation/accounting/psi.rst, "total".
 * Return: 0; -ENOENT, -EOPNOTSUPP the kernel keeps none; -errno.
 */
int cg_read_pressure(int dirfd, const char *file, uint64_t *ret_some, uint64_t *ret_full);

/**
 * cg_write - write one value, in one write(2), as the kernel wants it
 * @dirfd: cgroup directory
 * @file: must exist
 * @value: without a newline
 * Return: 0; -ENOENT controller off; -EINVAL, -ERANGE what the kernel thinks of the value; -errno.
 */
int cg_write(int dirfd, const char *file, const char *value);

/**
 * cg_write_u64 - cg_write() of a number
 * @dirfd: cgroup directory
 * @file: must exist
 * @value: UINT64_MAX is "max"
 * Return: as cg_write().
 */
int cg_write_u64(int dirfd, const char *file, uint64_t value);

/**
 * cg_procs - the processes of a cgroup, not of those below
 * @dirfd: cgroup directory; reads cgroup.procs
 * @ret: array of @max places, may be NULL when @max is 0
 * @max: more are counted but not stored
 *
 * Processes outside of the reader's pid namespace, which the kernel shows as 0, are left out.
 * Return: how many there are (may be more than @max), or -errno.
 */
int cg_procs(int dirfd, pid_t *ret, int max);

/**
 * cg_threads - the number of tasks (threads) of a cgroup, not of those below
 * @dirfd: cgroup directory; reads cgroup.threads
 * Return: how many, or -errno.
 */
int cg_threads(int dirfd);

/**
 * cg_walk - visit a cgroup and all below, parents first
 * @dirfd: where to start
 * @fn: gets the descriptor of each; a value other than 0 ends the walk
 * @ctx: passed on
 *
 * A cgroup that vanishes meanwhile is passed over.
 * Return: 0, what @fn ended the walk with, -ELOOP deeper than CG_DEPTH_MAX, or -errno.
 */
int cg_walk(int dirfd, int (*fn)(int dirfd, void *ctx), void *ctx);

/**
 * cg_populated - does the cgroup or one below have a process
 * @dirfd: cgroup directory; reads cgroup.events
 * @ret: claims that it has
 * Return: 0 or -errno.
 */
int cg_populated(int dirfd, bool *ret);

/**
 * cg_freeze - freeze or thaw, the cgroups below included; does not wait
 * @dirfd: cgroup directory; writes cgroup.freeze
 * @frozen: true to freeze
 * Return: 0 or -errno.
 */
int cg_freeze(int dirfd, bool frozen);

/**
 * cg_kill - SIGKILL all processes in and below; does not wait for their end
 * @dirfd: cgroup directory
 *
 * By cgroup.kill (since 5.14), which frozen processes obey too; where it is not there: freeze,
 * signal each, thaw. Return: 0 or -errno.
 */
int cg_kill(int dirfd);

/**
 * cg_wait_empty - wait until no process is in the cgroup or below
 * @dirfd: cgroup directory; sleeps in poll(2) on cgroup.events
 * @timeout_ms: at most so long
 * Return: 0 (also if the cgroup has been removed); -EBUSY still populated; -errno.
 */
int cg_wait_empty(int dirfd, int timeout_ms);

/**
 * cg_remove - remove a cgroup and those below it, waiting for dying processes
 * @dirfd: parent
 * @name:  of the child, one component
 *
 * Waits by cgroup.events up to CG_REMOVE_MS; does not kill.
 * Return: 0 (also if there is none); -EBUSY still populated; -EINVAL not a name; -ELOOP deeper
 * than CG_DEPTH_MAX; -errno.
 */
int cg_remove(int dirfd, const char *name);

#endif
