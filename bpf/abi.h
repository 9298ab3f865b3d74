/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The only layout shared by BPF programs and user space. Fixed-size types, no pointer, no bool,
 * no hole; a change of any of it raises DCOS_ABI, which is part of the pins' directory.
 */
#ifndef DCOS_ABI_H
#define DCOS_ABI_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define DCOS_ABI   1
#define DCOS_SLOTS 1024 /* slot 0 is never given out */
#define DCOS_HIST                                                                                  \
	28 /* log2 of microseconds: 0 is < 2 us, i is [2^i, 2^(i+1)) us, the last is open */
#define DCOS_CPUS_MAX 512

/*
 * One slot on one CPU, 5 cache lines. Written by that CPU only, with interrupts off: the times, the
 * waits and the switches; by an atomic add: the rest. All counters only grow while the slot is taken.
 */
struct dcos_cell {
	__u64 owner; /* id of the cgroup that has the slot, 0 none: who disagrees must not count */
	__u64 cpu_ns; /* on-CPU time, from sum_exec_runtime */
	__u64 wait_ns; /* run-queue wait, from sched_info.run_delay */
	__u64 nr_waits; /* arrivals on a CPU, each with one wait in the histogram */
	__u64 nr_switches; /* switch-outs */
	__u64 nr_involuntary; /* of these while still runnable: preempted or yielded */
	__u64 nr_migrations; /* switch-outs on another CPU than the task's last one */
	__u64 nr_forks; /* threads and processes born in the slot */
	__u64 nr_exits; /* and ended; forks - exits is what lives */
	__u64 nr_execs;
	__u64 nr_oom_kills; /* processes that ended as victims of the OOM killer */
	__u64 nr_device_denied; /* by the devices isolator */
	__u64 wait_hist[DCOS_HIST];
};
_Static_assert(sizeof(struct dcos_cell) == 12 * 8 + DCOS_HIST * 8, "dcos_cell has a hole");

/* Value of the slots hash, key: cgroup id. Written by user space, init_* by BPF at the first fork. */
struct dcos_slot_key {
	__u32 slot;
	__u32 init_tgid; /* first process of the cgroup, in the host's pid namespace; 0 none yet */
	__u64 init_start_ns; /* its start_boottime */
};
_Static_assert(sizeof(struct dcos_slot_key) == 16, "dcos_slot_key has a hole");

#define DCOS_EXITS    4096 /* exit records kept at most */
#define DCOS_EXIT_OOM 1U /* the process was chosen by the OOM killer and died of SIGKILL */

/* How the first process of a cgroup ended. Value of the exits hash, key: cgroup id. */
struct dcos_exit {
	__u64 end_ns; /* CLOCK_MONOTONIC */
	__u64 start_ns; /* task start_boottime, ns since boot: the pid's identity */
	__u32 tgid; /* in the host's pid namespace */
	__u32 status; /* as waitpid(2) gives it */
	__u32 flags; /* DCOS_EXIT_* */
	__u32 pad;
};
_Static_assert(sizeof(struct dcos_exit) == 32, "dcos_exit has a hole");

/* What a metered thread was last charged for. Lives in task storage, seen by BPF programs only. */
struct dcos_task {
	__u64 owner; /* as dcos_cell.owner at birth */
	__u64 exec_ns; /* se.sum_exec_runtime when last charged */
	__u64 delay_ns; /* sched_info.run_delay */
	__u32 arrivals; /* sched_info.pcount, wraps */
	__u32 slot;
	__u32 cpu; /* of the last switch-out plus 1; 0 none yet */
	__u32 exited; /* this thread's end has been counted */
	__u32 oom; /* group leaders: the process's end by the OOM killer has been counted */
	__u32 pad;
};
_Static_assert(sizeof(struct dcos_task) == 48, "dcos_task has a hole");

/* What was lost since the pins were made. The one value of the drops array; only grows. */
struct dcos_drops {
	__u64 storage_failed; /* BPF: no memory for a task's state, it runs unmetered */
	__u64 exits_failed; /* BPF: an exit record did not fit */
	__u64 slots_full; /* user space: no slot was free */
};
_Static_assert(sizeof(struct dcos_drops) == 24, "dcos_drops has a hole");

/*
 * One line of a container's device allow-list; constant in a loaded devices program. Written by
 * isolators/devices.c before the load, read by bpf/devices.bpf.c.
 */
#define DEVICE_RULES_MAX  80
#define DEVICE_LEVELS_MAX 32 /* depth of the cgroup tree in which a denial finds its slot */
#define DEVICE_ANY	  0xffffffffU /* any major, any minor */

struct dcos_device_rule {
	__u32 types; /* bit BPF_DEVCG_DEV_BLOCK, bit BPF_DEVCG_DEV_CHAR */
	__u32 access; /* BPF_DEVCG_ACC_*: what this line grants */
	__u32 major, minor;
};
_Static_assert(sizeof(struct dcos_device_rule) == 16, "dcos_device_rule has a hole");

#endif
