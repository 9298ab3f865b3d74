// SPDX-License-Identifier: Apache-2.0
/* Each code of lint: a profile that has it, and where it is found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"
#include "tools/dcosaudit/findings.h"

#define DENY   "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,\"syscalls\":[\n"
#define ALLOWS "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[\n"
#define RUNS                                                                                       \
	"{\"names\":[\"execve\",\"exit_group\",\"rt_sigreturn\"],\"action\":\"SCMP_ACT_ALLOW\"}"
#define END "]}"

struct linted {
	struct profile profile;
	struct lint lint;
};

static void lint_text(const char *text, struct linted *l)
{
	struct why why = {};

	*l = (struct linted){};
	l->lint.profile = &l->profile;
	l->profile.name = strdup("p");
	l->profile.text = strdup(text);
	l->profile.len = strlen(text);
	ASSERT_EQ(profile_parse(&l->profile, &why), 0);
	lint_schema(&l->lint);
	if (!l->lint.findings.count[SEVERITY_ERROR]) {
		ASSERT_EQ(profile_compile(&l->profile, 0, &why), 0);
		ASSERT_EQ(meaning_new(l->profile.doc, 0, &l->lint.meaning), 0);
		ASSERT_EQ(view_new(&l->profile, &l->lint.view, &why), 0);
		lint_rules(&l->lint);
		lint_filter(&l->lint);
	}
	findings_sort(&l->lint.findings);
}

static void linted_free(struct linted *l)
{
	view_free(&l->lint.view);
	meaning_free(&l->lint.meaning);
	free(l->lint.findings.list);
	profile_free(&l->profile);
}

static const struct finding *find(const struct linted *l, const char *code)
{
	for (size_t i = 0; i < l->lint.findings.nr; i++)
		if (!strcmp(l->lint.findings.list[i].code, code))
			return &l->lint.findings.list[i];
	return NULL;
}

struct row {
	const char *code;
	enum severity severity;
	unsigned int line, column;
	const char *text; /* of the profile */
	const char *says; /* part of the finding */
};

static void expect_row(const struct row *r)
{
	struct linted l;
	const struct finding *f;

	lint_text(r->text, &l);
	f = find(&l, r->code);
	if (!f) {
		test_fail(__FILE__, __LINE__, "%s is not found in %s", r->code, r->text);
	} else {
		if (f->severity != r->severity || f->at.line != r->line ||
		    f->at.column != r->column)
			test_fail(__FILE__, __LINE__, "%s: %s at %u:%u, not %s at %u:%u: %s",
				  r->code, severity_name(f->severity), f->at.line, f->at.column,
				  severity_name(r->severity), r->line, r->column, f->text);
		if (!strstr(f->text, r->says))
			test_fail(__FILE__, __LINE__, "%s: \"%s\" is not in \"%s\"", r->code,
				  r->says, f->text);
	}
	linted_free(&l);
}

static const struct row elements[] = {
	{"unknown-syscall", SEVERITY_WARNING, 2, 11,
	 DENY "{\"names\":[\"opnat\"],\"action\":\"SCMP_ACT_ALLOW\"}" END,
	 "the nearest is \"openat\""},
	{"unknown-syscall", SEVERITY_ERROR, 2, 18,
	 ALLOWS "{\"names\":[\"bpf\", \"ptracee\"],\"action\":\"SCMP_ACT_ERRNO\"}" END,
	 "the nearest is \"ptrace\""},
	{"duplicate", SEVERITY_WARNING, 2, 26,
	 DENY "{\"names\":[\"read\",\"write\",\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}" END,
	 "in line 2"},
	{"redundant", SEVERITY_WARNING, 3, 11,
	 DENY
	 "{\"names\":[\"dup\"],\"action\":\"SCMP_ACT_ALLOW\"},\n"
	 "{\"names\":[\"dup\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":3,"
	 "\"op\":\"SCMP_CMP_EQ\"}]}" END,
	 "without comparisons in line 2"},
	{"unreachable", SEVERITY_ERROR, 3, 11,
	 DENY
	 "{\"names\":[\"bpf\"],\"action\":\"SCMP_ACT_ALLOW\"},\n"
	 "{\"names\":[\"bpf\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"value\":5,"
	 "\"op\":\"SCMP_CMP_EQ\"}]}" END,
	 "bpf(5) is ERRNO(EPERM) here and ALLOW in line 2; the filter does ALLOW"},
	{"contradiction", SEVERITY_WARNING, 2, 11,
	 ALLOWS
	 "{\"names\":[\"dup2\"],\"action\":\"SCMP_ACT_LOG\",\"args\":[{\"index\":0,\"value\":7,"
	 "\"op\":\"SCMP_CMP_EQ\"}]},\n"
	 "{\"names\":[\"dup2\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":1,\"value\":"
	 "9,\"op\":\"SCMP_CMP_EQ\"}]}" END,
	 "dup2(7, 9)"},
	{"never-matches", SEVERITY_ERROR, 2, 52,
	 DENY
	 "{\"names\":[\"dup\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":0,"
	 "\"op\":\"SCMP_CMP_LT\"}]}" END,
	 "holds for no value of argument 0"},
	{"always-matches", SEVERITY_WARNING, 2, 52,
	 DENY
	 "{\"names\":[\"dup\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":0,"
	 "\"op\":\"SCMP_CMP_GE\"}]}" END,
	 "holds for every value"},
	{"always-matches", SEVERITY_ERROR, 2, 44,
	 DENY
	 "{\"names\":[\"dup\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":1,"
	 "\"op\":\"SCMP_CMP_NE\"},{\"index\":0,\"value\":2,\"op\":\"SCMP_CMP_NE\"}]}" END,
	 "every value fulfils one"},
	{"any-of", SEVERITY_NOTE, 2, 44,
	 DENY
	 "{\"names\":[\"dup\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":1,"
	 "\"op\":\"SCMP_CMP_EQ\"},{\"index\":0,\"value\":2,\"op\":\"SCMP_CMP_EQ\"}]}" END,
	 "any of all these"},
	{"int-argument", SEVERITY_WARNING, 2, 55,
	 DENY
	 "{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":"
	 "4294967298,\"op\":\"SCMP_CMP_EQ\"}]}" END,
	 "0x100000002 has more than 32 bits"},
	{"high-bits", SEVERITY_ERROR, 2, 55,
	 DENY
	 "{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":"
	 "40,\"op\":\"SCMP_CMP_NE\"}]}" END,
	 "socket(40) is denied but socket(0x100000028) is allowed"},
	{"empty", SEVERITY_WARNING, 2, 1, DENY "{\"names\":[],\"action\":\"SCMP_ACT_ALLOW\"}" END,
	 "names no system call"},
	{"errno-zero", SEVERITY_WARNING, 2, 1,
	 ALLOWS "{\"names\":[\"sync\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":0}" END,
	 "seems to have succeeded"},
	{"kills-thread", SEVERITY_NOTE, 2, 1,
	 ALLOWS "{\"names\":[\"sync\"],\"action\":\"SCMP_ACT_KILL\"}" END, "one thread"},
	{"same-as-default", SEVERITY_NOTE, 2, 19,
	 DENY "{\"names\":[\"sync\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38}" END,
	 "changes nothing"},
	{"depends-on-capabilities", SEVERITY_NOTE, 2, 57,
	 DENY "{\"names\":[\"sync\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"caps\":["
	      "\"CAP_KILL\"]}}" END,
	 "holds only with CAP_KILL"},
};

TEST(what_is_wrong_with_an_element_is_found_where_it_is)
{
	for (size_t i = 0; i < ARRAY_SIZE(elements); i++)
		expect_row(&elements[i]);
}

static const struct row wholes[] = {
	{"default-allows", SEVERITY_WARNING, 1, 2, ALLOWS RUNS END, "every call that a later"},
	{"newer-syscalls", SEVERITY_WARNING, 1, 2,
	 ALLOWS "{\"names\":[\"bpf\"],\"action\":\"SCMP_ACT_ERRNO\"}" END, "newer ones: "},
	{"newer-syscalls", SEVERITY_NOTE, 1, 2, DENY RUNS END, "ERRNO(ENOSYS), decides"},
	{"default-errno", SEVERITY_NOTE, 1, 2,
	 "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" RUNS END, "ENOSYS"},
	{"cannot-run", SEVERITY_WARNING, 1, 56,
	 DENY "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}" END,
	 "execve is ERRNO(ENOSYS)"},
	{"spec-allow", SEVERITY_WARNING, 1, 33,
	 "{\"defaultAction\":\"SCMP_ACT_LOG\",\"flags\":[\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"]}",
	 "speculative"},
	{"other-machine", SEVERITY_WARNING, 2, 1,
	 "{\"defaultAction\":\"SCMP_ACT_LOG\",\n\"architectures\":[\"SCMP_ARCH_PARISC\"]}",
	 "no architecture of this machine"},
#ifdef __x86_64__
	{"numbering-closed", SEVERITY_NOTE, 1, 1, DENY RUNS END, "its calls end in KILL_PROCESS"},
	{"numbering-listed", SEVERITY_NOTE, 2, 1,
	 "{\"defaultAction\":\"SCMP_ACT_LOG\",\n\"architectures\":[\"SCMP_ARCH_X32\"]}",
	 "x32 is let in"},
	{"numbering-bypass", SEVERITY_ERROR, 2, 1,
	 "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\n\"architectures\":[\"SCMP_ARCH_X86\"],"
	 "\"syscalls\":["
	 "{\"names\":[\"umount2\"],\"action\":\"SCMP_ACT_ERRNO\"}]}",
	 "umount2 is denied, but 32-bit programs get the same by umount"},
#endif
};

TEST(what_is_wrong_with_a_whole_profile_is_found)
{
	for (size_t i = 0; i < ARRAY_SIZE(wholes); i++)
		expect_row(&wholes[i]);
}

TEST(a_denying_default_under_an_element_that_allows_all_is_found)
{
	struct calls *calls = calls_load(seccomp_arch_native());
	size_t size = 1 << 16, len;
	cleanup_free char *text = malloc(size);
	struct linted l;

	len = (size_t)snprintf(text, size,
			       DENY "{\"action\":\"SCMP_ACT_ALLOW\",\"names\":[\"read\"");
	for (size_t i = 1; i < calls->nr; i++)
		len += (size_t)snprintf(text + len, size - len, ",\"%s\"", calls->call[i].name);
	(void)snprintf(text + len, size - len, "]}" END);
	lint_text(text, &l);
	ASSERT_TRUE(find(&l, "allow-all"));
	EXPECT_EQ(find(&l, "allow-all")->severity, SEVERITY_ERROR);
	EXPECT_EQ(find(&l, "allow-all")->at.line, 2);
	linted_free(&l);
	free(calls);
}

TEST(every_error_of_form_is_told_not_only_the_first)
{
	static const struct {
		unsigned int line, column;
		const char *says;
	} want[] = {
		{1, 1, "\"defaultAction\" is missing"},
		{2, 1, "unknown key \"defaultActoin\""},
		{4, 16, "\"SCMP_ACT_ALOW\" is unknown"},
		{5, 11, "\"a b\" is not the name of a system call"},
		{5, 17, "must be a string"},
		{6, 26, "can never match"},
	};
	struct linted l;

	lint_text("{\n\"defaultActoin\":1,\n\"syscalls\":[\n{\"names\":[],   "
		  "\"action\":\"SCMP_ACT_ALOW\"},"
		  "\n{\"names\":[\"a b\",7],\"action\":\"SCMP_ACT_LOG\"},\n"
		  "{\"names\":[\"dup\"],\"args\":[{\"index\":0,\"value\":1,\"valueTwo\":2,\"op\":"
		  "\"SCMP_CMP_MASKED_EQ\"}],\"action\":\"SCMP_ACT_LOG\"}]}",
		  &l);
	EXPECT_EQ(l.lint.findings.count[SEVERITY_ERROR], ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want) && i < l.lint.findings.nr; i++) {
		const struct finding *f = &l.lint.findings.list[i];

		if (!strstr(f->text, want[i].says) || f->at.line != want[i].line ||
		    f->at.column != want[i].column)
			test_fail(__FILE__, __LINE__, "%u:%u: %s, not %u:%u: %s", f->at.line,
				  f->at.column, f->text, want[i].line, want[i].column,
				  want[i].says);
	}
	linted_free(&l);
}

TEST(our_own_profiles_have_neither_errors_nor_warnings)
{
	static const char *const names[] = {"default", "strict", "web"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct linted l;

		lint_text(sc_builtin(names[i]), &l);
		EXPECT_EQ(l.lint.findings.count[SEVERITY_ERROR], 0);
		EXPECT_EQ(l.lint.findings.count[SEVERITY_WARNING], 0);
		linted_free(&l);
	}
}

TEST(findings_beyond_the_limit_are_counted)
{
	size_t size = 1 << 16, len;
	cleanup_free char *text = malloc(size);
	struct linted l;

	len = (size_t)snprintf(text, size,
			       DENY "{\"action\":\"SCMP_ACT_ALLOW\",\"names\":[\"read\"");
	for (int i = 0; i < 1000; i++)
		len += (size_t)snprintf(text + len, size - len, ",\"no_such_call_%d\"", i);
	(void)snprintf(text + len, size - len, "]}" END);
	lint_text(text, &l);
	EXPECT_EQ(l.lint.findings.nr, FINDINGS_MAX);
	EXPECT_GT(l.lint.findings.lost, 0);
	linted_free(&l);
}
