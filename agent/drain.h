/* SPDX-License-Identifier: Apache-2.0 */
/* Draining: no new tasks, the running ones end. Holds over restarts of the agent. */
#ifndef DCOS_DRAIN_H
#define DCOS_DRAIN_H

#include "agent/node.h"

/**
 * drain_set - begin or end draining, written down in state_dir/draining
 * Return: 0 or -errno, then nothing has changed.
 */
int drain_set(struct node *n, bool on);

/** drain_load - what an earlier process was told */
void drain_load(struct node *n);

/** drain_kill - ask every task to end; @grace_ms -1: each with the grace of its spec */
void drain_kill(struct node *n, int64_t grace_ms);

#endif
