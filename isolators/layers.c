// SPDX-License-Identifier: Apache-2.0
/*
 * The writable layers of a container. They are removed without recursion and without paths: a
 * directory inside a directory is first moved up to the top under a new name, so that no depth
 * costs more than three descriptors (a task can nest deeper than any path is long).
 */
#include "isolators/layers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/weaken.h"

#define NAME_TRIES 1000000 /* names that a task may have guessed before */

/* One removal: the directory, and the number of the next that is moved to its top. */
struct removal {
	int top;
	unsigned int next;
};

static int open_dir(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int hoist(struct removal *r, int dirfd, const char *name)
{
	char to[32];

	for (int i = 0; i < NAME_TRIES; i++) {
		(void)snprintf(to, sizeof(to), "dcos.%u", r->next++); /* fits */
		if (!renameat2(dirfd, name, r->top, to, RENAME_NOREPLACE))
			return 0;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

/*
 * Empty the directory @fd, which is taken over: @each gets the directories in it.
 * Return: 1 it may have more now; 0 it is empty; -errno.
 */
static int sweep(struct removal *r, int fd, int (*each)(struct removal *r, int dirfd, const char *))
{
	cleanup_closedir DIR *d = fdopendir(fd);
	struct dirent *e;
	int err, found = 0;

	if (!d) {
		err = -errno;
		(void)close(fd); /* nothing was written */
		return err;
	}
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		found = 1;
		if (!unlinkat(dirfd(d), e->d_name, 0) || errno == ENOENT)
			continue;
		if (errno != EISDIR && errno != EPERM)
			return -errno;
		err = each(r, dirfd(d), e->d_name);
		if (err)
			return err;
	}
	return found;
}

static int remove_flat(struct removal *r, int dirfd, const char *name)
{
	int n;

	do {
		int fd = open_dir(dirfd, name);

		n = fd < 0 ? fd : sweep(r, fd, hoist);
	} while (n > 0); /* reading while removing may pass over some */
	if (n < 0)
		return n;
	return unlinkat(dirfd, name, AT_REMOVEDIR) ? -errno : 0;
}

int layers_remove(int dirfd, const char *name)
{
	struct removal r = {.next = 0};
	cleanup_close int top = open_dir(dirfd, name);
	int n;

	if (top < 0)
		return top == -ENOENT ? 0 : top;
	r.top = top;
	do {
		int fd = open_dir(dirfd, name);

		n = fd < 0 ? fd : sweep(&r, fd, remove_flat);
	} while (n > 0);
	if (n < 0)
		return n;
	return unlinkat(dirfd, name, AT_REMOVEDIR) ? -errno : 0;
}

/* An id that is not mapped stays what it is: nobody, inside. */
static uint32_t mapped(const struct ct_idmap *map, uint32_t id)
{
	return map && id < map->nr ? map->host_base + id : id;
}

int layers_make(int dirfd, const char *id, const struct stat *root, const struct ct_idmap *map)
{
	int err = layers_remove(dirfd, id);

	if (err)
		return err;
	if (mkdirat(dirfd, id, weakened("layers") ? 0755 : 0700))
		return -errno;
	cleanup_close int fd = open_dir(dirfd, id);

	if (fd < 0)
		return fd;
	if (mkdirat(fd, "upper", 0700) || mkdirat(fd, "work", 0700) ||
	    fchownat(fd, "upper", mapped(map, root->st_uid), mapped(map, root->st_gid),
		     AT_SYMLINK_NOFOLLOW) ||
	    fchmodat(fd, "upper", root->st_mode & 07777, 0))
		return -errno;
	return take_fd(&fd);
}
