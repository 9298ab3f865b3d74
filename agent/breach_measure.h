/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the memory of a task really is where no controller counts it: the proportional set size of
 * its processes, which counts a page that n processes share as an n-th in each. The kernel locks
 * an address space to tell, and a task may hold that lock for as long as it likes, so a process of
 * its own asks, and nobody waits for it.
 */
#ifndef DCOS_BREACH_MEASURE_H
#define DCOS_BREACH_MEASURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MEASURE_PIDS_MAX 4096 /* processes of one cgroup; what has more is not measured */
#define MEASURE_TOP	 3
#define MEASURE_COMM_MAX 16 /* TASK_COMM_LEN */

/* One of the largest processes. */
struct measure_top {
	pid_t pid; /* 0: there are fewer */
	char comm[MEASURE_COMM_MAX]; /* as in /proc/PID/comm: any bytes */
	uint64_t bytes;
};

struct measure {
	uint64_t bytes;
	uint64_t cpu_us; /* that it took to measure */
	struct measure_top top[MEASURE_TOP]; /* the largest first */
};

/**
 * measure_add - one more process
 * @comm: NUL-terminated
 */
void measure_add(struct measure *m, pid_t pid, const char *comm, uint64_t bytes);

/** measure_show_comm - a copy without bytes that are not printable ASCII; @ret: as long as @comm */
void measure_show_comm(const char *comm, char *ret);

/**
 * measure_text - "most by 123 hog 69M, 124 sh 1M"; "" if there is no process
 * Bytes of names that are not printable ASCII are shown as '?'. What does not fit is cut.
 */
char *measure_text(const struct measure *m, char *buf, size_t size);

/**
 * measure_start - begin to measure the processes of a cgroup and of those below
 * @cgroup_fd: not kept
 * @ret_pidfd: of the process that measures: readable when it has ended
 * Return: a descriptor for measure_end(), or -errno. The caller owns both.
 */
int measure_start(int cgroup_fd, int *ret_pidfd);

/**
 * measure_end - what it found, once it has ended
 * Source: /proc/PID/smaps_rollup in Documentation/filesystems/proc.rst, "Pss".
 * Return: 0; -ENODATA it did not get to the end.
 */
int measure_end(int fd, int pidfd, struct measure *ret);

#endif
