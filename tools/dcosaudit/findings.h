/* SPDX-License-Identifier: Apache-2.0 */
/* What lint has to say, with the place in the text. */
#ifndef DCOS_AUDIT_FINDINGS_H
#define DCOS_AUDIT_FINDINGS_H

#include <stddef.h>

#include "tools/dcosaudit/compare.h"
#include "tools/dcosaudit/meaning.h"
#include "tools/dcosaudit/profile.h"
#include "tools/dcosaudit/view.h"

#define FINDINGS_MAX	    1000 /* of one profile, more are counted */
#define FINDING_TEXT_MAX    512 /* bytes, longer ones are cut */
#define FINDING_POINTER_MAX 192

enum severity {
	SEVERITY_NOTE, /* worth knowing */
	SEVERITY_WARNING, /* hardly what was meant */
	SEVERITY_ERROR, /* does not do what it says, or can't be used */
};

struct finding {
	enum severity severity;
	const char *code; /* "never-matches": a row of the table in dcosaudit(1) */
	char pointer[FINDING_POINTER_MAX]; /* RFC 6901 */
	struct position at;
	char text[FINDING_TEXT_MAX];
};

struct findings {
	struct finding *list;
	size_t nr, lost;
	size_t count[SEVERITY_ERROR + 1];
};

/* What the checks look at. */
struct lint {
	struct profile *profile; /* compiled, unless its text has errors */
	struct meaning meaning;
	struct view view;
	struct findings findings;
};

/** severity_name - "note", "warning", "error" */
const char *severity_name(enum severity s);

/**
 * finding_add - one more
 * @pointer: the place
 * What finds no memory or no room is counted.
 */
void finding_add(struct lint *l, enum severity s, const char *code, const char *pointer,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/** findings_sort - by place */
void findings_sort(struct findings *f);

/** lint_schema - every error of the agent's parser, not only the first */
void lint_schema(struct lint *l);

/** lint_rules - elements by themselves and against each other */
void lint_rules(struct lint *l);

/** lint_filter - what the compiled filter does: needs profile, meaning and view */
void lint_filter(struct lint *l);

/**
 * high_bits_bypass - is something allowed only because bits are looked at that the kernel ignores
 * @c: of a 64-bit numbering
 * @ret_denied, @ret_allowed: inputs that are the same to the kernel
 * @ret_arg: the argument in which they differ
 * Return: 1; 0; -E2BIG too many pairs of ways, not known.
 */
int high_bits_bypass(const struct call_view *c, struct seccomp_data *ret_denied,
		     struct seccomp_data *ret_allowed, unsigned int *ret_arg);

#endif
