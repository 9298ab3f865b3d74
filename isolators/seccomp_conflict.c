// SPDX-License-Identifier: Apache-2.0
/*
 * Elements of a profile that another one makes void. libseccomp lets a rule without comparisons
 * swallow all others of the same call, whichever came first, and a second verdict without
 * comparisons: a denial in a profile does nothing and nobody knows. Profiles in wide use have such
 * elements, so that they are counted and told, not refused. Two elements with comparisons that
 * overlap are not found.
 * The other thing told: the old system call socketcall(2) of 32-bit x86 and s390 has the arguments
 * of socket(2) and its like behind a pointer; the library allows it where one of them is allowed
 * with comparisons.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/lib/cleanup.h"
#include "isolators/seccomp_profile.h"

/* The library's numbers on x86 for what socketcall(2) does: -101 is socket, -120 sendmmsg. */
#define SOCKETCALL_FIRST (-101)
#define SOCKETCALL_LAST	 (-120)

/* One name of one element. */
struct use {
	int nr; /* of the call, or the library's own negative number */
	const struct sc_rule *rule;
	const char *name;
};

static size_t names_nr(const struct sc_rule *rule)
{
	return json_is_string(rule->names) ? 1 : json_array_size(rule->names);
}

static size_t uses_fill(const struct sc_profile *p, struct use *uses)
{
	size_t nr = 0;

	for (size_t i = 0; i < p->rules_nr; i++)
		for (size_t n = 0; n < names_nr(&p->rules[i]); n++) {
			const json_t *v = p->rules[i].names;
			const char *name =
				json_string_value(json_is_string(v) ? v : json_array_get(v, n));
			int call = seccomp_syscall_resolve_name(name);

			if (call != __NR_SCMP_ERROR)
				uses[nr++] = (struct use){call, &p->rules[i], name};
		}
	return nr;
}

/* By call; those without comparisons first; then as in the document. */
static int compare(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	if (x->nr != y->nr)
		return x->nr < y->nr ? -1 : 1;
	if (!x->rule->args_nr != !y->rule->args_nr)
		return x->rule->args_nr ? 1 : -1;
	return x->rule->index < y->rule->index ? -1 : x->rule->index > y->rule->index;
}

static void conflicts_count(const struct use *uses, size_t nr, struct sc_info *info)
{
	for (size_t i = 1, first = 0; i < nr; i++) {
		const struct sc_rule *winner = uses[first].rule, *rule = uses[i].rule;

		if (uses[i].nr != uses[first].nr) {
			first = i;
			continue;
		}
		if (winner->args_nr || rule->action == winner->action)
			continue;
		if (!info->void_nr++)
			(void)snprintf(
				info->void_text, sizeof(info->void_text),
				"/syscalls/%zu has no effect on \"%s\", /syscalls/%zu has it "
				"whatever the arguments are",
				rule->index, uses[i].name, winner->index);
	}
}

static bool has_socketcall(const struct sc_profile *p)
{
	for (size_t i = 0; i < p->arches_nr; i++)
		if (p->arches[i] == SCMP_ARCH_X86 || p->arches[i] == SCMP_ARCH_S390 ||
		    p->arches[i] == SCMP_ARCH_S390X)
			return true;
	return false;
}

/* An allowing element with comparisons for what 32-bit programs can also do by socketcall(2). */
static bool socketcall_hole(const struct sc_profile *p, const struct use *uses, size_t nr)
{
	if (sc_action_allows(p->default_action) || !has_socketcall(p))
		return false;
	for (size_t i = 0; i < nr; i++)
		if (uses[i].rule->args_nr && sc_action_allows(uses[i].rule->action) &&
		    seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86, uses[i].name) <=
			    SOCKETCALL_FIRST &&
		    seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86, uses[i].name) >=
			    SOCKETCALL_LAST)
			return true;
	return false;
}

int sc_conflicts(const struct sc_profile *p, struct sc_info *info)
{
	size_t nr = 0;

	for (size_t i = 0; i < p->rules_nr; i++)
		nr += names_nr(&p->rules[i]);
	cleanup_free struct use *uses = calloc(nr + 1, sizeof(*uses));

	if (!uses)
		return -ENOMEM;
	nr = uses_fill(p, uses);
	qsort(uses, nr, sizeof(*uses), compare);
	conflicts_count(uses, nr, info);
	info->socketcall_hole = socketcall_hole(p, uses, nr);
	return 0;
}
