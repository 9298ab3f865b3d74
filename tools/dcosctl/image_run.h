/* SPDX-License-Identifier: Apache-2.0 */
/* A task spec that names an image of the store, completed by what the image says. */
#ifndef DCOS_CTL_IMAGE_RUN_H
#define DCOS_CTL_IMAGE_RUN_H

#include "tools/dcosctl/image_store.h"

/**
 * image_resolve - if "image" is a name, the unpacked tree and the image's defaults
 * As the image specification says: Entrypoint before the words of the spec's command, or before Cmd
 * if it has none; Env below the spec's; User, WorkingDir where the spec says nothing; a tmpfs for
 * each of Volumes that no mount covers. "host" and absolute paths are left alone.
 * @store: path of the store
 * @ret: the lock to hold until the agent has the task; left closed if nothing was resolved
 */
int image_resolve(const char *store, json_t *spec, struct image_store *ret, struct why *why);

#endif
