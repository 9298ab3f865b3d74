// SPDX-License-Identifier: Apache-2.0
/*
 * Tells who holds the CPU quota of a task, and its memory. With the agent's scheduler that depends on the task,
 * too: its processes may have left the scheduler, and are held by cpu.max then.
 */
#include "agent/enforcer.h"

#include <sched.h>
#include <stdio.h>

#include "agent/config.h"
#include "agent/container.h"
#include "agent/node.h"
#include "cgroupfs/cgroupfs.h"

#ifndef SCHED_EXT
#define SCHED_EXT 7 /* linux/sched.h since 6.12 */
#endif

static bool has_cpu_max(const struct task *t)
{
	uint64_t weight;

	return cg_read_u64(t->ct->iso.cgroup_fd, "cpu.weight", &weight) == 0;
}

static void set(struct enforcer *e, const char *name, const char *what, const char *why)
{
	e->name = name;
	(void)snprintf(e->why, sizeof(e->why), "%s%s", what, why); /* may be cut */
}

static void of_scheduler(const struct task *t, struct enforcer *ret)
{
	if (!t->ct->iso.metered)
		set(ret, "cfs", "the task is not metered, which the scheduler needs", "");
	else if (sched_getscheduler(t->ct->iso.pid) == SCHED_EXT)
		set(ret, "scx", "[cpu] enforcer=scx", "");
	else
		set(ret, "cfs", "its first process has not the policy SCHED_EXT", "");
}

static void of_governor(const struct task *t, struct enforcer *ret)
{
	if (!t->ct->iso.metered)
		set(ret, "none", "the task is not metered, which the governor needs", "");
	else if (t->node->cfg->cpu_enforcer == CPU_GOVERNOR)
		set(ret, "governor", "[cpu] enforcer=governor", "");
	else
		set(ret, "governor", "there is no cpu controller", "");
}

static const char *why_cfs(const struct node *n)
{
	return n->cfg->cpu_enforcer == CPU_CFS ? "[cpu] enforcer=cfs" : "there is a cpu controller";
}

void enforcer_of(const struct task *t, struct enforcer *ret)
{
	const struct node *n = t->node;

	*ret = (struct enforcer){};
	if (!t->ct || state_ended(t->state))
		return;
	if (n->host.scx)
		of_scheduler(t, ret);
	else if (n->host.governor)
		of_governor(t, ret);
	else if (!has_cpu_max(t))
		set(ret, "none", "there is no cpu controller", "");
	else if (n->scx_why.text[0])
		set(ret, "cfs", "no sched_ext: ", n->scx_why.text);
	else
		set(ret, "cfs", why_cfs(n), "");
}

void enforcer_of_memory(const struct task *t, struct enforcer *ret)
{
	const struct node *n = t->node;
	uint64_t bytes;

	*ret = (struct enforcer){};
	if (!t->ct || state_ended(t->state))
		return;
	if (!cg_read_u64(t->ct->iso.cgroup_fd, "memory.max", &bytes))
		set(ret, "controller", "there is a memory controller", "");
	else if (!n->host.memory_meter)
		set(ret, "none", "there is neither a memory controller nor the meter's walk", "");
	else if (!t->ct->iso.metered)
		set(ret, "none", "there is no memory controller and the task is not metered", "");
	else
		set(ret, "meter", "there is no memory controller", "");
}
