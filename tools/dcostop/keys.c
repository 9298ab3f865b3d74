// SPDX-License-Identifier: Apache-2.0
/* Keys and the mouse: what the user chooses. What only the agent can do becomes a wish. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "tools/dcostop/screen_impl.h"

#define KEY_ESC	    27
#define CPUS_MAX    4096.0
#define FAR_STEP    60 /* readings or snapshots: mostly a minute */
#define WHEEL_LINES 3

int choice_filter(struct top_choice *choice, const char *text, struct why *why)
{
	struct filter *f = NULL;
	size_t at;
	int err = filter_parse(text, &f, &at, why);

	if (err)
		return err;
	choice->filter = filter_free(choice->filter);
	choice->filter = f;
	choice->order.filter = f;
	(void)snprintf(choice->filter_text, sizeof(choice->filter_text), "%s", text); /* it fits */
	return 0;
}

static void select_row(const struct screen *s, struct top_choice *choice, ssize_t i)
{
	ssize_t nr = (ssize_t)s->rows.nr, page = (ssize_t)s->page;
	ssize_t step = i < (ssize_t)selected_row(s, choice) ? -1 : 1;

	if (!nr)
		return;
	i = i < 0 ? 0 : i >= nr ? nr - 1 : i;
	while (s->rows.rows[i]->tasks_nr && i + step >= 0 && i + step < nr)
		i += step; /* apps can't be selected */
	if (s->rows.rows[i]->tasks_nr)
		return;
	(void)snprintf(choice->selected, sizeof(choice->selected), "%s", s->rows.rows[i]->id);
	if (i < (ssize_t)choice->first)
		choice->first = (size_t)i;
	else if (i >= (ssize_t)choice->first + page)
		choice->first = (size_t)(i - page + 1);
}

static void select_by(const struct screen *s, struct top_choice *choice, ssize_t by)
{
	/* the first key only shows where one is */
	ssize_t now = (ssize_t)selected_row(s, choice);

	select_row(s, choice, choice->selected[0] ? now + by : (ssize_t)choice->first);
}

static void type_key(struct top_choice *choice, int key)
{
	size_t len = strlen(choice->input);

	if (key == KEY_BACKSPACE || key == 127 || key == '\b') {
		/* a whole character, not only its last byte */
		while (len && (choice->input[len - 1] & 0xc0) == 0x80)
			len--;
		choice->input[len ? len - 1 : 0] = 0;
	} else if (key >= ' ' && key < 256 && len + 1 < sizeof(choice->input)) {
		choice->input[len] = (char)key;
		choice->input[len + 1] = 0;
	}
}

static bool is_enter(int key)
{
	return key == '\n' || key == '\r' || key == KEY_ENTER;
}

/* While it is typed a filter that is not finished yet is no error. */
static void filter_key(struct top_choice *choice, int key)
{
	struct why why = {};
	int err;

	if (key == KEY_ESC)
		choice->input[0] = 0;
	else if (!is_enter(key))
		type_key(choice, key);
	err = choice_filter(choice, choice->input, &why);
	choice->first = 0;
	if (key == KEY_ESC || (is_enter(key) && !err))
		choice->prompt = PROMPT_NONE;
	else if (is_enter(key))
		(void)snprintf(choice->message, sizeof(choice->message), "%s", why.text);
	if (is_enter(key) && err)
		choice->prompt = PROMPT_NONE;
}

static void cpus_key(struct top_choice *choice, int key)
{
	char *end;

	if (key == KEY_ESC) {
		choice->prompt = PROMPT_NONE;
	} else if (!is_enter(key)) {
		type_key(choice, key);
	} else {
		choice->wish_cpus = strtod(choice->input, &end);
		choice->prompt = PROMPT_CPUS_SURE;
		if (end != choice->input && !*end && choice->wish_cpus > 0 &&
		    choice->wish_cpus <= CPUS_MAX)
			return;
		choice->prompt = PROMPT_NONE;
		(void)snprintf(choice->message, sizeof(choice->message),
			       "CPUs: %s: must be a number above 0, e.g. 0.5", choice->input);
	}
}

/* "90", "90s", "2m" or "1h" */
static void seek_key(struct top_choice *choice, int key)
{
	uint64_t us;

	if (key == KEY_ESC) {
		choice->prompt = PROMPT_NONE;
	} else if (!is_enter(key)) {
		type_key(choice, key);
	} else {
		choice->prompt = PROMPT_NONE;
		if (!parse_duration_us(choice->input, &us)) {
			choice->wish = WISH_SEEK;
			choice->wish_s = (double)us / 1e6;
			return;
		}
		(void)snprintf(choice->message, sizeof(choice->message),
			       "%s: must be a time such as 90s or 5m", choice->input);
	}
}

static void ask_place(struct top_choice *choice)
{
	if (!choice->replay) {
		(void)snprintf(choice->message, sizeof(choice->message),
			       "g is for recordings; [ and ] go through the agent's history");
		return;
	}
	choice->input[0] = 0;
	choice->prompt = PROMPT_SEEK;
}

static void sure_key(struct top_choice *choice, int key)
{
	bool kill = choice->prompt == PROMPT_KILL;

	choice->prompt = PROMPT_NONE;
	if (kill && (key == 'y' || key == '9')) {
		choice->wish = WISH_KILL;
		choice->wish_signal = key == '9' ? SIGKILL : SIGTERM;
	} else if (!kill && key == 'y') {
		choice->wish = WISH_CPUS;
	} else {
		(void)snprintf(choice->message, sizeof(choice->message), "nothing was done");
	}
}

static void prompt_key(struct top_choice *choice, int key)
{
	if (choice->prompt == PROMPT_FILTER)
		filter_key(choice, key);
	else if (choice->prompt == PROMPT_CPUS)
		cpus_key(choice, key);
	else if (choice->prompt == PROMPT_SEEK)
		seek_key(choice, key);
	else
		sure_key(choice, key);
}

/* Something about the selected task; without one the first is selected. */
static void ask(const struct screen *s, struct top_choice *choice, enum top_prompt prompt)
{
	if (choice->replay) {
		(void)snprintf(choice->message, sizeof(choice->message),
			       "this is a recording: nothing can be done to its tasks");
		return;
	}
	if (choice->back) {
		(void)snprintf(choice->message, sizeof(choice->message),
			       "this is the past; Esc or ] goes back to now");
		return;
	}
	if (!choice->selected[0])
		select_by(s, choice, 0);
	if (!choice->selected[0])
		return;
	choice->input[0] = 0;
	choice->prompt = prompt;
}

static void sort_by(struct top_choice *choice, int by)
{
	if (choice->order.by == by)
		choice->order.reverse = !choice->order.reverse;
	else
		choice->order.reverse = false;
	choice->order.by = by;
	choice->first = 0;
}

/* By the next column of the screen. */
static void sort_beside(const struct screen *s, struct top_choice *choice, int step)
{
	const struct top_layout *l = &s->layout;

	for (int i = 0; i < l->nr; i++) {
		if (l->columns[i].by != choice->order.by)
			continue;
		i = (i + step + l->nr) % l->nr;
		choice->order.by = l->columns[i].by;
		choice->first = 0;
		return;
	}
	choice->order.by = l->nr > 1 ? l->columns[1].by : TOP_SORT_ID;
}

static const struct {
	int key, by;
} sort_keys[] = {
	{'c', M_CPU},	    {'m', M_MEMORY},	{'w', M_WAIT_P99},
	{'t', M_THROTTLED}, {'i', TOP_SORT_ID}, {'y', TOP_SORT_WHY},
};

static int sort_key(struct top_choice *choice, int key)
{
	for (size_t i = 0; i < ARRAY_SIZE(sort_keys); i++) {
		if (sort_keys[i].key != key)
			continue;
		choice->order.by = sort_keys[i].by;
		choice->first = 0;
		return 1;
	}
	return 0;
}

static int move_key(const struct screen *s, struct top_choice *choice, int key)
{
	ssize_t page = s->page ? (ssize_t)s->page : 1, all = (ssize_t)s->rows.nr;

	switch (key) {
	case KEY_UP:
		select_by(s, choice, -1);
		return 1;
	case KEY_DOWN:
		select_by(s, choice, 1);
		return 1;
	case KEY_PPAGE:
		select_by(s, choice, -page);
		return 1;
	case KEY_NPAGE:
		select_by(s, choice, page);
		return 1;
	case KEY_HOME:
		select_row(s, choice, 0);
		return 1;
	case KEY_END:
		select_row(s, choice, all - 1);
		return 1;
	}
	return 0;
}

static int mouse_key(const struct screen *s, struct top_choice *choice)
{
	MEVENT e;
	int by;

	if (getmouse(&e) != OK)
		return 0;
	if (choice->mode != MODE_TABLE)
		return 0;
	if (e.bstate & (BUTTON4_PRESSED | BUTTON5_PRESSED)) {
		select_by(s, choice, e.bstate & BUTTON4_PRESSED ? -WHEEL_LINES : WHEEL_LINES);
		return 1;
	}
	if (e.y == s->titles_y) {
		by = layout_at(&s->layout, e.x);
		if (by >= 0)
			sort_by(choice, by);
	} else if (e.y > s->titles_y) {
		select_row(s, choice, (ssize_t)choice->first + e.y - s->titles_y - 1);
		if (e.bstate & BUTTON1_DOUBLE_CLICKED)
			choice->mode = MODE_TASK;
	}
	return 1;
}

static void help_key(const struct screen *s, struct top_choice *choice, int key)
{
	size_t page = LINES > 2 ? (size_t)(LINES - 2) : 1,
	       last = s->help_lines > page ? s->help_lines - page : 0;

	if (key == KEY_DOWN)
		choice->help_first++;
	else if (key == KEY_UP && choice->help_first)
		choice->help_first--;
	else if (key == KEY_NPAGE)
		choice->help_first += page;
	else if (key == KEY_PPAGE)
		choice->help_first = choice->help_first > page ? choice->help_first - page : 0;
	else if (key != KEY_UP)
		choice->mode = MODE_TABLE;
	if (choice->help_first > last)
		choice->help_first = last;
}

/* A recording by snapshots; what is live by readings of the agent's history. */
static void go_back(struct top_choice *choice, int step)
{
	ssize_t back = (ssize_t)choice->back - step;

	if (choice->replay) {
		choice->wish = WISH_STEP;
		choice->wish_step = step;
		return;
	}
	if (back >= HISTORY_MAX)
		back = HISTORY_MAX - 1;
	choice->back = back > 0 ? (size_t)back : 0;
}

static void escape(struct top_choice *choice)
{
	struct why why;

	if (choice->mode == MODE_TASK)
		choice->mode = MODE_TABLE;
	else if (choice->back)
		choice->back = 0;
	else
		(void)choice_filter(choice, "", &why); /* fails without memory only */
}

static void tab(struct top_choice *choice, int step)
{
	choice->set = (enum top_set)(((int)choice->set + step + TOP_SETS) % TOP_SETS);
}

/* Return: 1 it was one of these. */
static int view_key(struct screen *s, struct top_choice *choice, int key)
{
	switch (key) {
	case '\t':
		tab(choice, 1);
		return 1;
	case KEY_BTAB:
		tab(choice, -1);
		return 1;
	case 'a':
		choice->order.tree = !choice->order.tree;
		return 1;
	case 'r':
		choice->order.reverse = !choice->order.reverse;
		return 1;
	case '<':
		sort_beside(s, choice, -1);
		return 1;
	case '>':
		sort_beside(s, choice, 1);
		return 1;
	}
	if (key < '1' || key >= '1' + TOP_SETS)
		return 0;
	choice->set = (enum top_set)(key - '1');
	return 1;
}

static void open_task(const struct screen *s, struct top_choice *choice)
{
	if (!choice->selected[0])
		select_by(s, choice, 0);
	if (choice->selected[0])
		choice->mode = MODE_TASK;
}

static int command_key(struct screen *s, struct top_choice *choice, int key)
{
	switch (key) {
	case ' ':
		choice->paused = !choice->paused;
		return 1;
	case '/':
		choice->prompt = PROMPT_FILTER;
		(void)snprintf(choice->input, sizeof(choice->input), "%s", choice->filter_text);
		return 1;
	case 'k':
		ask(s, choice, PROMPT_KILL);
		return 1;
	case 'u':
		ask(s, choice, PROMPT_CPUS);
		return 1;
	case '[':
	case KEY_LEFT:
		go_back(choice, -1);
		return 1;
	case ']':
	case KEY_RIGHT:
		go_back(choice, 1);
		return 1;
	case '{':
		go_back(choice, -FAR_STEP);
		return 1;
	case '}':
		go_back(choice, FAR_STEP);
		return 1;
	case 'g':
		ask_place(choice);
		return 1;
	case KEY_ESC:
		escape(choice);
		return 1;
	case KEY_MOUSE:
		return mouse_key(s, choice);
	case 'L' & 0x1f: /* Ctrl-L: the terminal was disturbed */
		(void)clearok(curscr, TRUE); /* only for the next refresh */
		return 1;
	}
	return 0;
}

static int one_key(struct screen *s, struct top_choice *choice, int key)
{
	if (key == KEY_RESIZE)
		return 1;
	choice->message[0] = 0;
	if (choice->prompt) {
		prompt_key(choice, key);
		return 1;
	}
	if (key == 'q')
		return -ECANCELED;
	if (choice->mode == MODE_HELP) {
		help_key(s, choice, key);
		return 1;
	}
	if (key == 'h' || key == '?' || key == KEY_F(1)) {
		choice->mode = MODE_HELP;
		choice->help_first = 0;
		return 1;
	}
	if (is_enter(key)) {
		open_task(s, choice);
		return 1;
	}
	return command_key(s, choice, key) || view_key(s, choice, key) || sort_key(choice, key) ||
	       move_key(s, choice, key);
}

int screen_key(struct screen *s, struct top_choice *choice)
{
	int key = getch(), r;

	if (key == ERR)
		return 0;
	r = one_key(s, choice, key);
	return r < 0 ? r : 1;
}
