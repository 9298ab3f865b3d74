// SPDX-License-Identifier: Apache-2.0
/*
 * Arguments that are worth knowing. Numbers are those of the kernel's uapi headers, the same on
 * all architectures that this program knows, but for ioctl requests.
 */
#include "tools/dcosaudit/argclass.h"

#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include "agent/lib/cleanup.h"

#define INT	    UINT64_C(0xffffffff)
#define CLONE_MASK  (INT & ~UINT64_C(0xff)) /* without the signal at the end */
#define FUTEX_MASK  UINT64_C(0x7f) /* the command */
#define SOCKET_TYPE UINT64_C(0xf) /* without SOCK_CLOEXEC and SOCK_NONBLOCK */
#define PROT_MASK   UINT64_C(0x7)

static const struct arg_class classes[] = {
	{"clone", 0, ARG_FLAGS, CLONE_MASK, true, "clone flags"},
	{"unshare", 0, ARG_FLAGS, INT, true, "clone flags"},
	{"setns", 1, ARG_FLAGS, INT, true, "clone flags"},
	{"socket", 0, ARG_VALUE, INT, true, "family"},
	{"socket", 1, ARG_VALUE, SOCKET_TYPE, false, "type"},
	{"socketpair", 0, ARG_VALUE, INT, true, "family"},
	{"ioctl", 1, ARG_VALUE, INT, true, "request"},
	{"prctl", 0, ARG_VALUE, INT, true, "option"},
	{"bpf", 0, ARG_VALUE, INT, true, "command"},
	{"keyctl", 0, ARG_VALUE, INT, true, "command"},
	{"ptrace", 0, ARG_VALUE, INT, true, "request"},
	{"personality", 0, ARG_VALUE, INT, true, "persona"},
	{"fcntl", 1, ARG_VALUE, INT, false, "command"},
	{"futex", 1, ARG_VALUE, FUTEX_MASK, false, "command"},
	{"madvise", 2, ARG_VALUE, INT, false, "advice"},
	{"mmap", 2, ARG_FLAGS, PROT_MASK, false, "protection"},
	{"mprotect", 2, ARG_FLAGS, PROT_MASK, false, "protection"},
	{"setsockopt", 1, ARG_VALUE, INT, false, "level"},
	{"seccomp", 0, ARG_VALUE, INT, false, "operation"},
};

/* Arguments of type int or unsigned int: the kernel cuts the register. */
static const struct {
	const char *call;
	uint8_t args; /* bit n is argument n */
} ints[] = {
	{"socket", 0x7},
	{"socketpair", 0x7},
	{"ioctl", 0x3},
	{"prctl", 0x1},
	{"bpf", 0x5},
	{"keyctl", 0x1},
	{"personality", 0x1},
	{"fcntl", 0x3},
	{"futex", 0x2},
	{"madvise", 0x4},
	{"setsockopt", 0x7},
	{"seccomp", 0x3},
	{"setns", 0x3},
	{"kill", 0x3},
	{"tgkill", 0x7},
	{"tkill", 0x3},
	{"umount2", 0x2},
	{"clock_settime", 0x1},
	{"arch_prctl", 0x1},
	{"memfd_create", 0x2},
	{"syslog", 0x5},
	{"reboot", 0x7},
	{"quotactl", 0x1},
	{"open", 0x2},
	{"openat", 0x5},
	{"getsockopt", 0x7},
	{"shmctl", 0x3},
	{"msgctl", 0x3},
	{"sched_setscheduler", 0x3},
	{"userfaultfd", 0x1},
	{"setpriority", 0x7},
	{"fchmodat", 0x1},
	{"mknodat", 0x1},
	{"perf_event_open", 0xe},
};

/* clone and unshare: the kernel takes the low half of the one and refuses the high of the other. */
bool arg_is_int(const char *call, uint32_t arg)
{
	if (!strcmp(call, "clone") && arg == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(ints); i++)
		if (!strcmp(ints[i].call, call))
			return ints[i].args >> arg & 1;
	return false;
}

struct word {
	uint64_t value;
	const char *name;
};

#define WORD(x)                                                                                    \
	{                                                                                          \
		(uint64_t)(x), #x                                                                  \
	}

static const struct word clone_flags[] = {
	WORD(CLONE_VM),
	WORD(CLONE_FS),
	WORD(CLONE_FILES),
	WORD(CLONE_SIGHAND),
	WORD(CLONE_PIDFD),
	WORD(CLONE_PTRACE),
	WORD(CLONE_VFORK),
	WORD(CLONE_PARENT),
	WORD(CLONE_THREAD),
	WORD(CLONE_NEWNS),
	WORD(CLONE_SYSVSEM),
	WORD(CLONE_SETTLS),
	WORD(CLONE_PARENT_SETTID),
	WORD(CLONE_CHILD_CLEARTID),
	WORD(CLONE_DETACHED),
	WORD(CLONE_UNTRACED),
	WORD(CLONE_CHILD_SETTID),
	WORD(CLONE_NEWCGROUP),
	WORD(CLONE_NEWUTS),
	WORD(CLONE_NEWIPC),
	WORD(CLONE_NEWUSER),
	WORD(CLONE_NEWPID),
	WORD(CLONE_NEWNET),
	WORD(CLONE_IO),
	{0x80, "CLONE_NEWTIME"},
};

static const struct word families[] = {
	WORD(AF_UNSPEC), WORD(AF_UNIX), WORD(AF_INET),	  WORD(AF_AX25),    WORD(AF_X25),
	WORD(AF_INET6),	 WORD(AF_KEY),	WORD(AF_NETLINK), WORD(AF_PACKET),  WORD(AF_RDS),
	WORD(AF_PPPOX),	 WORD(AF_LLC),	WORD(AF_CAN),	  WORD(AF_TIPC),    WORD(AF_BLUETOOTH),
	WORD(AF_ALG),	 WORD(AF_NFC),	WORD(AF_VSOCK),	  WORD(AF_QIPCRTR), WORD(AF_SMC),
	WORD(AF_XDP),
};

static const struct word types[] = {
	WORD(SOCK_STREAM), WORD(SOCK_DGRAM),	 WORD(SOCK_RAW),
	WORD(SOCK_RDM),	   WORD(SOCK_SEQPACKET), WORD(SOCK_DCCP),
};

static const struct word requests[] = {
	WORD(TCGETS),	  WORD(TCSETS),	   WORD(TCSETSW),   WORD(TCSETSF),    WORD(TIOCGWINSZ),
	WORD(TIOCSWINSZ), WORD(TIOCGPGRP), WORD(TIOCSPGRP), WORD(TIOCSCTTY),  WORD(TIOCNOTTY),
	WORD(TIOCSTI),	  WORD(TIOCLINUX), WORD(TIOCGPTN),  WORD(TIOCSPTLCK), WORD(FIONREAD),
	WORD(FIONBIO),	  WORD(FIOCLEX),   WORD(FIONCLEX),  WORD(FIOASYNC),
};

static const struct word prctls[] = {
	WORD(PR_SET_PDEATHSIG),
	WORD(PR_GET_DUMPABLE),
	WORD(PR_SET_DUMPABLE),
	WORD(PR_SET_KEEPCAPS),
	WORD(PR_GET_NAME),
	WORD(PR_SET_NAME),
	WORD(PR_GET_SECCOMP),
	WORD(PR_SET_SECCOMP),
	WORD(PR_CAPBSET_READ),
	WORD(PR_CAPBSET_DROP),
	WORD(PR_SET_TIMERSLACK),
	WORD(PR_SET_MM),
	WORD(PR_SET_PTRACER),
	WORD(PR_SET_CHILD_SUBREAPER),
	WORD(PR_SET_NO_NEW_PRIVS),
	WORD(PR_GET_NO_NEW_PRIVS),
	WORD(PR_SET_THP_DISABLE),
	WORD(PR_CAP_AMBIENT),
	WORD(PR_SET_SPECULATION_CTRL),
	{0x53564d41, "PR_SET_VMA"},
};

static const struct word bpf_commands[] = {
	WORD(BPF_MAP_CREATE),
	WORD(BPF_MAP_LOOKUP_ELEM),
	WORD(BPF_MAP_UPDATE_ELEM),
	WORD(BPF_MAP_DELETE_ELEM),
	WORD(BPF_MAP_GET_NEXT_KEY),
	WORD(BPF_PROG_LOAD),
	WORD(BPF_OBJ_PIN),
	WORD(BPF_OBJ_GET),
	WORD(BPF_PROG_ATTACH),
	WORD(BPF_PROG_DETACH),
	WORD(BPF_PROG_GET_NEXT_ID),
	WORD(BPF_PROG_GET_FD_BY_ID),
	WORD(BPF_OBJ_GET_INFO_BY_FD),
	WORD(BPF_RAW_TRACEPOINT_OPEN),
	WORD(BPF_BTF_LOAD),
	WORD(BPF_LINK_CREATE),
};

static const struct word keyctls[] = {
	WORD(KEYCTL_GET_KEYRING_ID), WORD(KEYCTL_JOIN_SESSION_KEYRING),
	WORD(KEYCTL_UPDATE),	     WORD(KEYCTL_REVOKE),
	WORD(KEYCTL_DESCRIBE),	     WORD(KEYCTL_LINK),
	WORD(KEYCTL_SEARCH),	     WORD(KEYCTL_READ),
	WORD(KEYCTL_SETPERM),
};

static const struct word ptraces[] = {
	{0, "PTRACE_TRACEME"},
	{1, "PTRACE_PEEKTEXT"},
	{2, "PTRACE_PEEKDATA"},
	{3, "PTRACE_PEEKUSR"},
	{4, "PTRACE_POKETEXT"},
	{5, "PTRACE_POKEDATA"},
	{7, "PTRACE_CONT"},
	{8, "PTRACE_KILL"},
	{9, "PTRACE_SINGLESTEP"},
	{16, "PTRACE_ATTACH"},
	{17, "PTRACE_DETACH"},
	{24, "PTRACE_SYSCALL"},
	{0x4200, "PTRACE_SETOPTIONS"},
	{0x4204, "PTRACE_GETREGSET"},
	{0x4206, "PTRACE_SEIZE"},
};

static const struct word protections[] = {
	WORD(PROT_READ),
	WORD(PROT_WRITE),
	WORD(PROT_EXEC),
};

static const struct {
	const char *what;
	const struct word *words;
	size_t nr;
	const char *none; /* flags: the name of 0 */
	const char *call; /* NULL: any */
} vocabularies[] = {
	{"clone flags", clone_flags, ARRAY_SIZE(clone_flags), "none", NULL},
	{"family", families, ARRAY_SIZE(families), NULL, NULL},
	{"type", types, ARRAY_SIZE(types), NULL, NULL},
	{"request", requests, ARRAY_SIZE(requests), NULL, "ioctl"},
	{"request", ptraces, ARRAY_SIZE(ptraces), NULL, "ptrace"},
	{"option", prctls, ARRAY_SIZE(prctls), NULL, NULL},
	{"command", bpf_commands, ARRAY_SIZE(bpf_commands), NULL, "bpf"},
	{"command", keyctls, ARRAY_SIZE(keyctls), NULL, "keyctl"},
	{"protection", protections, ARRAY_SIZE(protections), "PROT_NONE", NULL},
};

const struct arg_class *arg_classes(size_t *ret_nr)
{
	*ret_nr = ARRAY_SIZE(classes);
	return classes;
}

const struct arg_class *arg_class_find(const char *call, uint32_t arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i].arg == arg && !strcmp(classes[i].call, call))
			return &classes[i];
	return NULL;
}

static void flags_text(const struct word *words, size_t nr, const char *none, uint64_t value,
		       char *buf, size_t size)
{
	size_t len = 0;
	int n = 0;

	if (!value)
		(void)snprintf(buf, size, "%s", none);
	for (size_t i = 0; i < nr && len < size; i++) {
		if (!(value & words[i].value))
			continue;
		n = snprintf(buf + len, size - len, "%s%s", len ? "|" : "", words[i].name);
		len += n > 0 ? (size_t)n : 0;
		value &= ~words[i].value;
	}
	if (value && len < size) /* cut if it does not fit */
		(void)snprintf(buf + len, size - len, "%s0x%llx", len ? "|" : "",
			       (unsigned long long)value);
}

static const char *word_of(const struct word *words, size_t nr, uint64_t value)
{
	for (size_t i = 0; i < nr; i++)
		if (words[i].value == value)
			return words[i].name;
	return NULL;
}

const char *arg_value_text(const struct arg_class *c, uint64_t value, char *buf, size_t size)
{
	const char *name = NULL;

	(void)snprintf(buf, size, value < 10 ? "%llu" : "0x%llx", (unsigned long long)value);
	for (size_t i = 0; i < ARRAY_SIZE(vocabularies); i++) {
		if (strcmp(vocabularies[i].what, c->what) ||
		    (vocabularies[i].call && strcmp(vocabularies[i].call, c->call)))
			continue;
		if (c->kind == ARG_FLAGS)
			flags_text(vocabularies[i].words, vocabularies[i].nr, vocabularies[i].none,
				   value, buf, size);
		else
			name = word_of(vocabularies[i].words, vocabularies[i].nr, value);
	}
	if (name)
		(void)snprintf(buf, size, "%s", name);
	return buf;
}
