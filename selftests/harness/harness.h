/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the harness only; tests include test.h. */
#ifndef DCOS_HARNESS_H
#define DCOS_HARNESS_H

#include <limits.h>
#include <stddef.h>

#define TEST_REASON_MAX 256

/**
 * scratch_dir_make - a new empty directory in $TMPDIR or /tmp
 * Return: 0 or -errno; @ret holds its absolute path.
 */
int scratch_dir_make(char ret[static PATH_MAX]);

/** scratch_dir_remove - unmount and remove all below and the directory itself; "" is nothing */
void scratch_dir_remove(const char *path);

/**
 * scratch_cgroup_root - where cgroup2 is mounted
 * Return: 0; -ENOENT it is not mounted; -errno. Source: proc_pid_mountinfo(5).
 */
int scratch_cgroup_root(char ret[static PATH_MAX]);

/**
 * scratch_cgroup_make - a child of the cgroup2 root with the host's controllers on for children
 * @name: of the directory
 * Return: 0 or -errno; @ret holds its absolute path.
 */
int scratch_cgroup_make(const char *name, char ret[static PATH_MAX]);

/** scratch_cgroup_remove - kill what runs in it, then remove it and all below; "" is nothing */
void scratch_cgroup_remove(const char *path);

/**
 * need_missing - is a need of a test not met here
 * @need: one bit of enum test_need
 * @reason: of TEST_REASON_MAX bytes: why not
 * Tries the real thing, in a child process where it would leave traces.
 * Return: 1 missing, 0 met.
 */
int need_missing(unsigned int need, char *reason);

#endif
