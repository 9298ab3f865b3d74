// SPDX-License-Identifier: Apache-2.0
/* The walk through a profile's document: objects by tables of keys, arrays, numbers, the place. */
#include "isolators/seccomp_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Return: the length that leave() wants back */
static size_t enter(struct sc_reader *r, const char *key)
{
	size_t old = r->place_len;
	char shown[SC_SHOWN_MAX];
	int n = snprintf(r->place + old, sizeof(r->place) - old, "/%s", sc_shown(key, shown));

	if (n > 0)
		r->place_len =
			old + (size_t)n < sizeof(r->place) ? old + (size_t)n : sizeof(r->place) - 1;
	return old;
}

static void leave(struct sc_reader *r, size_t old)
{
	r->place[old] = '\0';
	r->place_len = old;
}

const char *sc_shown(const char *s, char buf[static SC_SHOWN_MAX])
{
	size_t i;

	for (i = 0; i < SC_SHOWN_MAX - 1 && s[i]; i++)
		buf[i] = (char)(s[i] < ' ' || s[i] > '~' ? '?' : s[i]);
	buf[i] = '\0';
	return buf;
}

int sc_bad(struct sc_reader *r, const char *fmt, ...)
{
	char text[WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a cut text is still true */
	va_end(ap);
	return why_set(r->why, -EINVAL, "seccomp: %s%s%s", r->place, r->place_len ? ": " : "",
		       text);
}

int sc_missing(struct sc_reader *r, const char *key, const char *value)
{
	return sc_bad(r, "\"%s\" is missing (%s)", key, value);
}

int sc_object(struct sc_reader *r, json_t *v, struct rows keys, void *out)
{
	char shown[SC_SHOWN_MAX], hint[256];
	const char *name;
	json_t *member;
	int err = 0;

	if (!json_is_object(v))
		return sc_bad(r, "must be an object");
	json_object_foreach (v, name, member) {
		const struct sc_key *key = (const struct sc_key *)rows_find(&keys, name);
		size_t old;

		if (!key)
			return sc_bad(r, "unknown key \"%s\", %s", sc_shown(name, shown),
				      rows_hint(&keys, name, hint, sizeof(hint)));
		old = enter(r, name);
		if (!json_is_null(member)) /* Go programs write null for empty */
			err = key->read(r, member, out);
		if (err)
			return err;
		leave(r, old);
	}
	return 0;
}

int sc_array(struct sc_reader *r, json_t *v, size_t max,
	     int (*read)(struct sc_reader *r, json_t *v, void *out), void *out)
{
	char index[24];
	json_t *element;
	size_t i;
	int err;

	if (!json_is_array(v))
		return sc_bad(r, "must be an array");
	if (json_array_size(v) > max)
		return sc_bad(r, "%zu elements, allowed are at most %zu", json_array_size(v), max);
	json_array_foreach (v, i, element) {
		size_t old;

		(void)snprintf(index, sizeof(index), "%zu", i); /* fits */
		old = enter(r, index);
		err = read(r, element, out);
		if (err)
			return err;
		leave(r, old);
	}
	return 0;
}

const char *sc_string(struct sc_reader *r, const json_t *v)
{
	const char *s = json_string_value(v);

	if (!s)
		(void)sc_bad(r, "must be a string");
	else if (!*s)
		(void)sc_bad(r, "must not be empty");
	return s && *s ? s : NULL;
}

int sc_number(struct sc_reader *r, const json_t *v, uint64_t max, uint64_t *ret)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v))
		return sc_bad(r, "must be a whole number, 0..%" PRIu64, max);
	if (n < 0 || (uint64_t)n > max)
		return sc_bad(r, "%" JSON_INTEGER_FORMAT " is out of range, allowed is 0..%" PRIu64,
			      n, max);
	*ret = (uint64_t)n;
	return 0;
}
