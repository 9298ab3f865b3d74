// SPDX-License-Identifier: Apache-2.0
/*
 * Elements of a profile by themselves and against each other. Which of two that disagree has its
 * way is not guessed: the filter is run with arguments for which both hold.
 */
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/dcosaudit/argclass.h"
#include "tools/dcosaudit/findings.h"

#define PAIRS_MAX 64 /* elements of one call that are held against each other */

/* One name of one element. */
struct use {
	const char *name;
	const struct meaning_rule *rule;
	size_t at; /* in "names" */
};

static void name_pointer(const struct use *u, char buf[static FINDING_POINTER_MAX])
{
	if (json_is_string(u->rule->names))
		(void)snprintf(buf, FINDING_POINTER_MAX, "/syscalls/%zu/name", u->rule->index);
	else
		(void)snprintf(buf, FINDING_POINTER_MAX, "/syscalls/%zu/names/%zu", u->rule->index,
			       u->at); /* fits */
}

/* Line of an element, for a finding on another one. */
static unsigned int line_of(const struct lint *l, size_t index)
{
	char pointer[FINDING_POINTER_MAX];

	(void)snprintf(pointer, sizeof(pointer), "/syscalls/%zu", index); /* fits */
	return pos_find(l->profile->places, pointer).line;
}

/* ---- names ---- */

static void check_name(struct lint *l, const struct use *u, const struct calls *calls)
{
	bool allows = access_of(u->rule->verdict) == ACCESS_ALLOWED;
	bool denies_nothing = !allows && access_of(l->meaning.default_verdict) == ACCESS_ALLOWED;
	char pointer[FINDING_POINTER_MAX];
	const char *since, *near;

	if (call_is_known(u->name))
		return;
	name_pointer(u, pointer);
	since = call_since(u->name);
	near = since ? NULL : call_nearest(calls, u->name);
	if (since)
		finding_add(l, denies_nothing ? SEVERITY_ERROR : SEVERITY_NOTE,
			    "unknown-to-library", pointer,
			    "\"%s\" came with Linux %s and this libseccomp does not know it: the "
			    "default action decides",
			    u->name, since);
	else
		finding_add(l, denies_nothing ? SEVERITY_ERROR : SEVERITY_WARNING,
			    "unknown-syscall", pointer,
			    "\"%s\" is no system call%s%s%s: the default action decides", u->name,
			    near ? ", the nearest is \"" : "", near ? near : "", near ? "\"" : "");
}

/* ---- comparisons ---- */

static void cmp_pointer(const struct meaning_rule *r, size_t i,
			char buf[static FINDING_POINTER_MAX])
{
	(void)snprintf(buf, FINDING_POINTER_MAX, "/syscalls/%zu/args/%zu", r->index, i); /* fits */
}

static void check_one_cmp(struct lint *l, const struct meaning_rule *r, size_t i)
{
	struct bits_test t = r->cmp[i].test;
	char pointer[FINDING_POINTER_MAX];
	uint64_t ignored;

	cmp_pointer(r, i, pointer);
	if (!bits_solve(&t, 1, 64, &ignored))
		finding_add(l, SEVERITY_ERROR, "never-matches", pointer,
			    "holds for no value of argument %u", r->cmp[i].arg);
	t.holds = !t.holds;
	if (!bits_solve(&t, 1, 64, &ignored))
		finding_add(l, SEVERITY_WARNING, "always-matches", pointer,
			    "holds for every value of argument %u", r->cmp[i].arg);
}

/* Several comparisons of one argument: any is enough, which may be all values. */
static void check_any_of(struct lint *l, const struct meaning_rule *r)
{
	struct bits_test tests[SC_ARGS_MAX];
	unsigned int seen = 0, twice = 0;
	char pointer[FINDING_POINTER_MAX];
	uint64_t ignored;
	size_t nr = 0;

	for (size_t i = 0; i < r->cmp_nr; i++) {
		twice |= seen & 1U << r->cmp[i].arg;
		seen |= 1U << r->cmp[i].arg;
	}
	if (!twice)
		return;
	for (size_t i = 0; i < r->cmp_nr && nr < SC_ARGS_MAX; i++)
		if (r->cmp[i].arg == (unsigned int)__builtin_ctz(twice)) {
			tests[nr] = r->cmp[i].test;
			tests[nr].holds = !tests[nr].holds;
			nr++;
		}
	(void)snprintf(pointer, sizeof(pointer), "/syscalls/%zu/args", r->index); /* fits */
	if (!bits_solve(tests, nr, 64, &ignored))
		finding_add(l, SEVERITY_ERROR, "always-matches", pointer,
			    "argument %d is compared %zu times, any of these is enough, and every "
			    "value fulfils one",
			    __builtin_ctz(twice), nr);
	else
		finding_add(
			l, SEVERITY_NOTE, "any-of", pointer,
			"argument %d is compared more than once: any of all these comparisons is "
			"enough, also those of other arguments",
			__builtin_ctz(twice));
}

/* A value that the kernel's type of the argument can't have. */
static void check_int(struct lint *l, const struct use *u)
{
	char pointer[FINDING_POINTER_MAX];

	for (size_t i = 0; i < u->rule->cmp_nr; i++) {
		const struct meaning_cmp *c = &u->rule->cmp[i];

		if (c->test.k <= UINT32_MAX || !arg_is_int(u->name, c->arg))
			continue;
		cmp_pointer(u->rule, i, pointer);
		finding_add(l, SEVERITY_WARNING, "int-argument", pointer,
			    "0x%" PRIx64 " has more than 32 bits, argument %u of %s is an int: the "
			    "kernel ignores the rest",
			    c->test.k, c->arg, u->name);
	}
}

/* ---- elements ---- */

static void check_rule(struct lint *l, const struct meaning_rule *r)
{
	char pointer[FINDING_POINTER_MAX];

	(void)snprintf(pointer, sizeof(pointer), "/syscalls/%zu", r->index); /* fits */
	if (!meaning_names_nr(r))
		finding_add(l, SEVERITY_WARNING, "empty", pointer, "names no system call");
	if (r->verdict == SECCOMP_RET_ERRNO)
		finding_add(l, SEVERITY_WARNING, "errno-zero", pointer,
			    "ERRNO with 0: the call is not made and seems to have succeeded");
	if ((r->verdict & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_KILL_THREAD)
		finding_add(l, SEVERITY_NOTE, "kills-thread", pointer,
			    "ends one thread, the others of the process go on without it; "
			    "SCMP_ACT_KILL_PROCESS ends all");
	for (size_t i = 0; i < r->cmp_nr; i++)
		check_one_cmp(l, r, i);
	check_any_of(l, r);
}

static void check_default(struct lint *l, const struct meaning_rule *r)
{
	char pointer[FINDING_POINTER_MAX];

	if (r->verdict != l->meaning.default_verdict)
		return;
	(void)snprintf(pointer, sizeof(pointer), "/syscalls/%zu/action", r->index); /* fits */
	finding_add(l, SEVERITY_NOTE, "same-as-default", pointer,
		    "is the default action: the element changes nothing");
}

/* By members: nobody has written the bytes between them. */
static bool same_test(const struct bits_test *a, const struct bits_test *b)
{
	return a->mask == b->mask && a->k == b->k && a->op == b->op && a->holds == b->holds;
}

static bool same_cmps(const struct meaning_rule *a, const struct meaning_rule *b)
{
	if (a->cmp_nr != b->cmp_nr)
		return false;
	for (size_t i = 0; i < a->cmp_nr; i++)
		if (a->cmp[i].arg != b->cmp[i].arg || !same_test(&a->cmp[i].test, &b->cmp[i].test))
			return false;
	return true;
}

/* What the filter says to arguments for which both hold. */
static uint32_t verdict_of(const struct lint *l, const char *name, const uint64_t *args,
			   struct seccomp_data *ret)
{
	const struct call *c = calls_find(l->view.arch[0].calls, name);

	*ret = (struct seccomp_data){.nr = c->nr, .arch = arch_audit(l->view.arch[0].arch)};
	for (size_t i = 0; i < MEANING_ARGS; i++)
		ret->args[i] = args[i];
	return cbpf_run(&sc_filter_info(l->profile->filter)->prog, ret, NULL);
}

static void disagree(struct lint *l, const struct use *a, const struct use *b, const uint64_t *args)
{
	char pointer[FINDING_POINTER_MAX], example[CONDITION_TEXT_MAX];
	char text_a[VERDICT_TEXT_MAX], text_b[VERDICT_TEXT_MAX], text_does[VERDICT_TEXT_MAX];
	struct seccomp_data d;
	uint32_t does;
	const struct use *loser, *winner;
	bool denial_lost;

	if (!calls_find(l->view.arch[0].calls, a->name))
		return; /* not a call of this machine */
	does = verdict_of(l, a->name, args, &d);
	loser = does == a->rule->verdict ? b : a;
	winner = loser == a ? b : a;
	denial_lost = access_of(does) > access_of(loser->rule->verdict);
	name_pointer(loser, pointer);
	finding_add(l, denial_lost ? SEVERITY_ERROR : SEVERITY_WARNING,
		    winner->rule->cmp_nr ? "contradiction" : "unreachable", pointer,
		    "%s is %s here and %s in line %u; the filter does %s",
		    example_text(a->name, &d, example), verdict_text(loser->rule->verdict, text_a),
		    verdict_text(winner->rule->verdict, text_b), line_of(l, winner->rule->index),
		    verdict_text(does, text_does));
}

static void check_pair(struct lint *l, const struct use *a, const struct use *b)
{
	uint64_t args[MEANING_ARGS] = {};
	char pointer[FINDING_POINTER_MAX];
	bool agree = a->rule->verdict == b->rule->verdict;

	name_pointer(b, pointer);
	if (agree && same_cmps(a->rule, b->rule))
		finding_add(l, SEVERITY_WARNING, "duplicate", pointer,
			    "\"%s\" is said already in line %u", b->name,
			    line_of(l, a->rule->index));
	else if (agree && (!a->rule->cmp_nr || !b->rule->cmp_nr))
		finding_add(l, SEVERITY_WARNING, "redundant", pointer,
			    "\"%s\" has the same action without comparisons in line %u", b->name,
			    line_of(l, a->rule->cmp_nr ? b->rule->index : a->rule->index));
	else if (!agree && meaning_overlap(a->rule, b->rule, args) > 0)
		disagree(l, a, b, args);
}

static int by_name(const void *a, const void *b)
{
	const struct use *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	if (r)
		return r;
	if (x->rule->index != y->rule->index)
		return x->rule->index < y->rule->index ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static size_t collect(const struct meaning *m, struct use *uses)
{
	size_t nr = 0;

	for (size_t r = 0; r < m->rules_nr; r++)
		for (size_t i = 0; i < meaning_names_nr(&m->rules[r]); i++)
			uses[nr++] = (struct use){meaning_name(&m->rules[r], i), &m->rules[r], i};
	qsort(uses, nr, sizeof(*uses), by_name);
	return nr;
}

static void check_group(struct lint *l, const struct use *uses, size_t nr)
{
	char pointer[FINDING_POINTER_MAX];

	if (nr > PAIRS_MAX) {
		name_pointer(&uses[PAIRS_MAX], pointer);
		finding_add(
			l, SEVERITY_WARNING, "not-compared", pointer,
			"\"%s\" is named %zu times, only the first %d are held against each other",
			uses->name, nr, PAIRS_MAX);
		nr = PAIRS_MAX;
	}
	for (size_t j = 1; j < nr; j++)
		for (size_t i = 0; i < j; i++)
			check_pair(l, &uses[i], &uses[j]);
}

/* Elements that depend on capabilities: what holds here was judged with --caps. */
static void check_conditions(struct lint *l)
{
	const json_t *v;
	size_t i;

	json_array_foreach (json_object_get(l->profile->doc, "syscalls"), i, v) {
		const char *const words[] = {"includes", "excludes"};

		for (size_t w = 0; w < ARRAY_SIZE(words); w++) {
			const json_t *caps = json_object_get(json_object_get(v, words[w]), "caps");
			char pointer[FINDING_POINTER_MAX];

			if (!json_array_size(caps))
				continue;
			(void)snprintf(pointer, sizeof(pointer), "/syscalls/%zu/%s/caps", i,
				       words[w]); /* fits */
			finding_add(l, SEVERITY_NOTE, "depends-on-capabilities", pointer,
				    "the element %s with %s%s", w ? "does not hold" : "holds only",
				    json_string_value(json_array_get(caps, 0)),
				    json_array_size(caps) > 1 ? " and others" : "");
		}
	}
}

void lint_rules(struct lint *l)
{
	const struct meaning *m = &l->meaning;
	const struct calls *calls = l->view.arch[0].calls;
	size_t nr = 0;

	for (size_t r = 0; r < m->rules_nr; r++)
		nr += meaning_names_nr(&m->rules[r]);
	cleanup_free struct use *uses = calloc(nr + 1, sizeof(*uses));

	if (!uses) {
		l->findings.lost++;
		return;
	}
	nr = collect(m, uses);
	for (size_t i = 0; i < nr; i++) {
		check_name(l, &uses[i], calls);
		check_int(l, &uses[i]);
	}
	for (size_t i = 0, end; i < nr; i = end) {
		for (end = i + 1; end < nr && !strcmp(uses[end].name, uses[i].name); end++)
			;
		check_group(l, uses + i, end - i);
	}
	for (size_t r = 0; r < m->rules_nr; r++) {
		check_rule(l, &m->rules[r]);
		check_default(l, &m->rules[r]);
	}
	check_conditions(l);
}
