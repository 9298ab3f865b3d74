// SPDX-License-Identifier: Apache-2.0
/* Filters of dcostop: what they match, and what is said of wrong ones. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "selftests/harness/test.h"
#include "tools/dcostop/model.h"

static struct top_row a_row(void)
{
	struct top_row row = {
		.id = "web.frontend-1",
		.app = "web",
		.state = "RUNNING",
		.exit = "-",
		.running = true,
		.verdict = {.kind = VERDICT_DISK, .word = "disk wait"},
	};

	for (int i = 0; i < TOP_METRICS; i++)
		row.v[i] = NAN;
	row.v[M_CPU] = 50;
	row.v[M_MEMORY] = 2.0 * 1024 * 1024 * 1024;
	row.v[M_WAIT_P99] = 2000;
	row.v[M_RETRANSMITS] = 1500;
	row.v[M_PIDS] = 0;
	return row;
}

static int matches(const char *text)
{
	struct top_row row = a_row();
	struct filter *f = NULL;
	struct why why = {};
	size_t at = 0;
	int r = filter_parse(text, &f, &at, &why);

	if (!r)
		r = filter_match(f, &row);
	f = filter_free(f);
	return r;
}

TEST(text_without_operators_is_a_part_of_the_id)
{
	EXPECT_EQ(matches(""), 1);
	EXPECT_EQ(matches("front"), 1);
	EXPECT_EQ(matches("web.frontend-1"), 1);
	EXPECT_EQ(matches("back"), 0);
	EXPECT_EQ(matches("cpu"), 0);
}

TEST(numbers_compare_as_they_say)
{
	EXPECT_EQ(matches("cpu>49.9"), 1);
	EXPECT_EQ(matches("cpu>50"), 0);
	EXPECT_EQ(matches("cpu>=50"), 1);
	EXPECT_EQ(matches("cpu<50"), 0);
	EXPECT_EQ(matches("cpu<=50"), 1);
	EXPECT_EQ(matches("cpu=50"), 1);
	EXPECT_EQ(matches("cpu==50"), 1);
	EXPECT_EQ(matches("cpu!=50"), 0);
	EXPECT_EQ(matches("  cpu  >  5e1%  "), 0);
	EXPECT_EQ(matches("pids>-1"), 1);
}

TEST(numbers_may_have_the_unit_of_their_column)
{
	EXPECT_EQ(matches("mem=2G"), 1);
	EXPECT_EQ(matches("mem=2048M"), 1);
	EXPECT_EQ(matches("mem<1T"), 1);
	EXPECT_EQ(matches("wait_p99=2ms"), 1);
	EXPECT_EQ(matches("wait_p99=2000us"), 1);
	EXPECT_EQ(matches("wait_p99<1s"), 1);
	EXPECT_EQ(matches("retransmits=1.5k"), 1);
	EXPECT_EQ(matches("cpu=50%"), 1);
	EXPECT_EQ(matches("mem>1ms"), -EINVAL);
	EXPECT_EQ(matches("wait_p99>1G"), -EINVAL);
	EXPECT_EQ(matches("cpu>50x"), -EINVAL);
}

TEST(what_nobody_knows_matches_no_comparison)
{
	EXPECT_EQ(matches("swap>0"), 0);
	EXPECT_EQ(matches("swap<=0"), 0);
	EXPECT_EQ(matches("swap=0"), 0);
	EXPECT_EQ(matches("swap!=0"), 0);
	EXPECT_EQ(matches("!swap>0"), 1);
}

TEST(texts_are_equal_or_a_part)
{
	EXPECT_EQ(matches("state=RUNNING"), 1);
	EXPECT_EQ(matches("state!=RUNNING"), 0);
	EXPECT_EQ(matches("state~RUN"), 1);
	EXPECT_EQ(matches("id!~web"), 0);
	EXPECT_EQ(matches("app=web"), 1);
	EXPECT_EQ(matches("app=web.frontend"), 0);
	EXPECT_EQ(matches("why=\"disk wait\""), 1);
	EXPECT_EQ(matches("why~disk"), 1);
	EXPECT_EQ(matches("exit=-"), 1);
	EXPECT_EQ(matches("exit=\"\""), 0);
	EXPECT_EQ(matches("state>RUN"), -EINVAL);
	EXPECT_EQ(matches("cpu~5"), -EINVAL);
}

TEST(and_binds_more_than_or_and_not_the_most)
{
	EXPECT_EQ(matches("cpu>99 && cpu>99 || cpu=50"), 1);
	EXPECT_EQ(matches("cpu=50 || cpu>99 && cpu>99"), 1);
	EXPECT_EQ(matches("(cpu=50 || cpu>99) && cpu>99"), 0);
	EXPECT_EQ(matches("!cpu>99 && state=RUNNING"), 1);
	EXPECT_EQ(matches("!(cpu=50 && state=RUNNING)"), 0);
	EXPECT_EQ(matches("!!cpu=50"), 1);
	EXPECT_EQ(matches("((((cpu=50))))"), 1);
}

TEST(a_wrong_one_is_refused_with_its_place)
{
	static const struct {
		const char *text;
		size_t at;
		const char *why;
	} wrong[] = {
		{"cpu>", 4, "character 5: a value is wanted"},
		{"cpu>>5", 4, "character 5: a value is wanted"},
		{"cpux>5", 0, "character 1: there is no column of that name"},
		{"cpu>5 && colour=red", 9, "character 10: there is no column of that name"},
		{"cpu>5 &&", 8, "character 9: the name of a column is wanted"},
		{"cpu>5 & mem>1", 6, "character 7: && or || is wanted"},
		{"cpu>5 mem>1", 6, "character 7: && or || is wanted"},
		{"(cpu>5", 6, "character 7: \")\" is wanted"},
		{"cpu>5)", 5, "character 6: && or || is wanted"},
		{"()", 1, "character 2: the name of a column is wanted"},
		{"cpu|5", 3, "character 4: one of ="},
		{"id=\"web", 7, "character 8: the quote is not closed"},
		{"!", 1, "character 2: the name of a column is wanted"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct filter *f = NULL;
		struct why why = {};
		size_t at = 999;

		EXPECT_EQ(filter_parse(wrong[i].text, &f, &at, &why), -EINVAL);
		EXPECT_EQ(at, wrong[i].at);
		if (!strstr(why.text, wrong[i].why))
			EXPECT_STREQ(why.text, wrong[i].why);
		EXPECT_TRUE(!f);
	}
}

TEST(the_place_of_a_wrong_value_is_where_it_begins)
{
	static const struct {
		const char *text;
		size_t at;
	} wrong[] = {
		{"mem>5Q && cpu>1", 4}, {"cpu>5 && mem>  abc", 15},
		{"cpu>1e999", 4},	{"cpu>nan", 4},
		{"cpu>0x", 4},		{"state>\"x\"", 6},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct filter *f = NULL;
		struct why why = {};
		size_t at = 999;

		EXPECT_EQ(filter_parse(wrong[i].text, &f, &at, &why), -EINVAL);
		EXPECT_EQ(at, wrong[i].at);
	}
}

TEST(deep_and_long_expressions_are_refused)
{
	char deep[TOP_FILTER_MAX + 2] = "", chain[TOP_FILTER_MAX] = "cpu>1";

	memset(deep, '(', FILTER_DEPTH_MAX + 1);
	EXPECT_EQ(matches(deep), -EINVAL);
	memset(deep, '!', TOP_FILTER_MAX - 1);
	EXPECT_EQ(matches(deep), -EINVAL);
	memset(deep, 'a', TOP_FILTER_MAX + 1);
	EXPECT_EQ(matches(deep), -EINVAL);
	while (strlen(chain) + 8 < sizeof(chain))
		(void)strncat(chain, "||cpu>1", sizeof(chain) - strlen(chain) - 1);
	EXPECT_EQ(matches(chain), FILTER_NODES_MAX < 71 ? -EINVAL : 1);
}
