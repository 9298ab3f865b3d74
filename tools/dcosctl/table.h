/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for people, by libsmartcols: rows of a description, cells as text. */
#ifndef DCOS_CTL_TABLE_H
#define DCOS_CTL_TABLE_H

#include <libsmartcols/libsmartcols.h>
#include <stdbool.h>

#define TABLE_COLUMNS_MAX 12

struct table_column {
	const char *title; /* NULL ends the columns */
	bool right; /* numbers */
	bool cut; /* may lose its end in a narrow terminal */
	bool lines; /* its cells may have line breaks, see text_wrap() */
};

/** table_new - Return: NULL out of memory */
struct libscols_table *table_new(const struct table_column *columns);

/** table_row - @cells: as many as columns; NULL is "-". Return: 0 or -ENOMEM */
int table_row(struct libscols_table *t, const char *const *cells);

/**
 * table_width - columns of the terminal
 * Return: 0 if standard output is none; nothing needs to be wrapped then.
 */
int table_width(void);

/** table_print - to stdout, and free. Return: 0 or -errno */
int table_print(struct libscols_table *t);

#endif
