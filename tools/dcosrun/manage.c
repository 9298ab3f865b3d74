// SPDX-License-Identifier: Apache-2.0
/* state, kill, delete, pause and resume. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/signals.h"
#include "cgroupfs/cgroupfs.h"
#include "tools/common/text.h"
#include "tools/dcosrun/rt.h"

#define POLL_NS 2000000 /* between looks at a cgroup that is being frozen */

static int print_json(struct rt *rt, json_t *doc)
{
	int err =
		doc && !json_dumpf(doc, stdout, JSON_INDENT(2)) && putchar('\n') != EOF ? 0 : -EIO;

	json_decref(doc);
	return err ? why_set(&rt->why, err, "standard output") : 0;
}

/* A container has a number as long as its process has not ended. */
static json_t *state_of(const struct rt_box *b)
{
	json_t *doc =
		rt_state_json(b->id, b->bundle, rt_status_name(b->status),
			      b->pidfd >= 0 ? b->pid : 0, json_object_get(b->state, "annotations"));
	static const char *const more[] = {"rootfs", "created", NULL};

	if (doc && json_object_set_new(doc, "owner", json_string(rt_box_owner(b)))) {
		json_decref(doc);
		return NULL;
	}
	for (size_t i = 0; doc && more[i]; i++)
		if (json_object_set(doc, more[i], json_object_get(b->state, more[i]))) {
			json_decref(doc);
			return NULL;
		}
	return doc;
}

static int run_state(struct rt *rt, void *options, struct rt_box *b, char **argv, int argc)
{
	(void)options; /* none */
	(void)argv;
	(void)argc;
	if (b->state)
		return print_json(rt, state_of(b));
	/* its very first moments */
	return print_json(rt, rt_state_json(b->id, "", "creating", 0, NULL));
}

const struct rt_command rt_state_command = {
	.name = "state",
	.args = "ID",
	.help = "print the state of a container",
	.operands_min = 1,
	.operands_max = 1,
	.run_on = run_state,
};

struct kill_options {
	bool all;
};

static const struct opt_row kill_rows[] = {
	{"all", 'a', NULL, opt_flag, offsetof(struct kill_options, all), NULL,
	 "every process of the container"},
	{},
};

static void signal_one(pid_t pid, void *ctx)
{
	const int *sig = ctx;

	(void)kill(pid, *sig); /* one that ends meanwhile needs no signal */
}

static int signal_all(struct rt *rt, struct rt_box *b, int sig)
{
	if (sig == SIGKILL && b->cgroup_fd >= 0)
		return cg_kill(b->cgroup_fd);
	return rt_box_pids(rt, b, signal_one, &sig);
}

/* Without processes of its own to die with it, its children would outlive the container's first. */
static bool shares_pids(struct rt *rt, struct rt_box *b)
{
	struct config c;
	bool shares;

	rt_config_new(&c);
	shares = !rt_box_config(rt, b, &c) && !(c.spec.namespaces & CLONE_NEWPID);
	config_free(&c);
	return shares;
}

static int kill_box(struct rt *rt, struct rt_box *b, const struct kill_options *o, int sig)
{
	int err;

	if (o->all && b->status == RT_STOPPED)
		return b->cgroup_fd >= 0 ? signal_all(rt, b, sig) : 0;
	err = rt_box_living(rt, b);
	if (err)
		return err;
	if (o->all || (sig == SIGKILL && b->cgroup_fd >= 0 && shares_pids(rt, b)))
		err = signal_all(rt, b, sig);
	else if (syscall(SYS_pidfd_send_signal, b->pidfd, sig, NULL, 0))
		err = -errno;
	/* a frozen one would hear of it only when it is thawed */
	if (!err && sig == SIGKILL && b->status == RT_PAUSED)
		err = cg_freeze(b->cgroup_fd, false);
	return err ? why_set(&rt->why, err, "container %s: signal %d", b->id, sig) : 0;
}

static int run_kill(struct rt *rt, void *options, struct rt_box *b, char **argv, int argc)
{
	int sig = argc ? signal_parse(argv[0]) : SIGTERM;

	if (argc && !strcmp(argv[0], "0"))
		sig = 0; /* whether it is there: kill(2) */
	if (sig < 0)
		return why_set(&rt->why, -EINVAL,
			       "signal \"%.32s\": allowed are 0..64 and names such as TERM, "
			       "SIGKILL",
			       argv[0]);
	return kill_box(rt, b, options, sig);
}

const struct rt_command rt_kill = {
	.name = "kill",
	.args = "[--all] ID [SIGNAL]",
	.help = "send a signal, SIGTERM if none is said",
	.options = kill_rows,
	.options_size = sizeof(struct kill_options),
	.operands_min = 1,
	.operands_max = 2,
	.run_on = run_kill,
};

struct delete_options {
	bool force;
};

static const struct opt_row delete_rows[] = {
	{"force", 'f', NULL, opt_flag, offsetof(struct delete_options, force), NULL,
	 "also one that runs, which is killed, or that is not there"},
	{},
};

static int run_delete(struct rt *rt, void *options, char **argv, int argc)
{
	const struct delete_options *o = options;
	struct rt_box b;
	int err = rt_box_open(rt, argv[0], &b);

	(void)argc; /* one */
	if (err == -ENOENT && o->force)
		return 0;
	if (err)
		return err;
	if (b.status != RT_STOPPED && !o->force)
		err = why_set(&rt->why, -EINVAL,
			      "container %s can't be deleted: it is %s, and only stopped ones can "
			      "without --force",
			      b.id, rt_status_name(b.status));
	if (!err)
		err = rt_undo(rt, &b, NULL);
	rt_box_close(&b);
	return err;
}

const struct rt_command rt_delete = {
	.name = "delete",
	.args = "[--force] ID",
	.help = "remove a container that has stopped",
	.options = delete_rows,
	.options_size = sizeof(struct delete_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = run_delete,
};

static int wait_frozen(int cgroup_fd)
{
	static const char *const keys[] = {"frozen", NULL};
	const struct timespec pause = {0, POLL_NS};

	for (int64_t left = (int64_t)RT_FROZEN_MS * 1000000; left > 0; left -= POLL_NS) {
		uint64_t frozen = 0;
		int n = cg_read_keys(cgroup_fd, "cgroup.events", keys, &frozen);

		if (n < 0 || frozen)
			return n < 0 ? n : 0;
		(void)nanosleep(&pause, NULL); /* shorter is well */
	}
	return -ETIMEDOUT;
}

static int freeze(struct rt *rt, const struct rt_box *b, bool frozen)
{
	int err = rt_box_living(rt, b);

	if (err)
		return err;
	if (b->status == (frozen ? RT_PAUSED : RT_RUNNING))
		return why_set(&rt->why, -EINVAL, "container %s is %s already", b->id,
			       rt_status_name(b->status));
	err = rt_box_cgroup(rt, b);
	if (err)
		return err;
	err = cg_freeze(b->cgroup_fd, frozen);
	if (!err && frozen)
		err = wait_frozen(b->cgroup_fd);
	return err ? why_set(&rt->why, err, "container %s: cgroup.freeze", b->id) : 0;
}

static int run_pause(struct rt *rt, void *options, struct rt_box *b, char **argv, int argc)
{
	(void)options; /* none */
	(void)argv;
	(void)argc;
	return freeze(rt, b, true);
}

static int run_resume(struct rt *rt, void *options, struct rt_box *b, char **argv, int argc)
{
	(void)options; /* none */
	(void)argv;
	(void)argc;
	return freeze(rt, b, false);
}

const struct rt_command rt_pause = {
	.name = "pause",
	.args = "ID",
	.help = "freeze all processes of a container",
	.operands_min = 1,
	.operands_max = 1,
	.run_on = run_pause,
};

const struct rt_command rt_resume = {
	.name = "resume",
	.args = "ID",
	.help = "let a paused container go on",
	.operands_min = 1,
	.operands_max = 1,
	.run_on = run_resume,
};
