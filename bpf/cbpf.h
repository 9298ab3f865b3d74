/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A machine for classic BPF, in BPF: what a seccomp filter that is not installed would answer to a
 * call. For filters that the kernel would take (user space has checked), with the results of the
 * kernel's own machine: shift counts of a register are masked, a division by 0 ends with 0.
 * The same machine in user space is tools/dcosaudit/machine.c; tests compare the two.
 */
#ifndef DCOS_BPF_CBPF_H
#define DCOS_BPF_CBPF_H

#include "bpf/abi.h"

#define CBPF_DATA_WORDS	   16 /* of struct seccomp_data */
#define CBPF_SCRATCH_WORDS 16 /* BPF_MEMWORDS */
#define CBPF_MACHINES	   3

/* Bits of an instruction's code: include/uapi/linux/bpf_common.h */
#define CBPF_CLASS(code) ((code)&0x07)
#define CBPF_OP(code)	 ((code)&0xf0)
#define CBPF_MODE(code)	 ((code)&0xe0)
#define CBPF_X		 0x08
enum { CBPF_LD, CBPF_LDX, CBPF_ST, CBPF_STX, CBPF_ALU, CBPF_JMP, CBPF_RET, CBPF_MISC };

/* The candidate. Constant; set before load. */
const volatile struct dcos_insn candidate[DCOS_AUDIT_INSNS] SEC(".rodata.filter");

struct cbpf_machine {
	__u32 a, x, pc, verdict;
	__u32 data[CBPF_DATA_WORDS];
	__u32 mem[CBPF_SCRATCH_WORDS];
};

static __always_inline bool cbpf_alu(struct cbpf_machine *m, __u16 code, __u32 v)
{
	switch (CBPF_OP(code)) {
	case 0x00:
		m->a += v;
		return true;
	case 0x10:
		m->a -= v;
		return true;
	case 0x20:
		m->a *= v;
		return true;
	case 0x30:
		if (!v)
			return false;
		m->a /= v;
		return true;
	case 0x40:
		m->a |= v;
		return true;
	case 0x50:
		m->a &= v;
		return true;
	case 0x60:
		m->a <<= v & 31;
		return true;
	case 0x70:
		m->a >>= v & 31;
		return true;
	case 0x80:
		m->a = -m->a;
		return true;
	default:
		m->a ^= v;
		return true;
	}
}

static __always_inline __u32 cbpf_load(const struct cbpf_machine *m, __u16 code, __u32 k)
{
	switch (CBPF_MODE(code)) {
	case 0x20: /* ABS */
		return m->data[(k / sizeof(__u32)) & (CBPF_DATA_WORDS - 1)];
	case 0x60: /* MEM */
		return m->mem[k & (CBPF_SCRATCH_WORDS - 1)];
	case 0x80: /* LEN */
		return sizeof(m->data);
	default:
		return k;
	}
}

static __always_inline __u32 cbpf_jump(const struct cbpf_machine *m, const struct dcos_insn *i,
				       __u32 v)
{
	bool yes;

	switch (CBPF_OP(i->code)) {
	case 0x00:
		return i->k;
	case 0x10:
		yes = m->a == v;
		break;
	case 0x20:
		yes = m->a > v;
		break;
	case 0x30:
		yes = m->a >= v;
		break;
	default:
		yes = m->a & v;
	}
	return yes ? i->jt : i->jf;
}

/*
 * One machine for each program that runs one, on each CPU. Not on the stack: kernels before 6.6
 * look at the function of a loop once, believe the stack to be as it was before, and leave out
 * whatever the first round does not need.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CBPF_MACHINES);
	__type(key, __u32);
	__type(value, struct cbpf_machine);
} machines SEC(".maps");

struct cbpf_loop {
	struct cbpf_machine *m; /* what a loop gets must be on the stack; this is */
};

/* For bpf_loop(). Return: 1: a verdict is there */
static long cbpf_step(__u32 nr, struct cbpf_loop *l)
{
	struct cbpf_machine *m = l->m;
	const volatile struct dcos_insn *at = &candidate[m->pc & (DCOS_AUDIT_INSNS - 1)];
	const struct dcos_insn i = {at->code, at->jt, at->jf, at->k};
	__u32 v = i.code & CBPF_X ? m->x : i.k;

	m->pc++;
	switch (CBPF_CLASS(i.code)) {
	case CBPF_LD:
		m->a = cbpf_load(m, i.code, i.k);
		return 0;
	case CBPF_LDX:
		m->x = cbpf_load(m, i.code, i.k);
		return 0;
	case CBPF_ST:
		m->mem[i.k & (CBPF_SCRATCH_WORDS - 1)] = m->a;
		return 0;
	case CBPF_STX:
		m->mem[i.k & (CBPF_SCRATCH_WORDS - 1)] = m->x;
		return 0;
	case CBPF_ALU:
		return cbpf_alu(m, i.code, v) ? 0 : 1; /* the verdict is 0 */
	case CBPF_JMP:
		m->pc += cbpf_jump(m, &i, v);
		return 0;
	case CBPF_RET:
		m->verdict = i.code & 0x10 ? m->a : i.k;
		return 1;
	default: /* TXA, TAX */
		if (i.code & 0x80)
			m->a = m->x;
		else
			m->x = m->a;
		return 0;
	}
}

/* Return: SECCOMP_RET_*, with its data; @m->data is set */
static __always_inline __u32 cbpf_run(struct cbpf_machine *m)
{
	struct cbpf_loop l = {.m = m};

	m->a = 0;
	m->x = 0;
	m->pc = 0;
	m->verdict = 0; /* no verdict is KILL_THREAD, as the kernel's machine would have it */
	bpf_loop(DCOS_AUDIT_INSNS, cbpf_step, &l, 0);
	return m->verdict;
}

#endif
