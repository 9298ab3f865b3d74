// SPDX-License-Identifier: Apache-2.0
/*
 * What a container finds in its root beside the image: /proc, /dev, /sys, the mounts of its spec.
 * Runs in the child, in its own namespaces, before the host's root is left. Every path is resolved
 * below the new root; /proc, /dev and /sys must be directories, not links (CVE-2019-16884,
 * CVE-2019-19921, CVE-2026-41579).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/lib/weaken.h"
#include "isolators/mounts.h"
#include "isolators/rootfs.h"

#define ATTR_SAFE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

#define TMPFS_DEFAULT 67108864 /* bytes of a tmpfs of the spec without a size */
#define TTY_GID	      5 /* group "tty" of all distributions: grantpt(3) */

static const struct mnt_option tmp_options[] = {{"mode", "1777"}, {"size", "10%"}, {NULL}};
static const struct mnt_option shm_options[] = {{"mode", "1777"}, {"size", "67108864"}, {NULL}};
static const struct mnt_option run_options[] = {{"mode", "755"}, {"size", "67108864"}, {NULL}};
static const struct mnt_option hide_options[] = {{"mode", "000"}, {"size", "4096"}, {NULL}};
static const struct mnt_option dev_options[] = {{"mode", "755"}, {"size", "65536"}, {NULL}};

static int fail(struct isolation *iso, const char *step, const char *value, int err)
{
	iso->step = step;
	iso->step_value = value;
	return err;
}

/* The kernel says only EINVAL when a directory meets something else. */
static int check_kind(int target, bool dir)
{
	struct stat st;

	if (fstat(target, &st))
		return -errno;
	if (S_ISDIR(st.st_mode) == dir)
		return 0;
	return dir ? -ENOTDIR : -EISDIR;
}

/* Attach a mount over a directory below the root; @mount is closed. */
static int put(struct isolation *iso, int mount, int root, const char *path, bool nofollow)
{
	int target, err;

	if (mount < 0)
		return fail(iso, "mounting", path, mount);
	target = path_open(root, path, nofollow && !weakened("links"));
	if (target == -ENOENT)
		target = path_make(root, path, true);
	err = target < 0 ? target : check_kind(target, true);
	if (!err)
		err = mnt_attach(mount, target);
	if (target >= 0)
		(void)close(target); /* O_PATH: nothing to lose */
	(void)close(mount); /* attached, or given up */
	return err ? fail(iso, "mounting on", path, err) : 0;
}

static int put_new(struct isolation *iso, const char *fs, const struct mnt_option *options,
		   uint64_t attr, int root, const char *path)
{
	return put(iso, mnt_new(fs, options, attr), root, path, true);
}

static int bind_device(struct isolation *iso, int dev, const char *name, const char *host_path)
{
	int node = openat(dev, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0666);
	int target, fd, err;

	if (node < 0)
		return fail(iso, "making", host_path, -errno);
	(void)close(node); /* empty, only to be mounted on */
	fd = mnt_clone(AT_FDCWD, host_path, false);
	target = path_open(dev, name, true);
	err = fd < 0 ? fd : target < 0 ? target : mnt_set(fd, mnt_device_attr(), -1, false);
	if (!err)
		err = mnt_attach(fd, target);
	if (fd >= 0)
		(void)close(fd);
	if (target >= 0)
		(void)close(target);
	return err ? fail(iso, "binding", host_path, err) : 0;
}

static int make_devices(struct isolation *iso, int dev)
{
	static const char *const nodes[][2] = {
		{"null", "/dev/null"},	   {"zero", "/dev/zero"},	{"full", "/dev/full"},
		{"random", "/dev/random"}, {"urandom", "/dev/urandom"}, {"tty", "/dev/tty"},
	};
	static const char *const links[][2] = {
		{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"},
		{"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
		{"ptmx", "pts/ptmx"},
	};

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		int err = bind_device(iso, dev, nodes[i][0], nodes[i][1]);

		if (err)
			return err;
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlinkat(links[i][1], dev, links[i][0]))
			return fail(iso, "linking in /dev", links[i][0], -errno);
	return 0;
}

/* Without the group in the user namespace terminals belong to the group of who opens them. */
static int make_pts(struct isolation *iso, int dev)
{
	const struct mnt_option options[] = {
		{"newinstance", NULL}, {"ptmxmode", "0666"}, {"mode", "0620"}, {"gid", "5"}, {NULL},
	};
	const struct mnt_option no_group[] = {
		{"newinstance", NULL},
		{"ptmxmode", "0666"},
		{"mode", "0620"},
		{NULL},
	};
	bool has = !(iso->spec->namespaces & CLONE_NEWUSER) || iso->spec->idmap.nr > TTY_GID;

	return put_new(iso, "devpts", has ? options : no_group,
		       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, dev, "pts");
}

static int make_dev(struct isolation *iso, int root)
{
	int dev, err = put_new(iso, "tmpfs", dev_options, MOUNT_ATTR_NOSUID, root, "dev");

	if (err)
		return err;
	dev = path_open(root, "dev", true);
	if (dev < 0)
		return fail(iso, "opening", "/dev", dev);
	err = make_devices(iso, dev);
	if (!err)
		err = make_pts(iso, dev);
	if (!err)
		err = put_new(iso, "tmpfs", shm_options, ATTR_SAFE, dev, "shm");
	if (!err && iso->spec->namespaces & CLONE_NEWIPC)
		err = put_new(iso, "mqueue", NULL, ATTR_SAFE, dev, "mqueue");
	(void)close(dev); /* O_PATH */
	return err;
}

/*
 * sysfs shows a network namespace, and can be mounted by root of that one's user namespace; for
 * a container that is not, the host's is bound.
 */
static int make_sys(struct isolation *iso, int root)
{
	int fd = mnt_new("sysfs", NULL, ATTR_SAFE | MOUNT_ATTR_RDONLY), err;

	if (fd == -EPERM) {
		fd = mnt_clone(AT_FDCWD, "/sys", true);
		err = fd < 0 ? fd : mnt_set(fd, ATTR_SAFE | MOUNT_ATTR_RDONLY, -1, true);
		if (err)
			return fail(iso, "binding", "/sys", err);
	}
	err = put(iso, fd, root, "sys", true);
	if (err || !(iso->spec->namespaces & CLONE_NEWCGROUP))
		return err;
	return put_new(iso, "cgroup2", NULL,
		       ATTR_SAFE | (weakened("cgroup_readonly") ? 0 : MOUNT_ATTR_RDONLY), root,
		       "sys/fs/cgroup");
}

/* Only the host's own tree is asked so, whose links are the host's. */
static bool is_dir(int root, const char *path)
{
	struct stat st;

	return !fstatat(root, path + 1, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode);
}

static int hide(struct isolation *iso, int root, const char *path)
{
	int fd = path_open(root, path, false);

	if (fd < 0)
		return 0; /* out of sight already */
	(void)close(fd); /* O_PATH */
	if (weakened("hide"))
		return 0;
	return put(iso, mnt_new("tmpfs", hide_options, ATTR_SAFE | MOUNT_ATTR_RDONLY), root, path,
		   false);
}

/* The host's tree: private places to write to; sockets and the agent's own files out of sight. */
static int cover_host(struct isolation *iso, int root)
{
	static const struct {
		const char *path;
		const struct mnt_option *options;
		uint64_t attr;
	} covers[] = {
		{"/tmp", tmp_options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV},
		{"/var/tmp", tmp_options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV},
		{"/run", run_options, ATTR_SAFE},
		{"/var/run", run_options, ATTR_SAFE}, /* mostly a link to /run, that is covered */
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(covers) / sizeof(covers[0]) && !err; i++)
		if (is_dir(root, covers[i].path))
			err = put(iso, mnt_new("tmpfs", covers[i].options, covers[i].attr), root,
				  covers[i].path, false);
	if (!err)
		err = hide(iso, root, iso->host->state_dir);
	return err ? err : hide(iso, root, iso->host->run_dir);
}

/*
 * Where a mount of the spec goes, made if missing: a link in the image must not lead it into /proc
 * or /sys, where it could show a false file to others (CVE-2019-19921, CVE-2023-27561).
 */
static int target_of(int root, const char *path, bool dir)
{
	int fd = path_make(root, path, dir), err;
	struct statfs fs;

	if (fd < 0)
		return fd;
	err = check_kind(fd, dir);
	if (!err && fstatfs(fd, &fs))
		err = -errno;
	if (!err && ((fs.f_type != PROC_SUPER_MAGIC && fs.f_type != SYSFS_MAGIC &&
		      fs.f_type != CGROUP2_SUPER_MAGIC) ||
		     weakened("target_fs")))
		return fd;
	(void)close(fd); /* O_PATH */
	return err ? err : -EPERM;
}

/* A bind from the parent: on a directory or a file, whichever it is itself. */
static int put_bind(struct isolation *iso, int mount, int root, const char *path)
{
	struct stat st;
	int target, err;

	if (fstat(mount, &st))
		return fail(iso, "mounting on", path, -errno);
	target = target_of(root, path, S_ISDIR(st.st_mode));
	err = target < 0 ? target : mnt_attach(mount, target);
	if (target >= 0)
		(void)close(target); /* O_PATH */
	return err ? fail(iso, "mounting on", path, err) : 0;
}

static int put_tmpfs(struct isolation *iso, const struct ct_mount *m, int root)
{
	char size[24];
	struct mnt_option options[] = {{"mode", "1777"}, {"size", size}, {NULL}};
	uint64_t v = m->tmpfs_bytes == CT_UNSET ? TMPFS_DEFAULT : m->tmpfs_bytes;
	char *p = size + sizeof(size) - 1;
	int fd, err;

	*p = '\0';
	do
		*--p = (char)('0' + v % 10); /* snprintf is not async-signal-safe */
	while (v /= 10);
	options[1].value = p;
	fd = mnt_new("tmpfs", options,
		     MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (m->readonly ? MOUNT_ATTR_RDONLY : 0));
	if (fd < 0)
		return fail(iso, "mounting a tmpfs on", m->destination, fd);
	err = put_bind(iso, fd, root, m->destination);
	(void)close(fd); /* attached, or given up */
	return err;
}

/*
 * The path of a directory of the agent's in a volume that has it inside: "/" for one.
 * Return: 1; 0 it is not in there; -ENAMETOOLONG
 */
static int path_in_volume(const struct ct_mount *m, const char *own, char buf[static PATH_MAX])
{
	size_t base = strlen(m->source), len = strlen(m->destination);

	if (base == 1)
		base = 0; /* "/" */
	if (strncmp(own, m->source, base) || own[base] != '/')
		return 0;
	if (len + strlen(own + base) >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(buf, m->destination, len);
	memcpy(buf + len, own + base, strlen(own + base) + 1);
	return 1;
}

/* A directory above the agent's own files is no way to its socket, or to what other tasks wrote. */
static int put_volume(struct isolation *iso, const struct ct_mount *m, int mount, int root)
{
	const char *const own[] = {iso->host->state_dir, iso->host->run_dir};
	int err = put_bind(iso, mount, root, m->destination);
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]) && !err; i++) {
		err = path_in_volume(m, own[i], path);
		if (err > 0)
			err = hide(iso, root, path);
		if (err)
			iso->step_value = m->destination; /* @path does not stay */
	}
	return err;
}

static int spec_mounts(struct isolation *iso, const struct rootfs *r, int root)
{
	const struct ct_spec *spec = iso->spec;
	int err = 0;

	for (size_t i = 0; i < spec->mounts_nr && !err; i++) {
		const struct ct_mount *m = &spec->mounts[i];

		err = m->tmpfs ? put_tmpfs(iso, m, root)
			       : put_volume(iso, m, iso->handed[r->mounts[i]], root);
	}
	if (!err && r->work >= 0)
		err = put_bind(iso, iso->handed[r->work], root, spec->root.work);
	return err;
}

int inside_build(struct isolation *iso, const struct rootfs *r, int root)
{
	int err = 0;

	if (iso->spec->root.kind == CT_ROOT_HOST)
		err = cover_host(iso, root);
	if (!err)
		err = put_new(iso, "proc", NULL, ATTR_SAFE, root, "proc");
	if (!err)
		err = make_dev(iso, root);
	if (!err)
		err = make_sys(iso, root);
	return err ? err : spec_mounts(iso, r, root);
}
