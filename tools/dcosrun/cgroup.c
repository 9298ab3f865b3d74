// SPDX-License-Identifier: Apache-2.0
/* Where a container's cgroup is. Source: runtime-spec config-linux.md, "Cgroups Path". */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "cgroupfs/cgroupfs.h"
#include "tools/dcosrun/rt.h"

#define DEFAULT_PARENT	"/dcosrun"
#define ALL_CONTROLLERS (CG_CPU | CG_MEMORY | CG_PIDS | CG_IO | CG_CPUSET)

static int open_mount(struct why *why)
{
	cleanup_free char *path = NULL;
	int err = cg_find_mount("/proc/self/mountinfo", &path), fd;

	if (err)
		return why_set(why, err, "cgroup2 is not mounted");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? why_set(why, -errno, "%s", path) : fd;
}

int rt_cgroup_open(const char *path, struct why *why)
{
	cleanup_close int mount = open_mount(why);
	int fd;

	while (*path == '/')
		path++;
	if (mount < 0)
		return mount;
	if (!*path)
		return take_fd(&mount);
	fd = cg_open(mount, path, false);
	return fd < 0 ? why_set(why, fd, "cgroup /%s", path) : fd;
}

int rt_cgroup_own(void)
{
	cleanup_free char *path = NULL;

	return cg_own(0, &path) ? -1 : rt_cgroup_open(path, NULL);
}

/* Controllers for the children, on all the way down; what can't be had shows when it is used. */
static int make_way(struct rt *rt, const char *path)
{
	cleanup_close int fd = open_mount(&rt->why);
	char part[256];

	while (fd >= 0) {
		size_t len;
		int next;

		path += strspn(path, "/");
		(void)cg_enable(fd, ALL_CONTROLLERS, NULL);
		len = strcspn(path, "/");
		if (!len)
			break;
		if (len >= sizeof(part))
			return why_set(&rt->why, -ENAMETOOLONG, "linux.cgroupsPath: %.64s", path);
		memcpy(part, path, len);
		part[len] = '\0';
		next = cg_open(fd, part, true);
		if (next < 0)
			return why_set(&rt->why, next, "linux.cgroupsPath: cgroup %s", part);
		close_fd(&fd);
		fd = next;
		path += len;
	}
	return take_fd(&fd);
}

static int check_path(struct rt *rt, const char *path)
{
	for (const char *p = path; *p; p += strcspn(p, "/")) {
		p += strspn(p, "/");
		if (p[0] == '.' && p[1] == '.' && (!p[2] || p[2] == '/'))
			return why_set(&rt->why, -EINVAL,
				       "linux.cgroupsPath: %s: allowed is a path without \"..\"",
				       path);
	}
	return 0;
}

/* A path that does not begin with "/" is below our own place: the specification leaves it to us. */
static char *path_of(const struct config *c, const char *id)
{
	char *path = NULL;
	size_t len;

	if (!c->cgroups_path)
		len = (size_t)asprintf(&path, DEFAULT_PARENT "/%s", id);
	else if (c->cgroups_path[0] == '/')
		len = (size_t)asprintf(&path, "%s", c->cgroups_path);
	else
		len = (size_t)asprintf(&path, DEFAULT_PARENT "/%s", c->cgroups_path);
	while (path && len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	return path;
}

int rt_cgroup_make(struct rt *rt, struct config *c, const char *id, char **ret_path)
{
	cleanup_free char *path = NULL, *above = NULL;
	char *name;
	int fd, err;

	if (rt->systemd_cgroup) {
		err = rt_scope_make(rt, c, id, &path);
		if (err)
			return err;
		c->oci.cgroup_given = true;
	} else {
		path = path_of(c, id);
	}
	above = path ? strdup(path) : NULL;
	name = above ? strrchr(above, '/') : NULL;
	if (!name)
		return why_set(&rt->why, -ENOMEM, "linux.cgroupsPath");
	err = check_path(rt, path);
	if (err)
		return err;
	if (!name[1])
		return why_set(&rt->why, -EINVAL,
			       "linux.cgroupsPath: %s: allowed is a place for "
			       "the container alone",
			       path);
	*name = '\0';
	fd = make_way(rt, above);
	if (fd < 0)
		return fd;
	c->oci.cgroup = cf_text(c, "%s", name + 1);
	if (!c->oci.cgroup) {
		(void)close(fd); /* nothing was written */
		return -ENOMEM;
	}
	*ret_path = take_ptr(path);
	return fd;
}
