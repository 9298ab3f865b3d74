/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The BPF programs of dcosaudit while a command runs: loaded, attached to what a struct target
 * says, and gone with the process.
 */
#ifndef DCOS_AUDIT_LIVE_H
#define DCOS_AUDIT_LIVE_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/lib/why.h"
#include "bpf/abi.h"
#include "tools/dcosaudit/target.h"

struct live;

enum live_what {
	LIVE_RECORD,
	LIVE_SHADOW,
	LIVE_WATCH,
};

/* Why live_run() came back. */
enum live_end {
	LIVE_TARGET_ENDED,
	LIVE_SIGNAL, /* SIGINT, SIGTERM, SIGHUP */
	LIVE_TIME, /* the duration is over */
};

/**
 * live_open - load and attach; nothing is counted yet
 * @t: stays the caller's, must live as long
 * @candidate: LIVE_SHADOW: a filter that cbpf_check() accepts
 * @why: which privilege, or what the kernel lacks
 * Return: 0 or -errno.
 */
int live_open(const struct target *t, enum live_what what, const struct sock_fprog *candidate,
	      struct live **ret, struct why *why);

/** live_close - detach and free; NULL is allowed */
void live_close(struct live *l);

struct live_run {
	uint64_t duration_ms; /* 0: none */
	uint64_t startup_ms; /* the startup part ends so long after the first execve, 0: never */
	uint64_t tick_ms; /* how often tick() is called; 0: never */
	void (*tick)(void *ctx);
	void (*refused)(void *ctx, const struct dcos_refusal *r);
	void *ctx;
};

/**
 * live_run - count, start the target if it is a command, until the end
 * SIGUSR1 ends the startup part. Must be called with the signals blocked that live_block() blocks.
 */
int live_run(struct live *l, struct target *t, const struct live_run *run, enum live_end *ret,
	     struct why *why);

/** live_block - block the signals that live_run() reads; before any command is forked */
void live_block(void);

/** live_state - the counters and the part; mapped memory */
struct dcos_audit_state *live_state(struct live *l);

/** live_trampoline - does LIVE_WATCH work at the filter itself, so that others lose nothing */
bool live_trampoline(const struct live *l);

/** live_ncpu, live_calls - see struct dcos_audit_call; NULL unless LIVE_RECORD */
uint32_t live_ncpu(const struct live *l);
const struct dcos_audit_call *live_calls(const struct live *l);

/** live_extra_fd, live_refusals_fd - the hashes of bpf/audit.bpf.c and bpf/audit_maps.h */
int live_extra_fd(const struct live *l);
int live_refusals_fd(const struct live *l);

/** live_skipped - events that the kernel did not give to a program since it was running already */
uint64_t live_skipped(const struct live *l);

/** live_numbering_arch - DCOS_NR_* to SCMP_ARCH_*, 0: none such here */
uint32_t live_numbering_arch(uint32_t numbering);

#endif
