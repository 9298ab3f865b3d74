/* SPDX-License-Identifier: Apache-2.0 */
/* dcosaudit: its commands are rows of a table, one const struct command each. */
#ifndef DCOS_AUDIT_H
#define DCOS_AUDIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/lib/why.h"
#include "tools/common/options.h"

#define AUDIT_FAILED 1 /* exit status: it could not be done */
#define AUDIT_USAGE  2 /* exit status: the command line is wrong */
#define AUDIT_FOUND  3 /* exit status: it was done, and what was looked for is there */

#define AUDIT_OPERANDS_ANY 1000

struct audit {
	bool json, help, version;
	const char *socket; /* of the agent, for commands that ask it; NULL is the usual one */
	struct why why;
	const struct command *command; /* that runs */
};

struct command {
	const char *name, *args, *help;
	const char *more; /* what --help says beside the options; may be NULL */
	const struct opt_row *options; /* may be NULL */
	size_t options_size; /* of the struct they fill */
	int operands_min, operands_max;
	int (*run)(struct audit *a, const void *options, char **operands, int nr);
};

/** audit_fail - print "dcosaudit: sentence" to stderr, control characters made visible. Return: AUDIT_FAILED */
int audit_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** audit_usage - as audit_fail(), with a hint at --help. Return: AUDIT_USAGE */
int audit_usage(const struct audit *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** audit_warn - a sentence that is no reason to fail */
void audit_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** audit_print_json - one document and a line's end; indented for a terminal. @j is taken over.
 * Return: 0, or AUDIT_FAILED when @j is NULL, which was printed
 */
int audit_print_json(json_t *j);

/**
 * audit_caps - the value of --caps
 * @text: "CAP_KILL,CAP_CHOWN", "all", "none"; NULL is what a task has whose spec says nothing
 * @ret: bit n is capability n
 * Return: 0 or AUDIT_USAGE, which was printed.
 */
int audit_caps(const struct audit *a, const char *text, uint64_t *ret);

struct profile;

/** audit_warn_foreign - say so if a profile is for other machines only */
void audit_warn_foreign(const struct profile *p);

extern const struct command cmd_lint, cmd_explain, cmd_diff, cmd_cost, cmd_generate, cmd_coverage;
extern const struct command cmd_record, cmd_shadow, cmd_watch, cmd_tasks;

#endif
