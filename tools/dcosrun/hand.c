// SPDX-License-Identifier: Apache-2.0
/*
 * What a process and those who watch it are handed: descriptors that stay open, sockets that a
 * service manager listens on, a descriptor of the process.
 * Source: sd_listen_fds(3); pidfd_open(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/fdpass.h"
#include "agent/lib/units.h"
#include "tools/dcosrun/rt.h"

#define FIRST	     3 /* behind the standard streams */
#define PRESERVE_MAX 1024
#define LISTEN_VARS  2 /* variables that tell a program of the sockets */

int rt_address(int dir, const char *name, struct sockaddr_un *ret)
{
	ret->sun_family = AF_UNIX;
	return snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", dir, name) >=
			       (int)sizeof(ret->sun_path)
		       ? -ENAMETOOLONG
		       : 0;
}

int rt_connect(struct rt *rt, const char *option, const char *path)
{
	const char *base = strrchr(path, '/');
	cleanup_free char *above = base ? strndup(path, (size_t)(base - path) + 1) : strdup(".");
	cleanup_close int dir = open(above ? above : "", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un to;

	if (dir < 0 || sock < 0 || rt_address(dir, base ? base + 1 : path, &to) ||
	    connect(sock, (struct sockaddr *)&to, sizeof(to)))
		return why_set(&rt->why, -errno, "%s=%s", option, path);
	return take_fd(&sock);
}

int rt_pidfd_send(struct rt *rt, const char *path, int pidfd)
{
	static const char option[] = "--pidfd-socket", name[] = "pidfd";
	cleanup_close int sock = path ? rt_connect(rt, option, path) : -1;
	int err = sock < 0 ? sock : fd_send(sock, name, sizeof(name) - 1, pidfd);

	if (!path)
		return 0;
	return sock >= 0 && err ? why_set(&rt->why, err, "%s=%s", option, path) : err;
}

/* Sockets that were meant for this very process, or none. */
static uint64_t listen_fds(void)
{
	const char *pid = getenv("LISTEN_PID"), *nr = getenv("LISTEN_FDS");
	uint64_t who, n;

	if (!pid || !nr || parse_u64(pid, 1, INT32_MAX, &who) || (pid_t)who != getpid() ||
	    parse_u64(nr, 1, PRESERVE_MAX, &n))
		return 0;
	return n;
}

/* In its own pid namespace, the first process is number 1: other runtimes say no other. */
static int tell_program(struct config *c, uint64_t nr)
{
	char **old = c->spec.process.env, **env;
	size_t n = 0;

	while (old[n])
		n++;
	env = cf_alloc(c, n + LISTEN_VARS + 1, sizeof(*env));
	if (!env)
		return -ENOMEM;
	memcpy(env, old, n * sizeof(*env));
	env[n] = cf_text(c, "LISTEN_FDS=%d", (int)nr);
	env[n + 1] = cf_text(c, "LISTEN_PID=1");
	if (!env[n] || !env[n + 1])
		return -ENOMEM;
	c->spec.process.env = env;
	return 0;
}

int rt_preserve(struct rt *rt, const struct opt_u64 *more, struct config *c)
{
	uint64_t sockets = listen_fds(), nr = more->given ? more->value : 0;
	int err;

	if (nr > PRESERVE_MAX)
		return why_set(&rt->why, -EINVAL, "--preserve-fds: allowed are up to %d",
			       PRESERVE_MAX);
	err = sockets ? tell_program(c, sockets) : 0;
	if (err)
		return why_set(&rt->why, err, "LISTEN_FDS");
	for (uint64_t i = 0; i < sockets + nr; i++)
		if (fcntl(FIRST + (int)i, F_GETFD) < 0)
			return why_set(&rt->why, -errno, "%s: descriptor %d",
				       i < sockets ? "LISTEN_FDS" : "--preserve-fds",
				       FIRST + (int)i);
	c->oci.process.preserve_fds = (int)(sockets + nr);
	return 0;
}
