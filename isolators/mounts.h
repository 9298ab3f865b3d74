/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The new mount API, in the few shapes that containers need. All of it works on descriptors, is
 * async-signal-safe, and resolves no path twice. Source: fsopen(2), open_tree(2), move_mount(2),
 * mount_setattr(2), openat2(2).
 */
#ifndef DCOS_MOUNTS_H
#define DCOS_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct mnt_option {
	const char *key;
	const char *value; /* NULL: a flag */
};

/**
 * mnt_new - a new file system instance, not attached anywhere
 * @fs: e.g. "tmpfs"
 * @options: ended by .key NULL; may be NULL
 * @attr: MOUNT_ATTR_*
 * Return: descriptor of the mount, or -errno.
 */
int mnt_new(const char *fs, const struct mnt_option *options, uint64_t attr);

/** mnt_clone - a detached copy of the mount at a path, @recursive with what is mounted below */
int mnt_clone(int dirfd, const char *path, bool recursive);

/**
 * mnt_set - attributes and private propagation of a mount
 * @attr: MOUNT_ATTR_* to set
 * @userns_fd: id-map it by that user namespace, -1: not
 */
int mnt_set(int fd, uint64_t attr, int userns_fd, bool recursive);

/**
 * mnt_device_attr - MOUNT_ATTR_* for the mount of one of the host's devices
 * Read-only: its inode is the host's, whose mode and owner nobody shall change, and to write to a
 * device is none of the mount's business (mount(2), MS_RDONLY).
 */
uint64_t mnt_device_attr(void);

/** mnt_attach - attach a mount over what an O_PATH descriptor is. @mount is not closed */
int mnt_attach(int mount, int target);

/**
 * path_open - an O_PATH descriptor of something below a root, no symbolic link followed out of it
 * @root: directory descriptor
 * @path: absolute or relative to the root
 * @nofollow: symbolic links are not followed at all (-ELOOP)
 */
int path_open(int root, const char *path, bool nofollow);

/**
 * path_make - as path_open(), and made if missing
 * @dir: a directory, with those that lead to it; else an empty file
 */
int path_make(int root, const char *path, bool dir);

#endif
