// SPDX-License-Identifier: Apache-2.0
/*
 * The view for a terminal, by ncursesw. Colour is only an addition: what is red is also a number
 * or a word. The terminal's own colours are kept, and only red and magenta are used, which can be
 * read on light and on dark ones.
 */
#include <curses.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "tools/common/text.h"
#include "tools/dcostop/view.h"

#define HEADER_LINES 3
#define LINES_TALL   10 /* from here on there is room for the whole header and the keys */
#define LINE_BYTES   4096

struct screen {
	SCREEN *terminal;
	attr_t attrs[3]; /* by enum top_alarm */
	size_t page; /* rows of the last drawing */
	size_t rows_nr;
};

static void choose_attrs(struct screen *s)
{
	const char *no_color = getenv("NO_COLOR");

	s->attrs[TOP_WARNING] = A_BOLD;
	s->attrs[TOP_BAD] = A_BOLD | A_UNDERLINE;
	if ((no_color && *no_color) || !has_colors() || start_color() == ERR)
		return;
	if (use_default_colors() == ERR)
		return;
	if (init_pair(1, COLOR_MAGENTA, -1) == ERR || init_pair(2, COLOR_RED, -1) == ERR)
		return;
	s->attrs[TOP_WARNING] = (attr_t)COLOR_PAIR(1);
	s->attrs[TOP_BAD] = (attr_t)COLOR_PAIR(2) | A_BOLD;
}

int screen_new(struct screen **ret)
{
	struct screen *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->terminal = newterm(NULL, stdout, stdin);
	if (!s->terminal) {
		free(s);
		return -ENOTTY;
	}
	/* none of these can fail once there is a terminal, or it would only look less well */
	(void)set_term(s->terminal);
	(void)set_escdelay(25);
	(void)cbreak();
	(void)noecho();
	(void)nodelay(stdscr, TRUE);
	(void)keypad(stdscr, TRUE);
	(void)curs_set(0);
	choose_attrs(s);
	*ret = s;
	return 0;
}

struct screen *screen_free(struct screen *s)
{
	if (!s)
		return NULL;
	(void)endwin(); /* what could be done if it failed */
	delscreen(s->terminal);
	free(s);
	return NULL;
}

/* A line over the whole width, without touching the last cell, which would scroll. */
static void put_line(int y, const char *text, attr_t attr)
{
	char fitted[LINE_BYTES];
	int used;

	if (y < 0 || y >= LINES)
		return;
	used = text_fit(fitted, sizeof(fitted), text, COLS);
	/* writing the last cell of the screen reports an error, and works */
	(void)attrset(attr);
	(void)mvaddstr(y, 0, fitted);
	for (; (attr & A_REVERSE) && used < COLS; used++)
		(void)addch(' ');
	(void)attrset(A_NORMAL);
}

static void put_row(struct screen *s, int y, const struct top_layout *l, const struct top_row *row)
{
	char cell[LINE_BYTES];
	int x = 0;

	for (int i = 0; i < l->nr; i++) {
		const struct top_column *c = l->columns[i];
		attr_t attr = s->attrs[c->alarm ? c->alarm(row) : TOP_CALM];

		(void)layout_cell(l, i, row, cell, sizeof(cell));
		/* as above */
		(void)attrset(attr);
		(void)mvaddstr(y, x, cell);
		x += (i ? c->width : l->id_width) + 1;
	}
	(void)attrset(A_NORMAL);
}

static const char *const help_keys[] = {
	"q quit   space pause   / only ids with a text (Enter done, Esc all)   r reverse",
	"sort:  c CPU%   m RSS   w P99   t THR%   i ID      arrows, PgUp, PgDn, Home, End",
	"",
};

static void draw_help(void)
{
	char line[TOP_LINE_MAX];
	int y = 0;

	put_line(y++, "dcostop - keys and columns; any key goes back", A_REVERSE);
	for (size_t i = 0; i < ARRAY_SIZE(help_keys); i++)
		put_line(y++, help_keys[i], A_NORMAL);
	for (const struct top_column *c = top_columns; c->title; c++) {
		(void)snprintf(line, sizeof(line), "%-7s %s", c->title, c->help);
		put_line(y++, line, A_NORMAL);
	}
}

static void draw_keys(const struct top_choice *choice)
{
	char line[TOP_LINE_MAX];

	if (choice->typing) {
		(void)snprintf(line, sizeof(line), "/%s_", choice->filter);
		put_line(LINES - 1, line, A_BOLD);
	} else if (LINES >= LINES_TALL) {
		put_line(LINES - 1,
			 "q quit  space pause  / filter  c cpu  m mem  w wait  t thr  i id  h help",
			 A_DIM);
	}
}

static void draw_table(struct screen *s, const struct top_row *const *rows, size_t nr,
		       struct top_choice *choice, int top)
{
	int bottom = LINES - (choice->typing || LINES >= LINES_TALL);
	char titles[LINE_BYTES];
	struct top_layout l;

	s->rows_nr = nr;
	s->page = bottom > top + 1 ? (size_t)(bottom - top - 1) : 0;
	if (choice->first + s->page > nr)
		choice->first = nr > s->page ? nr - s->page : 0;
	layout_fit(&l, COLS, widest_id(rows, nr));
	layout_titles(&l, titles, sizeof(titles));
	put_line(top, titles, A_REVERSE);
	for (size_t i = 0; i < s->page && choice->first + i < nr; i++)
		put_row(s, top + 1 + (int)i, &l, rows[choice->first + i]);
}

int screen_draw(struct screen *s, const struct top_model *m, const struct top_node *node,
		struct top_choice *choice)
{
	cleanup_free const struct top_row **rows = NULL;
	ssize_t nr = model_rows(m, choice->sort, choice->reverse, choice->filter, &rows);
	int header = LINES >= LINES_TALL ? HEADER_LINES : LINES >= 4 ? 1 : 0;
	char line[TOP_LINE_MAX];

	if (nr < 0)
		return (int)nr;
	/* drawing beyond the edge of a tiny terminal reports errors, and does nothing */
	(void)erase();
	if (choice->help) {
		draw_help();
		(void)refresh();
		return 0;
	}
	for (int i = 0; i < header; i++)
		put_line(i, header_line(i, m, node, choice, COLS, line), i ? A_NORMAL : A_BOLD);
	if (choice->trouble[0] && header)
		put_line(header - 1, choice->trouble, s->attrs[TOP_BAD]);
	draw_table(s, rows, (size_t)nr, choice, header);
	draw_keys(choice);
	(void)refresh();
	return 0;
}

static void scroll_by(const struct screen *s, struct top_choice *choice, ssize_t by)
{
	ssize_t last = (ssize_t)s->rows_nr - (ssize_t)s->page;
	ssize_t first = (ssize_t)choice->first + by;

	if (first > last)
		first = last;
	choice->first = first > 0 ? (size_t)first : 0;
}

static void type_filter(struct top_choice *choice, int key)
{
	size_t len = strlen(choice->filter);

	choice->first = 0;
	if (key == '\n' || key == KEY_ENTER) {
		choice->typing = false;
	} else if (key == 27) {
		choice->typing = false;
		choice->filter[0] = 0;
	} else if (key == KEY_BACKSPACE || key == 127 || key == '\b') {
		/* a whole character, not only its last byte */
		while (len && (choice->filter[len - 1] & 0xc0) == 0x80)
			len--;
		choice->filter[len ? len - 1 : 0] = 0;
	} else if (key >= ' ' && key < 256 && len + 1 < TOP_FILTER_MAX) {
		choice->filter[len] = (char)key;
		choice->filter[len + 1] = 0;
	}
}

static const struct {
	int key;
	enum top_sort sort;
} sort_keys[] = {
	{'c', TOP_SORT_CPU},	   {'m', TOP_SORT_MEMORY}, {'w', TOP_SORT_WAIT},
	{'t', TOP_SORT_THROTTLED}, {'i', TOP_SORT_ID},
};

static int sort_key(struct top_choice *choice, int key)
{
	for (size_t i = 0; i < ARRAY_SIZE(sort_keys); i++) {
		if (sort_keys[i].key != key)
			continue;
		choice->sort = sort_keys[i].sort;
		choice->first = 0;
		return 1;
	}
	return 0;
}

static int scroll_key(const struct screen *s, struct top_choice *choice, int key)
{
	ssize_t page = s->page ? (ssize_t)s->page : 1, all = (ssize_t)s->rows_nr;

	switch (key) {
	case KEY_UP:
		scroll_by(s, choice, -1);
		return 1;
	case KEY_DOWN:
		scroll_by(s, choice, 1);
		return 1;
	case KEY_PPAGE:
		scroll_by(s, choice, -page);
		return 1;
	case KEY_NPAGE:
		scroll_by(s, choice, page);
		return 1;
	case KEY_HOME:
		scroll_by(s, choice, -all);
		return 1;
	case KEY_END:
		scroll_by(s, choice, all);
		return 1;
	}
	return 0;
}

static int one_key(const struct screen *s, struct top_choice *choice, int key)
{
	if (key == KEY_RESIZE)
		return 1;
	if (choice->typing) {
		type_filter(choice, key);
		return 1;
	}
	if (key == 'q')
		return -ECANCELED;
	if (choice->help || key == 'h' || key == '?' || key == KEY_F(1)) {
		choice->help = !choice->help;
		return 1;
	}
	switch (key) {
	case ' ':
		choice->paused = !choice->paused;
		return 1;
	case '/':
		choice->typing = true;
		return 1;
	case 'r':
		choice->reverse = !choice->reverse;
		return 1;
	case 27:
		choice->filter[0] = 0;
		return 1;
	case 'L' & 0x1f: /* Ctrl-L: the terminal was disturbed */
		(void)clearok(curscr, TRUE); /* only for the next refresh */
		return 1;
	}
	return sort_key(choice, key) || scroll_key(s, choice, key);
}

int screen_keys(struct screen *s, struct top_choice *choice)
{
	int changed = 0, key;

	while ((key = getch()) != ERR) {
		int r = one_key(s, choice, key);

		if (r < 0)
			return r;
		changed |= r;
	}
	return changed;
}
