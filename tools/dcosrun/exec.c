// SPDX-License-Identifier: Apache-2.0
/* exec: one more process in a container that runs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "cgroupfs/cgroupfs.h"
#include "isolators/place.h"
#include "tools/dcosrun/rt.h"

struct exec_options {
	const char *process, *console_socket, *pidfd_socket, *pid_file, *cgroup, *cwd, *user,
		*apparmor, *label;
	struct opt_list env, caps, gids;
	struct opt_u64 preserve_fds;
	bool detach, tty, no_new_privs, ignore_paused;
};

#define O(field) offsetof(struct exec_options, field)
static const struct opt_row exec_rows[] = {
	{"process", 'p', "FILE", opt_string, O(process), "a path",
	 "process of the specification, instead of a command"},
	{"console-socket", 0, "PATH", opt_string, O(console_socket), "a path",
	 "unix socket that gets the terminal's master"},
	{"pidfd-socket", 0, "PATH", opt_string, O(pidfd_socket), "a path",
	 "unix socket that gets a descriptor of the process"},
	{"cgroup", 0, "PATH", opt_string, O(cgroup), "a path",
	 "below the container's own cgroup (default: where its first process is)"},
	{"pid-file", 0, "FILE", opt_string, O(pid_file), "a path", "gets the process' number"},
	{"detach", 'd', NULL, opt_flag, O(detach), NULL, "do not stay with it"},
	{"tty", 't', NULL, opt_flag, O(tty), NULL, "with a terminal"},
	{"cwd", 0, "DIR", opt_string, O(cwd), "a path", "where it begins"},
	{"user", 'u', "UID[:GID]", opt_string, O(user), "numbers", "who it is"},
	{"additional-gids", 'g', "GID", opt_strings, O(gids), "a number", "one more group"},
	{"env", 'e', "NAME=VALUE", opt_strings, O(env), "NAME=value", "one more variable"},
	{"cap", 'c', "NAME", opt_strings, O(caps), "a capability", "one more capability"},
	{"no-new-privs", 0, NULL, opt_flag, O(no_new_privs), NULL, "it can't gain any"},
	{"apparmor", 0, "PROFILE", opt_string, O(apparmor), "a profile", "its AppArmor profile"},
	{"process-label", 0, "LABEL", opt_string, O(label), "a label", "its SELinux label"},
	{"preserve-fds", 0, "N", opt_number, O(preserve_fds), "a number of descriptors",
	 "descriptors from 3 on that the program gets"},
	{"ignore-paused", 0, NULL, opt_flag, O(ignore_paused), NULL,
	 "in a paused container, too, where it runs when that is resumed"},
	{},
};
#undef O

static int set_strings(json_t *o, const char *key, char *const *values, int nr, bool append)
{
	json_t *list = append ? json_object_get(o, key) : NULL;

	list = json_is_array(list) ? json_copy(list) : json_array();
	for (int i = 0; i < nr; i++)
		if (json_array_append_new(list, json_string(values[i])))
			return -ENOMEM;
	return json_object_set_new(o, key, list) ? -ENOMEM : 0;
}

/* "UID" or "UID:GID". Return: 0 or -EINVAL */
static int parse_user(const char *text, uint64_t *ret_uid, uint64_t *ret_gid)
{
	size_t len = strcspn(text, ":");
	cleanup_free char *uid = strndup(text, len);

	if (!uid || parse_u64(uid, 0, UINT32_MAX - 1, ret_uid))
		return -EINVAL;
	return text[len] ? parse_u64(text + len + 1, 0, UINT32_MAX - 1, ret_gid) : 0;
}

static int add_gids(struct rt *rt, json_t *user, const struct exec_options *o)
{
	json_t *list = json_object_get(user, "additionalGids");
	uint64_t gid;

	if (!o->gids.nr)
		return 0;
	if (!list && json_object_set_new(user, "additionalGids", list = json_array()))
		return -ENOMEM;
	for (int i = 0; i < o->gids.nr; i++) {
		if (parse_u64(o->gids.items[i], 0, UINT32_MAX - 1, &gid))
			return why_set(&rt->why, -EINVAL,
				       "--additional-gids=%.32s: allowed is a number",
				       o->gids.items[i]);
		if (json_array_append_new(list, json_integer((json_int_t)gid)))
			return -ENOMEM;
	}
	return 0;
}

static int set_user(struct rt *rt, json_t *process, const struct exec_options *o)
{
	json_t *user = json_deep_copy(json_object_get(process, "user"));
	uint64_t uid = 0, gid = 0;
	int err = 0;

	if (!user)
		user = json_object();
	if (o->user && parse_user(o->user, &uid, &gid))
		err = why_set(&rt->why, -EINVAL,
			      "--user=%.64s: allowed are numbers, UID or UID:GID", o->user);
	if (!err && o->user) {
		(void)json_object_del(user, "additionalGids"); /* of somebody else */
		err = json_object_set_new(user, "uid", json_integer((json_int_t)uid)) ||
				      json_object_set_new(user, "gid",
							  json_integer((json_int_t)gid))
			      ? -ENOMEM
			      : 0;
	}
	if (!err)
		err = add_gids(rt, user, o);
	if (!err)
		err = json_object_set(process, "user", user) ? -ENOMEM : 0;
	json_decref(user);
	return err;
}

/* One set more in all five, as --cap of other runtimes. */
static int add_caps(json_t *process, const struct exec_options *o)
{
	static const char *const sets[] = {"bounding", "effective", "permitted"};
	json_t *caps = json_deep_copy(json_object_get(process, "capabilities"));
	int err = 0;

	if (!o->caps.nr) {
		json_decref(caps);
		return 0;
	}
	if (!caps)
		caps = json_object();
	for (size_t i = 0; i < ARRAY_SIZE(sets) && !err; i++)
		err = set_strings(caps, sets[i], (char *const *)o->caps.items, o->caps.nr, true);
	return json_object_set_new(process, "capabilities", caps) ? -ENOMEM : err;
}

/* The container's own process, with another command and what the options say. */
static int process_of(struct rt *rt, const struct exec_options *o, const struct config *c,
		      char **argv, int argc, json_t **ret)
{
	json_t *p = json_deep_copy(json_object_get(c->doc, "process"));
	int err = p ? 0 : -ENOMEM;

	if (!err)
		err = set_strings(p, "args", argv, argc, false);
	if (!err)
		err = set_strings(p, "env", (char *const *)o->env.items, o->env.nr, true);
	if (!err && o->cwd)
		err = json_object_set_new(p, "cwd", json_string(o->cwd)) ? -ENOMEM : 0;
	if (!err)
		err = set_user(rt, p, o);
	if (!err)
		err = add_caps(p, o);
	if (!err)
		err = json_object_set_new(p, "terminal", json_boolean(o->tty)) ? -ENOMEM : 0;
	if (!err && o->no_new_privs)
		err = json_object_set_new(p, "noNewPrivileges", json_true()) ? -ENOMEM : 0;
	if (!err && o->apparmor)
		err = json_object_set_new(p, "apparmorProfile", json_string(o->apparmor)) ? -ENOMEM
											  : 0;
	if (!err && o->label)
		err = json_object_set_new(p, "selinuxLabel", json_string(o->label)) ? -ENOMEM : 0;
	if (err) {
		json_decref(p);
		return why_set(&rt->why, err, "exec");
	}
	*ret = p;
	return 0;
}

static int read_process(struct rt *rt, const struct exec_options *o, struct config *c, char **argv,
			int argc)
{
	json_t *p = NULL;
	int err;

	if (o->process && argc)
		return why_set(&rt->why, -EINVAL, "exec: a command or --process, not both");
	if (!o->process && !argc)
		return why_set(&rt->why, -EINVAL, "exec: a command or --process is needed");
	err = o->process ? rt_read_json(rt, o->process, &p) : process_of(rt, o, c, argv, argc, &p);
	if (err)
		return err;
	err = config_process(c, p);
	(void)json_object_set_new(c->doc, "process", p); /* whose strings are in use */
	if (!err && o->process && o->tty)
		c->oci.process.terminal = true;
	return err;
}

static int take_console(struct rt *rt, const struct exec_options *o, struct config *c, int pair[2])
{
	struct oci_process *p = &c->oci.process;

	int err = rt_preserve(rt, &o->preserve_fds, c);

	if (err)
		return err;
	if (!p->terminal)
		return o->console_socket
			       ? why_set(&rt->why, -EINVAL,
					 "--console-socket is given, and process.terminal is not "
					 "true")
			       : 0;
	if (o->console_socket) {
		p->console_fd = rt_connect(rt, "--console-socket", o->console_socket);
		return p->console_fd < 0 ? p->console_fd : 0;
	}
	if (o->detach)
		return why_set(&rt->why, -EINVAL,
			       "process.terminal is true, and nobody would have the other end: "
			       "--console-socket is needed");
	if (rt_terminal_pair(rt, pair))
		return -EMFILE;
	p->console_fd = pair[1];
	return 0;
}

/*
 * In the cgroup in which the container's first process is now: it may have gone further down,
 * where its own has no place for processes any more. Or in one that is asked for.
 */
static int choose_cgroup(struct rt *rt, const struct exec_options *o, const struct rt_box *b,
			 struct config *c)
{
	const char *below = o->cgroup, *name = c->oci.cgroup;
	cleanup_free char *now = NULL;
	size_t len = b->cgroup ? strlen(b->cgroup) : 0;

	if (!name)
		return below ? rt_box_cgroup(rt, b) : 0;
	if (below)
		below += below[0] == ':' ? 1 : 0; /* "CONTROLLERS:PATH", of which there are none */
	else if (!cg_own(b->pid, &now) && !strncmp(now, b->cgroup, len) && now[len] == '/')
		below = now + len;
	if (below && strstr(below, ".."))
		return why_set(&rt->why, -EINVAL,
			       "--cgroup=%.64s: allowed is a path without \"..\" below the "
			       "container's cgroup",
			       below);
	while (below && *below == '/')
		below++;
	if (!below || !*below)
		return 0;
	c->oci.cgroup = cf_text(c, "%s/%s", name, below);
	return c->oci.cgroup ? 0 : why_set(&rt->why, -ENOMEM, "--cgroup");
}

static int adopt(struct rt *rt, struct rt_box *b, const struct config *c, struct container **ret)
{
	struct iso_host host = {.state_dir = "/",
				.run_dir = "/",
				.cgroup_fd = b->cgroup_parent,
				.seccomp_cache = rt_filters(rt)};
	int pidfd = fcntl(b->pidfd, F_DUPFD_CLOEXEC, 0);

	if (pidfd < 0)
		return why_set(&rt->why, -errno, "exec");
	return ct_adopt(&host, &c->spec, b->pid, pidfd, false, 0, ret, &rt->why);
}

/* The process is born where we are. */
static int place(struct rt *rt, const struct config *c)
{
	const struct oci_set *first = &c->oci.process.exec_first;
	int err = first->given ? place_self(first) : 0;

	return err ? why_set(&rt->why, err, "process.execCPUAffinity.initial%s",
			     err == -EINVAL ? ": there is no such CPU" : "")
		   : 0;
}

static int exec_in(struct rt *rt, const struct exec_options *o, struct rt_box *b, struct config *c)
{
	struct ct_stdio stdio =
		c->oci.process.terminal ? (struct ct_stdio){-1, -1, -1} : rt_stdio();
	int pair[2] = {-1, -1}, pidfd = -1, err;
	struct container *ct = NULL;
	pid_t pid = 0;

	err = take_console(rt, o, c, pair);
	if (c->oci.process.terminal)
		stdio = (struct ct_stdio){-1, -1, -1};
	if (!err)
		err = choose_cgroup(rt, o, b, c);
	if (!err)
		err = adopt(rt, b, c, &ct);
	if (!err)
		err = place(rt, c);
	if (!err)
		err = ct_exec(ct, &c->spec.process, &stdio, &pid, &pidfd, &rt->why);
	if (!err)
		err = rt_pid_file(rt, o->pid_file, pid);
	if (!err)
		err = rt_pidfd_send(rt, o->pidfd_socket, pidfd);
	if (!err && !o->detach)
		err = rt_attend(rt, pid, pidfd, pair[0]);
	ct_release(ct);
	close_fd(&pidfd);
	close_fd(&pair[0]);
	close_fd(&pair[1]);
	return err;
}

static int run_exec(struct rt *rt, void *options, struct rt_box *b, char **argv, int argc)
{
	const struct exec_options *o = options;
	struct config c;
	int err = rt_box_living(rt, b);

	rt_config_new(&c);
	if (!err && b->status == RT_PAUSED && !o->ignore_paused)
		err = why_set(&rt->why, -EINVAL, "container %s is paused", b->id);
	if (!err && b->cgroup)
		err = rt_box_cgroup(rt, b);
	if (!err)
		err = rt_box_config(rt, b, &c);
	if (!err)
		err = rt_rootless(rt, &c);
	if (!err)
		err = read_process(rt, o, &c, argv, argc);
	if (!err)
		err = exec_in(rt, o, b, &c);
	config_free(&c);
	return err;
}

const struct rt_command rt_exec = {
	.name = "exec",
	.args = "[OPTION...] ID [COMMAND [ARG...]]",
	.help = "run one more process in a container",
	.options = exec_rows,
	.options_size = sizeof(struct exec_options),
	.operands_min = 1,
	.operands_max = CT_ARGS_MAX,
	.operands_end_options = true,
	.clones = true,
	.run_on = run_exec,
};
