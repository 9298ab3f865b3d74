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
#include "cgroupfs/cgroupfs.h"

static struct container *ct_new(const struct iso_host *host, const struct ct_spec *spec)
{
	struct container *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->sync_fd = -1;
	c->iso = (struct isolation){
		.host = host, .spec = spec, .res = spec->resources, .cgroup_fd = -1, .pidfd = -1};
	return c;
}

void ct_release(struct container *c)
{
	if (!c)
		return;
	for (int i = 0; i < c->iso.handed_nr; i++)
		close_fd(&c->iso.handed[i]);
	for (int i = 0; i < c->iso.warnings_nr; i++)
		free(c->iso.warnings[i]);
	close_fd(&c->iso.cgroup_fd);
	close_fd(&c->iso.pidfd);
	close_fd(&c->sync_fd);
	free(c);
}

static int walk(struct isolation *iso, size_t verb)
{
	for (int i = 0; iso_table[i]; i++) {
		int (*fn)(struct isolation *);
		int err;

		memcpy(&fn, (const char *)iso_table[i] + verb, sizeof(fn));
		err = fn ? fn(iso) : 0;
		if (err < 0)
			return iso_fail(iso, err, "%s", iso_table[i]->name);
	}
	return 0;
}

#define WALK(iso, verb) walk(iso, offsetof(struct isolator, verb))

static int spec_check(const struct ct_spec *spec, struct why *why)
{
	if (!spec->id || !ct_id_valid(spec->id))
		return why_set(why, -EINVAL, "id: %s: letters, digits, _ + - and, not first, dots",
			       spec->id ? spec->id : "(none)");
	if (!spec->process.args || !spec->process.args[0])
		return why_set(why, -EINVAL, "process.args: at least the program's name");
	return 0;
}

/* Wait for one report. Return: 0 READY; 1 the child is gone without a word; -errno of its step. */
static int hear(struct container *c)
{
	struct launch_report r;
	int n = launch_hear(c->sync_fd, &r);

	if (n == -ETIMEDOUT)
		return iso_fail(&c->iso, n, "launch: not finished after %d s",
				CT_LAUNCH_DEADLINE_MS / 1000);
	if (n < 0)
		return iso_fail(&c->iso, n, "launch: hearing from the child");
	if (!n)
		return 1;
	return r.word == LAUNCH_READY ? 0 : launch_fail(&c->iso, &r);
}

static int build(struct container *c, const struct ct_stdio *stdio)
{
	struct isolation *iso = &c->iso;
	struct launch_child child = {.iso = iso, .process = &iso->spec->process, .stdio = *stdio};
	int err = WALK(iso, prepare);

	if (err)
		return err;
	err = launch_clone(iso->clone_flags, &child, &iso->pid, &iso->pidfd, &c->sync_fd);
	if (err)
		return iso_fail(iso, err, "clone3");
	err = WALK(iso, attach);
	if (err)
		return err;
	err = launch_tell(c->sync_fd, iso->handed, iso->handed_nr);
	iso->handed_nr = 0;
	if (err)
		return iso_fail(iso, err, "launch: the child ended early");
	err = hear(c);
	return err == 1 ? iso_fail(iso, -ECHILD, "launch: the child ended early") : err;
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
	if (err == -EEXIST && c->iso.cgroup_fd < 0)
		ct_release(c); /* the other container of this name stays as it is */
	else
		(void)ct_destroy(c); /* the error that counts is the first */
	return err;
}

int ct_start(struct container *c, struct why *why)
{
	int err = launch_tell(c->sync_fd, NULL, 0) ?: hear(c);

	close_fd(&c->sync_fd);
	if (err == 1) /* closed without a word: execve has happened */
		return 0;
	launch_reap(c->iso.pidfd);
	if (why && !why->text[0])
		*why = c->iso.why;
	return why_set(why, err ?: -EPROTO, "start: the child did not wait for it");
}

int ct_signal(struct container *c, int sig)
{
	if (c->iso.pidfd < 0)
		return -ESRCH;
	return syscall(SYS_pidfd_send_signal, c->iso.pidfd, sig, NULL, 0) ? -errno : 0;
}

int ct_kill(struct container *c)
{
	return cg_kill(c->iso.cgroup_fd);
}

int ct_update(struct container *c, const struct ct_resources *res, struct why *why)
{
	struct ct_resources old = c->iso.res;
	int i, err = 0;

	c->iso.why.text[0] = '\0';
	c->iso.res = *res;
	for (i = 0; iso_table[i] && !err; i++)
		err = iso_table[i]->update ? iso_table[i]->update(&c->iso) : 0;
	if (!err)
		return 0;
	if (why && !why->text[0])
		*why = c->iso.why;
	c->iso.res = old;
	for (i -= 2; i >= 0; i--) /* the row that failed has restored itself */
		if (iso_table[i]->update)
			(void)iso_table[i]->update(&c->iso); /* held a moment ago */
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

int ct_destroy(struct container *c)
{
	int i = 0, err = 0;

	if (!c)
		return 0;
	close_fd(&c->sync_fd); /* a child that still waits ends by this */
	if (c->iso.cgroup_fd >= 0)
		err = cg_kill(c->iso.cgroup_fd);
	if (c->iso.pidfd >= 0)
		launch_reap(c->iso.pidfd);
	while (iso_table[i])
		i++;
	while (i--)
		if (iso_table[i]->cleanup)
			iso_table[i]->cleanup(&c->iso);
	ct_release(c);
	return err == -ENODEV ? 0 : err;
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
