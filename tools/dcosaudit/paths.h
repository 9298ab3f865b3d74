/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All ways through a seccomp program for one number of one architecture: each way is a class of
 * arguments, what the filter says to it, what that costs, and one example that was run.
 */
#ifndef DCOS_AUDIT_PATHS_H
#define DCOS_AUDIT_PATHS_H

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "tools/dcosaudit/bits.h"
#include "tools/dcosaudit/machine.h"

#define PATHS_MAX      4096 /* ways of one call, more are counted as left out */
#define PATH_TESTS_MAX 640 /* comparisons on one way; 128 names with 64 bits each fit twice */

/* A comparison of 32 bits of struct seccomp_data. */
struct path_test {
	unsigned int word; /* CBPF_ARG() and the like */
	struct bits_test bits;
};

struct path {
	uint32_t verdict; /* SECCOMP_RET_* with its data */
	unsigned int steps; /* instructions executed */
	struct seccomp_data example; /* goes this way; the smallest values that do */
	size_t tests, tests_nr; /* in paths.tests */
};

struct paths {
	struct path *path;
	size_t nr, room;
	struct path_test *tests;
	size_t tests_nr, tests_room;
	size_t left_out; /* ways that were not followed to their end: the others are still true */
};

/**
 * paths_explore - follow every way that some arguments go
 * @prog: accepted by cbpf_check()
 * @arch: AUDIT_ARCH_*
 * @nr: as in seccomp_data
 * @ret: to be ended with paths_free()
 * Every example was run through cbpf_run() and came out with this verdict.
 * Return: 0; -ENOMEM; -ENOTSUP the program computes with arguments in a way that is not followed.
 */
int paths_explore(const struct sock_fprog *prog, uint32_t arch, int nr, struct paths *ret);

/** paths_free - free what it owns and zero it */
void paths_free(struct paths *p);

/**
 * path_meet - is there an input that goes this way and fulfils other conditions, too
 * @a: the way
 * @more: other comparisons, e.g. those of a way through another program
 * @more_nr: at most PATH_TESTS_MAX
 * @ret: an example; may be NULL
 * Return: 1; 0; -E2BIG not known.
 */
int path_meet(const struct paths *p, const struct path *a, const struct path_test *more,
	      size_t more_nr, struct seccomp_data *ret);

#endif
