/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks on disk: state_dir/tasks/ID.json, one file a task, replaced atomically. What is not in it
 * (counters, limits, exit codes) is kept by the kernel: cgroups and pinned BPF maps.
 */
#ifndef DCOS_CHECKPOINT_H
#define DCOS_CHECKPOINT_H

#include <jansson.h>

#include "agent/node.h"

#define CHECKPOINT_VERSION 1
#define CHECKPOINT_MAX	   (2U << 20) /* bytes of a file; a larger one is not read */

/**
 * checkpoint_stage - write a task down beside its file, for checkpoint_commit()
 * Return: 0 or -errno.
 */
int checkpoint_stage(const struct task *t);

/** checkpoint_commit - make what was staged the task's file. Return: 0; -errno: the old one stays */
int checkpoint_commit(const struct task *t);

/** checkpoint_unstage - forget what was staged */
void checkpoint_unstage(const struct task *t);

/**
 * checkpoint_save - write a task down
 * t->ending goes along with it.
 * Return: 0 or -errno, the old file then stays.
 */
int checkpoint_save(const struct task *t);

/** checkpoint_drop - forget a task's file; it is no error if there is none */
void checkpoint_drop(const struct node *n, const char *id);

/* What a checkpoint says, to be made a task by recovery.c. */
struct checkpoint {
	json_t *spec; /* the task spec document, owned */
	enum task_state state;
	pid_t pid; /* 0 none */
	uint64_t pid_start, cgroup_id, created_unix_us, started_unix_us;
	bool metered, kill_asked;
	uint32_t slot;
	int idmap;
	char boot_id[NODE_BOOT_ID_LEN + 1];
	struct task_exit exit;
	json_t *usage; /* of an ended task, owned, may be NULL */
	json_t *flight; /* of an ended task: the reply of History, owned, may be NULL */
	json_t *disks; /* of an ended task: an array of type Disk, owned, may be NULL */
	char breach[TASK_REASON_MAX], unhealthy[TASK_REASON_MAX];
	json_t *warnings; /* owned, may be NULL */
};

/**
 * checkpoint_load - read one file
 * @path: absolute
 * @why: what is wrong with it
 * Return: 0; -EBADMSG not a checkpoint of ours, or of a later version; -errno.
 */
int checkpoint_load(const char *path, struct checkpoint *ret, struct why *why);

/** checkpoint_free - free what it owns, not @c itself */
void checkpoint_free(struct checkpoint *c);

/**
 * checkpoint_each - every file of the state directory, in no order
 * @fn: called with the absolute path, and the id that the file's name says
 *
 * What a write that did not come to its end has left is removed on the way.
 */
int checkpoint_each(const struct node *n, void (*fn)(void *arg, const char *path, const char *id),
		    void *arg);

#endif
