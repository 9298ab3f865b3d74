/* SPDX-License-Identifier: Apache-2.0 */
/* Whole containers for root tests: a host on private paths, a spec, and what a program printed. */
#ifndef DCOS_CT_RIG_H
#define DCOS_CT_RIG_H

#include <limits.h>

#include "agent/container.h"

#define CT_RIG_OUTPUT_MAX 16384
#define CT_RIG_WAIT_MS	  20000 /* below the harness's own limit */
#define CT_RIG_ID_BASE	  1000000 /* host id of the container's 0 */

struct ct_rig {
	struct iso_host host;
	struct ct_spec spec;
	struct container *c;
	struct why why;
	char state[PATH_MAX], run[PATH_MAX]; /* what host points to */
	int stdio_fd; /* read end of what the container's standard output and error are, or -1 */
	char output[CT_RIG_OUTPUT_MAX];
};

/**
 * ct_rig_begin - a host in test_dir() and test_cgroup(), mounts private to the test; aborts it on
 * failure. The spec has the defaults, id "t", the host's tree as root and no user namespace.
 * @rig: must stay where it is
 */
void ct_rig_begin(struct ct_rig *rig);

/** ct_rig_end - destroy the container, and expect that nothing of it is left */
void ct_rig_end(struct ct_rig *rig);

/**
 * ct_rig_image - a root file system of busybox in test_dir(), as the spec's root, with a user
 * namespace. SKIPs the test without a busybox.
 * Return: its absolute path, which belongs to the spec.
 */
const char *ct_rig_image(struct ct_rig *rig);

/** ct_rig_args - the program and its arguments, up to a NULL; copied */
void ct_rig_args(struct ct_rig *rig, const char *first, ...) __attribute__((sentinel));

/** ct_rig_sh - a command of the shell as the program */
void ct_rig_sh(struct ct_rig *rig, const char *command);

/** ct_rig_create - ct_create() with a pipe as standard output and error. Return: its result */
int ct_rig_create(struct ct_rig *rig);

/** ct_rig_read - all that is printed until the pipe's last writer ends. Return: rig->output */
const char *ct_rig_read(struct ct_rig *rig);

/** ct_rig_wait - reap a process. Return: exit code, 128 + signal; aborts the test if it lives on */
int ct_rig_wait(int pidfd);

/**
 * ct_rig_run - create, start, read, wait; the container remains
 * Return: exit code, 128 + signal; -errno of what failed, with rig->why.
 */
int ct_rig_run(struct ct_rig *rig);

/**
 * ct_rig_exec_as - ct_exec() of a shell command, read, wait
 * @pattern: all but its args is used
 * Return: exit code, 128 + signal; -errno of what failed, with rig->why.
 */
int ct_rig_exec_as(struct ct_rig *rig, const struct ct_process *pattern, const char *command);

/** ct_rig_exec - ct_rig_exec_as() the container's own process */
int ct_rig_exec(struct ct_rig *rig, const char *command);

/**
 * EXPECT_RUN, EXPECT_CODE - run a command of the shell, expect what it prints and its exit code
 * The container is destroyed, and nothing of it may be left.
 * @want: NULL: whatever it prints, found in rig->output
 */
#define EXPECT_RUN(rig, command, want) ct_rig_expect(__FILE__, __LINE__, rig, command, 0, want)
#define EXPECT_CODE(rig, command, code, want)                                                      \
	ct_rig_expect(__FILE__, __LINE__, rig, command, code, want)
void ct_rig_expect(const char *file, int line, struct ct_rig *rig, const char *command, int code,
		   const char *want);

/** EXPECT_REFUSED - ct_create() must fail with @err and a sentence that has @words; nothing stays */
#define EXPECT_REFUSED(rig, err, words) ct_rig_refused(__FILE__, __LINE__, rig, err, words)
void ct_rig_refused(const char *file, int line, struct ct_rig *rig, int err, const char *words);

/** ct_rig_text - a formatted text that stays until the test ends */
char *ct_rig_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** ct_rig_mounts - how many mounts this process sees at or below a directory */
int ct_rig_mounts(const char *dir);

/** ct_rig_nothing_left - expect no cgroup, no layer, no child and no mount below test_dir() */
void ct_rig_nothing_left(const struct ct_rig *rig);

#endif
