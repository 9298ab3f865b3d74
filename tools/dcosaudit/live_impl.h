/* SPDX-License-Identifier: Apache-2.0 */
/* Between live*.c only. */
#ifndef DCOS_AUDIT_LIVE_IMPL_H
#define DCOS_AUDIT_LIVE_IMPL_H

#include <bpf/libbpf.h>

#include "tools/dcosaudit/live.h"

#define LIVE_LINKS_MAX 16

struct audit_bpf;
struct denials_bpf;

struct live {
	enum live_what what;
	struct audit_bpf *audit; /* one of the two */
	struct denials_bpf *denials;
	struct bpf_link *links[LIVE_LINKS_MAX];
	int links_nr;
	uint32_t ncpu;
	struct dcos_audit_state *state;
	struct dcos_audit_call *calls; /* mapped, or NULL */
	size_t calls_size;
	int ring_fd, refusals_fd, roots_fd;
};

/** live_mark - mark all threads that are audited and not yet marked. Return: 0 or -errno */
int live_mark(struct live *l);

/**
 * live_rules - what to look at in each call, from argclass.c
 * @rules: zeroed
 */
void live_rules(struct dcos_audit_rule rules[DCOS_NUMBERINGS][DCOS_AUDIT_CALLS]);

/**
 * live_verdicts - what a filter says to each call
 * @varies: 1: the verdict depends on more than the number
 */
void live_verdicts(const struct sock_fprog *prog,
		   uint32_t verdicts[DCOS_NUMBERINGS][DCOS_AUDIT_CALLS],
		   uint8_t varies[DCOS_NUMBERINGS][DCOS_AUDIT_CALLS]);

#endif
