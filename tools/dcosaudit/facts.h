/* SPDX-License-Identifier: Apache-2.0 */
/* What a task may do to its host, as the kernel and the agent tell it: for dcosaudit tasks. */
#ifndef DCOS_AUDIT_FACTS_H
#define DCOS_AUDIT_FACTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/lib/why.h"

#define FACTS_LIST_MAX	1024 /* mounts, devices or ports of one task; more are counted */
#define FACTS_HASH_TEXT 65 /* SHA-256 in hex, with the NUL */

enum facts_ns {
	FACTS_CGROUP,
	FACTS_IPC,
	FACTS_MNT,
	FACTS_NET,
	FACTS_PID,
	FACTS_USER,
	FACTS_UTS,
	FACTS_NS
};

struct facts {
	char *id;
	pid_t pid; /* of its init, in the host's pid namespace */
	json_t *labels; /* object */
	char *profile; /* name, as task_profile_name() */
	char hash[FACTS_HASH_TEXT]; /* of the compiled filter; "" none or unknown */
	int seccomp; /* mode of the init: 0 none, 2 filter */
	int filters; /* how many; -1 the kernel does not tell */
	bool no_new_privs;
	uint32_t uid; /* effective, in the host's user namespace */
	uint32_t uid_inside; /* in the task's own */
	uint64_t caps_effective, caps_bounding;
	bool own_ns[FACTS_NS]; /* it is not the host's */
	json_t *writable; /* array of {"path", "type", "source"}: mounts it may write */
	json_t *devices; /* array of texts: those that its spec adds */
	json_t *ports; /* array of "tcp/80": sockets that listen */
	unsigned int left_out; /* of these lists */
};

/** facts_ns_name - "cgroup", "ipc", ... as in /proc/PID/ns */
const char *facts_ns_name(enum facts_ns ns);

/* Where a task is. */
struct facts_from {
	pid_t agent; /* whose namespaces are the host's */
	const char *cgroup_dir; /* of the task */
	const char *profile_dir; /* as task_profile_text() */
};

/**
 * facts_read - look at a running task
 * @inspect: the reply of Inspect; borrowed
 * @ret: to be ended with facts_free()
 * Return: 0; -ESRCH it has ended; -errno.
 */
int facts_read(const json_t *inspect, const struct facts_from *from, struct facts *ret,
	       struct why *why);

/** facts_free - free what it owns and zero it */
void facts_free(struct facts *f);

/** facts_ports - only for facts.c: listening sockets of the processes of a cgroup */
int facts_ports(pid_t pid, const char *cgroup_dir, struct facts *f);

/** facts_json - all of it. Return: a new reference, NULL without memory */
json_t *facts_json(const struct facts *f);

#endif
