// SPDX-License-Identifier: Apache-2.0
/* OCI image layouts (image-spec, image-layout.md) into the store. */
#include "tools/dcosctl/image_import.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "agent/lib/cleanup.h"
#include "tools/common/client.h"
#include "tools/dcosctl/image_unpack.h"

#define REF_NAME    "org.opencontainers.image.ref.name"
#define INDEX_DEPTH 3 /* indexes in indexes */
#define LAYER_NAME  96

/* A blob of a layout that a descriptor names. */
static int put_blob(struct image_store *s, int layout, const json_t *descriptor, struct why *why)
{
	const char *digest = field_str(descriptor, "digest"), *hex = digest_hex(digest);
	char path[128];

	if (!hex)
		return why_set(why, -EINVAL, "the digest \"%.100s\" is none of SHA-256", digest);
	(void)snprintf(path, sizeof(path), "blobs/sha256/%s", hex); /* fits */
	cleanup_close int fd = openat(layout, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return why_set(why, -errno, "blob %s", digest);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return why_set(why, -EINVAL, "blob %s: is no file", digest);
	return store_put(s, fd, hex, field_int(descriptor, "size", -1), why);
}

static const char *ref_of(const json_t *descriptor)
{
	return field_str(json_object_get(descriptor, "annotations"), REF_NAME);
}

/* Is it an image for this machine? One that does not say is. */
static bool fits(const json_t *descriptor)
{
	static const struct {
		const char *machine, *name;
	} names[] = {{"x86_64", "amd64"}, {"aarch64", "arm64"}};
	const json_t *p = json_object_get(descriptor, "platform");
	struct utsname u;

	if (!p || uname(&u))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(u.machine, names[i].machine))
			return !strcmp(field_str(p, "os"), "linux") &&
			       !strcmp(field_str(p, "architecture"), names[i].name);
	return !strcmp(field_str(p, "architecture"), u.machine);
}

/* @ret: borrowed from @index */
static int choose(const json_t *index, const char *ref, const json_t **ret, struct why *why)
{
	const json_t *d, *found = NULL;
	size_t i;

	json_array_foreach (json_object_get(index, "manifests"), i, d) {
		if (!fits(d) || (ref && strcmp(ref_of(d), ref)))
			continue;
		if (found)
			return why_set(
				why, -EINVAL,
				"index.json: has more than one image%s%s; say which by --ref",
				ref ? " that is called " : "", ref ? ref : "");
		found = d;
	}
	if (!found)
		return why_set(why, -EINVAL, "index.json: has no image for this machine%s%s",
			       ref ? " that is called " : "", ref ? ref : "");
	*ret = found;
	return 0;
}

/* From index.json down to a manifest, which is in the store afterwards. */
static int find_manifest(struct image_store *s, int layout, const char *ref, char *ret_hex,
			 char *ret_name, struct why *why)
{
	cleanup_close int fd = openat(layout, "index.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_json json_t *index = NULL;
	const json_t *d = NULL;
	int err;

	if (fd < 0)
		return why_set(why, -errno, "index.json");
	err = json_of_fd(fd, "index.json", &index, why);
	for (int depth = 0; !err; depth++) {
		json_t *next = NULL;

		err = choose(index, depth ? NULL : ref, &d, why) ?: put_blob(s, layout, d, why);
		if (err)
			return err;
		if (!depth)
			(void)snprintf(ret_name, IMAGE_NAME_MAX + 1, "%s",
				       ref_of(d)); /* judged later */
		(void)snprintf(ret_hex, IMAGE_HEX + 1, "%s", /* fits: put_blob() has checked it */
			       digest_hex(field_str(d, "digest")));
		err = store_json(s, ret_hex, &next, why);
		if (!err && !json_object_get(next, "manifests")) {
			json_decref(next);
			return 0;
		}
		json_decref(index);
		index = next;
		if (depth == INDEX_DEPTH)
			return why_set(why, -EINVAL, "index.json: leads to indexes only");
	}
	return err;
}

static int put_parts(struct image_store *s, int layout, const char *hex, struct why *why)
{
	cleanup_json json_t *manifest = NULL;
	const json_t *layers, *l;
	size_t i;
	int err = store_json(s, hex, &manifest, why)
			  ?: put_blob(s, layout, json_object_get(manifest, "config"), why);

	layers = json_object_get(manifest, "layers");
	if (!err && json_array_size(layers) > IMAGE_LAYERS_MAX)
		return why_set(why, -EINVAL, "manifest sha256:%s: has more than %d layers", hex,
			       IMAGE_LAYERS_MAX);
	json_array_foreach (layers, i, l)
		err = err ?: put_blob(s, layout, l, why);
	return err;
}

struct opened {
	struct unpack_layer layers[IMAGE_LAYERS_MAX];
	char names[IMAGE_LAYERS_MAX][LAYER_NAME];
	size_t nr;
};

static void opened_freep(struct opened **o)
{
	while (*o && (*o)->nr)
		(void)close((*o)->layers[--(*o)->nr].fd); /* was only read */
	free(*o);
}

static int open_layers(struct image_store *s, const struct image *img, struct opened *o,
		       struct why *why)
{
	const json_t *diffs = json_object_get(json_object_get(img->config, "rootfs"), "diff_ids");
	const json_t *l;
	size_t i;

	json_array_foreach (json_object_get(img->manifest, "layers"), i, l) {
		const char *digest = field_str(l, "digest");
		int fd = store_blob(s, digest_hex(digest), why);

		if (fd < 0)
			return fd;
		(void)snprintf(o->names[i], LAYER_NAME, "layer %s", digest); /* fits */
		o->layers[o->nr++] = (struct unpack_layer){
			fd, o->names[i], digest_hex(json_string_value(json_array_get(diffs, i)))};
	}
	return 0;
}

/* images/HEX appears when it is whole and on the disk. */
static int unpack_image(struct image_store *s, const struct image *img, struct why *why)
{
	cleanup_close int tmp = openat(s->dir, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	__attribute__((cleanup(opened_freep))) struct opened *o = calloc(1, sizeof(*o));
	char path[128];
	int err;

	(void)snprintf(path, sizeof(path), "images/%s", img->hex); /* fits */
	if (!faccessat(s->dir, path, F_OK, 0))
		return 0;
	if (tmp < 0 || !o || mkdirat(tmp, "image", 0700) || mkdirat(tmp, "image/rootfs", 0755))
		return why_set(why, -errno, "the store %s", s->path);
	cleanup_close int root = openat(tmp, "image/rootfs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return why_set(why, -errno, "the store %s", s->path);
	err = open_layers(s, img, o, why)
		      ?: unpack(root, tmp, o->layers, o->nr, true, isatty(STDERR_FILENO), why);
	if (err)
		return err;
	if (syncfs(root) || renameat(tmp, "image", s->dir, path))
		return why_set(why, -errno, "the store %s", s->path);
	return 0;
}

int import_layout(struct image_store *s, int layout, const char *ref, const char *name,
		  struct image *ret, char *ret_name, struct why *why)
{
	char hex[IMAGE_HEX + 1], own[IMAGE_NAME_MAX + 1], full[IMAGE_NAME_MAX + 1];
	cleanup_image struct image img = {};
	int err = find_manifest(s, layout, ref, hex, own, why);

	if (!err && !name && !*own)
		err = why_set(why, -EINVAL, "the image has no name of its own; give it one");
	err = err ?: image_name(name ?: own, full, why)
		  ?: put_parts(s, layout, hex, why)
		  ?: store_image_of(s, hex, &img, why)
		  ?: unpack_image(s, &img, why)
		  ?: store_name(s, full, hex, why);
	if (err)
		return err;
	*ret = img;
	img.manifest = img.config = NULL;
	(void)snprintf(ret_name, IMAGE_NAME_MAX + 1, "%s", full); /* fits */
	return 0;
}

int import_tar(struct image_store *s, int fd, const char *ref, const char *name, struct image *ret,
	       char *ret_name, struct why *why)
{
	const struct unpack_layer archive = {.fd = fd, .name = "the archive"};
	cleanup_close int tmp = openat(s->dir, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (tmp < 0 || mkdirat(tmp, "layout", 0700))
		return why_set(why, -errno, "the store %s", s->path);
	cleanup_close int dir = openat(tmp, "layout", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return why_set(why, -errno, "the store %s", s->path);
	err = unpack(dir, tmp, &archive, 1, false, isatty(STDERR_FILENO), why);
	if (err)
		return err;
	if (faccessat(dir, "index.json", F_OK, AT_SYMLINK_NOFOLLOW))
		return -ENOENT;
	return import_layout(s, dir, ref, name, ret, ret_name, why);
}
