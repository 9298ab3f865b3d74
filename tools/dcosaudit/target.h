/* SPDX-License-Identifier: Apache-2.0 */
/* What record, shadow and watch look at: a task of the agent, a cgroup, a process, a command. */
#ifndef DCOS_AUDIT_TARGET_H
#define DCOS_AUDIT_TARGET_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/abi.h"
#include "tools/dcosaudit/audit.h"
#include "tools/dcosaudit/recording.h"

struct target_options {
	const char *cgroup;
	struct opt_u64 pid;
	bool wait, command;
};

#define TARGET_ROW_CGROUP(T)                                                                       \
	{                                                                                          \
		"cgroup", 0, "PATH", opt_string, offsetof(T, target.cgroup), "a path",             \
			"a cgroup instead of a task, with all below it: a directory, or a path "   \
			"below the mount of cgroup2"                                               \
	}
#define TARGET_ROW_PID(T)                                                                          \
	{                                                                                          \
		"pid", 0, "PID", opt_count, offsetof(T, target.pid), "a process",                  \
			"a process instead of a task, with its descendants"                        \
	}
#define TARGET_ROW_WAIT(T)                                                                         \
	{                                                                                          \
		"wait", 0, NULL, opt_flag, offsetof(T, target.wait), NULL,                         \
			"the task is yet to be started: from its first instruction on"             \
	}
#define TARGET_ROW_COMMAND(T)                                                                      \
	{                                                                                          \
		"command", 0, NULL, opt_flag, offsetof(T, target.command), NULL,                   \
			"the operands are a command to start: dcosaudit ... --command -- "         \
			"COMMAND ARG..."                                                           \
	}

enum target_kind {
	TARGET_CGROUP, /* also a task */
	TARGET_AWAITED, /* the cgroup of a task that is yet to be started */
	TARGET_PROCESS,
	TARGET_COMMAND,
	TARGET_NODE, /* all tasks of the agent */
};

struct target {
	enum target_kind kind;
	char name[REC_TEXT_MAX]; /* what the user calls it */
	char text[REC_TEXT_MAX]; /* the command that runs there, if that is known */
	json_t *task; /* the reply of Inspect; NULL: no task of the agent */
	char *dir; /* of the cgroup, TARGET_AWAITED: of its parent */
	int cgroup_fd; /* of dir, or -1 */
	uint64_t cgroup_id; /* of dir */
	char wait_name[DCOS_AUDIT_NAME]; /* TARGET_AWAITED: of the cgroup below dir */
	pid_t pid; /* TARGET_PROCESS, TARGET_COMMAND */
	int pidfd;
	bool starting; /* it runs, and is in its startup part nevertheless */
	int start_fd; /* TARGET_COMMAND: what is written there lets the command run */
};

/**
 * target_open - find it; a command is forked and waits
 * @operands: a task, a command, or none as @o says
 * @node: none of all means all tasks of the agent
 * @ret: to be ended with target_close()
 * Return: exit status, 0 if it is there; else it was printed.
 */
int target_open(struct audit *a, const struct target_options *o, char **operands, int nr, bool node,
		struct target *ret);

/** target_start - let a command run; nothing to do for others */
void target_start(struct target *t);

/**
 * target_close - free what it owns
 * A command that was not started is ended; one that was is waited for, after SIGTERM if it lives.
 * Return: its status as a shell would say it; 0 for others.
 */
int target_close(struct target *t);

#endif
