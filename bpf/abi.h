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

#define DCOS_ABI       1
#define DCOS_SLOTS     1024 /* slot 0 is never given out */
#define DCOS_HIST      28 /* log2 of microseconds: 0 is < 2 us, i is [2^i, 2^(i+1)) us, the last is open */
#define DCOS_CPUS_MAX  512

/* One slot on one CPU. Written by that CPU only except *_denied (atomic); all only grow. */
struct dcos_cell {
	__u64 cpu_ns; /* on-CPU time, from sum_exec_runtime */
	__u64 wait_ns; /* run-queue wait, from sched_info.run_delay */
	__u64 nr_waits; /* waits counted in the histogram */
	__u64 nr_switches; /* switch-outs */
	__u64 nr_involuntary; /* of these preempted */
	__u64 nr_migrations;
	__u64 nr_forks; /* threads and processes born in the slot */
	__u64 nr_exits; /* and ended; forks - exits is what lives */
	__u64 nr_execs;
	__u64 nr_oom_kills; /* processes that ended as victims of the OOM killer */
	__u64 nr_device_denied; /* by the devices isolator */
	__u64 pad;
	__u64 wait_hist[DCOS_HIST];
};
_Static_assert(sizeof(struct dcos_cell) == 12 * 8 + DCOS_HIST * 8, "dcos_cell has a hole");

/* Value of the slots hash, key: cgroup id. Written by user space, init_tgid by BPF at first fork. */
struct dcos_slot_key {
	__u32 slot;
	__u32 init_tgid; /* first process of the cgroup, in the host's pid namespace; 0 none yet */
};
_Static_assert(sizeof(struct dcos_slot_key) == 8, "dcos_slot_key has a hole");

#define DCOS_EXIT_OOM 1U /* the process was chosen by the OOM killer */

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

#endif
