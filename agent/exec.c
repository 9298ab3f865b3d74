// SPDX-License-Identifier: Apache-2.0
/*
 * One more process in a running container. The agent turns to the container's pid namespace for
 * its next child only (setns(2), CLONE_NEWPID), the child joins the other namespaces itself; the
 * rows of the isolator table that are for every process are applied to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/launch.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/weaken.h"
#include "isolators/credentials.h"
#include "isolators/join.h"
#include "isolators/oci.h"
#include "isolators/seccomp_notify.h"

/* A child of ours, born in the pid namespace of the container's init. */
static int clone_inside(struct isolation *iso, struct launch_child *child, struct launch **ret)
{
	const struct ct_oci *oci = iso->spec->oci;
	bool other = child->join_flags & CLONE_NEWPID && !(oci && oci->one_way);
	cleanup_close int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	int err;

	if (own < 0)
		return iso_fail(iso, -errno, "/proc/self/ns/pid");
	if (other && setns(child->keep[KEEP_JOIN], CLONE_NEWPID))
		return iso_fail(iso, -errno, "joining the container's processes");
	if (oci && oci->one_way)
		child->born_flags = child->join_flags & CLONE_NEWPID;
	if (oci && oci->unprivileged) /* from inside it only is there a way to the others */
		child->born_flags |= child->join_flags & CLONE_NEWUSER;
	child->join_flags &= ~(child->born_flags | CLONE_NEWPID);
	err = launch_clone(0, child, ret);
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

static int run(struct isolation *iso, struct launch_child *child)
{
	struct launch *l = NULL;
	int err;

	child->keep[KEEP_NOTIFY] = seccomp_supervisor(iso);
	err = child->keep[KEEP_NOTIFY] < -1 ? child->keep[KEEP_NOTIFY] : 0;
	if (!err)
		err = clone_inside(iso, child, &l);
	close_fd(&child->keep[KEEP_NOTIFY]);
	if (err)
		return err;
	err = attach_every(iso);
	if (!err) {
		/* one that ended is heard of below */
		(void)launch_tell(l, iso->handed, iso->handed_nr);
		iso->handed_nr = 0;
		err = launch_wait(l, iso, LAUNCH_WAITS);
	}
	if (!err) {
		(void)launch_tell(l, NULL, 0); /* likewise */
		err = launch_wait(l, iso, LAUNCH_EXECS);
	}
	(void)launch_free(l); /* always NULL */
	if (!err)
		return 0;
	launch_reap(iso->pidfd);
	close_fd(&iso->pidfd);
	return err;
}

static bool has_ended(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	return pidfd < 0 || poll(&p, 1, 0) > 0;
}

static int check(const struct container *c, const struct ct_process *p, struct why *why)
{
	const struct ct_spec *spec = c->iso.spec;
	uint64_t more = p->capabilities & ~spec->process.capabilities;
	char text[CAPS_TEXT_MAX];

	if (c->launch)
		return why_set(why, -EINVAL, "exec: container %s has not been started", spec->id);
	if (has_ended(c->iso.pidfd))
		return why_set(why, -ESRCH, "exec: container %s has ended", spec->id);
	if (!p->args || !p->args[0])
		return why_set(why, -EINVAL, "args: at least the program's name is needed");
	if (!p->cwd || p->cwd[0] != '/')
		return why_set(why, -EINVAL, "cwd=%s: allowed is an absolute path",
			       p->cwd ? p->cwd : "");
	if (more && !spec->oci && !weakened("exec_caps"))
		return why_set(why, -EPERM, "capabilities: the container itself lacks %s",
			       caps_to_text(more, text, sizeof(text)));
	return credentials_check(spec, p, why);
}

/* A mount namespace that was joined has another root than the container. */
static int hand_root(struct isolation *iso, pid_t init)
{
	char path[32];
	int fd;

	if (!ns_joined_mount(iso->spec))
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)init); /* fits */
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return iso_fail(iso, -errno, "exec: %s", path);
	iso->own_root = iso_reserve(iso);
	iso->handed[iso->own_root] = fd;
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
		.keep = {[KEEP_SYNC] = -1,
			 [KEEP_JOIN] = c->iso.pidfd,
			 [KEEP_START] = -1,
			 [KEEP_PAGE] = -1,
			 [KEEP_NOTIFY] = -1},
	};
	int err = check(c, process, why);

	if (!err)
		err = ns_foreign(c->iso.pid, &child.join_flags);
	if (err)
		return why_set(why, err, "exec: container %s has ended", spec.id);
	spec.process = *process;
	spec.process.no_new_privileges |= c->iso.spec->process.no_new_privileges;
	iso.spec = &spec;
	iso.pid = 0;
	iso.pidfd = -1;
	iso.why.text[0] = '\0';
	iso.handed_nr = 0;
	iso.notify_state = NULL;
	if (spec.oci && spec.oci->process.terminal)
		iso.console = iso_reserve(&iso); /* the first of many */
	err = hand_root(&iso, c->iso.pid);
	if (!err)
		err = run(&iso, &child);
	free(iso.notify_state);
	if (err) {
		if (why && !why->text[0])
			*why = iso.why;
		return err;
	}
	*ret_pid = iso.pid;
	*ret_pidfd = iso.pidfd;
	return 0;
}
