/* SPDX-License-Identifier: Apache-2.0 */
/* Denials, and what a candidate would deny, as text and JSON: for shadow and watch. */
#ifndef DCOS_AUDIT_REFUSAL_H
#define DCOS_AUDIT_REFUSAL_H

#include <jansson.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "tools/dcosaudit/calls.h"
#include "tools/dcosaudit/view.h"

#define PLACE_TEXT_MAX 256 /* bytes, longer ones are cut */

/* Where the calls of a stack stood, found while the process lived. */
struct refusal_stack {
	char places[DCOS_AUDIT_STACK][PLACE_TEXT_MAX]; /* "libc.so.6+0xfe4a1", else an address */
	int nr;
};

/**
 * refusal_stack - what files the addresses of a stack are in
 * By /proc/PID/maps: of a process that has ended only the addresses are left.
 */
void refusal_stack(const struct dcos_refusal *r, struct refusal_stack *ret);

/** refusal_call - "socket(AF_ALG, 0x5, 0)". Return: @buf */
const char *refusal_call(const struct dcos_refusal *r, char buf[static CONDITION_TEXT_MAX]);

/** refusal_args - how many arguments a call takes; 6 if that is not known */
int refusal_args(const char *call);

/** refusal_name - of the call: "socket", "x86:socketcall". Return: @buf */
const char *refusal_name(const struct dcos_refusal_key *k, char buf[static CALL_NAME_MAX]);

/** refusal_unix_us - when it was */
int64_t refusal_unix_us(const struct dcos_refusal *r);

/** refusal_json - all about one. @stack: may be NULL. Return: a new reference, NULL without memory */
json_t *refusal_json(const struct dcos_refusal *r, const struct refusal_stack *stack);

/** refusal_key_json - call, number and verdict of a count. Return: as refusal_json() */
json_t *refusal_key_json(const struct dcos_refusal_key *k, uint64_t count);

/* A count of the refusals hash. */
struct refusal_count {
	struct dcos_refusal_key key;
	uint64_t count;
};

/**
 * refusal_counts - read them all
 * @fd: of the hash
 * @ret: malloc'd, the most frequent first
 * Return: how many, or -ENOMEM.
 */
int refusal_counts(int fd, struct refusal_count **ret);

#endif
