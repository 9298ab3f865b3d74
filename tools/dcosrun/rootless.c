// SPDX-License-Identifier: Apache-2.0
/*
 * Without being root of the host: somebody without privileges, whose containers need a user
 * namespace, or root of a user namespace, as rootless podman is.
 * Source: user_namespaces(7), capabilities(7).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/credentials.h"
#include "isolators/idmap.h"
#include "tools/dcosrun/rt.h"

#define START_MAX 128 /* bytes of a file of procfs that are read */

static bool may_mount(void)
{
	uint64_t own = 0;

	return !caps_permitted(&own) && own & (UINT64_C(1) << CAP_SYS_ADMIN);
}

/* The beginning of a file of procfs, whose size nobody knows. */
static bool read_start(const char *path, char buf[static START_MAX])
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, START_MAX - 1);

	if (n < 0)
		return false;
	buf[n] = '\0';
	return true;
}

/* The first user namespace has all ids. */
static bool has_all_ids(void)
{
	uint32_t inside, outside, nr;
	char map[START_MAX];

	return read_start("/proc/self/uid_map", map) &&
	       sscanf(map, "%" SCNu32 " %" SCNu32 " %" SCNu32, &inside, &outside, &nr) == 3 &&
	       !inside && !outside && nr == UINT32_MAX;
}

static bool setgroups_is_denied(void)
{
	char text[START_MAX];

	return read_start("/proc/self/setgroups", text) && !strncmp(text, "deny", 4);
}

bool rt_is_rootless(void)
{
	return !may_mount() || !has_all_ids();
}

int rt_rootless(struct rt *rt, struct config *c)
{
	c->oci.keep_groups = setgroups_is_denied();
	c->oci.unprivileged = !may_mount();
	c->oci.one_way = rt_is_rootless();
	if (!c->oci.unprivileged)
		return 0;
	if (!(c->spec.namespaces & CLONE_NEWUSER))
		return why_set(&rt->why, -EPERM,
			       "linux.namespaces: without privileges a container needs a user "
			       "namespace of its own");
	c->oci.keep_groups |= idmap_is_own(&c->oci.gids, getegid());
	return 0;
}
