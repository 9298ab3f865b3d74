// SPDX-License-Identifier: Apache-2.0
/*
 * One mount of an OCI configuration, in the child. Nothing is mounted below /proc but the files
 * that show a container its own share of the host (CVE-2019-16884, CVE-2019-19921); no symbolic
 * link of the image leads out of the root.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "isolators/bundle.h"
#include "isolators/mounts.h"

/* Files of procfs that may be covered, as LXCFS does. */
static const char *const proc_files[] = {
	"/proc/cpuinfo",
	"/proc/diskstats",
	"/proc/meminfo",
	"/proc/stat",
	"/proc/swaps",
	"/proc/uptime",
	"/proc/loadavg",
	"/proc/slabinfo",
	"/proc/net/dev",
	"/proc/sys/kernel/ns_last_pid",
	"/proc/sys/crypto/fips_enabled",
};

static bool may_cover_proc(const char *path)
{
	for (size_t i = 0; i < sizeof(proc_files) / sizeof(proc_files[0]); i++)
		if (!strcmp(path, proc_files[i]))
			return true;
	return false;
}

/* Where a mount goes, made if missing. Return: O_PATH descriptor or -errno */
static int target_of(const struct oci_mount *m, int root, bool dir)
{
	int fd = path_make(root, m->destination, dir), err = 0;
	struct statfs fs;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) || fstatfs(fd, &fs))
		err = -errno;
	else if (S_ISDIR(st.st_mode) != dir)
		err = dir ? -ENOTDIR : -EISDIR;
	else if (fs.f_type == PROC_SUPER_MAGIC && !may_cover_proc(m->destination))
		err = -EPERM;
	if (!err)
		return fd;
	(void)close(fd); /* O_PATH */
	return err;
}

/* Attributes and propagation of a mount that is in its place. */
static int set_attributes(int fd, const struct oci_mount *m)
{
	struct mount_attr one = {.attr_set = m->attr_set, .attr_clr = m->attr_clear};
	struct mount_attr all = {.attr_set = m->rec_set, .attr_clr = m->rec_clear};
	struct mount_attr prop = {.propagation = m->propagation ? m->propagation : MS_PRIVATE};
	unsigned int below = m->propagation_below || !m->propagation ? AT_RECURSIVE : 0;

	/* of a time to be kept only one word is taken, with the others cleared: mount_setattr(2) */
	if (one.attr_set & MOUNT_ATTR__ATIME || one.attr_clr & MOUNT_ATTR__ATIME)
		one.attr_clr |= MOUNT_ATTR__ATIME;
	if (all.attr_set & MOUNT_ATTR__ATIME || all.attr_clr & MOUNT_ATTR__ATIME)
		all.attr_clr |= MOUNT_ATTR__ATIME;
	if ((all.attr_set || all.attr_clr) &&
	    mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &all, sizeof(all)))
		return -errno;
	if ((one.attr_set || one.attr_clr) &&
	    mount_setattr(fd, "", AT_EMPTY_PATH, &one, sizeof(one)))
		return -errno;
	return mount_setattr(fd, "", AT_EMPTY_PATH | below, &prop, sizeof(prop)) ? -errno : 0;
}

static bool has_option(const struct oci_mount *m, const char *key)
{
	for (const struct oci_option *o = m->options; o && o->key; o++)
		if (!strcmp(o->key, key))
			return true;
	return false;
}

/* A tmpfs that nobody gave a mode is as open as the place that it covers, as with other runtimes. */
static int keep_mode(const struct oci_mount *m, int mount, int target)
{
	struct stat st;

	if (!m->type || strcmp(m->type, "tmpfs") || m->copy_up || has_option(m, "mode"))
		return 0;
	return fstat(target, &st) || fchmodat(mount, ".", st.st_mode & 07777, 0) ? -errno : 0;
}

/* Mounts of the host keep what locks them: attributes are added to a clone, never taken. */
static int put_mount(struct isolation *iso, const struct oci_mount *m, int mount, int root)
{
	struct stat st;
	int target, err;

	if (fstat(mount, &st))
		return bundle_fail(iso, "mounting on", m->destination, -errno);
	target = target_of(m, root, S_ISDIR(st.st_mode));
	if (target < 0)
		return bundle_fail(iso, "mounting on", m->destination, target);
	err = m->copy_up ? tree_copy(target, mount) : keep_mode(m, mount, target);
	if (!err)
		err = mnt_attach(mount, target);
	if (!err)
		err = set_attributes(mount, m);
	(void)close(target); /* O_PATH */
	return err ? bundle_fail(iso, m->copy_up ? "mounting or copying to" : "mounting on",
				 m->destination, err)
		   : 0;
}

/* sysfs belongs to a network namespace: who has not its user namespace gets the host's bound. */
static int new_or_bound(const struct oci_mount *m, const char *type,
			const struct mnt_option *options)
{
	int fd = mnt_new(type, options, 0), err;

	if (fd != -EPERM || strcmp(type, "sysfs"))
		return fd;
	fd = mnt_clone(AT_FDCWD, "/sys", true);
	err = fd < 0 ? fd : mnt_set(fd, m->attr_set, -1, true);
	if (!err)
		return fd;
	if (fd >= 0)
		(void)close(fd); /* given up */
	return err;
}

static int new_mount(struct isolation *iso, const struct oci_mount *m, int root)
{
	const char *type = !strcmp(m->type, "cgroup") ? "cgroup2" : m->type;
	struct mnt_option options[OCI_OPTIONS_MAX + 2] = {{NULL}};
	size_t nr = 0;
	int fd, err;

	if (m->source && strcmp(type, "cgroup2"))
		options[nr++] = (struct mnt_option){"source", m->source};
	for (const struct oci_option *o = m->options; o && o->key && nr < OCI_OPTIONS_MAX; o++)
		options[nr++] = (struct mnt_option){o->key, o->value};
	fd = new_or_bound(m, type, options);
	if (fd < 0)
		return bundle_fail(iso, "mounting a new file system on", m->destination, fd);
	err = put_mount(iso, m, fd, root);
	(void)close(fd); /* attached, or given up */
	return err;
}

static int remount(struct isolation *iso, const struct oci_mount *m, int root)
{
	int fd = path_open(root, m->destination, false), err = fd < 0 ? fd : set_attributes(fd, m);

	if (fd >= 0)
		(void)close(fd); /* O_PATH */
	return err ? bundle_fail(iso, "remounting", m->destination, err) : 0;
}

/* The host's files are still there, below what will be the root. */
static int own_bind(struct isolation *iso, const struct oci_mount *m, int root)
{
	int fd = mnt_clone(AT_FDCWD, m->source, m->recursive), err;

	if (fd < 0)
		return bundle_fail(iso, "binding", m->source, fd);
	err = put_mount(iso, m, fd, root);
	(void)close(fd); /* attached, or given up */
	return err;
}

int bundle_mount(struct isolation *iso, const struct bundle *b, size_t i, int root)
{
	const struct oci_mount *m = &iso->spec->oci->mounts[i];

	if (b->mounts[i] >= 0)
		return put_mount(iso, m, iso->handed[b->mounts[i]], root);
	if (b->mounts[i] == BUNDLE_OWN)
		return own_bind(iso, m, root);
	return m->remount ? remount(iso, m, root) : new_mount(iso, m, root);
}
