// SPDX-License-Identifier: Apache-2.0
/* Tables by libsmartcols, see table.h. It makes control characters in cells visible itself. */
#include "tools/dcosctl/table.h"

#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct libscols_table *table_new(const struct table_column *columns)
{
	struct libscols_table *t = scols_new_table();

	for (; t && columns->title; columns++) {
		int flags = (columns->right ? SCOLS_FL_RIGHT : 0) |
			    (columns->cut ? SCOLS_FL_TRUNC : 0) |
			    (columns->lines ? SCOLS_FL_WRAP : 0);
		struct libscols_column *c = scols_table_new_column(t, columns->title, 0, flags);

		if (!c ||
		    (columns->lines && scols_column_set_wrapfunc(c, scols_wrapnl_chunksize,
								 scols_wrapnl_nextchunk, NULL))) {
			scols_unref_table(t);
			return NULL;
		}
		/* else the breaks would be shown as \x0a */
		if (columns->lines)
			(void)scols_column_set_safechars(c, "\n"); /* can't fail, c is there */
	}
	return t;
}

int table_row(struct libscols_table *t, const char *const *cells)
{
	struct libscols_line *line = scols_table_new_line(t, NULL);
	size_t nr = scols_table_get_ncols(t);

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		int r = scols_line_set_data(line, i, cells[i] && *cells[i] ? cells[i] : "-");

		if (r < 0)
			return r;
	}
	return 0;
}

int table_width(void)
{
	struct winsize w = {};

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0)
		return 0;
	return w.ws_col;
}

int table_print(struct libscols_table *t)
{
	int r = scols_print_table(t);

	scols_unref_table(t);
	return r;
}
