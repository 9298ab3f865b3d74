// SPDX-License-Identifier: Apache-2.0
/* dcosctl inspect and info: everything about one task, or about the node, as names and values. */
#include <string.h>
#include <time.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "tools/common/text.h"
#include "tools/dcosctl/ctl.h"

#define DEPTH_MAX 8 /* objects in objects that are shown */

#define VALUE_COLUMN 24

static void print_name(const char *name, int depth)
{
	int used = printf("%*s%s:", depth * 2, "", name);

	/* seen when stdout is closed */
	(void)printf("%*s", used < VALUE_COLUMN ? VALUE_COLUMN - used : 1, "");
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && !strcmp(name + n - m, end);
}

static void print_unix_us(int64_t us)
{
	time_t s = (time_t)(us / 1000000);
	char when[32], age[16];
	struct tm tm;

	if (!localtime_r(&s, &tm) || !strftime(when, sizeof(when), "%F %T", &tm))
		(void)snprintf(when, sizeof(when), "%lld", (long long)us);
	(void)ctl_age(us, age, sizeof(age));
	/* seen when stdout is closed */
	if (strcmp(age, "-"))
		(void)printf("%s (%s ago)\n", when, age);
	else
		(void)printf("%s\n", when);
}

/* A number, with the unit that its name tells. */
static void print_number(const char *name, int64_t v)
{
	char text[24];

	/* seen when stdout is closed */
	if (ends_with(name, "_unix_us"))
		print_unix_us(v);
	else if (ends_with(name, "_bytes") && v >= 0)
		(void)printf("%s (%lld)\n", format_bytes(text, sizeof(text), (uint64_t)v),
			     (long long)v);
	else if (ends_with(name, "_ns") && v >= 0)
		(void)printf("%s\n", format_us(text, sizeof(text), (uint64_t)v / 1000));
	else if (ends_with(name, "_us") && v >= 0)
		(void)printf("%s\n", format_us(text, sizeof(text), (uint64_t)v));
	else if (ends_with(name, "_millionths"))
		(void)printf("%g CPUs\n", (double)v / 1e6);
	else
		(void)printf("%lld\n", (long long)v);
}

static void print_value(const char *name, const json_t *v, int depth);

static void print_object(const json_t *o, int depth)
{
	json_t *v;
	const char *name;

	/* the loop of jansson wants a json_t *, and changes nothing */
	json_object_foreach ((json_t *)o, name, v)
		print_value(name, v, depth);
}

/* Short arrays of plain values on one line, all else as JSON. */
static void print_json(const json_t *v)
{
	cleanup_free char *text = json_dumps(v, JSON_ENCODE_ANY);

	(void)puts(text ? text : "?"); /* seen when stdout is closed */
}

static bool is_empty(const json_t *v)
{
	return json_is_null(v) || (json_is_object(v) && !json_object_size(v)) ||
	       (json_is_array(v) && !json_array_size(v));
}

static void print_value(const char *name, const json_t *v, int depth)
{
	if (is_empty(v))
		return;
	/* errors of stdout are seen when it is closed */
	if (json_is_object(v) && depth < DEPTH_MAX) {
		(void)printf("%*s%s:\n", depth * 2, "", name);
		print_object(v, depth + 1);
		return;
	}
	print_name(name, depth);
	if (json_is_string(v)) {
		text_print(stdout, json_string_value(v));
		(void)putchar('\n');
	} else if (json_is_integer(v)) {
		print_number(name, json_integer_value(v));
	} else {
		print_json(v);
	}
}

static int inspect_run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	cleanup_json json_t *reply = ctl_call_id(ctl, "Inspect", operands[0]);

	(void)options, (void)nr; /* it has none; there is one */
	if (!reply)
		return CTL_FAILED;
	if (ctl->json)
		ctl_print_json(reply, false);
	else
		print_object(reply, 0);
	return 0;
}

static int info_run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	cleanup_json json_t *reply = ctl_call(ctl, "Info", NULL);

	(void)options, (void)operands, (void)nr; /* it has none */
	if (!reply)
		return CTL_FAILED;
	if (ctl->json)
		ctl_print_json(reply, false);
	else
		print_object(reply, 0);
	return 0;
}

const struct command cmd_inspect = {
	.name = "inspect",
	.args = "ID",
	.help = "all about a task: state, spec, counters, log",
	.operands_min = 1,
	.operands_max = 1,
	.run = inspect_run,
};

const struct command cmd_info = {
	.name = "info",
	.args = "",
	.help = "about the node and its agent",
	.run = info_run,
};
