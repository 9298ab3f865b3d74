// SPDX-License-Identifier: Apache-2.0
/* The store of images on the disk, see image_store.h. What is removed from it: image_gc.c. */
#include "tools/dcosctl/image_store.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "agent/lib/cleanup.h"
#include "isolators/layers.h"
#include "tools/common/client.h"

#define COPY_BYTES (64U << 10)

static int make_dirs(struct image_store *s)
{
	static const char *const dirs[] = {"blobs", "blobs/sha256", "images", "refs"};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (mkdirat(s->dir, dirs[i], 0700) && errno != EEXIST)
			return -errno;
	return 0;
}

static int empty_tmp(struct image_store *s)
{
	int err = layers_remove(s->dir, "tmp");

	if (err)
		return err;
	return mkdirat(s->dir, "tmp", 0700) ? -errno : 0;
}

/* With what is above it: an agent that has not run yet has made nothing. */
static int make_store(const char *path)
{
	cleanup_free char *part = strdup(path);

	if (!part)
		return -ENOMEM;
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(part, 0700) && errno != EEXIST ? -errno : 0;
}

int store_open(const char *path, bool change, struct image_store *ret, struct why *why)
{
	cleanup_store struct image_store s = {.dir = -1, .lock = -1, .path = path};
	int err = make_store(path);

	if (err)
		return why_set(why, err, "the store %s", path);
	s.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s.dir < 0)
		return why_set(why, -errno, "the store %s", path);
	s.lock = openat(s.dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s.lock < 0 || flock(s.lock, change ? LOCK_EX : LOCK_SH))
		return why_set(why, -errno, "the lock of the store %s", path);
	err = make_dirs(&s) ?: change ? empty_tmp(&s) : 0;
	if (err)
		return why_set(why, err, "the store %s", path);
	*ret = s;
	s.dir = s.lock = -1;
	return 0;
}

void store_close(struct image_store *s)
{
	close_fd(&s->lock);
	close_fd(&s->dir);
}

int image_name(const char *text, char *ret, struct why *why)
{
	const char *slash = strrchr(text, '/'), *last = slash ? slash + 1 : text;
	const char *tag = strchr(last, ':') ? "" : ":latest";
	size_t len = strlen(text);

	if (!len || len + strlen(tag) > IMAGE_NAME_MAX)
		return why_set(why, -EINVAL, "the image's name \"%.64s\" has no 1 to %d bytes",
			       text, IMAGE_NAME_MAX);
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-/:@", *p))
			return why_set(why, -EINVAL,
				       "the image's name \"%s\" has another character than "
				       "letters, digits and ._-/:@",
				       text);
	if (!isalnum((unsigned char)text[0]) || !isalnum((unsigned char)text[len - 1]))
		return why_set(why, -EINVAL,
			       "the image's name \"%s\" begins or ends with no letter or digit",
			       text);
	memcpy(ret, text, len);
	memcpy(ret + len, tag, strlen(tag) + 1);
	return 0;
}

const char *digest_hex(const char *digest)
{
	const char *hex = strncmp(digest, "sha256:", 7) ? NULL : digest + 7;

	if (!hex || strlen(hex) != IMAGE_HEX || strspn(hex, "0123456789abcdef") != IMAGE_HEX)
		return NULL;
	return hex;
}

static int write_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* @ret: the digits of what was copied */
static int copy_hashed(int from, int to, int64_t size, char *ret, int64_t *ret_size)
{
	cleanup_free uint8_t *buf = malloc(COPY_BYTES);
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx sha;
	int64_t total = 0;

	if (!buf)
		return -ENOMEM;
	sha256_init(&sha);
	for (;;) {
		ssize_t n = read(from, buf, COPY_BYTES);
		int err;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		total += n;
		if (n == 0 || (size >= 0 && total > size))
			break; /* more than it should be is wrong already */
		sha256_update(&sha, (size_t)n, buf);
		err = write_all(to, buf, (size_t)n);
		if (err)
			return err;
	}
	sha256_digest(&sha, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", digest[i]); /* fits */
	*ret_size = total;
	return 0;
}

static void blob_path(char *buf, size_t size, const char *hex)
{
	(void)snprintf(buf, size, "blobs/sha256/%s", hex); /* fits: hex has IMAGE_HEX digits */
}

/* A file of tmp/ gets its place; what it is called there is on the disk afterwards. */
static int move_in(struct image_store *s, const char *from, const char *to, const char *dir)
{
	cleanup_close int parent = openat(s->dir, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (parent < 0 || renameat(s->dir, from, s->dir, to) || fsync(parent))
		return -errno;
	return 0;
}

int store_put(struct image_store *s, int fd, const char *hex, int64_t size, struct why *why)
{
	char path[128], got[IMAGE_HEX + 1] = "";
	struct stat st;
	int64_t total = 0;
	int err;

	blob_path(path, sizeof(path), hex);
	if (!fstatat(s->dir, path, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	cleanup_close int to =
		openat(s->dir, "tmp/blob", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (to < 0)
		return why_set(why, -errno, "blob sha256:%s", hex);
	err = copy_hashed(fd, to, size, got, &total);
	if (!err && size >= 0 && total != size)
		return why_set(why, -EINVAL,
			       "blob sha256:%s: has %s than the %" PRId64
			       " bytes that are announced",
			       hex, total > size ? "more" : "less", size);
	if (!err && strcmp(got, hex))
		return why_set(why, -EINVAL, "blob sha256:%s: its content has the digest sha256:%s",
			       hex, got);
	if (!err && fsync(to))
		err = -errno;
	if (!err)
		err = move_in(s, "tmp/blob", path, "blobs/sha256");
	return err ? why_set(why, err, "blob sha256:%s", hex) : 0;
}

int store_blob(struct image_store *s, const char *hex, struct why *why)
{
	char path[128];
	int fd;

	blob_path(path, sizeof(path), hex);
	fd = openat(s->dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? why_set(why, -errno, "blob sha256:%s", hex) : fd;
}

int json_of_fd(int fd, const char *what, json_t **ret, struct why *why)
{
	cleanup_free char *text = NULL;
	json_error_t at;
	struct stat st;
	ssize_t n = 0;
	size_t len = 0;
	json_t *doc;

	if (fstat(fd, &st))
		return why_set(why, -errno, "%s", what);
	if (!S_ISREG(st.st_mode) || st.st_size > IMAGE_JSON_MAX)
		return why_set(why, -EINVAL, "%s: is no file of at most %u bytes", what,
			       IMAGE_JSON_MAX);
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return why_set(why, -ENOMEM, "%s", what);
	while (len < (size_t)st.st_size && (n = read(fd, text + len, (size_t)st.st_size - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return why_set(why, -errno, "%s", what);
	doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, &at);
	if (!json_is_object(doc)) {
		json_decref(doc);
		return why_set(why, -EINVAL, "%s: is no JSON object: line %d: %s", what, at.line,
			       doc ? "another value" : at.text);
	}
	*ret = doc;
	return 0;
}

int store_json(struct image_store *s, const char *hex, json_t **ret, struct why *why)
{
	cleanup_close int fd = store_blob(s, hex, why);
	char what[IMAGE_HEX + 16];

	if (fd < 0)
		return fd;
	(void)snprintf(what, sizeof(what), "blob sha256:%s", hex); /* fits */
	return json_of_fd(fd, what, ret, why);
}

static int check_layers(const struct image *i, struct why *why)
{
	const json_t *layers = json_object_get(i->manifest, "layers"), *l;
	const json_t *diffs = json_object_get(json_object_get(i->config, "rootfs"), "diff_ids");
	size_t n;

	if (!json_is_array(layers) || json_array_size(layers) > IMAGE_LAYERS_MAX)
		return why_set(why, -EINVAL,
			       "manifest sha256:%s: \"layers\" is no list of at most %d layers",
			       i->hex, IMAGE_LAYERS_MAX);
	if (json_array_size(layers) != json_array_size(diffs))
		return why_set(why, -EINVAL,
			       "manifest sha256:%s: has %zu layers, its configuration %zu diff_ids",
			       i->hex, json_array_size(layers), json_array_size(diffs));
	json_array_foreach (layers, n, l)
		if (!digest_hex(field_str(l, "digest")) ||
		    !digest_hex(json_string_value(json_array_get(diffs, n)) ?: ""))
			return why_set(why, -EINVAL,
				       "manifest sha256:%s: layer %zu has no SHA-256 digest",
				       i->hex, n);
	return 0;
}

int store_image_of(struct image_store *s, const char *hex, struct image *ret, struct why *why)
{
	cleanup_image struct image i = {};
	const char *config;
	int err;

	(void)snprintf(i.hex, sizeof(i.hex), "%s", hex); /* fits */
	err = store_json(s, hex, &i.manifest, why);
	if (err)
		return err;
	config = digest_hex(field_str(json_object_get(i.manifest, "config"), "digest"));
	if (!config)
		return why_set(why, -EINVAL, "manifest sha256:%s: \"config\" has no SHA-256 digest",
			       hex);
	err = store_json(s, config, &i.config, why) ?: check_layers(&i, why);
	if (err)
		return err;
	*ret = i;
	i.manifest = i.config = NULL;
	return 0;
}

void image_free(struct image *i)
{
	json_decref(i->manifest);
	json_decref(i->config);
	i->manifest = i->config = NULL;
}

void ref_path(char *buf, size_t size, const char *name)
{
	int n = snprintf(buf, size, "refs/%s", name); /* fits: at most IMAGE_NAME_MAX */

	for (int i = 5; i < n; i++)
		if (buf[i] == '/')
			buf[i] = '%';
}

/* @ret: IMAGE_HEX + 1 bytes */
static int ref_read(struct image_store *s, const char *path, char *ret)
{
	cleanup_close int fd = openat(s->dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[7 + IMAGE_HEX + 1] = "";

	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text) - 1) < 0)
		return -errno;
	if (!digest_hex(text))
		return -EBADMSG;
	(void)snprintf(ret, IMAGE_HEX + 1, "%s", digest_hex(text)); /* fits */
	return 0;
}

int store_find(struct image_store *s, const char *name, struct image *ret, struct why *why)
{
	char full[IMAGE_NAME_MAX + 1], path[IMAGE_NAME_MAX + 8], hex[IMAGE_HEX + 1];
	int err = image_name(name, full, why);

	if (err)
		return err;
	ref_path(path, sizeof(path), full);
	err = ref_read(s, path, hex);
	if (err == -ENOENT) {
		(void)why_set(why, -EINVAL, "no image in %s is called %s", s->path, full);
		return -ENOENT;
	}
	return err ? why_set(why, err, "the name %s", full) : store_image_of(s, hex, ret, why);
}

int store_name(struct image_store *s, const char *name, const char *hex, struct why *why)
{
	char path[IMAGE_NAME_MAX + 8], text[7 + IMAGE_HEX + 1];
	cleanup_close int fd =
		openat(s->dir, "tmp/ref", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int n = snprintf(text, sizeof(text), "sha256:%s", hex); /* fits */
	int err;

	if (fd < 0)
		return why_set(why, -errno, "the name %s", name);
	err = write_all(fd, (const uint8_t *)text, (size_t)n);
	if (!err && fsync(fd))
		err = -errno;
	ref_path(path, sizeof(path), name);
	if (!err)
		err = move_in(s, "tmp/ref", path, "refs");
	return err ? why_set(why, err, "the name %s", name) : 0;
}

int store_unname(struct image_store *s, const char *name, struct why *why)
{
	char full[IMAGE_NAME_MAX + 1], path[IMAGE_NAME_MAX + 8];
	int err = image_name(name, full, why);

	if (err)
		return err;
	ref_path(path, sizeof(path), full);
	if (unlinkat(s->dir, path, 0))
		return why_set(why, -errno, "the name %s", full);
	return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

json_t *store_names(struct image_store *s)
{
	cleanup_json json_t *names = json_array();
	struct dirent **list = NULL;
	int nr = scandirat(s->dir, "refs", &list, not_hidden, by_name);

	for (int i = 0; i < nr; i++) {
		char path[sizeof(list[i]->d_name) + 8], hex[IMAGE_HEX + 1], digest[80];

		(void)snprintf(path, sizeof(path), "refs/%s", list[i]->d_name); /* fits */
		if (names && !ref_read(s, path, hex)) {
			for (char *p = path; *p; p++)
				*p = *p == '%' ? '/' : *p;
			(void)snprintf(digest, sizeof(digest), "sha256:%s", hex); /* fits */
			if (json_array_append_new(names, json_pack("{s:s, s:s}", "name", path + 5,
								   "digest", digest)))
				json_decref(take_ptr(names));
		}
		free(list[i]);
	}
	free(list);
	return nr < 0 ? NULL : take_ptr(names);
}
