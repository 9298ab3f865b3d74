// SPDX-License-Identifier: Apache-2.0
/*
 * The programs of dcosaudit against the kernel: a process makes calls that are known in number and
 * arguments, and what was counted must be just that; what a candidate would have said must be what
 * the machine in user space says.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "cgroupfs/cgroupfs.h"
#include "selftests/harness/spawn.h"
#include "selftests/harness/test.h"
#include "tools/dcosaudit/calls.h"
#include "tools/dcosaudit/collect.h"
#include "tools/dcosaudit/machine.h"
#include "tools/dcosaudit/refusal.h"

#define NR_NONE	  700 /* no system call, and beyond those that have a place of their own */
#define CALLS	  1000
#define PROGRAMS  60
#define TRIES	  40 /* calls for each program */
#define ARGS_SEEN 3 /* values that arguments are drawn from, plus others */

/* A cgroup that may have processes: the one of the test has controllers for its children. */
static int leaf(void)
{
	int fd = cg_open(test_cgroup(), "leaf", true);

	ASSERT_TRUE(fd >= 0);
	return fd;
}

static struct target process(const struct spawned *s)
{
	return (struct target){
		.kind = TARGET_PROCESS,
		.name = "child",
		.starting = true,
		.pid = s->pid,
		.pidfd = -1,
		.cgroup_fd = -1,
		.start_fd = -1,
	};
}

/* Audit a child from its word to its end. */
static struct live *audited(struct spawned *s, enum live_what what, const struct sock_fprog *prog,
			    int *ret_status)
{
	struct target t = process(s);
	struct live *l = NULL;
	struct why why = {};

	if (live_open(&t, what, prog, &l, &why) < 0) {
		test_fail(__FILE__, __LINE__, "live_open: %s", why.text);
		spawn_go(s);
		(void)spawn_end(s);
		test_abort();
	}
	live_state(l)->on = 1;
	spawn_go(s);
	*ret_status = spawn_end(s);
	live_state(l)->on = 0;
	EXPECT_EQ(live_state(l)->lost, 0);
	EXPECT_EQ(live_state(l)->storage_failed, 0);
	return l;
}

static struct recording recorded(int (*fn)(const struct spawn_child *c), int *ret_status)
{
	struct spawned s = spawn(leaf(), 0, fn, NULL);
	struct recording r = {};
	struct target t;
	struct live *l;

	ASSERT_EQ(spawn_listen(&s), 1);
	t = process(&s);
	l = audited(&s, LIVE_RECORD, NULL, ret_status);
	ASSERT_EQ(collect(l, &t, 0, &r), 0);
	EXPECT_EQ(r.lost, 0);
	live_close(l);
	return r;
}

static const struct rec_call empty;

static const struct rec_call *call_of(const struct recording *r, enum rec_part part, uint32_t arch,
				      int nr)
{
	for (size_t i = 0; i < r->parts[part].nr; i++)
		if (r->parts[part].calls[i].nr == nr && r->parts[part].calls[i].arch == arch)
			return &r->parts[part].calls[i];
	return &empty;
}

static const struct rec_call *native(const struct recording *r, int nr)
{
	return call_of(r, REC_STARTUP, SCMP_ARCH_X86_64, nr);
}

static uint64_t error_of(const struct rec_call *c, uint32_t err)
{
	for (size_t i = 0; i < c->errors_nr; i++)
		if (c->errors[i].err == err)
			return c->errors[i].count;
	return 0;
}

static uint64_t class_of(const struct rec_call *c, uint32_t arg, uint64_t value)
{
	for (size_t i = 0; i < c->classes_nr; i++)
		if (c->classes[i].arg == arg && c->classes[i].value == value)
			return c->classes[i].count;
	return 0;
}

/* ---- record ---- */

static int make_calls(const struct spawn_child *c)
{
	spawn_tell(c, 1);
	spawn_hold(c);
	for (int i = 0; i < CALLS; i++)
		(void)syscall(SYS_getppid);
	for (int i = 0; i < 3; i++)
		(void)syscall(SYS_open, "/does/not/exist", O_RDONLY);
	(void)syscall(SYS_open, "/etc/passwd/x", O_RDONLY);
	for (int i = 0; i < 7; i++)
		(void)close(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	(void)socket(99, SOCK_STREAM, 0);
	for (int i = 0; i < 5; i++)
		(void)syscall(NR_NONE, 1, 2, 3);
	return 0;
}

TEST(record_counts_calls_errors_and_arguments_exactly, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	int status = -1;
	struct recording r = recorded(make_calls, &status);

	EXPECT_EQ(status, 0);
	EXPECT_EQ(native(&r, SYS_getppid)->count, CALLS);
	EXPECT_EQ(native(&r, SYS_getppid)->denied, 0);
	EXPECT_EQ(native(&r, SYS_open)->count, 4);
	EXPECT_EQ(error_of(native(&r, SYS_open), ENOENT), 3);
	EXPECT_EQ(error_of(native(&r, SYS_open), ENOTDIR), 1);
	EXPECT_EQ(native(&r, SYS_socket)->count, 8);
	EXPECT_EQ(error_of(native(&r, SYS_socket), EAFNOSUPPORT), 1);
	EXPECT_EQ(class_of(native(&r, SYS_socket), 0, AF_UNIX), 7);
	EXPECT_EQ(class_of(native(&r, SYS_socket), 0, 99), 1);
	EXPECT_EQ(class_of(native(&r, SYS_socket), 1, SOCK_DGRAM), 7);
	EXPECT_EQ(native(&r, NR_NONE)->count, 5);
	EXPECT_EQ(error_of(native(&r, NR_NONE), ENOSYS), 5);
	EXPECT_EQ(r.parts[REC_RUNNING].nr, 0);
	rec_free(&r);
}

static int many_values(const struct spawn_child *c)
{
	spawn_tell(c, 1);
	spawn_hold(c);
	for (int i = 0; i < 40; i++)
		(void)syscall(SYS_prctl, 100000 + i);
	return 0;
}

TEST(record_keeps_values_beyond_those_that_have_a_place, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	int status = -1;
	struct recording r = recorded(many_values, &status);

	for (uint64_t i = 0; i < 40; i++)
		EXPECT_EQ(class_of(native(&r, SYS_prctl), 0, 100000 + i), 1);
	EXPECT_EQ(error_of(native(&r, SYS_prctl), EINVAL), 40);
	EXPECT_EQ(native(&r, SYS_prctl)->classes_lost, 0);
	rec_free(&r);
}

static int wait_like_a_server(const struct spawn_child *c)
{
	spawn_tell(c, 1);
	spawn_hold(c);
	(void)syscall(SYS_getppid);
	(void)syscall(SYS_epoll_wait, -1, NULL, 0, 0);
	(void)syscall(SYS_getpgid, 0);
	return 0;
}

TEST(record_ends_the_startup_part_at_the_first_wait_for_clients, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	int status = -1;
	struct recording r = recorded(wait_like_a_server, &status);

	EXPECT_EQ(native(&r, SYS_getppid)->count, 1);
	EXPECT_EQ(native(&r, SYS_getpgid)->count, 0);
	EXPECT_EQ(call_of(&r, REC_RUNNING, SCMP_ARCH_X86_64, SYS_epoll_wait)->count, 1);
	EXPECT_EQ(call_of(&r, REC_RUNNING, SCMP_ARCH_X86_64, SYS_getpgid)->count, 1);
	rec_free(&r);
}

static int call_as_others(const struct spawn_child *c)
{
	long r = 20; /* getpid of 32-bit programs */

	spawn_tell(c, 1);
	spawn_hold(c);
	(void)syscall(X32_BIT | SYS_getpid);
	__asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
	return r > 0 ? 0 : 3;
}

TEST(record_tells_other_numberings_apart, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	int status = -1;
	struct recording r = recorded(call_as_others, &status);

	EXPECT_EQ(call_of(&r, REC_STARTUP, SCMP_ARCH_X32, X32_BIT | SYS_getpid)->count, 1);
	if (WIFSIGNALED(status) || WEXITSTATUS(status)) {
		rec_free(&r);
		test_skip("this kernel executes no 32-bit calls");
	}
	EXPECT_EQ(call_of(&r, REC_STARTUP, SCMP_ARCH_X86, 20)->count, 1);
	EXPECT_EQ(native(&r, 20)->count, 0);
	rec_free(&r);
}

static int fork_twice(const struct spawn_child *c)
{
	spawn_tell(c, 1);
	spawn_hold(c);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			(void)syscall(SYS_getpgid, 0);
			_exit(0);
		}
		(void)waitpid(pid, NULL, 0);
	}
	return 0;
}

TEST(record_follows_children_and_takes_no_birth_for_a_denial, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	int status = -1;
	struct recording r = recorded(fork_twice, &status);

	EXPECT_EQ(native(&r, SYS_getpgid)->count, 2);
	for (size_t i = 0; i < r.parts[REC_STARTUP].nr; i++)
		EXPECT_EQ(r.parts[REC_STARTUP].calls[i].denied, 0);
	rec_free(&r);
}

/* ---- denials ---- */

static void filter_rule(scmp_filter_ctx ctx, uint32_t action, int nr)
{
	if (seccomp_rule_add(ctx, action, nr, 0))
		_exit(9);
}

static void load_filter(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	filter_rule(ctx, SCMP_ACT_ERRNO(EXDEV), SYS_getppid);
	filter_rule(ctx, SCMP_ACT_TRAP, SYS_getsid);
	filter_rule(ctx, SCMP_ACT_KILL_THREAD, SYS_getpgid);
	filter_rule(ctx, SCMP_ACT_KILL_PROCESS, SYS_getpriority);
	filter_rule(ctx, SCMP_ACT_LOG, SYS_getpgrp);
	if (seccomp_load(ctx))
		_exit(9);
}

static void nothing(int sig)
{
	(void)sig;
}

static void *be_killed(void *arg)
{
	(void)syscall(SYS_getpgid, 0);
	return arg;
}

static int be_denied(const struct spawn_child *c)
{
	const struct sigaction sa = {.sa_handler = nothing};
	pthread_t t;

	spawn_tell(c, 1);
	spawn_hold(c);
	load_filter();
	for (int i = 0; i < 3; i++)
		(void)syscall(SYS_getppid);
	(void)syscall(SYS_getpgrp);
	(void)sigaction(SIGSYS, &sa, NULL); /* cannot fail */
	(void)syscall(SYS_getsid, 0);
	if (pthread_create(&t, NULL, be_killed, NULL) || pthread_join(t, NULL))
		return 8;
	(void)syscall(SYS_getpriority, 0, 0);
	return 7; /* it was killed */
}

TEST(record_tells_denied_calls_of_every_action, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	int status = -1;
	struct recording r = recorded(be_denied, &status);

	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(WTERMSIG(status), SIGSYS);
	EXPECT_EQ(native(&r, SYS_getppid)->count, 3);
	EXPECT_EQ(native(&r, SYS_getppid)->denied, 3);
	EXPECT_EQ(error_of(native(&r, SYS_getppid), EXDEV), 3);
	EXPECT_EQ(native(&r, SYS_getpgrp)->denied, 0);
	EXPECT_EQ(native(&r, SYS_getpgrp)->count, 1);
	EXPECT_EQ(native(&r, SYS_getsid)->denied, 1);
	EXPECT_EQ(native(&r, SYS_getpgid)->denied, 1);
	EXPECT_EQ(native(&r, SYS_getpriority)->denied, 1);
	rec_free(&r);
}

static uint64_t refused(const struct refusal_count *c, int nr, int call, uint32_t verdict)
{
	for (int i = 0; i < nr; i++)
		if (c[i].key.nr == call && c[i].key.verdict == verdict)
			return c[i].count;
	return 0;
}

static void expect_watched(struct live *l)
{
	cleanup_free struct refusal_count *c = NULL;
	int nr = refusal_counts(live_refusals_fd(l), &c);

	EXPECT_EQ(refused(c, nr, SYS_getpgid, SECCOMP_RET_KILL_THREAD), 1);
	EXPECT_EQ(refused(c, nr, SYS_getppid, SECCOMP_RET_ERRNO | EXDEV), 3);
	EXPECT_EQ(refused(c, nr, SYS_getsid, SECCOMP_RET_TRAP), 1);
	EXPECT_EQ(refused(c, nr, SYS_getpriority, SECCOMP_RET_KILL_PROCESS), 1);
}

TEST(watch_sees_denials_between_the_ends_of_calls, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	struct spawned s = spawn(leaf(), 0, be_denied, NULL);
	int status;

	ASSERT_EQ(spawn_listen(&s), 1);
	struct live *l = audited(&s, LIVE_WATCH, NULL, &status);

	expect_watched(l);
	live_close(l);
}

TEST(watch_sees_denials_of_a_cgroup, NEED_ROOT, NEED_CGROUP2, NEED_BPF)
{
	int cgroup = leaf(), status;
	struct spawned s = spawn(cgroup, 0, be_denied, NULL);
	struct target t = process(&s);
	struct live *l = NULL;
	struct why why = {};
	uint64_t id = 0;

	ASSERT_EQ(spawn_listen(&s), 1);
	/* its parent is outside and it has not executed anything: only trampolines see it */
	t.kind = TARGET_CGROUP;
	ASSERT_EQ(cg_id(cgroup, &id), 0);
	t.cgroup_id = id;
	ASSERT_EQ(live_open(&t, LIVE_WATCH, NULL, &l, &why), 0);
	live_state(l)->on = 1;
	spawn_go(&s);
	status = spawn_end(&s);
	EXPECT_TRUE(WIFSIGNALED(status));
	if (!live_trampoline(l)) {
		live_close(l);
		test_skip("this kernel has no BPF trampolines");
	}
	expect_watched(l);
	live_close(l);
}

/* ---- shadow ---- */

static unsigned int state = 11;

static uint32_t draw(uint32_t below)
{
	return (uint32_t)rand_r(&state) % below;
}

/* A number that does nothing whatever its arguments. */
static const int harmless[] = {
	SYS_getppid,	       SYS_getpgrp,   NR_NONE,
	NR_NONE + 1,	       500, /* none either, with a place of its own */
	X32_BIT | SYS_getpgrp, X32_BIT | 500,
};

struct made {
	struct sock_fprog prog;
	struct sock_filter code[16];
	struct seccomp_data calls[TRIES];
};

static uint64_t random_arg(void)
{
	static const uint64_t seen[ARGS_SEEN] = {0, 1, UINT64_C(0x100000001)};

	return draw(2) ? seen[draw(ARGS_SEEN)] : (uint64_t)draw(8) << (draw(2) ? 32 : 0);
}

static struct sock_filter random_instruction(unsigned int left)
{
	static const uint16_t codes[] = {
		BPF_LD | BPF_W | BPF_ABS,
		BPF_LD | BPF_W | BPF_ABS,
		BPF_LD | BPF_W | BPF_ABS,
		BPF_LD | BPF_W | BPF_LEN,
		BPF_LDX | BPF_W | BPF_LEN,
		BPF_LD | BPF_IMM,
		BPF_LDX | BPF_IMM,
		BPF_MISC | BPF_TAX,
		BPF_MISC | BPF_TXA,
		BPF_ST,
		BPF_STX,
		BPF_LD | BPF_MEM,
		BPF_LDX | BPF_MEM,
		BPF_ALU | BPF_ADD | BPF_K,
		BPF_ALU | BPF_SUB | BPF_X,
		BPF_ALU | BPF_MUL | BPF_K,
		BPF_ALU | BPF_DIV | BPF_X,
		BPF_ALU | BPF_AND | BPF_K,
		BPF_ALU | BPF_OR | BPF_X,
		BPF_ALU | BPF_XOR | BPF_K,
		BPF_ALU | BPF_LSH | BPF_X,
		BPF_ALU | BPF_RSH | BPF_K,
		BPF_ALU | BPF_NEG,
		BPF_JMP | BPF_JA,
		BPF_JMP | BPF_JEQ | BPF_K,
		BPF_JMP | BPF_JGT | BPF_X,
		BPF_JMP | BPF_JGE | BPF_K,
		BPF_JMP | BPF_JSET | BPF_X,
		BPF_RET | BPF_K,
		BPF_RET | BPF_A,
	};
	struct sock_filter i = {
		.code = codes[draw(ARRAY_SIZE(codes))],
		.jt = (uint8_t)draw(left + 1),
		.jf = (uint8_t)draw(left + 1),
		.k = draw(8),
	};

	if (i.code == (BPF_LD | BPF_W | BPF_ABS))
		i.k = draw(2) ? draw(2) * 4 : 16 + draw(12) * 4; /* not the place of the call */
	if (i.code == (BPF_JMP | BPF_JA))
		i.k = draw(left + 1);
	if (i.code == (BPF_JMP | BPF_JEQ | BPF_K) && draw(2))
		i.k = (uint32_t)harmless[draw(ARRAY_SIZE(harmless))];
	if (i.code == (BPF_RET | BPF_K))
		i.k = draw(2) ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | draw(50);
	return i;
}

static void make_program(struct made *m)
{
	struct why why;

	do {
		unsigned short len = (unsigned short)(2 + draw(ARRAY_SIZE(m->code) - 1));

		for (unsigned short i = 0; i < len; i++)
			m->code[i] = random_instruction(len - i - 1U);
		m->code[len - 1] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 9);
		m->prog = (struct sock_fprog){len, m->code};
		why = (struct why){};
	} while (cbpf_check(&m->prog, &why) < 0);
	for (int i = 0; i < TRIES; i++) {
		m->calls[i].nr = harmless[draw(ARRAY_SIZE(harmless))];
		m->calls[i].arch = AUDIT_ARCH_X86_64;
		for (int a = 0; a < 6; a++)
			m->calls[i].args[a] = random_arg();
	}
}

static int make_random_calls(const struct spawn_child *c)
{
	const struct made *m = c->arg;

	spawn_tell(c, 1);
	spawn_hold(c);
	for (int i = 0; i < TRIES; i++) {
		const uint64_t *a = (const uint64_t *)m->calls[i].args;

		(void)syscall(m->calls[i].nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	return 0;
}

static bool allows(uint32_t verdict)
{
	return (verdict & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW ||
	       (verdict & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_LOG;
}

/* How often the machine in user space gives a verdict to a number, of the calls that are made. */
static uint64_t wanted(const struct made *m, int nr, uint32_t verdict)
{
	uint64_t n = 0;

	for (int i = 0; i < TRIES; i++)
		n += m->calls[i].nr == nr && cbpf_run(&m->prog, &m->calls[i], NULL) == verdict;
	return n;
}

static void compare(const struct made *m, const struct refusal_count *c, int nr)
{
	uint64_t all = 0, got = 0;

	for (int i = 0; i < TRIES; i++)
		all += !allows(cbpf_run(&m->prog, &m->calls[i], NULL));
	for (int i = 0; i < nr; i++) {
		bool ours = false;

		for (size_t k = 0; k < ARRAY_SIZE(harmless); k++)
			ours |= harmless[k] == c[i].key.nr;
		if (!ours)
			continue; /* what the child does beside */
		EXPECT_EQ(c[i].count, wanted(m, c[i].key.nr, c[i].key.verdict));
		got += c[i].count;
	}
	EXPECT_EQ(got, all);
}

TEST(shadow_says_what_the_filter_would_for_random_programs_and_calls, NEED_ROOT, NEED_CGROUP2,
     NEED_BPF)
{
	int cgroup = leaf();

	for (int i = 0; i < PROGRAMS; i++) {
		cleanup_free struct refusal_count *c = NULL;
		struct made m = {};
		int status = -1, nr;

		make_program(&m);
		struct spawned s = spawn(cgroup, 0, make_random_calls, &m);

		ASSERT_EQ(spawn_listen(&s), 1);
		struct live *l = audited(&s, LIVE_SHADOW, &m.prog, &status);

		EXPECT_EQ(status, 0);
		nr = refusal_counts(live_refusals_fd(l), &c);
		compare(&m, c, nr);
		live_close(l);
	}
}

static int be_denied_little(const struct spawn_child *c)
{
	spawn_tell(c, 1);
	spawn_hold(c);
	load_filter();
	(void)syscall(SYS_getppid);
	return 0;
}

TEST(shadow_tells_what_the_present_filter_denies_and_the_candidate_would_not, NEED_ROOT,
     NEED_CGROUP2, NEED_BPF)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	const struct sock_fprog prog = {ARRAY_SIZE(code), code};
	struct spawned s = spawn(leaf(), 0, be_denied_little, NULL);
	cleanup_free struct refusal_count *c = NULL;
	int status = -1, nr;

	ASSERT_EQ(spawn_listen(&s), 1);
	struct live *l = audited(&s, LIVE_SHADOW, &prog, &status);

	nr = refusal_counts(live_refusals_fd(l), &c);
	ASSERT_EQ(nr, 1);
	EXPECT_EQ(c[0].key.nr, SYS_getppid);
	EXPECT_EQ(c[0].key.now, 1);
	EXPECT_EQ(c[0].key.verdict, SECCOMP_RET_ALLOW);
	EXPECT_EQ(c[0].count, 1);
	live_close(l);
}
