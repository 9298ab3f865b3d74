/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to tasks: run, kill, end, remove, drain. */
#ifndef DCOS_LIFECYCLE_H
#define DCOS_LIFECYCLE_H

#include "agent/node.h"

/**
 * task_run - accept a task and start it
 * @spec: taken over, also on failure; its id is not in use
 * @ret: the running task, owned by the node
 * @why: why it could not be started
 *
 * A task that could not be launched is not kept.
 * Return: 0; -ENOSPC no free range of user ids; or the launch's -errno.
 */
int task_run(struct node *n, struct task_spec *spec, struct task **ret, struct why *why);

/**
 * task_kill - ask a task to end
 * @sig: to its init first
 * @grace_us: SIGKILL to all of it after so long; 0: at once
 *
 * An init of a pid namespace that has no handler for @sig would never see it: it gets SIGKILL at
 * once (pid_namespaces(7)). A second call can only shorten the grace.
 * Return: 0; -ESRCH it has ended.
 */
int task_kill(struct task *t, int sig, uint64_t grace_us);

/**
 * task_change - other limits, all or nothing, held and written down
 * @res: the whole new set
 * @doc: the keys that were asked for, as task_resources_parse() accepted them; borrowed
 * @why: what of it failed, then the limits of before hold and are written down
 * Return: 0 or -errno.
 */
int task_change(struct task *t, const struct ct_resources *res, json_t *doc, struct why *why);

/**
 * task_update - the half of task_change() that the isolators hold
 * Return: 0; -ESRCH it has ended; -errno with @why, then the limits of before hold.
 */
int task_update(struct task *t, const struct ct_resources *res, struct why *why);

/** task_remove - forget an ended task and its files; -EBUSY it runs */
int task_remove(struct task *t);

/**
 * task_watch - tell the loop to wait for the task's end
 * Needs t->ct; also keeps the pidfd in systemd's descriptor store.
 */
int task_watch(struct task *t);

/**
 * task_end - the task's init has ended, or was found ended: record how, undo the container
 * @t: with its container, or without if somebody has removed its cgroup
 * Reads the exit status from the kernel if it is our child, else from the BPF exit record.
 */
void task_end(struct task *t);

/**
 * task_move - the one mutator of t->state
 * Aborts on a move that is not in state.c's table; logs, and tells n->on_move.
 * Return: 0; -errno it could not be written down, which was logged; the move holds.
 */
int task_move(struct task *t, enum task_state to);

/**
 * task_save - write the task down; what fails is tried again by node_save_again()
 * Return: 0 or -errno.
 */
int task_save(struct task *t);

/** node_save_again - write down what could not be written when it happened */
void node_save_again(struct node *n);

/** task_new - an object in STAGING that is in the node's table; @spec taken over */
int task_new(struct node *n, struct task_spec *spec, struct task **ret);

/** task_free - out of the table and freed; the container, if any, stays as it is */
void task_free(struct task *t);

/** task_launch_lost - a task whose launch did not come to its end, found by recovery */
void task_launch_lost(struct task *t, const char *reason);

/** task_undo - the container and all that belongs to it away; t->ct is NULL then. Idempotent */
void task_undo(struct task *t);

/** node_trim - forget the oldest ended tasks beyond the configured number */
void node_trim(struct node *n);

/** idmap_take, idmap_release - ranges of user ids; @idx -1 picks a free one */
int idmap_take(struct node *n, int idx);
void idmap_release(struct node *n, int idx);

#endif
