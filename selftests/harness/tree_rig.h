/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of what a task sees as its file system: paths, files and mounts of a ct_rig. */
#ifndef DCOS_TREE_RIG_H
#define DCOS_TREE_RIG_H

#include "selftests/harness/ct_rig.h"
#include "selftests/harness/test.h"

#define NEED_HOST  NEED_ROOT | NEED_CGROUP2 | NEED_BPF
#define NEED_IMAGE NEED_HOST | NEED_OVERLAY | NEED_USERNS | NEED_IDMAP

#define TREE_FILE_MAX 512 /* bytes that tree_read() takes, with the NUL */

/** tree_on_host - the id of the container's @id as the host has it */
uint32_t tree_on_host(uint32_t id);

/** tree_image - begin with an image, and a program that does nothing */
void tree_image(struct ct_rig *rig);

/** tree_in_dir, tree_in_image - paths below the test's directory, below the image */
const char *tree_in_dir(const char *name);
const char *tree_in_image(const struct ct_rig *rig, const char *name);

/** tree_layers - path of what the task wrote over its image */
const char *tree_layers(const struct ct_rig *rig, const char *name);

/** tree_victim - a directory that a task could write to if it reached it: only its root is between */
const char *tree_victim(void);

/** tree_dir - make a directory of the test; tree_path - make one and all that lead to it */
const char *tree_dir(const char *name);
void tree_path(const char *path);

void tree_write(const char *path, const char *text);

/** tree_read - what a file holds, "" if it cannot be read; @buf is returned */
const char *tree_read(const char *path, char buf[static TREE_FILE_MAX]);

/** tree_entries - how many entries a directory has */
int tree_entries(const char *path);

/** tree_mount - one more mount of the spec; @source NULL: a tmpfs */
void tree_mount(struct ct_rig *rig, const char *source, const char *destination, bool readonly);

#endif
