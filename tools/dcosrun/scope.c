// SPDX-License-Identifier: Apache-2.0
/*
 * Cgroups that systemd makes: a transient scope for each container, named by a cgroupsPath of the
 * form "slice:prefix:name". A scope lives as long as it has a process, and needs one to begin: a
 * child that waits holds it until the container's own is there. busctl(1) asks systemd: a library
 * for D-Bus would be loaded with every container on every host.
 * Source: org.freedesktop.systemd1(5), StartTransientUnit; systemd.resource-control(5).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/program.h"
#include "cgroupfs/cgroupfs.h"
#include "tools/dcosrun/rt.h"

#define ARGS_MAX   64
#define SILENCE_MS 25000 /* as D-Bus itself waits */
#define LOOK_NS	   5000000 /* between looks whether the scope is there */
#define LOOKS	   2000

/* What cgroupsPath says. */
struct scope {
	char *slice, *unit;
};

/* The arguments of busctl, as they are put together. */
struct request {
	struct config *c;
	char *argv[ARGS_MAX + 1];
	size_t nr;
	size_t properties;
};

static void add(struct request *r, const char *text)
{
	if (r->nr < ARGS_MAX)
		r->argv[r->nr++] = (char *)text;
}

static void property(struct request *r, const char *name, const char *type, const char *value)
{
	add(r, name);
	add(r, type);
	add(r, value);
	r->properties++;
}

/* "slice:prefix:name"; without it, or with parts that are empty: what is usual. */
static int parse(struct rt *rt, struct config *c, const char *id, struct scope *ret)
{
	const char *path = c->cgroups_path ? c->cgroups_path : "::";
	const char *prefix = strchr(path, ':'), *name = prefix ? strchr(prefix + 1, ':') : NULL;
	int slice, len;

	if (!name || strchr(name + 1, ':') || strchr(path, '/'))
		return why_set(&rt->why, -EINVAL,
			       "linux.cgroupsPath: \"%.128s\": with systemd allowed is "
			       "slice:prefix:name",
			       path);
	slice = (int)(prefix - path);
	len = (int)(name - prefix - 1);
	ret->slice = slice ? cf_text(c, "%.*s", slice, path) : cf_text(c, "system.slice");
	if (len)
		ret->unit = cf_text(c, "%.*s-%s.scope", len, prefix + 1, name[1] ? name + 1 : id);
	else
		ret->unit = cf_text(c, "%s.scope", name[1] ? name + 1 : id);
	return ret->slice && ret->unit ? 0 : -ENOMEM;
}

static const char *knob(const struct config *c, const char *file)
{
	for (size_t i = 0; i < c->oci.knobs.nr; i++)
		if (!strcmp(c->oci.knobs.items[i].key, file))
			return c->oci.knobs.items[i].value;
	return NULL;
}

/* Limits that systemd would otherwise write over with its own when it looks at the unit again. */
static void limits(struct request *r)
{
	static const struct {
		const char *file, *name;
	} known[] = {
		{"memory.max", "MemoryMax"},	      {"memory.low", "MemoryLow"},
		{"memory.swap.max", "MemorySwapMax"}, {"pids.max", "TasksMax"},
		{"cpu.weight", "CPUWeight"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const char *value = knob(r->c, known[i].file);

		if (value && strcmp(value, "max"))
			property(r, known[i].name, "t", value);
	}
}

static int start_unit(struct rt *rt, struct config *c, const struct scope *s, pid_t holder)
{
	struct request r = {.c = c};
	char *pid = cf_text(c, "%d", (int)holder), *about = cf_text(c, "container %s", s->unit);
	size_t count;
	char *number;

	if (!pid || !about)
		return -ENOMEM;
	add(&r, "busctl");
	add(&r, "--system");
	add(&r, "--quiet");
	add(&r, "call");
	add(&r, "org.freedesktop.systemd1");
	add(&r, "/org/freedesktop/systemd1");
	add(&r, "org.freedesktop.systemd1.Manager");
	add(&r, "StartTransientUnit");
	add(&r, "ssa(sv)a(sa(sv))");
	add(&r, s->unit);
	add(&r, "fail");
	count = r.nr;
	add(&r, ""); /* how many properties follow */
	property(&r, "Description", "s", about);
	property(&r, "Slice", "s", s->slice);
	property(&r, "Delegate", "b", "true");
	property(&r, "DefaultDependencies", "b", "false");
	property(&r, "CollectMode", "s", "inactive-or-failed");
	property(&r, "PIDs", "au", "1");
	add(&r, pid);
	limits(&r);
	number = cf_text(c, "%zu", r.properties);
	if (!number)
		return -ENOMEM;
	r.argv[count] = number;
	add(&r, "0");
	return program_run(r.argv, -1, SILENCE_MS, &rt->why);
}

/* The job of systemd's is done when the holder has been moved. */
static int wait_moved(struct rt *rt, const struct scope *s, pid_t holder, char **ret_path)
{
	const struct timespec pause = {0, LOOK_NS};

	for (int i = 0; i < LOOKS; i++) {
		cleanup_free char *path = NULL;
		const char *name;
		int err = cg_own(holder, &path);

		if (err)
			return why_set(&rt->why, err, "the cgroup of %s", s->unit);
		name = strrchr(path, '/');
		if (name && !strcmp(name + 1, s->unit)) {
			*ret_path = take_ptr(path);
			return 0;
		}
		(void)nanosleep(&pause, NULL); /* shorter is well */
	}
	return why_set(&rt->why, -ETIMEDOUT, "systemd has not made %s", s->unit);
}

static pid_t start_holder(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* cannot fail with a signal */
	for (;;)
		(void)pause(); /* until it is killed */
}

void rt_scope_begun(struct rt *rt)
{
	if (rt->holder <= 0)
		return;
	(void)kill(rt->holder, SIGKILL); /* our child, not yet waited for */
	while (waitpid(rt->holder, NULL, 0) < 0 && errno == EINTR)
		;
	rt->holder = 0;
}

int rt_scope_make(struct rt *rt, struct config *c, const char *id, char **ret_path)
{
	struct scope s = {NULL, NULL};
	int err = parse(rt, c, id, &s);

	if (err)
		return err;
	rt->holder = start_holder();
	if (rt->holder < 0)
		return why_set(&rt->why, -EAGAIN, "a process for %s", s.unit);
	err = start_unit(rt, c, &s, rt->holder);
	if (!err)
		err = wait_moved(rt, &s, rt->holder, ret_path);
	if (err)
		rt_scope_begun(rt);
	return err;
}
