// SPDX-License-Identifier: Apache-2.0
/*
 * Runs the tests of one program and prints TAP version 13 (testanything.org).
 *
 *	PROGRAM [-l] [NAME...]	all tests, or those named; -l lists them
 *
 * Each test is a child process in a process group of its own, with a time limit. What it leaves
 * behind, processes (also those that became daemons), cgroup, mounts and directory, is taken
 * away by the parent, so that a crash cleans up as well. A test's standard output goes to
 * standard error: nothing but TAP is on ours.
 */
#include "selftests/harness/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/harness.h"

#define TEST_LIMIT_S	 30 /* of one test; $DCOS_TEST_LIMIT_S is for slow machines */
#define TEST_LIMIT_S_MAX 3600
#define TEST_DIAG_MAX	 4096 /* bytes of one diagnostic */
#define TEST_NEEDS_NR	 9 /* bits of enum test_need */
#define POLL_MS		 10 /* between looks at a child without a pidfd */
#define TEST_SKIPPED	 77 /* exit status of a child that skips */

/* What a test's child tells its parent: shared memory, so that a crash does not lose it. */
struct report {
	int failures;
	char skip[TEST_REASON_MAX];
	char dir[PATH_MAX], cgroup[PATH_MAX];
};

/* The one mutable global: tests register before main() and report from anywhere. */
static struct {
	struct test_case *first, **last;
	const struct test_case *current;
	struct report *report;
	int tap; /* descriptor of the TAP stream */
	bool probed[TEST_NEEDS_NR], absent[TEST_NEEDS_NR];
	char reasons[TEST_NEEDS_NR][TEST_REASON_MAX];
} run = {.tap = -1};

void test_register(struct test_case *t)
{
	if (!run.last)
		run.last = &run.first;
	*run.last = t;
	run.last = &t->next;
}

static void tap(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void tap(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vdprintf(run.tap, fmt, ap) < 0)
		_exit(2); /* nobody reads the result */
	va_end(ap);
}

/* One "# " before each line of @text, however many there are. */
static void diag(const char *text)
{
	char out[2 * TEST_DIAG_MAX];
	size_t n = 0;

	out[n++] = '#';
	out[n++] = ' ';
	for (; *text && n < sizeof(out) - 4; text++) {
		out[n++] = *text;
		if (*text != '\n')
			continue;
		out[n++] = '#';
		out[n++] = ' ';
	}
	out[n] = '\0';
	tap("%s\n", out);
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	char text[TEST_DIAG_MAX];
	int n = snprintf(text, sizeof(text), "%s:%d ", file, line);
	va_list ap;

	va_start(ap, fmt);
	if (n > 0 && (size_t)n < sizeof(text))
		(void)vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap); /* cut is fine */
	va_end(ap);
	diag(text);
	__atomic_add_fetch(&run.report->failures, 1, __ATOMIC_RELAXED);
}

void test_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(run.report->skip, sizeof(run.report->skip), fmt, ap); /* cut is fine */
	va_end(ap);
	_exit(TEST_SKIPPED);
}

void test_abort(void)
{
	(void)fflush(NULL); /* _exit: no leak check after a failure, it would bury the cause */
	_exit(1);
}

bool test_eq_int(const char *file, int line, const char *expr, long long got, long long want)
{
	if (got == want)
		return true;
	test_fail(file, line, "%s: got %lld want %lld", expr, got, want);
	return false;
}

bool test_eq_str(const char *file, int line, const char *expr, const char *got, const char *want)
{
	if (got == want || (got && want && strcmp(got, want) == 0))
		return true;
	test_fail(file, line, "%s: got %s%s%s want %s%s%s", expr, got ? "\"" : "",
		  got ? got : "NULL", got ? "\"" : "", want ? "\"" : "", want ? want : "NULL",
		  want ? "\"" : "");
	return false;
}

bool test_cmp(const char *file, int line, const char *expr, bool ok, long long got, const char *op,
	      long long want)
{
	if (!ok)
		test_fail(file, line, "%s: got %lld want %s %lld", expr, got, op, want);
	return ok;
}

const char *test_dir(void)
{
	int r = run.report->dir[0] ? 0 : scratch_dir_make(run.report->dir);

	if (r < 0) {
		test_fail(__FILE__, __LINE__, "a temporary directory: %s", strerror(-r));
		test_abort();
	}
	return run.report->dir;
}

int test_cgroup(void)
{
	char name[128];
	int r = 0, fd;

	(void)snprintf(name, sizeof(name), "dcos-test-%.64s-%d", run.current->name, getpid());
	if (!run.report->cgroup[0])
		r = scratch_cgroup_make(name, run.report->cgroup);
	if (r < 0) {
		test_fail(__FILE__, __LINE__, "cgroup %s: %s", name, strerror(-r));
		test_abort();
	}
	fd = open(run.report->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		test_fail(__FILE__, __LINE__, "%s: %s", run.report->cgroup, strerror(errno));
		test_abort();
	}
	return fd;
}

static const char *reason_to_skip(unsigned int needs)
{
	for (unsigned int i = 0; i < TEST_NEEDS_NR; i++) {
		if (!(needs & (1U << i)))
			continue;
		if (!run.probed[i])
			run.absent[i] = need_missing(1U << i, run.reasons[i]);
		run.probed[i] = true;
		if (run.absent[i])
			return run.reasons[i];
	}
	return NULL;
}

static void child_main(const struct test_case *t)
{
	cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (setpgid(0, 0) < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(2);
	close_fd(&null);
	t->run();
	exit(run.report->failures ? 1 : 0); /* not _exit: sanitizers look for leaks there */
}

static int limit_s(void)
{
	const char *text = getenv("DCOS_TEST_LIMIT_S");
	int s;

	return text && sscanf(text, "%d", &s) == 1 && s > 0 && s <= TEST_LIMIT_S_MAX ? s
										     : TEST_LIMIT_S;
}

/* Where the child hangs, as far as the kernel tells: its system call and its wait channel. */
static void diag_hang(pid_t pid)
{
	static const char *const files[] = {"wchan", "syscall"};

	diag("time limit passed");
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[64], text[256], line[320];

		(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]); /* fits */

		cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

		if (n <= 0)
			continue;
		text[n - (text[n - 1] == '\n')] = '\0';
		(void)snprintf(line, sizeof(line), "%s: %s", files[i], text); /* fits */
		diag(line);
	}
}

/* All processes that this one has left, also adopted ones. Source: PR_SET_CHILD_SUBREAPER. */
static void kill_children(void)
{
	for (;;) {
		cleanup_fclose FILE *f = fopen("/proc/thread-self/children", "re");
		pid_t pid;

		while (f && fscanf(f, "%d", &pid) == 1)
			(void)kill(pid, SIGKILL); /* a child of ours, so the pid is still its */
		do {
			pid = waitpid(-1, NULL, f ? 0 : WNOHANG);
		} while (pid < 0 && errno == EINTR);
		if (pid <= 0)
			return;
	}
}

/* Without pidfds, which valgrind does not know: looks again and again. Return: as poll() */
static int poll_child(pid_t pid, int ms)
{
	siginfo_t info = {0};

	for (; ms > 0; ms -= POLL_MS) {
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid)
			return 1;
		(void)poll(NULL, 0, POLL_MS); /* a signal ends it early */
	}
	return 0;
}

/* Return: wait status of the child; -ETIME it was killed. */
static int child_wait(pid_t pid)
{
	cleanup_close int pidfd = pidfd_open(pid, 0);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int status = 0, r;

	do {
		r = pidfd < 0 ? poll_child(pid, limit_s() * 1000) : poll(&p, 1, limit_s() * 1000);
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		diag_hang(pid);
	(void)kill(-pid, SIGKILL); /* the group; the leader is not reaped, so it is ours */
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return r == 0 ? -ETIME : status;
}

static bool passed(int status)
{
	char text[128];

	if (status == -ETIME)
		return false;
	if (status >= 0 && WIFSIGNALED(status)) {
		(void)snprintf(text, sizeof(text), "died from signal %d (%s)", WTERMSIG(status),
			       strsignal(WTERMSIG(status)));
		diag(text);
		return false;
	}
	if (status >= 0 && WEXITSTATUS(status) == 0)
		return run.report->failures == 0;
	if (!run.report->failures) {
		(void)snprintf(text, sizeof(text), "exit status %d", WEXITSTATUS(status));
		diag(text);
	}
	return false;
}

static bool run_one(const struct test_case *t, int number)
{
	const char *reason = reason_to_skip(t->needs);
	int status;
	pid_t pid;
	bool ok;

	if (reason) {
		tap("ok %d - %s # SKIP %s\n", number, t->name, reason);
		return true;
	}
	memset(run.report, 0, sizeof(*run.report));
	run.current = t;
	pid = fork();
	if (pid == 0)
		child_main(t);
	status = pid < 0 ? -errno : child_wait(pid);
	scratch_cgroup_remove(run.report->cgroup);
	kill_children();
	scratch_dir_remove(run.report->dir);
	if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == TEST_SKIPPED &&
	    !run.report->failures) {
		tap("ok %d - %s # SKIP %s\n", number, t->name, run.report->skip);
		return true;
	}
	ok = passed(status);
	tap("%s %d - %s\n", ok ? "ok" : "not ok", number, t->name);
	return ok;
}

static bool is_named(const struct test_case *t, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++) {
		if (strcmp(*names, t->name) == 0)
			return true;
	}
	return false;
}

static int setup(void)
{
	run.report = mmap(NULL, sizeof(*run.report), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	run.tap = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 100);
	if (run.report == MAP_FAILED || run.tap < 0)
		return -errno;
	return prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	bool list = argc > 1 && strcmp(argv[1], "-l") == 0;
	char **names = argv + (argc > 0) + list;
	int nr = 0, number = 0, failed = 0;

	if (setup() < 0) {
		perror("harness");
		return 2;
	}
	for (const struct test_case *t = run.first; t; t = t->next)
		nr += is_named(t, names);
	if (nr == 0 && !list)
		dprintf(STDERR_FILENO, "no such test; there are:\n");
	if (nr == 0 || list) {
		for (const struct test_case *t = run.first; t; t = t->next)
			dprintf(list ? STDOUT_FILENO : STDERR_FILENO, "%s\n", t->name);
		return list ? 0 : 2;
	}
	tap("TAP version 13\n1..%d\n", nr);
	for (const struct test_case *t = run.first; t; t = t->next) {
		if (is_named(t, names))
			failed += !run_one(t, ++number);
	}
	return failed ? 1 : 0;
}
