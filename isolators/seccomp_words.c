// SPDX-License-Identifier: Apache-2.0
/* The words of seccomp profiles and what they mean to libseccomp and the kernel. */
#include <ctype.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "isolators/seccomp_reader.h"

#define ERRNO_MAX	4094 /* one below the kernel's MAX_ERRNO, as libseccomp wants it */
#define ERRNO_NAMES_END 256 /* beyond the last one that has a name */

struct word {
	struct row row;
	uint32_t value;
	bool takes_errno;
};

#define WORD(NAME, HELP, VALUE)                                                                    \
	{                                                                                          \
		{NAME, NULL, NULL, HELP}, VALUE, false                                             \
	}
#define WORD_ERRNO(NAME, HELP, VALUE)                                                              \
	{                                                                                          \
		{NAME, NULL, NULL, HELP}, VALUE, true                                              \
	}

static const struct word actions[] = {
	WORD("SCMP_ACT_ALLOW", "The call is made.", SCMP_ACT_ALLOW),
	WORD_ERRNO("SCMP_ACT_ERRNO", "The call fails with errnoRet, 1 (EPERM) without it.",
		   SCMP_ACT_ERRNO(0)),
	WORD("SCMP_ACT_KILL_PROCESS", "The process ends with SIGSYS.", SCMP_ACT_KILL_PROCESS),
	WORD("SCMP_ACT_KILL_THREAD", "The thread ends with SIGSYS.", SCMP_ACT_KILL_THREAD),
	WORD("SCMP_ACT_KILL", "As SCMP_ACT_KILL_THREAD.", SCMP_ACT_KILL_THREAD),
	WORD("SCMP_ACT_LOG", "The call is made and logged by the kernel.", SCMP_ACT_LOG),
	WORD("SCMP_ACT_TRAP", "The thread gets SIGSYS, which it may catch.", SCMP_ACT_TRAP),
	WORD_ERRNO("SCMP_ACT_TRACE", "A tracer is asked with errnoRet; ENOSYS without one.",
		   SCMP_ACT_TRACE(0)),
	WORD("SCMP_ACT_NOTIFY", "A supervisor answers the call; ENOSYS without one.",
	     SCMP_ACT_NOTIFY),
};

static const struct word ops[] = {
	WORD("SCMP_CMP_EQ", "argument == value", SCMP_CMP_EQ),
	WORD("SCMP_CMP_NE", "argument != value", SCMP_CMP_NE),
	WORD("SCMP_CMP_LT", "argument < value", SCMP_CMP_LT),
	WORD("SCMP_CMP_LE", "argument <= value", SCMP_CMP_LE),
	WORD("SCMP_CMP_GE", "argument >= value", SCMP_CMP_GE),
	WORD("SCMP_CMP_GT", "argument > value", SCMP_CMP_GT),
	WORD("SCMP_CMP_MASKED_EQ", "(argument & value) == valueTwo", SCMP_CMP_MASKED_EQ),
};

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* since 5.19 */
#endif

static const struct word flags[] = {
	WORD("SECCOMP_FILTER_FLAG_TSYNC", "To all threads; a container starts with one.",
	     SECCOMP_FILTER_FLAG_TSYNC),
	WORD("SECCOMP_FILTER_FLAG_LOG", "Every verdict but ALLOW is logged by the kernel.",
	     SECCOMP_FILTER_FLAG_LOG),
	WORD("SECCOMP_FILTER_FLAG_SPEC_ALLOW", "No mitigation of speculative store bypass.",
	     SECCOMP_FILTER_FLAG_SPEC_ALLOW),
	WORD("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "Only together with a listener.",
	     SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV),
};

/* The specification's architectures; which of them the library knows is asked at run time. */
static const struct row arches[] = {
	{"SCMP_ARCH_X86_64"},	{"SCMP_ARCH_X86"},	   {"SCMP_ARCH_X32"},
	{"SCMP_ARCH_AARCH64"},	{"SCMP_ARCH_ARM"},	   {"SCMP_ARCH_RISCV64"},
	{"SCMP_ARCH_PPC64LE"},	{"SCMP_ARCH_PPC64"},	   {"SCMP_ARCH_PPC"},
	{"SCMP_ARCH_S390X"},	{"SCMP_ARCH_S390"},	   {"SCMP_ARCH_MIPS"},
	{"SCMP_ARCH_MIPS64"},	{"SCMP_ARCH_MIPS64N32"},   {"SCMP_ARCH_MIPSEL"},
	{"SCMP_ARCH_MIPSEL64"}, {"SCMP_ARCH_MIPSEL64N32"}, {"SCMP_ARCH_PARISC"},
	{"SCMP_ARCH_PARISC64"}, {"SCMP_ARCH_LOONGARCH64"}, {"SCMP_ARCH_M68K"},
	{"SCMP_ARCH_SH"},	{"SCMP_ARCH_SHEB"},
};

/* What a kernel of one architecture executes beside its own, and Docker's name for it. */
static const struct machine {
	uint32_t native;
	const char *docker;
	uint32_t compat[2]; /* SCMP_ARCH_*, 0 ends */
} machines[] = {
	{SCMP_ARCH_X86_64, "amd64", {SCMP_ARCH_X86, SCMP_ARCH_X32}},
	{SCMP_ARCH_X86, "x86", {0}},
	{SCMP_ARCH_AARCH64, "arm64", {SCMP_ARCH_ARM}},
	{SCMP_ARCH_ARM, "arm", {0}},
	{SCMP_ARCH_PPC64LE, "ppc64le", {0}},
	{SCMP_ARCH_S390X, "s390x", {SCMP_ARCH_S390}},
	{SCMP_ARCH_RISCV64, "riscv64", {0}},
};

static int bad_word(struct sc_reader *r, struct rows words, const char *s)
{
	char shown[SC_SHOWN_MAX], hint[320];

	return sc_bad(r, "\"%s\" is unknown, %s", sc_shown(s, shown),
		      rows_hint(&words, s, hint, sizeof(hint)));
}

static int find(struct sc_reader *r, struct rows words, const json_t *v, const struct row **ret)
{
	const char *s = sc_string(r, v);
	const struct row *w;

	if (!s)
		return -EINVAL;
	w = rows_find(&words, s);
	if (!w)
		return bad_word(r, words, s);
	*ret = w;
	return 0;
}

static int find_word(struct sc_reader *r, struct rows words, const json_t *v,
		     const struct word **ret)
{
	return find(r, words, v, (const struct row **)ret); /* the row is the first member */
}

int sc_action(struct sc_reader *r, const json_t *v, uint32_t *ret, bool *ret_takes)
{
	const struct word *w = NULL;
	int err;

	err = find_word(r, ROWS(actions), v, &w);
	if (err)
		return err;
	*ret = w->value;
	*ret_takes = w->takes_errno;
	return 0;
}

int sc_errno(struct sc_reader *r, const json_t *v, uint16_t *ret)
{
	const char *s = sc_string(r, v);
	char shown[SC_SHOWN_MAX];

	if (!s)
		return -EINVAL;
	for (int e = 1; e < ERRNO_NAMES_END; e++) {
		const char *name = strerrorname_np(e);

		if (name && !strcmp(name, s)) {
			*ret = (uint16_t)e;
			return 0;
		}
	}
	return sc_bad(r, "\"%s\" is unknown, allowed are the names of errno(3)",
		      sc_shown(s, shown));
}

int sc_verdict_errno(struct sc_reader *r, const json_t *v, bool name, struct sc_verdict *d)
{
	uint64_t n = 0;
	uint16_t e = 0;
	int err = name ? sc_errno(r, v, &e) : sc_number(r, v, ERRNO_MAX, &n);

	if (err)
		return err;
	e = name ? e : (uint16_t)n;
	if (d->has_errno && d->err != e)
		return sc_bad(r, "%u contradicts the other errno given here, %u", e, d->err);
	d->has_errno = true;
	d->err = e;
	return 0;
}

int sc_verdict_finish(struct sc_reader *r, const struct sc_verdict *d, const char *key,
		      uint32_t *ret)
{
	if (d->has_errno && !d->takes_errno)
		return sc_bad(r,
			      "\"%s\" is given, but the action takes none, only SCMP_ACT_ERRNO "
			      "and SCMP_ACT_TRACE do",
			      key);
	*ret = d->takes_errno ? d->action | (d->has_errno ? d->err : EPERM) : d->action;
	return 0;
}

int sc_op(struct sc_reader *r, const json_t *v, enum scmp_compare *ret)
{
	const struct word *w = NULL;
	int err = find_word(r, ROWS(ops), v, &w);

	if (!err)
		*ret = (enum scmp_compare)w->value;
	return err;
}

int sc_flag(struct sc_reader *r, const json_t *v, unsigned int *ret)
{
	const struct word *w = NULL;
	int err = find_word(r, ROWS(flags), v, &w);

	if (err)
		return err;
	r->p->listener |= w->value == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	*ret = w->value;
	return 0;
}

static const struct machine *this_machine(void)
{
	uint32_t native = seccomp_arch_native();

	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		if (machines[i].native == native)
			return &machines[i];
	return NULL;
}

/* "SCMP_ARCH_X86_64" -> the library's token; 0: this version of it does not know it */
static uint32_t arch_token(const char *name)
{
	char lower[32];
	size_t i;

	name += strlen("SCMP_ARCH_");
	for (i = 0; i < sizeof(lower) - 1 && name[i]; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	lower[i] = '\0';
	return seccomp_arch_resolve_name(lower);
}

int sc_arch(struct sc_reader *r, const json_t *v, uint32_t *ret)
{
	const struct machine *m = this_machine();
	const struct row *w = NULL;
	int err = find(r, ROWS(arches), v, &w);
	uint32_t token;

	if (err)
		return err;
	token = arch_token(w->name);
	if (token && token != seccomp_arch_native() &&
	    (!m || (token != m->compat[0] && token != m->compat[1])))
		token = 0;
	*ret = token;
	return 0;
}

bool sc_arch_docker(const char *name)
{
	const struct machine *m = this_machine();

	return m && !strcmp(m->docker, name);
}
