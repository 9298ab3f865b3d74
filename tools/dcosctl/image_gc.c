// SPDX-License-Identifier: Apache-2.0
/* What no name of the store leads to is removed: first unpacked images, then blobs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "agent/lib/cleanup.h"
#include "isolators/layers.h"
#include "tools/common/client.h"
#include "tools/dcosctl/image_store.h"

static int mark(json_t *keep, const char *digest)
{
	const char *hex = digest_hex(digest);

	return !hex || json_object_set_new(keep, hex, json_true()) ? -ENOMEM : 0;
}

/* Digits of everything that a name leads to. A name that leads nowhere stops it: nothing goes. */
static int mark_all(struct image_store *s, json_t *keep, json_t *images, struct why *why)
{
	cleanup_json json_t *names = store_names(s);
	const json_t *n, *l;
	size_t i, j;

	if (!names)
		return why_set(why, -ENOMEM, "the names of the store");
	json_array_foreach (names, i, n) {
		const char *digest = field_str(n, "digest");
		cleanup_image struct image img = {};
		int err = store_image_of(s, digest_hex(digest), &img, why);

		if (err)
			return err;
		err = mark(keep, digest) ?: mark(images, digest)
			?: mark(keep, field_str(json_object_get(img.manifest, "config"), "digest"));
		json_array_foreach (json_object_get(img.manifest, "layers"), j, l)
			err = err ?: mark(keep, field_str(l, "digest"));
		if (err)
			return why_set(why, err, "the names of the store");
	}
	return 0;
}

/* The digits are enough, however the store's path is written. */
static bool used(const json_t *in_use, const char *hex)
{
	const json_t *path;
	size_t i;

	json_array_foreach (in_use, i, path)
		if (strstr(json_string_value(path) ?: "", hex))
			return true;
	return false;
}

static int is_hex(const struct dirent *e)
{
	return strlen(e->d_name) == IMAGE_HEX;
}

/* Their locks have a dot before the name; a name has none there. */
static int is_pull(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

struct sweep {
	struct image_store *s;
	const json_t *keep, *in_use;
	uint64_t freed_bytes, removed;
};

static int remove_image(struct sweep *w, const char *hex)
{
	char path[128];
	int err;

	if (used(w->in_use, hex))
		return 0;
	(void)snprintf(path, sizeof(path), "images/%s", hex); /* fits */
	/* half an image must never be found under its name */
	if (renameat(w->s->dir, path, w->s->dir, "tmp/removed"))
		return -errno;
	err = layers_remove(w->s->dir, "tmp/removed");
	w->removed += !err;
	return err;
}

static int remove_blob(struct sweep *w, const char *hex)
{
	char path[128];
	struct stat st;

	(void)snprintf(path, sizeof(path), "blobs/sha256/%s", hex); /* fits */
	if (fstatat(w->s->dir, path, &st, AT_SYMLINK_NOFOLLOW) || unlinkat(w->s->dir, path, 0))
		return -errno;
	w->freed_bytes += (uint64_t)st.st_size;
	return 0;
}

static int sweep_dir(struct sweep *w, const char *dir,
		     int (*remove_one)(struct sweep *w, const char *hex))
{
	struct dirent **list = NULL;
	int nr = scandirat(w->s->dir, dir, &list, is_hex, NULL), err = nr < 0 ? -errno : 0;

	for (int i = 0; i < nr; i++) {
		if (!err && !json_object_get(w->keep, list[i]->d_name))
			err = remove_one(w, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return err;
}

/* What pulls have left that were interrupted; one that goes on holds its lock. */
static int sweep_pulls(struct image_store *s)
{
	struct dirent **list = NULL;
	int nr = scandirat(s->dir, "pulls", &list, is_pull, NULL);
	int err = nr < 0 && errno != ENOENT ? -errno : 0;

	for (int i = 0; i < nr; i++) {
		char path[sizeof(list[i]->d_name) + 16];

		(void)snprintf(path, sizeof(path), "pulls/.%s", list[i]->d_name); /* fits */
		cleanup_close int lock = openat(s->dir, path, O_RDWR | O_CLOEXEC);

		(void)snprintf(path, sizeof(path), "pulls/%s", list[i]->d_name); /* fits */
		if (!err && (lock < 0 || !flock(lock, LOCK_EX | LOCK_NB)))
			err = layers_remove(s->dir, path);
		free(list[i]);
	}
	free(list);
	return err;
}

int store_gc(struct image_store *s, const json_t *in_use, uint64_t *ret_freed, uint64_t *ret_images,
	     struct why *why)
{
	cleanup_json json_t *keep = json_object();
	cleanup_json json_t *images = json_object();
	struct sweep w = {.s = s, .keep = images, .in_use = in_use};
	int err;

	if (!keep || !images)
		return why_set(why, -ENOMEM, "the store %s", s->path);
	err = mark_all(s, keep, images, why);
	if (err)
		return err;
	err = sweep_dir(&w, "images", remove_image);
	w.keep = keep;
	if (!err)
		err = sweep_dir(&w, "blobs/sha256", remove_blob);
	if (!err)
		err = sweep_pulls(s);
	if (err)
		return why_set(why, err, "the store %s", s->path);
	*ret_freed = w.freed_bytes;
	*ret_images = w.removed;
	return 0;
}
