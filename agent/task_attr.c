// SPDX-License-Identifier: Apache-2.0
/* Keys that are judged on their own: id, names, numbers of the process, labels. */
#include "agent/task_draft.h"

#include <inttypes.h>
#include <string.h>

#define HOSTNAME_LEN_MAX 63
#define OCTAL		 "01234567"
#define HOST_LETTERS	 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"

int value_id(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	const char *s = NULL;
	int err = draft_text(d, v, 1, row->max, &s);

	if (err < 0)
		return err;
	if (!ct_id_valid(s))
		return draft_fail(d,
				  "%s is not allowed, allowed are letters, digits, \"_\", \"+\", "
				  "\"-\" and, but not first, \".\"",
				  draft_show(d, v));
	return draft_strdup(d, s, field);
}

int value_cmd(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	if (d->command)
		return draft_fail(d, "given beside \"command\", only one of them is allowed");
	return draft_text(d, v, row->min, row->max, field);
}

int value_hostname(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	const char *s = NULL;
	int err = draft_text(d, v, 1, HOSTNAME_LEN_MAX, &s);

	(void)row;
	if (err < 0)
		return err;
	if (strspn(s, HOST_LETTERS) != strlen(s) || strchr("-.", *s))
		return draft_fail(
			d,
			"%s is not allowed, allowed are letters, digits and, but not first, "
			"\"-\" and \".\"",
			draft_show(d, v));
	return draft_strdup(d, s, field);
}

int value_umask(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	const char *s = NULL;
	uint32_t mask = 0;
	int err;

	(void)row;
	if (!json_is_string(v))
		return draft_type(d, v, "text such as \"022\"");
	err = draft_text(d, v, 1, 4, &s);
	if (err < 0)
		return err;
	for (const char *c = s; *c; c++)
		mask = mask * 8 + (uint32_t)(*c - '0');
	if (strspn(s, OCTAL) != strlen(s) || mask > 0777)
		return draft_fail(d, "%s is not allowed, allowed is octal \"000\" to \"777\"",
				  draft_show(d, v));
	*(uint32_t *)field = mask;
	return 0;
}

int value_oom_score_adj(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	json_int_t n = json_integer_value(v);

	(void)row;
	if (!json_is_integer(v))
		return draft_type(d, v, "a whole number");
	if (n < -1000 || n > 1000)
		return draft_fail(d, "%s is out of range, allowed is -1000 to 1000",
				  draft_show(d, v));
	*(int *)field = (int)n;
	return 0;
}

int value_labels(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	json_t **labels = field;
	const char *name, *text;
	json_t *value;

	if (!json_is_object(v))
		return draft_type(d, v, "an object");
	if (json_object_size(v) > row->max)
		return draft_fail(d, "has %zu labels, allowed are at most %" PRIu64,
				  json_object_size(v), row->max);
	json_object_foreach (v, name, value) {
		size_t where = draft_push(d, name);
		int err;

		if (!*name || strlen(name) > TASK_LABEL_MAX)
			err = draft_fail(d, "the name has %zu bytes, allowed are 1 to %d",
					 strlen(name), TASK_LABEL_MAX);
		else
			err = draft_text(d, value, 0, TASK_LABEL_MAX, &text);
		draft_pop(d, where);
		if (err < 0)
			return err;
	}
	json_decref(*labels);
	*labels = json_deep_copy(v);
	return *labels ? 0 : draft_nomem(d);
}
