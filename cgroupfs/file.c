// SPDX-License-Identifier: Apache-2.0
/*
 * The file formats of cgroup v2: single values, flat-keyed files, lists of ids. Files longer
 * than CG_FILE_MAX are refused, lists of ids are read to their end.
 */
#include "cgroupfs/cgroupfs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"

/* Digits only, up to @end. Return: 0, -EINVAL no number, -ERANGE more than 64 bits */
static int digits_parse(const char *s, const char *end, uint64_t *ret)
{
	uint64_t v = 0;

	if (s == end)
		return -EINVAL;
	for (; s < end; s++) {
		if (!isdigit((unsigned char)*s))
			return -EINVAL;
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return -ERANGE;
	}
	*ret = v;
	return 0;
}

int cg_read_text(int dirfd, const char *file, char *buf, size_t size)
{
	cleanup_close int fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		if (len >= size)
			return -EFBIG;
		n = read(fd, buf + len, size - len);
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
	} while (n);
	if (len && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return (int)len;
}

int cg_read_u64(int dirfd, const char *file, uint64_t *ret)
{
	char buf[32];
	int n = cg_read_text(dirfd, file, buf, sizeof(buf));

	if (n < 0)
		return n == -EFBIG ? -EINVAL : n;
	if (strcmp(buf, "max") == 0) {
		*ret = UINT64_MAX;
		return 0;
	}
	return digits_parse(buf, buf + n, ret) ? -EINVAL : 0;
}

int cg_read_keys(int dirfd, const char *file, const char *const *keys, uint64_t *ret)
{
	char buf[CG_FILE_MAX], *save = NULL, *line;
	int found = 0, n = cg_read_text(dirfd, file, buf, sizeof(buf));

	if (n < 0)
		return n;
	for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *blank = strchr(line, ' ');

		if (!blank)
			continue;
		*blank = '\0';
		for (int i = 0; keys[i]; i++) {
			if (strcmp(line, keys[i]))
				continue;
			if (digits_parse(blank + 1, blank + 1 + strlen(blank + 1), &ret[i]) == 0)
				found++;
			break;
		}
	}
	return found;
}

/* The number behind "total=" in the line that begins with @word. */
static void pressure_total(const char *text, const char *word, uint64_t *ret)
{
	const char *line = strstr(text, word), *total = line ? strstr(line, "total=") : NULL;

	if (total)
		(void)sscanf(total, "total=%" SCNu64, ret); /* what is no number is left out */
}

int cg_read_pressure(int dirfd, const char *file, uint64_t *ret_some, uint64_t *ret_full)
{
	char buf[CG_FILE_MAX];
	int n = cg_read_text(dirfd, file, buf, sizeof(buf));

	if (n < 0)
		return n;
	pressure_total(buf, "some ", ret_some);
	pressure_total(buf, "full ", ret_full);
	return 0;
}

int cg_write(int dirfd, const char *file, const char *value)
{
	cleanup_close int fd = openat(dirfd, file, O_WRONLY | O_TRUNC | O_CLOEXEC);
	size_t len = strlen(value);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = write(fd, value, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int cg_write_u64(int dirfd, const char *file, uint64_t value)
{
	char buf[24];

	if (value == UINT64_MAX)
		return cg_write(dirfd, file, "max");
	(void)snprintf(buf, sizeof(buf), "%" PRIu64, value); /* 20 digits fit */
	return cg_write(dirfd, file, buf);
}

/* A list of ids, one a line, of any length. Return: how many, zeros left out */
static int ids_read(int dirfd, const char *file, pid_t *ret, int max)
{
	cleanup_close int fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC);
	char buf[CG_FILE_MAX];
	int count = 0, id = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, buf, sizeof(buf)))) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		for (ssize_t i = 0; i < n; i++) {
			if (isdigit((unsigned char)buf[i])) {
				if (__builtin_mul_overflow(id, 10, &id) ||
				    __builtin_add_overflow(id, buf[i] - '0', &id))
					return -EINVAL;
				continue;
			}
			if (buf[i] != '\n')
				return -EINVAL;
			if (id > 0 && count < max)
				ret[count] = id;
			count += id > 0;
			id = 0;
		}
	}
	return count;
}

int cg_procs(int dirfd, pid_t *ret, int max)
{
	return ids_read(dirfd, "cgroup.procs", ret, max);
}

int cg_threads(int dirfd)
{
	return ids_read(dirfd, "cgroup.threads", NULL, 0);
}
