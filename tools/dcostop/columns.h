/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of dcostop: which of the metrics are shown where, and the text of cells. */
#ifndef DCOS_TOP_COLUMNS_H
#define DCOS_TOP_COLUMNS_H

#include "tools/dcostop/model.h"

#define TOP_COLUMNS_MAX (TOP_METRICS + 4)
#define TOP_CELL_MAX	(TOP_ID_MAX + 128) /* bytes of a cell's text */

/* How much a cell deserves to be looked at. */
enum top_alarm {
	TOP_CALM,
	TOP_WARNING, /* something is in short supply */
	TOP_BAD,
};

struct top_column {
	int by; /* enum top_metric, or TOP_SORT_* */
	const char *title, *help;
	int width; /* the least, in terminal columns */
	bool left; /* text; numbers go right */
};

/* Which columns there are, and where. */
struct top_layout {
	struct top_column columns[TOP_COLUMNS_MAX];
	int nr;
	bool tree; /* ids of tasks are indented */
	bool nodes; /* rows say where they are */
};

/**
 * layout_fit - choose columns
 * @width: of the terminal; what does not fit is left out, the least important first
 * @id_width: that the longest id wants
 */
void layout_fit(struct top_layout *l, enum top_set set, int width, int id_width);

/** layout_all - all columns of a set, ids uncut: for text that goes to a file */
void layout_all(struct top_layout *l, enum top_set set, int id_width);

/** column_name - title of what rows are sorted by */
const char *column_name(int by);

/** column_find - enum top_metric or TOP_SORT_* of a name, or -1 */
int column_find(const char *name);

/** layout_at - the column at a place of the line, or -1 */
int layout_at(const struct top_layout *l, int x);

/** layout_titles - the line of titles */
void layout_titles(const struct top_layout *l, char *buf, size_t size);

/** layout_cell - one cell, padded to its column's width. Return: bytes without the NUL */
size_t layout_cell(const struct top_layout *l, int i, const struct top_row *row, char *buf,
		   size_t size);

/** layout_row - the cells of a row with blanks between, none at the end */
void layout_row(const struct top_layout *l, const struct top_row *row, char *buf, size_t size);

/** cell_alarm - how a row's cell of a column is */
enum top_alarm cell_alarm(const struct top_row *row, int by);

/** columns_help - every column, a line each */
void columns_help(void (*line)(const char *text, void *data), void *data);

#endif
