/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording: the system calls that a program made, with counts, errors and argument classes.
 * Made by dcosaudit record, kept as JSON (format "dcosaudit-recording", see dcosaudit(1)), read
 * by generate, coverage and cost.
 */
#ifndef DCOS_AUDIT_RECORDING_H
#define DCOS_AUDIT_RECORDING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/lib/why.h"

#define REC_FORMAT	"dcosaudit-recording"
#define REC_VERSION	1
#define REC_JSON_MAX	(16U << 20) /* bytes of a file */
#define REC_CALLS_MAX	2048 /* different calls of one part */
#define REC_ERRORS_MAX	16 /* different errors of one call */
#define REC_CLASSES_MAX 64 /* different argument values of one call */
#define REC_TEXT_MAX	256 /* bytes of a text, longer ones are cut */

/* When a call was made. */
enum rec_part {
	REC_STARTUP, /* before the program was ready */
	REC_RUNNING,
	REC_PARTS,
};

struct rec_error {
	uint32_t err; /* 1..4095, positive */
	uint64_t count;
};

/* A value of an argument, reduced by the mask of its row in argclass.c. */
struct rec_class {
	uint32_t arg; /* from 0 */
	uint64_t value, count;
};

struct rec_call {
	uint32_t arch; /* SCMP_ARCH_* */
	int nr; /* as in seccomp_data: x32 calls have bit 30 */
	uint64_t count; /* calls entered or denied */
	uint64_t denied; /* of these, answered by the seccomp filter */
	struct rec_error errors[REC_ERRORS_MAX];
	size_t errors_nr;
	uint64_t errors_lost; /* calls whose error found no room */
	struct rec_class classes[REC_CLASSES_MAX];
	size_t classes_nr;
	uint64_t classes_lost; /* calls whose argument found no room */
};

struct rec_calls {
	struct rec_call *calls; /* in the order in which they were added */
	size_t nr, room;
	uint64_t lost; /* calls beyond REC_CALLS_MAX different ones */
};

struct recording {
	char task[REC_TEXT_MAX]; /* id, or what was recorded */
	char command[REC_TEXT_MAX];
	char kernel[REC_TEXT_MAX]; /* release */
	uint64_t started_unix_us, duration_us; /* of all runs together */
	uint32_t runs; /* that were merged, 1 for one */
	bool complete; /* the recorder saw the end of the task or was told to stop */
	uint64_t lost; /* events that the recorder knows it missed */
	struct rec_calls parts[REC_PARTS];
};

/** rec_part_name - "startup", "running" */
const char *rec_part_name(enum rec_part part);

/**
 * rec_call - the entry of a call, added if need be
 * Return: NULL beyond REC_CALLS_MAX or without memory; the caller adds to parts[].lost.
 */
struct rec_call *rec_call(struct recording *r, enum rec_part part, uint32_t arch, int nr);

/** rec_error_add - @count calls failed with @err; what finds no room is counted */
void rec_error_add(struct rec_call *c, uint32_t err, uint64_t count);

/** rec_class_add - @count calls had @value in argument @arg; what finds no room is counted */
void rec_class_add(struct rec_call *c, uint32_t arg, uint64_t value, uint64_t count);

/**
 * rec_merge - add one recording to another
 * @into: zeroed, or with a recording; texts stay if there are any
 * Return: 0 or -ENOMEM.
 */
int rec_merge(struct recording *into, const struct recording *from);

/** rec_free - free what a recording owns and zero it */
void rec_free(struct recording *r);

/** rec_to_json - Return: a new reference, NULL without memory */
json_t *rec_to_json(const struct recording *r);

/**
 * rec_from_json - the other way
 * @why: names the place as in RFC 6901 and what is allowed there
 * Return: 0; -EINVAL; -ENOMEM. @ret is untouched unless 0.
 */
int rec_from_json(const json_t *j, struct recording *ret, struct why *why);

/**
 * rec_read - a file
 * Return: 0; -EINVAL no recording, with line and column of what is no JSON; -errno of reading.
 */
int rec_read(const char *path, struct recording *ret, struct why *why);

/**
 * rec_read_all - several files, merged
 * @ret: zeroed if there are none
 * Return: as rec_read().
 */
int rec_read_all(const char *const *paths, int nr, struct recording *ret, struct why *why);

/**
 * rec_write - write a file and rename it over @path, so that it is never half there
 * Return: 0 or -errno.
 */
int rec_write(const char *path, const struct recording *r, struct why *why);

#endif
