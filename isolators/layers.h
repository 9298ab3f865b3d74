/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layers that a task writes over its image: state_dir/rootfs/ID with "upper" and "work".
 * Whatever a task has made there, of any depth and under any name, can be removed.
 */
#ifndef DCOS_LAYERS_H
#define DCOS_LAYERS_H

#include <sys/stat.h>

#include "isolators/spec.h"

/**
 * layers_make - empty layers; what an earlier container of that name left is removed first
 * @dirfd: state_dir/rootfs
 * @id: name of the container
 * @root: of the image's root directory: the task sees the upper layer's as its own
 * @map: of the user namespace, which the root's owner is mapped by; NULL without one
 * Return: descriptor of the directory, which only root can enter; -errno.
 */
int layers_make(int dirfd, const char *id, const struct stat *root, const struct ct_idmap *map);

/**
 * layers_remove - remove a directory with all that is below, symbolic links not followed
 * @dirfd: its parent
 * @name: one component
 * Return: 0, also if there is none; -errno.
 */
int layers_remove(int dirfd, const char *name);

#endif
