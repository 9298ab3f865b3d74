// SPDX-License-Identifier: Apache-2.0
/*
 * Random profiles and random calls: the ways that were followed through the filter, the
 * interpreter, the text and the real kernel must say the same. libseccomp's own simulator is in
 * no Debian package, so that it can't be asked.
 */
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"
#include "tools/dcosaudit/compare.h"
#include "tools/dcosaudit/findings.h"

#define PROFILES 25
#define ASKED	 60 /* calls asked under each profile */
#define TEXT_MAX 16384

static unsigned int state = 3;

static uint32_t draw(uint32_t below)
{
	return (uint32_t)rand_r(&state) % below;
}

/* Calls that do nothing, whatever their arguments are. */
static const struct {
	const char *name;
	long nr;
} harmless[] = {
	{"getpid", SYS_getpid},	  {"getppid", SYS_getppid},	    {"gettid", SYS_gettid},
	{"getuid", SYS_getuid},	  {"getgid", SYS_getgid},	    {"geteuid", SYS_geteuid},
	{"getegid", SYS_getegid}, {"sched_yield", SYS_sched_yield},
};

static const uint64_t values[] = {0,
				  1,
				  2,
				  3,
				  16,
				  40,
				  0x1000,
				  0x7fffffff,
				  0x80000000,
				  0xffffffff,
				  0x100000000,
				  0x100000002,
				  0x7fffffffffffffff};

static uint64_t draw_value(void)
{
	return values[draw(ARRAY_SIZE(values))];
}

struct text {
	char buf[TEXT_MAX];
	size_t len;
};

static void say(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->len += (size_t)vsnprintf(t->buf + t->len, sizeof(t->buf) - t->len, fmt, ap);
	va_end(ap);
	if (t->len >= sizeof(t->buf))
		test_abort();
}

static void random_action(struct text *t)
{
	static const char *const actions[] = {
		"SCMP_ACT_ALLOW", "SCMP_ACT_LOG",   "SCMP_ACT_KILL_PROCESS",
		"SCMP_ACT_TRAP",  "SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY",
	};

	if (draw(2))
		say(t, "\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":%u", 1 + draw(100));
	else
		say(t, "\"action\":\"%s\"", actions[draw(ARRAY_SIZE(actions))]);
}

/* @simple: each argument once at most, so that libseccomp has no rules to merge */
static void random_args(struct text *t, bool simple)
{
	static const char *const ops[] = {"EQ", "NE", "LT", "LE", "GE", "GT"};
	uint32_t nr = draw(4);

	say(t, ",\"args\":[");
	for (uint32_t i = 0; i < nr; i++) {
		uint64_t value = draw_value();

		say(t, "%s{\"index\":%u,", i ? "," : "", simple ? i : draw(3));
		if (draw(3))
			say(t, "\"value\":%llu,\"op\":\"SCMP_CMP_%s\"}", (unsigned long long)value,
			    ops[draw(ARRAY_SIZE(ops))]);
		else
			say(t, "\"value\":%llu,\"valueTwo\":%llu,\"op\":\"SCMP_CMP_MASKED_EQ\"}",
			    (unsigned long long)value, (unsigned long long)(value & draw_value()));
	}
	say(t, "]");
}

/* What a child needs to tell how it went is always allowed. */
static void random_profile(struct text *t, bool simple)
{
	uint32_t nr = 1 + draw(6);

	t->len = 0;
	say(t,
	    "{\"defaultAction\":\"%s\",\"syscalls\":[{\"names\":[\"exit_group\",\"rt_sigreturn\"],"
	    "\"action\":\"SCMP_ACT_ALLOW\"}",
	    draw(2) ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW");
	for (uint32_t i = 0; i < nr; i++) {
		if (simple)
			say(t, ",{\"names\":[\"%s\"],", harmless[i].name);
		else
			say(t, ",{\"names\":[\"%s\",\"%s\"],",
			    harmless[draw(ARRAY_SIZE(harmless))].name,
			    harmless[draw(ARRAY_SIZE(harmless))].name);
		random_action(t);
		random_args(t, simple);
		say(t, "}");
	}
	say(t, "]}");
}

/* All comparisons of a way hold for this input. */
static bool goes(const struct paths *p, const struct path *path, const struct seccomp_data *d)
{
	for (size_t i = 0; i < path->tests_nr; i++) {
		const struct path_test *t = &p->tests[path->tests + i];

		if (!bits_true(&t->bits, cbpf_get_word(d, t->word)))
			return false;
	}
	return true;
}

/* Exactly one way, with the interpreter's verdict and cost. */
static void expect_one_way(const struct call_view *c, const struct sock_fprog *prog,
			   const struct seccomp_data *d)
{
	unsigned int steps = 0, ways = 0;
	uint32_t verdict = cbpf_run(prog, d, &steps);

	for (size_t i = 0; i < c->paths.nr; i++) {
		if (!goes(&c->paths, &c->paths.path[i], d))
			continue;
		ways++;
		EXPECT_EQ(c->paths.path[i].verdict, verdict);
		EXPECT_EQ(c->paths.path[i].steps, steps);
	}
	EXPECT_EQ(ways, 1);
}

struct told {
	volatile int trapped;
	volatile int called;
	volatile long result;
};

static struct told *told; /* shared with the child; the handler of SIGSYS has no other way */

static void on_sigsys(int sig)
{
	(void)sig;
	told->trapped = 1;
}

/* Return: the child's status */
static int ask_kernel(const struct sc_filter *f, const struct seccomp_data *d)
{
	int status = 0;
	pid_t pid;

	*told = (struct told){};
	pid = fork();
	if (pid == 0) {
		const struct sigaction sa = {.sa_handler = on_sigsys};
		long r;

		(void)sigaction(SIGSYS, &sa, NULL);
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (sc_load(f) < 0)
			__builtin_trap();
		r = syscall(d->nr, d->args[0], d->args[1], d->args[2], d->args[3], d->args[4],
			    d->args[5]);
		told->result = r < 0 ? -errno : r;
		told->called = 1;
		syscall(SYS_exit_group, 0);
	}
	(void)waitpid(pid, &status, 0);
	return status;
}

static void expect_kernel(const struct sc_filter *f, const struct seccomp_data *d,
			  const char *profile)
{
	uint32_t verdict = cbpf_run(&sc_filter_info(f)->prog, d, NULL);
	int status = ask_kernel(f, d);
	bool as_said;

	switch (verdict & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		as_said = told->called && told->result >= 0 && !told->trapped;
		break;
	case SECCOMP_RET_ERRNO:
		as_said = told->called && told->result == -(long)(verdict & SECCOMP_RET_DATA);
		break;
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_USER_NOTIF:
		as_said = told->called && told->result == -ENOSYS;
		break;
	case SECCOMP_RET_TRAP:
		as_said = told->trapped;
		break;
	default:
		as_said = !told->called && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
	}
	if (!as_said)
		test_fail(__FILE__, __LINE__, "verdict %#x, but called %d with %ld, trapped %d: %s",
			  verdict, told->called, told->result, told->trapped, profile);
}

static void ask_all(const struct view *v, const char *text)
{
	const struct sc_filter *f = v->profile->filter;
	const struct sock_fprog *prog = &sc_filter_info(f)->prog;

	for (int i = 0; i < ASKED; i++) {
		size_t n = draw(ARRAY_SIZE(harmless));
		struct seccomp_data d = {.nr = (int)harmless[n].nr, .arch = seccomp_arch_native()};

		for (size_t a = 0; a < 3; a++)
			d.args[a] = draw(4) ? draw_value() : draw_value() + draw(3) - 1;
		expect_one_way(view_call(&v->arch[0], harmless[n].name), prog, &d);
		if (i < ASKED / 10)
			expect_kernel(f, &d, text);
	}
}

static void expect_real(const struct profile *p, const struct difference *d)
{
	if (!strncmp(d->name, "get", 3) || !strcmp(d->name, "sched_yield"))
		expect_kernel(p->filter, &d->example, p->text);
}

struct totals {
	size_t compiled, tried, unclear, differences;
};

/* One profile, all four asked. */
static void one_profile(const char *text, struct totals *sum)
{
	struct profile p = {};
	struct view v = {};
	struct meaning m = {};
	struct differences d = {};
	struct why why = {};

	if (profile_load_text("random", text, 0, &p, &why) < 0)
		return; /* some comparisons are refused */
	ASSERT_EQ(view_new(&p, &v, &why), 0);
	ASSERT_EQ(meaning_new(p.doc, 0, &m), 0);
	ASSERT_EQ(compare(&v, &m, &d), 0);
	for (size_t i = 0; i < d.nr; i++)
		expect_real(&p, &d.list[i]);
	sum->compiled++;
	sum->tried += d.tried;
	sum->unclear += d.unclear;
	sum->differences += d.nr;
	ask_all(&v, text);
	free(d.list);
	meaning_free(&m);
	view_free(&v);
	profile_free(&p);
}

static struct totals many_profiles(bool simple)
{
	struct totals sum = {};
	struct text t;

	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int round = 0; round < PROFILES; round++) {
		random_profile(&t, simple);
		one_profile(t.buf, &sum);
	}
	EXPECT_GT(sum.compiled, PROFILES / 3);
	EXPECT_GT(sum.tried, 1000);
	EXPECT_LT(sum.unclear, sum.tried);
	return sum;
}

TEST(random_profiles_do_what_text_ways_interpreter_and_kernel_say)
{
	EXPECT_EQ(many_profiles(true).differences, 0);
}

/*
 * libseccomp 2.5 merges some rules of one call to something else than their sum: with "arg2 == 3"
 * and "arg0 == 0x80000000, arg2 != 3" both denied, the second is lost. Where such is found, the
 * kernel must do what the filter says, not what the text says.
 */
TEST(where_filter_and_text_differ_the_kernel_does_what_the_filter_says)
{
	(void)many_profiles(false); /* each difference is judged by itself */
}

TEST(a_filter_that_is_not_what_the_text_says_is_found)
{
	struct profile said = {}, does = {};
	struct sc_filter *own;
	struct view v = {};
	struct meaning m = {};
	struct differences d = {};
	struct why why = {};

	ASSERT_EQ(profile_load_text("said", "{\"defaultAction\":\"SCMP_ACT_ERRNO\"}", 0, &said,
				    &why),
		  0);
	ASSERT_EQ(
		profile_load_text("does",
				  "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":"
				  "[\"bpf\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,"
				  "\"value\":77,\"op\":\"SCMP_CMP_EQ\"}]}]}",
				  0, &does, &why),
		0);
	own = said.filter;
	said.filter = does.filter; /* as if the compiler were wrong */
	ASSERT_EQ(view_new(&said, &v, &why), 0);
	ASSERT_EQ(meaning_new(said.doc, 0, &m), 0);
	ASSERT_EQ(compare(&v, &m, &d), 0);
	ASSERT_EQ(d.nr, 1);
	EXPECT_STREQ(d.list[0].name, "bpf");
	EXPECT_EQ(d.list[0].example.args[0], 77);
	EXPECT_TRUE(difference_wider(&d.list[0]));
	free(d.list);
	meaning_free(&m);
	view_free(&v);
	said.filter = own;
	profile_free(&said);
	profile_free(&does);
}

TEST(the_kernel_ignores_the_high_bits_of_an_int_and_the_filter_does_not)
{
	struct profile p = {};
	struct view v = {};
	struct why why = {};
	struct seccomp_data denied, allowed;
	unsigned int arg = 9;

	ASSERT_EQ(
		profile_load_text("p",
				  "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":"
				  "[\"socket\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":77,"
				  "\"args\":[{\"index\":0,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]}]}",
				  0, &p, &why),
		0);
	ASSERT_EQ(view_new(&p, &v, &why), 0);
	ASSERT_EQ(high_bits_bypass(view_call(&v.arch[0], "socket"), &denied, &allowed, &arg), 1);
	EXPECT_EQ(arg, 0);
	EXPECT_EQ(denied.args[0], 1);
	EXPECT_EQ((uint32_t)allowed.args[0], 1);
	EXPECT_GT(allowed.args[0], UINT32_MAX);
	/* both make a unix socket, as far as the kernel is concerned */
	denied.args[1] = allowed.args[1] = 1;
	denied.args[2] = allowed.args[2] = 0;
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	(void)ask_kernel(p.filter, &denied);
	EXPECT_EQ(told->result, -77);
	(void)ask_kernel(p.filter, &allowed);
	EXPECT_GE(told->result, 0);
	view_free(&v);
	profile_free(&p);
}
