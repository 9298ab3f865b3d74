/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's configuration: /etc/dcos/agent.conf and then the files of agent.conf.d whose names
 * end in .conf, in the order of their names; a later value replaces an earlier one. INI as libinih
 * reads it; every key is a row of one table, from which errors and the table of agent.conf(5) come.
 */
#ifndef DCOS_CONFIG_H
#define DCOS_CONFIG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/lib/why.h"
#include "isolators/net.h"

#define CONFIG_FILE	   DCOS_SYSCONFDIR "/dcos/agent.conf"
#define CONFIG_DROPIN_DIR  DCOS_SYSCONFDIR "/dcos/agent.conf.d"
#define CONFIG_BYTES_MAX   (64U << 10) /* of one file */
#define CONFIG_DROPINS_MAX 256 /* files in the drop-in directory */

/* Who may call the methods that only read; root and socket_group may always, and may manage. */
enum config_read_access {
	CONFIG_READ_ALL, /* every local user */
	CONFIG_READ_GROUP, /* members of socket_group only */
};

/* Who holds CPU quotas. */
enum config_cpu_enforcer {
	CPU_AUTO, /* cfs where it can, else the governor */
	CPU_CFS,
	CPU_GOVERNOR,
	CPU_SCX,
};

/* All strings are set, none is NULL; they belong to the config. All paths are absolute and plain
 * (no "." or ".." component, no trailing slash). */
struct config {
	/* [agent] */
	char *state_dir; /* survives a reboot: checkpoint, logs, overlay layers */
	char *run_dir; /* does not */
	char *socket;
	char *socket_group; /* a name; that it exists is for the agent to see */
	int read_access; /* enum config_read_access */
	char *read_group; /* likewise; its members may read in any case */
	char *node; /* name of this node; default: host name */
	int log_level; /* LOG_ERR .. LOG_DEBUG */
	uint32_t tasks_max; /* tasks that have not ended, < DCOS_SLOTS */
	uint32_t ended_tasks_max; /* ended ones that are remembered */

	/* [cgroup] */
	char *cgroup_path; /* below the cgroup2 mount point, "/dcos" */

	/* [meter] */
	char *bpffs; /* mount point of the bpf file system */
	char *pin_dir; /* a name below it */
	uint64_t meter_interval_us; /* of snapshots */
	uint64_t meter_history_bytes; /* of the past of all tasks, at most */

	/* [cpu] */
	int cpu_enforcer; /* enum config_cpu_enforcer */

	/* [network] */
	struct net_pool net_pool; /* of tasks with a private network */
	struct net_pool6 net_pool6;
	struct net_nat net_nat;
	struct net_dns net_dns; /* for them, instead of name servers that they can't reach */

	/* [tasks] */
	uint32_t userns_base; /* first host id of range 0 */
	uint32_t userns_size; /* ids a range; goes to ct_spec.idmap.nr */
	uint32_t userns_count; /* ranges; base + count * size fits in 32 bits */
	char *seccomp; /* profile of tasks that name none */
	char *seccomp_dir;
	uint64_t kill_grace_us;
	uint64_t log_max_bytes; /* of each of a task's two streams, before it is rotated */
};

/**
 * config_new - the built-in defaults
 * Return: 0; -ENOMEM.
 */
int config_new(struct config **ret);

/**
 * config_load - defaults, then the files
 * @file: read only this one, which must exist; NULL: CONFIG_FILE and CONFIG_DROPIN_DIR, either of
 *        which may be missing
 * @ret: owned by the caller, config_free()
 * @why: on failure "file:line: key: value, what is allowed"; may be NULL
 * Return: 0; -EINVAL a line of a file; or -errno of reading.
 */
int config_load(const char *file, struct config **ret, struct why *why);

/**
 * config_load_dir - config_load() with other places than the installed ones
 * @file: may be missing
 * @dropins: directory of *.conf; may be missing
 */
int config_load_dir(const char *file, const char *dropins, struct config **ret, struct why *why);

/**
 * config_apply - the text of one file over what @c has
 * @name: of the file, for errors
 * @text: @len bytes, no NUL needed at the end
 *
 * Values are checked one by one; config_check() then sees whether they fit together. On failure
 * @c may have some of the values.
 * Return: 0 or -EINVAL; -ENOMEM.
 */
int config_apply(struct config *c, const char *name, const char *text, size_t len, struct why *why);

/** config_check - rules over several keys; config_load() calls it. Return: 0 or -EINVAL */
int config_check(const struct config *c, struct why *why);

/** config_free - NULL is allowed. Return: NULL */
struct config *config_free(struct config *c);

static inline void config_freep(struct config **c)
{
	*c = config_free(*c);
}

#define cleanup_config __attribute__((cleanup(config_freep)))

/** config_keys_dump - the table of keys as reStructuredText, for agent.conf(5) */
void config_keys_dump(FILE *f);

#endif
