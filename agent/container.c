// SPDX-License-Identifier: Apache-2.0
/* Containers: walks the isolator table forwards to build and backwards to undo. */
#include "agent/container.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/launch.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/crash.h"
#include "cgroupfs/cgroupfs.h"
#include "isolators/join.h"
#include "isolators/oci.h"
#include "isolators/seccomp_notify.h"

static struct container *ct_new(const struct iso_host *host, const struct ct_spec *spec)
{
	struct container *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->iso = (struct isolation){
		.host = host, .spec = spec, .res = spec->resources, .cgroup_fd = -1, .pidfd = -1};
	return c;
}

void ct_release(struct container *c)
{
	if (!c)
		return;
	for (int i = 0; iso_table[i]; i++)
		if (iso_table[i]->release)
			iso_table[i]->release(&c->iso);
	for (int i = 0; i < c->iso.handed_nr; i++)
		close_fd(&c->iso.handed[i]);
	for (int i = 0; i < c->iso.warnings_nr; i++)
		free(c->iso.warnings[i]);
	free(c->iso.notify_state);
	close_fd(&c->iso.cgroup_fd);
	close_fd(&c->iso.pidfd);
	c->launch = launch_free(c->launch);
	free(c);
}

static int walk(struct isolation *iso, size_t verb)
{
	for (int i = 0; iso_table[i]; i++) {
		int (*fn)(struct isolation *);
		int err;

		memcpy(&fn, (const char *)iso_table[i] + verb, sizeof(fn));
		err = fn ? fn(iso) : 0;
		if (fn)
			CRASH_POINT("container.row_built");
		if (err < 0)
			return iso_fail(iso, err, "%s", iso_table[i]->name);
	}
	return 0;
}

#define WALK(iso, verb) walk(iso, offsetof(struct isolator, verb))

static int spec_check(const struct ct_spec *spec, struct why *why)
{
	if (!spec->process.args || !spec->process.args[0])
		return why_set(why, -EINVAL, "args: at least the program's name is needed");
	if (!spec->process.cwd || spec->process.cwd[0] != '/')
		return why_set(why, -EINVAL, "cwd=%s: allowed is an absolute path",
			       spec->process.cwd ? spec->process.cwd : "");
	return 0;
}

/* Who was born out of another cgroup namespace has not been put where it belongs. */
static int place_joined(struct isolation *iso)
{
	char text[16];
	int err;

	if (iso->cgroup_fd < 0 || !ns_joins_cgroup(iso->spec))
		return 0;
	(void)snprintf(text, sizeof(text), "%d", (int)iso->pid); /* fits */
	err = cg_write(iso->cgroup_fd, "cgroup.procs", text);
	return err ? iso_fail(iso, err, "cgroup.procs") : 0;
}

/* Namespaces that exist are the process' own while its child is born. */
static int clone_joined(struct isolation *iso, struct launch_child *child, struct launch **ret)
{
	const struct ct_oci *oci = iso->spec->oci;
	struct ns_own own = {{0}};
	int err = oci && !oci->one_way ? ns_join(iso, &own) : 0;

	if (!err)
		err = launch_clone(iso->clone_flags, child, ret);
	ns_return(&own);
	return err ? err : place_joined(iso);
}

/* The child is where hooks of the runtime's side want it. */
static int run_hooks(struct container *c)
{
	const struct ct_oci *oci = c->iso.spec->oci;
	int err;

	if (!oci || !oci->runtime_hooks)
		return 0;
	c->launch->deadline_ms = -1; /* hooks have deadlines of their own */
	err = launch_wait(c->launch, &c->iso, LAUNCH_WAITS);
	if (!err)
		err = oci->runtime_hooks(oci->runtime_ctx, c->iso.pid, &c->iso.why);
	if (!err)
		(void)launch_tell(c->launch, NULL, 0); /* one that ended is heard of later */
	return err;
}

static int build(struct container *c, const struct ct_stdio *stdio)
{
	struct isolation *iso = &c->iso;
	struct launch_child child = {
		.iso = iso,
		.process = &iso->spec->process,
		.stdio = *stdio,
		.keep = {-1, -1, iso->spec->oci ? iso->spec->oci->start_fd : -1, -1, -1},
	};
	int err = WALK(iso, prepare);

	if (!err) {
		child.keep[KEEP_NOTIFY] = seccomp_supervisor(iso);
		err = child.keep[KEEP_NOTIFY] < -1 ? child.keep[KEEP_NOTIFY] : 0;
	}
	if (!err)
		err = clone_joined(iso, &child, &c->launch);
	close_fd(&child.keep[KEEP_NOTIFY]);
	CRASH_POINT("launch.cloned");
	if (!err)
		err = WALK(iso, attach);
	if (err)
		return err;
	/* one that ended early is heard of below */
	(void)launch_tell(c->launch, iso->handed, iso->handed_nr);
	iso->handed_nr = 0;
	CRASH_POINT("launch.told");
	err = run_hooks(c);
	return err ? err : launch_wait(c->launch, iso, LAUNCH_WAITS);
}

int ct_create(const struct iso_host *host, const struct ct_spec *spec, const struct ct_stdio *stdio,
	      struct container **ret, struct why *why)
{
	struct container *c;
	int err = spec_check(spec, why);

	if (err)
		return err;
	c = ct_new(host, spec);
	if (!c)
		return why_set(why, -ENOMEM, "container %s", spec->id);
	err = build(c, stdio);
	if (!err) {
		*ret = c;
		return 0;
	}
	if (why && !why->text[0])
		*why = c->iso.why;
	(void)ct_destroy(
		c); /* only what its own rows have made; the error that counts is the first */
	return err;
}

int ct_start(struct container *c, struct why *why)
{
	int err;

	if (!c->launch)
		return why_set(why, -EINVAL, "start: the container has been started already");
	(void)launch_tell(c->launch, NULL, 0); /* one that ended is heard of below */
	CRASH_POINT("launch.start_told");
	err = launch_wait(c->launch, &c->iso, LAUNCH_EXECS);
	c->launch = launch_free(c->launch);
	if (!err)
		return 0;
	launch_reap(c->iso.pidfd);
	if (why && !why->text[0])
		*why = c->iso.why;
	return err;
}

int ct_start_by(int sync, struct why *why)
{
	struct isolation iso = {0}; /* the sentence only */
	struct launch *l;
	int err = launch_from(sync, &l);

	if (err)
		return why_set(why, err, "start: the process that was created has ended");
	(void)launch_tell(l, NULL, 0); /* one that ended is heard of below */
	err = launch_wait(l, &iso, LAUNCH_EXECS);
	(void)launch_free(l); /* always NULL */
	if (err && why && !why->text[0])
		*why = iso.why;
	return err;
}

int ct_signal(struct container *c, int sig)
{
	if (sig < 1 || sig > SIGRTMAX)
		return -EINVAL;
	if (c->iso.pidfd < 0)
		return -ESRCH;
	return syscall(SYS_pidfd_send_signal, c->iso.pidfd, sig, NULL, 0) ? -errno : 0;
}

int ct_kill(struct container *c)
{
	return cg_kill(c->iso.cgroup_fd);
}

/* Those of limits that were not set, and of those of before, which the task has already. */
static void drop_warnings(struct isolation *iso)
{
	while (iso->warnings_nr > 0)
		free(iso->warnings[--iso->warnings_nr]);
}

int ct_update(struct container *c, const struct ct_resources *res, struct why *why)
{
	struct ct_resources old = c->iso.res;
	int i, err = 0;

	c->iso.why.text[0] = '\0';
	c->iso.res = *res;
	for (i = 0; iso_table[i] && !err; i++) {
		err = iso_table[i]->update ? iso_table[i]->update(&c->iso) : 0;
		if (iso_table[i]->update)
			CRASH_POINT("update.row_held");
	}
	if (!err)
		return 0;
	if (why && !why->text[0])
		*why = c->iso.why;
	c->iso.res = old;
	while (i-- > 0) /* the row that failed, too: it may have done a part */
		if (iso_table[i]->update)
			(void)iso_table[i]->update(&c->iso); /* held a moment ago */
	drop_warnings(&c->iso);
	return err;
}

int ct_sample(const struct container *c, struct iso_sample *ret)
{
	struct iso_sample s;
	int err;

	memset(&s, 0xff, sizeof(s)); /* CT_UNSET in every field */
	for (int i = 0; iso_table[i]; i++) {
		err = iso_table[i]->sample ? iso_table[i]->sample(&c->iso, &s) : 0;
		if (err)
			return err;
	}
	*ret = s;
	return 0;
}

int ct_detail(const struct container *c, struct iso_sample *ret)
{
	int err = 0;

	for (int i = 0; iso_table[i] && !err; i++)
		err = iso_table[i]->detail ? iso_table[i]->detail(&c->iso, ret) : 0;
	return err;
}

int ct_adopt(const struct iso_host *host, const struct ct_spec *spec, pid_t pid, int pidfd,
	     bool metered, uint32_t slot, struct container **ret, struct why *why)
{
	struct container *c = ct_new(host, spec);
	int err;

	if (!c) {
		close_fd(&pidfd);
		return why_set(why, -ENOMEM, "container %s", spec->id);
	}
	c->iso.pid = pid;
	c->iso.pidfd = pidfd;
	c->iso.metered = metered;
	c->iso.slot = slot;
	err = WALK(&c->iso, recover);
	if (!err) {
		*ret = c;
		return 0;
	}
	if (why && !why->text[0])
		*why = c->iso.why;
	ct_release(c);
	return err;
}

/* Nobody may be left in the layers and devices that the rows take away. */
static void end_processes(struct container *c)
{
	c->launch = launch_free(c->launch); /* a child that still waits ends by this */
	if (c->iso.cgroup_fd >= 0) {
		(void)cg_kill(c->iso.cgroup_fd); /* the wait tells whether it worked */
		launch_reap_strays(c->iso.pid, c->iso.cgroup_fd);
	}
	if (c->iso.pidfd >= 0)
		launch_reap(c->iso.pidfd);
	if (c->iso.cgroup_fd >= 0)
		(void)cg_wait_empty(c->iso.cgroup_fd, CG_REMOVE_MS); /* the cgroup row tells */
}

int ct_destroy(struct container *c)
{
	int i = 0, err;

	if (!c)
		return 0;
	end_processes(c);
	CRASH_POINT("destroy.killed");
	while (iso_table[i])
		i++;
	while (i--) {
		if (!iso_table[i]->cleanup)
			continue;
		iso_table[i]->cleanup(&c->iso);
		CRASH_POINT("destroy.row_undone");
	}
	err = c->iso.cgroup_fd >= 0 ? -EBUSY : 0;
	ct_release(c);
	return err;
}

int ct_probe(const struct iso_host *host, struct iso_probe *ret)
{
	int nr = 0;

	for (int i = 0; iso_table[i]; i++) {
		if (!iso_table[i]->probe)
			continue;
		memset(&ret[nr], 0, sizeof(ret[nr]));
		if (!iso_table[i]->probe(host, &ret[nr]))
			nr++;
	}
	return nr;
}
