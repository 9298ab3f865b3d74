/* SPDX-License-Identifier: Apache-2.0 */
/* Images come into the store: from OCI layouts, and by skopeo from everywhere else. */
#ifndef DCOS_CTL_IMAGE_IMPORT_H
#define DCOS_CTL_IMAGE_IMPORT_H

#include "tools/dcosctl/image_store.h"

/**
 * import_layout - one image of an OCI layout: blobs, unpacked, then its name
 * @s: locked to change
 * @layout: of the directory that has index.json
 * @ref: which image of it, org.opencontainers.image.ref.name; NULL: the only one
 * @name: what it is called in the store, as image_name() makes it; NULL: what the layout says
 * @ret: owned by the caller; what the layout is called goes to @ret_name, IMAGE_NAME_MAX + 1 bytes
 * Return: 0; -EINVAL with a sentence that names the blob; -errno.
 */
int import_layout(struct image_store *s, int layout, const char *ref, const char *name,
		  struct image *ret, char *ret_name, struct why *why);

/**
 * import_tar - as import_layout(), from a tar archive of a layout
 * Return: as import_layout(); -ENOENT it is a tar archive, but of no layout.
 */
int import_tar(struct image_store *s, int fd, const char *ref, const char *name, struct image *ret,
	       char *ret_name, struct why *why);

/**
 * import_skopeo - as import_layout(), from what skopeo can read
 * The store is locked only for the last part; pulls of one name at the same time are one.
 * @store: path of the store, which the caller has not locked
 * @source: with its transport, "docker://docker.io/library/debian:12"
 * @name: not NULL
 */
int import_skopeo(const char *store, const char *source, const char *name, struct image *ret,
		  char *ret_name, struct why *why);

#endif
