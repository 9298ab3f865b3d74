// SPDX-License-Identifier: Apache-2.0
/*
 * The overlay over an image: lower is the image, upper and work are state_dir/rootfs/ID. With a
 * user namespace the image is id-mapped, so that none of its files is ever chowned; what the task
 * writes has the ids of its range on disk (the upper layer cannot be id-mapped as well: overlayfs
 * works in it as the agent, who has no id in the map). Kernels before 6.15 take only layers that
 * are attached somewhere: the image is, for a moment, in the agent's own mount namespace.
 * "volatile": what a task wrote does not outlive it, so nothing is synced.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/mounts.h"
#include "isolators/rootfs.h"

#define FTW_FDS 16

static int make_dir(struct isolation *iso, const char *path, mode_t mode)
{
	return mkdir(path, mode) && errno != EEXIST ? iso_fail(iso, -errno, "rootfs: %s", path) : 0;
}

int layers_make(struct isolation *iso, const struct rootfs *r)
{
	const struct ct_spec *spec = iso->spec;
	uint32_t base = spec->namespaces & CLONE_NEWUSER ? spec->idmap.host_base : 0;
	char upper[ROOTFS_PATH_MAX + 16], work[ROOTFS_PATH_MAX + 16];
	struct stat st;
	int err;

	if (stat(spec->root.path, &st))
		return iso_fail(iso, -errno, "rootfs: %s", spec->root.path);
	((struct rootfs *)r)->layers_made = 1;
	(void)snprintf(upper, sizeof(upper), "%s/upper", r->layers); /* both fit */
	(void)snprintf(work, sizeof(work), "%s/work", r->layers);
	err = make_dir(iso, r->layers, 0711) ?: make_dir(iso, upper, 0755) ?: make_dir(iso, work, 0700);
	if (err)
		return err;
	/* the root directory that the task sees is the upper one */
	if (chmod(upper, st.st_mode & 07777) || chown(upper, base + st.st_uid, base + st.st_gid))
		return iso_fail(iso, -errno, "rootfs: %s", upper);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st; /* remove() tells files from directories */
	(void)type;
	(void)ftw;
	return remove(path) && errno != ENOENT ? -1 : 0;
}

void layers_remove(const struct rootfs *r)
{
	/* what cannot be removed is found by whoever looks at state_dir/rootfs */
	(void)nftw(r->layers, remove_one, FTW_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* A detached, maybe id-mapped copy of a directory, attached at @at. */
static int attach_layer(struct isolation *iso, const char *source, const char *at, uint64_t attr,
			int userns_fd)
{
	cleanup_close int fd = mnt_clone(AT_FDCWD, source, false);
	int err = fd < 0 ? fd : mnt_set(fd, attr, userns_fd, false);

	if (err)
		return iso_fail(iso, err, "rootfs: %s%s", source,
				userns_fd >= 0 ? " id-mapped" : "");
	cleanup_close int target = open(at, O_PATH | O_DIRECTORY | O_CLOEXEC);

	err = target < 0 ? -errno : mnt_attach(fd, target);
	return err ? iso_fail(iso, err, "rootfs: staging %s", source) : 0;
}

static int new_overlay(struct isolation *iso, const struct rootfs *r, const char *lower)
{
	char upper[ROOTFS_PATH_MAX + 16], work[ROOTFS_PATH_MAX + 16];
	const struct mnt_option options[] = {
		{"lowerdir", lower}, {"upperdir", upper}, {"workdir", work},
		{"volatile", NULL},  {NULL, NULL},
	};
	int fd;

	(void)snprintf(upper, sizeof(upper), "%s/upper", r->layers); /* both fit */
	(void)snprintf(work, sizeof(work), "%s/work", r->layers);
	fd = mnt_new("overlay", options, 0);
	return fd < 0 ? iso_fail(iso, fd, "rootfs: overlay over %s", iso->spec->root.path) : fd;
}

/* The staging directory is named after the container and lives as long as this call. */
int overlay_new(struct isolation *iso, const struct rootfs *r, int userns_fd)
{
	char lower[ROOTFS_PATH_MAX + CT_ID_MAX + 16];
	int fd, err;

	(void)snprintf(lower, sizeof(lower), "%s/%s.lower", r->stage, iso->spec->id); /* fits */
	err = make_dir(iso, lower, 0700);
	if (!err)
		err = attach_layer(iso, iso->spec->root.path, lower, MOUNT_ATTR_RDONLY, userns_fd);
	fd = err ? err : new_overlay(iso, r, lower);
	(void)umount2(lower, MNT_DETACH); /* not attached if that was what failed */
	(void)rmdir(lower); /* stays, harmless, if unmounting failed */
	return fd;
}
