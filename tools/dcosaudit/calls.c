// SPDX-License-Identifier: Apache-2.0
/*
 * Names and numbers by libseccomp; calls that are newer than it from the table here, since a
 * filter decides them, too. Since 5.1 new calls have the same number on every architecture.
 * Source: syscalls(2); arch/x86/entry/syscalls and include/uapi/asm-generic/unistd.h of the kernel.
 */
#include "tools/dcosaudit/calls.h"

#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/rows.h"

#define NUMBER_OLD (-1) /* differs by architecture; libseccomp knows it */

/* Calls that came after Linux 3.0. */
static const struct newer {
	const char *name;
	int nr;
	const char *since;
} newer[] = {
	{"sendmmsg", NUMBER_OLD, "3.0"},
	{"setns", NUMBER_OLD, "3.0"},
	{"process_vm_readv", NUMBER_OLD, "3.2"},
	{"process_vm_writev", NUMBER_OLD, "3.2"},
	{"kcmp", NUMBER_OLD, "3.5"},
	{"finit_module", NUMBER_OLD, "3.8"},
	{"sched_setattr", NUMBER_OLD, "3.14"},
	{"sched_getattr", NUMBER_OLD, "3.14"},
	{"renameat2", NUMBER_OLD, "3.15"},
	{"seccomp", NUMBER_OLD, "3.17"},
	{"getrandom", NUMBER_OLD, "3.17"},
	{"memfd_create", NUMBER_OLD, "3.17"},
	{"kexec_file_load", NUMBER_OLD, "3.17"},
	{"bpf", NUMBER_OLD, "3.18"},
	{"execveat", NUMBER_OLD, "3.19"},
	{"userfaultfd", NUMBER_OLD, "4.3"},
	{"membarrier", NUMBER_OLD, "4.3"},
	{"mlock2", NUMBER_OLD, "4.4"},
	{"copy_file_range", NUMBER_OLD, "4.5"},
	{"preadv2", NUMBER_OLD, "4.6"},
	{"pwritev2", NUMBER_OLD, "4.6"},
	{"pkey_mprotect", NUMBER_OLD, "4.9"},
	{"pkey_alloc", NUMBER_OLD, "4.9"},
	{"pkey_free", NUMBER_OLD, "4.9"},
	{"statx", NUMBER_OLD, "4.11"},
	{"io_pgetevents", NUMBER_OLD, "4.18"},
	{"rseq", NUMBER_OLD, "4.18"},
	{"pidfd_send_signal", 424, "5.1"},
	{"io_uring_setup", 425, "5.1"},
	{"io_uring_enter", 426, "5.1"},
	{"io_uring_register", 427, "5.1"},
	{"open_tree", 428, "5.2"},
	{"move_mount", 429, "5.2"},
	{"fsopen", 430, "5.2"},
	{"fsconfig", 431, "5.2"},
	{"fsmount", 432, "5.2"},
	{"fspick", 433, "5.2"},
	{"pidfd_open", 434, "5.3"},
	{"clone3", 435, "5.3"},
	{"close_range", 436, "5.9"},
	{"openat2", 437, "5.6"},
	{"pidfd_getfd", 438, "5.6"},
	{"faccessat2", 439, "5.8"},
	{"process_madvise", 440, "5.10"},
	{"epoll_pwait2", 441, "5.11"},
	{"mount_setattr", 442, "5.12"},
	{"quotactl_fd", 443, "5.14"},
	{"landlock_create_ruleset", 444, "5.13"},
	{"landlock_add_rule", 445, "5.13"},
	{"landlock_restrict_self", 446, "5.13"},
	{"memfd_secret", 447, "5.14"},
	{"process_mrelease", 448, "5.15"},
	{"futex_waitv", 449, "5.16"},
	{"set_mempolicy_home_node", 450, "5.17"},
	{"cachestat", 451, "6.5"},
	{"fchmodat2", 452, "6.6"},
	{"map_shadow_stack", 453, "6.6"},
	{"futex_wake", 454, "6.7"},
	{"futex_wait", 455, "6.7"},
	{"futex_requeue", 456, "6.7"},
	{"statmount", 457, "6.8"},
	{"listmount", 458, "6.8"},
	{"lsm_get_self_attr", 459, "6.8"},
	{"lsm_set_self_attr", 460, "6.8"},
	{"lsm_list_modules", 461, "6.8"},
	{"mseal", 462, "6.10"},
	{"setxattrat", 463, "6.13"},
	{"getxattrat", 464, "6.13"},
	{"listxattrat", 465, "6.13"},
	{"removexattrat", 466, "6.13"},
	{"open_tree_attr", 467, "6.15"},
	{"file_getattr", 468, "6.17"},
	{"file_setattr", 469, "6.17"},
};

static const struct newer *find_newer(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(newer); i++)
		if (!strcmp(newer[i].name, name))
			return &newer[i];
	return NULL;
}

static const char *newer_of_number(int nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(newer); i++)
		if (newer[i].nr == nr)
			return newer[i].name;
	return NULL;
}

/* Return: is there a call of that number */
static bool lookup(uint32_t arch, int nr, char buf[static CALL_NAME_MAX])
{
	cleanup_free char *name = seccomp_syscall_resolve_num_arch(arch, nr);
	const char *own = name ? name : newer_of_number(nr & ~X32_BIT);

	if (nr < 0 || !own)
		return false;
	(void)snprintf(buf, CALL_NAME_MAX, "%s", own); /* names are shorter */
	return true;
}

struct calls *calls_load(uint32_t arch)
{
	struct calls *c = calloc(1, sizeof(*c));
	int bit = arch == SCMP_ARCH_X32 ? X32_BIT : 0;

	if (!c)
		return NULL;
	c->arch = arch;
	for (int nr = 0; nr < CALLS_MAX; nr++)
		if (lookup(arch, nr | bit, c->call[c->nr].name))
			c->call[c->nr++].nr = nr | bit;
	return c;
}

const struct call *calls_find(const struct calls *c, const char *name)
{
	for (size_t i = 0; i < c->nr; i++)
		if (!strcmp(c->call[i].name, name))
			return &c->call[i];
	return NULL;
}

const char *call_name(uint32_t arch, int nr, char buf[static CALL_NAME_MAX])
{
	if (!lookup(arch, nr, buf))
		(void)snprintf(buf, CALL_NAME_MAX, "%d", nr); /* fits */
	return buf;
}

const char *call_since(const char *name)
{
	const struct newer *n = find_newer(name);

	return n ? n->since : NULL;
}

bool call_is_known(const char *name)
{
	return seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR;
}

const char *call_nearest(const struct calls *c, const char *name)
{
	struct row rows[CALLS_MAX + ARRAY_SIZE(newer)] = {};
	struct rows table = {rows, 0, sizeof(rows[0])};
	const struct row *r;

	for (size_t i = 0; i < c->nr; i++)
		rows[table.nr++].name = c->call[i].name;
	r = rows_nearest(&table, name);
	return r ? r->name : NULL;
}

int kernel_compare(const char *a, const char *b)
{
	unsigned int va[2] = {0, 0}, vb[2] = {0, 0};

	(void)sscanf(a, "%u.%u", &va[0], &va[1]); /* 0.0 if it is none */
	(void)sscanf(b, "%u.%u", &vb[0], &vb[1]);
	if (va[0] != vb[0])
		return va[0] < vb[0] ? -1 : 1;
	return va[1] < vb[1] ? -1 : va[1] > vb[1];
}

static const struct {
	uint32_t arch;
	const char *name;
} arches[] = {
	{SCMP_ARCH_X86_64, "x86_64"},	{SCMP_ARCH_X86, "x86"},	  {SCMP_ARCH_X32, "x32"},
	{SCMP_ARCH_AARCH64, "aarch64"}, {SCMP_ARCH_ARM, "arm"},	  {SCMP_ARCH_PPC64LE, "ppc64le"},
	{SCMP_ARCH_S390X, "s390x"},	{SCMP_ARCH_S390, "s390"}, {SCMP_ARCH_RISCV64, "riscv64"},
};

const char *arch_name(uint32_t arch)
{
	for (size_t i = 0; i < ARRAY_SIZE(arches); i++)
		if (arches[i].arch == arch)
			return arches[i].name;
	return "?";
}

uint32_t arch_audit(uint32_t arch)
{
	return arch == SCMP_ARCH_X32 ? (uint32_t)SCMP_ARCH_X86_64 : arch;
}

void arch_siblings(uint32_t ret[static 3])
{
	uint32_t native = seccomp_arch_native();
	size_t nr = 0;

	if (native == SCMP_ARCH_X86_64) {
		ret[nr++] = SCMP_ARCH_X86;
		ret[nr++] = SCMP_ARCH_X32;
	} else if (native == SCMP_ARCH_AARCH64) {
		ret[nr++] = SCMP_ARCH_ARM;
	} else if (native == SCMP_ARCH_S390X) {
		ret[nr++] = SCMP_ARCH_S390;
	}
	ret[nr] = 0;
}
