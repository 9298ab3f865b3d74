// SPDX-License-Identifier: Apache-2.0
/*
 * The text of a profile, read a second time, see meaning.h. It relies on nothing but jansson and
 * libcap's names; what the first reader accepted and this one does not is told, not guessed.
 * Source: runtime-spec config-linux.md, "Seccomp"; Docker's profile format.
 */
#include "tools/dcosaudit/meaning.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/utsname.h>

#include "agent/lib/cleanup.h"

#define ERRNO_END 4096 /* beyond the kernel's */

static const struct {
	const char *name;
	uint32_t verdict;
	bool data;
} actions[] = {
	{"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, false},
	{"SCMP_ACT_LOG", SECCOMP_RET_LOG, false},
	{"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, true},
	{"SCMP_ACT_TRACE", SECCOMP_RET_TRACE, true},
	{"SCMP_ACT_TRAP", SECCOMP_RET_TRAP, false},
	{"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD, false},
	{"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, false},
	{"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, false},
	{"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF, false},
};

static uint32_t errno_of(const json_t *number, const json_t *name)
{
	for (int e = 1; json_is_string(name) && e < ERRNO_END; e++) {
		const char *known = strerrorname_np(e);

		if (known && !strcmp(known, json_string_value(name)))
			return (uint32_t)e;
	}
	return json_is_integer(number) ? (uint32_t)json_integer_value(number) : EPERM;
}

static int read_verdict(const json_t *action, const json_t *number, const json_t *name,
			uint32_t *ret)
{
	const char *text = json_string_value(action);

	for (size_t i = 0; text && i < ARRAY_SIZE(actions); i++)
		if (!strcmp(actions[i].name, text)) {
			*ret = actions[i].verdict | (actions[i].data ? errno_of(number, name) : 0);
			return 0;
		}
	return -EINVAL;
}

static int read_cmp(const json_t *v, struct meaning_cmp *ret)
{
	uint64_t value = (uint64_t)json_integer_value(json_object_get(v, "value"));
	uint64_t two = (uint64_t)json_integer_value(json_object_get(v, "valueTwo"));
	json_int_t index = json_integer_value(json_object_get(v, "index"));
	const char *op = json_string_value(json_object_get(v, "op"));
	const struct {
		const char *name;
		struct bits_test test;
	} ops[] = {
		{"SCMP_CMP_EQ", {UINT64_MAX, value, BITS_EQ, true}},
		{"SCMP_CMP_NE", {UINT64_MAX, value, BITS_EQ, false}},
		{"SCMP_CMP_LT", {UINT64_MAX, value, BITS_GE, false}},
		{"SCMP_CMP_LE", {UINT64_MAX, value, BITS_GT, false}},
		{"SCMP_CMP_GE", {UINT64_MAX, value, BITS_GE, true}},
		{"SCMP_CMP_GT", {UINT64_MAX, value, BITS_GT, true}},
		{"SCMP_CMP_MASKED_EQ", {value, two, BITS_EQ, true}},
	};

	if (index < 0 || index >= MEANING_ARGS)
		return -EINVAL;
	for (size_t i = 0; op && i < ARRAY_SIZE(ops); i++)
		if (!strcmp(ops[i].name, op)) {
			*ret = (struct meaning_cmp){(unsigned int)index, ops[i].test};
			return 0;
		}
	return -EINVAL;
}

static bool caps_held(const json_t *caps, uint64_t held, bool want)
{
	const json_t *v;
	size_t i;

	json_array_foreach (caps, i, v) {
		cap_value_t cap;
		bool has = json_is_string(v) && cap_from_name(json_string_value(v), &cap) == 0 &&
			   (held >> cap & 1);

		if (has != want)
			return false;
	}
	return true;
}

/* Docker's names, which are those of the Go language. */
static const char *machine_name(void)
{
	switch (seccomp_arch_native()) {
	case SCMP_ARCH_X86_64:
		return "amd64";
	case SCMP_ARCH_X86:
		return "x86";
	case SCMP_ARCH_AARCH64:
		return "arm64";
	case SCMP_ARCH_ARM:
		return "arm";
	case SCMP_ARCH_PPC64LE:
		return "ppc64le";
	case SCMP_ARCH_S390X:
		return "s390x";
	case SCMP_ARCH_RISCV64:
		return "riscv64";
	default:
		return "";
	}
}

static bool arch_listed(const json_t *arches)
{
	const json_t *v;
	size_t i;

	json_array_foreach (arches, i, v)
		if (json_is_string(v) && !strcmp(json_string_value(v), machine_name()))
			return true;
	return false;
}

static bool kernel_at_least(const char *want)
{
	unsigned int need[2] = {0, 0}, have[2] = {0, 0};
	struct utsname u;

	if (uname(&u) < 0 || sscanf(want, "%u.%u", &need[0], &need[1]) != 2 ||
	    sscanf(u.release, "%u.%u", &have[0], &have[1]) != 2)
		return false;
	return have[0] > need[0] || (have[0] == need[0] && have[1] >= need[1]);
}

static bool condition_holds(const json_t *c, uint64_t caps, bool include)
{
	const json_t *arches = json_object_get(c, "arches");
	const char *kernel = json_string_value(json_object_get(c, "minKernel"));

	if (!caps_held(json_object_get(c, "caps"), caps, include))
		return false;
	if (json_array_size(arches) && arch_listed(arches) != include)
		return false;
	return !kernel || kernel_at_least(kernel) == include;
}

static int read_rule(const json_t *v, size_t index, struct meaning_rule *ret)
{
	const json_t *names = json_object_get(v, "names"), *name = json_object_get(v, "name");
	const json_t *args = json_object_get(v, "args");
	struct meaning_rule r = {.index = index, .names = json_is_array(names) ? names : name};
	size_t i;
	const json_t *arg;
	int err = read_verdict(json_object_get(v, "action"), json_object_get(v, "errnoRet"),
			       json_object_get(v, "errno"), &r.verdict);

	if (err || (!json_is_array(r.names) && !json_is_string(r.names)))
		return -EINVAL;
	if (json_array_size(args)) {
		r.cmp = calloc(json_array_size(args), sizeof(*r.cmp));
		if (!r.cmp)
			return -ENOMEM;
	}
	json_array_foreach (args, i, arg)
		err = err ? err : read_cmp(arg, &r.cmp[r.cmp_nr++]);
	if (err) {
		free(r.cmp);
		return err;
	}
	*ret = r;
	return 0;
}

static int read_rules(const json_t *list, uint64_t caps, struct meaning *m)
{
	const json_t *v;
	int err = 0;
	size_t i;

	m->rules = calloc(json_array_size(list) + 1, sizeof(*m->rules));
	if (!m->rules)
		return -ENOMEM;
	json_array_foreach (list, i, v) {
		if (err || json_is_null(v) ||
		    !condition_holds(json_object_get(v, "includes"), caps, true) ||
		    !condition_holds(json_object_get(v, "excludes"), caps, false))
			continue;
		err = read_rule(v, i, &m->rules[m->rules_nr]);
		m->rules_nr += !err;
	}
	return err;
}

int meaning_new(const json_t *doc, uint64_t caps, struct meaning *ret)
{
	struct meaning m = {};
	int err = read_verdict(json_object_get(doc, "defaultAction"),
			       json_object_get(doc, "defaultErrnoRet"),
			       json_object_get(doc, "defaultErrno"), &m.default_verdict);

	if (!err)
		err = read_rules(json_object_get(doc, "syscalls"), caps, &m);
	if (err) {
		meaning_free(&m);
		return err;
	}
	*ret = m;
	return 0;
}

void meaning_free(struct meaning *m)
{
	for (size_t i = 0; i < m->rules_nr; i++)
		free(m->rules[i].cmp);
	free(m->rules);
	*m = (struct meaning){};
}

size_t meaning_names_nr(const struct meaning_rule *r)
{
	return json_is_string(r->names) ? 1 : json_array_size(r->names);
}

const char *meaning_name(const struct meaning_rule *r, size_t i)
{
	return json_string_value(json_is_string(r->names) ? r->names : json_array_get(r->names, i));
}

bool meaning_has(const struct meaning_rule *r, const char *name)
{
	for (size_t i = 0; i < meaning_names_nr(r); i++)
		if (!strcmp(meaning_name(r, i), name))
			return true;
	return false;
}

static bool compares_twice(const struct meaning_rule *r)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < r->cmp_nr; i++) {
		if (seen & 1U << r->cmp[i].arg)
			return true;
		seen |= 1U << r->cmp[i].arg;
	}
	return false;
}

bool meaning_holds(const struct meaning_rule *r, const uint64_t args[static MEANING_ARGS])
{
	bool any = compares_twice(r);

	for (size_t i = 0; i < r->cmp_nr; i++)
		if (bits_true(&r->cmp[i].test, args[r->cmp[i].arg]) == any)
			return any;
	return !any;
}

size_t meaning_pick(const struct meaning *m, const char *name, const struct meaning_rule **ret)
{
	size_t nr = 0;

	for (size_t i = 0; i < m->rules_nr; i++)
		if (meaning_has(&m->rules[i], name))
			ret[nr++] = &m->rules[i];
	return nr;
}

struct meaning_answer meaning_of(const struct meaning *m, const struct meaning_rule *const *picked,
				 size_t nr, const uint64_t args[static MEANING_ARGS])
{
	struct meaning_answer a = {m->default_verdict, MEANING_NONE, MEANING_NONE};

	for (size_t i = 0; i < nr; i++) {
		const struct meaning_rule *r = picked[i];

		if (!meaning_holds(r, args))
			continue;
		if (a.element == MEANING_NONE) {
			a.element = r->index;
			a.verdict = r->verdict;
		} else if (r->verdict != a.verdict && a.against == MEANING_NONE) {
			a.against = r->index;
		}
	}
	return a;
}

/* One comparison of an any-of element, or all of another: enough to try one after the other. */
static int meet(const struct meaning_cmp *a, size_t a_nr, const struct meaning_cmp *b, size_t b_nr,
		uint64_t ret[static MEANING_ARGS])
{
	uint64_t args[MEANING_ARGS] = {};

	for (unsigned int arg = 0; arg < MEANING_ARGS; arg++) {
		struct bits_test tests[2 * MEANING_ARGS];
		size_t nr = 0;
		int r;

		for (size_t i = 0; i < a_nr; i++)
			if (a[i].arg == arg)
				tests[nr++] = a[i].test;
		for (size_t i = 0; i < b_nr; i++)
			if (b[i].arg == arg)
				tests[nr++] = b[i].test;
		r = bits_solve(tests, nr, 64, &args[arg]);
		if (r <= 0)
			return r;
	}
	memcpy(ret, args, sizeof(args));
	return 1;
}

int meaning_overlap(const struct meaning_rule *a, const struct meaning_rule *b,
		    uint64_t ret[static MEANING_ARGS])
{
	/* an all-of element compares each argument once: at most MEANING_ARGS comparisons */
	bool any_a = compares_twice(a), any_b = compares_twice(b);
	size_t step_a = any_a ? 1 : a->cmp_nr, step_b = any_b ? 1 : b->cmp_nr;

	for (size_t i = 0; i == 0 || (any_a && i < a->cmp_nr); i++)
		for (size_t j = 0; j == 0 || (any_b && j < b->cmp_nr); j++) {
			/* without comparisons there is nothing to point into */
			const struct meaning_cmp *first_a = any_a ? &a->cmp[i] : a->cmp;
			const struct meaning_cmp *first_b = any_b ? &b->cmp[j] : b->cmp;
			int r = meet(first_a, step_a, first_b, step_b, ret);

			if (r)
				return r;
		}
	return 0;
}
