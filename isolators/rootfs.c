// SPDX-License-Identifier: Apache-2.0
/*
 * The root: an unpacked directory under an overlay, or read-only; or the host's tree read-only.
 * The parent makes what needs privileges over the host's file systems (the overlay, id-mapped
 * mounts, binds of host paths) and hands the child detached mounts; the child attaches them in its
 * mount namespace, adds what belongs to its own namespaces (inside.c) and pivots.
 */
#include "isolators/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/mounts.h"
#include "isolators/rows.h"

static struct rootfs *rootfs_of(const struct isolation *iso)
{
	return iso->priv[iso_index(&rootfs_isolator)];
}

static int rootfs_new(struct isolation *iso)
{
	struct rootfs *r = calloc(1, sizeof(*r));

	if (!r)
		return iso_fail(iso, -ENOMEM, "rootfs");
	r->work = r->root = -1;
	if (snprintf(r->stage, sizeof(r->stage), "%s/" ROOTFS_STAGE, iso->host->run_dir) >=
		    (int)sizeof(r->stage) ||
	    snprintf(r->layers, sizeof(r->layers), "%s/rootfs/%s", iso->host->state_dir,
		     iso->spec->id) >= (int)sizeof(r->layers)) {
		free(r);
		return iso_fail(iso, -ENAMETOOLONG, "rootfs: state_dir or run_dir");
	}
	iso->priv[iso_index(&rootfs_isolator)] = r;
	return 0;
}

/* Places for all that attach will hand over. */
static int reserve(struct isolation *iso)
{
	const struct ct_spec *spec = iso->spec;
	struct rootfs *r = rootfs_of(iso);
	bool work = spec->root.kind == CT_ROOT_HOST && spec->root.work;
	int last = r->root = iso_reserve(iso);

	if (spec->mounts_nr > CT_MOUNTS_MAX)
		last = -E2BIG;
	for (size_t i = 0; i < spec->mounts_nr && last >= 0; i++)
		r->mounts[i] = spec->mounts[i].tmpfs ? -1 : (last = iso_reserve(iso));
	if (work && last >= 0)
		last = r->work = iso_reserve(iso);
	return last < 0 ? iso_fail(iso, last, "mounts: %zu, at most %d", spec->mounts_nr,
				   CT_MOUNTS_MAX)
			: 0;
}

static int rootfs_prepare(struct isolation *iso)
{
	const struct ct_root *root = &iso->spec->root;
	struct stat st;
	int err = rootfs_new(iso) ?: reserve(iso);

	if (err)
		return err;
	if (mkdir(rootfs_of(iso)->stage, 0711) && errno != EEXIST)
		return iso_fail(iso, -errno, "rootfs: %s", rootfs_of(iso)->stage);
	if (root->kind == CT_ROOT_HOST)
		return 0;
	if (stat(root->path, &st))
		return iso_fail(iso, -errno, "rootfs: %s", root->path);
	if (!S_ISDIR(st.st_mode))
		return iso_fail(iso, -ENOTDIR, "rootfs: %s", root->path);
	return root->readonly ? 0 : layers_make(iso, rootfs_of(iso));
}

static int open_userns(struct isolation *iso)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)iso->pid); /* fits */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? iso_fail(iso, -errno, "%s", path) : fd;
}

static int make_root(struct isolation *iso, int userns_fd)
{
	const struct ct_root *root = &iso->spec->root;
	bool host = root->kind == CT_ROOT_HOST;
	int err;

	if (!host && !root->readonly)
		return overlay_new(iso, rootfs_of(iso), userns_fd);
	cleanup_close int fd = mnt_clone(AT_FDCWD, host ? "/" : root->path, host);

	if (fd < 0)
		return iso_fail(iso, fd, "rootfs: cloning %s", host ? "/" : root->path);
	err = mnt_set(fd, MOUNT_ATTR_RDONLY, host ? -1 : userns_fd, host);
	if (err)
		return iso_fail(iso, err, "rootfs: %s%s", host ? "/" : root->path,
				userns_fd >= 0 ? " id-mapped" : "");
	return take_fd(&fd);
}

/* A bind of a host path, for the child. */
static int hand_bind(struct isolation *iso, int place, const char *source, bool readonly,
		     int userns_fd)
{
	cleanup_close int fd = mnt_clone(AT_FDCWD, source, userns_fd < 0);
	int err;

	if (fd < 0)
		return iso_fail(iso, fd, "mounts: %s", source);
	err = mnt_set(fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (readonly ? MOUNT_ATTR_RDONLY : 0),
		      userns_fd, userns_fd < 0);
	if (err)
		return iso_fail(iso, err, "mounts: %s%s", source,
				userns_fd >= 0 ? " id-mapped" : "");
	iso->handed[place] = take_fd(&fd);
	return 0;
}

static int hand_mounts(struct isolation *iso, int userns_fd)
{
	const struct ct_spec *spec = iso->spec;
	const struct rootfs *r = rootfs_of(iso);
	int err = 0;

	for (size_t i = 0; i < spec->mounts_nr && !err; i++)
		if (r->mounts[i] >= 0)
			err = hand_bind(iso, r->mounts[i], spec->mounts[i].source,
					spec->mounts[i].readonly, userns_fd);
	if (!err && r->work >= 0)
		err = hand_bind(iso, r->work, spec->root.work, false, userns_fd);
	return err;
}

static int rootfs_attach(struct isolation *iso)
{
	bool userns = iso->spec->namespaces & CLONE_NEWUSER;
	cleanup_close int userns_fd = userns ? open_userns(iso) : -1;
	int fd;

	if (userns && userns_fd < 0)
		return userns_fd;
	fd = make_root(iso, userns_fd);
	if (fd < 0)
		return fd;
	iso->handed[rootfs_of(iso)->root] = fd;
	return hand_mounts(iso, userns_fd);
}

/* The old root goes under the new one and is let go: pivot_root(2), "pivot_root(".", ".")". */
static int pivot(struct isolation *iso, int root)
{
	iso->step = "pivot_root";
	if (fchdir(root) || syscall(SYS_pivot_root, ".", "."))
		return -errno;
	iso->step = "leaving the host's root";
	if (umount2(".", MNT_DETACH) || chdir("/"))
		return -errno;
	return 0;
}

static int rootfs_enter(struct isolation *iso)
{
	struct mount_attr private = {.propagation = MS_PRIVATE};
	const struct rootfs *r = rootfs_of(iso);
	int stage, err, root;

	iso->step = "making mounts private";
	if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private, sizeof(private)))
		return -errno;
	iso->step = "attaching the root";
	iso->step_value = r->stage;
	stage = open(r->stage, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (stage < 0)
		return -errno;
	root = iso->handed[r->root];
	err = mnt_attach(root, stage);
	if (err)
		return err;
	iso->step_value = NULL;
	err = inside_build(iso, r, root);
	return err ? err : pivot(iso, root);
}

static int rootfs_recover(struct isolation *iso)
{
	int err = rootfs_new(iso);

	if (!err)
		rootfs_of(iso)->layers_made = 1;
	return err;
}

static void rootfs_cleanup(struct isolation *iso)
{
	struct rootfs *r = rootfs_of(iso);

	if (r && r->layers_made)
		layers_remove(r);
	free(r);
	iso->priv[iso_index(&rootfs_isolator)] = NULL;
}

static int rootfs_probe(const struct iso_host *host, struct iso_probe *ret)
{
	cleanup_close int fd = fsopen("overlay", FSOPEN_CLOEXEC);

	(void)host; /* id-mapped mounts are a fact of probes.c */
	ret->name = "overlay";
	ret->ok = fd >= 0;
	if (ret->ok)
		(void)snprintf(ret->how, sizeof(ret->how),
			       "a task writes without touching its image");
	else
		(void)snprintf(ret->reason, sizeof(ret->reason), "fsopen overlay: %s",
			       strerror(errno));
	return 0;
}

const struct isolator rootfs_isolator = {
	.name = "rootfs",
	.probe = rootfs_probe,
	.prepare = rootfs_prepare,
	.attach = rootfs_attach,
	.enter = rootfs_enter,
	.recover = rootfs_recover,
	.cleanup = rootfs_cleanup,
};
