/* SPDX-License-Identifier: Apache-2.0 */
/* What a compiled profile says to every system call of every numbering, as found by running it. */
#ifndef DCOS_AUDIT_VIEW_H
#define DCOS_AUDIT_VIEW_H

#include <stddef.h>
#include <stdint.h>

#include "agent/lib/why.h"
#include "tools/dcosaudit/calls.h"
#include "tools/dcosaudit/paths.h"
#include "tools/dcosaudit/profile.h"

#define VIEW_ARCHES_MAX	   4 /* the machine's own and what else its kernel executes */
#define VERDICT_TEXT_MAX   32
#define CONDITION_TEXT_MAX 512 /* bytes, longer ones are cut */

/* How far a verdict lets a call come; the order is the order of permission. */
enum access {
	ACCESS_DENIED, /* the kernel does not make it */
	ACCESS_ASKED, /* a tracer or a supervisor decides */
	ACCESS_ALLOWED,
};

/** access_of - of SECCOMP_RET_* */
enum access access_of(uint32_t verdict);

/** verdict_text - "ALLOW", "ERRNO(EPERM)", "KILL_PROCESS". Return: @buf */
const char *verdict_text(uint32_t verdict, char buf[static VERDICT_TEXT_MAX]);

struct call_view {
	int nr;
	const char *name;
	struct paths paths;
	enum access least, most; /* over all arguments */
	uint32_t verdict; /* of the first way; the only one if all ways agree */
	bool varies; /* not all ways have the same verdict */
};

struct arch_view {
	uint32_t arch; /* SCMP_ARCH_* */
	struct calls *calls;
	struct call_view *call; /* calls->nr of them */
	size_t allowed, some, denied; /* whatever the arguments; for some; for none */
	size_t left_out; /* ways through the filter that were not followed */
	uint32_t unknown; /* the verdict of numbers that no call has ... */
	bool unknown_varies; /* ... if it is the same for all that were tried */
};

struct view {
	const struct profile *profile;
	struct arch_view arch[VIEW_ARCHES_MAX];
	size_t nr;
};

/**
 * view_new - run the filter for every call
 * @p: compiled; borrowed, must live as long
 * @ret: to be ended with view_free(); arch[0] is the machine's own
 * Return: 0; -ENOMEM; -EINVAL the filter is none that the kernel takes; -ENOTSUP.
 */
int view_new(const struct profile *p, struct view *ret, struct why *why);

/** view_free - free what it owns and zero it */
void view_free(struct view *v);

#define cleanup_view __attribute__((cleanup(view_free)))

/** view_arch - by token, NULL: not of this machine */
const struct arch_view *view_arch(const struct view *v, uint32_t arch);

/** view_call - by name, NULL: that numbering has none of the name */
const struct call_view *view_call(const struct arch_view *a, const char *name);

/**
 * condition_text - the arguments that go a way, for people
 * @buf: "arg0 == 2", "arg0 & 0x7e020000 == 0, arg1 not in {1, 2}"; "any arguments"
 * Return: @buf.
 */
const char *condition_text(const struct paths *p, const struct path *path,
			   char buf[static CONDITION_TEXT_MAX]);

/** example_text - "socket(0x28, 0, 0, 0, 0, 0)", zeros at the end left out. Return: @buf */
const char *example_text(const char *name, const struct seccomp_data *data,
			 char buf[static CONDITION_TEXT_MAX]);

#endif
