// SPDX-License-Identifier: Apache-2.0
/* "linux" of a config.json but its resources. */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "agent/lib/cleanup.h"
#include "isolators/join.h"
#include "tools/dcosrun/config.h"

#define NODE_MODE    0666
#define DEVICE_MAJOR 4095 /* MKDEV of the kernel */
#define DEVICE_MINOR 1048575

static int read_namespace(struct config *c, const json_t *v, void *item)
{
	struct oci_join *j = item;
	char *type = NULL;
	int err = cf_str(c, v, "type", &type);

	if (!err && !type)
		return cf_missing(c, "type");
	if (!err)
		err = cf_str(c, v, "path", &j->path);
	if (err)
		return err;
	j->flag = ns_flag(type);
	if (!j->flag)
		return cf_bad(c, "type",
			      "\"%.32s\": allowed are pid, network, mount, ipc, uts, user, cgroup, "
			      "time",
			      type);
	if (j->path && !*j->path)
		j->path = NULL;
	if (j->path && j->path[0] != '/')
		return cf_bad(c, "path", "\"%.128s\": allowed is an absolute path", j->path);
	return 0;
}

/* Those with a path exist; the others are to be made. */
static int read_namespaces(struct config *c, const json_t *v)
{
	struct oci_join *all;
	uint64_t seen = 0;
	void *items = NULL;
	size_t nr = 0;
	int err = cf_each(c, v, "namespaces", CONFIG_ITEMS_MAX, sizeof(*all), read_namespace,
			  &items, &nr);

	all = c->oci.joins = items;
	for (size_t i = 0; i < nr && !err; i++) {
		if (seen & all[i].flag)
			return cf_bad(c, "namespaces", "%s is given twice", ns_name(all[i].flag));
		seen |= all[i].flag;
		if (all[i].path)
			c->oci.joins[c->oci.joins_nr++] = all[i];
		else
			c->spec.namespaces |= all[i].flag;
	}
	return err;
}

static int read_map(struct config *c, const json_t *v, void *item)
{
	struct oci_map *m = item;
	int err = cf_u32(c, v, "containerID", &m->inside);

	if (!err)
		err = cf_u32(c, v, "hostID", &m->host);
	if (!err)
		err = cf_u32(c, v, "size", &m->nr);
	if (!err && (!m->nr || m->nr > UINT32_MAX - m->host || m->nr > UINT32_MAX - m->inside))
		return cf_bad(c, "size", "%" PRIu32 ": allowed is 1 up to where ids end", m->nr);
	return err;
}

int config_read_maps(struct config *c, const json_t *o, const char *key, struct oci_maps *ret)
{
	void *items = NULL;
	int err = cf_each(c, o, key, OCI_MAPS_MAX, sizeof(struct oci_map), read_map, &items,
			  &ret->nr);

	ret->items = items;
	return err;
}

static int read_node(struct config *c, const json_t *v, void *item)
{
	struct oci_node *n = item;
	int64_t major = 0, minor = 0, mode = NODE_MODE;
	char *type = NULL;
	int err = cf_str(c, v, "path", &n->path);

	if (!err && (!n->path || n->path[0] != '/' || n->path[strlen(n->path) - 1] == '/'))
		return cf_bad(c, "path", "\"%.128s\": allowed is the absolute path of a file",
			      n->path ? n->path : "");
	if (!err)
		err = cf_str(c, v, "type", &type);
	if (!err && (!type || !*type || type[1] || !strchr("cubp", *type)))
		return cf_bad(c, "type", "\"%.16s\": allowed are c, u, b, p", type ? type : "");
	n->type = type ? (char)(*type == 'u' ? 'c' : *type) : 0;
	if (!err)
		err = cf_int(c, v, "major", 0, DEVICE_MAJOR, &major);
	if (!err)
		err = cf_int(c, v, "minor", 0, DEVICE_MINOR, &minor);
	if (!err && n->type != 'p' && (!cf_has(v, "major") || !cf_has(v, "minor")))
		return cf_bad(c, "major", "and minor are needed");
	if (!err)
		err = cf_int(c, v, "fileMode", 0, INT32_MAX, &mode); /* the type may be in it */
	if (!err)
		err = cf_u32(c, v, "uid", &n->uid);
	if (!err)
		err = cf_u32(c, v, "gid", &n->gid);
	n->major = (uint32_t)major;
	n->minor = (uint32_t)minor;
	n->mode = (mode_t)mode & 07777;
	return err;
}

static int read_nodes(struct config *c, const json_t *v)
{
	void *items = NULL;
	int err = cf_each(c, v, "devices", OCI_NODES_MAX, sizeof(struct oci_node), read_node,
			  &items, &c->oci.nodes_nr);

	c->oci.nodes = items;
	return err;
}

static uint64_t own_namespaces(const struct config *c)
{
	uint64_t flags = c->spec.namespaces;

	for (size_t i = 0; i < c->oci.joins_nr; i++)
		flags |= c->oci.joins[i].flag;
	return flags;
}

/* What the switch belongs to; the host's are not the container's to set. */
static uint64_t sysctl_namespace(const char *key)
{
	static const char *const ipc[] = {"kernel/msgmax", "kernel/msgmnb",	    "kernel/msgmni",
					  "kernel/sem",	   "kernel/shmall",	    "kernel/shmmax",
					  "kernel/shmmni", "kernel/shm_rmid_forced"};

	if (!strncmp(key, "net/", 4))
		return CLONE_NEWNET;
	if (!strncmp(key, "fs/mqueue/", 10))
		return CLONE_NEWIPC;
	if (!strncmp(key, "user/", 5))
		return CLONE_NEWUSER;
	if (!strcmp(key, "kernel/domainname"))
		return CLONE_NEWUTS;
	for (size_t i = 0; i < ARRAY_SIZE(ipc); i++)
		if (!strcmp(key, ipc[i]))
			return CLONE_NEWIPC;
	return 0;
}

/* "net.ipv4.conf.eth0/1.x" and "net/ipv4/conf/eth0.1/x" are the same: sysctl(8). */
static char *sysctl_path(struct config *c, const char *key)
{
	char *path = cf_text(c, "%s", key);
	size_t first = strcspn(key, "./");

	for (char *p = path; p && *p && key[first] == '.'; p++)
		*p = (char)(*p == '.' ? '/' : *p == '/' ? '.' : *p);
	return path;
}

static int read_sysctl(struct config *c, const json_t *v)
{
	struct oci_pairs *s = &c->oci.sysctl;
	int err = cf_pairs(c, v, "sysctl", OCI_SYSCTL_MAX, s);

	for (size_t i = 0; i < s->nr && !err; i++) {
		const char *key = s->items[i].key;
		char *path = sysctl_path(c, key);
		uint64_t ns;

		if (!path)
			return -ENOMEM;
		ns = sysctl_namespace(path);
		if (strstr(path, "..") || *path == '/' || !ns)
			return cf_bad(c, "sysctl", "%.64s is not in a namespace of the kernel",
				      key);
		if (!(ns & own_namespaces(c)))
			return cf_bad(c, "sysctl",
				      "%.64s is the host's: the container has no %s namespace", key,
				      ns_name(ns));
		s->items[i].key = path;
	}
	return err;
}

static int read_propagation(struct config *c, const json_t *v)
{
	char *word = NULL;
	int err = cf_str(c, v, "rootfsPropagation", &word);

	if (err || !word || !*word)
		return err;
	if (config_propagation(word, &c->oci.root_propagation, &c->oci.root_propagation_below))
		return cf_bad(c, "rootfsPropagation",
			      "\"%.32s\": allowed are private, shared, slave, unbindable, each "
			      "with an r before it",
			      word);
	return 0;
}

static bool is_device_name(const char *name)
{
	size_t len = strlen(name);

	return len && len < IFNAMSIZ && strcmp(name, ".") && strcmp(name, "..") &&
	       !strpbrk(name, "/: \t\n\v\f\r%");
}

static int read_netdev(struct config *c, const char *name, const json_t *v)
{
	struct oci_pairs *all = &c->oci.netdevs;
	char *inside = NULL;
	int err = json_is_object(v) ? cf_str(c, v, "name", &inside)
				    : cf_bad(c, name, "must be an object");

	if (err)
		return err;
	if (!inside || !*inside)
		inside = (char *)name;
	if (!is_device_name(name) || !is_device_name(inside))
		return cf_bad(c, name, "\"%.64s\": allowed is the name of a device, up to %d bytes",
			      inside, IFNAMSIZ - 1);
	for (size_t i = 0; i < all->nr; i++)
		if (!strcmp(all->items[i].value, inside))
			return cf_bad(c, name, "\"%s\" is the name of another one, too", inside);
	all->items[all->nr++] = (struct oci_pair){(char *)name, inside};
	return 0;
}

static int read_netdevs(struct config *c, const json_t *linux_)
{
	json_t *v = NULL, *one;
	const char *name;
	int err = cf_member(c, linux_, "netDevices", JSON_OBJECT, &v);
	size_t was = cf_in(c, "netDevices", -1);

	if (err || !v) {
		cf_out(c, was);
		return err;
	}
	if (json_object_size(v) > OCI_NETDEVS_MAX)
		return cf_bad(c, "", "%zu entries, allowed are up to %d", json_object_size(v),
			      OCI_NETDEVS_MAX);
	c->oci.netdevs.items = cf_alloc(c, json_object_size(v) + 1, sizeof(struct oci_pair));
	if (!c->oci.netdevs.items)
		return -ENOMEM;
	json_object_foreach (v, name, one) {
		err = read_netdev(c, name, one);
		if (err)
			return err;
	}
	cf_out(c, was);
	return 0;
}

static int read_offset(struct config *c, const json_t *all, const char *clock)
{
	struct oci_pair *p = &c->oci.time_offsets.items[c->oci.time_offsets.nr];
	int64_t secs = 0, nanos = 0;
	json_t *v = NULL;
	int err = cf_member(c, all, clock, JSON_OBJECT, &v);

	if (!v)
		return err;
	err = cf_int(c, v, "secs", INT64_MIN, INT64_MAX, &secs);
	if (!err)
		err = cf_int(c, v, "nanosecs", 0, 999999999, &nanos);
	if (err)
		return err;
	p->key = (char *)clock;
	p->value = cf_text(c, "%" PRId64 " %" PRId64, secs, nanos);
	c->oci.time_offsets.nr++;
	return p->value ? 0 : -ENOMEM;
}

static int read_offsets(struct config *c, const json_t *v)
{
	json_t *all = NULL;
	int err = cf_member(c, v, "timeOffsets", JSON_OBJECT, &all);

	if (!json_object_size(all))
		return err;
	if (!(c->spec.namespaces & CLONE_NEWTIME))
		return cf_bad(c, "timeOffsets", "is given, without a new time namespace");
	c->oci.time_offsets.items = cf_alloc(c, 2, sizeof(struct oci_pair));
	if (!c->oci.time_offsets.items)
		return -ENOMEM;
	err = read_offset(c, all, "monotonic");
	return err ? err : read_offset(c, all, "boottime");
}

static int check_paths(struct config *c, const char *key, char *const *paths)
{
	for (; paths && *paths; paths++)
		if (**paths != '/')
			return cf_bad(c, key, "\"%.128s\": allowed is an absolute path", *paths);
	return 0;
}

static int read_paths(struct config *c, const json_t *v)
{
	int err = cf_strings(c, v, "maskedPaths", &c->spec.masked_paths);

	if (!err)
		err = cf_strings(c, v, "readonlyPaths", &c->spec.readonly_paths);
	if (!err)
		err = check_paths(c, "maskedPaths", c->spec.masked_paths);
	return err ? err : check_paths(c, "readonlyPaths", c->spec.readonly_paths);
}

static int read_cgroup(struct config *c, const json_t *v)
{
	char *path = NULL;
	json_t *resources = NULL;
	int err = cf_str(c, v, "cgroupsPath", &path);
	size_t was;

	c->cgroups_path = path && *path ? path : NULL;
	if (!err)
		err = cf_member(c, v, "resources", JSON_OBJECT, &resources);
	if (err || !resources)
		return err;
	was = cf_in(c, "resources", -1);
	err = config_read_resources(c, resources);
	if (!err)
		cf_out(c, was);
	return err;
}

static int read_seccomp(struct config *c, const json_t *v)
{
	json_t *seccomp = NULL;
	int err = cf_member(c, v, "seccomp", JSON_OBJECT, &seccomp);
	size_t was = cf_in(c, "seccomp", -1);

	if (!err && seccomp)
		err = config_read_seccomp(c, seccomp);
	if (!err)
		cf_out(c, was);
	return err;
}

int config_read_linux(struct config *c, const json_t *v)
{
	static const char *const refused[] = {"intelRdt", NULL};
	static int (*const parts[])(struct config *, const json_t *) = {
		read_namespaces,
		read_nodes,
		read_sysctl,
		read_propagation,
		config_read_personality,
		config_read_mempolicy,
		read_netdevs,
		read_offsets,
		read_paths,
		read_cgroup,
		read_seccomp,
	};
	int err = cf_refuse(c, v, refused);

	if (!err)
		err = config_read_maps(c, v, "uidMappings", &c->oci.uids);
	if (!err)
		err = config_read_maps(c, v, "gidMappings", &c->oci.gids);
	if (!err)
		err = cf_str(c, v, "mountLabel", &c->oci.mount_label);
	if (!err && c->oci.mount_label && *c->oci.mount_label)
		return cf_bad(c, "mountLabel",
			      "\"%.64s\": SELinux labels of mounts are not "
			      "supported here",
			      c->oci.mount_label);
	for (size_t i = 0; i < ARRAY_SIZE(parts) && !err; i++)
		err = parts[i](c, v);
	return err;
}
