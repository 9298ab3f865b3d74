// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Question: may this task have one more process or thread now?
 *
 * Events: security_task_alloc, which every clone, fork and vfork passes before the child exists;
 * the kernel then undoes what it has of the child. As a program of LSM where "bpf" is among the
 * kernel's LSMs, else by fmod_ret, for which no LSM has to be on.
 *
 * Algorithm: the forking thread's slot has a rate, forks a second. Each fork moves a clock of the
 * slot on by a second over the rate; where it would move beyond now, the fork fails with EAGAIN,
 * as with pids.max, and is counted. The clock is never more than a second behind: what was not
 * used for longer is lost. So in any second there are at most twice as many as the rate, and in
 * the long run as many as it.
 *
 * Decides open for who is no task or has no rate; closed for who loses the race for the clock
 * RACES_MAX times.
 *
 * Cost: at each fork on the machine a look at the thread's state, or where it has none a walk over
 * its cgroups.
 *
 * Misses: forks that put the child into the cgroup from outside (CLONE_INTO_CGROUP): those are the
 * agent's. With fmod_ret on a kernel that preempts its own code, also forks on a CPU where another
 * thread lost it in this very program: the kernel skips a tracing program that runs there already,
 * until that thread goes on, be it throttled. LSM's programs it never skips (since Linux 6.2).
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/meter_maps.h"

#define AGAIN	  (-11)
#define NS_PER_S  1000000000ULL
#define RACES_MAX 8

/* LSM's program is called: the other has nothing to do. */
static bool lsm;

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* slot -> rate. User space sets owner and per_s through mmap; BPF moves the clock. Pinned. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DCOS_SLOTS);
	__type(key, __u32);
	__type(value, struct dcos_forkq);
} forkqs SEC(".maps");

/* Return: claims that there was one left */
static __always_inline bool take(struct dcos_forkq *q, __u64 per_s)
{
	__u64 cost = NS_PER_S / per_s, now = bpf_ktime_get_ns(), old, from;
	int i;

	for (i = 0; i < RACES_MAX; i++) {
		old = *(volatile __u64 *)&q->clock_ns;
		from = old + NS_PER_S < now ? now - NS_PER_S : old;
		if (from + cost > now)
			return false;
		if (__sync_val_compare_and_swap(&q->clock_ns, old, from + cost) == old)
			return true;
	}
	return false;
}

static __always_inline __u64 owner_of_current(__u32 *slot)
{
	struct task_struct *me = bpf_get_current_task_btf();
	struct dcos_task *t = bpf_task_storage_get(&tasks, me, 0, 0);
	struct dcos_slot_key *key;
	__u64 owner;
	bool own;

	if (t && cell_of(t)) {
		*slot = t->slot;
		return t->owner;
	}
	owner = owner_of_cgroup(BPF_CORE_READ(me, cgroups, dfl_cgrp), &key, &own);
	if (owner)
		*slot = key->slot;
	return owner;
}

static __always_inline int limit(void)
{
	struct dcos_detail *d;
	struct dcos_forkq *q;
	__u64 owner, per_s;
	__u32 slot = 0;

	owner = owner_of_current(&slot);
	if (!owner)
		return 0;
	q = bpf_map_lookup_elem(&forkqs, &slot);
	if (!q || q->owner != owner)
		return 0;
	per_s = *(volatile __u64 *)&q->per_s;
	if (!per_s || take(q, per_s))
		return 0;
	d = detail_at(slot);
	if (d && cell_at(slot, owner))
		__sync_fetch_and_add(&d->fork_throttled, 1);
	return AGAIN;
}

SEC("lsm/task_alloc")
int BPF_PROG(fork_limit_lsm, struct task_struct *child, unsigned long flags, int ret)
{
	lsm = true;
	return ret ? ret : limit();
}

SEC("fmod_ret/security_task_alloc")
int BPF_PROG(fork_limit, struct task_struct *child, unsigned long flags, int ret)
{
	return ret || lsm ? ret : limit();
}
