// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Question: has a governed task used up its CPU time of this period?
 *
 * Events: sched_stat_runtime (tp_btf), attached only while a task is governed.
 *
 * Algorithm: the event comes wherever the scheduler itself books time on a thread, which is where
 * cpu.stat grows: at ticks, wakeups and switches. What is booked is taken from the budget of the
 * thread's slot. The booking that finds the budget used up tells user space, once, which freezes
 * the cgroup until the next period gives it enough again (agent/governor.c). What was used beyond
 * stays as debt, so that the share is right in the long run whatever the delay.
 *
 * Cost: on every booking of any thread one storage look-up, 20 ns; of a governed one 40 ns.
 *
 * Misses: threads that the meter does not know (bpf/meter.bpf.c); what runs between two ticks is
 * seen at the second. A message that does not fit in the buffer is sent again by the next booking.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/meter_maps.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* slot -> what is left. Both sides add; user space reads through mmap and sets the owner. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DCOS_SLOTS);
	__type(key, __u32);
	__type(value, struct dcos_budget);
} budgets SEC(".maps");

/* slots whose budget is used up, to user space */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 << 10);
} used_up SEC(".maps");

static __always_inline void tell(struct dcos_budget *b, __u32 slot)
{
	struct dcos_used_up *e;

	if (__sync_lock_test_and_set(&b->told, 1))
		return;
	e = bpf_ringbuf_reserve(&used_up, sizeof(*e), 0);
	if (!e) {
		b->told = 0; /* the next booking tells */
		return;
	}
	e->owner = b->owner;
	e->slot = slot;
	e->pad = 0;
	e->time_ns = bpf_ktime_get_ns();
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
}

SEC("tp_btf/sched_stat_runtime")
int BPF_PROG(governor_charge, struct task_struct *p, __u64 runtime)
{
	struct dcos_task *t = bpf_task_storage_get(&tasks, p, 0, 0);
	struct dcos_budget *b;
	__u32 slot;

	if (!t)
		return 0;
	slot = t->slot;
	b = bpf_map_lookup_elem(&budgets, &slot);
	if (!b || !b->owner || b->owner != t->owner)
		return 0;
	__sync_fetch_and_add(&b->used_ns, runtime);
	if (__sync_fetch_and_sub(&b->left_ns, runtime) <= (__s64)runtime)
		tell(b, slot);
	return 0;
}
