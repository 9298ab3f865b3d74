/* SPDX-License-Identifier: Apache-2.0 */
/* Is the compiled filter what the text says? Both are asked about every class of arguments. */
#ifndef DCOS_AUDIT_COMPARE_H
#define DCOS_AUDIT_COMPARE_H

#include "tools/dcosaudit/meaning.h"
#include "tools/dcosaudit/view.h"

#define COMPARE_TRIES_MAX 20000 /* inputs tried for one call, beside one for each way */

/* Why the two may differ without anything being wrong. */
enum difference_cause {
	DIFFERENCE_UNEXPLAINED,
	DIFFERENCE_UNKNOWN_NAME, /* libseccomp does not know the call yet */
};

/* One call that the filter answers otherwise than the text. */
struct difference {
	uint32_t arch;
	const char *name; /* of the view */
	struct seccomp_data example;
	uint32_t says, does; /* the text, the filter */
	size_t element; /* of "syscalls" that says so, or MEANING_NONE */
	enum difference_cause cause;
};

struct differences {
	struct difference *list; /* the first of each call */
	size_t nr;
	uint64_t tried; /* inputs that both were asked about */
	uint64_t unclear; /* of these, where elements contradict each other */
	size_t multiplexed; /* calls that stand for many (socketcall, ipc), not compared */
};

/**
 * compare - ask both about all that can make a difference
 * @m: of the same profile and capabilities as the view
 * @ret: list is malloc'd
 * Inputs: the example of each way through the filter, and all combinations of the values around
 * those that the text compares with (a sample of them beyond COMPARE_TRIES_MAX).
 * Return: 0 or -ENOMEM.
 */
int compare(const struct view *v, const struct meaning *m, struct differences *ret);

/** difference_wider - does the filter allow what the text does not */
static inline bool difference_wider(const struct difference *d)
{
	return access_of(d->does) > access_of(d->says);
}

#endif
