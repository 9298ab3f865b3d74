// SPDX-License-Identifier: Apache-2.0
/* Members of objects with the place that a message names; memory that ends with the whole. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dcosrun/config.h"

#define SHOWN_MAX 64 /* bytes of a value in a message, longer ones are cut */

struct config_block {
	struct config_block *next;
	max_align_t bytes[];
};

void *cf_alloc(struct config *c, size_t nr, size_t size)
{
	struct config_block *b;
	size_t bytes;

	if (__builtin_mul_overflow(nr, size, &bytes) ||
	    !(b = calloc(1, sizeof(*b) + bytes + !bytes))) {
		(void)why_set(c->why, -ENOMEM, "config.json"); /* told by NULL */
		return NULL;
	}
	b->next = c->memory;
	c->memory = b;
	return b->bytes;
}

char *cf_text(struct config *c, const char *fmt, ...)
{
	char *text = NULL, *copy;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		(void)why_set(c->why, -ENOMEM, "config.json"); /* told by NULL */
		return NULL;
	}
	copy = cf_alloc(c, 1, (size_t)n + 1);
	if (copy)
		memcpy(copy, text, (size_t)n + 1);
	free(text);
	return copy;
}

int cf_bad(struct config *c, const char *key, const char *fmt, ...)
{
	char text[WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut is well */
	va_end(ap);
	return why_set(c->why, -EINVAL, "%s%s%s: %s", c->place, c->place_len && *key ? "." : "",
		       key, text);
}

size_t cf_in(struct config *c, const char *key, ssize_t index)
{
	size_t was = c->place_len;
	char *at = c->place + was;
	int n;

	if (index < 0)
		n = snprintf(at, sizeof(c->place) - was, "%s%s", was ? "." : "", key);
	else
		n = snprintf(at, sizeof(c->place) - was, "%s%s[%zd]", was ? "." : "", key, index);
	c->place_len += (size_t)n;
	if (c->place_len >= sizeof(c->place))
		c->place_len = sizeof(c->place) - 1;
	return was;
}

void cf_out(struct config *c, size_t was)
{
	c->place_len = was;
	c->place[was] = '\0';
}

bool cf_has(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return v && !json_is_null(v);
}

int cf_missing(struct config *c, const char *key)
{
	return cf_bad(c, key, "is missing");
}

int cf_refuse(struct config *c, const json_t *o, const char *const *keys)
{
	for (; *keys; keys++)
		if (cf_has(o, *keys))
			return cf_bad(c, *keys, "is not supported here");
	return 0;
}

static const char *type_name(json_type type)
{
	switch (type) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a whole number";
	default:
		return "true or false";
	}
}

int cf_member(struct config *c, const json_t *o, const char *key, json_type type, json_t **ret)
{
	json_t *v = json_object_get(o, key);

	if (!v || json_is_null(v))
		return 0;
	if (json_typeof(v) != type)
		return cf_bad(c, key, "must be %s", type_name(type));
	*ret = v;
	return 0;
}

int cf_str(struct config *c, const json_t *o, const char *key, char **ret)
{
	json_t *v = NULL;
	int err = cf_member(c, o, key, JSON_STRING, &v);

	if (!v)
		return err;
	if (json_string_length(v) != strlen(json_string_value(v)))
		return cf_bad(c, key, "must be a string without a NUL");
	*ret = (char *)json_string_value(v);
	return 0;
}

int cf_bool(struct config *c, const json_t *o, const char *key, bool *ret)
{
	const json_t *v = json_object_get(o, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_boolean(v))
		return cf_bad(c, key, "must be true or false");
	*ret = json_is_true(v);
	return 0;
}

int cf_int(struct config *c, const json_t *o, const char *key, int64_t min, int64_t max,
	   int64_t *ret)
{
	json_t *v = NULL;
	int err = cf_member(c, o, key, JSON_INTEGER, &v);
	json_int_t n;

	if (!v)
		return err;
	n = json_integer_value(v);
	if (n < min || n > max)
		return cf_bad(c, key, "%lld: allowed is %" PRId64 "..%" PRId64, (long long)n, min,
			      max);
	*ret = n;
	return 0;
}

int cf_u32(struct config *c, const json_t *o, const char *key, uint32_t *ret)
{
	int64_t n = *ret;
	int err = cf_int(c, o, key, 0, UINT32_MAX, &n);

	*ret = (uint32_t)n;
	return err;
}

int cf_strings(struct config *c, const json_t *o, const char *key, char ***ret)
{
	json_t *v = NULL, *item;
	int err = cf_member(c, o, key, JSON_ARRAY, &v);
	char **strings;
	size_t i;

	if (!v)
		return err;
	if (json_array_size(v) > CONFIG_ITEMS_MAX)
		return cf_bad(c, key, "%zu elements, allowed are up to %d", json_array_size(v),
			      CONFIG_ITEMS_MAX);
	strings = cf_alloc(c, json_array_size(v) + 1, sizeof(*strings));
	if (!strings)
		return -ENOMEM;
	json_array_foreach (v, i, item) {
		strings[i] = (char *)json_string_value(item);
		if (!strings[i] || strlen(strings[i]) != json_string_length(item))
			return cf_bad(c, key, "element %zu must be a string without a NUL", i);
	}
	*ret = strings;
	return 0;
}

int cf_pairs(struct config *c, const json_t *o, const char *key, size_t max, struct oci_pairs *ret)
{
	json_t *v = NULL, *item;
	int err = cf_member(c, o, key, JSON_OBJECT, &v);
	const char *name;

	if (!v)
		return err;
	if (json_object_size(v) > max)
		return cf_bad(c, key, "%zu members, allowed are up to %zu", json_object_size(v),
			      max);
	ret->items = cf_alloc(c, json_object_size(v), sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;
	json_object_foreach (v, name, item) {
		if (!json_is_string(item))
			return cf_bad(c, key, "%.*s must be a string", SHOWN_MAX, name);
		ret->items[ret->nr++] =
			(struct oci_pair){(char *)name, (char *)json_string_value(item)};
	}
	return 0;
}

int cf_each(struct config *c, const json_t *o, const char *key, size_t max, size_t size,
	    int (*read)(struct config *c, const json_t *v, void *item), void **ret, size_t *ret_nr)
{
	json_t *v = NULL, *item;
	int err = cf_member(c, o, key, JSON_ARRAY, &v);
	char *items;
	size_t i;

	if (!v)
		return err;
	if (json_array_size(v) > max)
		return cf_bad(c, key, "%zu entries, allowed are up to %zu", json_array_size(v),
			      max);
	items = cf_alloc(c, json_array_size(v), size);
	if (!items)
		return -ENOMEM;
	json_array_foreach (v, i, item) {
		size_t was = cf_in(c, key, (ssize_t)i);

		err = json_is_object(item) ? read(c, item, items + i * size)
					   : cf_bad(c, "", "must be an object");
		if (err)
			return err;
		cf_out(c, was);
	}
	*ret = items;
	*ret_nr = json_array_size(v);
	return 0;
}

void config_free(struct config *c)
{
	while (c->memory) {
		struct config_block *b = c->memory;

		c->memory = b->next;
		free(b);
	}
	json_decref(c->doc);
	c->doc = NULL;
	free(c->text);
	c->text = NULL;
}

int cf_word(struct config *c, const char *key, const char *name, const struct cf_word *words,
	    size_t nr, int64_t *ret)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(words[i].name, name)) {
			*ret = words[i].value;
			return 0;
		}
	return cf_bad(c, key, "\"%.64s\" is not one of those that exist", name);
}
