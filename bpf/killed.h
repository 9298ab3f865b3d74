/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which threads a seccomp filter ended alone, without any signal. */
#ifndef DCOS_BPF_KILLED_H
#define DCOS_BPF_KILLED_H

#define SIGSYS	    31
#define WAIT_SIGNAL 0x7f /* the signal in an exit code, as in a status of waitpid(2) */
#define PF_SIGNALED 0x00000400 /* include/linux/sched.h: by its own signal or its group's */

/*
 * Nothing else gives a thread that code but a SIGSYS that ends all of its process; and that marks
 * each of them. The group's own state does not tell: when this one ends, it may be about to end too.
 */
static __always_inline bool killed_alone(const struct task_struct *p)
{
	return (p->exit_code & WAIT_SIGNAL) == SIGSYS && !(p->flags & PF_SIGNALED);
}

#endif
