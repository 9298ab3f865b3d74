// SPDX-License-Identifier: Apache-2.0
/* Columns of dcostop at all widths, with ids of all kinds. */
#include <locale.h>
#include <math.h>
#include <string.h>

#include "selftests/harness/test.h"
#include "tools/common/text.h"
#include "tools/dcostop/view.h"

static struct top_row a_row(const char *id)
{
	struct top_row row = {.state = "RUNNING", .exit = "-", .running = true};

	for (int i = 0; i < TOP_METRICS; i++)
		row.v[i] = i % 3 ? 1e12 / (i + 1) : NAN;
	row.v[M_CPU] = 12.34;
	row.v[M_WAIT_P99] = NAN;
	row.v[M_MEMORY] = 1ULL << 40;
	row.verdict = (struct verdict){VERDICT_THROTTLED, "throttled", "40 %, 210 ms/s"};
	(void)snprintf(row.id, sizeof(row.id), "%s", id);
	return row;
}

TEST(no_line_is_wider_than_the_terminal)
{
	static const char *const ids[] = {
		"a",
		"web-frontend",
		"an.application-with-a-long-name.instance-0123456789abcdef",
		"\xc3\xa9t\xc3\xa9-\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e-\xe6\x97\xa5\xe6\x9c\xac",
		"\x1b[31m\xff\xfe bad bytes \t\n",
	};
	char line[4096];

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct top_row row = a_row(ids[i]);

		for (int width = 15; width <= 600; width++) {
			struct top_layout l = {.tree = width % 2};

			layout_fit(&l, width % TOP_SETS, width, text_width(row.id));
			layout_row(&l, &row, line, sizeof(line));
			EXPECT_LE(text_width(line), width);
			layout_titles(&l, line, sizeof(line));
			EXPECT_LE(text_width(line), width);
			EXPECT_GE(l.nr, 2);
		}
	}
}

TEST(at_80_columns_the_standard_ones_are_there)
{
	struct top_layout l = {};
	char line[256];

	layout_fit(&l, SET_OVERVIEW, 80, 5);
	layout_titles(&l, line, sizeof(line));
	EXPECT_STREQ(line, "ID                STATE      CPU% QUOTA THR%    P50    P99   RSS  PIDS "
			   "WHY");
	layout_fit(&l, SET_OVERVIEW, 20, 5);
	layout_titles(&l, line, sizeof(line));
	EXPECT_STREQ(line, "ID              CPU%");
}

TEST(a_long_id_loses_its_middle)
{
	char buf[64];

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	EXPECT_EQ(text_fit(buf, sizeof(buf), "abcdefghij", 10), 10);
	EXPECT_STREQ(buf, "abcdefghij");
	EXPECT_EQ(text_fit(buf, sizeof(buf), "abcdefghij", 7), 7);
	EXPECT_STREQ(buf, "abc\xe2\x80\xa6hij");
	EXPECT_EQ(text_fit(buf, sizeof(buf), "abcdefghij", 0), 0);
	EXPECT_STREQ(buf, "");
	/* a wide character is not halved */
	EXPECT_EQ(text_fit(buf, sizeof(buf), "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5", 4), 3);
	(void)setlocale(LC_CTYPE, "C");
	EXPECT_EQ(text_fit(buf, sizeof(buf), "abcdefghij", 7), 7);
	EXPECT_STREQ(buf, "abc~hij");
}

TEST(a_small_buffer_is_never_overrun)
{
	char buf[8];

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	for (size_t size = 1; size <= sizeof(buf); size++) {
		(void)text_fit(buf, size, "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5 long text", 9);
		EXPECT_LT(strlen(buf), size);
	}
}

TEST(control_characters_do_not_reach_the_terminal)
{
	char buf[64];

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	(void)text_fit(buf, sizeof(buf), "a\x1b[2J\x07z", 20);
	EXPECT_STREQ(buf, "a?[2J?z");
}

TEST(the_header_fits_every_width)
{
	struct top_model m = {.ncpu = 512,
			      .seq = 123456789,
			      .cpu_pct = 51200,
			      .running_nr = 1000,
			      .memory_bytes = 1ULL << 44,
			      .snapshots_nr = 1};
	const struct top_node node = {.name = "a-node-with-a-rather-long-name.example",
				      .version = "12.34.56",
				      .memory_bytes = 1ULL << 45};
	struct top_choice choices[] = {
		{.filter_text = "something", .paused = true, .set = SET_NETWORK},
		{.replay = true,
		 .paused = true,
		 .place = {999999, 1000000, 1ULL << 62, 1ULL << 63}},
		{.back = 599, .back_ms = 599000, .past_nr = 100, .past_of = 512},
	};
	const struct top_choice choice = choices[0];
	char line[TOP_LINE_MAX];

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	for (int width = 1; width < 200; width++)
		for (int i = 0; i < 9; i++)
			EXPECT_LE(text_width(header_line(i % 3, &m, &node, &choices[i / 3], width,
							 line)),
				  width);
	EXPECT_TRUE(strstr(header_line(1, &m, &node, &choice, 80, line), "1000 running"));
	EXPECT_TRUE(strstr(header_line(1, &m, &node, &choice, 80, line), "[||||"));
}

TEST(the_verdict_has_its_numbers_where_there_is_room)
{
	struct top_row row = a_row("a");
	struct top_layout l = {};
	char line[4096];

	layout_fit(&l, SET_OVERVIEW, 120, 5);
	layout_row(&l, &row, line, sizeof(line));
	EXPECT_TRUE(strstr(line, "throttled: 40 %, 210 ms/s"));
	layout_fit(&l, SET_OVERVIEW, 80, 5);
	layout_row(&l, &row, line, sizeof(line));
	EXPECT_STREQ(strrchr(line, ' '), " throttled");
}

TEST(a_place_on_the_line_of_titles_is_its_column)
{
	struct top_layout l = {};
	char line[256];
	int by;

	layout_fit(&l, SET_OVERVIEW, 80, 5);
	layout_titles(&l, line, sizeof(line));
	for (int x = 0; line[x]; x++) {
		by = layout_at(&l, x);
		EXPECT_GE(by, 0);
		if (x && line[x] != ' ' && line[x - 1] != ' ')
			EXPECT_EQ(by, layout_at(&l, x - 1));
	}
	EXPECT_EQ(layout_at(&l, 0), TOP_SORT_ID);
	EXPECT_EQ(layout_at(&l, (int)(strstr(line, "RSS") - line)), M_MEMORY);
	EXPECT_EQ(layout_at(&l, 500), -1);
}

TEST(names_and_titles_are_unique_and_every_metric_has_a_set)
{
	for (int i = 0; i < TOP_METRICS; i++) {
		const struct top_metric_row *m = &top_metrics[i];

		EXPECT_TRUE(m->name && m->title && m->help && m->key && m->sets);
		EXPECT_EQ(column_find(m->name), i);
		EXPECT_LE((int)strlen(m->title), m->width);
		for (int k = 0; k < i; k++)
			EXPECT_TRUE(strcmp(m->title, top_metrics[k].title) != 0);
	}
	EXPECT_EQ(column_find("nothing"), -1);
	EXPECT_EQ(column_find(""), -1);
}
