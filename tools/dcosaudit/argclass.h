/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments that say what a system call really does: what is recorded of them and filtered by. */
#ifndef DCOS_AUDIT_ARGCLASS_H
#define DCOS_AUDIT_ARGCLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum arg_kind {
	ARG_VALUE, /* one of many: a command, a family */
	ARG_FLAGS, /* bits */
};

/* One argument of one call. A recorder stores args[arg] & mask as one class. */
struct arg_class {
	const char *call;
	uint32_t arg;
	enum arg_kind kind;
	uint64_t mask; /* bits that matter; the kernel ignores others of an int */
	bool filter; /* dcosaudit generate makes comparisons of what was seen */
	const char *what; /* "clone flags" */
};

/** arg_classes - all rows. @ret_nr: how many */
const struct arg_class *arg_classes(size_t *ret_nr);

/** arg_class_find - the row of an argument of a call, or NULL */
const struct arg_class *arg_class_find(const char *call, uint32_t arg);

/**
 * arg_value_text - a value as people write it
 * @buf: "AF_INET", "CLONE_NEWUSER|0x100", "0x5413"
 * Return: @buf.
 */
const char *arg_value_text(const struct arg_class *c, uint64_t value, char *buf, size_t size);

/** arg_is_int - does the kernel look at the low 32 bits of this argument only */
bool arg_is_int(const char *call, uint32_t arg);

#endif
