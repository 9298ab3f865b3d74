/* SPDX-License-Identifier: Apache-2.0 */
/* The screen's inside; only for screen.c, page.c and keys.c, which know curses. */
#ifndef DCOS_TOP_SCREEN_IMPL_H
#define DCOS_TOP_SCREEN_IMPL_H

#include <curses.h>

#include "tools/dcostop/view.h"

#define LINE_BYTES 4096
#define LINES_TALL 10 /* from here on there is room for the whole header and the keys */
#define COLS_LEAST 12 /* less than this, or two lines, is too small for anything */

struct screen {
	SCREEN *terminal;
	attr_t attrs[3]; /* by enum top_alarm */
	bool utf8;
	/* of the last drawing, for keys and the mouse */
	size_t page; /* rows that fit */
	struct top_rows rows;
	struct top_layout layout;
	int titles_y;
	size_t help_lines;
};

/** put_line - a line over the whole width, the rest of it blank */
void put_line(int y, const char *text, attr_t attr);

/** draw_task - the page of one task */
void draw_task(const struct screen *s, const struct top_row *row, const struct top_history *h,
	       const struct top_choice *choice);

/** selected_row - place of the selected row; 0 if it is gone */
size_t selected_row(const struct screen *s, const struct top_choice *choice);

#endif
