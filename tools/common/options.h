/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command line options as rows of a table: getopt_long(3), the help text and the error sentences
 * come from the same rows.
 */
#ifndef DCOS_OPTIONS_H
#define DCOS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/lib/why.h"

#define OPT_LIST_MAX 128 /* how often one option may be given */
#define OPT_ROWS_MAX 64 /* options of one command, the common ones included */

struct opt_row {
	const char *name; /* long, without the dashes */
	char letter; /* short, 0: none */
	const char *arg; /* name of its value in the help; NULL: a flag */
	/* parse - Return: 0; any -errno: the value is refused with .allowed */
	int (*parse)(const char *value, void *field);
	size_t offset; /* of the field in the target */
	const char *allowed; /* "a duration such as 500ms, 10s or 2m" */
	const char *help;
};

/* Rows, ended by .name NULL, and the struct that they fill. */
struct opt_set {
	const struct opt_row *rows;
	void *target;
};

struct opt_u64 {
	bool given;
	uint64_t value;
};

struct opt_list {
	const char *items[OPT_LIST_MAX]; /* borrowed from argv */
	int nr;
};

/* Parsers: the type of the field is told in each name's comment. */
int opt_flag(const char *value, void *field); /* bool */
int opt_string(const char *value, void *field); /* const char *, borrowed from argv */
int opt_strings(const char *value, void *field); /* struct opt_list */
int opt_bytes(const char *value, void *field); /* struct opt_u64: bytes */
int opt_ms(const char *value, void *field); /* struct opt_u64: a duration, milliseconds */
int opt_number(const char *value, void *field); /* struct opt_u64: 0..2^32-1 */
int opt_count(const char *value, void *field); /* struct opt_u64: 1..2^32-1 */

#define OPT_ALLOWED_MS	  "a duration such as 500ms, 10s or 2m"
#define OPT_ALLOWED_BYTES "a number of bytes such as 4096, 64K or 1.5G"

/**
 * opts_parse - parse a command line
 * @sets: tables, searched together; at most OPT_ROWS_MAX rows in all
 * @argc, @argv: argv[0] is skipped; operands are moved to the end
 * @operands_end_options: the first operand ends the options, so that it may be a command with
 *                        options of its own
 * @why: the sentence on failure
 * Return: index of the first operand; -EINVAL.
 */
int opts_parse(const struct opt_set *sets, size_t nr, int argc, char **argv,
	       bool operands_end_options, struct why *why);

/** opts_help - one line a row */
void opts_help(FILE *f, const struct opt_row *rows);

#endif
