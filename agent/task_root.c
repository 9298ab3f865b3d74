// SPDX-License-Identifier: Apache-2.0
/* What a task sees as its file system: image, work directory, mounts. */
#include "agent/task_draft.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/path.h"

/* Where a path of the host leads: @ret is free of links; PATH_MAX bytes. */
static int resolve(struct draft *d, const char *path, bool directory, char *ret)
{
	cleanup_close int fd = open(path, O_PATH | O_CLOEXEC | (directory ? O_DIRECTORY : 0));
	char self[64], desc[128];
	ssize_t n;

	if (fd < 0 && errno == ENOTDIR && directory)
		return draft_fail(d, "\"%s\" is not a directory", path);
	if (fd < 0)
		return draft_fail(d, "\"%s\" can't be used: %s", path,
				  strerror_r(errno, desc, sizeof(desc)));
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	n = readlink(self, ret, PATH_MAX - 1);
	if (n <= 0 || ret[0] != '/')
		return draft_fail(d, "\"%s\" can't be used: it has no path", path);
	ret[n] = '\0';
	return 0;
}

int check_exists(struct draft *d, const char *path, bool directory)
{
	char real[PATH_MAX];

	return d->restore ? 0 : resolve(d, path, directory, real);
}

int value_image(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	struct ct_root *root = field;
	const char *path = NULL;
	int err;

	(void)row;
	if (!json_is_string(v))
		return draft_type(d, v, "\"host\" or the path of an unpacked root file system");
	if (!strcmp(json_string_value(v), "host"))
		return 0;
	err = draft_path(d, v, &path);
	if (err < 0)
		return err;
	if (!path[1])
		return draft_fail(d, "\"/\" is not allowed, allowed is \"host\" or the path of an "
				     "unpacked root file system");
	err = check_exists(d, path, true);
	if (!err)
		err = draft_strdup(d, path, &root->path);
	if (!err)
		root->kind = CT_ROOT_DIR;
	return err;
}

int value_readonly(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	struct ct_root *root = field;

	if (root->kind == CT_ROOT_HOST && json_is_false(v))
		return draft_fail(d,
				  "false is not allowed with the image \"host\", which is always "
				  "read-only; see workdir");
	return value_bool(d, row, v, &root->readonly);
}

/*
 * The agent's own files are nothing for a task. @real is where @path leads; with @above it must not
 * be a directory over them, either.
 */
static int check_private(struct draft *d, const char *path, const char *real, bool above)
{
	const char *const own[] = {d->cfg->state_dir, d->cfg->run_dir};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		char buf[PATH_MAX];
		const char *dir = realpath(own[i], buf);

		if (!dir)
			dir = own[i]; /* is not there yet */
		if (path_within(real, dir))
			return draft_fail(d,
					  "\"%s\" is not allowed, the agent's own files are in "
					  "\"%s\"",
					  path, own[i]);
		if (above && path_within(dir, real))
			return draft_fail(d,
					  "\"%s\" is not allowed, the agent's own files are below "
					  "it",
					  path);
	}
	return 0;
}

static int check_workdir(struct draft *d, const char *path)
{
	static const char *const forbidden[] = {"/proc", "/sys", "/dev"};
	char real[PATH_MAX];
	int err;

	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++)
		if (!path[1] || path_within(path, forbidden[i]))
			return draft_fail(d,
					  "\"%s\" is not allowed, allowed is a directory of the "
					  "host, but not / or one in /proc, /sys or /dev",
					  path);
	if (d->restore)
		return 0;
	err = resolve(d, path, true, real);
	if (!err && strcmp(path, real))
		err = draft_fail(d,
				 "\"%s\" is not allowed, it leads to \"%s\", which is to be given "
				 "itself",
				 path, real);
	return err < 0 ? err : check_private(d, path, real, true);
}

int value_workdir(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	struct ct_root *root = field;
	const char *path = NULL;
	int err;

	(void)row;
	if (root->kind != CT_ROOT_HOST)
		return draft_fail(d, "given with an image of its own, allowed only with the image "
				     "\"host\"; see mounts");
	err = draft_path(d, v, &path);
	if (!err)
		err = check_workdir(d, path);
	return err < 0 ? err : draft_strdup(d, path, &root->work);
}

/* The spec gets the path without links, so that nobody can turn them after the check. */
static int mount_source(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	char real[PATH_MAX];
	const char *path = NULL;
	int err = draft_path(d, v, &path);

	(void)row;
	if (err < 0)
		return err;
	if (d->restore)
		return draft_strdup(d, path, field);
	err = resolve(d, path, false, real);
	if (!err)
		err = check_private(d, path, real, false);
	return err < 0 ? err : draft_strdup(d, real, field);
}

/* What the agent itself mounts can't be covered: a task could feed a false /proc to others. */
static int mount_target(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	char **target = field;
	int err = value_path(d, row, v, target);

	if (err < 0)
		return err;
	if (!(*target)[1] || path_within(*target, "/proc") || path_within(*target, "/sys") ||
	    (path_within(*target, "/dev") && strcmp(*target, "/dev/shm")))
		return draft_fail(d,
				  "\"%s\" is not allowed, allowed is /dev/shm or a path outside "
				  "of /proc, /sys and /dev, and not /",
				  *target);
	return 0;
}

#define MOUNT_AT(member) offsetof(struct ct_mount, member)

static const struct task_row mount_keys[] = {
	{{"tmpfs", "true or false", "false", "An empty file system in memory instead of a source."},
	 value_bool,
	 MOUNT_AT(tmpfs)},
	{{"source", "path on the host", NULL,
	  "What is mounted: a directory or a file, with what is mounted below it. Links are "
	  "followed when "
	  "the task is accepted. Not with tmpfs, and not from the agent's own directories."},
	 mount_source,
	 MOUNT_AT(source)},
	{{"target", "path in the container", NULL,
	  "Where; made if it is missing. Not below /proc, /sys and /dev, except /dev/shm."},
	 mount_target,
	 MOUNT_AT(destination)},
	{{"readonly", "true or false", "false", "The task can't write there."},
	 value_bool,
	 MOUNT_AT(readonly)},
	{{"size", "size from 4K", "64M",
	  "Most memory that a tmpfs takes; counted as the task's memory. Only with tmpfs."},
	 value_bytes,
	 MOUNT_AT(tmpfs_bytes),
	 4096,
	 1ULL << 50},
};

struct rows mount_rows(void)
{
	return ROWS(mount_keys);
}

struct ct_mount *mount_add(struct draft *d)
{
	struct ct_spec *ct = &d->spec.ct;
	struct ct_mount *m;

	if (ct->mounts_nr == CT_MOUNTS_MAX) {
		(void)draft_fail(d, "mounts and devices with a path are more than %d",
				 CT_MOUNTS_MAX);
		return NULL;
	}
	m = &ct->mounts[ct->mounts_nr++];
	m->tmpfs_bytes = CT_UNSET;
	return m;
}

static int parse_mount(struct draft *d, json_t *v, void *data)
{
	const struct rows table = mount_rows();
	struct ct_spec *ct = data;
	struct ct_mount *m = mount_add(d);
	int err;

	if (!m)
		return -EINVAL;
	err = draft_object(d, &table, v, m);
	if (err < 0)
		return err;
	if (!m->destination)
		return draft_fail_at(d, "target", "is missing");
	if (m->tmpfs && m->source)
		return draft_fail_at(d, "source",
				     "given beside \"tmpfs\", only one of them is allowed");
	if (!m->tmpfs && !m->source)
		return draft_fail_at(d, "source",
				     "is missing, allowed is a path, or \"tmpfs\": true "
				     "instead");
	if (!m->tmpfs && m->tmpfs_bytes != CT_UNSET)
		return draft_fail_at(d, "size", "given without \"tmpfs\": true, which it needs");
	for (size_t i = 0; i + 1 < ct->mounts_nr; i++)
		if (!strcmp(ct->mounts[i].destination, m->destination))
			return draft_fail_at(d, "target", "\"%s\" is a target twice",
					     m->destination);
	return 0;
}

int value_mounts(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	(void)row;
	return draft_array(d, v, CT_MOUNTS_MAX, parse_mount, field);
}
