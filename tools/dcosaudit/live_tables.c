// SPDX-License-Identifier: Apache-2.0
/* What the BPF programs know of each call before they see one. */
#include <seccomp.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/dcosaudit/argclass.h"
#include "tools/dcosaudit/calls.h"
#include "tools/dcosaudit/live_impl.h"
#include "tools/dcosaudit/machine.h"

/*
 * In these a server waits for its clients: whoever comes so far has started. Not wait4: a shell
 * waits in it for what it starts.
 */
static const char *const waits[] = {
	"accept",	"accept4",    "epoll_wait",    "epoll_pwait",	  "epoll_pwait2",
	"poll",		"ppoll",      "select",	       "_newselect",	  "pselect6",
	"pause",	"sigsuspend", "rt_sigsuspend", "rt_sigtimedwait", "io_uring_enter",
	"io_getevents",
};

static const char *const execs[] = {"execve", "execveat"};

uint32_t live_numbering_arch(uint32_t numbering)
{
	static const uint32_t arches[] = {
		[DCOS_NR_NATIVE] = SCMP_ARCH_X86_64,
		[DCOS_NR_COMPAT] = SCMP_ARCH_X86,
		[DCOS_NR_X32] = SCMP_ARCH_X32,
	};

	return numbering < ARRAY_SIZE(arches) ? arches[numbering] : 0;
}

static struct dcos_audit_rule *rule_of(struct dcos_audit_rule *rules, uint32_t arch,
				       const char *call)
{
	int nr = seccomp_syscall_resolve_name_arch(arch, call);

	if (nr < 0)
		return NULL; /* not in this numbering */
	nr &= ~X32_BIT;
	return nr < (int)DCOS_AUDIT_CALLS ? &rules[nr] : NULL;
}

static void flags_set(struct dcos_audit_rule *rules, uint32_t arch, const char *const *names,
		      size_t nr, uint32_t flag)
{
	for (size_t i = 0; i < nr; i++) {
		struct dcos_audit_rule *r = rule_of(rules, arch, names[i]);

		if (r)
			r->flags |= flag;
	}
}

static void class_set(struct dcos_audit_rule *r, const struct arg_class *k)
{
	for (size_t i = 0; i < DCOS_AUDIT_ARGS; i++) {
		if (r->mask[i])
			continue;
		r->mask[i] = (uint32_t)k->mask; /* they are all of 32 bits */
		r->arg[i] = (uint8_t)k->arg;
		return;
	}
}

void live_rules(struct dcos_audit_rule rules[DCOS_NUMBERINGS][DCOS_AUDIT_CALLS])
{
	const struct arg_class *classes;
	size_t nr;

	classes = arg_classes(&nr);
	for (uint32_t n = 0; n < DCOS_NUMBERINGS; n++) {
		uint32_t arch = live_numbering_arch(n);

		flags_set(rules[n], arch, waits, ARRAY_SIZE(waits), DCOS_CALL_WAITS);
		flags_set(rules[n], arch, execs, ARRAY_SIZE(execs), DCOS_CALL_EXECS);
		for (size_t i = 0; i < nr; i++) {
			struct dcos_audit_rule *r = rule_of(rules[n], arch, classes[i].call);

			if (r)
				class_set(r, &classes[i]);
		}
	}
}

/* A jump that depends on the accumulator and a constant. Return: false: another instruction */
static bool jump(const struct sock_filter *i, uint32_t a, unsigned int *pc)
{
	bool yes;

	switch (i->code) {
	case BPF_JMP | BPF_JA:
		*pc += i->k;
		return true;
	case BPF_JMP | BPF_JEQ | BPF_K:
		yes = a == i->k;
		break;
	case BPF_JMP | BPF_JGT | BPF_K:
		yes = a > i->k;
		break;
	case BPF_JMP | BPF_JGE | BPF_K:
		yes = a >= i->k;
		break;
	case BPF_JMP | BPF_JSET | BPF_K:
		yes = a & i->k;
		break;
	default:
		return false;
	}
	*pc += yes ? i->jt : i->jf;
	return true;
}

/*
 * The verdict if number and architecture are enough for it, as the kernel does for its bitmap of
 * allowed calls. What is not understood here varies, which is slower and never wrong.
 */
static bool constant(const struct sock_fprog *prog, const struct seccomp_data *data, uint32_t *ret)
{
	uint32_t a = 0;

	for (unsigned int pc = 0; pc < prog->len; pc++) {
		const struct sock_filter *i = &prog->filter[pc];

		if (i->code == (BPF_LD | BPF_W | BPF_ABS) &&
		    i->k < offsetof(struct seccomp_data, instruction_pointer)) {
			a = cbpf_get_word(data, i->k / sizeof(a));
		} else if (i->code == (BPF_ALU | BPF_AND | BPF_K)) {
			a &= i->k;
		} else if (i->code == (BPF_RET | BPF_K)) {
			*ret = i->k;
			return true;
		} else if (!jump(i, a, &pc)) {
			return false;
		}
	}
	return false;
}

void live_verdicts(const struct sock_fprog *prog,
		   uint32_t verdicts[DCOS_NUMBERINGS][DCOS_AUDIT_CALLS],
		   uint8_t varies[DCOS_NUMBERINGS][DCOS_AUDIT_CALLS])
{
	for (uint32_t n = 0; n < DCOS_NUMBERINGS; n++)
		for (int nr = 0; nr < (int)DCOS_AUDIT_CALLS; nr++) {
			const struct seccomp_data data = {
				.nr = n == DCOS_NR_X32 ? nr | X32_BIT : nr,
				.arch = arch_audit(live_numbering_arch(n)),
			};

			varies[n][nr] = !constant(prog, &data, &verdicts[n][nr]);
		}
}
