// SPDX-License-Identifier: Apache-2.0
/* create, start and run: a container from a bundle. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/launch.h"
#include "agent/lib/cleanup.h"
#include "tools/dcosrun/rt.h"

struct create_options {
	const char *bundle, *config, *console_socket, *pidfd_socket, *pid_file;
	struct opt_u64 preserve_fds;
	bool no_pivot, no_new_keyring, detach, no_subreaper, keep;
};

#define O(field) offsetof(struct create_options, field)
static const struct opt_row create_rows[] = {
	{"bundle", 'b', "DIR", opt_string, O(bundle), "a path",
	 "directory of config.json (default: the current one)"},
	{"config", 'f', "FILE", opt_string, O(config), "a path",
	 "another configuration than the bundle's config.json"},
	{"console-socket", 0, "PATH", opt_string, O(console_socket), "a path",
	 "unix socket that gets the terminal's master"},
	{"pidfd-socket", 0, "PATH", opt_string, O(pidfd_socket), "a path",
	 "unix socket that gets a descriptor of the process"},
	{"pid-file", 0, "FILE", opt_string, O(pid_file), "a path", "gets the process' number"},
	{"preserve-fds", 0, "N", opt_number, O(preserve_fds), "a number of descriptors",
	 "descriptors from 3 on that the program gets"},
	{"no-pivot", 0, NULL, opt_flag, O(no_pivot), NULL,
	 "accepted; the root is always changed "
	 "by pivot_root"},
	{"no-new-keyring", 0, NULL, opt_flag, O(no_new_keyring), NULL,
	 "accepted; each container has a session keyring of its own"},
	{"no-subreaper", 0, NULL, opt_flag, O(no_subreaper), NULL, "accepted; run needs none"},
	{"detach", 'd', NULL, opt_flag, O(detach), NULL, "run: do not stay with it"},
	{"keep", 0, NULL, opt_flag, O(keep), NULL, "run: do not delete it at its end"},
	{},
};
#undef O

static int take_options(struct rt *rt, const struct create_options *o, struct config *c,
			bool detached)
{
	struct oci_process *p = &c->oci.process;

	int err = rt_preserve(rt, &o->preserve_fds, c);

	if (err)
		return err;
	if (p->terminal && !o->console_socket && detached)
		return why_set(&rt->why, -EINVAL,
			       "process.terminal is true, and nobody would have the other end: "
			       "--console-socket is needed");
	if (!p->terminal && o->console_socket)
		return why_set(&rt->why, -EINVAL,
			       "--console-socket is given, and process.terminal is not true");
	if (o->console_socket) {
		p->console_fd = rt_connect(rt, "--console-socket", o->console_socket);
		return p->console_fd < 0 ? p->console_fd : 0;
	}
	return 0;
}

static struct ct_stdio streams_of(const struct config *c)
{
	return c->oci.process.terminal ? (struct ct_stdio){-1, -1, -1} : rt_stdio();
}

static int create_in(struct rt *rt, const struct create_options *o, struct config *c,
		     struct rt_box *b)
{
	cleanup_close int sock = rt_start_listen(rt, b);
	struct ct_stdio stdio = streams_of(c);
	struct container *ct = NULL;
	int err = sock < 0 ? sock : 0;

	c->oci.start_fd = sock;
	if (!err)
		err = rt_make(rt, b, c, &stdio, &ct);
	if (err)
		return err;
	err = rt_pid_file(rt, o->pid_file, ct->iso.pid);
	if (!err)
		err = rt_pidfd_send(rt, o->pidfd_socket, ct->iso.pidfd);
	if (err)
		(void)ct_destroy(ct); /* the first failure is told */
	else
		ct_release(ct); /* it goes on, and waits */
	return err;
}

static int load(struct rt *rt, const struct create_options *o, bool detached, struct config *c)
{
	char *bundle = rt_bundle(rt, o->bundle);
	int err;

	rt_config_new(c);
	if (!bundle)
		return -EINVAL;
	c->bundle = bundle; /* as long as the program */
	err = config_load(c, bundle, o->config, &rt->why);
	return err ? err : take_options(rt, o, c, detached);
}

static int run_create(struct rt *rt, void *options, char **argv, int argc)
{
	struct config c;
	struct rt_box b;
	int err = load(rt, options, true, &c);

	(void)argc; /* one */
	if (!err)
		err = rt_box_make(rt, argv[0], &b);
	if (err) {
		config_free(&c);
		return err;
	}
	err = create_in(rt, options, &c, &b);
	if (err)
		(void)rt_box_forget(rt, &b); /* the first failure is told */
	rt_box_close(&b);
	config_free(&c);
	return err;
}

const struct rt_command rt_create = {
	.name = "create",
	.args = "[OPTION...] ID",
	.help = "make a container that waits for its start",
	.options = create_rows,
	.options_size = sizeof(struct create_options),
	.operands_min = 1,
	.operands_max = 1,
	.clones = true,
	.run = run_create,
};

static int run_start(struct rt *rt, void *options, struct rt_box *b, char **argv, int argc)
{
	struct config c;
	int err, sock;

	(void)options; /* none */
	(void)argv;
	(void)argc;

	rt_config_new(&c);
	if (b->status != RT_CREATED)
		return why_set(&rt->why, -EINVAL, "container %s can't be started: it is %s", b->id,
			       rt_status_name(b->status));
	err = rt_box_config(rt, b, &c);
	if (!err && c.oci.process.none)
		err = why_set(&rt->why, -EINVAL,
			      "container %s can't be started: config.json has no "
			      "process",
			      b->id);
	sock = err ? err : rt_start_connect(rt, b);
	if (!err)
		err = sock < 0 ? sock : ct_start_by(sock, &rt->why);
	if (!err && unlinkat(b->dir, RT_SOCKET, 0))
		err = why_set(&rt->why, -errno, "%s/%s/" RT_SOCKET, rt->root, b->id);
	if (!err)
		err = rt_hooks(&c, HOOKS_POSTSTART, "running", b->id, b->pid, &rt->why);
	config_free(&c);
	return err;
}

const struct rt_command rt_start = {
	.name = "start",
	.args = "ID",
	.help = "let a container's program run",
	.operands_min = 1,
	.operands_max = 1,
	.run_on = run_start,
};

/* Started, and attended until its end unless it is detached. Return: its status or -errno */
static int run_in(struct rt *rt, const struct create_options *o, struct config *c, struct rt_box *b,
		  struct container **ret)
{
	struct ct_stdio stdio = streams_of(c);
	int pair[2] = {-1, -1}, status = 0, err = 0;

	if (c->oci.process.terminal && c->oci.process.console_fd < 0) {
		err = rt_terminal_pair(rt, pair);
		c->oci.process.console_fd = pair[1];
	}
	if (!err)
		err = rt_make(rt, b, c, &stdio, ret);
	if (!err && c->oci.process.none)
		err = why_set(&rt->why, -EINVAL, "process: is missing");
	if (!err)
		err = rt_pid_file(rt, o->pid_file, (*ret)->iso.pid);
	if (!err)
		err = rt_pidfd_send(rt, o->pidfd_socket, (*ret)->iso.pidfd);
	if (!err)
		err = ct_start(*ret, &rt->why);
	if (!err) {
		(void)rt_hooks(c, HOOKS_POSTSTART, "running", b->id, b->pid, NULL); /* may fail */
		if (!o->detach)
			status = rt_attend(rt, (*ret)->iso.pid, (*ret)->iso.pidfd, pair[0]);
	}
	close_fd(&pair[0]);
	close_fd(&pair[1]);
	return err ? err : status;
}

static int run_run(struct rt *rt, void *options, char **argv, int argc)
{
	const struct create_options *o = options;
	struct container *ct = NULL;
	struct config c;
	struct rt_box b;
	bool undo;
	int err = load(rt, o, o->detach, &c);

	(void)argc; /* one */
	if (!err)
		err = rt_box_make(rt, argv[0], &b);
	if (err) {
		config_free(&c);
		return err;
	}
	err = run_in(rt, o, &c, &b, &ct);
	undo = err < 0 || (!o->detach && !o->keep);
	if (ct && undo)
		(void)ct_destroy(ct); /* a cgroup that stays shows in the next step */
	else
		ct_release(ct);
	if (undo) {
		struct rt_box again;
		int saved = err;

		rt_box_close(&b);
		err = rt_box_open(rt, argv[0], &again);
		if (!err)
			err = rt_undo(rt, &again, &c);
		if (!err || saved < 0)
			err = saved;
		rt_box_close(&again);
	} else {
		rt_box_close(&b);
	}
	config_free(&c);
	return err;
}

const struct rt_command rt_run = {
	.name = "run",
	.args = "[OPTION...] ID",
	.help = "create, start, attend and delete a container",
	.options = create_rows,
	.options_size = sizeof(struct create_options),
	.operands_min = 1,
	.operands_max = 1,
	.clones = true,
	.run = run_run,
};
