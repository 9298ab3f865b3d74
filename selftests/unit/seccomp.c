// SPDX-License-Identifier: Apache-2.0
/* What compiled profiles say of system calls, and the cache of them. Nothing is installed here. */
#include "isolators/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/cbpf.h"
#include "selftests/harness/test.h"

#define CAP_BIT(c) (UINT64_C(1) << (c))
#define NEWUSER	   0x10000000ULL
#define HIGH	   0x100000000ULL /* a bit of the high word */
#define DENIED	   (SECCOMP_RET_ERRNO | EPERM)
#define NOSYS	   (SECCOMP_RET_ERRNO | ENOSYS)

#define RULES(...) "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" __VA_ARGS__ "]}"
#define ALLOW(...) "\"action\":\"SCMP_ACT_ALLOW\"" __VA_ARGS__

static struct sc_filter *compile_caps(const char *json, uint64_t caps)
{
	struct sc_filter *f = NULL;
	struct why why = {0};

	if (sc_compile(json, caps, &f, &why) < 0) {
		test_fail(__FILE__, __LINE__, "%s", why.text);
		test_abort();
	}
	return f;
}

static struct sc_filter *compile(const char *json)
{
	return compile_caps(json, 0);
}

static uint32_t verdict_arch(const struct sc_filter *f, uint32_t arch, int nr, uint64_t a0,
			     uint64_t a1)
{
	struct seccomp_data d = {.nr = nr, .arch = arch, .args = {a0, a1}};

	return cbpf_run(&sc_filter_info(f)->prog, &d);
}

static uint32_t verdict(const struct sc_filter *f, int nr, uint64_t a0)
{
	return verdict_arch(f, seccomp_arch_native(), nr, a0, 0);
}

TEST(what_no_element_names_gets_the_default_action)
{
	struct sc_filter *f = compile("{\"defaultAction\":\"SCMP_ACT_LOG\"}");

	EXPECT_EQ(verdict(f, SYS_read, 0), SECCOMP_RET_LOG);
	EXPECT_EQ(verdict(f, 100000, 0), SECCOMP_RET_LOG);
	sc_filter_unref(f);
}

TEST(every_action_is_the_kernels_own)
{
	static const struct {
		const char *action;
		uint32_t verdict;
	} rows[] = {
		{"\"SCMP_ACT_ALLOW\"", SECCOMP_RET_ALLOW},
		{"\"SCMP_ACT_LOG\"", SECCOMP_RET_LOG},
		{"\"SCMP_ACT_TRAP\"", SECCOMP_RET_TRAP},
		{"\"SCMP_ACT_KILL\"", SECCOMP_RET_KILL_THREAD},
		{"\"SCMP_ACT_KILL_THREAD\"", SECCOMP_RET_KILL_THREAD},
		{"\"SCMP_ACT_KILL_PROCESS\"", SECCOMP_RET_KILL_PROCESS},
		{"\"SCMP_ACT_ERRNO\",\"errnoRet\":0", SECCOMP_RET_ERRNO},
		{"\"SCMP_ACT_ERRNO\",\"errnoRet\":4094", SECCOMP_RET_ERRNO | 4094},
		{"\"SCMP_ACT_ERRNO\",\"errno\":\"ENOSYS\"", NOSYS},
		{"\"SCMP_ACT_TRACE\"", SECCOMP_RET_TRACE | EPERM},
		{"\"SCMP_ACT_TRACE\",\"errnoRet\":7", SECCOMP_RET_TRACE | 7},
		{"\"SCMP_ACT_NOTIFY\"", SECCOMP_RET_USER_NOTIF},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char json[256];

		(void)snprintf(json, sizeof(json), RULES("{\"names\":[\"read\"],\"action\":%s}"),
			       rows[i].action);
		struct sc_filter *f = compile(json);

		EXPECT_EQ(verdict(f, SYS_read, 0), rows[i].verdict);
		EXPECT_EQ(verdict(f, SYS_write, 0), DENIED);
		sc_filter_unref(f);
	}
}

static void expect_op(const char *op, uint64_t value, uint64_t two, const uint64_t *yes,
		      const uint64_t *no)
{
	char json[512];

	(void)snprintf(json, sizeof(json),
		       RULES("{\"names\":[\"read\"]," ALLOW(
			       ",\"args\":[{\"index\":0,\"value\":%llu,\"valueTwo\":%llu,"
			       "\"op\":\"%s\"}]") "}"),
		       (unsigned long long)value, (unsigned long long)two, op);
	struct sc_filter *f = compile(json);

	for (; *yes; yes++)
		if (verdict(f, SYS_read, *yes) != SECCOMP_RET_ALLOW)
			test_fail(__FILE__, __LINE__, "%s %#llx: %#llx is denied", op,
				  (unsigned long long)value, (unsigned long long)*yes);
	for (; *no; no++)
		if (verdict(f, SYS_read, *no) != DENIED)
			test_fail(__FILE__, __LINE__, "%s %#llx: %#llx is allowed", op,
				  (unsigned long long)value, (unsigned long long)*no);
	sc_filter_unref(f);
}

#define LIST(...) ((const uint64_t[]){__VA_ARGS__, 0})

TEST(arguments_are_compared_with_all_their_64_bits)
{
	expect_op("SCMP_CMP_EQ", HIGH | 5, 0, LIST(HIGH | 5),
		  LIST(5, HIGH, HIGH | 4, 2 * HIGH | 5));
	expect_op("SCMP_CMP_NE", HIGH | 5, 0, LIST(5, HIGH, HIGH | 4), LIST(HIGH | 5));
	expect_op("SCMP_CMP_LT", HIGH | 5, 0, LIST(HIGH | 4, HIGH, 99), LIST(HIGH | 5, 2 * HIGH));
	expect_op("SCMP_CMP_LE", HIGH | 5, 0, LIST(HIGH | 5, 99), LIST(HIGH | 6, 2 * HIGH));
	expect_op("SCMP_CMP_GT", HIGH | 5, 0, LIST(HIGH | 6, 2 * HIGH), LIST(HIGH | 5, 99));
	expect_op("SCMP_CMP_GE", HIGH | 5, 0, LIST(HIGH | 5, 2 * HIGH), LIST(HIGH | 4, 99));
}

TEST(masked_comparisons_look_at_the_mask_only_and_at_both_words)
{
	expect_op("SCMP_CMP_MASKED_EQ", 0xf0, 0x30, LIST(0x30, 0x3f, HIGH | 0x30),
		  LIST(0x20, 0xf0, 0x0f));
	expect_op("SCMP_CMP_MASKED_EQ", 3 * HIGH | 0xf, HIGH | 1, LIST(HIGH | 1, 5 * HIGH | 0xf1),
		  LIST(1, 2 * HIGH | 1, 3 * HIGH | 1, HIGH | 2));
}

TEST(comparisons_of_different_arguments_must_all_hold)
{
	struct sc_filter *f = compile(RULES("{\"names\":[\"read\"]," ALLOW(
		",\"args\":[{\"index\":0,\"value\":1,\"op\":\"SCMP_CMP_EQ\"},"
		"{\"index\":1,\"value\":2,\"op\":\"SCMP_CMP_EQ\"}]") "}"));
	uint32_t native = seccomp_arch_native();

	EXPECT_EQ(verdict_arch(f, native, SYS_read, 1, 2), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict_arch(f, native, SYS_read, 1, 3), DENIED);
	EXPECT_EQ(verdict_arch(f, native, SYS_read, 3, 2), DENIED);
	sc_filter_unref(f);
}

TEST(comparisons_of_one_argument_twice_may_hold_one_of_them)
{
	struct sc_filter *f = compile(RULES("{\"names\":[\"read\"]," ALLOW(
		",\"args\":[{\"index\":0,\"value\":1,\"op\":\"SCMP_CMP_EQ\"},"
		"{\"index\":0,\"value\":2,\"op\":\"SCMP_CMP_EQ\"}]") "}"));

	EXPECT_EQ(verdict(f, SYS_read, 1), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(f, SYS_read, 2), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(f, SYS_read, 3), DENIED);
	sc_filter_unref(f);
}

TEST(names_that_the_library_does_not_know_are_counted_and_passed_over)
{
	struct sc_filter *f =
		compile(RULES("{\"names\":[\"no_such_call\",\"read\",\"nor_this\"]," ALLOW() "}"));

	EXPECT_EQ(sc_filter_info(f)->unknown_nr, 2);
	EXPECT_EQ(sc_filter_info(f)->undenied_nr, 0);
	EXPECT_STREQ(sc_filter_info(f)->unknown, "no_such_call, nor_this");
	EXPECT_EQ(verdict(f, SYS_read, 0), SECCOMP_RET_ALLOW);
	sc_filter_unref(f);
}

TEST(unknown_names_that_stay_allowed_are_counted_apart)
{
	struct sc_filter *f = compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
				      "{\"names\":[\"no_such_call\",\"mount\"],"
				      "\"action\":\"SCMP_ACT_ERRNO\"}]}");

	EXPECT_EQ(sc_filter_info(f)->undenied_nr, 1);
	EXPECT_EQ(verdict(f, SYS_mount, 0), DENIED);
	EXPECT_EQ(verdict(f, SYS_read, 0), SECCOMP_RET_ALLOW);
	sc_filter_unref(f);
}

TEST(the_list_of_unknown_names_is_cut_but_the_count_is_not)
{
	char json[SC_UNKNOWN_TEXT * 40];
	size_t len = (size_t)snprintf(json, sizeof(json),
				      "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{"
				      "\"action\":\"SCMP_ACT_ALLOW\",\"names\":[\"unknown_0\"");

	for (int i = 1; i < 100; i++)
		len += (size_t)snprintf(json + len, sizeof(json) - len, ",\"unknown_%d\"", i);
	(void)snprintf(json + len, sizeof(json) - len, "]}]}");

	struct sc_filter *f = compile(json);

	EXPECT_EQ(sc_filter_info(f)->unknown_nr, 100);
	EXPECT_EQ(strlen(sc_filter_info(f)->unknown), SC_UNKNOWN_TEXT - 1);
	sc_filter_unref(f);
}

TEST(elements_that_another_one_makes_void_are_told)
{
	struct sc_filter *f = compile(RULES(
		"{\"names\":[\"write\",\"read\"]," ALLOW() "},"
							   "{\"names\":[\"read\"],\"action\":"
							   "\"SCMP_ACT_ERRNO\",\"args\":["
							   "{\"index\":0,\"value\":5,\"op\":\"SCMP_"
							   "CMP_EQ\"}]},"
							   "{\"names\":[\"write\"],\"action\":"
							   "\"SCMP_ACT_KILL\"},"
							   "{\"names\":[\"write\"]," ALLOW() "}"));

	EXPECT_EQ(sc_filter_info(f)->void_nr, 2);
	EXPECT_STREQ(sc_filter_info(f)->void_text,
		     "/syscalls/1 has no effect on \"read\", /syscalls/0 has it whatever the "
		     "arguments are");
	EXPECT_EQ(verdict(f, SYS_read, 5), SECCOMP_RET_ALLOW); /* which is why */
	EXPECT_EQ(verdict(f, SYS_write, 0), SECCOMP_RET_ALLOW);
	sc_filter_unref(f);
}

TEST(flags_are_passed_on)
{
	struct sc_filter *f = compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":["
				      "\"SECCOMP_FILTER_FLAG_LOG\","
				      "\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"]}");

	EXPECT_EQ(sc_filter_info(f)->flags,
		  SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	sc_filter_unref(f);
}

TEST(null_members_are_as_if_they_were_not_there)
{
	struct sc_filter *f =
		compile("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":null,"
			"\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\","
			"\"args\":null}]}");

	EXPECT_EQ(verdict(f, SYS_read, 0), SECCOMP_RET_ALLOW);
	sc_filter_unref(f);
}

#define CONDITION(TEXT) RULES("{\"names\":[\"read\"]," ALLOW() "," TEXT "}")

static uint32_t read_with(const char *json, uint64_t caps)
{
	struct sc_filter *f = compile_caps(json, caps);
	uint32_t v = verdict(f, SYS_read, 0);

	sc_filter_unref(f);
	return v;
}

TEST(docker_conditions_on_capabilities_hold)
{
	static const char in[] = CONDITION("\"includes\":{\"caps\":[\"CAP_CHOWN\",\"CAP_KILL\"]}");
	static const char out[] = CONDITION("\"excludes\":{\"caps\":[\"CAP_CHOWN\",\"CAP_KILL\"]}");
	static const char young[] = CONDITION("\"includes\":{\"caps\":[\"CAP_NOT_YET\"]}");
	uint64_t both = CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_KILL);

	EXPECT_EQ(read_with(in, both), SECCOMP_RET_ALLOW);
	EXPECT_EQ(read_with(in, CAP_BIT(CAP_CHOWN)), DENIED);
	EXPECT_EQ(read_with(out, 0), SECCOMP_RET_ALLOW);
	EXPECT_EQ(read_with(out, CAP_BIT(CAP_KILL)), DENIED);
	EXPECT_EQ(read_with(young, ~UINT64_C(0)), DENIED);
}

TEST(docker_conditions_on_the_kernel_hold)
{
	EXPECT_EQ(read_with(CONDITION("\"includes\":{\"minKernel\":\"3.0\"}"), 0),
		  SECCOMP_RET_ALLOW);
	EXPECT_EQ(read_with(CONDITION("\"includes\":{\"minKernel\":\"999.0\"}"), 0), DENIED);
	EXPECT_EQ(read_with(CONDITION("\"excludes\":{\"minKernel\":\"3.0\"}"), 0), DENIED);
}

TEST(docker_conditions_on_the_architecture_hold)
{
	static const char all[] = "[\"amd64\",\"arm64\",\"riscv64\",\"s390x\",\"ppc64le\"]";
	char json[512];

	(void)snprintf(json, sizeof(json), CONDITION("\"includes\":{\"arches\":%s}"), all);
	EXPECT_EQ(read_with(json, 0), SECCOMP_RET_ALLOW);
	(void)snprintf(json, sizeof(json), CONDITION("\"excludes\":{\"arches\":%s}"), all);
	EXPECT_EQ(read_with(json, 0), DENIED);
	EXPECT_EQ(read_with(CONDITION("\"includes\":{\"arches\":[\"vax\"]}"), 0), DENIED);
}

#ifdef __x86_64__
TEST(calls_of_other_architectures_kill_unless_the_profile_lists_them)
{
	struct sc_filter *f = compile(RULES("{\"names\":[\"getpid\"]," ALLOW() "}"));

	EXPECT_EQ(verdict(f, SYS_getpid, 0), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict_arch(f, AUDIT_ARCH_I386, 20, 0, 0), SECCOMP_RET_KILL_PROCESS);
	EXPECT_EQ(verdict(f, SYS_getpid | 0x40000000, 0), SECCOMP_RET_KILL_PROCESS); /* x32 */
	sc_filter_unref(f);
}

TEST(listed_architectures_get_their_own_numbers_and_foreign_ones_are_left_out)
{
	struct sc_filter *f = compile(
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_ARCH_X86_64\","
		"\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\",\"SCMP_ARCH_AARCH64\"],\"syscalls\":["
		"{\"names\":[\"getpid\"],\"action\":\"SCMP_ACT_ALLOW\"}]}");

	EXPECT_EQ(verdict(f, SYS_getpid, 0), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict_arch(f, AUDIT_ARCH_I386, 20, 0, 0), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict_arch(f, AUDIT_ARCH_I386, SYS_getpid, 0, 0), DENIED); /* mkdir there */
	EXPECT_EQ(verdict(f, SYS_getpid | 0x40000000, 0), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict_arch(f, AUDIT_ARCH_AARCH64, 172, 0, 0), SECCOMP_RET_KILL_PROCESS);
	sc_filter_unref(f);
}

TEST(comparisons_that_socketcall_avoids_are_told)
{
#define FAMILY_TWO                                                                                 \
	"{\"names\":[\"socket\"]," ALLOW(                                                          \
		",\"args\":[{\"index\":0,\"value\":2,\"op\":\"SCMP_CMP_EQ\"}]") "}"
	struct sc_filter *one = compile(RULES(FAMILY_TWO));
	struct sc_filter *two = compile("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":["
					"\"SCMP_ARCH_X86\"],\"syscalls\":[" FAMILY_TWO "]}");

	EXPECT_FALSE(sc_filter_info(one)->socketcall_hole);
	EXPECT_TRUE(sc_filter_info(two)->socketcall_hole);
	EXPECT_EQ(verdict_arch(two, AUDIT_ARCH_I386, 102, 1, 0), SECCOMP_RET_ALLOW);
	sc_filter_unref(one);
	sc_filter_unref(two);
}

TEST(the_map_of_architectures_holds_for_this_machine_only)
{
	struct sc_filter *f = compile(
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"archMap\":["
		"{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\"]},"
		"{\"architecture\":\"SCMP_ARCH_MIPS\",\"subArchitectures\":[\"SCMP_ARCH_X32\"]}]}");

	EXPECT_EQ(verdict_arch(f, AUDIT_ARCH_I386, 20, 0, 0), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(f, SYS_getpid | 0x40000000, 0), SECCOMP_RET_KILL_PROCESS);
	sc_filter_unref(f);
}
#endif

TEST(the_same_profile_is_compiled_once)
{
	static const char json[] = RULES("{\"names\":[\"read\"]," ALLOW() "}");
	struct sc_filter *a = NULL, *b = NULL;
	struct sc_cache *c = sc_cache_new(NULL);

	ASSERT_TRUE(c);
	ASSERT_EQ(sc_cache_get(c, json, 0, &a, NULL), 0);
	ASSERT_EQ(sc_cache_get(c, json, ~UINT64_C(0), &b, NULL), 0);
	EXPECT_TRUE(a == b);
	EXPECT_EQ(sc_cache_compiled(c), 1);
	sc_cache_free(c);
	EXPECT_EQ(verdict(a, SYS_read, 0), SECCOMP_RET_ALLOW); /* ours outlive the cache */
	sc_filter_unref(a);
	sc_filter_unref(b);
}

TEST(a_profile_that_asks_for_a_capability_is_compiled_for_each_answer)
{
	static const char json[] = CONDITION("\"includes\":{\"caps\":[\"CAP_KILL\"]}");
	struct sc_filter *f[3] = {NULL};
	struct sc_cache *c = sc_cache_new(NULL);

	ASSERT_TRUE(c);
	ASSERT_EQ(sc_cache_get(c, json, 0, &f[0], NULL), 0);
	ASSERT_EQ(sc_cache_get(c, json, CAP_BIT(CAP_KILL), &f[1], NULL), 0);
	ASSERT_EQ(sc_cache_get(c, json, CAP_BIT(CAP_KILL) | CAP_BIT(CAP_CHOWN), &f[2], NULL), 0);
	EXPECT_EQ(verdict(f[0], SYS_read, 0), DENIED);
	EXPECT_EQ(verdict(f[1], SYS_read, 0), SECCOMP_RET_ALLOW);
	EXPECT_TRUE(f[1] == f[2]);
	EXPECT_EQ(sc_cache_compiled(c), 2);
	for (size_t i = 0; i < ARRAY_SIZE(f); i++)
		sc_filter_unref(f[i]);
	sc_cache_free(c);
}

static void get_numbered(struct sc_cache *c, int number)
{
	struct sc_filter *f = NULL;
	char json[128];

	(void)snprintf(json, sizeof(json),
		       "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":%d}", number);
	ASSERT_EQ(sc_cache_get(c, json, 0, &f, NULL), 0);
	EXPECT_EQ(verdict(f, SYS_read, 0), SECCOMP_RET_ERRNO | (uint32_t)number);
	sc_filter_unref(f);
}

TEST(a_full_cache_forgets_what_was_used_longest_ago)
{
	struct sc_cache *c = sc_cache_new(NULL);

	ASSERT_TRUE(c);
	for (int i = 0; i < SC_CACHE_FILTERS; i++)
		get_numbered(c, i);
	get_numbered(c, 0); /* a hit, which makes 1 the oldest */
	EXPECT_EQ(sc_cache_compiled(c), SC_CACHE_FILTERS);
	get_numbered(c, SC_CACHE_FILTERS);
	get_numbered(c, 0);
	EXPECT_EQ(sc_cache_compiled(c), SC_CACHE_FILTERS + 1);
	get_numbered(c, 1);
	EXPECT_EQ(sc_cache_compiled(c), SC_CACHE_FILTERS + 2);
	sc_cache_free(c);
}

TEST(a_profile_that_fails_is_not_kept)
{
	struct sc_cache *c = sc_cache_new(NULL);
	struct sc_filter *f = NULL;

	ASSERT_TRUE(c);
	EXPECT_EQ(sc_cache_get(c, "{}", 0, &f, NULL), -EINVAL);
	EXPECT_TRUE(f == NULL);
	EXPECT_EQ(sc_cache_compiled(c), 0);
	sc_cache_free(c);
}

/* --- the profiles of our own ------------------------------------------------ */

static const char *const ours[] = {"default", "web", "strict"};

TEST(our_profiles_are_part_of_the_program)
{
	EXPECT_TRUE(sc_builtin("no such profile") == NULL);
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		ASSERT_TRUE(sc_builtin(ours[i]));
		struct sc_filter *f = compile(sc_builtin(ours[i]));

		EXPECT_EQ(sc_filter_info(f)->void_nr, 0);
		EXPECT_STREQ(sc_filter_info(f)->void_text, "");
		EXPECT_FALSE(sc_filter_info(f)->socketcall_hole);
		EXPECT_EQ(sc_filter_info(f)->undenied_nr, 0);
		sc_filter_unref(f);
	}
}

TEST(our_profiles_allow_what_every_program_does)
{
	static const int calls[] = {SYS_read,	   SYS_write,	      SYS_openat,
				    SYS_close,	   SYS_mmap,	      SYS_mprotect,
				    SYS_brk,	   SYS_execve,	      SYS_exit_group,
				    SYS_wait4,	   SYS_futex,	      SYS_rt_sigaction,
				    SYS_getrandom, SYS_clock_gettime, SYS_set_robust_list,
				    SYS_rseq,	   SYS_prlimit64,     SYS_getdents64,
				    SYS_ppoll};

	for (size_t p = 0; p < ARRAY_SIZE(ours); p++) {
		struct sc_filter *f = compile(sc_builtin(ours[p]));

		for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
			if (verdict(f, calls[i], 0) != SECCOMP_RET_ALLOW)
				test_fail(__FILE__, __LINE__, "%s denies call %d", ours[p],
					  calls[i]);
		sc_filter_unref(f);
	}
}

/* The default profile's answer where it is no plain permission. */
TEST(our_default_profile_answers_every_namespace_flag_with_eperm)
{
	static const uint64_t flags[] = {0x20000,    0x2000000,	 0x4000000, 0x8000000,
					 0x10000000, 0x20000000, 0x40000000};
	struct sc_filter *f = compile(sc_builtin("default"));

	EXPECT_EQ(verdict(f, SYS_clone, 0x11), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(f, SYS_clone, 0x3d0f00), SECCOMP_RET_ALLOW); /* a thread */
	EXPECT_EQ(verdict(f, SYS_unshare, 0x400), SECCOMP_RET_ALLOW); /* CLONE_FILES */
	EXPECT_EQ(verdict(f, SYS_unshare, 0x80), DENIED); /* CLONE_NEWTIME */
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(verdict(f, SYS_clone, flags[i] | 0x11), DENIED);
		EXPECT_EQ(verdict(f, SYS_clone, flags[i] | NEWUSER), DENIED);
		EXPECT_EQ(verdict(f, SYS_clone, HIGH | flags[i]), DENIED);
		EXPECT_EQ(verdict(f, SYS_unshare, flags[i]), DENIED);
		EXPECT_EQ(verdict(f, SYS_unshare, HIGH | flags[i]), DENIED);
	}
	EXPECT_EQ(verdict(f, SYS_clone3, 0), NOSYS);
	sc_filter_unref(f);
}

TEST(our_default_profile_has_five_address_families)
{
	struct sc_filter *f = compile(sc_builtin("default"));

	for (uint64_t family = 0; family < 64; family++) {
		bool wanted =
			family == 1 || family == 2 || family == 10 || family == 16 || family == 17;

		EXPECT_EQ(verdict(f, SYS_socket, family),
			  wanted ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EAFNOSUPPORT);
	}
	EXPECT_EQ(verdict(f, SYS_socket, HIGH | 40), SECCOMP_RET_ERRNO | EAFNOSUPPORT);
	EXPECT_EQ(verdict(f, SYS_socket, HIGH | 2), SECCOMP_RET_ERRNO | EAFNOSUPPORT);
	sc_filter_unref(f);
}

TEST(our_default_profile_limits_personality)
{
	struct sc_filter *f = compile(sc_builtin("default"));

	EXPECT_EQ(verdict(f, SYS_personality, 0xffffffff), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(f, SYS_personality, 8), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(f, SYS_personality, 0x400000), NOSYS); /* READ_IMPLIES_EXEC */
	sc_filter_unref(f);
}

TEST(our_profiles_say_enosys_to_calls_of_kernels_to_come)
{
	for (size_t p = 0; p < ARRAY_SIZE(ours); p++) {
		struct sc_filter *f = compile(sc_builtin(ours[p]));

		EXPECT_EQ(verdict(f, 600, 0), NOSYS);
		EXPECT_EQ(verdict(f, 1000, 0), NOSYS);
		sc_filter_unref(f);
	}
}

TEST(our_strict_profile_has_no_network_and_kills_attempts_to_get_out)
{
	struct sc_filter *f = compile(sc_builtin("strict"));

	EXPECT_EQ(verdict(f, SYS_socket, 1), DENIED);
	EXPECT_EQ(verdict(f, SYS_connect, 0), DENIED);
	EXPECT_EQ(verdict(f, SYS_ptrace, 0), DENIED);
	EXPECT_EQ(verdict(f, SYS_mount, 0), SECCOMP_RET_KILL_PROCESS);
	EXPECT_EQ(verdict(f, SYS_bpf, 0), SECCOMP_RET_KILL_PROCESS);
	EXPECT_EQ(verdict(f, SYS_clone, NEWUSER), SECCOMP_RET_KILL_PROCESS);
	EXPECT_EQ(verdict(f, SYS_clone, 0x11), SECCOMP_RET_ALLOW);
	sc_filter_unref(f);
}

TEST(our_web_profile_serves_but_does_not_debug)
{
	struct sc_filter *f = compile(sc_builtin("web"));

	EXPECT_EQ(verdict(f, SYS_socket, 2), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(f, SYS_socket, 17), SECCOMP_RET_ERRNO | EAFNOSUPPORT); /* packet */
	EXPECT_EQ(verdict(f, SYS_accept4, 0), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(f, SYS_ptrace, 0), DENIED);
	EXPECT_EQ(verdict_arch(f, seccomp_arch_native(), SYS_mknod, 0, 0010644), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict_arch(f, seccomp_arch_native(), SYS_mknod, 0, 0020644), DENIED);
	EXPECT_EQ(verdict_arch(f, seccomp_arch_native(), SYS_mknod, 0, 0060644), DENIED);
	EXPECT_EQ(verdict(f, SYS_mount, 0), DENIED);
	sc_filter_unref(f);
}
