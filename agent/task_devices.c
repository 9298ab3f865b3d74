// SPDX-License-Identifier: Apache-2.0
/* "devices": what a task may open beside the default set, by numbers or by a path of the host. */
#include "agent/task_draft.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "agent/path.h"

#define DEV_MAJOR_MAX ((1U << 12) - 1) /* MAJORBITS and MINORBITS of the kernel */
#define DEV_MINOR_MAX ((1U << 20) - 1)

struct want_device {
	char *path;
	uint64_t type, major, minor; /* type: a letter; CT_UNSET: not given */
	struct ct_device dev;
};

static int device_path(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	char **path = field;
	int err = value_path(d, row, v, path);

	if (err < 0)
		return err;
	if (!path_within(*path, "/dev") || !strcmp(*path, "/dev"))
		return draft_fail(d, "\"%s\" is not allowed, allowed is a path below /dev", *path);
	return check_exists(d, *path, false);
}

static int device_type(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	const char *s = NULL;
	int err = draft_text(d, v, 1, 1, &s);

	(void)row;
	if (err < 0)
		return err;
	if (!strchr("cba", *s))
		return draft_fail(d, "%s is not allowed, allowed is \"c\", \"b\" or \"a\"",
				  draft_show(d, v));
	*(uint64_t *)field = (uint64_t)*s;
	return 0;
}

static int device_access(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	struct ct_device *dev = field;
	const char *s = NULL;
	int err = draft_text(d, v, 1, 3, &s);

	(void)row;
	if (err < 0)
		return err;
	dev->read = strchr(s, 'r');
	dev->write = strchr(s, 'w');
	dev->mknod = strchr(s, 'm');
	if ((size_t)dev->read + dev->write + dev->mknod != strlen(s))
		return draft_fail(d,
				  "%s is not allowed, allowed are the letters r, w and m, each at "
				  "most once",
				  draft_show(d, v));
	return 0;
}

#define DEVICE_AT(member) offsetof(struct want_device, member)

static const struct task_row device_keys[] = {
	{{"path", "path below /dev on the host", NULL,
	  "The device itself appears in the container at the same path. Without it the device is "
	  "only allowed, by its numbers."},
	 device_path,
	 DEVICE_AT(path)},
	{{"type", "\"c\", \"b\" or \"a\"", "that of path",
	  "Character device, block device, or all of both, which takes no numbers."},
	 device_type,
	 DEVICE_AT(type)},
	{{"major", "number 0..4095", "that of path, or any", "Major number."},
	 value_number,
	 DEVICE_AT(major),
	 0,
	 DEV_MAJOR_MAX},
	{{"minor", "number 0..1048575", "that of path, or any", "Minor number."},
	 value_number,
	 DEVICE_AT(minor),
	 0,
	 DEV_MINOR_MAX},
	{{"access", "letters of \"rwm\"", "\"rw\"", "Read, write, make a node."},
	 device_access,
	 DEVICE_AT(dev)},
};

struct rows device_rows(void)
{
	return ROWS(device_keys);
}

/* Numbers of a path that were not given; those that were must be right. */
static int ask_device(struct draft *d, struct want_device *w)
{
	struct stat st;
	char desc[128];
	char type;

	if (d->restore)
		return 0;
	if (stat(w->path, &st) < 0)
		return draft_fail_at(d, "path", "\"%s\" can't be used: %s", w->path,
				     strerror_r(errno, desc, sizeof(desc)));
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return draft_fail_at(d, "path", "\"%s\" is not a device", w->path);
	type = S_ISCHR(st.st_mode) ? 'c' : 'b';
	if ((w->type != CT_UNSET && w->type != (uint64_t)type) ||
	    (w->major != CT_UNSET && w->major != major(st.st_rdev)) ||
	    (w->minor != CT_UNSET && w->minor != minor(st.st_rdev)))
		return draft_fail_at(d, "path", "\"%s\" is the device %c %u:%u, not the one given",
				     w->path, type, major(st.st_rdev), minor(st.st_rdev));
	w->type = (uint64_t)type;
	w->major = major(st.st_rdev);
	w->minor = minor(st.st_rdev);
	return 0;
}

/* The node becomes a mount of the host's own, found by the path without links. */
static int mount_device(struct draft *d, const char *path)
{
	struct ct_spec *ct = &d->spec.ct;
	char real[PATH_MAX], desc[128];
	struct ct_mount *m;
	int err;

	for (size_t i = 0; i < ct->mounts_nr; i++)
		if (!strcmp(ct->mounts[i].destination, path))
			return draft_fail_at(d, "path", "\"%s\" is given twice", path);
	if (!d->restore && !realpath(path, real))
		return draft_fail_at(d, "path", "\"%s\" can't be used: %s", path,
				     strerror_r(errno, desc, sizeof(desc)));
	m = mount_add(d);
	if (!m)
		return -EINVAL;
	err = draft_strdup(d, d->restore ? path : real, &m->source);
	return err < 0 ? err : draft_strdup(d, path, &m->destination);
}

static int settle_device(struct draft *d, struct want_device *w)
{
	struct ct_spec *ct = &d->spec.ct;
	int err = w->path ? ask_device(d, w) : 0;

	if (err < 0)
		return err;
	if (w->type == CT_UNSET)
		return draft_fail_at(d, "type",
				     "is missing, allowed is \"c\" or \"b\", or a path "
				     "instead");
	if (w->type == 'a' && (w->major != CT_UNSET || w->minor != CT_UNSET))
		return draft_fail_at(d, "type", "\"a\" is not allowed with numbers");
	w->dev.type = (char)w->type;
	w->dev.major = w->major == CT_UNSET ? -1 : (int64_t)w->major;
	w->dev.minor = w->minor == CT_UNSET ? -1 : (int64_t)w->minor;
	ct->devices[ct->devices_nr++] = w->dev;
	return w->path ? mount_device(d, w->path) : 0;
}

static int parse_device(struct draft *d, json_t *v, void *data)
{
	const struct rows table = device_rows();
	struct want_device w = {
		.type = CT_UNSET,
		.major = CT_UNSET,
		.minor = CT_UNSET,
		.dev = {.read = true, .write = true},
	};
	int err = draft_object(d, &table, v, &w);

	(void)data;
	if (!err)
		err = settle_device(d, &w);
	free(w.path);
	return err;
}

int value_devices(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	(void)row;
	return draft_array(d, v, CT_DEVICES_MAX, parse_device, field);
}
