// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Question: how much CPU time does each container use, how long do its threads wait for a CPU,
 * what do they do to the scheduler, and how did the container's first process end.
 *
 * Events: task_newtask, sched_process_fork, sched_switch, sched_process_exec, sched_process_exit,
 * signal_generate (all tp_btf), and two programs that user space runs: meter_flush and meter_pick_up.
 *
 * Algorithm: the scheduler itself keeps for every thread its on-CPU time (the very number that it
 * adds to cpu.stat), its run-queue wait and how often it arrived on a CPU. When a thread is
 * switched out, the growth of these three since its last charge goes to the cell of its slot on
 * this CPU. There is no clock to read and no wakeup to watch, and a charge that is missed is made
 * up by the next one. The slot is found once, at birth: the nearest cgroup at or above the
 * thread's own that has one. A birth is the only place where a thread's state is allocated: there
 * no scheduler lock is held, while allocating under a run-queue lock can deadlock.
 * A cell names its owner, so that threads that outlive their slot never charge the next owner.
 * The last thread of a process to exit writes the record if the process is its cgroup's first.
 * Newer kernels can preempt a program, and then skip it for whoever comes to the same event on
 * that CPU meanwhile. So births get a second chance at sched_process_fork, and ends at the last
 * sched_switch, where nothing preempts.
 *
 * Cost: sched_switch of an unmetered task one storage look-up; of a metered one 20-40 ns more than
 * an empty program; a birth one hash look-up per cgroup level, of a metered thread 1.4 us; nothing
 * else runs often. Measured: Documentation/performance.rst
 *
 * Misses: threads moved into a metered cgroup by a write to cgroup.procs; cgroups nested deeper
 * than LEVELS_MAX below the metered one; what a thread has run since the last tick while it still
 * runs (cpu.stat lags by the same); kernel work that the scheduler books elsewhere (interrupts).
 * A thread whose state could not be allocated runs unmetered and is counted in drops.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/killed.h"
#include "bpf/meter_maps.h"

#define SIGKILL	    9
#define SYS_SECCOMP 1 /* si_code of a SIGSYS */
#define TASK_DEAD   0x00000080 /* include/linux/sched.h */

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* cgroup id -> how its first process ended. BPF writes; user space reads and deletes. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DCOS_EXITS);
	__type(key, __u64);
	__type(value, struct dcos_exit);
} exits SEC(".maps");

/* cgroup id of a slot -> whom the OOM killer chose last. BPF writes; user space reads and deletes. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DCOS_SLOTS);
	__type(key, __u64);
	__type(value, struct dcos_victim);
} victims SEC(".maps");

/* 0 -> pid of the last birth that meter_newtask saw on this CPU. BPF only. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} seen SEC(".maps");

/* The growth since the last charge. Runs with interrupts off only. */
static __always_inline struct dcos_cell *charge(struct dcos_task *t, struct task_struct *p)
{
	struct dcos_cell *c = cell_of(t);
	__u64 exec = p->se.sum_exec_runtime;
	__u64 delay = p->sched_info.run_delay;
	__u32 arrivals = p->sched_info.pcount;
	__u32 nr = arrivals - t->arrivals;

	if (!c)
		return NULL;
	c->cpu_ns += exec - t->exec_ns;
	t->exec_ns = exec;
	if (nr) { /* more than one only after a charge was missed: then their mean */
		__u64 wait = delay - t->delay_ns;
		__u64 i = bucket_of(nr == 1 ? wait : wait / nr);

		barrier_var(i); /* or the verifier of 6.1 does not see the bound */
		c->wait_ns += wait;
		c->nr_waits += nr;
		if (i < DCOS_HIST)
			c->wait_hist[i] += nr;
		t->delay_ns = delay;
		t->arrivals = arrivals;
	}
	return c;
}

/* Two threads that exit together may both see the process dead: the first one writes. */
static __always_inline void record_exit(struct task_struct *p, __u64 owner, __u32 status,
					__u32 flags)
{
	struct dcos_slot_key *key = bpf_map_lookup_elem(&slots, &owner);
	struct dcos_exit e = {};
	struct dcos_drops *d;

	if (!key || key->init_tgid != (__u32)p->tgid)
		return;
	e.end_ns = bpf_ktime_get_ns();
	e.start_ns = key->init_start_ns;
	e.tgid = p->tgid;
	e.status = status;
	e.flags = flags;
	if (!bpf_map_update_elem(&exits, &owner, &e, BPF_NOEXIST) ||
	    bpf_map_lookup_elem(&exits, &owner))
		return;
	d = lost();
	if (d)
		__sync_fetch_and_add(&d->exits_failed, 1);
}

/*
 * Count the end of a thread, once, and record that of the process with its last thread. The kernel
 * fixes the exit code of the process before its last thread counts as dead (5.17 and later).
 * Return: the process has ended, and by the OOM killer.
 */
static __always_inline bool ended(struct task_struct *p, struct dcos_task *t)
{
	struct signal_struct *sig = p->signal;
	__u32 status, flags = 0;
	struct dcos_cell *c;

	if (t->exited)
		return false;
	t->exited = 1;
	c = cell_of(t);
	if (c)
		__sync_fetch_and_add(&c->nr_exits, 1);
	if (c && killed_alone(p))
		__sync_fetch_and_add(&c->nr_seccomp_kills, 1);
	if (sig->live.counter)
		return false;
	status = sig->group_exit_code;
	if (sig->oom_mm && (status & WAIT_SIGNAL) == SIGKILL)
		flags |= DCOS_EXIT_OOM;
	record_exit(p, t->owner, status, flags);
	return flags;
}

/* The kernel has taken down the peak of a process before its last thread gets here. */
static __always_inline void record_victim(struct task_struct *leader, __u64 owner)
{
	struct dcos_victim v = {};
	struct dcos_drops *d;

	v.end_ns = bpf_ktime_get_ns();
	v.peak_pages = leader->signal->maxrss;
	v.tgid = leader->tgid;
	bpf_probe_read_kernel_str(v.comm, sizeof(v.comm), leader->comm);
	if (!bpf_map_update_elem(&victims, &owner, &v, BPF_ANY))
		return;
	d = lost();
	if (d)
		__sync_fetch_and_add(&d->exits_failed, 1);
}

/* Once per process, hence by its leader's state. */
static __always_inline void count_oom_kill(struct task_struct *p, struct dcos_task *leader)
{
	struct dcos_cell *c = cell_of(leader);

	if (!c || __sync_lock_test_and_set(&leader->oom, 1))
		return;
	__sync_fetch_and_add(&c->nr_oom_kills, 1);
	record_victim(p, leader->owner);
}

/* Only what came after sched_process_exit is left to charge, if that was seen. */
static __always_inline void last_switch(struct task_struct *p, struct dcos_task *t,
					struct dcos_cell *c)
{
	/* a thread that is not the leader may have lost it by now */
	if (ended(p, t) && p->pid == p->tgid)
		count_oom_kill(p, t);
	if (!c)
		return;
	charge_usage(c, t, p);
	charge_usage(c, t, p); /* see there */
}

SEC("tp_btf/sched_switch")
int BPF_PROG(meter_switch, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int prev_state)
{
	struct dcos_task *t = bpf_task_storage_get(&tasks, prev, 0, 0);
	__u32 cpu = bpf_get_smp_processor_id() + 1;
	struct dcos_cell *c;

	if (!t)
		return 0;
	c = charge(t, prev);
	if (prev_state == TASK_DEAD)
		last_switch(prev, t, c);
	if (!c)
		return 0;
	c->nr_switches++;
	if (preempt || !prev_state)
		c->nr_involuntary++;
	if (t->cpu != cpu) {
		if (t->cpu)
			c->nr_migrations++;
		t->cpu = cpu;
	}
	return 0;
}

/* By the task's own cgroup, as owner_of_cgroup(). */
static __always_inline __u64 owner_of(struct task_struct *p, struct dcos_slot_key **key, bool *own)
{
	return owner_of_cgroup(BPF_CORE_READ(p, cgroups, dfl_cgrp), key, own);
}

static __always_inline void born(struct task_struct *p, struct dcos_task *init)
{
	struct dcos_cell *c;
	struct dcos_drops *d;

	if (bpf_task_storage_get(&tasks, p, 0, 0))
		return; /* counted by another version of this program, during an upgrade */
	if (!bpf_task_storage_get(&tasks, p, init, BPF_LOCAL_STORAGE_GET_F_CREATE)) {
		d = lost();
		if (d)
			__sync_fetch_and_add(&d->storage_failed, 1);
		return;
	}
	c = cell_of(init);
	if (c)
		__sync_fetch_and_add(&c->nr_forks, 1);
}

static __always_inline void birth(struct task_struct *p)
{
	struct task_struct *parent = bpf_get_current_task_btf();
	struct dcos_slot_key *key;
	struct dcos_task init = {}, *t;
	bool own = false;

	t = bpf_task_storage_get(&tasks, parent, 0, 0);
	if (t && parent->cgroups == p->cgroups && cell_of(t)) {
		init.owner = t->owner;
		init.slot = t->slot;
	} else {
		init.owner = owner_of(p, &key, &own);
		if (!init.owner)
			return;
		init.slot = key->slot;
		if (own && !key->init_tgid &&
		    !__sync_val_compare_and_swap(&key->init_tgid, 0, p->tgid))
			key->init_start_ns = p->start_boottime;
	}
	born(p, &init);
}

/*
 * Every thread and process, workers that the kernel makes for a process included, before it runs
 * for the first time; it is in its cgroup already. No lock is held.
 */
SEC("tp_btf/task_newtask")
int BPF_PROG(meter_newtask, struct task_struct *p)
{
	__u32 zero = 0, *last;

	birth(p);
	last = bpf_map_lookup_elem(&seen, &zero);
	if (last)
		*last = p->pid;
	return 0;
}

/* The same moment, for all but the kernel's workers: what meter_newtask was skipped for. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(meter_fork, struct task_struct *parent, struct task_struct *p)
{
	__u32 zero = 0, *last = bpf_map_lookup_elem(&seen, &zero);

	if (!last || *last != (__u32)p->pid)
		birth(p);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(meter_exec, struct task_struct *p)
{
	struct dcos_task *t = bpf_task_storage_get(&tasks, p, 0, 0);
	struct dcos_cell *c = t ? cell_of(t) : NULL;

	if (c)
		__sync_fetch_and_add(&c->nr_execs, 1);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(meter_exit, struct task_struct *p)
{
	struct dcos_task *t = bpf_task_storage_get(&tasks, p, 0, 0);
	struct dcos_cell *c = t ? cell_of(t) : NULL;

	if (c)
		charge_usage(c, t, p);
	if (!t || !ended(p, t))
		return 0;
	t = bpf_task_storage_get(&tasks, p->group_leader, 0, 0);
	if (t)
		count_oom_kill(p->group_leader, t);
	return 0;
}

/* A filter's verdict to kill the process, or to trap; forced on the thread that made the call. */
SEC("tp_btf/signal_generate")
int BPF_PROG(meter_signal, int sig, struct kernel_siginfo *info, struct task_struct *p)
{
	struct dcos_task *t;
	struct dcos_cell *c;

	/* some signals have a small number instead of an info */
	if (sig != SIGSYS || BPF_CORE_READ(info, si_code) != SYS_SECCOMP)
		return 0;
	t = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, 0);
	c = t ? cell_of(t) : NULL;
	if (c)
		__sync_fetch_and_add(&c->nr_seccomp_kills, 1);
	return 0;
}

/*
 * Charge what runs on this CPU, as far as the scheduler has booked it (to the last tick). User
 * space runs it on each CPU, in an interrupt there; on its own CPU the current task is the reader.
 */
SEC("raw_tp/meter_flush")
int meter_flush(void *ctx)
{
	struct task_struct *p = bpf_get_current_task_btf();
	struct dcos_task *t = bpf_task_storage_get(&tasks, p, 0, 0);

	if (t)
		charge(t, p);
	return 0;
}

/*
 * Threads that are older than their cgroup's slot (their first meter was lost with its pins, or
 * had another ABI): counted from now on. User space runs it once after it took up such cgroups.
 */
SEC("iter/task")
int meter_pick_up(struct bpf_iter__task *ctx)
{
	struct task_struct *p = ctx->task;
	struct dcos_slot_key *key;
	struct dcos_task init = {}, *t;
	bool own = false;

	if (!p)
		return 0;
	init.owner = owner_of(p, &key, &own);
	if (!init.owner)
		return 0;
	if (own && key->init_tgid == (__u32)p->pid && !key->init_start_ns)
		key->init_start_ns = p->start_boottime;
	init.slot = key->slot;
	init.exec_ns = p->se.sum_exec_runtime;
	init.delay_ns = p->sched_info.run_delay;
	init.arrivals = p->sched_info.pcount;
	init.user_ns = p->utime;
	init.system_ns = p->stime;
	init.min_faults = p->min_flt;
	init.maj_faults = p->maj_flt;
	t = bpf_task_storage_get(&tasks, p, 0, 0);
	if (!t) {
		born(p, &init);
		return 0;
	}
	if (cell_of(t))
		return 0;
	t->slot = 0; /* nobody's: the thread may run elsewhere meanwhile */
	barrier();
	t->exec_ns = init.exec_ns;
	t->delay_ns = init.delay_ns;
	t->arrivals = init.arrivals;
	t->user_ns = init.user_ns;
	t->system_ns = init.system_ns;
	t->min_faults = init.min_faults;
	t->maj_faults = init.maj_faults;
	t->owner = init.owner;
	barrier();
	t->slot = init.slot;
	return 0;
}
