/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The classic BPF machine of seccomp filters: what the kernel would answer to a system call.
 * Source: seccomp(2); Documentation/networking/filter.rst and kernel/seccomp.c of the kernel for
 * the instructions that seccomp takes.
 */
#ifndef DCOS_AUDIT_MACHINE_H
#define DCOS_AUDIT_MACHINE_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/lib/why.h"

#define CBPF_WORDS   (sizeof(struct seccomp_data) / sizeof(uint32_t))
#define CBPF_NR	     0 /* word of seccomp_data: the number */
#define CBPF_ARCH    1
#define CBPF_ARG(n)  (4 + 2 * (n)) /* low word of an argument; the high word is the next one */
#define CBPF_ARGS    6
#define CBPF_BIG_END (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

/**
 * cbpf_check - would the kernel take this program as a seccomp filter
 * @why: the first instruction that it would not
 * Return: 0 or -EINVAL.
 */
int cbpf_check(const struct sock_fprog *prog, struct why *why);

/**
 * cbpf_run - run a program that cbpf_check() accepted
 * @ret_steps: instructions executed; may be NULL
 * Return: SECCOMP_RET_*, with its data.
 */
uint32_t cbpf_run(const struct sock_fprog *prog, const struct seccomp_data *data,
		  unsigned int *ret_steps);

/** cbpf_get_word - 32 bits of seccomp_data; @i below CBPF_WORDS */
uint32_t cbpf_get_word(const struct seccomp_data *data, unsigned int i);

/** cbpf_set_word - the other way */
void cbpf_set_word(struct seccomp_data *data, unsigned int i, uint32_t value);

#endif
