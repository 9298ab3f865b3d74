/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent needs of its host before the first task: directories, cgroup, bpffs. */
#ifndef DCOS_HOST_H
#define DCOS_HOST_H

#include "agent/node.h"

/**
 * host_setup - directories, lock, cgroup subtree, facts
 * @n: cfg is set; host, cgroup_path, ncpu, memory_bytes and boot_id are filled
 * @why: what could not be had
 *
 * One agent to a state directory: a second one is refused (-EBUSY).
 */
int host_setup(struct node *n, struct why *why);

/**
 * host_meter - mount bpffs if need be, load or take over the meter
 * On failure n->meter stays NULL and n->meter_why says why; the agent goes on unmetered.
 */
void host_meter(struct node *n);

/**
 * host_isolate - leave the host's mount namespace for one of our own
 * It still receives the host's mounts (slave); what the agent mounts for a moment while it builds
 * a container is never seen outside and is gone when the agent is. To be called after
 * host_meter(), whose bpffs must stay.
 */
int host_isolate(struct why *why);

/**
 * host_scx - have a scheduler run tasks, if the configuration wants it
 * After host_isolate() and before the first task. On failure n->scx stays NULL, n->scx_why says
 * why, and quotas are held as with enforcer=auto.
 */
void host_scx(struct node *n);

/**
 * host_scx_check - see whether the kernel has ejected the scheduler
 * To be called now and then: nothing depends on it but what is said. An ejection is logged, and
 * new tasks are the default scheduler's until the agent starts again.
 */
void host_scx_check(struct node *n);

/**
 * host_governor - hold CPU quotas by the governor, if the configuration and the host want it
 * After host_isolate() and before the first task. On failure n->governor stays NULL and
 * n->governor_why says why; quotas that nobody holds are warnings of their tasks.
 */
void host_governor(struct node *n);

/**
 * host_memory - does the agent hold limits of memory: there is a meter, and no memory controller
 * After host_meter() and before the first task.
 */
void host_memory(struct node *n);

/**
 * host_forkrate - hold tasks to rates of their forks; when and how as host_netquota()
 */
void host_forkrate(struct node *n);

/**
 * host_netquota - hold tasks to rates of their packets
 * After host_meter() and before the first task. On failure n->netquota stays NULL and
 * n->netquota_why says why; rates that nobody holds are warnings of their tasks.
 */
void host_netquota(struct node *n);

/**
 * host_guard - hold tasks to ports and addresses, and log what is denied
 * After host_meter() and before the first task. On failure n->guard stays NULL and n->guard_why
 * says why; tasks that ask for a guard are refused then.
 */
void host_guard(struct node *n);

/**
 * host_thaw - thaw what the governor of an agent that is gone has left frozen
 * While an agent runs it may do that to its tasks: they are frozen again when next due.
 * Return: how many tasks; -errno with @why.
 */
int host_thaw(const struct config *cfg, struct why *why);

/** host_release - close what host_setup() and host_meter() opened; everything on the host stays */
void host_release(struct node *n);

#endif
