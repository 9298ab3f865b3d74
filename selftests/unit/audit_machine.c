// SPDX-License-Identifier: Apache-2.0
/*
 * The classic BPF machine against the kernel's: the same programs are accepted, and a child that
 * made a call under one saw the verdict that was computed.
 */
#include "tools/dcosaudit/machine.h"

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"

#define PROGRAMS 1500
#define LONGEST	 12 /* instructions */

static unsigned int state = 7;

static uint32_t draw(uint32_t below)
{
	return (uint32_t)rand_r(&state) % below;
}

/* What the child tells its parent without a system call. */
struct told {
	int refused; /* errno of the load, 0: accepted */
	int called; /* the call came back ... */
	long result; /* ... with this, errors negative */
};

static long raw_getppid(const uint64_t a[static 6])
{
	long r = syscall(SYS_getppid, a[0], a[1], a[2], a[3], a[4], a[5]);

	return r < 0 ? -errno : r;
}

/* Load a program in a child and make one call, whose arguments the kernel does not look at. */
static struct told try_it(const struct sock_fprog *prog, const uint64_t args[static 6],
			  int *ret_status)
{
	struct told *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct told copy;
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, prog) < 0) {
			told->refused = errno;
			_exit(0);
		}
		told->result = raw_getppid(args);
		told->called = 1;
		syscall(SYS_exit_group, 0); /* may be denied: a fault ends it as well */
		__builtin_trap();
	}
	(void)waitpid(pid, ret_status, 0);
	copy = *told;
	(void)munmap(told, sizeof(*told));
	return copy;
}

static struct sock_filter random_instruction(unsigned int left)
{
	static const uint16_t codes[] = {
		BPF_LD | BPF_W | BPF_ABS,
		BPF_LD | BPF_W | BPF_ABS,
		BPF_LD | BPF_W | BPF_LEN,
		BPF_LDX | BPF_W | BPF_LEN,
		BPF_LD | BPF_IMM,
		BPF_LDX | BPF_IMM,
		BPF_MISC | BPF_TAX,
		BPF_MISC | BPF_TXA,
		BPF_LD | BPF_MEM,
		BPF_LDX | BPF_MEM,
		BPF_ST,
		BPF_STX,
		BPF_ALU | BPF_ADD | BPF_K,
		BPF_ALU | BPF_SUB | BPF_X,
		BPF_ALU | BPF_MUL | BPF_K,
		BPF_ALU | BPF_DIV | BPF_X,
		BPF_ALU | BPF_DIV | BPF_K,
		BPF_ALU | BPF_AND | BPF_K,
		BPF_ALU | BPF_OR | BPF_X,
		BPF_ALU | BPF_XOR | BPF_K,
		BPF_ALU | BPF_LSH | BPF_K,
		BPF_ALU | BPF_RSH | BPF_X,
		BPF_ALU | BPF_NEG,
		BPF_ALU | BPF_MOD | BPF_K,
		BPF_JMP | BPF_JA,
		BPF_JMP | BPF_JEQ | BPF_K,
		BPF_JMP | BPF_JGT | BPF_X,
		BPF_JMP | BPF_JGE | BPF_K,
		BPF_JMP | BPF_JSET | BPF_K,
		BPF_RET | BPF_K,
		BPF_RET | BPF_A,
		BPF_LD | BPF_H | BPF_ABS,
		BPF_LD | BPF_W | BPF_IND,
	};
	struct sock_filter i = {
		.code = draw(40) ? codes[draw(ARRAY_SIZE(codes))] : (uint16_t)draw(0x10000),
		.jt = (uint8_t)draw(left + 1),
		.jf = (uint8_t)draw(left + 1),
		.k = draw(4) ? draw(40) * 4 : draw(70),
	};

	if (BPF_CLASS(i.code) == BPF_JMP)
		i.k = BPF_OP(i.code) == BPF_JA ? draw(left + 1) : draw(8);
	if (BPF_CLASS(i.code) == BPF_ST || BPF_CLASS(i.code) == BPF_STX ||
	    BPF_MODE(i.code) == BPF_MEM)
		i.k = draw(18);
	if (i.code == (BPF_LD | BPF_W | BPF_ABS) && (i.k == 8 || i.k == 12))
		i.k = 0; /* the instruction pointer is the child's own */
	if (i.code == (BPF_RET | BPF_K))
		i.k = draw(3) ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | draw(200);
	return i;
}

static struct sock_fprog random_program(struct sock_filter code[static LONGEST])
{
	unsigned short len = (unsigned short)(1 + draw(LONGEST));

	for (unsigned short i = 0; i < len; i++)
		code[i] = random_instruction(len - i - 1U);
	if (draw(10))
		code[len - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
							     draw(2) ? SECCOMP_RET_ALLOW
								     : SECCOMP_RET_ERRNO | 9);
	return (struct sock_fprog){len, code};
}

static void expect_same(const struct sock_fprog *prog, const struct told *told, int status,
			const uint64_t args[static 6], int round)
{
	struct seccomp_data d = {.nr = SYS_getppid, .arch = seccomp_arch_native()};
	uint32_t verdict, data;

	memcpy(d.args, args, sizeof(d.args));
	verdict = cbpf_run(prog, &d, NULL);
	data = verdict & SECCOMP_RET_DATA;
	switch (verdict & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		if (!told->called || told->result != getpid())
			test_fail(__FILE__, __LINE__, "round %d: allowed, but %d %ld", round,
				  told->called, told->result);
		break;
	case SECCOMP_RET_ERRNO: /* the kernel has no errno above 4095 */
		if (!told->called || told->result != -(long)(data > 4095 ? 4095 : data))
			test_fail(__FILE__, __LINE__, "round %d: errno %u, but %d %ld", round, data,
				  told->called, told->result);
		break;
	case SECCOMP_RET_TRACE: /* without a tracer */
	case SECCOMP_RET_USER_NOTIF: /* without a listener */
		if (!told->called || told->result != -ENOSYS)
			test_fail(__FILE__, __LINE__, "round %d: asked, but %d %ld", round,
				  told->called, told->result);
		break;
	default:
		if (told->called || !WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			test_fail(__FILE__, __LINE__, "round %d: verdict %#x, but status %#x",
				  round, verdict, status);
	}
}

TEST(random_programs_are_judged_and_run_as_the_kernel_does)
{
	struct sock_filter code[LONGEST];
	int accepted = 0;

	for (int round = 0; round < PROGRAMS; round++) {
		struct sock_fprog prog = random_program(code);
		uint64_t args[6];
		struct why why = {};
		struct told told;
		int status = 0, err = cbpf_check(&prog, &why);

		for (size_t i = 0; i < 6; i++)
			args[i] = (uint64_t)draw(20) << (draw(2) ? 32 : 0);
		told = try_it(&prog, args, &status);
		if (err != -told.refused) {
			test_fail(__FILE__, __LINE__, "round %d: %s, the kernel: %s", round,
				  err ? why.text : "accepted", strerror(told.refused));
			continue;
		}
		if (err)
			continue;
		accepted++;
		expect_same(&prog, &told, status, args, round);
	}
	EXPECT_GT(accepted, PROGRAMS / 10);
	EXPECT_LT(accepted, PROGRAMS);
}

TEST(instructions_are_counted)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_ALU | BPF_NEG, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
	};
	const struct sock_fprog prog = {ARRAY_SIZE(code), code};
	struct seccomp_data d = {.nr = 7};
	unsigned int steps = 0;

	EXPECT_EQ(cbpf_run(&prog, &d, &steps), SECCOMP_RET_ALLOW);
	EXPECT_EQ(steps, 3);
	d.nr = 8;
	EXPECT_EQ(cbpf_run(&prog, &d, &steps), SECCOMP_RET_TRAP);
	EXPECT_EQ(steps, 4);
}

TEST(a_program_that_seccomp_does_not_take_is_named)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {ARRAY_SIZE(code), code};
	struct why why = {};

	EXPECT_EQ(cbpf_check(&prog, &why), -EINVAL);
	EXPECT_STREQ(why.text, "instruction 0, code 0x20 with 0x40: seccomp does not take it");
	prog.len = 0;
	why.text[0] = '\0';
	EXPECT_EQ(cbpf_check(&prog, &why), -EINVAL);
	EXPECT_STREQ(why.text, "a filter has 1 to 4096 instructions, not 0");
}
