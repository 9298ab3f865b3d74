// SPDX-License-Identifier: Apache-2.0
/*
 * The view for a terminal, by ncursesw: table and help. Colour is only an addition: what is red is
 * also a number or a word. The terminal's own colours are kept, and only red and magenta are used,
 * which can be read on light and on dark ones.
 */
#include <errno.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "tools/common/text.h"
#include "tools/dcostop/screen_impl.h"

#define HEADER_LINES 3
#define MOUSE_EVENTS                                                                               \
	(BUTTON1_CLICKED | BUTTON1_PRESSED | BUTTON1_DOUBLE_CLICKED | BUTTON4_PRESSED |            \
	 BUTTON5_PRESSED)

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
	(void)mousemask(MOUSE_EVENTS, NULL);
	s->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
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
	rows_done(&s->rows);
	free(s);
	return NULL;
}

/* Without touching the last cell of the screen, which would scroll. */
void put_line(int y, const char *text, attr_t attr)
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

/* The selected row is bold and marked where there is a blank before the next column. */
static void put_row(const struct screen *s, int y, const struct top_row *row, bool selected)
{
	const struct top_layout *l = &s->layout;
	char cell[LINE_BYTES];
	int x = 0;

	for (int i = 0; i < l->nr; i++) {
		attr_t attr = s->attrs[cell_alarm(row, l->columns[i].by)];

		(void)layout_cell(l, i, row, cell, sizeof(cell));
		if (selected && !i)
			attr |= A_REVERSE;
		if (row->tasks_nr)
			attr |= A_BOLD;
		/* as above */
		(void)attrset(attr);
		(void)mvaddstr(y, x, cell);
		x += l->columns[i].width + 1;
	}
	(void)attrset(A_NORMAL);
}

static const char *const help_keys[] = {
	"q quit          space pause      Enter task's page   Esc back, or no filter",
	"/ filter        r reverse        a tasks below their app",
	"1..6, Tab columns: overview, CPU, memory, disk, network, security",
	"< > sort by the column before, behind; also c CPU%  m RSS  w P99  t THR%  i ID  y WHY",
	"arrows, PgUp, PgDn, Home, End; mouse: click a title to sort, a row to select, wheel",
	"k kill the selected task     u its CPU quota (asks before)",
	"[ ] or left, right: a second back, forth; { } a minute: in the agent's",
	"history of 10 minutes, or in a recording, where g goes to a time",
	"filter: part of an id, or e.g.  cpu>50 && mem>=1G || state!=RUNNING || why~wait",
	"",
};

struct help {
	int y;
	size_t skip, lines;
};

static void help_line(const char *text, void *data)
{
	struct help *h = data;

	if (h->lines++ >= h->skip)
		put_line(h->y++, text, A_NORMAL);
}

static void draw_help(struct screen *s, const struct top_choice *choice)
{
	struct help h = {.y = 1, .skip = choice->help_first};

	put_line(0, "dcostop - keys and columns; arrows scroll, any other key goes back",
		 A_REVERSE);
	for (size_t i = 0; i < ARRAY_SIZE(help_keys); i++)
		help_line(help_keys[i], &h);
	columns_help(help_line, &h);
	s->help_lines = h.lines;
}

static const char *keys_of(const struct top_choice *choice)
{
	if (choice->mode == MODE_TASK)
		return "Esc back  [ ] history  k kill  u quota  h help  q quit";
	if (choice->replay)
		return "q quit  space pause  [ ] { } back, forth  g go to  Enter task  h help";
	if (choice->back)
		return "q quit  [ ] { } back, forth  Esc now  Enter task  1-6 columns  h help";
	return "q quit  space pause  / filter  Enter task  1-6 columns  <> sort  k kill  h help";
}

static void draw_bottom(const struct screen *s, const struct top_choice *choice)
{
	char line[TOP_LINE_MAX];
	const char *id = choice->selected;

	switch (choice->prompt) {
	case PROMPT_FILTER:
		(void)snprintf(line, sizeof(line), "/%s_", choice->input);
		break;
	case PROMPT_KILL:
		(void)snprintf(line, sizeof(line), "kill %s?  y SIGTERM  9 SIGKILL  n no", id);
		break;
	case PROMPT_CPUS:
		(void)snprintf(line, sizeof(line), "CPUs for %s: %s_", id, choice->input);
		break;
	case PROMPT_SEEK:
		(void)snprintf(line, sizeof(line), "go to (90s, 5m, ...): %s_", choice->input);
		break;
	case PROMPT_CPUS_SURE:
		(void)snprintf(line, sizeof(line), "%s CPUs for %s?  y yes  n no", choice->input,
			       id);
		break;
	default:
		if (choice->message[0])
			put_line(LINES - 1, choice->message, s->attrs[TOP_WARNING]);
		else if (LINES >= LINES_TALL)
			put_line(LINES - 1, keys_of(choice), A_DIM);
		return;
	}
	put_line(LINES - 1, line, A_BOLD);
}

size_t selected_row(const struct screen *s, const struct top_choice *choice)
{
	for (size_t i = 0; i < s->rows.nr; i++)
		if (!s->rows.rows[i]->tasks_nr && !strcmp(s->rows.rows[i]->id, choice->selected))
			return i;
	return 0;
}

static void draw_table(struct screen *s, struct top_choice *choice, int top)
{
	bool last = choice->prompt || choice->message[0] || LINES >= LINES_TALL;
	int bottom = LINES - last;
	size_t nr = s->rows.nr, selected = selected_row(s, choice);
	char titles[LINE_BYTES];

	s->page = bottom > top + 1 ? (size_t)(bottom - top - 1) : 0;
	if (choice->first + s->page > nr)
		choice->first = nr > s->page ? nr - s->page : 0;
	s->layout.tree = choice->order.tree;
	layout_fit(&s->layout, choice->set, COLS, widest_id(&s->rows, choice->order.tree));
	layout_titles(&s->layout, titles, sizeof(titles));
	s->titles_y = top;
	put_line(top, titles, A_REVERSE);
	for (size_t i = 0; i < s->page && choice->first + i < nr; i++)
		put_row(s, top + 1 + (int)i, s->rows.rows[choice->first + i],
			choice->selected[0] && choice->first + i == selected);
}

static int draw_main(struct screen *s, const struct top_model *m, const struct top_node *node,
		     struct top_choice *choice)
{
	int header = LINES >= LINES_TALL ? HEADER_LINES : LINES >= 4 ? 1 : 0;
	char line[TOP_LINE_MAX];

	for (int i = 0; i < header; i++)
		put_line(i, header_line(i, m, node, choice, COLS, line), i ? A_NORMAL : A_BOLD);
	if (choice->trouble[0] && header)
		put_line(header - 1, choice->trouble, s->attrs[TOP_BAD]);
	draw_table(s, choice, header);
	return 0;
}

int screen_draw(struct screen *s, const struct top_model *m, const struct top_node *node,
		const struct top_history *history, struct top_choice *choice)
{
	const struct top_row *row = model_find(m, choice->selected);

	rows_done(&s->rows);
	s->layout.nodes = m->nodes;
	if (model_rows(m, &choice->order, &s->rows) < 0)
		return -ENOMEM;
	/* drawing beyond the edge of a tiny terminal reports errors, and does nothing */
	(void)erase();
	if (COLS < COLS_LEAST || LINES < 2)
		put_line(0, "too small", A_NORMAL);
	else if (choice->mode == MODE_HELP)
		draw_help(s, choice);
	else if (choice->mode == MODE_TASK && row)
		draw_task(s, row, history, choice);
	else
		(void)draw_main(s, m, node, choice); /* a task's page goes with the task */
	if (choice->mode != MODE_HELP)
		draw_bottom(s, choice);
	(void)refresh();
	return 0;
}
