// SPDX-License-Identifier: Apache-2.0
/* Probes of cgroup2: where, which controllers, which files a task's cgroup gets. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/probes_impl.h"
#include "cgroupfs/cgroupfs.h"

#define V1_TEXT_MAX 128

static void mount_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	cleanup_free char *where = NULL;
	char v1[96];
	int err = cg_find_mount("/proc/self/mountinfo", &where);

	(void)c;
	if (err)
		probe_errno(ret, NULL, "cgroup2 in /proc/self/mountinfo", err);
	else
		probe_ok(ret, "%.80s (%s)", where,
			 probe_mount("cgroup", v1, sizeof(v1)) ? "hybrid host: v1 is there, too"
							       : "pure");
}

/* Controllers that v1 hierarchies hold: /proc/cgroups, those with a hierarchy other than 0. */
static void v1_controllers(char *buf, size_t size)
{
	cleanup_fclose FILE *f = fopen("/proc/cgroups", "re");
	char line[256], name[64];
	unsigned int hierarchy;
	size_t len = 0;

	buf[0] = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		int n;

		if (sscanf(line, "%63s %u", name, &hierarchy) != 2 || !hierarchy || len >= size)
			continue;
		n = snprintf(buf + len, size - len, "%s%s", len ? " " : "", name);
		len += n > 0 ? (size_t)n : 0;
	}
}

static void controllers_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	static const enum cg_controller wanted[] = {CG_CPU, CG_MEMORY, CG_PIDS, CG_IO, CG_CPUSET};
	char have[64] = "", lacks[64] = "", v1[V1_TEXT_MAX];
	unsigned int on = 0;
	int err = c->cgroup_fd < 0 ? c->cgroup_fd : cg_controllers(c->cgroup_fd, &on);

	if (err) {
		probe_errno(ret, NULL, "a cgroup of the agent's own", err);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		char *list = on & wanted[i] ? have : lacks;
		size_t len = strlen(list);

		(void)snprintf(list + len, sizeof(have) - len, "%s%s", len ? " " : "",
			       cg_controller_name(wanted[i])); /* fits */
	}
	if (!(~on & (CG_CPU | CG_MEMORY | CG_PIDS | CG_IO))) {
		probe_ok(ret, "%s", have);
		return;
	}
	v1_controllers(v1, sizeof(v1));
	probe_no(ret, *have ? have : "eBPF, freezer and rlimits, see the isolators",
		 "cgroup2 lacks %s here%s%s", lacks, *v1 ? "; v1 hierarchies hold " : "", v1);
}

/* A file that every cgroup has on kernels that can do the thing. */
static void file_run(const struct probe_ctx *c, struct iso_probe *ret, const char *file,
		     const char *gives, const char *instead)
{
	if (c->cgroup_fd < 0)
		probe_errno(ret, instead, "a cgroup of the agent's own", c->cgroup_fd);
	else if (faccessat(c->cgroup_fd, file, F_OK, 0) < 0)
		probe_errno(ret, instead, file, -errno);
	else
		probe_ok(ret, "%s", gives);
}

static void freeze_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	file_run(c, ret, "cgroup.freeze", "tasks can be frozen, the CPU governor works", NULL);
}

static void kill_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	file_run(c, ret, "cgroup.kill", "a task's processes end with one write",
		 "freeze, signal each, thaw");
}

static void pressure_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	file_run(c, ret, "cpu.pressure", "pressure of each task", "pressure of the host only");
}

static void peak_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	file_run(c, ret, "memory.peak", "highest use of memory of each task",
		 "the highest value that was sampled");
}

static void stat_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	file_run(c, ret, "cpu.stat", "CPU time without the cpu controller", NULL);
}

const struct probe_row probes_cgroup[] = {
	{"cgroup2", mount_run},	       {"cgroup2 controllers", controllers_run},
	{"cgroup.freeze", freeze_run}, {"cgroup.kill", kill_run},
	{"cpu.stat", stat_run},	       {"cpu.pressure", pressure_run},
	{"memory.peak", peak_run},     {NULL, NULL},
};
