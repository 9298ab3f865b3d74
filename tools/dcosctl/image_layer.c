// SPDX-License-Identifier: Apache-2.0
/*
 * A layer is read three times: decompressed into a nameless file while its digest is computed, then
 * for its whiteouts, which hide only what lower layers have wherever they stand in the archive, then
 * for its files. What an archive could do with names is refused, not repaired.
 */
#include "tools/dcosctl/image_layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "agent/lib/cleanup.h"
#include "isolators/layers.h"

#define READ_BYTES (64U << 10)
#define WHITEOUT   ".wh."
#define OPAQUE	   ".wh..wh..opq"

struct layer {
	const struct unpack_layer *l;
	struct why *why;
	struct archive *disk;
	uint64_t entries, bytes;
};

static void reader_freep(struct archive **a)
{
	(void)archive_read_free(*a); /* nothing was written */
}

#define cleanup_reader __attribute__((cleanup(reader_freep)))

static int refuse(struct layer *y, const char *path, const char *what)
{
	return why_set(y->why, -EINVAL, "%s: the entry \"%.200s\" is refused: %s", y->l->name, path,
		       what);
}

static int failed(struct layer *y, const char *path, int err)
{
	return why_set(y->why, err, "%s: \"%.200s\"", y->l->name, path);
}

static int corrupt(struct layer *y, struct archive *a)
{
	const char *text = archive_error_string(a);

	return why_set(y->why, -EINVAL, "%s: is no whole tar archive: %.200s", y->l->name,
		       text ? text : "nothing known");
}

const char *entry_path(const char *path, const char **ret)
{
	const char *p = path;

	if (*p == '/')
		return "its path is absolute";
	if (strlen(path) >= PATH_MAX)
		return "its path is too long";
	while (p[0] == '.' && (p[1] == '/' || !p[1]))
		for (p++; *p == '/'; p++)
			;
	*ret = p;
	while (*p) {
		size_t n = strcspn(p, "/");

		if (n == 2 && !memcmp(p, "..", 2))
			return "its path has \"..\"";
		p += n + strspn(p + n, "/");
	}
	return NULL;
}

/* The directory of a path, without following links; @ret_last: borrowed. -ENOENT: not there. */
static int open_parent(const char *path, const char **ret_last)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
	char dir[PATH_MAX];
	size_t n = strlen(path);
	int fd;

	while (n && path[n - 1] == '/')
		n--; /* of a directory */
	while (n && path[n - 1] != '/')
		n--;
	(void)snprintf(dir, sizeof(dir), "./%.*s", (int)n, path); /* checked by entry_path() */
	fd = (int)syscall(SYS_openat2, AT_FDCWD, dir, &how, sizeof(how));
	*ret_last = path + n;
	return fd < 0 ? -errno : fd;
}

/* Parents that are links could lead anywhere: an entry below one is refused. */
static int check_parent(struct layer *y, const char *path, int err)
{
	if (err == -ELOOP)
		return refuse(y, path, "its path leads through a symbolic link");
	if (err == -ENOTDIR)
		return refuse(y, path, "its path leads through a file");
	return failed(y, path, err);
}

static int decompress(struct layer *y, int plain)
{
	cleanup_reader struct archive *a = archive_read_new();
	uint8_t digest[SHA256_DIGEST_SIZE];
	char hex[2 * SHA256_DIGEST_SIZE + 1];
	struct archive_entry *e;
	struct sha256_ctx sha;
	const void *buf;
	la_int64_t at;
	size_t n;
	int r;

	sha256_init(&sha);
	if (!a || archive_read_support_filter_gzip(a) || archive_read_support_filter_zstd(a) ||
	    archive_read_support_format_raw(a) || archive_read_support_format_empty(a) ||
	    archive_read_open_fd(a, y->l->fd, READ_BYTES))
		return corrupt(y, a);
	r = archive_read_next_header(a, &e);
	while (!r && !(r = archive_read_data_block(a, &buf, &n, &at))) {
		y->bytes += n;
		if (y->bytes > UNPACK_BYTES_MAX)
			return refuse(y, "", "the layer is too large");
		sha256_update(&sha, n, buf);
		for (ssize_t w, done = 0; done < (ssize_t)n; done += w) {
			w = write(plain, (const char *)buf + done, n - (size_t)done);
			if (w < 0)
				return failed(y, "", -errno);
		}
	}
	if (r != ARCHIVE_EOF)
		return corrupt(y, a);
	sha256_digest(&sha, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", digest[i]); /* fits */
	if (y->l->diff_hex && strcmp(hex, y->l->diff_hex))
		return why_set(y->why, -EINVAL,
			       "%s: without compression its digest is sha256:%s, the configuration "
			       "says sha256:%s",
			       y->l->name, hex, y->l->diff_hex);
	return 0;
}

/* An open tar archive and what its next entry is called. */
static int open_tar(struct layer *y, int plain, struct archive **ret)
{
	cleanup_reader struct archive *a = archive_read_new();

	if (!a || lseek(plain, 0, SEEK_SET) < 0 || archive_read_support_format_tar(a) ||
	    archive_read_support_format_empty(a) || archive_read_open_fd(a, plain, READ_BYTES))
		return corrupt(y, a);
	y->entries = y->bytes = 0;
	*ret = take_ptr(a);
	return 0;
}

/* Return: 1 an entry; 0 the end; -errno. */
static int next_entry(struct layer *y, struct archive *a, struct archive_entry **ret_entry,
		      const char **ret_path)
{
	int r = archive_read_next_header(a, ret_entry);
	const char *path, *wrong;

	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK)
		return corrupt(y, a);
	path = archive_entry_pathname(*ret_entry);
	if (!path)
		return refuse(y, "", "its path can't be read");
	wrong = entry_path(path, ret_path);
	if (wrong)
		return refuse(y, path, wrong);
	if (++y->entries > UNPACK_ENTRIES_MAX)
		return refuse(y, path, "the layer has too many entries");
	return 1;
}

static int remove_at(int dir, const char *name)
{
	if (!unlinkat(dir, name, 0) || errno == ENOENT)
		return 0;
	return errno == EISDIR || errno == EPERM ? layers_remove(dir, name) : -errno;
}

static int empty_dir(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	cleanup_closedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d)
		return -errno;
	while (!err && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			err = remove_at(dir, e->d_name);
	return err;
}

static int hide(struct layer *y, const char *path)
{
	const char *last;
	cleanup_close int dir = open_parent(path, &last);
	int err;

	if (strncmp(last, WHITEOUT, strlen(WHITEOUT)) || dir == -ENOENT)
		return 0; /* is none, or there is nothing to hide */
	if (dir < 0)
		return check_parent(y, path, dir);
	if (!strcmp(last, OPAQUE)) {
		err = empty_dir(dir);
		return err ? failed(y, path, err) : 0;
	}
	last += strlen(WHITEOUT);
	if (!*last || !strcmp(last, ".") || !strcmp(last, "..") || strchr(last, '/'))
		return refuse(y, path, "it hides nothing that has a name");
	err = remove_at(dir, last);
	return err ? failed(y, path, err) : 0;
}

static int hide_all(struct layer *y, int plain)
{
	cleanup_reader struct archive *a = NULL;
	struct archive_entry *e;
	const char *path;
	int r = open_tar(y, plain, &a);

	while (!r && (r = next_entry(y, a, &e, &path)) > 0)
		r = hide(y, path);
	return r;
}

static bool is_whiteout(const char *path)
{
	const char *slash = strrchr(path, '/');

	return !strncmp(slash ? slash + 1 : path, WHITEOUT, strlen(WHITEOUT));
}

/* Only what a container may use: trusted.overlay.* would speak to the overlay that it becomes. */
static void keep_xattrs(struct archive_entry *e, struct archive_entry *from)
{
	const char *name;
	const void *value;
	size_t size;

	archive_entry_xattr_clear(e);
	(void)archive_entry_xattr_reset(from); /* the count is not needed */
	while (!archive_entry_xattr_next(from, &name, &value, &size))
		if (name && (!strncmp(name, "user.", 5) || !strcmp(name, "security.capability")))
			archive_entry_xattr_add_entry(e, name, value, size);
}

/* What is in the way of an entry goes, but a directory stays for a directory. */
static int make_room(struct layer *y, const char *path, bool directory)
{
	char name[PATH_MAX];
	const char *last;
	cleanup_close int dir = open_parent(path, &last);
	struct stat st;
	int err;

	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		return check_parent(y, path, dir);
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(last, "/"), last); /* fits */
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : failed(y, path, -errno);
	if (directory && S_ISDIR(st.st_mode))
		return 0;
	err = remove_at(dir, name);
	return err ? failed(y, path, err) : 0;
}

/* A hard link's target is a path of the archive as well. */
static int check_link(struct layer *y, struct archive_entry *e, const char *path)
{
	const char *to = archive_entry_hardlink(e), *plain, *last, *wrong;
	char target[PATH_MAX];

	if (!to)
		return 0;
	wrong = entry_path(to, &plain);
	if (wrong)
		return refuse(y, path, "it is a hard link to a path outside of the image");
	cleanup_close int dir = open_parent(plain, &last);

	if (dir < 0)
		return check_parent(y, path, dir);
	(void)snprintf(target, sizeof(target), "%s", plain); /* fits: entry_path() */
	archive_entry_copy_hardlink(e, target);
	return 0;
}

static int check_type(struct layer *y, struct archive_entry *e, const char *path)
{
	switch (archive_entry_filetype(e)) {
	case AE_IFCHR:
	case AE_IFBLK:
		return refuse(y, path, "it is a device");
	case AE_IFREG:
	case AE_IFDIR:
	case AE_IFLNK:
	case AE_IFIFO:
		return 0;
	case 0:
		return archive_entry_hardlink(e) ? 0 : refuse(y, path, "its type is not known");
	default:
		return refuse(y, path, "its type is not known");
	}
}

static int write_data(struct layer *y, struct archive *a, const char *path)
{
	const void *buf;
	la_int64_t at;
	size_t n;
	int r;

	while (!(r = archive_read_data_block(a, &buf, &n, &at))) {
		y->bytes += n;
		if (y->bytes > UNPACK_BYTES_MAX)
			return refuse(y, path, "the layer is too large");
		if (archive_write_data_block(y->disk, buf, n, at) < ARCHIVE_OK)
			return failed(y, path, -archive_errno(y->disk));
	}
	return r == ARCHIVE_EOF ? 0 : corrupt(y, a);
}

static int write_entry(struct layer *y, struct archive *a, struct archive_entry *e,
		       const char *path)
{
	struct archive_entry *from;
	char name[PATH_MAX];
	int err;

	/* a copy: it is a part of what it replaces; "." is the root, its owner and mode */
	(void)snprintf(name, sizeof(name), "%s", *path ? path : "."); /* fits: entry_path() */
	path = name;
	archive_entry_copy_pathname(e, path);
	from = archive_entry_clone(e);
	if (!from)
		return failed(y, path, -ENOMEM);
	keep_xattrs(e, from);
	archive_entry_free(from);
	archive_entry_acl_clear(e);
	archive_entry_set_fflags(e, 0, 0);
	err = check_type(y, e, path) ?: check_link(y, e, path);
	if (!err && strcmp(path, "."))
		err = make_room(y, path, archive_entry_filetype(e) == AE_IFDIR);
	if (err)
		return err;
	if (archive_write_header(y->disk, e) < ARCHIVE_OK)
		return refuse(y, path, archive_error_string(y->disk) ?: "it can't be written");
	err = archive_entry_size(e) > 0 ? write_data(y, a, path) : 0;
	if (!err && archive_write_finish_entry(y->disk) < ARCHIVE_OK)
		return refuse(y, path, archive_error_string(y->disk) ?: "it can't be written");
	return err;
}

static int write_all(struct layer *y, int plain, bool whiteouts)
{
	cleanup_reader struct archive *a = NULL;
	struct archive_entry *e;
	const char *path;
	int r = open_tar(y, plain, &a);

	while (!r && (r = next_entry(y, a, &e, &path)) > 0)
		r = whiteouts && is_whiteout(path) ? 0 : write_entry(y, a, e, path);
	return r;
}

int layer_apply(const struct unpack_layer *l, int plain, bool whiteouts, struct why *why)
{
	struct layer y = {.l = l, .why = why, .disk = archive_write_disk_new()};
	int err;

	if (!y.disk)
		return why_set(why, -ENOMEM, "%s", l->name);
	/* owners are numbers: no names are looked up; the flags are libarchive's own fences */
	(void)archive_write_disk_set_options(
		y.disk, ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME |
				ARCHIVE_EXTRACT_XATTR | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
				ARCHIVE_EXTRACT_SECURE_NODOTDOT |
				ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS); /* can't fail */
	err = decompress(&y, plain);
	if (!err && whiteouts)
		err = hide_all(&y, plain);
	if (!err)
		err = write_all(&y, plain, whiteouts);
	if (!err && archive_write_close(y.disk) != ARCHIVE_OK)
		err = corrupt(&y, y.disk);
	(void)archive_write_free(y.disk); /* closed above; else the import failed already */
	if (!err && ftruncate(plain, 0))
		err = why_set(why, -errno, "%s", l->name);
	return err;
}
