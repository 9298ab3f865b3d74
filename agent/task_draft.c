// SPDX-License-Identifier: Apache-2.0
/* Walks a document along the rows of a table, and remembers where it is for error messages. */
#include "agent/task_draft.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* One sentence about the present key; the first one stays. */
static int fail(struct draft *d, int err, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

static int fail(struct draft *d, int err, const char *fmt, va_list ap)
{
	if (d->err->reason[0])
		return err;
	(void)snprintf(d->err->key, sizeof(d->err->key), "%s", d->path);
	(void)vsnprintf(d->err->reason, sizeof(d->err->reason), fmt, ap); /* a cut one is true */
	return err;
}

int draft_fail(struct draft *d, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = fail(d, -EINVAL, fmt, ap);
	va_end(ap);
	return err;
}

int draft_fail_at(struct draft *d, const char *key, const char *fmt, ...)
{
	size_t where = draft_push(d, key);
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = fail(d, -EINVAL, fmt, ap);
	va_end(ap);
	draft_pop(d, where);
	return err;
}

int draft_nomem(struct draft *d)
{
	(void)draft_fail(d, "out of memory");
	return -ENOMEM;
}

static const char *type_name(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "text";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a truth value";
	case JSON_NULL:
		return "null";
	}
	return "unknown";
}

int draft_type(struct draft *d, const json_t *v, const char *must)
{
	if (json_is_object(v) || json_is_array(v) || json_is_null(v))
		return draft_fail(d, "is %s, must be %s", type_name(v), must);
	return draft_fail(d, "%s is %s, must be %s", draft_show(d, v), type_name(v), must);
}

struct shown {
	char *buf;
	size_t len, size;
};

static int show_some(const char *text, size_t len, void *data)
{
	struct shown *s = data;
	size_t room = s->size - 1 - s->len;

	memcpy(s->buf + s->len, text, len < room ? len : room);
	s->len += len < room ? len : room;
	return len <= room ? 0 : -1; /* enough */
}

const char *draft_show(struct draft *d, const json_t *v)
{
	static const char cut[] = "...";
	struct shown s = {.buf = d->shown, .size = sizeof(d->shown) - sizeof(cut) + 1};
	int err;

	if (json_is_object(v) || json_is_array(v))
		return type_name(v);
	err = json_dump_callback(v, show_some, &s, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	s.buf[s.len] = '\0';
	if (err)
		memcpy(s.buf + s.len, cut, sizeof(cut));
	for (size_t i = 0; i < s.len; i++)
		if (s.buf[i] == 0x7f)
			s.buf[i] = '?';
	return d->shown;
}

size_t draft_push(struct draft *d, const char *key)
{
	size_t where = strlen(d->path), n = where;

	if (n && n + 1 < sizeof(d->path))
		d->path[n++] = '.';
	if (!*key)
		key = "\"\"";
	for (; *key && n + 1 < sizeof(d->path); key++)
		d->path[n++] = *key < ' ' || *key > '~' ? '?' : *key;
	d->path[n] = '\0';
	return where;
}

size_t draft_push_index(struct draft *d, size_t i)
{
	size_t where = strlen(d->path);

	(void)snprintf(d->path + where, sizeof(d->path) - where, "[%zu]", i);
	return where;
}

void draft_pop(struct draft *d, size_t where)
{
	d->path[where] = '\0';
}

int draft_object(struct draft *d, const struct rows *table, json_t *obj, void *base)
{
	char hint[WHY_MAX - 32];
	const char *key;
	json_t *v;

	if (!json_is_object(obj))
		return draft_type(d, obj, "an object");
	json_object_foreach (obj, key, v) {
		if (!rows_find(table, key))
			return draft_fail_at(d, key, "no such key, %s",
					     rows_hint(table, key, hint, sizeof(hint)));
	}
	for (size_t i = 0; i < table->nr; i++) {
		const struct task_row *row = (const void *)rows_at(table, i);
		size_t where;
		int err;

		v = json_object_get(obj, row->doc.name);
		if (!v)
			continue;
		where = draft_push(d, row->doc.name);
		err = row->parse(d, row, v, (char *)base + row->offset);
		draft_pop(d, where);
		if (err < 0)
			return err;
	}
	return 0;
}

int draft_array(struct draft *d, json_t *v, size_t max, draft_element_fn each, void *data)
{
	json_t *element;
	size_t i;

	if (!json_is_array(v))
		return draft_type(d, v, "an array");
	if (json_array_size(v) > max)
		return draft_fail(d, "has %zu elements, allowed are at most %zu",
				  json_array_size(v), max);
	json_array_foreach (v, i, element) {
		size_t where = draft_push_index(d, i);
		int err = each(d, element, data);

		draft_pop(d, where);
		if (err < 0)
			return err;
	}
	return 0;
}
