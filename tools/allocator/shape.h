/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that say which keys a JSON object may have, of which type and with which default. */
#ifndef DCOS_ALLOCATOR_SHAPE_H
#define DCOS_ALLOCATOR_SHAPE_H

#include "tools/allocator/app.h"

#define SHAPE_ITEMS_MAX 1024 /* of one array or map */
#define SHAPE_TEXT_MAX	65536 /* bytes of one text */
#define SHAPE_PATH_MAX	256 /* bytes of the path of a detail */

enum shape_type {
	SHAPE_TEXT,
	SHAPE_NUMBER,
	SHAPE_INTEGER,
	SHAPE_BOOL,
	SHAPE_TEXTS, /* array of texts */
	SHAPE_MAP, /* object of texts */
	SHAPE_OBJECT, /* of .rows */
	SHAPE_OBJECTS, /* array of such */
	SHAPE_LISTS, /* array of arrays of texts */
	SHAPE_ANY,
	SHAPE_SKIP, /* only in replies: dropped without a word */
};

/**
 * struct shape_row - one key
 * @fallback: JSON text of the default; NULL: none, the key stays away
 * @min, @max: of numbers; both 0: any
 * @words: "A|B": the texts that are allowed; NULL: any
 * @rows: of objects, ended by .key NULL
 */
struct shape_row {
	const char *key;
	enum shape_type type;
	const char *fallback;
	double min, max;
	const char *words;
	const struct shape_row *rows;
};

/**
 * shape_make - check an object and complete it
 * @path: of the object, "" at the root; keys of details are "PATH/key", items "PATH(3)"
 * @ret: a new object; null counts as left out
 * Return: 0; -EINVAL with @e; -ENOMEM.
 */
int shape_make(const struct shape_row *rows, const json_t *in, const char *path, json_t **ret,
	       struct app_errors *e);

#endif
