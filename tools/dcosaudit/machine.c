// SPDX-License-Identifier: Apache-2.0
/* A checker and an interpreter of seccomp programs, see machine.h. */
#include "tools/dcosaudit/machine.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define SCRATCH_WORDS BPF_MEMWORDS
#define SHIFT_BITS    32 /* shifts by so many or more are refused, or give 0 */

struct regs {
	uint32_t a, x, mem[SCRATCH_WORDS];
};

uint32_t cbpf_get_word(const struct seccomp_data *data, unsigned int i)
{
	uint32_t w;

	memcpy(&w, (const char *)data + i * sizeof(w), sizeof(w));
	return w;
}

void cbpf_set_word(struct seccomp_data *data, unsigned int i, uint32_t value)
{
	memcpy((char *)data + i * sizeof(value), &value, sizeof(value));
}

static bool alu_ok(const struct sock_filter *i)
{
	bool constant = BPF_SRC(i->code) == BPF_K;

	if (i->code & ~0xff || BPF_CLASS(i->code) != BPF_ALU)
		return false;
	switch (BPF_OP(i->code)) {
	case BPF_ADD:
	case BPF_SUB:
	case BPF_MUL:
	case BPF_AND:
	case BPF_OR:
	case BPF_XOR:
		return true;
	case BPF_DIV:
		return !constant || i->k;
	case BPF_LSH:
	case BPF_RSH:
		return !constant || i->k < SHIFT_BITS;
	case BPF_NEG:
		return constant;
	default:
		return false; /* seccomp does not take BPF_MOD */
	}
}

static bool jump_ok(const struct sock_filter *i, unsigned int left)
{
	switch (BPF_OP(i->code)) {
	case BPF_JA:
		return BPF_SRC(i->code) == BPF_K && i->k < left;
	case BPF_JEQ:
	case BPF_JGT:
	case BPF_JGE:
	case BPF_JSET:
		return i->jt < left && i->jf < left;
	default:
		return false;
	}
}

/* @left: instructions that follow */
static bool instruction_ok(const struct sock_filter *i, unsigned int left)
{
	switch (i->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return i->k < sizeof(struct seccomp_data) && !(i->k & 3);
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_IMM:
	case BPF_MISC | BPF_TAX:
	case BPF_MISC | BPF_TXA:
	case BPF_RET | BPF_K:
	case BPF_RET | BPF_A:
		return true;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
		return i->k < SCRATCH_WORDS;
	default:
		if (BPF_CLASS(i->code) == BPF_JMP && !(i->code & ~0xff))
			return jump_ok(i, left);
		return alu_ok(i);
	}
}

/* Words of the scratch memory that every way to an instruction has written. */
static void scratch_pass(uint16_t *masks, unsigned int pc, const struct sock_filter *i, uint16_t m)
{
	if (BPF_CLASS(i->code) != BPF_JMP) {
		masks[pc + 1] &= m;
	} else if (BPF_OP(i->code) == BPF_JA) {
		masks[pc + 1 + i->k] &= m;
	} else {
		masks[pc + 1 + i->jt] &= m;
		masks[pc + 1 + i->jf] &= m;
	}
}

/* Return: the first instruction that reads a word which may not have been written, or the length */
static unsigned int scratch_check(const struct sock_fprog *prog)
{
	uint16_t masks[BPF_MAXINSNS + 1];

	memset(masks, 0xff, sizeof(masks));
	masks[0] = 0;
	for (unsigned int pc = 0; pc < prog->len; pc++) {
		const struct sock_filter *i = &prog->filter[pc];
		uint16_t m = masks[pc];

		if (i->code == BPF_ST || i->code == BPF_STX)
			m |= (uint16_t)(1U << i->k);
		if ((i->code == (BPF_LD | BPF_MEM) || i->code == (BPF_LDX | BPF_MEM)) &&
		    !(m & 1U << i->k))
			return pc;
		scratch_pass(masks, pc, i, m); /* also behind a verdict: the kernel is as strict */
	}
	return prog->len;
}

int cbpf_check(const struct sock_fprog *prog, struct why *why)
{
	unsigned int bad;

	if (!prog->len || prog->len > BPF_MAXINSNS)
		return why_set(why, -EINVAL, "a filter has 1 to %d instructions, not %u",
			       BPF_MAXINSNS, prog->len);
	for (unsigned int pc = 0; pc < prog->len; pc++)
		if (!instruction_ok(&prog->filter[pc], prog->len - pc - 1))
			return why_set(
				why, -EINVAL,
				"instruction %u, code %#x with %#x: seccomp does not take it", pc,
				prog->filter[pc].code, prog->filter[pc].k);
	if (BPF_CLASS(prog->filter[prog->len - 1].code) != BPF_RET)
		return why_set(why, -EINVAL, "the last instruction gives no verdict");
	bad = scratch_check(prog);
	if (bad < prog->len)
		return why_set(why, -EINVAL, "instruction %u reads memory that was not written",
			       bad);
	return 0;
}

static void alu(struct regs *r, const struct sock_filter *i)
{
	uint32_t v = BPF_SRC(i->code) == BPF_X ? r->x : i->k;

	switch (BPF_OP(i->code)) {
	case BPF_ADD:
		r->a += v;
		break;
	case BPF_SUB:
		r->a -= v;
		break;
	case BPF_MUL:
		r->a *= v;
		break;
	case BPF_DIV: /* by 0: the kernel's machine answers 0 to the call, see cbpf_run() */
		r->a /= v;
		break;
	case BPF_AND:
		r->a &= v;
		break;
	case BPF_OR:
		r->a |= v;
		break;
	case BPF_XOR:
		r->a ^= v;
		break;
	case BPF_LSH: /* the kernel masks shift counts of a register */
		r->a <<= v & (SHIFT_BITS - 1);
		break;
	case BPF_RSH:
		r->a >>= v & (SHIFT_BITS - 1);
		break;
	default:
		r->a = -r->a;
	}
}

static void load(struct regs *r, const struct sock_filter *i, const struct seccomp_data *data)
{
	uint32_t v = i->k;

	switch (BPF_MODE(i->code)) {
	case BPF_ABS:
		v = cbpf_get_word(data, i->k / sizeof(v));
		break;
	case BPF_LEN:
		v = sizeof(*data);
		break;
	case BPF_MEM:
		v = r->mem[i->k];
		break;
	}
	if (BPF_CLASS(i->code) == BPF_LD)
		r->a = v;
	else
		r->x = v;
}

static unsigned int jump(const struct regs *r, const struct sock_filter *i)
{
	uint32_t v = BPF_SRC(i->code) == BPF_X ? r->x : i->k;

	switch (BPF_OP(i->code)) {
	case BPF_JA:
		return i->k;
	case BPF_JEQ:
		return r->a == v ? i->jt : i->jf;
	case BPF_JGT:
		return r->a > v ? i->jt : i->jf;
	case BPF_JGE:
		return r->a >= v ? i->jt : i->jf;
	default:
		return r->a & v ? i->jt : i->jf;
	}
}

static bool divides_by_zero(const struct regs *r, const struct sock_filter *i)
{
	return i->code == (BPF_ALU | BPF_DIV | BPF_X) && !r->x;
}

uint32_t cbpf_run(const struct sock_fprog *prog, const struct seccomp_data *data,
		  unsigned int *ret_steps)
{
	unsigned int steps = 0, ignored;
	struct regs r = {};

	for (unsigned int pc = 0;; pc++) {
		const struct sock_filter *i = &prog->filter[pc];

		*(ret_steps ? ret_steps : &ignored) = ++steps;
		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
		case BPF_LDX:
			load(&r, i, data);
			break;
		case BPF_ST:
			r.mem[i->k] = r.a;
			break;
		case BPF_STX:
			r.mem[i->k] = r.x;
			break;
		case BPF_ALU:
			if (divides_by_zero(&r, i))
				return SECCOMP_RET_KILL_THREAD; /* 0 */
			alu(&r, i);
			break;
		case BPF_JMP:
			pc += jump(&r, i);
			break;
		case BPF_RET:
			return BPF_RVAL(i->code) == BPF_A ? r.a : i->k;
		default:
			if (BPF_MISCOP(i->code) == BPF_TAX)
				r.x = r.a;
			else
				r.a = r.x;
		}
	}
}
