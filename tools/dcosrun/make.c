// SPDX-License-Identifier: Apache-2.0
/* Making and undoing a container: what create, run and delete have in common. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/launch.h"
#include "agent/lib/cleanup.h"
#include "cgroupfs/cgroupfs.h"
#include "tools/dcosrun/rt.h"

/* What the hooks of the runtime's own side need. */
struct making {
	struct rt *rt;
	struct rt_box *b;
	struct config *c;
};

void rt_config_new(struct config *c)
{
	memset(c, 0, sizeof(*c));
	c->warn = rt_warn;
}

char *rt_bundle(struct rt *rt, const char *path)
{
	char *full = realpath(path ? path : ".", NULL);

	if (!full)
		(void)why_set(&rt->why, -errno, "--bundle=%s", path ? path : "."); /* by NULL */
	return full;
}

int rt_pid_file(struct rt *rt, const char *path, pid_t pid)
{
	cleanup_free char *temp = NULL;
	cleanup_close int fd = -1;

	if (!path)
		return 0;
	if (asprintf(&temp, "%s.new", path) < 0)
		return why_set(&rt->why, -ENOMEM, "--pid-file=%s", path);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || dprintf(fd, "%d", (int)pid) < 0 || rename(temp, path))
		return why_set(&rt->why, -errno, "--pid-file=%s", path);
	return 0;
}

int rt_start_listen(struct rt *rt, struct rt_box *b)
{
	cleanup_close int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un at;

	if (sock < 0 || rt_address(b->dir, RT_SOCKET, &at) ||
	    bind(sock, (struct sockaddr *)&at, sizeof(at)) || listen(sock, 1))
		return why_set(&rt->why, -errno, "%s/%s/" RT_SOCKET, rt->root, b->id);
	return take_fd(&sock);
}

int rt_hooks(struct config *c, enum config_hooks stage, const char *status, const char *id,
	     pid_t pid, struct why *why)
{
	json_t *doc;
	bool may_fail = stage == HOOKS_POSTSTART || stage == HOOKS_POSTSTOP;
	cleanup_free char *text = NULL;
	int err = 0;

	if (!c->hooks[stage].nr)
		return 0;
	doc = rt_state_json(id, c->bundle, status, pid, c->annotations);
	text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
	json_decref(doc);
	if (!text)
		return why_set(why, -ENOMEM, "hooks");
	for (size_t i = 0; i < c->hooks[stage].nr && !err; i++) {
		struct why own = {{0}};

		err = oci_hook_run(&c->hooks[stage].items[i], text);
		if (!err)
			continue;
		err = why_set(may_fail ? &own : why, err, "hook %s", c->hooks[stage].items[i].path);
		if (may_fail) {
			rt_warn(own.text);
			err = 0;
		}
	}
	return err;
}

static int on_made(void *ctx, pid_t pid, struct why *why)
{
	struct making *m = ctx;
	int err = rt_hooks(m->c, HOOKS_PRESTART, "creating", m->b->id, pid, why);

	return err ? err : rt_hooks(m->c, HOOKS_CREATE_RUNTIME, "creating", m->b->id, pid, why);
}

/* The state that hooks inside get: the number is the process' own there. */
static int inside_state(struct config *c, const char *id)
{
	const char *status = c->hooks[HOOKS_CREATE_CONTAINER].nr ? "creating" : "created";
	json_t *doc = rt_state_json(id, c->bundle, status, 0, c->annotations);
	cleanup_free char *text = NULL;

	if (doc && !json_object_set_new(doc, "pid", json_string("@PID@")))
		text = json_dumps(doc, JSON_COMPACT);
	json_decref(doc);
	c->oci.notify_state = text ? cf_text(c, "%s", text) : NULL;
	if (text) { /* a number, not a string */
		char *at = strstr(text, "\"@PID@\"");

		if (at)
			memmove(at, at + 1, strlen(at));
		at = at ? strstr(at, "@PID@\"") : NULL;
		if (at)
			memmove(at + 5, at + 6, strlen(at + 5));
	}
	c->oci.state = text ? cf_text(c, "%s", text) : NULL;
	return c->oci.state ? 0 : -ENOMEM;
}

struct sc_cache *rt_filters(struct rt *rt)
{
	cleanup_free char *dir = NULL;

	if (!rt->filters && asprintf(&dir, "%s/.seccomp", rt->root) >= 0)
		rt->filters = sc_cache_new(dir);
	return rt->filters;
}

/* Return: descriptor; -1 with @c->oci.cgroup NULL: there is none to be; -errno */
static int find_cgroup(struct making *m, char **ret_path)
{
	struct rt *rt = m->rt;
	int fd;

	if (rt->no_cgroup)
		return rt_cgroup_own();
	fd = rt_cgroup_make(rt, m->c, m->b->id, ret_path);
	if (!rt_is_rootless())
		return fd;
	if (fd >= 0 && faccessat(fd, ".", W_OK, AT_EACCESS)) {
		(void)close(fd); /* nothing was written */
		fd = -EACCES;
	}
	if (fd != -EACCES && fd != -EPERM && fd != -EROFS)
		return fd;
	free(take_ptr(*ret_path));
	rt_warn("there is no cgroup that this user may make one in: the container has none");
	rt->why.text[0] = '\0';
	rt->no_cgroup = true;
	m->c->oci.cgroup = NULL;
	return rt_cgroup_own();
}

/* One with processes is somebody else's: what undoes us would kill them. */
static int check_empty(struct making *m, int parent)
{
	const char *name = m->c->oci.cgroup;
	cleanup_close int fd = name && !m->c->oci.cgroup_given ? cg_open(parent, name, false) : -1;
	bool populated = false;

	if (fd < 0 || (!cg_populated(fd, &populated) && !populated))
		return 0;
	return why_set(&m->rt->why, -EBUSY, "linux.cgroupsPath: there are processes in cgroup %s",
		       name);
}

static int create(struct making *m, const struct ct_stdio *stdio, struct container **ret)
{
	struct iso_host host = {.state_dir = "/",
				.run_dir = "/",
				.seccomp_cache = rt_filters(m->rt)};
	struct config *c = m->c;
	cleanup_free char *path = NULL;
	int err;

	host.cgroup_fd = find_cgroup(m, &path);
	if (host.cgroup_fd < 0 && !m->rt->no_cgroup) {
		rt_scope_begun(m->rt);
		return host.cgroup_fd;
	}
	m->b->cgroup_parent = host.cgroup_fd;
	err = check_empty(m, host.cgroup_fd);
	if (err) {
		rt_scope_begun(m->rt);
		return err;
	}
	c->spec.id = m->b->id;
	if (c->hooks[HOOKS_PRESTART].nr || c->hooks[HOOKS_CREATE_RUNTIME].nr) {
		c->oci.runtime_hooks = on_made;
		c->oci.runtime_ctx = m;
	}
	m->b->cgroup = path; /* until this returns */
	err = inside_state(c, m->b->id);
	if (!err)
		err = rt_box_save(m->rt, m->b, c, 0);
	if (!err)
		err = ct_create(&host, &c->spec, stdio, ret, &m->rt->why);
	rt_scope_begun(m->rt);
	if (err)
		return err;
	err = rt_box_save(m->rt, m->b, c, (*ret)->iso.pid);
	if (err)
		(void)ct_destroy(*ret); /* the first failure is told */
	return err;
}

int rt_make(struct rt *rt, struct rt_box *b, struct config *c, const struct ct_stdio *stdio,
	    struct container **ret)
{
	struct making m = {rt, b, c};
	int err = rt_rootless(rt, c);

	if (!err)
		err = rt_box_write(rt, b, RT_CONFIG, c->text);
	if (!err)
		err = create(&m, stdio, ret);
	b->cgroup = NULL; /* the state has it */
	c->oci.runtime_hooks = NULL; /* @m ends here */
	return err;
}

/* Of a configuration that cannot be read there are none: the container is to go all the same. */
static void hooks_remembered(struct rt *rt, struct rt_box *b)
{
	struct config c;

	rt_config_new(&c);
	if (!rt_box_config(rt, b, &c))
		(void)rt_hooks(&c, HOOKS_POSTSTOP, "stopped", b->id, 0, NULL); /* may fail */
	config_free(&c);
}

int rt_undo(struct rt *rt, struct rt_box *b, struct config *c)
{
	int err = 0;

	if (b->pidfd >= 0)
		launch_reap(b->pidfd);
	if (b->cgroup_fd >= 0) {
		(void)cg_kill(b->cgroup_fd); /* one that fails shows as a cgroup that stays */
		err = cg_remove(b->cgroup_parent, strrchr(b->cgroup, '/') + 1);
	}
	if (err)
		return why_set(&rt->why, err, "removing the cgroup %s", b->cgroup);
	if (b->state && c)
		(void)rt_hooks(c, HOOKS_POSTSTOP, "stopped", b->id, 0, NULL); /* may fail */
	else if (b->state)
		hooks_remembered(rt, b);
	return rt_box_forget(rt, b);
}

int rt_start_connect(struct rt *rt, struct rt_box *b)
{
	cleanup_close int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un to;

	if (sock < 0 || rt_address(b->dir, RT_SOCKET, &to) ||
	    connect(sock, (struct sockaddr *)&to, sizeof(to)))
		return why_set(&rt->why, -errno, "%s/%s/" RT_SOCKET, rt->root, b->id);
	return take_fd(&sock);
}
