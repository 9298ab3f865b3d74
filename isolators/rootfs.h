/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that make a container's root: rootfs.c (the row), overlay.c, inside.c. */
#ifndef DCOS_ROOTFS_H
#define DCOS_ROOTFS_H

#include "isolators/isolator.h"

#define ROOTFS_STAGE  "stage" /* below run_dir: where a layer is attached for a moment */
#define ROOTFS_LAYERS "rootfs" /* below state_dir: a directory ID for each container */

/* What prepare found, and the places in iso->handed[] of what attach hands to the child. */
struct rootfs {
	int image; /* CT_ROOT_DIR: O_PATH descriptor, else -1 */
	int layers; /* state_dir/rootfs/ID, -1 none */
	bool layered; /* these are ours to remove */
	int root; /* place of the root's mount */
	int mounts[CT_MOUNTS_MAX]; /* of the spec's binds, -1: a tmpfs, made inside */
	int work; /* of the host root's work directory, -1 none */
};

/**
 * overlay_new - a writable view of the image
 * @userns_fd: the image is id-mapped by it; -1: not
 * Return: a detached mount; -errno, with the sentence in @iso's why.
 */
int overlay_new(struct isolation *iso, const struct rootfs *r, int userns_fd);

/**
 * rootfs_pivot - child: the new root is attached over the old one, which is left for good
 * @root: descriptor of the new root's mount
 * Return: 0; -errno, with the step in @iso.
 */
int rootfs_pivot(struct isolation *iso, int root);

/**
 * inside_build - child: /proc, /dev, /sys and the spec's mounts
 * @root: descriptor of the root's mount, which is attached
 * Return: 0; -errno, with the step in @iso.
 */
int inside_build(struct isolation *iso, const struct rootfs *r, int root);

#endif
