// SPDX-License-Identifier: Apache-2.0
/*
 * Images by way of skopeo(1), into pulls/ of the store and from there into the store. While skopeo
 * works only the pull of this name is locked: a registry that stalls holds up nobody else, and who
 * wants the same image waits for it instead of fetching it again.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/lib/cleanup.h"
#include "isolators/layers.h"
#include "tools/dcosctl/image_import.h"

#define TRANSFER_REF "it" /* what the image is called on its way */
#define PATH_BYTES   (IMAGE_NAME_MAX + 32)

extern char **environ;

struct pull {
	const char *store;
	char name[IMAGE_NAME_MAX + 1];
	char dir[PATH_BYTES]; /* in the store, of this name */
	int store_dir, lock; /* -1: not open */
};

static void pull_end(struct pull *p)
{
	close_fd(&p->lock);
	close_fd(&p->store_dir);
}

#define cleanup_pull __attribute__((cleanup(pull_end)))

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/*
 * Return: 1 it was waited for another pull, which gave the name an image; 0 the pull is ours; -errno.
 */
static int pull_begin(struct pull *p, struct image_store *s)
{
	struct stat before = {}, after = {};
	char path[PATH_BYTES + 8];

	if (mkdirat(s->dir, "pulls", 0700) && errno != EEXIST)
		return -errno;
	p->store_dir = take_fd(&s->dir);
	store_close(s); /* others may change the store */
	(void)snprintf(path, sizeof(path), "pulls/.%s", p->dir + strlen("pulls/")); /* fits */
	p->lock = openat(p->store_dir, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (p->lock < 0)
		return -errno;
	if (!flock(p->lock, LOCK_EX | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return -errno;
	ref_path(path, sizeof(path), p->name);
	(void)fstatat(p->store_dir, path, &before, 0); /* zeros: there is none */
	if (flock(p->lock, LOCK_EX))
		return -errno;
	(void)fstatat(p->store_dir, path, &after, 0); /* likewise */
	return after.st_ino && !same(&before, &after);
}

static int run_skopeo(const struct pull *p, const char *source, struct why *why)
{
	cleanup_free char *from = strdup(source);
	cleanup_free char *to = NULL;
	int err, status = 0;
	pid_t pid;

	if (!from || asprintf(&to, "oci:%s/%s:" TRANSFER_REF, p->store, p->dir) < 0)
		return why_set(why, -ENOMEM, "skopeo");
	char *loud[] = {"skopeo", "copy", from, to, NULL};
	char *quiet[] = {"skopeo", "copy", "--quiet", from, to, NULL};

	err = posix_spawnp(&pid, "skopeo", NULL, NULL, isatty(STDERR_FILENO) ? loud : quiet,
			   environ);
	if (err)
		return why_set(why, -err, "skopeo");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return why_set(why, -errno, "skopeo");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return why_set(why, -EINVAL, "skopeo could not copy %s", source);
	return 0;
}

static int take_in(struct pull *p, struct image *ret, char *ret_name, struct why *why)
{
	cleanup_store struct image_store s = {.dir = -1, .lock = -1};
	int err = store_open(p->store, true, &s, why);

	if (err)
		return err;
	cleanup_close int dir = openat(s.dir, p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return why_set(why, -errno, "what skopeo has made");
	return import_layout(&s, dir, TRANSFER_REF, p->name, ret, ret_name, why);
}

static int found(struct pull *p, struct image *ret, char *ret_name, struct why *why)
{
	cleanup_store struct image_store s = {.dir = -1, .lock = -1};
	int err = store_open(p->store, false, &s, why) ?: store_find(&s, p->name, ret, why);

	if (!err)
		(void)snprintf(ret_name, IMAGE_NAME_MAX + 1, "%s", p->name); /* fits */
	return err;
}

int import_skopeo(const char *store, const char *source, const char *name, struct image *ret,
		  char *ret_name, struct why *why)
{
	cleanup_store struct image_store s = {.dir = -1, .lock = -1};
	cleanup_pull struct pull p = {.store = store, .store_dir = -1, .lock = -1};
	int err = image_name(name, p.name, why) ?: store_open(store, false, &s, why);

	if (err)
		return err;
	(void)snprintf(p.dir, sizeof(p.dir), "pulls/%s", p.name); /* fits */
	for (char *c = p.dir + strlen("pulls/"); *c; c++)
		*c = *c == '/' ? '%' : *c == ':' ? '=' : *c; /* a colon would end skopeo's path */
	err = pull_begin(&p, &s);
	if (err < 0)
		return why_set(why, err, "the pull of %s", p.name);
	if (err)
		return found(&p, ret, ret_name, why);
	err = layers_remove(p.store_dir, p.dir); /* of one that was interrupted */
	if (err)
		return why_set(why, err, "the pull of %s", p.name);
	err = run_skopeo(&p, source, why) ?: take_in(&p, ret, ret_name, why);
	(void)layers_remove(p.store_dir, p.dir); /* the next pull or gc tries again */
	return err;
}
