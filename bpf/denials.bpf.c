// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Question: which system calls are denied to the audited tasks by their seccomp filters, now.
 *
 * Events: the end of __secure_computing, which the kernel calls for tasks that have a filter and
 * for no other, and sched_process_exit for threads that a filter ends alone.
 *
 * Algorithm: -1 says that the call is not made. What the task gets instead stands in its registers:
 * an error, or, with SIGSYS on its way, the number of the call again. Only then is the cgroup
 * looked up.
 *
 * Cost: nothing for tasks without a filter; a trampoline for each call of the others that the
 * kernel does not allow by its bitmap alone. Measured: Documentation/performance.rst
 *
 * Misses: nothing known. Where the kernel has no such trampolines, bpf/audit.bpf.c tells the same.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/audit_maps.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("fexit/__secure_computing")
int denials_answer(void *ctx)
{
	struct task_struct *p;
	__u64 ret = 0;

	if (bpf_get_func_ret(ctx, &ret) || (__s32)ret != -1)
		return 0;
	p = bpf_get_current_task_btf();
	denied(ctx, p, verdict_of(p, (struct pt_regs *)bpf_task_pt_regs(p)), false);
	return 0;
}

/* SCMP_ACT_KILL_THREAD where other threads live on: the function above does not end. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(denials_exit, struct task_struct *p)
{
	if (killed_alone(p))
		denied(ctx, bpf_get_current_task_btf(), RET_KILL_THREAD, false);
	return 0;
}
