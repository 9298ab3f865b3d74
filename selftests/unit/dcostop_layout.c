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
	struct top_row row = {
		.state = "RUNNING",
		.exit = "-",
		.running = true,
		.cpu_pct = 12.34,
		.quota_pct = NAN,
		.throttled_pct = 3,
		.wait_pct = 1,
		.switches_per_s = 123456789,
		.forks_per_s = 1e12,
		.denied_per_s = NAN,
		.wait_p50_us = 8,
		.wait_p99_us = TOP_UNKNOWN,
		.memory_bytes = 1ULL << 40,
		.memory_max_bytes = TOP_UNKNOWN,
		.pids = 99999,
		.pids_max = TOP_UNKNOWN,
	};

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

		for (int width = 15; width <= 200; width++) {
			struct top_layout l;

			layout_fit(&l, width, text_width(row.id));
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
	struct top_layout l;
	char line[256];

	layout_fit(&l, 80, 5);
	layout_titles(&l, line, sizeof(line));
	EXPECT_STREQ(line, "ID                STATE      CPU% QUOTA THR%    P50    P99   RSS  PIDS "
			   "EXIT");
	layout_fit(&l, 20, 5);
	layout_titles(&l, line, sizeof(line));
	EXPECT_STREQ(line, "ID         CPU%");
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
	const struct top_choice choice = {.filter = "something", .paused = true};
	char line[TOP_LINE_MAX];

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	for (int width = 1; width < 200; width++)
		for (int i = 0; i < 3; i++)
			EXPECT_LE(text_width(header_line(i, &m, &node, &choice, width, line)),
				  width);
	EXPECT_TRUE(strstr(header_line(1, &m, &node, &choice, 80, line), "1000 running"));
	EXPECT_TRUE(strstr(header_line(1, &m, &node, &choice, 80, line), "[||||"));
}
