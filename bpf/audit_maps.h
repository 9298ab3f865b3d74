/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs of dcosaudit share: which tasks are audited, what a call was, and how a denial
 * is told. Included after vmlinux.h and the headers of libbpf.
 */
#ifndef DCOS_AUDIT_MAPS_H
#define DCOS_AUDIT_MAPS_H

#include "bpf/abi.h"
#include "bpf/killed.h"

#define AUDIT_LEVELS_MAX 32 /* of nested cgroups, from a task's own up to the audited one */
#define TS_COMPAT	 0x2 /* arch/x86/include/asm/thread_info.h */
#define X32_BIT		 0x40000000
#define RING_BYTES	 (1 << 20)
#define ERRNO_MAX	 4095
#define RET_KILL_PROCESS 0x80000000U /* SECCOMP_RET_*, include/uapi/linux/seccomp.h */
#define RET_KILL_THREAD	 0x00000000U
#define RET_TRAP	 0x00030000U
#define RET_ERRNO	 0x00050000U
#define RET_USER_NOTIF	 0x7fc00000U
#define RET_LOG		 0x7ffc0000U
#define RET_ALLOW	 0x7fff0000U
#define RET_ACTION	 0xffff0000U

/* The one state. BPF and user space write. */
struct dcos_audit_state state;

/*
 * cgroup id -> DCOS_ROOT_*. Audited is who is in it or below. User space writes, and BPF the
 * awaited one.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DCOS_AUDIT_ROOTS);
	__type(key, __u64);
	__type(value, __u32);
} roots SEC(".maps");

/* struct dcos_refusal. BPF writes, user space reads. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} ring SEC(".maps");

/* what was refused -> how often. BPF writes, user space reads. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DCOS_AUDIT_REFUSALS);
	__type(key, struct dcos_refusal_key);
	__type(value, __u64);
} refusals SEC(".maps");

/*
 * The nearest audited cgroup at or above one.
 * Return: its id, with DCOS_ROOT_NODE that of the one below it on the way; 0 none
 */
static __always_inline __u64 root_of(struct cgroup *cg)
{
	struct cgroup_subsys_state *css;
	__u64 id, below = 0;
	__u32 *kind;
	int i;

	for (i = 0; i < AUDIT_LEVELS_MAX; i++) {
		id = BPF_CORE_READ(cg, kn, id);
		kind = bpf_map_lookup_elem(&roots, &id);
		if (kind)
			return *kind == DCOS_ROOT_NODE ? below : id;
		below = id;
		css = BPF_CORE_READ(cg, self.parent);
		if (!css)
			return 0;
		cg = (void *)css - bpf_core_field_offset(struct cgroup, self);
	}
	return 0;
}

static __always_inline __u32 numbering_of(struct task_struct *p, __s32 nr)
{
	if (p->thread_info.status & TS_COMPAT)
		return DCOS_NR_COMPAT;
	return nr >= 0 && nr & X32_BIT ? DCOS_NR_X32 : DCOS_NR_NATIVE;
}

static __always_inline __u64 arg_of(struct pt_regs *regs, __u32 numbering, __u32 i)
{
	bool compat = numbering == DCOS_NR_COMPAT;

	switch (i) {
	case 0:
		return compat ? (__u32)regs->bx : regs->di;
	case 1:
		return compat ? (__u32)regs->cx : regs->si;
	case 2:
		return compat ? (__u32)regs->dx : regs->dx;
	case 3:
		return compat ? (__u32)regs->si : regs->r10;
	case 4:
		return compat ? (__u32)regs->di : regs->r8;
	default:
		return compat ? (__u32)regs->bp : regs->r9;
	}
}

/* Add one, in place of a possible first. Return: it was the first */
static __always_inline bool refusal_count(const struct dcos_refusal_key *key)
{
	__u64 one = 1, *n = bpf_map_lookup_elem(&refusals, key);

	if (!n && !bpf_map_update_elem(&refusals, key, &one, BPF_NOEXIST))
		return true;
	n = n ?: bpf_map_lookup_elem(&refusals, key);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		__sync_fetch_and_add(&state.lost, 1);
	return false;
}

/* Tell user space of one, with the stack that made the call. */
static __always_inline void refusal_send(void *ctx, const struct dcos_refusal_key *key,
					 struct pt_regs *regs)
{
	struct dcos_refusal *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	__u64 id = bpf_get_current_pid_tgid();
	long n;

	if (!r) {
		__sync_fetch_and_add(&state.events_lost, 1);
		return;
	}
	r->key = *key;
	r->time_ns = bpf_ktime_get_ns();
	r->args[0] = arg_of(regs, key->numbering, 0);
	r->args[1] = arg_of(regs, key->numbering, 1);
	r->args[2] = arg_of(regs, key->numbering, 2);
	r->args[3] = arg_of(regs, key->numbering, 3);
	r->args[4] = arg_of(regs, key->numbering, 4);
	r->args[5] = arg_of(regs, key->numbering, 5);
	r->ip = regs->ip;
	r->pid = id >> 32;
	r->tid = (__u32)id;
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	r->pad = 0;
	n = bpf_get_stack(ctx, r->stack, sizeof(r->stack), BPF_F_USER_STACK);
	r->stack_nr = n < 0 ? n : (long)((__u64)n / sizeof(r->stack[0]));
	bpf_ringbuf_submit(r, 0);
}

/*
 * What a filter must have said to the call that p has just been denied, seen from its effect. The
 * answer of a supervisor that is no error shows as SCMP_ACT_NOTIFY, one that is shows as the error.
 */
static __always_inline __u32 verdict_of(struct task_struct *p, struct pt_regs *regs)
{
	long ret = regs->ax;

	if (ret == (long)regs->orig_ax && ret >= 0)
		return BPF_CORE_READ(p, sighand, action[SIGSYS - 1].sa.sa_handler)
			       ? RET_TRAP
			       : RET_KILL_PROCESS;
	return ret < 0 && ret >= -ERRNO_MAX ? RET_ERRNO | (__u32)-ret : RET_USER_NOTIF;
}

/* A denial of the current task: all are told. @known: it is audited, whatever its cgroup. */
static __always_inline void denied(void *ctx, struct task_struct *p, __u32 verdict, bool known)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(p);
	struct dcos_refusal_key key = {};

	key.cgroup = root_of(BPF_CORE_READ(p, cgroups, dfl_cgrp));
	if (!key.cgroup && !known)
		return;
	key.nr = (__s32)regs->orig_ax;
	key.numbering = numbering_of(p, key.nr);
	key.verdict = verdict;
	refusal_count(&key);
	refusal_send(ctx, &key, regs);
}

#endif
