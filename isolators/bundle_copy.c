// SPDX-License-Identifier: Apache-2.0
/*
 * tmpcopyup: what the image has where a tmpfs is mounted is copied to it first. Runs in the child;
 * symbolic links are copied, never followed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/bundle.h"

#define DEPTH_MAX      64 /* of directories below the first */
#define COPY_AT_A_TIME 1048576
#define PERMISSIONS    07777

static int copy_dir(int from, int to, int depth);

static int copy_owner(int to, const char *name, const struct stat *st)
{
	const struct timespec times[] = {st->st_atim, st->st_mtim};

	if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISLNK(st->st_mode) && fchmodat(to, name, st->st_mode & PERMISSIONS, 0))
		return -errno;
	return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

static int copy_file(int from, int to, const char *name)
{
	cleanup_close int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_close int out =
		openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	ssize_t n;

	if (in < 0 || out < 0)
		return -errno;
	do
		n = sendfile(out, in, NULL, COPY_AT_A_TIME);
	while (n > 0);
	return n < 0 ? -errno : 0;
}

static int copy_link(int from, int to, const char *name)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(from, name, text, sizeof(text) - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return symlinkat(text, to, name) ? -errno : 0;
}

static int copy_below(int from, int to, const char *name, int depth)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

	if (depth == DEPTH_MAX)
		return -ELOOP;
	if (mkdirat(to, name, 0700))
		return -errno;
	cleanup_close int in = openat(from, name, flags), out = openat(to, name, flags);

	return in < 0 || out < 0 ? -errno : copy_dir(in, out, depth + 1);
}

static int copy_one(int from, int to, const char *name, int depth)
{
	struct stat st;
	int err;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (S_ISDIR(st.st_mode))
		err = copy_below(from, to, name, depth);
	else if (S_ISREG(st.st_mode))
		err = copy_file(from, to, name);
	else if (S_ISLNK(st.st_mode))
		err = copy_link(from, to, name);
	else
		err = mknodat(to, name, st.st_mode, st.st_rdev) ? -errno : 0;
	return err ? err : copy_owner(to, name, &st);
}

static int copy_dir(int from, int to, int depth)
{
	int own = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	cleanup_closedir DIR *d = own < 0 ? NULL : fdopendir(own);

	if (!d)
		return -errno;
	for (struct dirent *e; !err && (errno = 0, e = readdir(d));)
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			err = copy_one(from, to, e->d_name, depth);
	return err ? err : -errno;
}

int tree_copy(int from, int to)
{
	struct stat st;
	int err = fstat(from, &st) ? -errno : copy_dir(from, to, 0);

	return err ? err : copy_owner(to, ".", &st);
}
