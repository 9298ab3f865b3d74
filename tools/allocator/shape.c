// SPDX-License-Identifier: Apache-2.0
/* Rows of keys, see shape.h. */
#include "tools/allocator/shape.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/cleanup.h"

static bool word_allowed(const char *words, const char *text)
{
	size_t len = strlen(text);

	for (const char *w = words; w; w = strchr(w, '|'), w = w ? w + 1 : NULL)
		if (strcspn(w, "|") == len && !strncmp(w, text, len))
			return true;
	return false;
}

/* Where an item is; one too deep to be told is "/". */
static void path_item(char *buf, const char *path, size_t i)
{
	int n = snprintf(buf, SHAPE_PATH_MAX, "%s(%zu)", path, i);

	if (n >= SHAPE_PATH_MAX)
		buf[1] = '\0';
}

static void path_key(char *buf, const char *path, char separator, const char *key)
{
	int n = snprintf(buf, SHAPE_PATH_MAX, "%s%c%s", path, separator, key);

	if (n >= SHAPE_PATH_MAX)
		buf[1] = '\0';
}

static int wrong(struct app_errors *e, const char *path, const char *expected)
{
	app_error(e, path, "must be %s", expected);
	return -EINVAL;
}

static int check_text(const struct shape_row *row, const json_t *v, const char *path,
		      struct app_errors *e)
{
	if (!json_is_string(v) || json_string_length(v) > SHAPE_TEXT_MAX)
		return wrong(e, path, "a text");
	if (strlen(json_string_value(v)) != json_string_length(v))
		return wrong(e, path, "a text without NUL");
	if (row->words && !word_allowed(row->words, json_string_value(v))) {
		app_error(e, path, "is %s, must be one of %s", json_string_value(v), row->words);
		return -EINVAL;
	}
	return 0;
}

static int check_number(const struct shape_row *row, const json_t *v, const char *path,
			struct app_errors *e)
{
	double d = json_number_value(v);

	if (!json_is_number(v) || (row->type == SHAPE_INTEGER && !json_is_integer(v)))
		return wrong(e, path, row->type == SHAPE_INTEGER ? "a whole number" : "a number");
	if ((row->min != 0 || row->max != 0) && !(d >= row->min && d <= row->max)) {
		app_error(e, path, "is %g, must be from %g to %g", d, row->min, row->max);
		return -EINVAL;
	}
	return 0;
}

static int check_texts(const json_t *v, const char *path, struct app_errors *e)
{
	static const struct shape_row text = {.type = SHAPE_TEXT};
	const json_t *item;
	size_t i;
	int r = 0;

	if (!json_is_array(v) || json_array_size(v) > SHAPE_ITEMS_MAX)
		return wrong(e, path, "an array of texts");
	json_array_foreach (v, i, item) {
		char at[SHAPE_PATH_MAX];

		path_item(at, path, i);
		if (check_text(&text, item, at, e) < 0)
			r = -EINVAL;
	}
	return r;
}

static int check_lists(const json_t *v, const char *path, struct app_errors *e)
{
	const json_t *item;
	size_t i;
	int r = 0;

	if (!json_is_array(v) || json_array_size(v) > SHAPE_ITEMS_MAX)
		return wrong(e, path, "an array of arrays of texts");
	json_array_foreach (v, i, item) {
		char at[SHAPE_PATH_MAX];

		path_item(at, path, i);
		if (check_texts(item, at, e) < 0)
			r = -EINVAL;
	}
	return r;
}

static int check_map(const json_t *v, const char *path, struct app_errors *e)
{
	static const struct shape_row text = {.type = SHAPE_TEXT};
	const char *key;
	json_t *item;
	int r = 0;

	if (!json_is_object(v) || json_object_size(v) > SHAPE_ITEMS_MAX)
		return wrong(e, path, "an object of texts");
	json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
		char at[SHAPE_PATH_MAX];

		path_key(at, path, '.', key);
		if (check_text(&text, item, at, e) < 0)
			r = -EINVAL;
	}
	return r;
}

static int make_objects(const struct shape_row *row, const json_t *v, const char *path,
			json_t **ret, struct app_errors *e)
{
	json_t *list, *item, *made;
	size_t i;
	int r = 0;

	if (!json_is_array(v) || json_array_size(v) > SHAPE_ITEMS_MAX)
		return wrong(e, path, "an array of objects");
	list = json_array();
	json_array_foreach (v, i, item) {
		char at[SHAPE_PATH_MAX];

		path_item(at, path, i);
		if (shape_make(row->rows, item, at, &made, e) < 0)
			r = -EINVAL;
		else if (json_array_append_new(list, made) < 0)
			r = r ?: -ENOMEM;
	}
	if (r < 0)
		json_decref(list);
	else
		*ret = list;
	return r;
}

static int check_plain(const struct shape_row *row, const json_t *v, const char *path,
		       struct app_errors *e)
{
	switch (row->type) {
	case SHAPE_TEXT:
		return check_text(row, v, path, e);
	case SHAPE_NUMBER:
	case SHAPE_INTEGER:
		return check_number(row, v, path, e);
	case SHAPE_BOOL:
		return json_is_boolean(v) ? 0 : wrong(e, path, "true or false");
	case SHAPE_TEXTS:
		return check_texts(v, path, e);
	case SHAPE_LISTS:
		return check_lists(v, path, e);
	case SHAPE_MAP:
		return check_map(v, path, e);
	case SHAPE_OBJECT:
	case SHAPE_OBJECTS:
	case SHAPE_ANY:
	case SHAPE_SKIP:
		return 0;
	}
	return -EINVAL;
}

static int make_value(const struct shape_row *row, const json_t *v, const char *path, json_t **ret,
		      struct app_errors *e)
{
	int r;

	if (row->type == SHAPE_OBJECT)
		return shape_make(row->rows, v, path, ret, e);
	if (row->type == SHAPE_OBJECTS)
		return make_objects(row, v, path, ret, e);
	r = check_plain(row, v, path, e);
	if (r < 0)
		return r;
	*ret = json_deep_copy(v);
	return *ret ? 0 : -ENOMEM;
}

static int make_row(const struct shape_row *row, const json_t *in, const char *path, json_t *out,
		    struct app_errors *e)
{
	const json_t *v = json_object_get(in, row->key);
	char at[SHAPE_PATH_MAX];
	json_t *made = NULL, *fallback = NULL;
	int r;

	if (row->type == SHAPE_SKIP)
		return 0;
	path_key(at, path, '/', row->key);
	if (json_is_null(v))
		v = NULL;
	if (!v && row->fallback) {
		fallback = json_loads(row->fallback, JSON_DECODE_ANY, NULL);
		if (!fallback)
			return -ENOMEM;
	}
	if (v || fallback) {
		r = make_value(row, v ?: fallback, at, &made, e);
		json_decref(fallback);
		if (r < 0)
			return r;
	}
	return !made || json_object_set_new(out, row->key, made) == 0 ? 0 : -ENOMEM;
}

static bool known(const struct shape_row *rows, const char *key)
{
	for (; rows->key; rows++)
		if (!strcmp(rows->key, key))
			return true;
	return false;
}

int shape_make(const struct shape_row *rows, const json_t *in, const char *path, json_t **ret,
	       struct app_errors *e)
{
	const char *key;
	json_t *out, *v;
	int r = 0;

	if (!json_is_object(in))
		return wrong(e, *path ? path : "/", "an object");
	out = json_object();
	if (!out)
		return -ENOMEM;
	json_object_foreach ((json_t *)(uintptr_t)in, key, v) {
		char at[SHAPE_PATH_MAX];

		path_key(at, path, '/', key);
		if (!known(rows, key))
			r = wrong(e, at, "left out: there is no such key");
	}
	for (const struct shape_row *row = rows; row->key; row++) {
		int one = make_row(row, in, path, out, e);

		r = one < 0 ? one : r;
	}
	if (r < 0)
		json_decref(out);
	else
		*ret = out;
	return r;
}
