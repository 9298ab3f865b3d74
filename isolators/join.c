// SPDX-License-Identifier: Apache-2.0
/* See join.h. Source: setns(2), time_namespaces(7), runtime-spec config-linux.md, "Namespaces". */
#include "isolators/join.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/oci.h"

static const struct {
	uint64_t flag;
	const char *oci, *kernel;
} kinds[NS_KINDS] = {
	{CLONE_NEWUSER, "user", "user"},       {CLONE_NEWNS, "mount", "mnt"},
	{CLONE_NEWPID, "pid", "pid"},	       {CLONE_NEWNET, "network", "net"},
	{CLONE_NEWIPC, "ipc", "ipc"},	       {CLONE_NEWUTS, "uts", "uts"},
	{CLONE_NEWCGROUP, "cgroup", "cgroup"}, {CLONE_NEWTIME, "time", "time"},
};

uint64_t ns_flag(const char *name)
{
	for (size_t i = 0; i < NS_KINDS; i++)
		if (!strcmp(kinds[i].oci, name))
			return kinds[i].flag;
	return 0;
}

const char *ns_name(uint64_t flag)
{
	for (size_t i = 0; i < NS_KINDS; i++)
		if (kinds[i].flag == flag)
			return kinds[i].kernel;
	return NULL;
}

static size_t kind_of(uint64_t flag)
{
	for (size_t i = 0; i < NS_KINDS; i++)
		if (kinds[i].flag == flag)
			return i;
	abort();
}

/* Remember the way back from a kind of namespace. */
static int keep_own(struct isolation *iso, struct ns_own *own, size_t kind)
{
	char path[32];

	if (own->fds[kind] > 0)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[kind].kernel); /* fits */
	own->fds[kind] = open(path, O_RDONLY | O_CLOEXEC);
	return own->fds[kind] < 0 ? iso_fail(iso, -errno, "%s", path) : 0;
}

static int join_one(struct isolation *iso, const struct oci_join *j, struct ns_own *own)
{
	size_t kind = kind_of(j->flag);
	cleanup_close int fd = -1;
	int err;

	/* the child enters these two: bundle.c, launch.c */
	if (j->flag == CLONE_NEWNS || j->flag == CLONE_NEWUSER)
		return 0;
	fd = open(j->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return iso_fail(iso, -errno, "linux.namespaces: %s", j->path);
	err = keep_own(iso, own, kind);
	if (err)
		return err;
	if (setns(fd, (int)j->flag))
		return iso_fail(iso, -errno, "linux.namespaces: joining %s as a %s namespace",
				j->path, kinds[kind].oci);
	return 0;
}

/* Offsets can be given only while nobody is inside: user_namespaces(7) has no say in this. */
static int make_time(struct isolation *iso, struct ns_own *own)
{
	const struct oci_pairs *p = &iso->spec->oci->time_offsets;
	int err = keep_own(iso, own, kind_of(CLONE_NEWTIME));
	char text[128];

	if (err)
		return err;
	if (unshare(CLONE_NEWTIME))
		return iso_fail(iso, -errno, "linux.namespaces: time");
	cleanup_close int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);

	for (size_t i = 0; i < p->nr; i++) {
		int n = snprintf(text, sizeof(text), "%s %s\n", p->items[i].key, p->items[i].value);

		if (fd < 0 || n >= (int)sizeof(text) || write(fd, text, (size_t)n) != n)
			return iso_fail(iso,
					fd < 0			? -errno
					: n < (int)sizeof(text) ? -errno
								: -E2BIG,
					"linux.timeOffsets.%s: %s", p->items[i].key,
					p->items[i].value);
	}
	return 0;
}

static const char *joined(const struct ct_spec *spec, uint64_t flag)
{
	for (size_t i = 0; spec->oci && i < spec->oci->joins_nr; i++)
		if (spec->oci->joins[i].flag == flag)
			return spec->oci->joins[i].path;
	return NULL;
}

const char *ns_joined_user(const struct ct_spec *spec)
{
	return joined(spec, CLONE_NEWUSER);
}

const char *ns_joined_mount(const struct ct_spec *spec)
{
	return joined(spec, CLONE_NEWNS);
}

bool ns_joins_cgroup(const struct ct_spec *spec)
{
	return joined(spec, CLONE_NEWCGROUP);
}

bool ns_has_user(const struct ct_spec *spec)
{
	return spec->namespaces & CLONE_NEWUSER || ns_joined_user(spec);
}

int ns_join(struct isolation *iso, struct ns_own *own)
{
	const struct ct_oci *oci = iso->spec->oci;
	int err = 0;

	for (size_t i = 0; i < oci->joins_nr && !err; i++)
		err = join_one(iso, &oci->joins[i], own);
	if (!err && iso->spec->namespaces & CLONE_NEWTIME)
		err = make_time(iso, own);
	return err;
}

void ns_return(struct ns_own *own)
{
	for (size_t i = 0; i < NS_KINDS; i++) {
		if (own->fds[i] <= 0)
			continue;
		if (setns(own->fds[i], (int)kinds[i].flag))
			abort();
		close_fd(&own->fds[i]);
	}
}

static int ns_stat(const char *who, size_t kind, struct stat *ret)
{
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/%s/ns/%s", who, kinds[kind].kernel); /* fits */
	return stat(path, ret) ? -errno : 0;
}

int ns_foreign(pid_t pid, uint64_t *ret)
{
	char who[16];
	uint64_t flags = 0;

	(void)snprintf(who, sizeof(who), "%d", (int)pid); /* fits */
	for (size_t i = 0; i < NS_KINDS; i++) {
		struct stat theirs, ours;
		int err = ns_stat("self", i, &ours);

		if (err == -ENOENT)
			continue; /* a kernel without this kind */
		if (!err)
			err = ns_stat(who, i, &theirs);
		if (err)
			return err == -ENOENT ? -ESRCH : err;
		if (theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev)
			flags |= kinds[i].flag;
	}
	*ret = flags;
	return 0;
}
