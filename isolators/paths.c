// SPDX-License-Identifier: Apache-2.0
/*
 * Masked and read-only paths. Runs in the child after the pivot: the /dev/null that covers files
 * is the one that inside.c has bound, whatever the image had there (CVE-2025-31133).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/lib/weaken.h"
#include "isolators/mounts.h"
#include "isolators/rows.h"

static const struct mnt_option empty[] = {{"mode", "555"}, {"size", "4096"}, {NULL, NULL}};

/* Something else at this path, writable by the task, would be worse than no cover. */
static int clone_null(void)
{
	int fd = mnt_clone(AT_FDCWD, "/dev/null", false);
	struct stat st;

	if (fd < 0 || weakened("null") ||
	    (!fstat(fd, &st) && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)))
		return fd;
	(void)close(fd); /* given up */
	return -ENODEV;
}

/* What covers a path of this kind. */
static int cover(int target)
{
	struct stat st;

	if (fstat(target, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return mnt_new("tmpfs", empty,
			       MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				       MOUNT_ATTR_NOEXEC);
	return clone_null();
}

static int copy_with(int target, uint64_t attr)
{
	int fd = mnt_clone(target, "", true), err;

	if (fd < 0)
		return fd;
	err = mnt_set(fd, attr, -1, true);
	if (!err)
		return fd;
	(void)close(fd); /* given up */
	return err;
}

static int readonly_copy(int target)
{
	return copy_with(target, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					 MOUNT_ATTR_NOEXEC);
}

/* What an OCI configuration says of a path is that it is read-only, and no more. */
static int readonly_oci(int target)
{
	return copy_with(target, MOUNT_ATTR_RDONLY);
}

/* A path that is not there needs no cover; a symbolic link is refused. */
static int apply(int root, const char *path, int (*make)(int target))
{
	int target = path_open(root, path, !weakened("mask_links")), fd, err;

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return target;
	fd = make(target);
	err = fd < 0 ? fd : mnt_attach(fd, target);
	if (fd >= 0)
		(void)close(fd);
	(void)close(target); /* O_PATH */
	return err;
}

static int apply_all(struct isolation *iso, int root, char *const *paths, const char *step,
		     int (*make)(int target))
{
	for (; paths && *paths; paths++) {
		int err = apply(root, *paths, make);

		if (!err)
			continue;
		iso->step = step;
		iso->step_value = *paths;
		return err;
	}
	return 0;
}

static int paths_enter(struct isolation *iso)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), err;

	if (root < 0)
		return -errno;
	err = weakened("readonly")
		      ? 0
		      : apply_all(iso, root, iso->spec->readonly_paths, "making read-only",
				  iso->spec->oci ? readonly_oci : readonly_copy);
	if (!err && !weakened("masks"))
		err = apply_all(iso, root, iso->spec->masked_paths, "masking", cover);
	(void)close(root); /* O_PATH */
	return err;
}

const struct isolator paths_isolator = {
	.name = "paths",
	.enter = paths_enter,
};
