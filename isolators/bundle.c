// SPDX-License-Identifier: Apache-2.0
/*
 * The root of an OCI bundle: a directory, and the mounts, nodes and links that its configuration
 * asks for, in its order and nothing else. The parent opens what lies on the host (the root, the
 * sources of binds) and hands the child detached mounts; the child attaches them in its mount
 * namespace, every path resolved below the new root, and pivots.
 * Source: runtime-spec config.md, "Root" and "Mounts"; config-linux.md, "Default Devices".
 */
#include "isolators/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/join.h"
#include "isolators/mounts.h"
#include "isolators/rootfs.h"
#include "isolators/rows.h"

int bundle_fail(struct isolation *iso, const char *step, const char *value, int err)
{
	iso->step = step;
	iso->step_value = value;
	return err;
}

static struct bundle *bundle_of(const struct isolation *iso)
{
	return iso->priv[iso_index(&bundle_isolator)];
}

static void bundle_release(struct isolation *iso)
{
	struct bundle *b = bundle_of(iso);

	if (!b)
		return;
	close_fd(&b->image);
	free(b->mounts);
	free(b);
	iso->priv[iso_index(&bundle_isolator)] = NULL;
}

static bool is_cgroup(const struct oci_mount *m)
{
	return m->type && (!strcmp(m->type, "cgroup") || !strcmp(m->type, "cgroup2"));
}

/* Without a cgroup namespace of its own the container sees its own cgroup, not the host's. */
static bool is_handed(const struct isolation *iso, const struct oci_mount *m)
{
	return (m->bind && !m->remount) ||
	       (is_cgroup(m) && !(iso->spec->namespaces & CLONE_NEWCGROUP));
}

/*
 * Descriptors of binds go through one message. What does not fit is opened by the child, which
 * sees the same files as long as it has no user namespace.
 */
static int reserve_mounts(struct isolation *iso, struct bundle *b)
{
	const struct ct_oci *oci = iso->spec->oci;
	size_t handed = 0;

	for (size_t i = 0; i < oci->mounts_nr; i++) {
		const struct oci_mount *m = &oci->mounts[i];
		bool only_here = is_cgroup(m) || m->idmap || ns_has_user(iso->spec) ||
				 ns_joined_mount(iso->spec);

		b->mounts[i] = BUNDLE_NEW;
		if (!is_handed(iso, m))
			continue;
		if (oci->unprivileged && !m->idmap && !is_cgroup(m))
			b->mounts[i] = BUNDLE_OWN;
		else if (oci->unprivileged)
			return iso_fail(iso, -EPERM,
					"mounts: %s: an id-mapped mount, or one of the cgroup "
					"without a cgroup namespace, needs privileges",
					m->destination);
		else if (handed < OCI_HANDED_MAX)
			b->mounts[i] = iso_reserve(iso);
		else if (!only_here)
			b->mounts[i] = BUNDLE_OWN;
		if (b->mounts[i] == BUNDLE_NEW || b->mounts[i] == -E2BIG)
			return iso_fail(iso, -EINVAL,
					"mounts[%zu]: more than %d binds, and this one is "
					"id-mapped, of a cgroup or for a user namespace",
					i, OCI_HANDED_MAX);
		handed++;
	}
	return 0;
}

static int bundle_prepare(struct isolation *iso)
{
	const struct ct_oci *oci = iso->spec->oci;
	struct bundle *b;

	if (!oci)
		return 0;
	if (oci->mounts_nr > OCI_MOUNTS_MAX)
		return iso_fail(iso, -EINVAL, "mounts: %zu entries, allowed are up to %d",
				oci->mounts_nr, OCI_MOUNTS_MAX);
	b = calloc(1, sizeof(*b));
	if (!b)
		return iso_fail(iso, -ENOMEM, "rootfs");
	iso->priv[iso_index(&bundle_isolator)] = b;
	b->image = open(oci->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (b->image < 0)
		return iso_fail(iso, -errno, "root.path: %s", oci->rootfs);
	b->mounts = calloc(oci->mounts_nr + 1, sizeof(*b->mounts));
	if (!b->mounts)
		return iso_fail(iso, -ENOMEM, "rootfs");
	b->join = -1;
	if (ns_joined_mount(iso->spec)) {
		if (oci->unprivileged)
			return iso_fail(iso, -EPERM,
					"linux.namespaces: joining a mount namespace needs "
					"privileges");
		b->join = iso_reserve(iso);
	}
	b->root = oci->unprivileged ? BUNDLE_OWN : iso_reserve(iso);
	if (oci->unprivileged)
		return reserve_mounts(iso, b);
	return b->root < 0 ? iso_fail(iso, b->root, "root.path") : reserve_mounts(iso, b);
}

static int maps_write(pid_t pid, const char *file, const struct oci_maps *maps)
{
	cleanup_free char *path = NULL, *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	ssize_t n;

	for (size_t i = 0; f && i < maps->nr; i++)
		(void)fprintf(f, "%u %u %u\n", maps->items[i].inside, maps->items[i].host,
			      maps->items[i].nr); /* fclose() tells */
	if (!f || fclose(f) || asprintf(&path, "/proc/%d/%s", (int)pid, file) < 0)
		return -ENOMEM;
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	n = fd < 0 ? -1 : write(fd, text, size);
	return n == (ssize_t)size ? 0 : -errno;
}

/* A user namespace for the maps of one mount only: made by a child that ends at once. */
static int maps_userns(const struct oci_mount *m)
{
	char path[32];
	int fd = -1, err, go[2];
	pid_t pid;

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid) {
		char c;

		(void)close(go[1]); /* so that the parent's end is the last */
		_exit(read(go[0], &c, 1) < 0);
	}
	err = pid < 0 ? -errno : maps_write(pid, "uid_map", &m->uids);
	if (!err)
		err = maps_write(pid, "gid_map", &m->gids);
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid); /* fits */
	if (!err)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (!err && fd < 0)
		err = -errno;
	(void)close(go[0]);
	(void)close(go[1]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return err ? err : fd;
}

/* The user namespace that a mount is id-mapped by. Return: descriptor or -errno */
static int idmap_of(struct isolation *iso, const struct oci_mount *m)
{
	char path[64];
	int fd;

	if (m->uids.nr)
		return maps_userns(m);
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)iso->pid); /* fits */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int hand_source(struct isolation *iso, int place, const struct oci_mount *m)
{
	cleanup_close int fd = -1, userns = -1;

	if (is_cgroup(m))
		fd = mnt_clone(iso->cgroup_fd < 0 ? iso->host->cgroup_fd : iso->cgroup_fd, "",
			       false);
	else
		fd = mnt_clone(AT_FDCWD, m->source, m->recursive);
	if (fd < 0)
		return iso_fail(iso, fd, "mounts: %s: %s", m->destination,
				is_cgroup(m) ? "cgroup" : m->source);
	if (m->idmap) {
		int err;

		userns = idmap_of(iso, m);
		err = userns < 0 ? userns : mnt_set(fd, 0, userns, m->idmap_below);
		if (err)
			return iso_fail(iso, err, "mounts: %s: id-mapping %s", m->destination,
					m->source);
	}
	iso->handed[place] = take_fd(&fd);
	return 0;
}

/*
 * What is unmounted on the host goes here, too, and nothing of ours is seen there; a root that
 * is to be shared with the host takes what the host has.
 */
static struct mount_attr host_propagation(const struct ct_oci *oci)
{
	bool wide = oci->root_propagation & (MS_SHARED | MS_SLAVE);

	return (struct mount_attr){.propagation = wide ? MS_SLAVE : MS_PRIVATE};
}

static int bundle_attach(struct isolation *iso)
{
	const struct ct_oci *oci = iso->spec->oci;
	const struct bundle *b = bundle_of(iso);
	struct mount_attr attr;
	int fd, err = 0;

	if (!oci)
		return 0;
	if (oci->unprivileged)
		return 0; /* the child does it: open_root() */
	if (b->join >= 0) {
		const char *path = ns_joined_mount(iso->spec);

		iso->handed[b->join] = open(path, O_RDONLY | O_CLOEXEC);
		if (iso->handed[b->join] < 0)
			return iso_fail(iso, -errno, "linux.namespaces: %s", path);
	}
	attr = host_propagation(oci);
	fd = mnt_clone(b->image, "", true);
	if (fd < 0)
		return iso_fail(iso, fd, "root.path: %s", oci->rootfs);
	iso->handed[b->root] = fd;
	/* a copy of a shared mount is its peer: what is mounted on it would show on the host */
	if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)))
		return iso_fail(iso, -errno, "root.path: %s", oci->rootfs);
	for (size_t i = 0; i < oci->mounts_nr && !err; i++)
		if (b->mounts[i] >= 0)
			err = hand_source(iso, b->mounts[i], &oci->mounts[i]);
	return err;
}

static int detach_host(struct isolation *iso)
{
	struct mount_attr attr = host_propagation(iso->spec->oci);

	if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof(attr)))
		return bundle_fail(iso, "separating the host's mounts", NULL, -errno);
	return 0;
}

/* After the pivot, where the root is "/". */
static int finish_root(struct isolation *iso)
{
	const struct ct_oci *oci = iso->spec->oci;
	struct mount_attr attr = {
		.attr_set = oci->readonly ? MOUNT_ATTR_RDONLY : 0,
	};
	struct mount_attr prop = {.propagation = oci->root_propagation};

	if (oci->readonly && mount_setattr(AT_FDCWD, "/", 0, &attr, sizeof(attr)))
		return bundle_fail(iso, "root.readonly", NULL, -errno);
	if (oci->root_propagation &&
	    mount_setattr(AT_FDCWD, "/", oci->root_propagation_below ? AT_RECURSIVE : 0, &prop,
			  sizeof(prop)))
		return bundle_fail(iso, "linux.rootfsPropagation", NULL, -errno);
	return 0;
}

static int make_cwd(struct isolation *iso, int root)
{
	int fd = path_make(root, iso->spec->process.cwd, true);

	if (fd >= 0)
		(void)close(fd); /* O_PATH */
	/* a file, or a place where nothing can be made: the child's chdir() says so */
	return fd == -EXDEV || fd == -ELOOP ? bundle_fail(iso, "process.cwd", NULL, fd) : 0;
}

/* The mount of the root. Return: descriptor or -errno */
static int open_root(const struct isolation *iso, const struct bundle *b)
{
	const struct ct_oci *oci = iso->spec->oci;

	if (b->root != BUNDLE_OWN)
		return iso->handed[b->root];
	return mnt_clone(AT_FDCWD, oci->rootfs, true);
}

/* In a mount namespace of others the root is where the bundle has it; nothing of theirs changes. */
static int attach_joined(struct isolation *iso, const struct bundle *b, int root)
{
	const char *path = iso->spec->oci->rootfs;
	int target, err;

	if (setns(iso->handed[b->join], CLONE_NEWNS))
		return bundle_fail(iso, "linux.namespaces: joining", ns_joined_mount(iso->spec),
				   -errno);
	target = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0)
		return bundle_fail(iso, "root.path, in the mount namespace that is joined:", path,
				   -errno);
	err = mnt_attach(root, target);
	(void)close(target); /* O_PATH */
	return err ? bundle_fail(iso, "attaching the root", path, err) : 0;
}

static int attach_new(int root)
{
	return move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) ? -errno : 0;
}

static int change_root(struct isolation *iso, const struct bundle *b, int root)
{
	if (b->join < 0)
		return rootfs_pivot(iso, root);
	return fchdir(root) || chroot(".") || chdir("/") ? bundle_fail(iso, "chroot", NULL, -errno)
							 : 0;
}

static int bundle_enter(struct isolation *iso)
{
	const struct ct_oci *oci = iso->spec->oci;
	const struct bundle *b = bundle_of(iso);
	int root, err;

	if (!oci)
		return 0;
	err = b->join < 0 ? detach_host(iso) : 0;
	if (err)
		return err;
	root = open_root(iso, b);
	if (root < 0)
		return bundle_fail(iso, "root.path", oci->rootfs, root);
	iso->step = "attaching the root";
	err = b->join < 0 ? attach_new(root) : attach_joined(iso, b, root);
	for (size_t i = 0; i < oci->mounts_nr && !err; i++)
		err = bundle_mount(iso, b, i, root);
	if (!err)
		err = bundle_nodes(iso, root);
	if (!err)
		err = bundle_sysctl(iso);
	if (!err && oci->runtime_hooks)
		err = iso->meet(iso);
	if (!err)
		err = bundle_hooks(iso, OCI_CREATE_CONTAINER);
	if (!err)
		err = make_cwd(iso, root);
	if (!err)
		err = change_root(iso, b, root);
	return err ? err : finish_root(iso);
}

const struct isolator bundle_isolator = {
	.name = "rootfs",
	.prepare = bundle_prepare,
	.attach = bundle_attach,
	.enter = bundle_enter,
	.cleanup = bundle_release,
	.release = bundle_release,
};
