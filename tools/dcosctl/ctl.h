/* SPDX-License-Identifier: Apache-2.0 */
/* dcosctl: its commands are rows of a table, one const struct command each. */
#ifndef DCOS_CTL_H
#define DCOS_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "tools/common/client.h"
#include "tools/common/options.h"

#define CTL_FAILED 1 /* exit status: it could not be done */
#define CTL_USAGE  2 /* exit status: the command line is wrong */

#define CTL_OPERANDS_ANY 100000 /* the kernel bounds the command line */

struct ctl {
	const char *socket; /* --socket */
	bool json, help, version;
	struct vl_client *client; /* connected by the first call */
	struct why why;
	const struct command *command; /* that runs */
};

struct command {
	const char *name, *args, *help;
	const char *more; /* what --help says beside the options; may be NULL */
	const struct opt_row *options; /* may be NULL */
	size_t options_size; /* of the struct they fill */
	bool operands_end_options;
	bool passes_all; /* no options of its own: all words are operands */
	int operands_min, operands_max;
	int (*run)(struct ctl *ctl, const void *options, char **operands, int nr);
};

/** ctl_fail - print "dcosctl: sentence" to stderr, control characters made visible. Return: CTL_FAILED */
int ctl_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** ctl_usage - as ctl_fail(), with a hint at --help. Return: CTL_USAGE */
int ctl_usage(const struct ctl *ctl, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** ctl_warn - a sentence that is no reason to fail */
void ctl_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** ctl_connect - ctl->client is there afterwards. Return: 0 or CTL_FAILED, which was printed */
int ctl_connect(struct ctl *ctl);

/**
 * ctl_call - connect if need be, call
 * @params: taken over; NULL is {}
 * Return: the reply, a new reference; NULL when it failed, which was printed.
 */
json_t *ctl_call(struct ctl *ctl, const char *method, json_t *params);

/** ctl_call_id - ctl_call() with {"id": @id} */
json_t *ctl_call_id(struct ctl *ctl, const char *method, const char *id);

/** ctl_print_json - one document on a line of its own; indented for a terminal unless @stream */
void ctl_print_json(const json_t *j, bool stream);

/** ctl_print_warnings - the array "warnings" of a reply, to stderr */
void ctl_print_warnings(const json_t *reply);

/** ctl_task_status - what to exit with for a task that ended so; says so when nobody knows */
int ctl_task_status(const char *id, const json_t *exit);

/** ctl_age - time since @unix_us for a table: "3.2m", "-" when not positive */
const char *ctl_age(int64_t unix_us, char *buf, size_t size);

extern const struct command cmd_run, cmd_ps, cmd_inspect, cmd_logs, cmd_kill, cmd_wait, cmd_rm,
	cmd_update, cmd_doctor, cmd_info, cmd_drain, cmd_top, cmd_history, cmd_metrics, cmd_image,
	cmd_events, cmd_pki, cmd_app;

#endif
