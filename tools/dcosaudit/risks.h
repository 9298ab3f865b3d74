/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a system call can be used for that a container should think about: a documented table with
 * reasons and public CVE identifiers, and the attack surface as one figure computed from it.
 */
#ifndef DCOS_AUDIT_RISKS_H
#define DCOS_AUDIT_RISKS_H

#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/dcosaudit/view.h"

#define RISK_NUMBERING 50 /* surface of another numbering (32-bit, x32) that is let in */

struct risk {
	const char *call;
	uint32_t arg;
	uint64_t mask, value; /* the risk: (argument & mask) == value; mask 0: any arguments */
	uint32_t family; /* of socket(2): only with this one; 0: any */
	const char *use; /* what for, if it is not all of the call: "AF_ALG" */
	uint32_t weight; /* in the surface: 20 gets out, 10 big and broken before, 5, 2 */
	const char *group, *why;
	const char *cves; /* "CVE-2022-0185, ..."; NULL: none, or none that is typical */
};

/** risks_table - all rows, those of one group together. @ret_nr: how many */
const struct risk *risks_table(size_t *ret_nr);

/** risk_heaviest - the heaviest row of a call whatever its arguments, or NULL */
const struct risk *risk_heaviest(const char *call);

/**
 * risk_open - does a filter let a call be used for this
 * @ret: an example; may be NULL
 * Return: the most that it gives; ACCESS_DENIED also if the numbering has no such call.
 */
enum access risk_open(const struct arch_view *a, const struct risk *r, struct seccomp_data *ret);

/** risk_text - "socket AF_ALG", "mount". @buf of CALL_NAME_MAX bytes twice. Return: @buf */
const char *risk_text(const struct risk *r, char buf[static 2 * CALL_NAME_MAX]);

struct surface {
	uint64_t calls; /* of the own numbering that some arguments get to the kernel */
	uint64_t risks; /* sum of the weights of the rows that are open there */
	uint64_t numberings; /* RISK_NUMBERING for each further one that is let in */
	uint64_t total, unconfined; /* the sum; and what it is without any filter */
};

/** surface_of - the figure, see dcosaudit(1), "ATTACK SURFACE" */
struct surface surface_of(const struct view *v);

#endif
