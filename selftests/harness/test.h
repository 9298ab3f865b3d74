/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests in C that print TAP. A file has TEST()s and no main; the harness runs them in order, each
 * in a child process of its own, so that one that crashes or leaks does not spoil the others.
 * A failed EXPECT prints file:line, the expression and both values, and the test goes on;
 * a failed ASSERT ends the test.
 *
 *	TEST(pids_update_names_the_knob)
 *	{
 *		EXPECT_EQ(f(), -ENOENT);
 *	}
 *	TEST(quota_holds, NEED_ROOT, NEED_CPU_CONTROLLER) { ... }
 */
#ifndef DCOS_TEST_H
#define DCOS_TEST_H

#include <stdbool.h>
#include <stdint.h>

enum test_need {
	NEED_NOTHING = 0,
	NEED_ROOT = 1 << 0,
	NEED_CGROUP2 = 1 << 1, /* mounted and writable */
	NEED_BPF = 1 << 2, /* tp_btf programs load */
	NEED_CPU_CONTROLLER = 1 << 3,
	NEED_MEMORY_CONTROLLER = 1 << 4,
	NEED_PIDS_CONTROLLER = 1 << 5,
	NEED_OVERLAY = 1 << 6,
	NEED_USERNS = 1 << 7,
	NEED_IDMAP = 1 << 8, /* id-mapped mounts of the temporary directory's file system */
};

struct test_case {
	const char *name, *file;
	int line;
	unsigned int needs;
	void (*run)(void);
	struct test_case *next;
};

void test_register(struct test_case *t);
void test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void test_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void test_abort(void) __attribute__((noreturn));
bool test_eq_int(const char *file, int line, const char *expr, long long got, long long want);
bool test_eq_str(const char *file, int line, const char *expr, const char *got, const char *want);
bool test_cmp(const char *file, int line, const char *expr, bool ok, long long got, const char *op,
	      long long want);

/**
 * test_dir - an empty directory of this test, removed with all it holds when the test ends
 * In $TMPDIR or /tmp. A test may run at most 30 s, or $DCOS_TEST_LIMIT_S.
 * Return: its absolute path.
 */
const char *test_dir(void);

/**
 * test_cgroup - a fresh cgroup below cgroup2, named after test and pid, removed at the end
 * Controllers that the host has are on in it for children. Aborts the test on failure.
 * Return: directory descriptor.
 */
int test_cgroup(void);

#define TEST_OR_(a, b, c, d, ...) ((a) | (b) | (c) | (d))
#define TEST(NAME, ...)                                                                            \
	static void NAME(void);                                                                    \
	static struct test_case NAME##_case = {                                                    \
		.name = #NAME,                                                                     \
		.file = __FILE__,                                                                  \
		.line = __LINE__,                                                                  \
		.needs = TEST_OR_(__VA_ARGS__ __VA_OPT__(, ) 0, 0, 0, 0, 0),                       \
		.run = NAME,                                                                       \
	};                                                                                         \
	static void __attribute__((constructor)) NAME##_register(void)                             \
	{                                                                                          \
		test_register(&NAME##_case);                                                       \
	}                                                                                          \
	static void NAME(void)

#define EXPECT_EQ(a, b)                                                                            \
	((void)test_eq_int(__FILE__, __LINE__, #a " == " #b, (long long)(a), (long long)(b)))
#define EXPECT_STREQ(a, b) ((void)test_eq_str(__FILE__, __LINE__, #a " == " #b, (a), (b)))
#define EXPECT_CMP_(a, op, b)                                                                      \
	({                                                                                         \
		long long a_ = (long long)(a), b_ = (long long)(b);                                \
		(void)test_cmp(__FILE__, __LINE__, #a " " #op " " #b, a_ op b_, a_, #op, b_);      \
	})
#define EXPECT_GE(a, b) EXPECT_CMP_(a, >=, b)
#define EXPECT_LE(a, b) EXPECT_CMP_(a, <=, b)
#define EXPECT_GT(a, b) EXPECT_CMP_(a, >, b)
#define EXPECT_LT(a, b) EXPECT_CMP_(a, <, b)
#define EXPECT_NE(a, b) EXPECT_CMP_(a, !=, b)
#define EXPECT_TRUE(a)	EXPECT_EQ(!!(a), 1)
#define EXPECT_FALSE(a) EXPECT_EQ(!!(a), 0)
#define ASSERT_EQ(a, b)                                                                            \
	do {                                                                                       \
		if (!test_eq_int(__FILE__, __LINE__, #a " == " #b, (long long)(a),                 \
				 (long long)(b)))                                                  \
			test_abort();                                                              \
	} while (0)
#define ASSERT_TRUE(a) ASSERT_EQ(!!(a), 1)

#endif
