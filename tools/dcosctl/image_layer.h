/* SPDX-License-Identifier: Apache-2.0 */
/* One layer of an image, laid over the tree that is the process's root. */
#ifndef DCOS_CTL_IMAGE_LAYER_H
#define DCOS_CTL_IMAGE_LAYER_H

#include <stdbool.h>

#include "tools/dcosctl/image_unpack.h"

/**
 * layer_apply - decompress, check, remove what whiteouts hide, unpack; paths begin at "/"
 * @plain: an empty file to decompress into; empty again afterwards
 * Return: 0; -EINVAL with a sentence that names the layer and the entry; -errno.
 */
int layer_apply(const struct unpack_layer *l, int plain, bool whiteouts, struct why *why);

/**
 * entry_path - is this a path that an entry of an archive may have
 * Refused: "..", absolute ones, those of PATH_MAX bytes.
 * @ret: borrowed from @path, without leading "./"; "" is the root itself
 * Return: NULL, or what is wrong with it.
 */
const char *entry_path(const char *path, const char **ret);

#endif
