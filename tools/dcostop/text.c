// SPDX-License-Identifier: Apache-2.0
/* The header, which screen and text share, and the view for files and pipes. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "tools/common/text.h"
#include "tools/dcostop/view.h"

#define BAR_MIN	   4 /* columns, brackets not counted */
#define BAR_MAX	   40
#define BAR_BESIDE 56 /* what its line needs beside it */
#define ROW_BYTES  4096
#define NS_PER_US  1000

int widest_id(const struct top_rows *rows, bool tree)
{
	int widest = 0;

	for (size_t i = 0; i < rows->nr; i++) {
		/* an app has its slash, its tasks are indented */
		int width = text_width(rows->rows[i]->id) + (rows->rows[i]->tasks_nr ? 1
							     : tree		     ? 2
										     : 0);

		if (width > widest)
			widest = width;
	}
	return widest;
}

/* "[||||      ]" of so many columns, brackets included; "" if there is no room. */
static const char *bar(double share, int width, char *buf, size_t size)
{
	int room = width - 2, full;

	buf[0] = 0;
	if (room > BAR_MAX)
		room = BAR_MAX;
	if (room < BAR_MIN || (size_t)room + 3 > size)
		return buf;
	full = isnan(share) || share < 0 ? 0 : (int)lrint(share * room);
	if (full > room)
		full = room;
	buf[0] = '[';
	memset(buf + 1, '|', (size_t)full);
	memset(buf + 1 + full, ' ', (size_t)(room - full));
	buf[room + 1] = ']';
	buf[room + 2] = 0;
	return buf;
}

/* Left and right parts of a line; the right one goes if there is no room for both. */
static void join(char *buf, const char *left, const char *right, int width)
{
	char fitted[TOP_LINE_MAX];
	int l = text_width(left), r = text_width(right);

	if (r && l + 2 + r <= width) {
		(void)snprintf(buf, TOP_LINE_MAX, "%s%*s%s", left, width - l - r, "", right);
		return;
	}
	(void)text_fit(fitted, sizeof(fitted), left, width);
	(void)snprintf(buf, TOP_LINE_MAX, "%s", fitted);
}

static void place_text(const struct top_choice *choice, char *buf, size_t size)
{
	const struct top_place *p = &choice->place;
	char at[16], all[16];

	(void)snprintf(buf, size, "REPLAY%s  %s of %s  snapshot %zu of %zu",
		       choice->paused ? "  PAUSED" : "",
		       format_us(at, sizeof(at), p->ns / NS_PER_US),
		       format_us(all, sizeof(all), p->of_ns / NS_PER_US), p->nr, p->of);
}

static void past_text(const struct top_choice *choice, char *buf, size_t size)
{
	char ago[16], part[64] = "";

	if (choice->past_nr < choice->past_of)
		(void)snprintf(part, sizeof(part), "  (%zu of %zu tasks)", choice->past_nr,
			       choice->past_of);
	(void)snprintf(buf, size, "PAST  %s ago%s",
		       format_us(ago, sizeof(ago), choice->back_ms * 1000), part);
}

static void right_of_node(const struct top_model *m, const struct top_choice *choice, char *buf,
			  size_t size)
{
	if (choice->replay)
		place_text(choice, buf, size);
	else if (choice->back)
		past_text(choice, buf, size);
	else if (!m->snapshots_nr)
		(void)snprintf(buf, size, "waiting for the first snapshot");
	else
		(void)snprintf(buf, size, "%sseq %llu  dropped %llu",
			       choice->paused ? "PAUSED  " : "", (unsigned long long)m->seq,
			       (unsigned long long)m->dropped_nr);
}

static void line_node(const struct top_model *m, const struct top_node *node,
		      const struct top_choice *choice, int width, char *buf)
{
	char left[256], right[256];

	(void)snprintf(left, sizeof(left), "dcostop  %s  agent %s  %u CPU%s", node->name,
		       node->version, m->ncpu, m->ncpu == 1 ? "" : "s");
	right_of_node(m, choice, right, sizeof(right));
	join(buf, left, choice->trouble[0] ? "" : right, width);
}

static void line_cpu(const struct top_model *m, const struct top_choice *choice, int width,
		     char *buf)
{
	double total = m->ncpu * 100.0;
	char left[128], right[256], gauge[BAR_MAX + 3], cpu[16] = "-";

	if (!isnan(m->cpu_pct))
		(void)snprintf(cpu, sizeof(cpu), "%.1f", m->cpu_pct);
	(void)snprintf(left, sizeof(left), "CPU %s %6s / %.0f%%",
		       bar(m->cpu_pct / total, width - BAR_BESIDE, gauge, sizeof(gauge)), cpu,
		       total);
	(void)snprintf(right, sizeof(right), "tasks %u running, %u ended", m->running_nr,
		       m->ended_nr);
	(void)choice; /* the same for all */
	join(buf, left, right, width);
}

static void line_memory(const struct top_model *m, const struct top_node *node,
			const struct top_choice *choice, int width, char *buf)
{
	char left[128], right[512], gauge[BAR_MAX + 3], used[16], all[16] = "-";
	bool known = m->memory_bytes != TOP_UNKNOWN;
	double share = NAN;

	(void)snprintf(used, sizeof(used), "-");
	if (known)
		(void)format_bytes(used, sizeof(used), m->memory_bytes);
	if (node->memory_bytes && known)
		share = (double)m->memory_bytes / (double)node->memory_bytes;
	if (node->memory_bytes)
		(void)format_bytes(all, sizeof(all), node->memory_bytes);
	(void)snprintf(left, sizeof(left), "Mem %s %6s / %s",
		       bar(share, width - BAR_BESIDE, gauge, sizeof(gauge)), used, all);
	(void)snprintf(right, sizeof(right), "%s%sby %s%s%s%s",
		       choice->set == SET_OVERVIEW ? "" : top_set_names[choice->set],
		       choice->set == SET_OVERVIEW ? "" : "  ", column_name(choice->order.by),
		       choice->order.reverse ? " reversed" : "",
		       choice->filter_text[0] ? "  /" : "", choice->filter_text);
	join(buf, left, right, width);
}

const char *header_line(int i, const struct top_model *m, const struct top_node *node,
			const struct top_choice *choice, int width, char *buf)
{
	buf[0] = 0;
	if (i == 0)
		line_node(m, node, choice, width, buf);
	else if (i == 1)
		line_cpu(m, choice, width, buf);
	else
		line_memory(m, node, choice, width, buf);
	return buf;
}

int view_text(FILE *f, const struct top_model *m, const struct top_node *node,
	      const struct top_choice *choice)
{
	cleanup_rows struct top_rows rows = {};
	char line[ROW_BYTES];
	struct top_layout l = {.tree = choice->order.tree, .nodes = m->nodes};

	if (model_rows(m, &choice->order, &rows) < 0)
		return -ENOMEM;
	/* errors of the stream are seen when it is closed */
	for (int i = 0; i < 3; i++)
		(void)fprintf(f, "%s\n", header_line(i, m, node, choice, 80, line));
	layout_all(&l, choice->set, widest_id(&rows, l.tree));
	layout_titles(&l, line, sizeof(line));
	(void)fprintf(f, "\n%s\n", line);
	for (size_t i = 0; i < rows.nr; i++) {
		layout_row(&l, rows.rows[i], line, sizeof(line));
		(void)fprintf(f, "%s\n", line);
	}
	if (m->hidden_nr)
		(void)fprintf(f, "%llu more tasks are not followed\n",
			      (unsigned long long)m->hidden_nr);
	return 0;
}
