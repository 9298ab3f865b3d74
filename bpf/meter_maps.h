/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps that all families of the meter share, and how a program finds the slot that it may
 * charge. Included after vmlinux.h and the headers of libbpf. bpf/meter.bpf.c is loaded first and
 * makes the maps; every other object gets those very maps (agent/meter_family.c).
 *
 * To charge: find the owner once, by the state of a thread in tasks, or by a cgroup
 * (owner_of_cgroup); then cell_of() at each event, which gives a cell only while that owner has the
 * slot. Add with __sync_fetch_and_add: only bpf/meter.bpf.c may write plainly, where it says so.
 */
#ifndef DCOS_METER_MAPS_H
#define DCOS_METER_MAPS_H

#include "bpf/abi.h"

#define LEVELS_MAX 16 /* of nested cgroups, from a task's own up to the one that has a slot */

/* Set before load. One of this name in every object; constant for the verifier. */
const volatile struct dcos_knobs knobs SEC(".rodata.meter");

/* 0 -> losses. BPF adds, user space reads through mmap (and counts slots_full). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct dcos_drops);
} drops SEC(".maps");

/* slot * ncpu + cpu -> counters. BPF writes; user space reads through mmap and sets the owner. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DCOS_SLOTS); /* times ncpu, set before load */
	__type(key, __u32);
	__type(value, struct dcos_cell);
} cells SEC(".maps");

/* slot * ncpu + cpu -> the rest of the counters. BPF adds; user space reads through mmap. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DCOS_SLOTS); /* times ncpu, set before load */
	__type(key, __u32);
	__type(value, struct dcos_detail);
} details SEC(".maps");

/* cgroup id -> slot. User space writes; BPF reads, and sets init_tgid once. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DCOS_SLOTS);
	__type(key, __u64);
	__type(value, struct dcos_slot_key);
} slots SEC(".maps");

/* thread -> what it was last charged for. BPF only; pinned, so that charges go on. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct dcos_task);
} tasks SEC(".maps");

static __always_inline struct dcos_drops *lost(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&drops, &zero);
}

/* The cell of this CPU, NULL unless @owner has the slot. */
static __always_inline struct dcos_cell *cell_at(__u32 slot, __u64 owner)
{
	__u32 key = slot * knobs.ncpu + bpf_get_smp_processor_id();
	struct dcos_cell *c = bpf_map_lookup_elem(&cells, &key);

	return c && c->owner == owner ? c : NULL;
}

static __always_inline struct dcos_cell *cell_of(const struct dcos_task *t)
{
	return cell_at(t->slot, t->owner);
}

/* The other half of a cell on this CPU: only for who got that cell. */
static __always_inline struct dcos_detail *detail_at(__u32 slot)
{
	__u32 key = slot * knobs.ncpu + bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&details, &key);
}

/* Index of the highest bit set; v is not 0. */
static __always_inline __u32 log2_u32(__u32 v)
{
	__u32 r, s;

	r = (v > 0xffff) << 4;
	v >>= r;
	s = (v > 0xff) << 3;
	v >>= s;
	r |= s;
	s = (v > 0xf) << 2;
	v >>= s;
	r |= s;
	s = (v > 0x3) << 1;
	v >>= s;
	r |= s;
	return r | (v >> 1);
}

static __always_inline __u32 bucket_of(__u64 ns)
{
	__u64 us;
	__u32 i;

	if (ns < 2000)
		return 0;
	us = ns / 1000;
	if (us >> (DCOS_HIST - 1))
		return DCOS_HIST - 1;
	i = log2_u32(us);
	return i < DCOS_HIST ? i : DCOS_HIST - 1;
}

/* By how much to charge a counter of the kernel; 0 if another charger has just been there. */
static __always_inline __u64 growth(__u64 *charged, __u64 now)
{
	__u64 old = *(volatile __u64 *)charged;

	if (now <= old || __sync_val_compare_and_swap(charged, old, now) != old)
		return 0;
	return now - old;
}

/*
 * What the kernel counts for each thread without an event that would be worth a program of ours.
 * A walk may look at a thread just while it ends: of the two the end must win, and so tries again.
 */
static __always_inline void charge_usage(struct dcos_cell *c, struct dcos_task *t,
					 struct task_struct *p)
{
	__u64 user = growth(&t->user_ns, p->utime), system = growth(&t->system_ns, p->stime);
	__u64 min = growth(&t->min_faults, p->min_flt), maj = growth(&t->maj_faults, p->maj_flt);

	if (user)
		__sync_fetch_and_add(&c->user_ns, user);
	if (system)
		__sync_fetch_and_add(&c->system_ns, system);
	if (min)
		__sync_fetch_and_add(&c->nr_min_faults, min);
	if (maj)
		__sync_fetch_and_add(&c->nr_maj_faults, maj);
}

/*
 * The nearest cgroup at or above one that has a slot.
 * Return: its id, 0 none; @key and @own (it is that very cgroup) are set if there is one.
 */
static __always_inline __u64 owner_of_cgroup(struct cgroup *cg, struct dcos_slot_key **key,
					     bool *own)
{
	struct cgroup_subsys_state *css;
	__u64 id;
	int i;

	for (i = 0; i < LEVELS_MAX; i++) {
		id = BPF_CORE_READ(cg, kn, id);
		*key = bpf_map_lookup_elem(&slots, &id);
		if (*key) {
			*own = i == 0;
			return id;
		}
		css = BPF_CORE_READ(cg, self.parent);
		if (!css)
			return 0;
		cg = (void *)css - bpf_core_field_offset(struct cgroup, self);
	}
	return 0;
}

#endif
