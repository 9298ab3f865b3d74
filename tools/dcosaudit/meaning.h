/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a profile's text says, read without the agent's parser and without libseccomp, so that
 * the compiled filter can be compared with it.
 *
 * The meaning: an element holds for a call if it names it and its comparisons hold (all; of the
 * same argument any). What no element holds for gets the default action. Where several hold and
 * disagree, the text has no meaning of its own: runtimes leave the choice to libseccomp.
 */
#ifndef DCOS_AUDIT_MEANING_H
#define DCOS_AUDIT_MEANING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/dcosaudit/bits.h"

#define MEANING_ARGS 6
#define MEANING_NONE SIZE_MAX

struct meaning_cmp {
	unsigned int arg;
	struct bits_test test; /* of the whole argument */
};

/* An element of "syscalls" whose conditions hold. */
struct meaning_rule {
	size_t index; /* in "syscalls" */
	uint32_t verdict; /* SECCOMP_RET_* with its data */
	const json_t *names; /* an array, or one string */
	struct meaning_cmp *cmp;
	size_t cmp_nr;
};

struct meaning {
	uint32_t default_verdict;
	struct meaning_rule *rules; /* in the order of the text */
	size_t rules_nr;
};

/* What the text says of one call with some arguments. */
struct meaning_answer {
	uint32_t verdict; /* of the first element that holds, or the default */
	size_t element; /* that element, MEANING_NONE: none */
	size_t against; /* the first that disagrees with it, MEANING_NONE: none */
};

/**
 * meaning_new - read a document that the agent's parser accepted
 * @doc: borrowed, must live as long
 * @caps: of the container
 * Return: 0; -ENOMEM; -EINVAL there is something in it that this reader does not know.
 */
int meaning_new(const json_t *doc, uint64_t caps, struct meaning *ret);

/** meaning_free - free what it owns and zero it */
void meaning_free(struct meaning *m);

/** meaning_names_nr - how many calls an element names */
size_t meaning_names_nr(const struct meaning_rule *r);

/** meaning_name - one of them */
const char *meaning_name(const struct meaning_rule *r, size_t i);

/** meaning_has - does an element name this call */
bool meaning_has(const struct meaning_rule *r, const char *name);

/** meaning_holds - do an element's comparisons hold for these arguments */
bool meaning_holds(const struct meaning_rule *r, const uint64_t args[static MEANING_ARGS]);

/**
 * meaning_pick - the elements that name a call, for meaning_of()
 * @ret: room for m->rules_nr; in the order of the text
 * Return: how many.
 */
size_t meaning_pick(const struct meaning *m, const char *name, const struct meaning_rule **ret);

/** meaning_of - what the text says of the call whose elements were picked */
struct meaning_answer meaning_of(const struct meaning *m, const struct meaning_rule *const *picked,
				 size_t nr, const uint64_t args[static MEANING_ARGS]);

/**
 * meaning_overlap - are there arguments for which both elements hold
 * Return: 1 and the smallest such arguments; 0; -E2BIG not known.
 */
int meaning_overlap(const struct meaning_rule *a, const struct meaning_rule *b,
		    uint64_t ret[static MEANING_ARGS]);

#endif
