/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an OCI runtime is asked for beyond what a task is: its config.json leaves every mount,
 * node, id map and capability set to the caller. A spec that has a struct ct_oci is built to the
 * letter of it, without the agent's own /proc, /dev and overlay.
 * Source: OCI runtime specification, config.md and config-linux.md.
 */
#ifndef DCOS_OCI_H
#define DCOS_OCI_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/lib/why.h"

#define OCI_MOUNTS_MAX	16384
#define OCI_HANDED_MAX	200 /* binds whose descriptors go through one message, below SCM_MAX_FD */
#define OCI_OPTIONS_MAX 64 /* of one mount */
#define OCI_MAPS_MAX	340 /* lines of an id map: user_namespaces(7) */
#define OCI_NODES_MAX	1024
#define OCI_RULES_MAX	1024
#define OCI_SYSCTL_MAX	512
#define OCI_KNOBS_MAX	256
#define OCI_NETDEVS_MAX 64
#define OCI_HOME_MAX	4096 /* bytes of HOME=, the NUL included */
#define OCI_SET_MAX	1024 /* CPUs, or nodes of memory, that a set can name */

/* One line of an id map. */
struct oci_map {
	uint32_t inside, host, nr;
};

struct oci_maps {
	struct oci_map *items;
	size_t nr;
};

/* "key" or "key=value" of a file system, split. */
struct oci_option {
	char *key;
	char *value; /* NULL: a flag */
};

struct oci_mount {
	char *source; /* of a bind: absolute; else for the file system, NULL none */
	char *destination; /* absolute, inside */
	char *type; /* NULL for a bind */
	bool bind, recursive, remount, copy_up;
	uint64_t attr_set, attr_clear; /* MOUNT_ATTR_* of this mount */
	uint64_t rec_set, rec_clear; /* and of those below it, too */
	uint64_t propagation; /* MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE; 0: private */
	bool propagation_below;
	bool idmap, idmap_below; /* by the mount's own maps, else by the container's */
	struct oci_maps uids, gids;
	struct oci_option *options; /* ended by .key NULL; for the file system */
};

/* A device node to be made in the root. */
struct oci_node {
	char *path; /* absolute, inside */
	char type; /* 'c', 'b' or 'p' */
	uint32_t major, minor;
	mode_t mode;
	uint32_t uid, gid;
};

/* A namespace that exists. */
struct oci_join {
	uint64_t flag; /* CLONE_NEW* */
	char *path;
};

struct oci_pair {
	char *key, *value;
};

struct oci_pairs {
	struct oci_pair *items;
	size_t nr;
};

/* Capabilities of a process, bit n is capability n. */
struct oci_caps {
	uint64_t bounding, effective, permitted, inheritable, ambient;
};

/* Rules are applied in their order: the last that speaks of an access decides. */
struct oci_rule {
	bool allow;
	char type; /* 'a', 'b', 'c' */
	int64_t major, minor; /* -1: any */
	bool read, write, mknod;
};

/* sched_setattr(2), and ioprio_set(2) */
struct oci_sched {
	bool set;
	uint32_t policy;
	int32_t nice;
	uint32_t priority;
	uint64_t flags, runtime, deadline, period;
};

/* Numbers of CPUs or of nodes of memory: bit n of the whole is number n. */
struct oci_set {
	bool given;
	unsigned long bits[OCI_SET_MAX / (8 * sizeof(unsigned long))];
};

/* set_mempolicy(2) */
struct oci_mempolicy {
	bool given;
	int mode; /* MPOL_*, flags included */
	struct oci_set nodes;
};

/* Of the process, beside struct ct_process. */
struct oci_process {
	bool none; /* the configuration has no process: it can be created, and not be started */
	struct oci_caps caps;
	struct oci_sched sched;
	bool ioprio_set;
	int ioprio; /* as ioprio_set(2) has it */
	struct oci_set exec_first; /* CPUs of who makes a process of exec, so of it until ... */
	struct oci_set exec_final; /* ... it has these */
	bool terminal;
	uint16_t rows, columns; /* of the terminal, 0: not said */
	int console_fd; /* terminal: a socket that gets its master; -1 */
	char *home; /* of the environment, "HOME=/", OCI_HOME_MAX bytes; NULL: it has another one */
	int preserve_fds; /* descriptors from 3 on that the program gets */
	char *apparmor, *selinux; /* for the next exec; NULL: not changed */
};

enum oci_hook_stage {
	OCI_CREATE_RUNTIME, /* prestart too; in the runtime's namespaces, before the pivot */
	OCI_CREATE_CONTAINER, /* in the container's, before the pivot */
	OCI_START_CONTAINER, /* in the container's, before the program */
	OCI_HOOK_STAGES
};

/* A program to be run in the container's namespaces. */
struct oci_hook {
	char *path;
	char **args; /* NULL: the path alone */
	char **env;
	uint32_t timeout_s; /* 0: as long as it takes */
};

struct oci_hooks {
	struct oci_hook *items;
	size_t nr;
};

struct ct_oci {
	char *cgroup; /* name of its directory below iso_host.cgroup_fd; NULL: our own is its own */
	bool cgroup_given; /* it is there, with processes of who made it */
	/* who makes it may mount nothing: its init, root of a new user namespace, opens all itself */
	bool unprivileged;
	bool one_way; /* a namespace that who makes it leaves can't be entered again: one more
			* process does that */
	bool keep_groups; /* setgroups(2) is denied: those of who makes it stay */
	char *rootfs; /* absolute */
	bool readonly;
	uint64_t root_propagation; /* MS_*, 0: private */
	bool root_propagation_below;
	struct oci_mount *mounts;
	size_t mounts_nr;
	struct oci_node *nodes;
	size_t nodes_nr;
	bool own_dev; /* no mount gives /dev: the default nodes and links are made */
	struct oci_join *joins;
	size_t joins_nr;
	struct oci_maps uids, gids; /* of a new user namespace */
	struct oci_pairs netdevs; /* name of the host's device -> its name inside */
	struct oci_pairs time_offsets; /* "monotonic" or "boottime" -> "seconds nanoseconds" */
	struct oci_pairs sysctl; /* "net/ipv4/ip_forward" -> value */
	char *domainname;
	bool personality_set;
	unsigned long personality;
	struct oci_mempolicy mempolicy;
	struct oci_pairs knobs; /* files of the cgroup, in this order */
	struct oci_rule *rules;
	size_t rules_nr;
	char *mount_label; /* SELinux context of mounts, NULL none */
	struct oci_process process;
	struct oci_hooks inside[OCI_HOOK_STAGES]; /* [OCI_CREATE_RUNTIME] is not used */
	const char *state; /* JSON for the hooks that run inside, see oci_hook_run() */
	/**
	 * runtime_hooks - the root's mounts are there, the pivot is not yet made
	 * @pid: of the container's init
	 * Return: 0, or -errno with the sentence in @why: the container is not made.
	 */
	int (*runtime_hooks)(void *ctx, pid_t pid, struct why *why);
	void *runtime_ctx;
	int start_fd; /* a listening socket from which the start comes; -1: from ct_start() */
	const char
		*notify_state; /* JSON of the state for seccomp's supervisor; its pid is "@PID@" */
};

/**
 * oci_hook_run - run one hook until it ends
 * @state: JSON for its standard input; "@PID@" in it becomes the number of the calling process
 * Return: 0; -ETIMEDOUT it took longer than it may, and was killed; -ECANCELED it did not end well.
 */
int oci_hook_run(const struct oci_hook *h, const char *state);

#endif
