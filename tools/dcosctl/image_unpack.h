/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives of strangers are unpacked by a child that can do nothing else: its root is the directory
 * that it fills, it has namespaces of its own (no network in them), five capabilities over files,
 * limits, and a seccomp filter without execve, sockets, mounts and tracing.
 */
#ifndef DCOS_CTL_IMAGE_UNPACK_H
#define DCOS_CTL_IMAGE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/lib/why.h"

#define UNPACK_BYTES_MAX   (64ULL << 30) /* of one archive, and of all its files */
#define UNPACK_ENTRIES_MAX 2000000U /* of one archive */
#define UNPACK_MEMORY_MAX  (1ULL << 30) /* address space of the child */

struct unpack_layer {
	int fd; /* of the archive: tar, maybe compressed by gzip or zstd */
	const char *name; /* in sentences */
	const char *diff_hex; /* SHA-256 of the tar without compression; NULL: is not checked */
};

/**
 * unpack - layers over each other into a directory, which is empty before
 * @dir: of the directory
 * @scratch: where nameless files may be made, for one layer without compression
 * @whiteouts: .wh. names remove what lower layers have (image-spec, layer.md)
 * @progress: a line on standard error
 * @why: names the layer and the entry that is refused
 * Return: 0; -EINVAL a layer is refused; another -errno.
 */
int unpack(int dir, int scratch, const struct unpack_layer *layers, size_t nr, bool whiteouts,
	   bool progress, struct why *why);

#endif
