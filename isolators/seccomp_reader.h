/* SPDX-License-Identifier: Apache-2.0 */
/* Between seccomp_*.c only: walking through a profile's document, always knowing the place. */
#ifndef DCOS_SECCOMP_READER_H
#define DCOS_SECCOMP_READER_H

#include <stdbool.h>

#include "agent/lib/rows.h"
#include "isolators/seccomp_profile.h"

#define SC_PLACE_MAX 192 /* bytes of the path of a value, longer ones are cut */
#define SC_SHOWN_MAX 64 /* bytes of a value in a message, longer ones are cut */

/* Where the parser is, for messages. */
struct sc_reader {
	struct why *why;
	struct sc_profile *p; /* being filled */
	uint64_t caps; /* of the container */
	char place[SC_PLACE_MAX]; /* RFC 6901: "/syscalls/3/args/0/op" */
	size_t place_len;
	size_t calls_nr, compared_nr; /* so far, of all elements */
};

/* One key of an object. */
struct sc_key {
	struct row row;
	/* read - the member's value; @out is what sc_object() was given */
	int (*read)(struct sc_reader *r, json_t *v, void *out);
};

/**
 * sc_object - read an object by the table of its keys, another key is an error
 * @v: "must be an object" otherwise
 * @keys: of struct sc_key
 * @out: passed on to each sc_key.read
 */
int sc_object(struct sc_reader *r, json_t *v, struct rows keys, void *out);

/**
 * sc_array - read each element of an array
 * @max: more elements are an error
 * @read: as sc_key.read
 */
int sc_array(struct sc_reader *r, json_t *v, size_t max,
	     int (*read)(struct sc_reader *r, json_t *v, void *out), void *out);

/** sc_bad - a sentence on the present place. Return: -EINVAL */
int sc_bad(struct sc_reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** sc_missing - a key that must be in the present object. Return: -EINVAL */
int sc_missing(struct sc_reader *r, const char *key, const char *value);

/** sc_shown - a string as a message can show it: no control characters, ASCII, cut */
const char *sc_shown(const char *s, char buf[static SC_SHOWN_MAX]);

/** sc_string - the string at the present place, NULL if it is none or empty (and says so) */
const char *sc_string(struct sc_reader *r, const json_t *v);

/** sc_number - a number within limits at the present place */
int sc_number(struct sc_reader *r, const json_t *v, uint64_t max, uint64_t *ret);

/** sc_action - "SCMP_ACT_*"; *ret_takes: an errno can be given with it */
int sc_action(struct sc_reader *r, const json_t *v, uint32_t *ret, bool *ret_takes);

/** sc_errno - the number of a name such as "EPERM" */
int sc_errno(struct sc_reader *r, const json_t *v, uint16_t *ret);

/** sc_op - "SCMP_CMP_*" */
int sc_op(struct sc_reader *r, const json_t *v, enum scmp_compare *ret);

/** sc_arch - "SCMP_ARCH_*"; *ret 0: nothing that this machine executes */
int sc_arch(struct sc_reader *r, const json_t *v, uint32_t *ret);

/** sc_arch_docker - is this Docker's name of this machine, e.g. "amd64" */
bool sc_arch_docker(const char *name);

/** sc_flag - "SECCOMP_FILTER_FLAG_*" */
int sc_flag(struct sc_reader *r, const json_t *v, unsigned int *ret);

/** sc_rules_parse - the value of "syscalls" into r->p->rules */
int sc_rules_parse(struct sc_reader *r, json_t *v, void *out);

/* An action in two parts, as documents have it. */
struct sc_verdict {
	uint32_t action;
	bool set, takes_errno, has_errno;
	uint16_t err;
};

/** sc_verdict_errno - the number; @name: it came as a name; both may be given if they agree */
int sc_verdict_errno(struct sc_reader *r, const json_t *v, bool name, struct sc_verdict *ret);

/** sc_verdict_finish - both parts as one SCMP_ACT_*; @key names the errno in messages */
int sc_verdict_finish(struct sc_reader *r, const struct sc_verdict *d, const char *key,
		      uint32_t *ret);

#endif
