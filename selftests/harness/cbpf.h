/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a seccomp program says of one system call, without making it: the classic BPF machine as
 * linux/filter.h describes it, as far as libseccomp uses it.
 */
#ifndef DCOS_CBPF_H
#define DCOS_CBPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>

#define CBPF_BAD 0xdeadbeef /* no verdict: not a program that the kernel would take */

static inline int cbpf_jump(const struct sock_filter *i, uint32_t acc)
{
	switch (BPF_OP(i->code)) {
	case BPF_JEQ:
		return acc == i->k ? i->jt : i->jf;
	case BPF_JGT:
		return acc > i->k ? i->jt : i->jf;
	case BPF_JGE:
		return acc >= i->k ? i->jt : i->jf;
	case BPF_JSET:
		return acc & i->k ? i->jt : i->jf;
	default:
		return -1;
	}
}

/* Return: SECCOMP_RET_* with its data, or CBPF_BAD */
static inline uint32_t cbpf_run(const struct sock_fprog *prog, const struct seccomp_data *data)
{
	uint32_t acc = 0;

	for (size_t pc = 0; pc < prog->len; pc++) {
		const struct sock_filter *i = &prog->filter[pc];
		int jump;

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			if (i->k > sizeof(*data) - sizeof(acc) || i->k % sizeof(acc))
				return CBPF_BAD;
			memcpy(&acc, (const char *)data + i->k, sizeof(acc));
			break;
		case BPF_ALU:
			if (BPF_OP(i->code) != BPF_AND || BPF_SRC(i->code) != BPF_K)
				return CBPF_BAD;
			acc &= i->k;
			break;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_JA) {
				pc += i->k;
				break;
			}
			jump = cbpf_jump(i, acc);
			if (jump < 0 || BPF_SRC(i->code) != BPF_K)
				return CBPF_BAD;
			pc += (size_t)jump;
			break;
		case BPF_RET:
			return BPF_RVAL(i->code) == BPF_K ? i->k : CBPF_BAD;
		default:
			return CBPF_BAD;
		}
	}
	return CBPF_BAD; /* fell off the end */
}

#endif
