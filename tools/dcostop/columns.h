/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of dcostop: one table, from which screen, text and help are made. */
#ifndef DCOS_TOP_COLUMNS_H
#define DCOS_TOP_COLUMNS_H

#include "tools/dcostop/model.h"

#define TOP_COLUMNS_MAX 20
#define TOP_CELL_MAX	(TOP_ID_MAX + 8) /* bytes of a cell's text */

/* How much a cell deserves to be looked at. */
enum top_alarm {
	TOP_CALM,
	TOP_WARNING, /* something is in short supply */
	TOP_BAD,
};

struct top_column {
	const char *title;
	int width; /* the least, in terminal columns */
	bool left; /* text; numbers go right */
	int rank; /* 0 is always there; the highest goes first when there is no room */
	void (*print)(const struct top_row *row, char *buf, size_t size);
	enum top_alarm (*alarm)(const struct top_row *row); /* NULL: always calm */
	const char *help;
};

extern const struct top_column top_columns[]; /* the first is ID, ended by .title NULL */

/* Which columns there are, and how wide the first is. */
struct top_layout {
	const struct top_column *columns[TOP_COLUMNS_MAX];
	int nr, id_width;
};

/**
 * layout_fit - choose columns
 * @width: of the terminal; at 80 the standard ones are there, more appear when there is room
 * @id_width: that the longest id wants
 */
void layout_fit(struct top_layout *l, int width, int id_width);

/** layout_all - the standard columns, and ids uncut: for text that goes to a file */
void layout_all(struct top_layout *l, int id_width);

/** layout_titles - the line of titles; @buf gets @width columns at most */
void layout_titles(const struct top_layout *l, char *buf, size_t size);

/** layout_cell - one cell, padded to its column's width. Return: bytes without the NUL */
size_t layout_cell(const struct top_layout *l, int i, const struct top_row *row, char *buf,
		   size_t size);

/** layout_row - the cells of a row with blanks between, none at the end */
void layout_row(const struct top_layout *l, const struct top_row *row, char *buf, size_t size);

#endif
