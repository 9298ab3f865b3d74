/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of images: a directory of its own, which only root can enter.
 *
 *   lock                 flock(2): shared to read, exclusive to change
 *   blobs/sha256/HEX     manifests, configurations and layers, named by what they contain
 *   images/HEX/rootfs    the unpacked image whose manifest is HEX
 *   refs/NAME            a name; its content is the digest of a manifest; '/' is written '%'
 *   pulls/               what skopeo is fetching, by name, each under a lock of its own
 *   tmp/                 what is being made; whoever takes the lock to change empties it
 *
 * Everything is made in tmp/, brought to the disk, then renamed; a name comes last.
 */
#ifndef DCOS_CTL_IMAGE_STORE_H
#define DCOS_CTL_IMAGE_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/lib/why.h"

#define IMAGE_STORE	 "/var/lib/dcos/images"
#define IMAGE_HEX	 64 /* digits of a SHA-256 */
#define IMAGE_NAME_MAX	 200 /* bytes; one file name holds it */
#define IMAGE_JSON_MAX	 (8U << 20) /* bytes of an index, a manifest or a configuration */
#define IMAGE_LAYERS_MAX 512

struct image_store {
	int dir, lock; /* -1: closed */
	const char *path; /* borrowed */
};

/* An image that is there. */
struct image {
	char hex[IMAGE_HEX + 1]; /* of its manifest */
	json_t *manifest, *config;
};

/**
 * store_open - open and lock, made if it is missing
 * @path: of its directory, borrowed until store_close()
 * @change: exclusively; what an interrupted change has left is removed
 */
int store_open(const char *path, bool change, struct image_store *ret, struct why *why);

void store_close(struct image_store *s);

#define cleanup_store __attribute__((cleanup(store_close)))

/**
 * image_name - the full form of a name: with ":latest" if it has no tag
 * @ret: IMAGE_NAME_MAX + 1 bytes
 * Return: 0; -EINVAL with a sentence.
 */
int image_name(const char *text, char *ret, struct why *why);

/**
 * digest_hex - the digits of "sha256:HEX"
 * Return: borrowed from @digest; NULL if it is no such digest.
 */
const char *digest_hex(const char *digest);

/**
 * store_put - copy a blob into the store; one that is there already is not read again
 * @fd: to read from
 * @hex: what its SHA-256 must be
 * @size: what its size must be, -1 not known
 * Return: 0; -EINVAL with a sentence when it is not what it should be; -errno.
 */
int store_put(struct image_store *s, int fd, const char *hex, int64_t size, struct why *why);

/** ref_path - where the name is in the store, "refs/library%debian:12" */
void ref_path(char *buf, size_t size, const char *name);

/** store_blob - Return: descriptor to read a blob; -errno with a sentence */
int store_blob(struct image_store *s, const char *hex, struct why *why);

/** store_json - a blob as a JSON object; @ret a new reference */
int store_json(struct image_store *s, const char *hex, json_t **ret, struct why *why);

/** json_of_fd - what a descriptor gives as a JSON object; @what names it in sentences */
int json_of_fd(int fd, const char *what, json_t **ret, struct why *why);

/** store_image_of - manifest and configuration of the manifest @hex, checked */
int store_image_of(struct image_store *s, const char *hex, struct image *ret, struct why *why);

/** store_find - the image that has a name */
int store_find(struct image_store *s, const char *name, struct image *ret, struct why *why);

void image_free(struct image *i);

#define cleanup_image __attribute__((cleanup(image_free)))

/** store_name - give an image a name, which may have been another's; the last step of an import */
int store_name(struct image_store *s, const char *name, const char *hex, struct why *why);

/** store_unname - take a name away; -ENOENT if nothing has it */
int store_unname(struct image_store *s, const char *name, struct why *why);

/** store_names - array of {"name", "digest"}, sorted by name; a new reference, NULL: no memory */
json_t *store_names(struct image_store *s);

/**
 * store_gc - remove what no name leads to
 * @in_use: array of paths that tasks use as images; those stay. NULL: none
 * @ret_freed: bytes of the removed blobs; @ret_images: unpacked images removed
 */
int store_gc(struct image_store *s, const json_t *in_use, uint64_t *ret_freed, uint64_t *ret_images,
	     struct why *why);

#endif
