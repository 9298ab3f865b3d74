// SPDX-License-Identifier: Apache-2.0
/* The harness itself: that what fails is seen to fail. Runs this program again with samples. */
#include "selftests/harness/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/lib/cleanup.h"

#define OUT_MAX 8192

/* ---- samples: only there when asked for ---- */
static void sample_passes(void)
{
	EXPECT_EQ(1 + 1, 2);
	EXPECT_STREQ("a", "a");
	EXPECT_LT(1, 2);
}

static void sample_expects(void)
{
	const char *text = "a\nb";

	EXPECT_EQ(1 + 1, 3);
	EXPECT_STREQ(text, "c");
	EXPECT_STREQ(NULL, "c");
	EXPECT_GE(1, 2);
}

static void sample_asserts(void)
{
	ASSERT_TRUE(0);
	test_fail("x.c", 1, "went on after an assertion");
}

static void sample_crashes(void)
{
	(void)raise(SIGKILL);
}

static void sample_hangs(void)
{
	for (;;)
		(void)pause();
}

static void sample_skips(void)
{
	test_skip("no %s here", "moon");
}

static void sample_litters(void)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/a", test_dir());
	ASSERT_EQ(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/a/file", test_dir());
	cleanup_close int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ASSERT_TRUE(fd >= 0);
	(void)snprintf(path, sizeof(path), "%s/a", test_dir());
	ASSERT_EQ(chmod(path, 0), 0);
	test_fail("dir", 1, "%s", test_dir());
	if (fork() == 0) {
		(void)setsid();
		if (fork() == 0) {
			char pid[32];

			(void)snprintf(pid, sizeof(pid), "%d", getpid());
			test_fail("pid", 1, "%s", pid);
			for (;;)
				(void)pause();
		}
		_exit(0);
	}
	ASSERT_TRUE(wait(NULL) > 0);
}

static void __attribute__((constructor)) samples_register(void)
{
	static struct test_case samples[] = {
		{.name = "passes", .run = sample_passes},
		{.name = "expects", .run = sample_expects},
		{.name = "asserts", .run = sample_asserts},
		{.name = "crashes", .run = sample_crashes},
		{.name = "hangs", .run = sample_hangs},
		{.name = "skips", .run = sample_skips},
		{.name = "litters", .run = sample_litters},
	};

	if (!getenv("DCOS_HARNESS_SAMPLES"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		test_register(&samples[i]);
}

/* Return: exit status of this program with @name alone; @out gets what it printed. */
static int run_sample(const char *name, char out[static OUT_MAX])
{
	int fds[2], status = 0;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(fds[1], STDOUT_FILENO);
		(void)dup2(fds[1], STDERR_FILENO);
		(void)setenv("DCOS_HARNESS_SAMPLES", "1", 1);
		(void)setenv("DCOS_TEST_LIMIT_S", "1", 1);
		(void)execl("/proc/self/exe", "harness", name, NULL);
		_exit(127);
	}
	(void)close(fds[1]);
	while ((n = read(fds[0], out + len, OUT_MAX - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	(void)close(fds[0]);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect_in(int line, const char *out, const char *want)
{
	if (!strstr(out, want))
		test_fail(__FILE__, line, "no \"%s\" in:\n%s", want, out);
}

TEST(a_test_that_holds_is_ok)
{
	char out[OUT_MAX];

	EXPECT_EQ(run_sample("passes", out), 0);
	EXPECT_STREQ(out, "TAP version 13\n1..1\nok 1 - passes\n");
}

TEST(a_failed_expect_prints_both_values_and_the_test_goes_on)
{
	char out[OUT_MAX];

	EXPECT_EQ(run_sample("expects", out), 1);
	expect_in(__LINE__, out, "# selftests/unit/harness.c:");
	expect_in(__LINE__, out, "1 + 1 == 3: got 2 want 3\n");
	expect_in(__LINE__, out, "got \"a\n# b\" want \"c\"\n");
	expect_in(__LINE__, out, "got NULL want \"c\"\n");
	expect_in(__LINE__, out, "1 >= 2: got 1 want >= 2\n");
	expect_in(__LINE__, out, "\nnot ok 1 - expects\n");
}

TEST(a_failed_assert_ends_the_test)
{
	char out[OUT_MAX];

	EXPECT_EQ(run_sample("asserts", out), 1);
	expect_in(__LINE__, out, "not ok 1 - asserts");
	EXPECT_TRUE(!strstr(out, "went on"));
}

TEST(a_crash_fails_with_the_signal)
{
	char out[OUT_MAX];

	EXPECT_EQ(run_sample("crashes", out), 1);
	expect_in(__LINE__, out, "# died from signal 9");
	expect_in(__LINE__, out, "not ok 1 - crashes");
}

TEST(a_test_that_hangs_is_killed_and_fails)
{
	char out[OUT_MAX];

	EXPECT_EQ(run_sample("hangs", out), 1);
	expect_in(__LINE__, out, "# time limit passed");
	expect_in(__LINE__, out, "not ok 1 - hangs");
}

TEST(a_skip_says_why)
{
	char out[OUT_MAX];

	EXPECT_EQ(run_sample("skips", out), 0);
	expect_in(__LINE__, out, "ok 1 - skips # SKIP no moon here\n");
}

TEST(what_a_test_leaves_behind_is_removed)
{
	char out[OUT_MAX], path[4096] = "";
	const char *at;
	int pid = 0;

	EXPECT_EQ(run_sample("litters", out), 1);
	at = strstr(out, "dir:1 ");
	ASSERT_TRUE(at && sscanf(at, "dir:1 %4095s", path) == 1);
	EXPECT_EQ(access(path, F_OK), -1);
	at = strstr(out, "pid:1 ");
	if (at && sscanf(at, "pid:1 %d", &pid) == 1)
		EXPECT_EQ(kill(pid, 0), -1);
}

TEST(an_unknown_name_is_an_error)
{
	char out[OUT_MAX];

	EXPECT_EQ(run_sample("no-such-test", out), 2);
	expect_in(__LINE__, out, "no such test; there are:\npasses\n");
}
