// SPDX-License-Identifier: Apache-2.0
/*
 * The container's own cgroup: made first, removed last, with whatever the task made below it.
 * No process is ever moved: the first one is born inside by CLONE_INTO_CGROUP, since a write to
 * cgroup.procs waits for an RCU grace period, the time of ten launches.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/knobs.h"
#include "isolators/oci.h"
#include "isolators/rows.h"

/* The file system of cgroups is tried with one that no container's name can be. */
static int cgroup_probe(const struct iso_host *host, struct iso_probe *ret)
{
	static const enum cg_controller bits[] = {CG_CPU, CG_MEMORY, CG_PIDS, CG_IO, CG_CPUSET};
	unsigned int on = 0;
	size_t len;
	char name[32];
	int err;

	ret->name = "cgroup v2";
	(void)snprintf(name, sizeof(name), ".probe.%d", (int)getpid()); /* fits */
	err = mkdirat(host->cgroup_fd, name, 0755) < 0 ? -errno : cg_remove(host->cgroup_fd, name);
	if (!err)
		err = cg_subtree_controllers(host->cgroup_fd, &on);
	ret->ok = !err;
	if (err) {
		(void)snprintf(ret->reason, sizeof(ret->reason),
			       "making a cgroup below the agent's own: %s", strerror(-err));
		return 0;
	}
	len = (size_t)snprintf(ret->how, sizeof(ret->how), "controllers for tasks:%s",
			       on ? "" : " none");
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		if (on & bits[i])
			len += (size_t)snprintf(ret->how + len, sizeof(ret->how) - len, " %s",
						cg_controller_name(bits[i])); /* all fit */
	return 0;
}

/* A runtime is told where its cgroup is; a task's has the name of the task. */
static const char *name_of(const struct isolation *iso)
{
	return iso->spec->oci ? iso->spec->oci->cgroup : iso->spec->id;
}

/* It stays in the cgroup of who makes it. */
static bool has_none(const struct isolation *iso)
{
	return iso->spec->oci && !iso->spec->oci->cgroup;
}

static int cgroup_open(struct isolation *iso)
{
	const char *name = name_of(iso);
	cleanup_close int fd = has_none(iso) ? -1 : cg_open(iso->host->cgroup_fd, name, false);
	uint64_t id;
	int err;

	if (has_none(iso))
		return 0;
	if (fd < 0)
		return iso_fail(iso, fd, "cgroup %s", name);
	err = cg_id(fd, &id);
	if (err)
		return iso_fail(iso, err, "id of cgroup %s", name);
	iso->cgroup_fd = take_fd(&fd);
	iso->cgroup_id = id;
	return 0;
}

/* systemd makes the cgroups of its scopes itself; errno is kept. */
static bool is_given(const struct isolation *iso)
{
	int saved = errno;
	bool populated = true;
	cleanup_close int fd =
		iso->spec->oci ? cg_open(iso->host->cgroup_fd, name_of(iso), false) : -1;
	bool given = fd >= 0 && (iso->spec->oci->cgroup_given ||
				 (!cg_populated(fd, &populated) && !populated));

	errno = saved;
	return given;
}

static int cgroup_prepare(struct isolation *iso)
{
	const char *id = name_of(iso);
	int err;

	if (has_none(iso))
		return 0;
	if (!iso->spec->oci && !ct_id_valid(id))
		return iso_fail(iso, -EINVAL,
				"id=%s: allowed are 1..%d of [A-Za-z0-9_+.-], the first not a dot",
				id ? id : "", CT_ID_MAX);
	if (mkdirat(iso->host->cgroup_fd, id, 0755) < 0 && !(errno == EEXIST && is_given(iso)))
		return iso_fail(iso, -errno, "cgroup %s", id);
	err = cgroup_open(iso);
	if (err) {
		(void)cg_remove(iso->host->cgroup_fd, id); /* empty, and just made here */
		return err;
	}
	if (iso->spec->oci)
		return 0;
	/* so that what the task makes below can always be walked and removed */
	err = cg_write_u64(iso->cgroup_fd, "cgroup.max.depth", CG_DEPTH_MAX);
	if (err)
		return iso_fail(iso, err, "cgroup.max.depth=%d", CG_DEPTH_MAX);
	return 0;
}

static int cgroup_sample(const struct isolation *iso, struct iso_sample *ret)
{
	static const char *const keys[] = {"usage_usec", "user_usec", "system_usec", NULL};
	uint64_t v[] = {ret->cpu_usage_us, ret->cpu_user_us, ret->cpu_system_us};
	int n = cg_read_keys(iso->cgroup_fd, "cpu.stat", keys, v);

	if (n < 0)
		return n;
	ret->cpu_usage_us = v[0];
	ret->cpu_user_us = v[1];
	ret->cpu_system_us = v[2];
	/* pressure may be off: then it stays unset */
	(void)cg_read_pressure(iso->cgroup_fd, "cpu.pressure", &ret->cpu_some_us,
			       &ret->cpu_full_us);
	(void)cg_read_pressure(iso->cgroup_fd, "memory.pressure", &ret->memory_some_us,
			       &ret->memory_full_us);
	(void)cg_read_pressure(iso->cgroup_fd, "io.pressure", &ret->io_some_us, &ret->io_full_us);
	return 0;
}

/* cgroup_fd stays open when the cgroup could not be removed: a second call tries again. */
static void cgroup_cleanup(struct isolation *iso)
{
	int err;

	if (iso->cgroup_fd < 0)
		return;
	(void)cg_kill(iso->cgroup_fd); /* one that fails shows as a cgroup that can't be removed */
	err = cg_remove(iso->host->cgroup_fd, name_of(iso));
	if (err)
		(void)iso_fail(iso, err, "removing cgroup %s", name_of(iso)); /* kept in why */
	else
		close_fd(&iso->cgroup_fd);
}

const struct isolator cgroup_isolator = {
	.name = "cgroup",
	.probe = cgroup_probe,
	.prepare = cgroup_prepare,
	.sample = cgroup_sample,
	.recover = cgroup_open,
	.cleanup = cgroup_cleanup,
};
