// SPDX-License-Identifier: Apache-2.0
/* "health_checks": how the agent finds out whether a task works, see agent/health.h. */
#include "agent/task_draft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_US		(3600 * US_PER_S)
#define PORT_MAX	65535
#define HEALTH_PATH_MAX 1024
#define FAILURES_MAX	1000000

/* One check while it is parsed. */
struct want_health {
	struct task_health check;
	uint64_t protocol;
	json_t *command; /* borrowed */
	const char *cmd, *path; /* likewise */
};

static const char *const protocols[] = {
	[HEALTH_TCP] = "tcp",
	[HEALTH_HTTP] = "http",
	[HEALTH_COMMAND] = "command",
};

const char *task_health_protocol(enum task_health_protocol p)
{
	return protocols[p];
}

static int health_protocol(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	const char *s = json_string_value(v);

	(void)row;
	for (size_t i = 0; s && i < sizeof(protocols) / sizeof(*protocols); i++) {
		if (strcmp(s, protocols[i]) != 0)
			continue;
		*(uint64_t *)field = i;
		return 0;
	}
	return s ? draft_fail(d, "%s is not allowed, allowed is \"tcp\", \"http\" or \"command\"",
			      draft_show(d, v))
		 : draft_type(d, v, "text");
}

static int health_address(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	struct task_health *h = field;
	struct in6_addr any;
	const char *s = NULL;
	int err = draft_text(d, v, 1, sizeof(h->address) - 1, &s);

	(void)row;
	if (err < 0)
		return err;
	if (inet_pton(AF_INET, s, &any) != 1 && inet_pton(AF_INET6, s, &any) != 1)
		return draft_fail(d, "%s is no address, allowed is one such as \"127.0.0.1\"",
				  draft_show(d, v));
	(void)snprintf(h->address, sizeof(h->address), "%s", s); /* fits: checked above */
	return 0;
}

/* What stands in the request line must not end it. */
static int health_path(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	const char *s = NULL;
	int err = draft_text(d, v, 1, HEALTH_PATH_MAX, &s);

	(void)row;
	if (err < 0)
		return err;
	for (const char *c = s; *c; c++)
		if (*s != '/' || *c <= ' ' || *c > '~')
			return draft_fail(d,
					  "%s is not allowed, allowed is a path such as "
					  "\"/health\" of printable characters without blanks",
					  draft_show(d, v));
	*(const char **)field = s;
	return 0;
}

static int health_cmd(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	return draft_text(d, v, row->min, row->max, field);
}

#define HEALTH_AT(member) offsetof(struct want_health, member)

static const struct task_row health_keys[] = {
	{{"protocol", "\"tcp\", \"http\" or \"command\"", NULL,
	  "Required. tcp: a connection comes about. http: the answer to GET has a status of 200 to "
	  "399. command: a program in the container exits with code 0."},
	 health_protocol,
	 HEALTH_AT(protocol)},
	{{"port", "number 1..65535", NULL, "Of tcp and http, in the network of the task."},
	 value_number,
	 HEALTH_AT(check.port),
	 1,
	 PORT_MAX},
	{{"address", "address of IPv4 or IPv6", "\"127.0.0.1\"", "Of tcp and http, likewise."},
	 health_address,
	 HEALTH_AT(check)},
	{{"path", "text of at most 1024 bytes", "\"/\"", "Of http."}, health_path, HEALTH_AT(path)},
	{{"command", "array of texts", NULL,
	  "Program and arguments; it runs as the task does. Either this or cmd."},
	 value_json,
	 HEALTH_AT(command)},
	{{"cmd", "text", NULL, "Run by /bin/sh -c."},
	 health_cmd,
	 HEALTH_AT(cmd),
	 1,
	 TASK_STRING_MAX - 1},
	{{"interval", "time 100ms..1h", "10s", "From the end of one check to the next."},
	 value_time,
	 HEALTH_AT(check.interval_us),
	 US_PER_S / 10,
	 HOUR_US},
	{{"timeout", "time 1ms..1h", "5s", "A check that takes longer has failed."},
	 value_time,
	 HEALTH_AT(check.timeout_us),
	 US_PER_S / 1000,
	 HOUR_US},
	{{"delay", "time 0..1h", "0s", "From the start of the task to the first check."},
	 value_time,
	 HEALTH_AT(check.delay_us),
	 0,
	 HOUR_US},
	{{"grace_period", "time 0..1h", "10s",
	  "So long after the start of the task a failure counts for nothing, unless a check has "
	  "succeeded before."},
	 value_time,
	 HEALTH_AT(check.grace_us),
	 0,
	 HOUR_US},
	{{"max_consecutive_failures", "number 0..1000000", "3",
	  "After so many failures without a success between the task is ended, as by "
	  "dcosctl-kill: it has failed. 0: never."},
	 value_number,
	 HEALTH_AT(check.max_failures),
	 0,
	 FAILURES_MAX},
};

struct rows health_rows(void)
{
	return ROWS(health_keys);
}

static int check_arg(struct draft *d, json_t *v, void *data)
{
	const char *s = NULL;

	(void)data;
	return draft_text(d, v, 0, TASK_STRING_MAX - 1, &s);
}

static int settle_command(struct draft *d, struct want_health *w)
{
	size_t where;
	int err;

	if (!w->cmd == !w->command)
		return draft_fail_at(d, "command",
				     "either this or \"cmd\" is required, and not both");
	if (w->cmd) {
		w->check.args = json_pack("[sss]", "/bin/sh", "-c", w->cmd);
		return w->check.args ? 0 : draft_nomem(d);
	}
	where = draft_push(d, "command");
	err = draft_array(d, w->command, CT_ARGS_MAX, check_arg, NULL);
	if (!err && !json_string_length(json_array_get(w->command, 0)))
		err = draft_fail(d, "is empty, allowed is the name of a program and its arguments");
	draft_pop(d, where);
	if (!err)
		w->check.args = json_incref(w->command);
	return err;
}

static int settle(struct draft *d, struct want_health *w)
{
	if (w->protocol == UINT64_MAX)
		return draft_fail_at(d, "protocol",
				     "is missing, allowed is \"tcp\", \"http\" or \"command\"");
	w->check.protocol = (enum task_health_protocol)w->protocol;
	if (w->check.protocol == HEALTH_COMMAND) {
		if (w->check.port || w->path || w->check.address[0])
			return draft_fail_at(d, "protocol",
					     "\"command\" has no port, address and path");
		return settle_command(d, w);
	}
	if (w->cmd || w->command)
		return draft_fail_at(d, "protocol", "only \"command\" has a command");
	if (!w->check.port)
		return draft_fail_at(d, "port", "is missing, allowed is 1 to 65535");
	if (w->path && w->check.protocol != HEALTH_HTTP)
		return draft_fail_at(d, "path", "only \"http\" has one");
	if (!w->check.address[0])
		(void)snprintf(w->check.address, sizeof(w->check.address), "127.0.0.1"); /* fits */
	if (w->check.protocol == HEALTH_HTTP)
		return draft_strdup(d, w->path ?: "/", &w->check.path);
	return 0;
}

static int parse_check(struct draft *d, json_t *v, void *data)
{
	const struct rows table = health_rows();
	struct want_health w = {
		.protocol = UINT64_MAX,
		.check = {.interval_us = 10 * US_PER_S,
			  .timeout_us = 5 * US_PER_S,
			  .grace_us = 10 * US_PER_S,
			  .max_failures = 3},
	};
	int err = draft_object(d, &table, v, &w);

	(void)data;
	if (!err)
		err = settle(d, &w);
	if (!err)
		d->spec.health[d->spec.health_nr++] = w.check;
	else
		free(w.check.path);
	return err;
}

int value_health(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	(void)row;
	if (json_array_size(v) && !d->spec.health)
		d->spec.health = calloc(TASK_HEALTH_MAX, sizeof(*d->spec.health));
	if (json_array_size(v) && !d->spec.health)
		return draft_nomem(d);
	return draft_array(d, v, TASK_HEALTH_MAX, parse_check, field);
}

void task_health_free(struct task_spec *t)
{
	for (size_t i = 0; i < t->health_nr; i++) {
		free(t->health[i].path);
		json_decref(t->health[i].args);
	}
	free(t->health);
}
