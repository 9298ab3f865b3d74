// SPDX-License-Identifier: Apache-2.0
/* The new mount API, and paths that stay below their root. */
#include "isolators/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/weaken.h"

#define OPEN_TRIES 10000 /* of a path while there are renames anywhere */

int mnt_new(const char *fs, const struct mnt_option *options, uint64_t attr)
{
	cleanup_close int ctx = fsopen(fs, FSOPEN_CLOEXEC);
	int fd;

	if (ctx < 0)
		return -errno;
	for (const struct mnt_option *o = options; o && o->key; o++)
		if (fsconfig(ctx, o->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, o->key,
			     o->value, 0))
			return -errno;
	if (fsconfig(ctx, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -errno;
	fd = fsmount(ctx, FSMOUNT_CLOEXEC, (unsigned int)attr);
	return fd < 0 ? -errno : fd;
}

int mnt_clone(int dirfd, const char *path, bool recursive)
{
	int fd = open_tree(dirfd, path,
			   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (*path ? 0 : AT_EMPTY_PATH) |
				   (recursive ? AT_RECURSIVE : 0));

	return fd < 0 ? -errno : fd;
}

int mnt_set(int fd, uint64_t attr, int userns_fd, bool recursive)
{
	struct mount_attr a = {
		.attr_set = attr | (userns_fd >= 0 ? MOUNT_ATTR_IDMAP : 0),
		.propagation = MS_PRIVATE,
		.userns_fd = userns_fd >= 0 ? (uint64_t)userns_fd : 0,
	};

	return mount_setattr(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &a, sizeof(a))
		       ? -errno
		       : 0;
}

uint64_t mnt_device_attr(void)
{
	return weakened("device_readonly") ? 0 : MOUNT_ATTR_RDONLY;
}

int mnt_attach(int mount, int target)
{
	return move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
		       ? -errno
		       : 0;
}

int path_open(int root, const char *path, bool nofollow)
{
	struct open_how how = {
		/* with O_NOFOLLOW a link itself would be opened, instead of an error */
		.flags = O_PATH | O_CLOEXEC,
		.resolve = (weakened("in_root") ? 0 : RESOLVE_IN_ROOT) | RESOLVE_NO_MAGICLINKS |
			   (nofollow ? RESOLVE_NO_SYMLINKS : 0),
	};
	long fd = -1;

	while (*path == '/')
		path++;
	errno = EAGAIN; /* a rename raced, with which a task can go on for ever: openat2(2) */
	for (int i = 0; i < OPEN_TRIES && fd < 0 && errno == EAGAIN; i++)
		fd = syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

static int make_one(int parent, const char *name, bool dir)
{
	int fd;

	if (dir)
		return mkdirat(parent, name, 0755) && errno != EEXIST ? -errno : 0;
	fd = openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	(void)close(fd); /* it stays empty */
	return 0;
}

int path_make(int root, const char *path, bool dir)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	int fd = path_open(root, path, false);

	if (fd != -ENOENT)
		return fd;
	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t at = 0; at < len;) {
		size_t begin = at + strspn(path + at, "/");
		size_t end = begin + strcspn(path + begin, "/");
		int err;

		memcpy(part, path, begin);
		part[begin] = '\0';
		cleanup_close int parent = path_open(root, part, false);

		if (parent < 0)
			return parent;
		memcpy(part, path + begin, end - begin);
		part[end - begin] = '\0';
		at = end + strspn(path + end, "/");
		err = end > begin ? make_one(parent, part, dir || at < len) : 0;
		if (err)
			return err;
	}
	return path_open(root, path, false);
}
