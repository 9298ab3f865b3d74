/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that make a container's root: rootfs.c (the row), overlay.c, inside.c. */
#ifndef DCOS_ROOTFS_H
#define DCOS_ROOTFS_H

#include "isolators/isolator.h"

#define ROOTFS_PATH_MAX 4096
#define ROOTFS_STAGE	"stage" /* below run_dir: where a root is attached for a moment */

/* What attach hands to the child, and what the child keeps while it builds. */
struct rootfs {
	int root; /* place in iso->handed[] of the root's mount */
	int mounts[CT_MOUNTS_MAX]; /* of the spec's binds, -1: a tmpfs, made inside */
	int work; /* of the host root's work directory, -1 none */
	char stage[ROOTFS_PATH_MAX]; /* directory to attach the root at */
	char layers[ROOTFS_PATH_MAX]; /* state_dir/rootfs/ID */
	uint64_t layers_made; /* 1: ours to remove */
};

/** overlay_new - a writable view of the image. @userns_fd -1: not id-mapped. Return: mount or -errno */
int overlay_new(struct isolation *iso, const struct rootfs *r, int userns_fd);

/** layers_make, layers_remove - the directories that a task writes to over its image */
int layers_make(struct isolation *iso, const struct rootfs *r);
void layers_remove(const struct rootfs *r);

/** inside_build - child: /proc, /dev, /sys and the spec's mounts below @root, a directory descriptor */
int inside_build(struct isolation *iso, const struct rootfs *r, int root);

#endif
