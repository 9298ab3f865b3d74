// SPDX-License-Identifier: Apache-2.0
/*
 * The device program of a container that is not metered, made instruction by instruction: it counts
 * nothing, needs no map, and is loaded by one system call, where the object of bpf/devices.bpf.c
 * takes some twenty and its types. The decision is the same, rule by rule.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "isolators/devices.h"

#define RULE_INSNS_MAX 7
#define ENDS_INSNS     8
#define INSNS_MAX      (DEVICE_RULES_MAX * RULE_INSNS_MAX + ENDS_INSNS)

enum { R_VERDICT, R_CONTEXT, R_ACCESS, R_TYPE, R_MAJOR, R_MINOR };

struct program {
	struct bpf_insn insns[INSNS_MAX];
	size_t nr;
};

static void emit(struct program *p, uint8_t code, uint8_t reg, uint32_t value)
{
	p->insns[p->nr++] = (struct bpf_insn){.code = code,
					      .dst_reg = (uint8_t)(reg & 0xf),
					      .imm = (int32_t)value};
}

static void load_word(struct program *p, uint8_t reg, int16_t offset)
{
	p->insns[p->nr++] = (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W,
					      .dst_reg = (uint8_t)(reg & 0xf),
					      .src_reg = R_CONTEXT,
					      .off = offset};
}

static void verdict(struct program *p, bool allow)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, R_VERDICT, allow);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0);
}

/* A jump to where the next rule begins, which is known when this one ends: its offset is -1. */
static void next_unless(struct program *p, uint8_t jump, uint8_t reg, uint32_t value)
{
	emit(p, BPF_JMP32 | jump | BPF_K, reg, value);
	p->insns[p->nr - 1].off = -1;
}

static void rule(struct program *p, const struct dcos_device_rule *r)
{
	size_t begin = p->nr;

	if (r->types == 1U << BPF_DEVCG_DEV_BLOCK || r->types == 1U << BPF_DEVCG_DEV_CHAR)
		next_unless(p, BPF_JNE, R_TYPE,
			    r->types == 1U << BPF_DEVCG_DEV_BLOCK ? BPF_DEVCG_DEV_BLOCK
								  : BPF_DEVCG_DEV_CHAR);
	if (r->major != DEVICE_ANY)
		next_unless(p, BPF_JNE, R_MAJOR, r->major);
	if (r->minor != DEVICE_ANY)
		next_unless(p, BPF_JNE, R_MINOR, r->minor);
	if (r->deny) { /* over the jump that follows if there is nothing to deny */
		emit(p, BPF_JMP32 | BPF_JSET | BPF_K, R_ACCESS, r->access);
		p->insns[p->nr - 1].off = 1;
		emit(p, BPF_JMP | BPF_JA, 0, 0);
		p->insns[p->nr - 1].off = -1;
	} else {
		emit(p, BPF_ALU | BPF_AND | BPF_K, R_ACCESS, ~r->access);
		next_unless(p, BPF_JNE, R_ACCESS, 0);
	}
	verdict(p, !r->deny);
	for (size_t i = begin; i < p->nr; i++)
		if (p->insns[i].off == -1)
			p->insns[i].off = (int16_t)(p->nr - i - 1);
}

/* bpf_prog_load() would first load two programs to learn what the kernel knows, each time anew. */
static int load(const struct program *p)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.expected_attach_type = BPF_CGROUP_DEVICE;
	attr.insns = (uintptr_t)p->insns;
	attr.insn_cnt = (uint32_t)p->nr;
	attr.license = (uintptr_t) "Apache-2.0";
	memcpy(attr.prog_name, "devices_plain", sizeof("devices_plain"));
	fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	return fd < 0 ? -errno : fd;
}

int devices_plain_load(const struct dcos_device_rule *rules, size_t nr)
{
	struct program p;

	p.nr = 0;
	if (nr > DEVICE_RULES_MAX)
		return -E2BIG;
	load_word(&p, R_TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	load_word(&p, R_MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	load_word(&p, R_MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	p.insns[p.nr++] = (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_X,
					    .dst_reg = R_ACCESS,
					    .src_reg = R_TYPE};
	emit(&p, BPF_ALU | BPF_RSH | BPF_K, R_ACCESS, 16);
	emit(&p, BPF_ALU | BPF_AND | BPF_K, R_TYPE, 0xffff);
	for (size_t i = 0; i < nr; i++)
		rule(&p, &rules[i]);
	verdict(&p, false);
	return load(&p);
}
