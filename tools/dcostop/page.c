// SPDX-License-Identifier: Apache-2.0
/* The page of one task: why it is slow, its last minutes, and its histograms. */
#include <math.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "tools/common/text.h"
#include "tools/dcostop/screen_impl.h"

#define LABEL_WIDTH	13 /* of a series */
#define NUMBERS_WIDTH	30 /* behind a sparkline */
#define CLASS_WIDTH	8 /* of a bar's label */
#define SHARE_WIDTH	5 /* behind a bar */
#define PANEL_GAP	2
#define PANEL_LINES	8 /* at most, the title included */
#define TEXT_BYTES	2048
#define HISTOGRAM_LINES 24 /* and title and keys: of what is taller, series get the rest */

static const char *const hist_titles[TOP_HISTS] = {
	[HIST_WAIT] = "wait for a CPU",
	[HIST_DISK] = "disk requests",
	[HIST_CONNECT] = "TCP connects",
	[HIST_RTT] = "TCP round trips",
};

/* Readings that the page shows: all but those after the place that was gone back to. */
static size_t shown(const struct top_history *h, const struct top_choice *choice)
{
	return choice->back < h->nr ? h->nr - choice->back : h->nr ? 1 : 0;
}

static int draw_series(const struct screen *s, int y, const struct top_history *h, int i, size_t nr)
{
	const struct top_series_row *row = &top_series[i];
	int width = COLS - LABEL_WIDTH - NUMBERS_WIDTH;
	char line[TEXT_BYTES + 80], picture[TEXT_BYTES], now[16], most[16];
	double max = 0;

	for (size_t k = 0; k < nr; k++)
		max = fmax(max, h->v[i][k]);
	metric_text(row->unit, h->v[i][nr - 1], now, sizeof(now));
	metric_text(row->unit, max, most, sizeof(most));
	sparkline(picture, sizeof(picture), h->v[i], nr, width, s->utf8, max);
	(void)snprintf(line, sizeof(line), "%-*s%s  now %7s  most %7s", LABEL_WIDTH, row->title,
		       picture, now, most); /* as wide as the screen */
	put_line(y, line, A_NORMAL);
	return y + 1;
}

static int draw_history(const struct screen *s, int y, const struct top_history *h,
			const struct top_choice *choice)
{
	int room = LINES - HISTOGRAM_LINES, least = SERIES_TX + 1;
	size_t nr = shown(h, choice);
	char line[TEXT_BYTES], ago[16];

	if (!nr || strcmp(h->id, choice->selected) != 0) {
		put_line(y, "no history yet", A_DIM);
		return y + 2;
	}
	(void)format_us(ago, sizeof(ago), choice->back * h->interval_ms * 1000);
	(void)snprintf(line, sizeof(line), "the last %zu readings, %llu ms each%s%s%s", nr,
		       (unsigned long long)h->interval_ms, choice->back ? ", up to " : "",
		       choice->back ? ago : "", choice->back ? " ago" : "");
	put_line(y++, line, A_DIM);
	room = room < least ? least : room > TOP_SERIES ? TOP_SERIES : room;
	for (int i = 0; i < room && y < LINES - 1; i++)
		y = draw_series(s, y, h, i, nr);
	return y + 1;
}

struct panel {
	int x, y, width, lines;
};

static void put_at(int y, int x, const char *text, int width, attr_t attr)
{
	char fitted[TEXT_BYTES];

	(void)text_fit(fitted, sizeof(fitted), text, width);
	(void)attrset(attr); /* as everywhere here: the worst is a less pretty screen */
	(void)mvaddstr(y, x, fitted);
	(void)attrset(A_NORMAL);
}

/* "<64us   #######      34%" */
static void draw_class(const struct screen *s, const struct panel *p, int line, int class,
		       double share)
{
	char text[TEXT_BYTES + 40], bar[TEXT_BYTES], limit[16];
	int width = p->width - CLASS_WIDTH - SHARE_WIDTH - 1;

	if (class == HIST_CLASSES - 1)
		(void)snprintf(limit, sizeof(limit), "more");
	else
		(void)format_us(limit, sizeof(limit), UINT64_C(2) << class);
	bar_text(bar, sizeof(bar), share, width > 0 ? width : 0, s->utf8);
	(void)snprintf(text, sizeof(text), "%s%-*s%s %3.0f%%",
		       class == HIST_CLASSES - 1 ? " " : "<", CLASS_WIDTH - 1, limit, bar,
		       100 * share); /* it fits */
	put_at(p->y + line, p->x, text, p->width, A_NORMAL);
}

/* The slowest classes, as far as the lines reach; the first line is all that are faster as well. */
static void draw_panel(const struct screen *s, const struct panel *p, const struct top_row *row,
		       int h)
{
	int first = HIST_CLASSES, last = -1, room = p->lines - 1;
	uint64_t total = 0;
	char title[80];

	for (int i = 0; i < HIST_CLASSES; i++) {
		total += row->hist[h][i];
		if (!row->hist[h][i])
			continue;
		first = i < first ? i : first;
		last = i;
	}
	(void)snprintf(title, sizeof(title), "%s: %llu in this interval", hist_titles[h],
		       (unsigned long long)total); /* it fits */
	put_at(p->y, p->x, title, p->width, A_BOLD);
	if (last - first + 1 > room) /* the slow ones are of interest */
		first = last - room + 1;
	for (int i = first, line = 1; i <= last && room > 0; i++, line++) {
		uint64_t count = row->hist[h][i];

		for (int k = 0; i == first && k < i; k++)
			count += row->hist[h][k]; /* all that are faster */
		draw_class(s, p, line, i, (double)count / (double)total);
	}
}

static void draw_histograms(const struct screen *s, int y, const struct top_row *row)
{
	int room = LINES - 1 - y, across = COLS >= 60 ? 2 : 1, down = TOP_HISTS / across,
	    lines = room / down;
	struct panel p = {.width = COLS / across - PANEL_GAP};

	if (lines > PANEL_LINES)
		lines = PANEL_LINES;
	if (lines < 2) {
		down = room >= 2 ? 1 : 0;
		lines = room;
	}
	p.lines = lines;
	for (int i = 0; i < across * down; i++) {
		p.x = i % across * (COLS / across);
		p.y = y + i / across * lines;
		draw_panel(s, &p, row, i);
	}
}

void draw_task(const struct screen *s, const struct top_row *row, const struct top_history *h,
	       const struct top_choice *choice)
{
	char line[TEXT_BYTES], cpu[16], quota[16], memory[16], limit[16];
	const struct verdict *why = &row->verdict;
	int y = 0;

	metric_text(UNIT_PERCENT, row->v[M_CPU], cpu, sizeof(cpu));
	metric_text(UNIT_WHOLE, row->v[M_QUOTA], quota, sizeof(quota));
	metric_text(UNIT_BYTES, row->v[M_MEMORY], memory, sizeof(memory));
	metric_text(UNIT_BYTES, row->v[M_MEMORY_MAX], limit, sizeof(limit));
	(void)snprintf(line, sizeof(line), "%s  %s  CPU %s%% of %s  memory %s of %s", row->id,
		       row->state, cpu, quota, memory, limit); /* lines are cut anyway */
	put_line(y++, line, A_REVERSE);
	(void)snprintf(line, sizeof(line), "why: %s%s%s%s", why->word, why->numbers[0] ? ": " : "",
		       why->numbers, choice->paused ? "  PAUSED" : "");
	put_line(y++, line, s->attrs[cell_alarm(row, TOP_SORT_WHY)] | A_BOLD);
	if (choice->trouble[0])
		put_line(y++, choice->trouble, s->attrs[TOP_BAD]);
	y = draw_history(s, y, h, choice);
	if (choice->back)
		put_line(y, "histograms are known of now only: Esc goes back to it", A_DIM);
	else
		draw_histograms(s, y, row);
}
