// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Question: which system calls do the audited tasks make, with which errors and which arguments
 * (record); what would another seccomp filter say to them (shadow); which are denied by the filters
 * that they have (watch, where bpf/denials.bpf.c can't be loaded).
 *
 * Events: sys_enter, sys_exit; task_newtask, sched_process_fork, cgroup_attach_task, cgroup_mkdir,
 * sched_process_exec, sched_process_exit (all tp_btf); a walk over all threads that user space runs.
 *
 * Algorithm: audited threads are marked by task storage, at birth, when they are moved, or by the
 * walk: at a call there is only this one look-up. A call is counted on its CPU in an array; errors
 * and argument values beside it, in as many places as there are, the rest in a hash. A filter stands
 * before sys_enter, but sys_exit follows whatever it says: an end without a beginning is a denial.
 * The exception is a call that had begun before the audit; the walk sees those that sleep. What a
 * process that was born outside does before its execve is not the task's but its runtime's.
 * The verdict of a candidate is the candidate's: where it depends on the number alone user space has
 * found it before, else the machine of bpf/cbpf.h runs it.
 *
 * Cost: while attached each call of every task of the host takes the kernel's slow entry and two
 * look-ups; nothing is attached otherwise. Measured: Documentation/performance.rst
 *
 * Misses: calls of threads that are moved into an audited cgroup together with their process until
 * user space has walked again (state.moved). Fails open: it only looks.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/audit_maps.h"
#include "bpf/cbpf.h"

#define PF_FORKNOEXEC	   0x00000040 /* include/linux/sched.h */
#define PF_KTHREAD	   0x00200000
#define TASK_INTERRUPTIBLE 0x00000001
#define PARENTS_MAX	   32 /* generations that are looked at */
#define ERESTART_FIRST	   512 /* include/linux/errno.h: errors that no program sees */
#define ERESTART_LAST	   516
#define AUDIT_ARCH_I386	   0x40000003 /* include/uapi/linux/audit.h */
#define AUDIT_ARCH_X86_64  0xc000003e

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct dcos_audit_knobs knobs SEC(".rodata.audit");

/* By numbering and number: what to look at in the call. */
const volatile struct dcos_audit_rule rules[DCOS_NUMBERINGS][DCOS_AUDIT_CALLS] SEC(".rodata.rules");

/* By numbering and number: the candidate's verdict, valid unless it varies with more than these. */
const volatile __u32 verdicts[DCOS_NUMBERINGS][DCOS_AUDIT_CALLS] SEC(".rodata.verdicts");
const volatile __u8 varies[DCOS_NUMBERINGS][DCOS_AUDIT_CALLS] SEC(".rodata.varies");

/* see struct dcos_audit_call. BPF writes; user space reads through mmap. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DCOS_AUDIT_PARTS *DCOS_AUDIT_CALLS); /* times CPUs, set before load */
	__type(key, __u32);
	__type(value, struct dcos_audit_call);
} calls SEC(".maps");

/* what found no place in calls -> how often. BPF writes, user space reads. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DCOS_AUDIT_EXTRA);
	__type(key, struct dcos_audit_key);
	__type(value, __u64);
} extra SEC(".maps");

/* thread -> it is audited. BPF only. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct dcos_audit_task);
} audited SEC(".maps");

/* ---- who is audited ---- */

static __always_inline void mark(struct task_struct *p, struct dcos_audit_task *init)
{
	if (p->flags & PF_KTHREAD)
		return;
	if (!bpf_task_storage_get(&audited, p, init, BPF_LOCAL_STORAGE_GET_F_CREATE))
		__sync_fetch_and_add(&state.storage_failed, 1);
}

static __always_inline void birth(struct task_struct *parent, struct task_struct *p)
{
	struct dcos_audit_task *pt, init = {.flags = DCOS_TASK_BORN};

	if (bpf_task_storage_get(&audited, p, 0, 0))
		return;
	pt = bpf_task_storage_get(&audited, parent, 0, 0);
	if (knobs.by_process || (pt && parent->cgroups == p->cgroups)) {
		if (!pt)
			return;
	} else if (!root_of(BPF_CORE_READ(p, cgroups, dfl_cgrp))) {
		return;
	}
	init.flags |= pt ? pt->flags & DCOS_TASK_SETUP : DCOS_TASK_SETUP;
	mark(p, &init);
}

SEC("tp_btf/task_newtask")
int BPF_PROG(audit_newtask, struct task_struct *p)
{
	birth(bpf_get_current_task_btf(), p);
	return 0;
}

/* The same moment: what audit_newtask was skipped for, where programs can be preempted. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(audit_fork, struct task_struct *parent, struct task_struct *p)
{
	birth(bpf_get_current_task_btf(), p);
	return 0;
}

/* Does a process still prepare what another one outside wants to run in an audited cgroup. */
static __always_inline bool is_setup(struct task_struct *p)
{
	return p->flags & PF_FORKNOEXEC &&
	       !root_of(BPF_CORE_READ(p, real_parent, cgroups, dfl_cgrp));
}

/* A thread that was there before: it may be in a call, or be denied one right now. */
static __always_inline void mark_old(struct task_struct *p, bool setup)
{
	struct dcos_audit_task init = {.flags = DCOS_TASK_OLD};

	if (bpf_task_storage_get(&audited, p, 0, 0))
		return;
	if (setup)
		init.flags |= DCOS_TASK_SETUP;
	mark(p, &init);
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(audit_attach, struct cgroup *dst, const char *path, struct task_struct *p,
	     bool threadgroup)
{
	if (knobs.by_process || BPF_CORE_READ(dst, root, hierarchy_id) || !root_of(dst))
		return 0;
	mark_old(p, is_setup(p));
	__sync_fetch_and_add(&state.moved, 1);
	return 0;
}

static __always_inline bool is_awaited(struct cgroup *cg)
{
	struct cgroup_subsys_state *css = BPF_CORE_READ(cg, self.parent);
	struct cgroup *parent;
	char name[DCOS_AUDIT_NAME] = {};
	int i;

	if (!css)
		return false;
	parent = (void *)css - bpf_core_field_offset(struct cgroup, self);
	if (BPF_CORE_READ(parent, kn, id) != knobs.wait_parent ||
	    bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(cg, kn, name)) < 0)
		return false;
	for (i = 0; i < DCOS_AUDIT_NAME; i++) {
		if (name[i] != knobs.wait_name[i])
			return false;
		if (!name[i])
			return true;
	}
	return false;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(audit_mkdir, struct cgroup *cg, const char *path)
{
	__u64 id = BPF_CORE_READ(cg, kn, id);
	__u32 one = DCOS_ROOT_TASK;

	if (!knobs.wait_parent || BPF_CORE_READ(cg, root, hierarchy_id) || !is_awaited(cg))
		return 0;
	if (!bpf_map_update_elem(&roots, &id, &one, BPF_ANY))
		state.appeared = id;
	return 0;
}

static __always_inline bool descends(struct task_struct *p)
{
	int i;

	for (i = 0; i < PARENTS_MAX; i++) {
		__u32 tgid = BPF_CORE_READ(p, tgid);

		if (tgid == knobs.pid)
			return true;
		if (tgid <= 1)
			return false;
		p = BPF_CORE_READ(p, real_parent);
	}
	return false;
}

static __always_inline void count_call(struct dcos_audit_task *t, struct pt_regs *regs);

/* All threads of the host: user space runs it at the beginning, and when state.moved has grown. */
SEC("iter/task")
int audit_mark(struct bpf_iter__task *ctx)
{
	struct task_struct *p = ctx->task;
	struct dcos_audit_task *t;
	struct pt_regs *regs;

	if (!p || bpf_task_storage_get(&audited, p, 0, 0))
		return 0;
	if (knobs.by_process) {
		if (!descends(p))
			return 0;
		mark_old(p, knobs.setup);
	} else {
		if (!root_of(BPF_CORE_READ(p, cgroups, dfl_cgrp)))
			return 0;
		mark_old(p, is_setup(p));
	}
	t = bpf_task_storage_get(&audited, p, 0, 0);
	regs = (struct pt_regs *)bpf_task_pt_regs(p);
	if (!t || p->__state != TASK_INTERRUPTIBLE || (long)regs->orig_ax < 0)
		return 0;
	/* asleep in a call: nothing else sleeps so, and this number is its number */
	t->nr = (__s32)regs->orig_ax;
	t->numbering = numbering_of(p, t->nr);
	t->flags = (t->flags & DCOS_TASK_SETUP) | DCOS_TASK_INSIDE;
	if (!(t->flags & DCOS_TASK_SETUP))
		count_call(t, regs);
	return 0;
}

/* ---- counting ---- */

static __always_inline struct dcos_audit_call *place_of(struct dcos_audit_task *t, __u32 part)
{
	__u32 key;

	if (t->numbering != DCOS_NR_NATIVE || (__u32)t->nr >= DCOS_AUDIT_CALLS)
		return NULL;
	key = (bpf_get_smp_processor_id() * DCOS_AUDIT_PARTS + part) * DCOS_AUDIT_CALLS + t->nr;
	return bpf_map_lookup_elem(&calls, &key);
}

static __noinline int count_extra(struct dcos_audit_task *t, __u32 part, __u32 kind, __u32 value)
{
	struct dcos_audit_key key = {};
	__u64 one = 1, *n;

	if (!t)
		return 0;
	key.part = part;
	key.numbering = t->numbering;
	key.nr = t->nr;
	key.kind = kind;
	key.value = value;
	n = bpf_map_lookup_elem(&extra, &key);
	if (!n && !bpf_map_update_elem(&extra, &key, &one, BPF_NOEXIST))
		return 0;
	n = n ?: bpf_map_lookup_elem(&extra, &key);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		__sync_fetch_and_add(&state.lost, 1);
	return 0;
}

/* One error or argument value: beside its call, or in the hash. */
static __always_inline void note(struct dcos_audit_task *t, struct dcos_audit_call *c, __u32 part,
				 __u32 kind, __u32 value)
{
	int i;

	for (i = 0; c && i < DCOS_AUDIT_NOTES; i++) {
		struct dcos_audit_note *n = &c->notes[i];

		if (!n->kind) {
			n->value = value;
			n->kind = kind;
		}
		if (n->kind == kind && n->value == value) {
			n->count++;
			return;
		}
	}
	count_extra(t, part, kind, value);
}

static __always_inline const volatile struct dcos_audit_rule *rule_of(struct dcos_audit_task *t)
{
	__u32 numbering = t->numbering, nr = t->nr;

	if (numbering == DCOS_NR_X32)
		nr &= ~X32_BIT;
	if (numbering >= DCOS_NUMBERINGS || nr >= DCOS_AUDIT_CALLS)
		return NULL;
	return &rules[numbering][nr];
}

static __always_inline __u32 part_of(const volatile struct dcos_audit_rule *rule)
{
	if (!state.part && rule && rule->flags & DCOS_CALL_WAITS)
		state.part = DCOS_AUDIT_RUNNING;
	return state.part ? DCOS_AUDIT_RUNNING : DCOS_AUDIT_STARTUP;
}

static __always_inline void count_call(struct dcos_audit_task *t, struct pt_regs *regs)
{
	const volatile struct dcos_audit_rule *rule = rule_of(t);
	__u32 part = part_of(rule);
	struct dcos_audit_call *c = place_of(t, part);

	if (t->nr == -1)
		return; /* a tracer's way to make none */
	if (c)
		c->count++;
	else
		count_extra(t, part, DCOS_NOTE_COUNT, 0);
	if (!rule || !rule->mask[0])
		return;
	note(t, c, part, DCOS_NOTE_ARG + rule->arg[0],
	     (__u32)arg_of(regs, t->numbering, rule->arg[0]) & rule->mask[0]);
	if (rule->mask[1])
		note(t, c, part, DCOS_NOTE_ARG + rule->arg[1],
		     (__u32)arg_of(regs, t->numbering, rule->arg[1]) & rule->mask[1]);
}

static __always_inline void count_error(struct dcos_audit_task *t, long ret)
{
	__u32 part = state.part ? DCOS_AUDIT_RUNNING : DCOS_AUDIT_STARTUP;

	if (ret >= 0 || ret < -ERRNO_MAX || t->nr == -1 ||
	    (ret <= -ERESTART_FIRST && ret >= -ERESTART_LAST))
		return;
	note(t, place_of(t, part), part, DCOS_NOTE_ERROR, (__u32)-ret);
}

static __always_inline void count_denied(struct dcos_audit_task *t, struct pt_regs *regs)
{
	__u32 part = state.part ? DCOS_AUDIT_RUNNING : DCOS_AUDIT_STARTUP;
	struct dcos_audit_call *c;

	count_call(t, regs);
	c = place_of(t, part);
	if (c)
		c->denied++;
	else
		count_extra(t, part, DCOS_NOTE_DENIED, 0);
}

/* ---- the candidate ---- */

static __always_inline void put64(struct cbpf_machine *m, int word, __u64 v)
{
	m->data[word] = (__u32)v;
	m->data[word + 1] = v >> 32;
}

/* Programs that run a machine: one may be preempted by another. */
enum { MACHINE_ENTER, MACHINE_EXIT, MACHINE_END };

static __noinline __u32 run_candidate(struct pt_regs *regs, __u32 numbering, __s32 nr,
				      __u32 machine)
{
	struct cbpf_machine *m = bpf_map_lookup_elem(&machines, &machine);

	if (!regs || !m)
		return RET_ALLOW; /* there is one of each */
	m->data[0] = nr;
	m->data[1] = numbering == DCOS_NR_COMPAT ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
	put64(m, 2, regs->ip);
	put64(m, 4, arg_of(regs, numbering, 0));
	put64(m, 6, arg_of(regs, numbering, 1));
	put64(m, 8, arg_of(regs, numbering, 2));
	put64(m, 10, arg_of(regs, numbering, 3));
	put64(m, 12, arg_of(regs, numbering, 4));
	put64(m, 14, arg_of(regs, numbering, 5));
	return cbpf_run(m);
}

static __always_inline __u32 judge(struct dcos_audit_task *t, struct pt_regs *regs, __u32 machine)
{
	__u32 numbering = t->numbering, nr = t->nr;

	if (numbering == DCOS_NR_X32)
		nr &= ~X32_BIT;
	if (numbering < DCOS_NUMBERINGS && nr < DCOS_AUDIT_CALLS && !varies[numbering][nr])
		return verdicts[numbering][nr];
	return run_candidate(regs, numbering, t->nr, machine);
}

static __always_inline bool is_allowed(__u32 verdict)
{
	return (verdict & RET_ACTION) == RET_ALLOW || (verdict & RET_ACTION) == RET_LOG;
}

/* @now: the filter that the task has did not allow it: then what the candidate allows counts, too */
static __always_inline void refuse(void *ctx, struct dcos_audit_task *t, struct pt_regs *regs,
				   __u32 verdict, bool now)
{
	struct dcos_refusal_key key = {};

	if (!now && is_allowed(verdict))
		return;
	key.numbering = t->numbering;
	key.nr = t->nr;
	key.verdict = verdict;
	key.now = now;
	if (refusal_count(&key))
		refusal_send(ctx, &key, regs);
}

/* ---- events ---- */

SEC("tp_btf/sys_enter")
int BPF_PROG(audit_enter, struct pt_regs *regs, long id)
{
	struct task_struct *p = bpf_get_current_task_btf();
	struct dcos_audit_task *t = bpf_task_storage_get(&audited, p, 0, 0);
	const volatile struct dcos_audit_rule *rule;

	if (!t)
		return 0;
	t->nr = (__s32)id;
	t->numbering = numbering_of(p, t->nr);
	t->flags = (t->flags & DCOS_TASK_SETUP) | DCOS_TASK_INSIDE;
	if (!state.on)
		return 0;
	if (t->flags & DCOS_TASK_SETUP) {
		rule = rule_of(t);
		if (knobs.shadow && rule && rule->flags & DCOS_CALL_EXECS)
			t->verdict = judge(t, regs, MACHINE_ENTER);
		return 0;
	}
	if (knobs.record)
		count_call(t, regs);
	if (knobs.shadow)
		refuse(ctx, t, regs, judge(t, regs, MACHINE_ENTER), false);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(audit_exit, struct pt_regs *regs, long ret)
{
	struct task_struct *p = bpf_get_current_task_btf();
	struct dcos_audit_task *t = bpf_task_storage_get(&audited, p, 0, 0);
	__u32 flags;

	if (!t)
		return 0;
	flags = t->flags;
	t->flags = flags & DCOS_TASK_SETUP;
	if (!state.on || flags & (DCOS_TASK_SETUP | DCOS_TASK_BORN))
		return 0;
	if (flags & DCOS_TASK_INSIDE) {
		if (ret < 0 && knobs.record)
			count_error(t, ret);
		return 0;
	}
	t->nr = (__s32)regs->orig_ax;
	t->numbering = numbering_of(p, t->nr);
	if (flags & DCOS_TASK_OLD) {
		__sync_fetch_and_add(&state.unpaired, 1);
		if (knobs.record)
			count_call(t, regs);
	} else {
		if (knobs.record)
			count_denied(t, regs);
		if (knobs.shadow)
			refuse(ctx, t, regs, judge(t, regs, MACHINE_EXIT), true);
		if (knobs.watch)
			denied(ctx, p, verdict_of(p, regs), true);
	}
	if (knobs.record)
		count_error(t, ret);
	return 0;
}

/* The set-up is over: this very execve is the first call that the task's filter has judged. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(audit_exec, struct task_struct *p)
{
	struct dcos_audit_task *t = bpf_task_storage_get(&audited, p, 0, 0);
	struct pt_regs *regs;

	if (!t || !state.on)
		return 0;
	if (!state.began_ns)
		state.began_ns = bpf_ktime_get_ns();
	if (!(t->flags & DCOS_TASK_SETUP))
		return 0;
	t->flags &= ~DCOS_TASK_SETUP;
	regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	if (knobs.record)
		count_call(t, regs);
	if (knobs.shadow) /* its arguments have gone with the old program */
		refuse(ctx, t, regs, t->verdict, false);
	return 0;
}

/* A thread that a filter ends alone never comes back to sys_exit. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(audit_end, struct task_struct *p)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct dcos_audit_task *t = bpf_task_storage_get(&audited, current, 0, 0);
	struct pt_regs *regs;

	if (!t || !state.on || t->flags & (DCOS_TASK_SETUP | DCOS_TASK_INSIDE) || !killed_alone(p))
		return 0;
	regs = (struct pt_regs *)bpf_task_pt_regs(current);
	t->nr = (__s32)regs->orig_ax;
	t->numbering = numbering_of(current, t->nr);
	if (knobs.record)
		count_denied(t, regs);
	if (knobs.shadow)
		refuse(ctx, t, regs, judge(t, regs, MACHINE_END), true);
	if (knobs.watch)
		denied(ctx, current, RET_KILL_THREAD, true);
	return 0;
}
