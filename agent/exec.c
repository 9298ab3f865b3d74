// SPDX-License-Identifier: Apache-2.0
/*
 * One more process in a running container. The agent turns to the container's pid namespace for
 * its next child only (setns(2), CLONE_NEWPID), the child joins the other namespaces itself; the
 * rows of the isolator table that are for every process are applied to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/launch.h"
#include "agent/lib/cleanup.h"

/* A child of ours, born in the pid namespace of the container's init. */
static int clone_inside(const struct container *c, struct launch_child *child, pid_t *ret_pid,
			int *ret_pidfd, int *ret_sync)
{
	bool other = c->iso.spec->namespaces & CLONE_NEWPID;
	cleanup_close int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	int err;

	if (own < 0 || (other && setns(c->iso.pidfd, CLONE_NEWPID)))
		return -errno;
	err = launch_clone(0, child, ret_pid, ret_pidfd, ret_sync);
	if (other && setns(own, CLONE_NEWPID))
		abort(); /* every later container would be born inside this one */
	return err;
}

static int attach_every(struct isolation *iso)
{
	for (int i = 0; iso_table[i]; i++) {
		int err = 0;

		if (iso_table[i]->every && iso_table[i]->attach)
			err = iso_table[i]->attach(iso);
		if (err < 0)
			return iso_fail(iso, err, "%s", iso_table[i]->name);
	}
	return 0;
}

/* READY, then start, then the end of the socket: execve. */
static int see_it_start(struct isolation *iso, int sync)
{
	for (int heard = 0;; heard++) {
		struct launch_report r;
		int n = launch_hear(sync, &r);

		if (n < 0)
			return iso_fail(iso, n, "exec: hearing from the child");
		if (!n)
			return heard ? 0 : iso_fail(iso, -ECHILD, "exec: the child ended early");
		if (r.word == LAUNCH_FAILED)
			return launch_fail(iso, &r);
		n = launch_tell(sync, NULL, 0);
		if (n)
			return iso_fail(iso, n, "exec: the child ended early");
	}
}

static int run(struct container *c, struct isolation *iso, struct launch_child *child,
	       pid_t *ret_pid, int *ret_pidfd)
{
	cleanup_close int sync = -1;
	int err = clone_inside(c, child, &iso->pid, &iso->pidfd, &sync);

	if (err)
		return iso_fail(iso, err, "exec: clone3 into the container");
	err = attach_every(iso);
	if (!err && launch_tell(sync, NULL, 0))
		err = iso_fail(iso, -ECHILD, "exec: the child ended early");
	if (!err)
		err = see_it_start(iso, sync);
	if (err) {
		launch_reap(iso->pidfd);
		close_fd(&iso->pidfd);
		return err;
	}
	*ret_pid = iso->pid;
	*ret_pidfd = take_fd(&iso->pidfd);
	return 0;
}

int ct_exec(struct container *c, const struct ct_process *process, const struct ct_stdio *stdio,
	    pid_t *ret_pid, int *ret_pidfd, struct why *why)
{
	struct ct_spec spec = *c->iso.spec;
	struct isolation iso = c->iso;
	struct launch_child child = {
		.iso = &iso,
		.process = &spec.process,
		.stdio = *stdio,
		.joins = true,
		.join_pidfd = c->iso.pidfd,
		.join_flags = spec.namespaces & ~(uint64_t)CLONE_NEWPID,
	};
	int err;

	if (c->iso.pidfd < 0)
		return why_set(why, -ESRCH, "exec: container %s has ended", spec.id);
	if (!process->args || !process->args[0])
		return why_set(why, -EINVAL, "process.args: at least the program's name");
	if (process->capabilities & ~spec.process.capabilities)
		return why_set(why, -EPERM, "exec: capabilities 0x%llx are not the container's",
			       (unsigned long long)(process->capabilities &
						    ~spec.process.capabilities));
	spec.process = *process;
	iso.spec = &spec;
	iso.why.text[0] = '\0';
	iso.handed_nr = 0;
	err = run(c, &iso, &child, ret_pid, ret_pidfd);
	if (err && why && !why->text[0])
		*why = iso.why;
	return err;
}
