// SPDX-License-Identifier: Apache-2.0
/*
 * dcos-keeper: the one process of the unit that owns the tasks' cgroups (dcos-tasks.service).
 * It moves itself into a leaf, so that the controllers can be enabled for its siblings, makes the
 * directory below which the agent works, and waits. systemd sees a unit that is up as long as the
 * delegation shall hold; tasks live in it and outlast the agent.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "agent/lib/cleanup.h"
#include "cgroupfs/cgroupfs.h"

#define KEEPER_CONTROLLERS (CG_CPU | CG_MEMORY | CG_PIDS | CG_IO)

static int fail(const char *what, int err)
{
	fprintf(stderr, "dcos-keeper: %s: %s\n", what, strerror(-err));
	return 1;
}

int main(int argc, char **argv)
{
	cleanup_free char *mnt = NULL, *own = NULL;
	unsigned int on;
	int err;

	if (argc > 1)
		return fprintf(stderr, "dcos-keeper: %s: takes no arguments\n", argv[1]), 2;
	err = cg_find_mount("/proc/self/mountinfo", &mnt) ?: cg_own(0, &own);
	if (err)
		return fail("its cgroup", err);
	cleanup_close int root = open(mnt, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int unit = root < 0 ? -errno : cg_open(root, own[1] ? own + 1 : ".", false);
	cleanup_close int leaf = unit < 0 ? unit : cg_open(unit, "keeper", true);
	cleanup_close int tasks = unit < 0 ? unit : cg_open(unit, "tasks", true);

	if (leaf < 0 || tasks < 0)
		return fail(own, leaf < 0 ? leaf : tasks);
	err = cg_write(leaf, "cgroup.procs", "0");
	if (err)
		return fail("moving to the leaf keeper", err);
	/* what cannot be enabled is shown by the agent's doctor */
	(void)cg_enable(unit, KEEPER_CONTROLLERS, &on);
	(void)cg_enable(tasks, KEEPER_CONTROLLERS, &on);
	(void)sd_notify(0, "READY=1"); /* nobody listens without systemd */
	for (;;)
		pause(); /* until a signal ends it */
}
