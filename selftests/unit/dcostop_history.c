// SPDX-License-Identifier: Apache-2.0
/* The agent's history as dcostop shows it: lines of one task, the table as it was. */
#include <locale.h>
#include <math.h>
#include <string.h>

#include "selftests/harness/test.h"
#include "tools/common/text.h"
#include "tools/dcostop/past.h"

#define SECOND 1000000000ULL

/* A reply of History with so many readings of CPU, 1 %, 2 %, ... of a CPU, up to a time. */
static json_t *a_reply(int nr, uint64_t end_ns)
{
	json_t *cpu = json_array(), *wait = json_array();

	for (int i = 1; i <= nr; i++) {
		(void)json_array_append_new(cpu, json_integer(i * 10000));
		(void)json_array_append_new(wait, json_integer(i == nr ? 1000000 : 0));
	}
	return json_pack("{s:i, s:I, s:{s:o, s:o}}", "interval_ms", 1000, "end_ns",
			 (json_int_t)end_ns, "series", "cpu", cpu, "wait", wait);
}

static void read_reply(struct top_history *h, const char *id, int nr, uint64_t end_ns)
{
	json_t *reply = a_reply(nr, end_ns);

	history_read(h, id, reply);
	json_decref(reply);
}

TEST(a_reply_becomes_series_in_units_of_columns)
{
	static struct top_history h;

	read_reply(&h, "a", 3, 9 * SECOND);
	EXPECT_STREQ(h.id, "a");
	EXPECT_EQ(h.nr, 3);
	EXPECT_EQ(lrintf(h.v[SERIES_CPU][2]), 3);
	EXPECT_EQ(lrintf(h.v[SERIES_WAIT][2]), 100);
	EXPECT_EQ(lrintf(h.v[SERIES_MEMORY][2]), 0); /* the agent did not tell */
	history_read(&h, "b", NULL);
	EXPECT_EQ(h.nr, 0);
	EXPECT_STREQ(h.id, "b");
}

TEST(too_long_series_lose_their_beginning)
{
	static struct top_history h;
	double v[TOP_METRICS];

	read_reply(&h, "a", HISTORY_MAX + 5, 9 * SECOND);
	EXPECT_EQ(h.nr, HISTORY_MAX);
	EXPECT_EQ(lrintf(h.v[SERIES_CPU][0]), 6);
	for (int i = 0; i < TOP_METRICS; i++)
		v[i] = NAN;
	v[M_CPU] = 42;
	v[M_BIND_DENIED] = 2;
	v[M_CONNECT_DENIED] = 3;
	history_add(&h, v, 1000);
	EXPECT_EQ(h.nr, HISTORY_MAX);
	EXPECT_EQ(lrintf(h.v[SERIES_CPU][0]), 7);
	EXPECT_EQ(lrintf(h.v[SERIES_CPU][HISTORY_MAX - 1]), 42);
	EXPECT_EQ(lrintf(h.v[SERIES_DENIED][HISTORY_MAX - 1]), 5);
	EXPECT_EQ(lrintf(h.v[SERIES_RX][HISTORY_MAX - 1]), 0);
}

TEST(a_sparkline_has_its_newest_reading_at_the_right)
{
	static const float v[] = {0, 1, 2, 4, 8};
	char buf[256];

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	sparkline(buf, sizeof(buf), v, 5, 5, false, 0);
	EXPECT_STREQ(buf, " ..-#");
	sparkline(buf, sizeof(buf), v, 5, 7, false, 0);
	EXPECT_STREQ(buf, "   ..-#");
	sparkline(buf, sizeof(buf), v, 5, 2, false, 16);
	EXPECT_STREQ(buf, ".-");
	sparkline(buf, sizeof(buf), v, 5, 5, true, 0);
	EXPECT_EQ(text_width(buf), 5);
	sparkline(buf, sizeof(buf), v, 0, 3, true, 0);
	EXPECT_STREQ(buf, "   ");
	sparkline(buf, sizeof(buf), v, 5, 0, true, 0);
	EXPECT_STREQ(buf, "");
	sparkline(buf, 4, v, 5, 200, true, 0);
	EXPECT_LT(strlen(buf), 4);
}

TEST(a_bar_shows_that_there_is_something)
{
	char buf[64];

	bar_text(buf, sizeof(buf), 0, 4, false);
	EXPECT_STREQ(buf, "    ");
	bar_text(buf, sizeof(buf), 0.001, 4, false);
	EXPECT_STREQ(buf, "#   ");
	bar_text(buf, sizeof(buf), 0.5, 4, false);
	EXPECT_STREQ(buf, "##  ");
	bar_text(buf, sizeof(buf), 1, 4, false);
	EXPECT_STREQ(buf, "####");
}

/* Three tasks that run. */
static void three_tasks(struct top_model *m)
{
	static const char *const ids[] = {"a", "b", "c"};
	struct top_model like = {.ncpu = 2};
	double v[TOP_METRICS];

	for (int i = 0; i < TOP_METRICS; i++)
		v[i] = NAN;
	model_begin(m, &like);
	for (int i = 0; i < 3; i++) {
		v[M_CPU] = i;
		model_put(m, ids[i], NULL, v);
	}
	model_end(m, 100 * SECOND);
}

TEST(the_table_as_it_was_has_the_tasks_that_ran_then)
{
	static struct top_history known;
	struct top_model m = {};
	struct top_order order = {.by = M_CPU};
	struct past p = {};
	json_t *reply;

	three_tasks(&m);
	read_reply(&known, "b", 10, 100 * SECOND);
	ASSERT_EQ(past_begin(&p, &m, &order, &known), 0);
	EXPECT_STREQ(past_wants(&p), "c"); /* in the order of the table, b is known */
	EXPECT_STREQ(past_wants(&p), "a");
	EXPECT_TRUE(!past_wants(&p));
	reply = a_reply(3, 90 * SECOND); /* it ended ten seconds ago */
	past_add(&p, "a", reply);
	past_add(&p, "nobody", reply);
	json_decref(reply);
	past_add(&p, "c", NULL);

	EXPECT_EQ(past_show(&p, 1, &m), 1000);
	EXPECT_EQ(p.model.tasks_nr, 1);
	EXPECT_EQ(lrint(model_find(&p.model, "b")->v[M_CPU]), 9);
	EXPECT_TRUE(isnan(model_find(&p.model, "b")->v[M_PIDS]));
	EXPECT_STREQ(model_find(&p.model, "b")->verdict.word, "ok");
	EXPECT_EQ(past_show(&p, 0, &m), 0);
	EXPECT_STREQ(model_find(&p.model, "b")->verdict.word, "cpu wait");
	EXPECT_EQ(past_show(&p, 10, &m), 10000);
	EXPECT_EQ(p.model.tasks_nr, 1);
	EXPECT_EQ(lrint(model_find(&p.model, "a")->v[M_CPU]), 3);
	EXPECT_EQ(p.model.ncpu, 2);
	EXPECT_EQ(past_show(&p, 12, &m), 12000);
	EXPECT_EQ(lrint(model_find(&p.model, "a")->v[M_CPU]), 1);
	EXPECT_EQ(past_show(&p, 13, &m), 13000);
	EXPECT_EQ(p.model.tasks_nr, 0);
	past_done(&p);
	past_done(&p);
	model_done(&m);
}

TEST(without_tasks_there_is_no_past)
{
	struct top_model m = {};
	struct top_order order = {.by = M_CPU};
	static struct top_history known;
	struct past p = {};

	EXPECT_TRUE(past_begin(&p, &m, &order, &known) < 0);
	EXPECT_TRUE(!past_wants(&p));
	EXPECT_EQ(past_show(&p, 5, &m), 0);
	past_done(&p);
}
