/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tasks print. stdout and stderr are plain append-only files that the task writes itself, so
 * nothing is lost while no agent runs and no process copies bytes. A file is bounded by punching
 * a hole at its head: offsets stay what they were, a reader that follows is not disturbed, and
 * what was dropped is the size of the hole. Sizes are looked at once a second, of a task that writes
 * much every LOGS_SOON_US: for so long a task can write beyond its log_max.
 */
#ifndef DCOS_LOGS_H
#define DCOS_LOGS_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/node.h"

#define LOGS_READ_MAX 65536 /* bytes of one reply */
#define LOGS_IDLE_US  1000000
#define LOGS_SOON_US  20000
#define LOGS_WATCH    50 /* looks at short intervals, from the last that found too much */

enum log_stream { LOG_STDOUT, LOG_STDERR, LOG_STREAMS };

/** logs_open - make the directory and both files; fds for ct_create(), owned by the caller */
int logs_open(const struct node *n, const char *id, int ret_fds[LOG_STREAMS]);

/** logs_path - absolute path of a task's file, malloc'd; NULL out of memory */
char *logs_path(const struct node *n, const char *id, enum log_stream stream);

/**
 * logs_reopen - open the file of a task that may have it open
 * @flags: O_RDONLY or O_WRONLY
 * Never waits. Return: descriptor; -EAGAIN the task has a lease of it, which the kernel takes away
 * after /proc/sys/fs/lease-break-time from now on (fcntl(2)); -errno.
 */
int logs_reopen(const char *path, int flags);

/** logs_bound - punch what is over the task's log_max out of both files. Return: there was */
bool logs_bound(const struct task *t);

/** logs_remove - both files and their directory */
void logs_remove(const struct node *n, const char *id);

/**
 * logs_read - some bytes
 * @fd: of a log file, open for reading
 * @offset: from where; moved over a hole
 * @buf: LOGS_READ_MAX bytes
 * @ret_dropped: bytes of the hole that was skipped
 * Return: number of bytes, 0 at the end, -errno.
 */
ssize_t logs_read(int fd, uint64_t *offset, char *buf, uint64_t *ret_dropped);

/**
 * logs_text_len - how much of it is whole UTF-8
 * @len: bytes in @buf
 * Return: the longest prefix that is valid UTF-8 without NUL; 0 if it begins with a byte that is
 * not. A character cut at the end is left for the next read unless it is all there is.
 */
size_t logs_text_len(const char *buf, size_t len);

/** base64 - malloc'd text of bytes; NULL out of memory */
char *base64(const void *data, size_t len);

#endif
