/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the tasks again that an earlier process of the agent ran. */
#ifndef DCOS_RECOVERY_H
#define DCOS_RECOVERY_H

#include "agent/node.h"

struct recovery {
	int adopted; /* run on */
	int ended; /* had ended while no agent ran */
	int remembered; /* had ended before */
	int lost; /* launch not finished, or the machine was restarted */
	int unreadable; /* checkpoints set aside as *.json.bad */
	int strays; /* cgroups with processes of no task */
};

/**
 * recover - read the checkpoints, adopt what runs, report what ended
 * @n: wired, without tasks
 * Takes pidfds from systemd's descriptor store (sd_listen_fds(3)), else opens them by pid and
 * checks the process's identity: same start time, same cgroup.
 * Return: 0; -errno, e.g. -EMFILE: what it takes to look at a task is missing just now. Then no task
 * has changed whose state is not known: another try may find all of them.
 */
int recover(struct node *n, struct recovery *ret, struct why *why);

#endif
