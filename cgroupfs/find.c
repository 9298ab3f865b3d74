// SPDX-License-Identifier: Apache-2.0
/*
 * Where cgroup2 is, where a process is in it, and directories in it. Does not see mounts of
 * other mount namespaces.
 */
#include "cgroupfs/cgroupfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"

#define MOUNTINFO_ROOT	4 /* fields of a mountinfo line, counted from 1 */
#define MOUNTINFO_POINT 5

/* "\040" and its like, as the kernel writes blanks, tabs, newlines and backslashes */
static void unescape_octal(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* Splits a line in place. Return: is it a mount of cgroup2 */
static bool mountinfo_parse(char *line, char **ret_root, char **ret_point)
{
	char *tail = strstr(line, " - "), *root = NULL, *point = NULL, *save = NULL, *word;
	int nr = 0;

	if (!tail || strncmp(tail, " - cgroup2 ", strlen(" - cgroup2 ")))
		return false;
	*tail = '\0';
	for (word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		nr++;
		if (nr == MOUNTINFO_ROOT)
			root = word;
		else if (nr == MOUNTINFO_POINT)
			point = word;
	}
	if (!point)
		return false;
	*ret_root = root;
	*ret_point = point;
	return true;
}

int cg_find_mount(const char *mountinfo, char **ret)
{
	cleanup_fclose FILE *f = fopen(mountinfo, "re");
	cleanup_free char *line = NULL, *first = NULL, *found = NULL;
	size_t size = 0;

	if (!f)
		return -errno;
	while (!found && getline(&line, &size, f) > 0) {
		char *root, *point;

		if (!mountinfo_parse(line, &root, &point))
			continue;
		unescape_octal(point);
		if (strcmp(root, "/") == 0)
			found = strdup(point);
		else if (!first)
			first = strdup(point);
		if (!found && !first)
			return -ENOMEM;
	}
	if (ferror(f))
		return -EIO;
	if (!found)
		found = take_ptr(first);
	if (!found)
		return -ENOENT;
	*ret = take_ptr(found);
	return 0;
}

int cg_own(pid_t pid, char **ret)
{
	char path[32] = "/proc/self/cgroup";
	cleanup_free char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (pid)
		(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", pid); /* fits */
	cleanup_fclose FILE *f = fopen(path, "re");

	if (!f)
		return -errno;
	while ((n = getline(&line, &size, f)) > 0) {
		if (strncmp(line, "0::/", 4))
			continue;
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		char *own = strdup(line + 3);

		if (!own)
			return -ENOMEM;
		*ret = own;
		return 0;
	}
	return ferror(f) ? -ESRCH : -ENOENT; /* it ended between open and read */
}

/* One component; a copy, since a path is walked in place */
static int open_component(int dirfd, const char *name, bool create)
{
	if (strcmp(name, "..") == 0)
		return -EINVAL;
	if (create && mkdirat(dirfd, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int cg_open(int dirfd, const char *path, bool create)
{
	cleanup_close int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *copy = NULL;
	char *save = NULL, *name;

	if (fd < 0)
		return -errno;
	if (path[0] == '/')
		return -EINVAL;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	for (name = strtok_r(copy, "/", &save); name; name = strtok_r(NULL, "/", &save)) {
		int next = open_component(fd, name, create && strcmp(name, ".") != 0);

		if (next < 0)
			return next;
		close_fd(&fd);
		fd = next;
	}
	return take_fd(&fd);
}

int cg_id(int dirfd, uint64_t *ret)
{
	struct stat st;

	if (fstat(dirfd, &st) < 0)
		return -errno;
	*ret = st.st_ino;
	return 0;
}
