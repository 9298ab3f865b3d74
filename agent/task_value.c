// SPDX-License-Identifier: Apache-2.0
/* Plain values of a task spec: truth, text, paths, sizes, times, numbers. */
#include "agent/task_draft.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/signals.h"
#include "agent/lib/units.h"
#include "agent/path.h"

int draft_text(struct draft *d, const json_t *v, size_t min, size_t max, const char **ret)
{
	size_t len = json_string_length(v);

	if (!json_is_string(v))
		return draft_type(d, v, "text");
	if (strlen(json_string_value(v)) != len)
		return draft_fail(d, "has a NUL character, which no text may have");
	if (len < min)
		return draft_fail(d, "is empty, allowed are %zu to %zu bytes", min, max);
	if (len > max)
		return draft_fail(d, "has %zu bytes, allowed are at most %zu", len, max);
	*ret = json_string_value(v);
	return 0;
}

int draft_path(struct draft *d, const json_t *v, const char **ret)
{
	const char *path = NULL;

	if (!json_is_string(v))
		return draft_type(d, v, "text");
	path = json_string_value(v);
	if (strlen(path) != json_string_length(v) || !path_plain(path))
		return draft_fail(d, "%s is not allowed, allowed is " PATH_PLAIN_SAYS,
				  draft_show(d, v));
	*ret = path;
	return 0;
}

int draft_strdup(struct draft *d, const char *s, char **place)
{
	char *copy = strdup(s);

	if (!copy)
		return draft_nomem(d);
	free(*place);
	*place = copy;
	return 0;
}

int value_bool(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	(void)row;
	if (!json_is_boolean(v))
		return draft_type(d, v, "true or false");
	*(bool *)field = json_is_true(v);
	return 0;
}

int value_text(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	const char *s = NULL;
	int err = draft_text(d, v, row->min, row->max, &s);

	return err < 0 ? err : draft_strdup(d, s, field);
}

int value_path(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	const char *s = NULL;
	int err = draft_path(d, v, &s);

	(void)row;
	return err < 0 ? err : draft_strdup(d, s, field);
}

static int add_path(struct draft *d, json_t *v, void *data)
{
	char ***next = data;
	const char *s = NULL;
	int err = draft_path(d, v, &s);

	if (err < 0)
		return err;
	if (!s[1])
		return draft_fail(d, "\"/\" is not allowed, allowed is a path below it");
	**next = strdup(s);
	if (!**next)
		return draft_nomem(d);
	(*next)++;
	return 0;
}

/* Replaces a NULL-terminated array; @row->max elements are allowed. */
int value_paths(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	char ***place = field, **next;

	if (!json_is_array(v))
		return draft_type(d, v, "an array");
	for (size_t i = 0; *place && (*place)[i]; i++)
		free((*place)[i]);
	free(*place);
	*place = calloc(row->max + 1, sizeof(**place));
	if (!*place)
		return draft_nomem(d);
	next = *place;
	return draft_array(d, v, row->max, add_path, &next);
}

int value_bytes(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	char lo[16], hi[16];
	uint64_t n = 0;

	if (json_is_integer(v) && json_integer_value(v) >= 0)
		n = (uint64_t)json_integer_value(v);
	else if (!json_is_string(v) && !json_is_integer(v))
		return draft_type(d, v, "a number of bytes or text such as \"256M\"");
	else if (json_is_integer(v) || strlen(json_string_value(v)) != json_string_length(v) ||
		 parse_bytes(json_string_value(v), &n) < 0)
		return draft_fail(d,
				  "%s is no size, allowed is a number of bytes or text such as "
				  "\"256M\"",
				  draft_show(d, v));
	if (n < row->min || n > row->max)
		return draft_fail(d, "%s is out of range, allowed is %s to %s", draft_show(d, v),
				  format_bytes(lo, sizeof(lo), row->min),
				  format_bytes(hi, sizeof(hi), row->max));
	*(uint64_t *)field = n;
	return 0;
}

int value_time(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	char lo[16], hi[16];
	double s = json_number_value(v);
	uint64_t us = 0;

	if (!json_is_string(v) && !json_is_number(v))
		return draft_type(d, v, "a number of seconds or text such as \"500ms\"");
	if (json_is_number(v) && s >= 0 && s <= (double)(UINT64_MAX / US_PER_S / 2))
		us = (uint64_t)(s * US_PER_S + 0.5);
	else if (json_is_number(v) || strlen(json_string_value(v)) != json_string_length(v) ||
		 parse_duration_us(json_string_value(v), &us) < 0)
		return draft_fail(d,
				  "%s is no time, allowed is a number of seconds or text such as "
				  "\"500ms\"",
				  draft_show(d, v));
	if (us < row->min || us > row->max)
		return draft_fail(d, "%s is out of range, allowed is %s to %s", draft_show(d, v),
				  format_us(lo, sizeof(lo), row->min),
				  format_us(hi, sizeof(hi), row->max));
	*(uint64_t *)field = us;
	return 0;
}

int value_number(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v))
		return draft_type(d, v, "a whole number");
	if (n < 0 || (uint64_t)n < row->min || (uint64_t)n > row->max)
		return draft_fail(d, "%s is out of range, allowed is %" PRIu64 " to %" PRIu64,
				  draft_show(d, v), row->min, row->max);
	*(uint64_t *)field = (uint64_t)n;
	return 0;
}

int value_json(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	(void)d;
	(void)row;
	*(json_t **)field = v;
	return 0;
}

int value_signal(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	int sig;

	(void)row;
	if (!json_is_string(v))
		return draft_type(d, v, "text such as \"QUIT\"");
	sig = strlen(json_string_value(v)) == json_string_length(v)
		      ? signal_parse(json_string_value(v))
		      : -EINVAL;
	if (sig < 0)
		return draft_fail(d, "%s is no signal, allowed is a name such as \"QUIT\" or 1..64",
				  draft_show(d, v));
	*(int *)field = sig;
	return 0;
}
