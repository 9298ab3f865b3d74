// SPDX-License-Identifier: Apache-2.0
/* Every class of error in a seccomp profile: the place, the value, what is allowed. */
#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "isolators/seccomp.h"
#include "selftests/harness/test.h"

#define ONE(...) "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" __VA_ARGS__ "]}"
#define TOP(...) "{\"defaultAction\":\"SCMP_ACT_ALLOW\"," __VA_ARGS__ "}"
#define ARG(...)                                                                                   \
	ONE("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{" __VA_ARGS__ "}]}")
#define READ "\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\""

struct error {
	const char *json, *why;
};

static void expect_errors(const struct error *rows, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		struct sc_filter *f = NULL;
		struct why why = {0};

		EXPECT_EQ(sc_compile(rows[i].json, 0, &f, &why), -EINVAL);
		EXPECT_STREQ(why.text, rows[i].why);
		EXPECT_TRUE(f == NULL);
		sc_filter_unref(f);
	}
}

#define EXPECT_ERRORS(...)                                                                         \
	do {                                                                                       \
		static const struct error rows_[] = {__VA_ARGS__};                                 \
		expect_errors(rows_, ARRAY_SIZE(rows_));                                           \
	} while (0)

TEST(text_that_is_no_json_object_is_refused_with_line_and_column)
{
	EXPECT_ERRORS({"",
		       "seccomp: line 1, column 0: no JSON object: '[' or '{' expected near end of "
		       "file"},
		      {"{\n\"a\" 1}",
		       "seccomp: line 2, column 5: no JSON object: ':' expected near '1'"},
		      {"[]", "seccomp: must be an object"},
		      {"{\"a\":1,\"a\":1}",
		       "seccomp: line 1, column 10: no JSON object: duplicate object "
		       "key near '\"a\"'"}, );
}

TEST(unknown_keys_are_refused_with_the_nearest_one)
{
	EXPECT_ERRORS(
		{TOP("\"architecture\":[]"),
		 "seccomp: unknown key \"architecture\", the nearest is \"architectures\""},
		{ONE("{" READ ",\"arg\":[]}"),
		 "seccomp: /syscalls/0: unknown key \"arg\", the nearest is \"args\""},
		{ARG("\"indx\":0"),
		 "seccomp: /syscalls/0/args/0: unknown key \"indx\", the nearest is \"index\""},
		{ONE("{" READ ",\"includes\":{\"cap\":[]}}"),
		 "seccomp: /syscalls/0/includes: unknown key \"cap\", the nearest is \"caps\""},
		{TOP("\"archMap\":[{\"x\":1}]"), "seccomp: /archMap/0: unknown key \"x\", allowed "
						 "are architecture and subArchitectures"}, );
}

TEST(missing_keys_are_named)
{
	EXPECT_ERRORS({"{}", "seccomp: \"defaultAction\" is missing (SCMP_ACT_*)"},
		      {ONE("{\"action\":\"SCMP_ACT_ALLOW\"}"),
		       "seccomp: /syscalls/0: \"names\" is missing (array of names)"},
		      {ONE("{\"names\":[\"read\"]}"),
		       "seccomp: /syscalls/0: \"action\" is missing (SCMP_ACT_*)"},
		      {ARG("\"value\":0,\"op\":\"SCMP_CMP_EQ\""),
		       "seccomp: /syscalls/0/args/0: \"index\" is missing (number 0..5)"},
		      {ARG("\"index\":0,\"op\":\"SCMP_CMP_EQ\""),
		       "seccomp: /syscalls/0/args/0: \"value\" is missing (number)"},
		      {ARG("\"index\":0,\"value\":0"),
		       "seccomp: /syscalls/0/args/0: \"op\" is missing (SCMP_CMP_*)"}, );
}

TEST(unknown_words_are_refused)
{
	EXPECT_ERRORS(
		{"{\"defaultAction\":\"SCMP_ACT_ALOW\"}",
		 "seccomp: /defaultAction: \"SCMP_ACT_ALOW\" is unknown, the nearest is "
		 "\"SCMP_ACT_ALLOW\""},
		{ARG("\"index\":0,\"value\":0,\"op\":\"SCMP_CMP_EQUAL\""),
		 "seccomp: /syscalls/0/args/0/op: \"SCMP_CMP_EQUAL\" is unknown, the nearest is "
		 "\"SCMP_CMP_EQ\""},
		{TOP("\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X64\"]"),
		 "seccomp: /architectures/1: \"SCMP_ARCH_X64\" is unknown, the nearest is "
		 "\"SCMP_ARCH_X86\""},
		{TOP("\"flags\":[\"SECCOMP_FILTER_FLAG_LOGS\"]"),
		 "seccomp: /flags/0: \"SECCOMP_FILTER_FLAG_LOGS\" is unknown, the nearest is "
		 "\"SECCOMP_FILTER_FLAG_LOG\""},
		{"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrno\":\"EPREM\"}",
		 "seccomp: /defaultErrno: \"EPREM\" is unknown, allowed are the names of "
		 "errno(3)"}, );
}

TEST(listeners_are_named_by_text)
{
	EXPECT_ERRORS(
		{TOP("\"listenerPath\":1"), "seccomp: /listenerPath: must be a string"},
		{ONE("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_NOTIFY\",\"errnoRet\":1}"),
		 "seccomp: /syscalls/0: \"errnoRet\" is given, but the action takes none, only "
		 "SCMP_ACT_ERRNO and SCMP_ACT_TRACE do"}, );
}

TEST(numbers_out_of_range_are_refused_with_the_range)
{
	EXPECT_ERRORS({ARG("\"index\":6"),
		       "seccomp: /syscalls/0/args/0/index: 6 is out of range, allowed is 0..5"},
		      {ARG("\"value\":-1"),
		       "seccomp: /syscalls/0/args/0/value: -1 is out of range, "
		       "allowed is 0..9223372036854775807"},
		      {ARG("\"value\":1.5"),
		       "seccomp: /syscalls/0/args/0/value: must be a whole number, "
		       "0..9223372036854775807"},
		      {ARG("\"value\":9223372036854775808"),
		       "seccomp: line 1, column 126: no JSON object: too big integer near "
		       "'9223372036854775808'"},
		      {"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":4095}",
		       "seccomp: /defaultErrnoRet: 4095 is out of range, allowed is 0..4094"}, );
}

TEST(errnos_that_an_action_can_not_give_are_refused)
{
	EXPECT_ERRORS(
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultErrnoRet\":1}",
		 "seccomp: \"defaultErrnoRet\" is given, but the action takes none, only "
		 "SCMP_ACT_ERRNO and SCMP_ACT_TRACE do"},
		{ONE("{" READ ",\"errnoRet\":0}"),
		 "seccomp: /syscalls/0: \"errnoRet\" is given, but the action takes none, only "
		 "SCMP_ACT_ERRNO and SCMP_ACT_TRACE do"},
		{"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,"
		 "\"defaultErrno\":\"EPERM\"}",
		 "seccomp: /defaultErrno: 1 contradicts the other errno given here, 38"}, );
}

TEST(two_keys_for_one_thing_are_refused)
{
	EXPECT_ERRORS({ONE("{" READ ",\"name\":\"write\"}"),
		       "seccomp: /syscalls/0/name: \"names\" is given, too: use one of both"},
		      {TOP("\"architectures\":[\"SCMP_ARCH_X86\"],\"archMap\":[{}]"),
		       "seccomp: /archMap: \"architectures\" is given, too: use one of both"}, );
}

TEST(wrong_types_are_refused)
{
	EXPECT_ERRORS({TOP("\"syscalls\":{}"), "seccomp: /syscalls: must be an array"},
		      {TOP("\"syscalls\":[1]"), "seccomp: /syscalls/0: must be an object"},
		      {TOP("\"flags\":[1]"), "seccomp: /flags/0: must be a string"},
		      {ONE("{\"names\":[\"read\",\"\"],\"action\":\"SCMP_ACT_ALLOW\"}"),
		       "seccomp: /syscalls/0/names/1: must not be empty"},
		      {ONE("{\"names\":\"read\",\"action\":\"SCMP_ACT_ALLOW\"}"),
		       "seccomp: /syscalls/0/names: must be an array"},
		      {ONE("{" READ ",\"comment\":7}"), "seccomp: /syscalls/0/comment: must be a "
							"string"}, );
}

TEST(names_that_can_not_be_system_calls_are_refused_and_shown_harmlessly)
{
	EXPECT_ERRORS(
		{ONE("{\"names\":[\"re ad\"],\"action\":\"SCMP_ACT_ALLOW\"}"),
		 "seccomp: /syscalls/0/names/0: \"re ad\" is not the name of a system call"},
		{ONE("{\"names\":[\"\\u001b[31m\\u00e4\"],\"action\":\"SCMP_ACT_ALLOW\"}"),
		 "seccomp: /syscalls/0/names/0: \"?[31m??\" is not the name of a system call"},
		{ONE("{" READ ",\"includes\":{\"caps\":[\"KILL\"]}}"),
		 "seccomp: /syscalls/0/includes/caps/0: \"KILL\" is not the name of a capability, "
		 "as \"CAP_KILL\""},
		{ONE("{" READ ",\"includes\":{\"minKernel\":\"new\"}}"),
		 "seccomp: /syscalls/0/includes/minKernel: \"new\" is no version, as \"4.8\""}, );
}

TEST(comparisons_that_never_hold_are_refused)
{
	EXPECT_ERRORS({ARG("\"index\":0,\"value\":1,\"valueTwo\":2,\"op\":\"SCMP_CMP_MASKED_EQ\""),
		       "seccomp: /syscalls/0/args/0: can never match: \"valueTwo\" has bits that "
		       "the mask \"value\" lacks"}, );
}

/* --- limits ----------------------------------------------------------------- */

struct text {
	char *s;
	size_t len, size;
};

static void add(struct text *t, const char *s)
{
	size_t n = strlen(s);

	if (t->len + n + 1 > t->size) {
		t->size = (t->len + n + 1) * 2;
		t->s = realloc(t->s, t->size);
		if (!t->s)
			test_abort();
	}
	memcpy(t->s + t->len, s, n + 1);
	t->len += n;
}

/* @head, @nr times @part with commas between, @tail; Return: what is said of it */
static const char *refusal(const char *head, int nr, const char *part, const char *tail)
{
	static struct why why; /* each test is a process of its own */
	struct sc_filter *f = NULL;
	struct text t = {0};

	add(&t, head);
	for (int i = 0; i < nr; i++) {
		add(&t, i ? "," : "");
		add(&t, part);
	}
	add(&t, tail);
	why.text[0] = '\0';
	(void)sc_compile(t.s, 0, &f, &why); /* why tells */
	sc_filter_unref(f);
	free(t.s);
	return why.text;
}

#define HEAD  "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
#define CALLS HEAD "{\"action\":\"SCMP_ACT_ALLOW\",\"names\":["

TEST(profiles_of_any_size_are_refused_in_time)
{
	EXPECT_STREQ(refusal(CALLS, 1024, "\"read\"", "]}]}"), "");
	EXPECT_STREQ(refusal(CALLS, 1025, "\"read\"", "]}]}"),
		     "seccomp: /syscalls/0/names: 1025 elements, allowed are at most 1024");
	EXPECT_STREQ(refusal(HEAD, 4097, "{}", "]}"),
		     "seccomp: /syscalls: 4097 elements, allowed are at most 4096");
	EXPECT_STREQ(refusal(" ", 700000, " ", ""),
		     "seccomp: the profile has more than 1048576 bytes");
	EXPECT_STREQ(refusal(HEAD, 129,
			     "{" READ ",\"args\":[{\"index\":0,\"value\":1,"
			     "\"op\":\"SCMP_CMP_GE\"}]}",
			     "]}"),
		     "seccomp: /syscalls/128: more than 128 names with comparisons in all elements "
		     "together");
}

#ifdef __x86_64__ /* three architectures make three programs in one */
TEST(the_largest_profile_within_the_limits_is_one_that_the_kernel_takes)
{
	struct sc_filter *f = NULL;
	struct text t = {0};
	struct why why = {0};

	add(&t, "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_ARCH_X86\","
		"\"SCMP_ARCH_X32\"],\"syscalls\":[");
	for (int i = 0; i < 42; i++) {
		long long high = (long long)i << 40; /* both words are compared */
		char part[512];

		(void)snprintf(part, sizeof(part),
			       "%s{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
			       "{\"index\":0,\"value\":%lld,\"op\":\"SCMP_CMP_GT\"},"
			       "{\"index\":1,\"value\":%lld,\"op\":\"SCMP_CMP_GT\"},"
			       "{\"index\":2,\"value\":%lld,\"op\":\"SCMP_CMP_GT\"}]}",
			       i ? "," : "", high | i, high | i, high | i);
		add(&t, part);
	}
	add(&t, ",{\"action\":\"SCMP_ACT_ALLOW\",\"names\":[\"write\"");
	for (int nr = 2; nr < 334; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, nr);

		add(&t, ",\"");
		add(&t, name ? name : "write");
		add(&t, "\"");
		free(name);
	}
	add(&t, "]}]}");
	EXPECT_EQ(sc_compile(t.s, 0, &f, &why), 0);
	EXPECT_STREQ(why.text, "");
	ASSERT_TRUE(f);
	EXPECT_GT(sc_filter_info(f)->prog.len, 1000);
	EXPECT_LE(sc_filter_info(f)->prog.len, BPF_MAXINSNS);
	sc_filter_unref(f);
	free(t.s);
}
#endif
