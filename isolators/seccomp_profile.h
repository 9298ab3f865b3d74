/* SPDX-License-Identifier: Apache-2.0 */
/* A seccomp profile as read: what the document says, for seccomp_filter.c to compile. */
#ifndef DCOS_SECCOMP_PROFILE_H
#define DCOS_SECCOMP_PROFILE_H

#include <jansson.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/lib/why.h"
#include "isolators/seccomp.h"

#define SC_ARCHES_MAX 32

/* One element of "syscalls" that applies to this container. */
struct sc_rule {
	size_t index; /* of the element in "syscalls", for messages */
	uint32_t action; /* SCMP_ACT_*, the errno included */
	json_t *names; /* borrowed: an array of strings, or one string */
	struct scmp_arg_cmp *args;
	unsigned int args_nr;
};

struct sc_profile {
	json_t *doc;
	uint32_t default_action;
	uint32_t arches[SC_ARCHES_MAX]; /* SCMP_ARCH_* that this machine executes */
	size_t arches_nr;
	unsigned int flags; /* SECCOMP_FILTER_FLAG_* */
	uint64_t caps_used; /* capabilities that were asked for */
	bool listener; /* a supervisor or its flag is named; SCMP_ACT_NOTIFY is in the actions */
	const char *listener_path, *metadata; /* borrowed, NULL: not said */
	struct sc_rule *rules;
	size_t rules_nr;
};

/**
 * sc_profile_parse - read and validate a profile
 * @json: NUL-terminated
 * @caps: of the container
 * @ret: filled, to be ended with sc_profile_free()
 * @why: see sc_compile()
 * Return: 0; -EINVAL; -ENOMEM. @ret is untouched unless 0.
 */
int sc_profile_parse(const char *json, uint64_t caps, struct sc_profile *ret, struct why *why);

/** sc_profile_free - free what a profile owns, not @p itself; it may be zeroed */
void sc_profile_free(struct sc_profile *p);

/**
 * sc_compile_flat - sc_compile() as other runtimes do it: a chain of comparisons, no tree
 * For dcosaudit, to show what the tree saves.
 */
int sc_compile_flat(const char *json, uint64_t caps, struct sc_filter **ret, struct why *why);

#define SC_STORE_FILES 64 /* of a directory of compiled filters */
#define SC_STORE_BYTES (SC_JSON_MAX + (1U << 20)) /* of one */

/**
 * sc_filter_new - a filter from its parts
 * @info: copied, its program is replaced
 * @code: info->prog.len instructions, copied; need not be aligned
 * Return: sc_filter_unref(); NULL without memory.
 */
struct sc_filter *sc_filter_new(const struct sc_info *info, const void *code);

/**
 * sc_store_get - a filter that was compiled before
 * @dir: of the files
 * @hash: of @json
 * Return: sc_filter_unref(); NULL: there is none.
 */
struct sc_filter *sc_store_get(int dir, const char *json, uint64_t hash, uint64_t caps);

/** sc_store_put - keep a filter for others; a failure is no failure */
void sc_store_put(int dir, const char *json, uint64_t hash, uint64_t caps,
		  const struct sc_filter *f);

/** sc_action_allows - is this SCMP_ACT_* one that lets the call be made */
static inline bool sc_action_allows(uint32_t action)
{
	return action == SCMP_ACT_ALLOW || action == SCMP_ACT_LOG;
}

/**
 * sc_conflicts - look for what in a profile does not do what it seems to
 * @info: void_nr, void_text and socketcall_hole are filled
 * Return: 0 or -ENOMEM.
 */
int sc_conflicts(const struct sc_profile *p, struct sc_info *info);

#endif
