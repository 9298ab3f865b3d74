// SPDX-License-Identifier: Apache-2.0
/* Log files of tasks: made, bounded, read. Following them is in api_logs.c. */
#include "agent/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/weaken.h"

#define LOGS_BLOCK 4096U /* holes are whole blocks */

static const char *const stream_names[] = {[LOG_STDOUT] = "stdout", [LOG_STDERR] = "stderr"};

char *logs_path(const struct node *n, const char *id, enum log_stream stream)
{
	char *path;

	if (asprintf(&path, "%s/logs/%s/%s", n->cfg->state_dir, id, stream_names[stream]) < 0)
		return NULL;
	return path;
}

static char *logs_dir(const struct node *n, const char *id)
{
	char *path;

	if (asprintf(&path, "%s/logs/%s", n->cfg->state_dir, id) < 0)
		return NULL;
	return path;
}

int logs_open(const struct node *n, const char *id, int ret_fds[LOG_STREAMS])
{
	cleanup_free char *dir = logs_dir(n, id);
	int fds[LOG_STREAMS] = {-1, -1};

	if (!dir)
		return -ENOMEM;
	if (mkdir(dir, 0750) && errno != EEXIST)
		return -errno;
	for (int i = 0; i < LOG_STREAMS; i++) {
		cleanup_free char *path = logs_path(n, id, (enum log_stream)i);

		if (!path)
			errno = ENOMEM;
		else
			fds[i] = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
				      0640);
		if (fds[i] < 0) {
			close_fd(&fds[0]);
			return -errno;
		}
	}
	memcpy(ret_fds, fds, sizeof(fds));
	return 0;
}

int logs_reopen(const char *path, int flags)
{
	int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC | (weakened("lease") ? 0 : O_NONBLOCK));

	return fd < 0 ? -errno : fd;
}

/* What a hole has taken of a file: also what it has grown meanwhile counts, so not less than 0. */
static uint64_t dropped_of(int fd, const struct stat *before)
{
	struct stat now;

	if (fstat(fd, &now) || now.st_blocks > before->st_blocks)
		return 0;
	return (uint64_t)(before->st_blocks - now.st_blocks) * 512;
}

/*
 * Space that the task has reserved beyond the end, which no hole reaches, is given back. What it
 * prints in this very moment may be lost with it, of a task that does such things only.
 */
static void unreserve(int fd, off_t hole, uint64_t max)
{
	struct stat now;

	if (fstat(fd, &now) ||
	    (uint64_t)now.st_blocks * 512 <= (uint64_t)(now.st_size - hole) + max)
		return;
	(void)!ftruncate(fd, now.st_size); /* if it can't: tried again at the next look */
}

static bool bound_one(const struct task *t, enum log_stream stream)
{
	cleanup_free char *path = logs_path(t->node, t->spec->ct.id, stream);
	uint64_t max = t->spec->log_max_bytes;
	struct stat st;
	off_t hole;

	if (!path || stat(path, &st) || (uint64_t)st.st_blocks * 512 <= max)
		return false;
	cleanup_close int fd = logs_reopen(path, O_WRONLY);

	if (fd < 0)
		return true;
	/* keep the newer half, so that a task that prints all the time isn't punched each second */
	hole = st.st_size - (off_t)(max / 2);
	hole = hole > 0 ? hole - hole % LOGS_BLOCK : 0;
	/* where the file system can't, the log is not bounded */
	if (hole > 0)
		(void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, hole);
	if (!weakened("log_reserve"))
		unreserve(fd, hole, max);
	t->node->log_dropped_bytes += dropped_of(fd, &st);
	return true;
}

bool logs_bound(const struct task *t)
{
	bool over = false;

	for (int i = 0; i < LOG_STREAMS; i++)
		over |= bound_one(t, (enum log_stream)i);
	return over;
}

void logs_remove(const struct node *n, const char *id)
{
	cleanup_free char *dir = logs_dir(n, id);

	for (int i = 0; i < LOG_STREAMS; i++) {
		cleanup_free char *path = logs_path(n, id, (enum log_stream)i);

		if (path)
			(void)unlink(path); /* gone or never made: both are what is wanted */
	}
	if (dir)
		(void)rmdir(dir); /* likewise */
}

ssize_t logs_read(int fd, uint64_t *offset, char *buf, uint64_t *ret_dropped)
{
	off_t data = lseek(fd, (off_t)*offset, SEEK_DATA);
	ssize_t n;

	if (data < 0 && errno == ENXIO) { /* nothing but a hole from here on, or the end */
		data = lseek(fd, 0, SEEK_END);
		if (data < (off_t)*offset)
			data = (off_t)*offset;
	}
	if (data < 0)
		return -errno;
	n = pread(fd, buf, LOGS_READ_MAX, data);
	if (n < 0)
		return -errno;
	*ret_dropped = (uint64_t)data - *offset;
	*offset = (uint64_t)data;
	return n;
}

/* Length of the UTF-8 character at @p: 0 if it is none, -1 if it is cut off by the end. */
static int utf8_char(const unsigned char *p, size_t left)
{
	int len = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;

	for (int i = 1; i < len; i++) {
		if ((size_t)i >= left)
			return -1;
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0; /* overlong, surrogate, beyond the last code point */
	return *p ? len : 0;
}

size_t logs_text_len(const char *buf, size_t len)
{
	size_t i = 0;

	while (i < len) {
		int n = utf8_char((const unsigned char *)buf + i, len - i);

		if (n <= 0)
			break;
		i += (size_t)n;
	}
	return i;
}

char *base64(const void *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = data;
	char *text = malloc((len + 2) / 3 * 4 + 1), *out = text;

	if (!text)
		return NULL;
	for (; len; p += 3, len -= len < 3 ? len : 3) {
		unsigned int v = (unsigned int)p[0] << 16 |
				 (len > 1 ? (unsigned int)p[1] << 8 : 0) | (len > 2 ? p[2] : 0);

		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = len > 1 ? digits[v >> 6 & 63] : '=';
		*out++ = len > 2 ? digits[v & 63] : '=';
	}
	*out = '\0';
	return text;
}
