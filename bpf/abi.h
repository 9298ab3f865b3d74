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

#define DCOS_ABI   4
#define DCOS_SLOTS 1024 /* slot 0 is never given out */
#define DCOS_HIST                                                                                  \
	28 /* log2 of microseconds: 0 is < 2 us, i is [2^i, 2^(i+1)) us, the last is open */
#define DCOS_CPUS_MAX 512

/* Constants of every object of the meter, section .rodata.meter; set by user space before load. */
struct dcos_knobs {
	__u32 ncpu; /* possible CPUs */
	__u32 page_size; /* bytes */
};
_Static_assert(sizeof(struct dcos_knobs) == 8, "dcos_knobs has a hole");

/*
 * One slot on one CPU, 8 cache lines: what every snapshot reads. Written by that CPU only, with
 * interrupts off: the times, the waits and the switches; by an atomic add: the rest. All counters
 * only grow while the slot is taken.
 */
struct dcos_cell {
	__u64 owner; /* id of the cgroup that has the slot, 0 none: who disagrees must not count */
	/* bpf/meter.bpf.c, at switch-out */
	__u64 cpu_ns; /* on-CPU time, from sum_exec_runtime */
	__u64 wait_ns; /* run-queue wait, from sched_info.run_delay */
	__u64 nr_waits; /* arrivals on a CPU, each with one wait in the histogram */
	__u64 nr_switches; /* switch-outs */
	__u64 nr_involuntary; /* of these while still runnable: preempted or yielded */
	__u64 nr_migrations; /* switch-outs on another CPU than the task's last one */
	/* bpf/meter.bpf.c, at the event */
	__u64 nr_forks; /* threads and processes born in the slot */
	__u64 nr_exits; /* and ended; forks - exits is what lives */
	__u64 nr_execs;
	__u64 nr_oom_kills; /* processes that ended as victims of the OOM killer */
	__u64 nr_seccomp_kills; /* SIGSYS that a seccomp filter sent: killed, or trapped */
	__u64 nr_device_denied; /* by the devices isolator */
	/* bpf/walk.bpf.c, when user space asks, and at a thread's end */
	__u64 user_ns; /* as the kernel samples it, by tick: use the ratio to system_ns only */
	__u64 system_ns;
	__u64 nr_min_faults; /* page faults that needed no disk */
	__u64 nr_maj_faults; /* that did */
	/* bpf/block.bpf.c: requests that reached a block device */
	__u64 disk_read_bytes;
	__u64 disk_write_bytes;
	__u64 nr_disk_reads;
	__u64 nr_disk_writes;
	/* bpf/net.bpf.c: IP packets of the task's sockets, without link headers */
	__u64 rx_bytes;
	__u64 rx_packets;
	__u64 tx_bytes;
	__u64 tx_packets;
	__u64 nr_tcp_opened; /* connections that were established, by connect or accept */
	__u64 nr_tcp_closed; /* and ended; opened - closed is what is open */
	__u64 nr_tcp_failed; /* connects that were not established */
	__u64 nr_retransmits; /* TCP segments sent again */
	/* quotas and guards */
	__u64 nr_periods; /* periods in which an enforcer of ours had to look at the task */
	__u64 nr_throttled; /* of these in which it was stopped */
	__u64 throttled_ns;
	__u64 tx_dropped; /* packets */
	__u64 rx_dropped;
	__u64 nr_bind_denied;
	__u64 nr_connect_denied;
	__u64 wait_hist[DCOS_HIST];
};
_Static_assert(sizeof(struct dcos_cell) == 512, "dcos_cell has a hole, or is not 8 lines");

/*
 * The other half of a slot on one CPU, in an array of its own: what is read when its counters in
 * the cell have changed. Atomic adds.
 */
struct dcos_detail {
	/* bpf/net.bpf.c: what of the cell's traffic is not TCP */
	__u64 rx_udp_bytes;
	__u64 rx_udp_packets;
	__u64 tx_udp_bytes;
	__u64 tx_udp_packets;
	__u64 rx_other_bytes;
	__u64 rx_other_packets;
	__u64 tx_other_bytes;
	__u64 tx_other_packets;
	__u64 tx_marked; /* of the packets that the quota let through: TCP was told to slow down */
	__u64 rx_marked; /* likewise, by ECN */
	__u64 fork_throttled; /* bpf/fork.bpf.c: forks that failed for the rate */
	__u64 pad[1];
	__u64 disk_hist[DCOS_HIST]; /* from submission to completion */
	__u64 connect_hist[DCOS_HIST]; /* from connect to established */
	__u64 rtt_hist[DCOS_HIST]; /* smoothed round-trip times of TCP, at most one each jiffy */
};
_Static_assert(sizeof(struct dcos_detail) == 768, "dcos_detail has a hole");

/* struct dcos_gauge.has */
#define DCOS_HAS_PSI	  1U
#define DCOS_HAS_MEMORY	  2U /* the memory controller */
#define DCOS_HAS_PIDS	  4U
#define DCOS_HAS_CFS	  8U /* cpu.max's statistics */
#define DCOS_HAS_RSS	  16U /* rss_*_bytes and swap_bytes */
#define DCOS_HAS_PIDS_MAX 32U

/*
 * What a slot's processes and its cgroup hold at the moment of a walk, bpf/walk.bpf.c. Not per
 * CPU: one walk at a time, and user space reads between walks. All of it is valid if @walk is the
 * last walk's number, else it is 0. The first half is a sum over the processes; the second are the
 * kernel's own totals for the cgroup, valid as @has says. A walk's number is its CLOCK_MONOTONIC
 * time; that of the one that runs stands in gauge 0.
 */
struct dcos_gauge {
	__u64 walk;
	__u64 rss_anon_bytes, rss_file_bytes, rss_shmem_bytes, swap_bytes;
	__u32 nr_procs, nr_threads;
	__u32 nr_running,
		nr_disk_wait; /* threads on a CPU or waiting for one; in uninterruptible sleep */
	__u64 cgroup_walk; /* as @walk: the cgroup was seen */
	__u64 has; /* DCOS_HAS_* */
	/* time in which some, or all, work was stalled; at most 2 s old */
	__u64 psi_cpu_some_ns, psi_cpu_full_ns;
	__u64 psi_memory_some_ns, psi_memory_full_ns;
	__u64 psi_io_some_ns, psi_io_full_ns;
	__u64 memory_bytes, memory_peak_bytes; /* memory.current, memory.peak */
	__u64 memory_low, memory_high, memory_max, memory_oom; /* memory.events */
	__u64 memory_oom_kill;
	__u64 pids; /* pids.current */
	__u64 cfs_periods, cfs_throttled, cfs_throttled_ns; /* cpu.stat */
	__u64 pids_max; /* pids.events: forks that the limit refused */
	__u64 pad[5];
};
_Static_assert(sizeof(struct dcos_gauge) == 256, "dcos_gauge has a hole");

/* One block device of one slot. Atomic adds. */
struct dcos_disk {
	__u32 dev; /* of the whole disk, as the kernel has it: major << 20 | minor; 0 free */
	__u32 pad;
	__u64 read_bytes, write_bytes;
	__u64 nr_reads, nr_writes;
};
_Static_assert(sizeof(struct dcos_disk) == 40, "dcos_disk has a hole");

/* Value of the disks array, index: slot. A device keeps its place as long as the slot is taken. */
#define DCOS_TASK_DISKS 16
struct dcos_disks {
	struct dcos_disk disk[DCOS_TASK_DISKS];
};
_Static_assert(sizeof(struct dcos_disks) == 640, "dcos_disks has a hole");

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

/* The last process of a slot that the OOM killer chose. Value of the victims hash, key: cgroup id. */
struct dcos_victim {
	__u64 end_ns; /* CLOCK_MONOTONIC */
	__u64 peak_pages; /* that were resident at once; 0: nobody knows */
	__u32 tgid; /* in the host's pid namespace */
	__u32 pad;
	char comm[16];
};
_Static_assert(sizeof(struct dcos_victim) == 40, "dcos_victim has a hole");

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
	__u64 walk; /* group leaders: the walk that counted the process */
	/* only ever raised, atomically: a walk and the thread's end may charge at the same time */
	__u64 user_ns, system_ns; /* utime, stime */
	__u64 min_faults, maj_faults; /* min_flt, maj_flt */
};
_Static_assert(sizeof(struct dcos_task) == 88, "dcos_task has a hole");

/* What was lost since the pins were made. The one value of the drops array; only grows. */
struct dcos_drops {
	__u64 storage_failed; /* BPF: no memory for a task's state, it runs unmetered */
	__u64 exits_failed; /* BPF: an exit record, or one of the OOM killer's, did not fit */
	__u64 slots_full; /* user space: no slot was free */
	__u64 disk_inflight_full; /* BPF: too many requests at once, one has no latency */
	__u64 disks_full; /* BPF: more than DCOS_TASK_DISKS of a task: one in the sums only */
	__u64 socks_failed; /* BPF: no memory for the time of a connect: it has no latency */
	__u64 denials_untold; /* BPF: no room in the ring: counted, but not in the log */
};
_Static_assert(sizeof(struct dcos_drops) == 56, "dcos_drops has a hole");

/*
 * What a governed slot may still run in this period. In nanoseconds of CPU time. BPF subtracts what
 * the scheduler books, user space adds each period's quota; below 0 it is debt. Pinned, so that
 * whoever governs after an agent has died finds who is frozen, and why. Slot 0 says who governs
 * (agent/governor_deputy.h).
 */
struct dcos_budget {
	__u64 owner; /* as dcos_cell.owner; 0 the slot is not governed */
	__s64 left_ns;
	__u64 used_ns; /* only grows while the slot is governed */
	__u32 told; /* BPF: user space knows that nothing is left; cleared by the refill */
	__u32 frozen; /* user space: it froze the cgroup, or is about to, and has to thaw it */
	__u64 thawed_ns; /* user space: when it last did, CLOCK_MONOTONIC */
	__u64 quota_ns, period_ns, burst_ns; /* user space: as in cpu.max */
};
_Static_assert(sizeof(struct dcos_budget) == 64, "dcos_budget has a hole, or shares its line");

/* A message of bpf/governor.bpf.c: nothing is left. */
struct dcos_used_up {
	__u64 owner;
	__u32 slot, pad;
	__u64 time_ns; /* CLOCK_MONOTONIC */
};
_Static_assert(sizeof(struct dcos_used_up) == 24, "dcos_used_up has a hole");

/*
 * A slot as the scheduler of bpf/scx.bpf.c has it. Slot 0 is for all whom no slot owns. Times are
 * CPU time in nanoseconds but for @next_ns and @since_ns. Written by BPF; read by tests through
 * mmap.
 */
struct dcos_scx {
	__u64 owner; /* as dcos_cell.owner; 0 nobody */
	__u64 quota_ns, period_ns, burst_ns; /* as in cpu.max; quota 0: none */
	__u64 weight; /* as cpu.weight */
	__u64 next_ns; /* of the refill, CLOCK_MONOTONIC; 0 none */
	__u64 pad[2];
	__s64 left_ns; /* below 0 it is debt */
	__u64 used_ns; /* only grows while the slot is owned */
	__u64 seen_ns; /* @used_ns at the last refill */
	__u64 since_ns; /* a thread has been kept waiting for the refill, CLOCK_MONOTONIC; 0 none */
	__u64 vtime_ns; /* what it ran, divided by its weight */
	__u64 nr_runnable; /* threads under the scheduler that run or want to */
	__u64 more[2];
};
_Static_assert(sizeof(struct dcos_scx) == 128, "dcos_scx has a hole, or is not two lines");

/* The one state of the scheduler. */
#define DCOS_SCX_TEXT 128
struct dcos_scx_state {
	__u64 build; /* user space: of the object that the programs are from */
	__u64 exit_kind; /* the kernel's enum scx_exit_kind; 0 it runs */
	__s64 exit_code;
	__u64 storage_failed; /* threads without memory for their state: as those of slot 0 */
	__u64 floor_ns; /* the least vtime of who may run */
	__u64 active[DCOS_SLOTS / 64]; /* bit set: the slot has runnable threads */
	char reason[DCOS_SCX_TEXT], message[DCOS_SCX_TEXT];
};
_Static_assert(sizeof(struct dcos_scx_state) == 424, "dcos_scx_state has a hole");

/* What user space tells the scheduler of a slot; all of it at once. */
struct dcos_scx_set {
	__u64 owner; /* 0: nobody has it from now on */
	__u64 quota_ns, period_ns, burst_ns; /* quota 0: none */
	__u32 slot, weight;
};
_Static_assert(sizeof(struct dcos_scx_set) == 40, "dcos_scx_set has a hole");

/* One direction of a slot's network quota. User space sets the first two. */
struct dcos_rate {
	__u64 bytes_per_s; /* of IP packets; 0: no limit */
	__u64 burst_ns; /* what was not used may be used later, for so long at the rate */
	__u64 vt_ns; /* CLOCK_MONOTONIC at which what was let through will have gone */
	__u64 window_ns; /* when the present window began */
	__u64 window_bytes; /* of this window */
	__u64 flows, flows_before; /* TCP connections that sent in this window, and in the last */
	__u64 ceiling; /* bytes of data a second that one connection may send; 0 not known yet */
};
_Static_assert(sizeof(struct dcos_rate) == 64, "dcos_rate has a hole, or is not one line");

/* Value of the netqs array, index: slot. */
struct dcos_netq {
	__u64 owner; /* as dcos_cell.owner; 0 the slot has no network quota */
	__u64 pad[7];
	struct dcos_rate tx, rx;
};
_Static_assert(sizeof(struct dcos_netq) == 192, "dcos_netq has a hole");

/* Value of the forkqs array, index: slot. */
struct dcos_forkq {
	__u64 owner; /* as dcos_cell.owner; 0 the slot has no rate */
	__u64 per_s; /* forks a second */
	__u64 clock_ns; /* CLOCK_MONOTONIC up to which forks have been paid for */
	__u64 pad;
};
_Static_assert(sizeof(struct dcos_forkq) == 32, "dcos_forkq has a hole");

/*
 * What the sockets of one cgroup may do. Value of the guards hash, key: cgroup id; written by user
 * space as a whole, read by bpf/guard.bpf.c. Addresses are those of IPv6, in network byte order, of
 * IPv4 as ::ffff:a.b.c.d; ports are in the host's.
 */
#define DCOS_GUARD_PORTS_MAX 64
#define DCOS_GUARD_PEERS_MAX 64

#define DCOS_PROTO_TCP	 1U
#define DCOS_PROTO_UDP	 2U
#define DCOS_PROTO_OTHER 4U /* ICMP, SCTP */

#define DCOS_PEER_V6 8U /* no address that stands for one of IPv4 */

struct dcos_ports {
	__u16 low, high;
	__u32 protocols; /* DCOS_PROTO_*, of a peer DCOS_PEER_V6 */
};
_Static_assert(sizeof(struct dcos_ports) == 8, "dcos_ports has a hole");

struct dcos_peer {
	__u32 addr[4], mask[4]; /* no bit of @addr is outside @mask */
	struct dcos_ports ports;
};
_Static_assert(sizeof(struct dcos_peer) == 40, "dcos_peer has a hole");

#define DCOS_GUARD_BIND	   1U /* only to @ports, and to port 0, which the kernel chooses */
#define DCOS_GUARD_CONNECT 2U /* only to @peers */

struct dcos_guard {
	__u32 flags; /* DCOS_GUARD_* */
	__u32 ports_nr, peers_nr;
	__u32 pad;
	struct dcos_ports ports[DCOS_GUARD_PORTS_MAX];
	struct dcos_peer peers[DCOS_GUARD_PEERS_MAX];
};
_Static_assert(sizeof(struct dcos_guard) == 3088, "dcos_guard has a hole");

/* A message of bpf/guard.bpf.c: a denial. At most DCOS_DENIALS of a task in a second. */
#define DCOS_DENIALS	    5
#define DCOS_DENIED_BIND    1U
#define DCOS_DENIED_CONNECT 2U
#define DCOS_DENIED_SEND    3U /* a datagram to an address of its own */

struct dcos_denial {
	__u64 owner; /* cgroup id */
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 addr[4]; /* as struct dcos_guard has it */
	__u32 what; /* DCOS_DENIED_* */
	__u32 protocol; /* IPPROTO_* */
	__u32 port;
	__u32 pid; /* in the host's pid namespace */
	char comm[16];
};
_Static_assert(sizeof(struct dcos_denial) == 64, "dcos_denial has a hole");

/*
 * One line of a container's device allow-list; constant in a loaded devices program. Written by
 * isolators/devices.c before the load, read by bpf/devices.bpf.c.
 */
#define DEVICE_RULES_MAX  80
#define DEVICE_LEVELS_MAX 32 /* depth of the cgroup tree in which a denial finds its slot */
#define DEVICE_ANY	  0xffffffffU /* any major, any minor */

struct dcos_device_rule {
	__u32 types; /* bit BPF_DEVCG_DEV_BLOCK, bit BPF_DEVCG_DEV_CHAR */
	__u32 access; /* BPF_DEVCG_ACC_*: what this line grants, or denies */
	__u32 major, minor;
	__u32 deny; /* not 0: it denies */
};
_Static_assert(sizeof(struct dcos_device_rule) == 20, "dcos_device_rule has a hole");

/*
 * What dcosaudit loads for as long as it looks at tasks: bpf/audit.bpf.c and
 * bpf/denials.bpf.c. Nothing of it is pinned: program and tool are always of one build.
 */
#define DCOS_AUDIT_CALLS    512 /* numbers 0.. that have a place of their own */
#define DCOS_AUDIT_NOTES    7 /* errors and argument values of a call that have one */
#define DCOS_AUDIT_ARGS	    2 /* arguments of a call that are looked at */
#define DCOS_AUDIT_ROOTS    1024 /* cgroups that are audited */
#define DCOS_AUDIT_EXTRA    16384 /* what found no place: entries of a hash */
#define DCOS_AUDIT_REFUSALS 4096 /* different refusals of a candidate, or by a filter */
#define DCOS_AUDIT_STACK    24 /* addresses of a stack */
#define DCOS_AUDIT_INSNS    4096 /* of a filter, BPF_MAXINSNS of the kernel */
#define DCOS_AUDIT_NAME	    128 /* bytes of a cgroup's name */

/* What an audited cgroup is. */
#define DCOS_ROOT_TASK 1U
#define DCOS_ROOT_NODE 2U /* each cgroup in it is a task */

/* Numberings of system calls that one kernel executes. */
#define DCOS_NR_NATIVE	0U
#define DCOS_NR_COMPAT	1U /* 32-bit programs */
#define DCOS_NR_X32	2U /* the number has bit 30 */
#define DCOS_NUMBERINGS 3U

/* kinds of what is counted of a call */
#define DCOS_NOTE_COUNT	 0U
#define DCOS_NOTE_DENIED 1U
#define DCOS_NOTE_ERROR	 2U
#define DCOS_NOTE_ARG	 3U /* plus the argument's index */

/* Parts of a recording, as enum rec_part of dcosaudit. */
#define DCOS_AUDIT_STARTUP 0U
#define DCOS_AUDIT_RUNNING 1U
#define DCOS_AUDIT_PARTS   2U

/* One error, or one value of an argument. */
struct dcos_audit_note {
	__u32 kind; /* DCOS_NOTE_*; 0 free */
	__u32 value;
	__u64 count;
};
_Static_assert(sizeof(struct dcos_audit_note) == 16, "dcos_audit_note has a hole");

/*
 * One native call in one part on one CPU. Index: (cpu * DCOS_AUDIT_PARTS + part) *
 * DCOS_AUDIT_CALLS + number. Written by that CPU only, user space reads through mmap.
 */
struct dcos_audit_call {
	__u64 count; /* entered, or denied */
	__u64 denied; /* answered by the task's filter */
	struct dcos_audit_note notes[DCOS_AUDIT_NOTES];
};
_Static_assert(sizeof(struct dcos_audit_call) == 128, "dcos_audit_call is not two lines");

/* Key of the extra hash: what has no place in the array. Value: a count. */
struct dcos_audit_key {
	__u16 part, numbering;
	__s32 nr;
	__u32 kind, value; /* as struct dcos_audit_note */
};
_Static_assert(sizeof(struct dcos_audit_key) == 16, "dcos_audit_key has a hole");

/* One instruction of a candidate, as struct sock_filter of linux/filter.h. */
struct dcos_insn {
	__u16 code;
	__u8 jt, jf;
	__u32 k;
};
_Static_assert(sizeof(struct dcos_insn) == 8, "dcos_insn has a hole");

#define DCOS_CALL_WAITS 1U /* a server waits for work in it: the end of startup */
#define DCOS_CALL_EXECS 2U

/* What to look at in a call; constant. */
struct dcos_audit_rule {
	__u32 flags; /* DCOS_CALL_* */
	__u32 mask[DCOS_AUDIT_ARGS]; /* of the argument's low half; 0 none */
	__u8 arg[DCOS_AUDIT_ARGS]; /* its index */
	__u8 pad[2];
};
_Static_assert(sizeof(struct dcos_audit_rule) == 16, "dcos_audit_rule has a hole");

/* Constants of an audit, set before load. */
struct dcos_audit_knobs {
	__u32 record, shadow, watch; /* what to do */
	__u32 by_process; /* audited is who descends from @pid, not who is in a cgroup of roots */
	__u32 pid; /* the process, in the host's pid namespace */
	__u32 setup; /* @pid has still to execve what is audited */
	__u64 wait_parent; /* the cgroup in which one of name @wait_name is awaited; 0 none */
	char wait_name[DCOS_AUDIT_NAME];
};
_Static_assert(sizeof(struct dcos_audit_knobs) == 160, "dcos_audit_knobs has a hole");

/* The one state of an audit; user space reads and writes through mmap. */
struct dcos_audit_state {
	__u32 on; /* user space: all programs are attached */
	__u32 part; /* DCOS_AUDIT_*, of what comes now */
	__u64 began_ns; /* when the first program ran after its set-up, CLOCK_MONOTONIC; 0 none yet */
	__u64 lost; /* BPF: calls that could not be counted */
	__u64 unpaired; /* BPF: calls that began before the audit: if denied, that is not known */
	__u64 events_lost; /* BPF: first refusals and denials that found no room in the ring */
	__u64 storage_failed; /* BPF: threads without memory for their state: not audited */
	__u64 appeared; /* BPF: id of the awaited cgroup; 0 not yet */
	__u64 moved; /* BPF: processes that were moved into an audited cgroup, with their threads */
};
_Static_assert(sizeof(struct dcos_audit_state) == 64, "dcos_audit_state has a hole");

#define DCOS_TASK_INSIDE 1U /* in a call that was seen to begin */
#define DCOS_TASK_SETUP                                                                            \
	2U /* born of a process outside: what it does before execve is not the task's */
#define DCOS_TASK_BORN 4U /* its first event is the end of the call that made it */
#define DCOS_TASK_OLD  8U /* its first event may be the end of a call that began before */

/* An audited thread. Task storage, seen by BPF only. */
struct dcos_audit_task {
	__u32 flags; /* DCOS_TASK_* */
	__u32 numbering;
	__s32 nr; /* of the call that it is in */
	__u32 verdict; /* of the candidate for the execve that ends its set-up */
};
_Static_assert(sizeof(struct dcos_audit_task) == 16, "dcos_audit_task has a hole");

/* Key of the refusals hash: what a candidate, or a filter, did not allow. */
struct dcos_refusal_key {
	__u64 cgroup; /* watch: of the task; else 0 */
	__u32 numbering;
	__s32 nr;
	__u32 verdict; /* SECCOMP_RET_*, as the candidate gives it, or found from what it did */
	__u32 now; /* shadow: the filter that the task has denied it, too */
};
_Static_assert(sizeof(struct dcos_refusal_key) == 24, "dcos_refusal_key has a hole");

/* A message: a denial, or the first of a kind of refusals. */
struct dcos_refusal {
	struct dcos_refusal_key key;
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 args[6];
	__u64 ip;
	__u32 pid, tid; /* in the host's pid namespace */
	char comm[16];
	__s32 stack_nr; /* addresses, the call's own first; negative: none */
	__u32 pad;
	__u64 stack[DCOS_AUDIT_STACK];
};
_Static_assert(sizeof(struct dcos_refusal) == 312, "dcos_refusal has a hole");

#endif
