// SPDX-License-Identifier: Apache-2.0
/* What the compiled filter does, as far as nobody may have meant it. */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/dcosaudit/argclass.h"
#include "tools/dcosaudit/findings.h"
#include "tools/dcosaudit/risks.h"

#define ALLOW_ALL_PCT 95 /* of all calls; a denying default denies nothing then */
#define NEWER_SHOWN   8 /* names in a message */
#define PAIRS_MAX     500000 /* of ways through the filter for one call, held against each other */

/* ---- the text against the filter ---- */

static void tell_difference(struct lint *l, const struct difference *d)
{
	char pointer[FINDING_POINTER_MAX] = "/defaultAction", example[CONDITION_TEXT_MAX];
	char says[VERDICT_TEXT_MAX], does[VERDICT_TEXT_MAX];

	if (d->element != MEANING_NONE)
		(void)snprintf(pointer, sizeof(pointer), "/syscalls/%zu", d->element); /* fits */
	/* check_name() tells of names that the library does not know */
	if (d->cause == DIFFERENCE_UNKNOWN_NAME)
		return;
	finding_add(l, SEVERITY_ERROR, "disagreement", pointer,
		    "the text says %s to %s of %s, the compiled filter does %s",
		    verdict_text(d->says, says), example_text(d->name, &d->example, example),
		    arch_name(d->arch), verdict_text(d->does, does));
}

static void check_differences(struct lint *l)
{
	struct differences d;

	if (compare(&l->view, &l->meaning, &d) < 0) {
		l->findings.lost++;
		return;
	}
	for (size_t i = 0; i < d.nr; i++)
		tell_difference(l, &d.list[i]);
	free(d.list);
}

/* ---- bits that the kernel does not look at ---- */

/* All comparisons of a way but those of one word. */
static size_t without_word(const struct paths *p, const struct path *path, unsigned int word,
			   struct path_test ret[static PATH_TESTS_MAX])
{
	size_t nr = 0;

	for (size_t i = 0; i < path->tests_nr; i++)
		if (p->tests[path->tests + i].word != word)
			ret[nr++] = p->tests[path->tests + i];
	return nr;
}

/*
 * An allowed way with the high word not 0 that meets a denied one in all other words.
 * @left: pairs that may still be looked at
 */
static bool bypass_of(const struct paths *p, const struct path *allowed, unsigned int high,
		      size_t *left, struct seccomp_data *ret_denied,
		      struct seccomp_data *ret_allowed)
{
	const struct path_test not_zero = {high, {UINT32_MAX, 0, BITS_EQ, false}};
	const struct path_test zero = {high, {UINT32_MAX, 0, BITS_EQ, true}};
	struct path_test others[PATH_TESTS_MAX + 1];
	struct seccomp_data with_high;

	if (path_meet(p, allowed, &not_zero, 1, &with_high) <= 0)
		return false;
	for (size_t i = 0; i < p->nr && *left; i++, (*left)--) {
		const struct path *denied = &p->path[i];
		struct seccomp_data d;
		size_t nr;

		if (access_of(denied->verdict) >= access_of(allowed->verdict))
			continue;
		nr = without_word(p, allowed, high, others);
		others[nr++] = zero;
		if (nr > PATH_TESTS_MAX || path_meet(p, denied, others, nr, &d) <= 0)
			continue;
		*ret_denied = d;
		*ret_allowed = d;
		cbpf_set_word(ret_allowed, high, cbpf_get_word(&with_high, high));
		return true;
	}
	return false;
}

int high_bits_bypass(const struct call_view *c, struct seccomp_data *ret_denied,
		     struct seccomp_data *ret_allowed, unsigned int *ret_arg)
{
	size_t left = PAIRS_MAX;

	for (unsigned int arg = 0; arg < CBPF_ARGS; arg++) {
		if (!arg_is_int(c->name, arg))
			continue;
		for (size_t i = 0; i < c->paths.nr; i++)
			if (access_of(c->paths.path[i].verdict) > ACCESS_DENIED &&
			    bypass_of(&c->paths, &c->paths.path[i], CBPF_ARG(arg) + !CBPF_BIG_END,
				      &left, ret_denied, ret_allowed)) {
				*ret_arg = arg;
				return 1;
			}
	}
	return left ? 0 : -E2BIG;
}

/* The first element that compares this argument of the call. */
static void element_of(const struct lint *l, const char *name, unsigned int arg,
		       char buf[static FINDING_POINTER_MAX])
{
	(void)snprintf(buf, FINDING_POINTER_MAX, "/defaultAction");
	for (size_t r = 0; r < l->meaning.rules_nr; r++) {
		const struct meaning_rule *rule = &l->meaning.rules[r];

		for (size_t i = 0; i < rule->cmp_nr; i++)
			if (rule->cmp[i].arg == arg && meaning_has(rule, name)) {
				(void)snprintf(buf, FINDING_POINTER_MAX, "/syscalls/%zu/args/%zu",
					       rule->index, i); /* fits */
				return;
			}
	}
}

static void check_high_bits(struct lint *l, size_t *ret_left_out)
{
	const struct arch_view *own = &l->view.arch[0];

	for (size_t i = 0; i < own->calls->nr; i++) {
		char pointer[FINDING_POINTER_MAX], denied[CONDITION_TEXT_MAX],
			allowed[CONDITION_TEXT_MAX];
		const struct call_view *c = &own->call[i];
		struct seccomp_data d, a;
		unsigned int arg;
		int r;

		if (c->least == c->most)
			continue;
		r = high_bits_bypass(c, &d, &a, &arg);
		*ret_left_out += r < 0;
		if (r <= 0)
			continue;
		element_of(l, c->name, arg, pointer);
		finding_add(
			l, SEVERITY_ERROR, "high-bits", pointer,
			"%s is denied but %s is allowed, and the kernel takes them for the same: "
			"argument %u is an int; compare its low 32 bits with SCMP_CMP_MASKED_EQ",
			example_text(c->name, &d, denied), example_text(c->name, &a, allowed), arg);
	}
}

/* ---- other numberings ---- */

/* What a call of a 32-bit numbering can do that another name does in the machine's own. */
static const struct {
	const char *own, *other;
} equals[] = {
	{"umount2", "umount"},
	{"settimeofday", "stime"},
	{"clock_settime", "stime"},
	{"clock_settime", "clock_settime64"},
	{"socket", "socketcall"},
	{"connect", "socketcall"},
	{"bind", "socketcall"},
	{"shmat", "ipc"},
	{"shmget", "ipc"},
	{"msgget", "ipc"},
	{"semget", "ipc"},
	{"setuid", "setuid32"},
	{"setresuid", "setresuid32"},
	{"setgroups", "setgroups32"},
	{"chown", "chown32"},
	{"fcntl", "fcntl64"},
	{"adjtimex", "clock_adjtime64"},
};

/* Where numberings are listed: the OCI key, Docker's, or nowhere. */
static const char *arches_pointer(const struct lint *l)
{
	return json_object_get(l->profile->doc, "archMap") ? "/archMap" : "/architectures";
}

static void check_equals(struct lint *l, const struct arch_view *other)
{
	for (size_t i = 0; i < ARRAY_SIZE(equals); i++) {
		const struct call_view *a = view_call(&l->view.arch[0], equals[i].own);
		const struct call_view *b = view_call(other, equals[i].other);

		if (!a || !b || a->most > ACCESS_DENIED || b->most == ACCESS_DENIED)
			continue;
		finding_add(
			l, SEVERITY_ERROR, "numbering-bypass", arches_pointer(l),
			"%s is denied, but 32-bit programs get the same by %s, which is allowed",
			a->name, b->name);
	}
}

static bool let_in(const struct arch_view *a)
{
	return a->allowed || a->some || access_of(a->unknown) > ACCESS_DENIED;
}

static bool is_listed(const struct lint *l, uint32_t arch)
{
	for (size_t i = 0; i < l->profile->parsed.arches_nr; i++)
		if (l->profile->parsed.arches[i] == arch)
			return true;
	return false;
}

static void check_numbering(struct lint *l, const struct arch_view *a)
{
	char text[VERDICT_TEXT_MAX];

	if (!is_listed(l, a->arch) && let_in(a))
		finding_add(l, SEVERITY_ERROR, "numbering-open", arches_pointer(l),
			    "%s is not listed, and the filter lets %zu of its calls pass: every "
			    "denial can be avoided by its numbers",
			    arch_name(a->arch), a->allowed + a->some);
	else if (!is_listed(l, a->arch))
		finding_add(l, SEVERITY_NOTE, "numbering-closed", arches_pointer(l),
			    "%s is not listed: its calls end in %s", arch_name(a->arch),
			    verdict_text(a->unknown, text));
	else
		finding_add(l, SEVERITY_NOTE, "numbering-listed", arches_pointer(l),
			    "%s is let in with %zu calls: more of the kernel can be reached",
			    arch_name(a->arch), a->allowed + a->some);
	check_equals(l, a);
}

/* A profile that lists only other machines' architectures was hardly written for this one. */
static void check_foreign(struct lint *l)
{
	const char *foreign = profile_foreign(l->profile);

	if (foreign)
		finding_add(
			l, SEVERITY_WARNING, "other-machine", arches_pointer(l),
			"%s and no architecture of this machine is listed; what is said here is "
			"of %s, which is always let in",
			foreign, arch_name(seccomp_arch_native()));
}

static void check_socketcall(struct lint *l)
{
	if (sc_filter_info(l->profile->filter)->socketcall_hole)
		finding_add(
			l, SEVERITY_ERROR, "numbering-bypass", arches_pointer(l),
			"32-bit programs avoid the comparisons for sockets by socketcall, whose "
			"arguments are behind a pointer");
}

/* ---- the default ---- */

/* The newest kernel that a named call came with. */
static const char *horizon(const struct lint *l)
{
	const char *newest = NULL;

	for (size_t r = 0; r < l->meaning.rules_nr; r++)
		for (size_t i = 0; i < meaning_names_nr(&l->meaning.rules[r]); i++) {
			const char *s = call_since(meaning_name(&l->meaning.rules[r], i));

			if (s && (!newest || kernel_compare(s, newest) > 0))
				newest = s;
		}
	return newest;
}

static bool named(const struct lint *l, const char *name)
{
	for (size_t r = 0; r < l->meaning.rules_nr; r++)
		if (meaning_has(&l->meaning.rules[r], name))
			return true;
	return false;
}

static void check_newer(struct lint *l)
{
	const struct arch_view *own = &l->view.arch[0];
	bool allows = access_of(l->meaning.default_verdict) == ACCESS_ALLOWED;
	char names[FINDING_TEXT_MAX / 2] = "", verdict[VERDICT_TEXT_MAX];
	const char *newest = horizon(l);
	size_t nr = 0, len = 0;

	for (size_t i = 0; i < own->calls->nr; i++) {
		const char *name = own->calls->call[i].name, *since = call_since(name);

		if (!since || (newest && kernel_compare(since, newest) <= 0) || named(l, name))
			continue;
		if (nr++ < NEWER_SHOWN && len < sizeof(names))
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
						nr > 1 ? ", " : "", name);
	}
	if (nr)
		finding_add(
			l, allows ? SEVERITY_WARNING : SEVERITY_NOTE, "newer-syscalls",
			"/defaultAction",
			"the newest call named here is of Linux %s; the default, %s, decides %zu "
			"newer ones: %s%s",
			newest ? newest : "2.6", verdict_text(l->meaning.default_verdict, verdict),
			nr, names, nr > NEWER_SHOWN ? " ..." : "");
}

static void check_default_action(struct lint *l)
{
	uint32_t v = l->meaning.default_verdict;

	if (access_of(v) == ACCESS_ALLOWED)
		finding_add(l, SEVERITY_WARNING, "default-allows", "/defaultAction",
			    "what no element names is allowed, also every call that a later kernel "
			    "brings");
	else if ((v & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO &&
		 (v & SECCOMP_RET_DATA) != ENOSYS)
		finding_add(
			l, SEVERITY_NOTE, "default-errno", "/defaultAction",
			"programs take this errno of a call that is new for final; after ENOSYS "
			"the C library uses an older call");
}

static void check_allow_all(struct lint *l)
{
	const struct arch_view *own = &l->view.arch[0];
	const struct meaning_rule *largest = NULL;
	char pointer[FINDING_POINTER_MAX] = "/syscalls";

	if (access_of(l->meaning.default_verdict) == ACCESS_ALLOWED ||
	    own->allowed * 100 < own->calls->nr * ALLOW_ALL_PCT)
		return;
	for (size_t r = 0; r < l->meaning.rules_nr; r++) {
		const struct meaning_rule *rule = &l->meaning.rules[r];

		if (access_of(rule->verdict) == ACCESS_ALLOWED &&
		    (!largest || meaning_names_nr(rule) > meaning_names_nr(largest)))
			largest = rule;
	}
	if (largest)
		(void)snprintf(pointer, sizeof(pointer), "/syscalls/%zu",
			       largest->index); /* fits */
	finding_add(l, SEVERITY_ERROR, "allow-all", pointer,
		    "the default denies, but %zu of %zu calls are allowed whatever their arguments",
		    own->allowed, own->calls->nr);
}

/* ---- what a program can't do without ---- */

static void check_start(struct lint *l)
{
	static const char *const needed[] = {"execve", "exit_group", "rt_sigreturn"};
	char verdict[VERDICT_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		const struct call_view *c = view_call(&l->view.arch[0], needed[i]);

		if (c && c->most == ACCESS_DENIED)
			finding_add(l, SEVERITY_WARNING, "cannot-run", "/syscalls",
				    "%s is %s: no program %s under this filter", c->name,
				    verdict_text(c->verdict, verdict),
				    i ? "ends or handles signals" : "can be started");
	}
}

static void check_flags(struct lint *l)
{
	if (l->profile->parsed.flags & SECCOMP_FILTER_FLAG_SPEC_ALLOW)
		finding_add(l, SEVERITY_WARNING, "spec-allow", "/flags",
			    "SPEC_ALLOW turns off the mitigation of speculative store bypass");
}

void lint_filter(struct lint *l)
{
	size_t left_out = 0;

	check_differences(l);
	check_high_bits(l, &left_out);
	for (size_t i = 1; i < l->view.nr; i++)
		check_numbering(l, &l->view.arch[i]);
	check_socketcall(l);
	check_foreign(l);
	check_default_action(l);
	check_newer(l);
	check_allow_all(l);
	check_start(l);
	check_flags(l);
	for (size_t i = 0; i < l->view.nr; i++)
		left_out += l->view.arch[i].left_out;
	if (left_out)
		finding_add(l, SEVERITY_WARNING, "not-followed", "/syscalls",
			    "%zu ways through the filter were too many to follow: what is said of "
			    "arguments may be incomplete",
			    left_out);
}
