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
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/weaken.h"
#include "isolators/layers.h"
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
	r->image = r->layers = r->work = r->root = -1;
	iso->priv[iso_index(&rootfs_isolator)] = r;
	return 0;
}

static void rootfs_release(struct isolation *iso)
{
	struct rootfs *r = rootfs_of(iso);

	if (!r)
		return;
	close_fd(&r->image);
	close_fd(&r->layers);
	free(r);
	iso->priv[iso_index(&rootfs_isolator)] = NULL;
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

/* A directory of the agent's own, made if it is missing. Return: descriptor or -errno */
static int open_own(struct isolation *iso, const char *dir, const char *name, mode_t mode)
{
	cleanup_free char *path = NULL;
	int fd;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	if (mkdir(path, mode) && errno != EEXIST)
		return iso_fail(iso, -errno, "rootfs: %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? iso_fail(iso, -errno, "rootfs: %s", path) : fd;
}

static int prepare_layers(struct isolation *iso, struct rootfs *r)
{
	const struct ct_spec *spec = iso->spec;
	bool userns = spec->namespaces & CLONE_NEWUSER;
	cleanup_close int stage = open_own(iso, iso->host->run_dir, ROOTFS_STAGE, 0700);
	cleanup_close int parent = open_own(iso, iso->host->state_dir, ROOTFS_LAYERS, 0711);
	struct stat st;

	if (stage < 0 || parent < 0)
		return stage < 0 ? stage : parent;
	if (fstat(r->image, &st))
		return iso_fail(iso, -errno, "rootfs: %s", spec->root.path);
	r->layered = true;
	r->layers = layers_make(parent, spec->id, &st, userns ? &spec->idmap : NULL);
	if (r->layers < 0)
		return iso_fail(iso, r->layers, "rootfs: %s/" ROOTFS_LAYERS "/%s",
				iso->host->state_dir, spec->id);
	return 0;
}

static int rootfs_prepare(struct isolation *iso)
{
	const struct ct_root *root = &iso->spec->root;
	struct rootfs *r;
	int err;

	if (iso->spec->oci)
		return 0; /* bundle.c */
	err = rootfs_new(iso) ?: reserve(iso);
	r = rootfs_of(iso);
	if (err || root->kind == CT_ROOT_HOST)
		return err;
	if (!root->path || root->path[0] != '/')
		return iso_fail(iso, -EINVAL, "rootfs: %s: allowed is an absolute path",
				root->path ? root->path : "none given");
	r->image = open(root->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->image < 0)
		return iso_fail(iso, -errno, "rootfs: %s", root->path);
	return root->readonly ? 0 : prepare_layers(iso, r);
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
	const struct rootfs *r = rootfs_of(iso);
	const char *path = r->image < 0 ? "/" : iso->spec->root.path;
	bool host = r->image < 0;
	int err;

	if (r->layers >= 0)
		return overlay_new(iso, r, userns_fd);
	cleanup_close int fd =
		host ? mnt_clone(AT_FDCWD, "/", true) : mnt_clone(r->image, "", false);

	if (fd < 0)
		return iso_fail(iso, fd, "rootfs: cloning %s", path);
	err = mnt_set(fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, host ? -1 : userns_fd,
		      host && !weakened("host_below"));
	if (err == -EINVAL)
		return iso_fail(iso, err, "rootfs: %s can't be id-mapped by its file system", path);
	return err ? iso_fail(iso, err, "rootfs: %s read-only", path) : take_fd(&fd);
}

/* Links were followed when the spec was checked: one that is there now was put there since. */
static int open_source(const char *source)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC,
			       .resolve = weakened("source_links") ? 0 : RESOLVE_NO_SYMLINKS};
	long fd = syscall(SYS_openat2, AT_FDCWD, source, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/*
 * A bind of a host path, for the child. A device's node has no owner inside and must stay a
 * device; everything else has none and is id-mapped, with what is mounted below.
 */
static int hand_bind(struct isolation *iso, int place, const char *source, bool readonly,
		     int userns_fd)
{
	cleanup_close int path = open_source(source);
	cleanup_close int fd = path < 0 ? path : mnt_clone(path, "", true);
	uint64_t attr = (weakened("bind_nosuid") ? 0 : MOUNT_ATTR_NOSUID) |
			(readonly ? MOUNT_ATTR_RDONLY : 0);
	struct stat st;
	bool device;
	int err;

	if (fd < 0 || fstat(fd, &st))
		return iso_fail(iso, fd < 0 ? fd : -errno, "mounts: %s", source);
	device = S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode);
	err = mnt_set(fd, device ? attr | mnt_device_attr() : attr | MOUNT_ATTR_NODEV,
		      device ? -1 : userns_fd, true);
	if (err == -EINVAL)
		return iso_fail(iso, err,
				"mounts: %s, or what is mounted below it, can't be id-mapped by "
				"its file system",
				source);
	if (err)
		return iso_fail(iso, err, "mounts: %s", source);
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

	if (iso->spec->oci)
		return 0;
	if (userns && userns_fd < 0)
		return userns_fd;
	fd = make_root(iso, userns_fd);
	if (fd < 0)
		return fd;
	iso->handed[rootfs_of(iso)->root] = fd;
	return hand_mounts(iso, userns_fd);
}

/* The old root goes under the new one and is let go: pivot_root(2), "pivot_root(".", ".")". */
int rootfs_pivot(struct isolation *iso, int root)
{
	iso->step = "pivot_root";
	if (fchdir(root) || syscall(SYS_pivot_root, ".", "."))
		return -errno;
	iso->step = "leaving the host's root";
	if ((!weakened("old_root") && umount2(".", MNT_DETACH)) || chdir("/"))
		return -errno;
	return 0;
}

/*
 * The new root is attached over the old one, the only place that a user without rights on the
 * host can always reach.
 */
static int rootfs_enter(struct isolation *iso)
{
	struct mount_attr private = {.propagation = MS_PRIVATE};
	const struct rootfs *r = rootfs_of(iso);
	int root, err;

	if (iso->spec->oci)
		return 0;
	root = iso->handed[r->root];
	iso->step = "making mounts private";
	if (!weakened("propagation") &&
	    mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private, sizeof(private)))
		return -errno;
	iso->step = "attaching the root";
	if (move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH))
		return -errno;
	err = inside_build(iso, r, root);
	return err ? err : rootfs_pivot(iso, root);
}

static int rootfs_recover(struct isolation *iso)
{
	const struct ct_root *root = &iso->spec->root;
	int err = iso->spec->oci ? 0 : rootfs_new(iso);

	if (!err && !iso->spec->oci)
		rootfs_of(iso)->layered = root->kind == CT_ROOT_DIR && !root->readonly;
	return err;
}

static void rootfs_cleanup(struct isolation *iso)
{
	struct rootfs *r = rootfs_of(iso);

	if (r && r->layered) {
		cleanup_close int parent = open_own(iso, iso->host->state_dir, ROOTFS_LAYERS, 0711);
		int err = parent < 0 ? parent : layers_remove(parent, iso->spec->id);

		if (err)
			(void)iso_fail(iso, err, "rootfs: removing %s/" ROOTFS_LAYERS "/%s",
				       iso->host->state_dir, iso->spec->id); /* kept in why */
	}
	rootfs_release(iso);
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
	.release = rootfs_release,
};
