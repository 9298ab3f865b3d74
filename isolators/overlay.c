// SPDX-License-Identifier: Apache-2.0
/*
 * The overlay over an image: lower is the image, upper and work are state_dir/rootfs/ID. With a
 * user namespace the image is id-mapped, so that none of its files is ever chowned; what the task
 * writes has the ids of its range on disk (the upper layer cannot be id-mapped as well: overlayfs
 * works in it as the agent, who has no id in the map). Kernels before 6.15 take only layers that
 * are attached somewhere: the image is, for a moment, in the agent's own mount namespace.
 * "volatile": what a task wrote does not outlive it, so nothing is synced. Extended attributes
 * that an image brings along must not redirect the lookup: CVE-2023-0386 and its like.
 * Source: the kernel's filesystems/overlayfs.rst, mount_setattr(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/weaken.h"
#include "isolators/mounts.h"
#include "isolators/rootfs.h"

#define FD_PATH_MAX 48 /* of "/proc/self/fd/N/upper" */

/* The image id-mapped and attached at the stage. Return: its mount, for as long as it is open */
static int stage_image(struct isolation *iso, const struct rootfs *r, int userns_fd, int stage)
{
	cleanup_close int fd = mnt_clone(r->image, "", false);
	int err = fd < 0 ? fd : mnt_set(fd, MOUNT_ATTR_RDONLY, userns_fd, false);

	if (err == -EINVAL)
		return iso_fail(iso, err, "rootfs: %s can't be id-mapped by its file system",
				iso->spec->root.path);
	if (!err)
		err = mnt_attach(fd, stage);
	if (err)
		return iso_fail(iso, err, "rootfs: staging %s", iso->spec->root.path);
	return take_fd(&fd);
}

static int mount_overlay(struct isolation *iso, const struct rootfs *r, int image)
{
	char lower[FD_PATH_MAX], upper[FD_PATH_MAX], work[FD_PATH_MAX];
	const struct mnt_option options[] = {
		{"lowerdir", lower},	      {"upperdir", upper}, {"workdir", work},
		{"redirect_dir", "nofollow"}, {"metacopy", "off"}, {"index", "off"},
		{"volatile", NULL},	      {NULL, NULL},
	};
	int fd;

	/* by descriptors, so that no character of a path can mean something else to overlayfs */
	(void)snprintf(lower, sizeof(lower), "/proc/self/fd/%d", image); /* all fit */
	(void)snprintf(upper, sizeof(upper), "/proc/self/fd/%d/upper", r->layers);
	(void)snprintf(work, sizeof(work), "/proc/self/fd/%d/work", r->layers);
	fd = mnt_new("overlay", options, weakened("nodev") ? 0 : MOUNT_ATTR_NODEV);
	if (fd == -EINVAL)
		return iso_fail(iso, fd,
				"rootfs: %s: the file system of %s can't be the upper layer "
				"of an overlay",
				iso->spec->root.path, iso->host->state_dir);
	return fd < 0 ? iso_fail(iso, fd, "rootfs: overlay over %s", iso->spec->root.path) : fd;
}

int overlay_new(struct isolation *iso, const struct rootfs *r, int userns_fd)
{
	cleanup_free char *path = NULL;
	int fd;

	if (userns_fd < 0)
		return mount_overlay(iso, r, r->image);
	if (asprintf(&path, "%s/" ROOTFS_STAGE, iso->host->run_dir) < 0)
		return -ENOMEM;
	cleanup_close int stage = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (stage < 0)
		return iso_fail(iso, -errno, "rootfs: %s", path);
	cleanup_close int image = stage_image(iso, r, userns_fd, stage);

	if (image < 0)
		return image;
	fd = mount_overlay(iso, r, image);
	(void)umount2(path,
		      MNT_DETACH); /* attached above; gone with the agent's namespace if not */
	return fd;
}
