// SPDX-License-Identifier: Apache-2.0
/*
 * Device nodes and links in the root of an OCI bundle, in the child. Root of a user namespace can
 * make no nodes: there the host's are bound.
 * Source: runtime-spec config-linux.md, "Default Devices"; runtime-linux.md, "Dev symbolic links".
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "isolators/bundle.h"
#include "isolators/join.h"
#include "isolators/mounts.h"

#define PERMISSIONS 07777

static const struct oci_node default_nodes[] = {
	{"/dev/null", 'c', 1, 3, 0666, 0, 0},	 {"/dev/zero", 'c', 1, 5, 0666, 0, 0},
	{"/dev/full", 'c', 1, 7, 0666, 0, 0},	 {"/dev/random", 'c', 1, 8, 0666, 0, 0},
	{"/dev/urandom", 'c', 1, 9, 0666, 0, 0}, {"/dev/tty", 'c', 5, 0, 0666, 0, 0},
};

static const char *base_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* The directory of a node, made if missing. Return: descriptor or -errno */
static int parent_of(int root, const char *path)
{
	char dir[4096];
	size_t len = (size_t)(base_of(path) - path);

	if (len >= sizeof(dir))
		return -ENAMETOOLONG;
	memcpy(dir, path, len);
	dir[len] = '\0';
	return path_make(root, dir, true);
}

static mode_t kind_of(const struct oci_node *n)
{
	return n->type == 'b' ? S_IFBLK : n->type == 'p' ? S_IFIFO : S_IFCHR;
}

/* What is there already must be what is asked for. */
static int check_node(int dir, const struct oci_node *n)
{
	struct stat st;

	if (fstatat(dir, base_of(n->path), &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if ((st.st_mode & S_IFMT) != kind_of(n) ||
	    (n->type != 'p' && st.st_rdev != makedev(n->major, n->minor)))
		return -EEXIST;
	return 0;
}

static int make_node(int dir, const struct oci_node *n)
{
	const char *name = base_of(n->path);

	if (mknodat(dir, name, kind_of(n) | (n->mode & PERMISSIONS), makedev(n->major, n->minor)))
		return errno == EEXIST ? check_node(dir, n) : -errno;
	/* not as the umask has it */
	if (fchmodat(dir, name, n->mode & PERMISSIONS, 0) ||
	    fchownat(dir, name, n->uid, n->gid, AT_SYMLINK_NOFOLLOW))
		return -errno;
	return 0;
}

/* The host's node of the same path, over an empty file. */
static int bind_node(int root, const struct oci_node *n)
{
	int fd = mnt_clone(AT_FDCWD, n->path, false), target, err;
	struct stat st;

	if (fd < 0)
		return fd;
	target = fstat(fd, &st) ? -errno
		 : (st.st_mode & S_IFMT) != kind_of(n) || st.st_rdev != makedev(n->major, n->minor)
			 ? -ENXIO
			 : path_make(root, n->path, false);
	err = target < 0 ? target : mnt_attach(fd, target);
	if (target >= 0)
		(void)close(target); /* O_PATH */
	(void)close(fd); /* attached, or given up */
	return err;
}

static int one_node(struct isolation *iso, const struct oci_node *n, int root)
{
	bool userns = ns_has_user(iso->spec);
	int dir = -1, err;

	dir = parent_of(root, n->path);
	err = dir < 0 ? dir : userns && n->type != 'p' ? -EPERM : make_node(dir, n);
	if (dir >= 0)
		(void)close(dir); /* O_PATH */
	/* not made also where a cgroup above has rules of its own, as podman's pods */
	if (err == -EPERM && n->type != 'p')
		err = bind_node(root, n);
	return err ? bundle_fail(iso, "making the device", n->path, err) : 0;
}

/* One that the image or a mount has is left as it is. */
static int link_devices(struct isolation *iso, int root)
{
	static const char *const links[][2] = {
		{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"},
		{"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
		{"ptmx", "pts/ptmx"},
	};
	int dev = path_make(root, "dev", true), err = dev < 0 ? dev : 0;

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]) && !err; i++)
		if (symlinkat(links[i][1], dev, links[i][0]) && errno != EEXIST)
			err = -errno;
	if (dev >= 0)
		(void)close(dev); /* O_PATH */
	return err ? bundle_fail(iso, "linking in", "/dev", err) : 0;
}

static bool is_asked_for(const struct ct_oci *oci, const char *path)
{
	for (size_t i = 0; i < oci->nodes_nr; i++)
		if (!strcmp(oci->nodes[i].path, path))
			return true;
	return false;
}

int bundle_nodes(struct isolation *iso, int root)
{
	const struct ct_oci *oci = iso->spec->oci;
	int err = 0;

	if (!oci->own_dev)
		return 0;
	for (size_t i = 0; i < sizeof(default_nodes) / sizeof(default_nodes[0]) && !err; i++)
		if (!is_asked_for(oci, default_nodes[i].path))
			err = one_node(iso, &default_nodes[i], root);
	for (size_t i = 0; i < oci->nodes_nr && !err; i++)
		err = one_node(iso, &oci->nodes[i], root);
	return err ? err : link_devices(iso, root);
}
