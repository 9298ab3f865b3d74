/* SPDX-License-Identifier: Apache-2.0 */
/* The few facts about a process that only /proc tells. Source: proc(5). */
#ifndef DCOS_PROCFS_H
#define DCOS_PROCFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * proc_start_time - when a process began: with its pid this is its identity
 * @ret: clock ticks since boot, field 22 of /proc/PID/stat
 * Return: 0; -ESRCH there is no such process.
 */
int proc_start_time(pid_t pid, uint64_t *ret);

/**
 * proc_pidfd_pid - whose pidfd it is
 * Source: pidfd_open(2), /proc/PID/fdinfo.
 * Return: 0; -ESRCH it has ended and is reaped; -EBADMSG no pidfd; -errno.
 */
int proc_pidfd_pid(int pidfd, pid_t *ret);

/**
 * proc_catches - does a process have a handler for a signal
 * @sig: 1..64
 * Return: true also when it cannot be told.
 */
bool proc_catches(pid_t pid, int sig);

#define PROC_COMM_MAX 64 /* of a process 15 bytes; kernel threads may have longer ones */

struct proc_use {
	char comm[PROC_COMM_MAX]; /* any bytes, cut */
	uint64_t cpu_us; /* since it began */
	uint64_t rss_bytes; /* shared pages count in each process */
};

/**
 * proc_use - what a process has used
 * Source: proc(5), /proc/PID/stat. Return: 0; -ESRCH it has ended; -EBADMSG; -errno.
 */
int proc_use(pid_t pid, struct proc_use *ret);

/** proc_boot_id - the boot id, @ret has room for 37 bytes */
int proc_boot_id(char *ret);

#endif
