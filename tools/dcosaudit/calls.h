/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of an architecture: numbers, names, and since which kernel they are there. */
#ifndef DCOS_AUDIT_CALLS_H
#define DCOS_AUDIT_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALL_NAME_MAX 40 /* bytes, the NUL included; the longest in use has 28 */
#define CALLS_MAX     1024 /* numbers that are looked at, from 0 */
#define X32_BIT	      0x40000000 /* in the number of an x32 call */

struct call {
	int nr; /* as in seccomp_data */
	char name[CALL_NAME_MAX];
};

struct calls {
	uint32_t arch; /* SCMP_ARCH_* */
	size_t nr;
	struct call call[CALLS_MAX];
};

/**
 * calls_load - all calls of an architecture that libseccomp or this program's table knows
 * @arch: SCMP_ARCH_*
 * Return: malloc'd, by number; NULL without memory.
 */
struct calls *calls_load(uint32_t arch);

/** calls_find - the entry of that name, or NULL */
const struct call *calls_find(const struct calls *c, const char *name);

/** call_name - of a number; @buf gets "451" if nobody knows it. Return: @buf */
const char *call_name(uint32_t arch, int nr, char buf[static CALL_NAME_MAX]);

/** call_since - "6.5"; NULL: older than Linux 3.0, or not known */
const char *call_since(const char *name);

/** call_is_known - to libseccomp, for any architecture: what a profile says of it is compiled */
bool call_is_known(const char *name);

/** call_nearest - the name that a person may have meant, or NULL. Valid as long as @c */
const char *call_nearest(const struct calls *c, const char *name);

/** kernel_compare - of "5.10" and "6.1": <0, 0, >0; what is no version is the oldest */
int kernel_compare(const char *a, const char *b);

/** arch_name - "x86_64", "x86", "x32" ...; "?" */
const char *arch_name(uint32_t arch);

/** arch_audit - what seccomp_data has for a SCMP_ARCH_* token: the same but for x32 */
uint32_t arch_audit(uint32_t arch);

/**
 * arch_siblings - the numberings that a kernel of this machine executes beside its own
 * @ret: SCMP_ARCH_*, 0 ends
 */
void arch_siblings(uint32_t ret[static 3]);

#endif
