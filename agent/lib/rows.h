/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of named things that people write: keys of a task spec, keys of the configuration. A
 * table is a const array of structs whose first member is a struct row; the parser of a key, its
 * error messages and its entry in the man page all come from the same row.
 */
#ifndef DCOS_ROWS_H
#define DCOS_ROWS_H

#include <stddef.h>
#include <stdio.h>

#define ROWS_NAME_MAX 64 /* bytes of a name that are compared; longer ones resemble nothing */

struct row {
	const char *name;
	const char *value; /* what is allowed, in words: "number 1..10000" */
	const char *dflt; /* what holds without it, in words; NULL: nothing */
	const char *help; /* sentences */
};

/* One table: an array and its shape. */
struct rows {
	const void *first;
	size_t nr, stride;
};

#define ROWS(array) ((struct rows){(array), sizeof(array) / sizeof((array)[0]), sizeof((array)[0])})

/** rows_at - row @i of a table, @i < nr */
const struct row *rows_at(const struct rows *t, size_t i);

/** rows_find - the row of that name, or NULL */
const struct row *rows_find(const struct rows *t, const char *name);

/**
 * rows_nearest - the row whose name a person may have meant
 * Upper and lower case count as the same; at most a third of the letters may be wrong.
 * Return: NULL if none resembles @name.
 */
const struct row *rows_nearest(const struct rows *t, const char *name);

/**
 * rows_hint - what to tell a person who wrote a name that is in no row
 * @buf: gets "the nearest is \"memory\"", or "allowed are a, b and c"; cut to @size
 * Return: @buf.
 */
const char *rows_hint(const struct rows *t, const char *name, char *buf, size_t size);

/**
 * rows_dump - every row as an entry of a reStructuredText definition list
 * @prefix: put before each name, e.g. "resources."
 */
void rows_dump(const struct rows *t, const char *prefix, FILE *f);

/** row_dump - one entry of rows_dump() */
void row_dump(const struct row *r, const char *prefix, FILE *f);

#endif
