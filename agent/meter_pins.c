// SPDX-License-Identifier: Apache-2.0
/* The meter's directories on the bpf file system: made, compared with the table, removed. */
#include "agent/meter_pins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/meter.h"
#include "agent/scx.h"

int pin_path(char path[static PIN_PATH_MAX], const char *dir, const char *name, const char *suffix)
{
	int n = snprintf(path, PIN_PATH_MAX, "%s/%s%s", dir, name, suffix);

	return n < 0 || n >= PIN_PATH_MAX ? -ENAMETOOLONG : 0;
}

bool pin_exists(const char *dir, const char *name)
{
	char path[PIN_PATH_MAX];
	struct stat st;

	/* one that can't be looked at just now is not one that is missing: that would cost all counts */
	return !pin_path(path, dir, name, "") && (!lstat(path, &st) || errno != ENOENT);
}

int pin_remove(const char *dir, const char *name)
{
	char path[PIN_PATH_MAX];
	int r = pin_path(path, dir, name, "");

	if (r < 0)
		return r;
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

/* Remove the entries of a directory that @keep does not want. @parent: a descriptor, or AT_FDCWD. */
static int entries_remove(int parent, const char *path, bool (*keep)(const char *name))
{
	int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;
	cleanup_closedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		r = -errno;
		close_fd(&fd);
		return r;
	}
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' || (keep && keep(e->d_name)))
			continue;
		if (unlinkat(fd, e->d_name, 0) && errno != ENOENT && !r)
			r = -errno;
	}
	return r;
}

int pins_empty(const char *dir)
{
	return entries_remove(AT_FDCWD, dir, NULL);
}

/* Remove the directories v* of a pin directory, all but @keep. */
static int versions_remove(const char *pin_dir, const char *keep)
{
	cleanup_closedir DIR *d = opendir(pin_dir);
	struct dirent *e;
	int r, first = 0;

	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		if (e->d_name[0] != 'v' || (keep && !strcmp(e->d_name, keep)))
			continue;
		r = entries_remove(dirfd(d), e->d_name, NULL);
		if (unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR) && errno != ENOENT && !r)
			r = -errno;
		if (r < 0 && !first)
			first = r;
	}
	return first;
}

int meter_unpin(const char *pin_dir)
{
	int r = versions_remove(pin_dir, NULL);

	if (r == -ENOENT)
		return 0;
	if (rmdir(pin_dir) && errno != ENOENT && errno != ENOTEMPTY && errno != EBUSY && !r)
		r = -errno;
	return r;
}

static int dir_make(const char *path, struct why *why)
{
	struct statfs fs;

	if (mkdir(path, 0700) && errno != EEXIST)
		return why_set(why, -errno, "pin directory %s", path);
	if (statfs(path, &fs))
		return why_set(why, -errno, "pin directory %s", path);
	if ((unsigned long)fs.f_type != BPF_FS_MAGIC)
		return why_set(why, -EINVAL, "pin directory %s is not on a bpf file system", path);
	return 0;
}

static const char *version_name(char buf[static 16])
{
	(void)snprintf(buf, 16, "v%d", DCOS_ABI); /* fits */
	return buf;
}

int pins_make(const char *pin_dir, char dir[static PIN_PATH_MAX], struct why *why)
{
	char version[16];
	int r = pin_path(dir, pin_dir, version_name(version), "");

	if (r < 0)
		return why_set(why, r, "pin directory %s", pin_dir);
	r = dir_make(pin_dir, why);
	return r ? r : dir_make(dir, why);
}

/* A pin of any family, refused ones included: they may work for the next agent. */
static bool is_known(const char *name)
{
	const struct family_map *m;
	const struct family_hook *h;
	int i;

	for (i = 0; scx_pins[i]; i++) {
		if (!strcmp(scx_pins[i], name))
			return true;
	}
	for (i = 0; i < METER_FAMILIES; i++) {
		for (m = meter_families[i].maps; m && m->name; m++) {
			if (!strcmp(m->name, name))
				return true;
		}
		for (h = meter_families[i].hooks; h && h->prog; h++) {
			if (!strcmp(h->pin, name))
				return true;
		}
	}
	return false;
}

int pins_sweep(const char *pin_dir, const char *dir)
{
	char version[16];
	int r = entries_remove(AT_FDCWD, dir, is_known);
	int others = versions_remove(pin_dir, version_name(version));

	return r ? r : others;
}
