// SPDX-License-Identifier: Apache-2.0
/* The model of dcostop, without a terminal: canned snapshots in, rows out. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "selftests/harness/test.h"
#include "tools/common/client.h"
#include "tools/dcostop/view.h"

#define SECOND 1000000000ULL

/* A snapshot from the text of its usages; single quotes stand for double ones. */
static int feed(struct top_model *m, uint64_t seq, uint64_t time_ns, const char *usages)
{
	char *text = NULL;
	json_t *doc;
	int r;

	ASSERT_TRUE(asprintf(&text,
			     "{'seq':%llu,'time_ns':%llu,'interval_ms':1000,'ncpu':2,"
			     "'usages':[%s]}",
			     (unsigned long long)seq, (unsigned long long)time_ns, usages) > 0);
	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	doc = json_loads(text, 0, NULL);
	free(text);
	ASSERT_TRUE(doc);
	r = model_read(m, doc);
	json_decref(doc);
	return r;
}

static const struct top_row *row_of(const struct top_model *m, const char *id)
{
	for (size_t i = 0; i < m->tasks_nr; i++)
		if (!strcmp(m->tasks[i].row.id, id))
			return &m->tasks[i].row;
	return NULL;
}

/* Ids of the rows, in their order, with blanks between. */
static const char *order(const struct top_model *m, enum top_sort sort, bool reverse,
			 const char *filter, char *buf, size_t size)
{
	const struct top_row **rows = NULL;
	ssize_t nr = model_rows(m, sort, reverse, filter, &rows);
	size_t len = 0;

	buf[0] = 0;
	for (ssize_t i = 0; i < nr && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", i ? " " : "", rows[i]->id);
	free(rows);
	return buf;
}

#define HIST0 "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"
#define HIST1 "[0,0,90,0,0,0,8,0,0,0,0,0,0,0,0,2,0,0,0,0,0,0,0,0,0,0,0,0]"

TEST(the_first_snapshot_gives_no_rate)
{
	struct top_model m = {};
	const struct top_row *row;

	ASSERT_EQ(feed(&m, 1, SECOND,
		       "{'id':'a','state':'RUNNING','cpu_ns':5000,'nr_periods':9,'nr_throttled':1,"
		       "'wait_hist_us':" HIST1 ",'memory_bytes':4096,'pids':2}"),
		  0);
	row = row_of(&m, "a");
	ASSERT_TRUE(row);
	EXPECT_TRUE(isnan(row->cpu_pct));
	EXPECT_TRUE(isnan(row->throttled_pct));
	EXPECT_TRUE(row->wait_p99_us == TOP_UNKNOWN);
	EXPECT_EQ(row->memory_bytes, 4096);
	EXPECT_EQ(row->pids, 2);
	EXPECT_TRUE(isnan(m.cpu_pct));
	EXPECT_EQ(m.running_nr, 1);
	model_done(&m);
}

TEST(rates_are_differences_by_the_time_of_the_snapshots)
{
	struct top_model m = {};
	const struct top_row *row;

	ASSERT_EQ(
		feed(&m, 1, 10 * SECOND,
		     "{'id':'a','state':'RUNNING','cpu_ns':1000000000,'wait_ns':0,'nr_periods':10,"
		     "'nr_throttled':1,'nr_switches':100,'wait_hist_us':" HIST0 "}"),
		0);
	/* two seconds later, whatever interval was agreed on */
	ASSERT_EQ(feed(&m, 2, 12 * SECOND,
		       "{'id':'a','state':'RUNNING','cpu_ns':2500000000,'wait_ns':500000000,"
		       "'nr_periods':30,'nr_throttled':6,'nr_switches':300,'wait_hist_us':" HIST1
		       ",'cpu_quota_millionths':750000}"),
		  0);
	row = row_of(&m, "a");
	ASSERT_TRUE(row);
	EXPECT_EQ(lrint(row->cpu_pct * 1000), 75000);
	EXPECT_EQ(lrint(row->wait_pct * 1000), 25000);
	EXPECT_EQ(lrint(row->throttled_pct * 1000), 25000);
	EXPECT_EQ(lrint(row->quota_pct * 1000), 75000);
	EXPECT_EQ(lrint(row->switches_per_s), 100);
	EXPECT_EQ(row->wait_p50_us, 8);
	EXPECT_EQ(row->wait_p99_us, 65536);
	EXPECT_EQ(lrint(m.cpu_pct), 75);
	model_done(&m);
}

TEST(a_counter_that_went_back_gives_no_rate_and_recovers)
{
	struct top_model m = {};

	ASSERT_EQ(feed(&m, 1, SECOND, "{'id':'a','state':'RUNNING','cpu_ns':900000000}"), 0);
	ASSERT_EQ(feed(&m, 2, 2 * SECOND, "{'id':'a','state':'RUNNING','cpu_ns':100}"), 0);
	EXPECT_TRUE(isnan(row_of(&m, "a")->cpu_pct));
	ASSERT_EQ(feed(&m, 3, 3 * SECOND, "{'id':'a','state':'RUNNING','cpu_ns':500000100}"), 0);
	EXPECT_EQ(lrint(row_of(&m, "a")->cpu_pct), 50);
	model_done(&m);
}

TEST(what_the_host_cannot_tell_stays_unknown)
{
	struct top_model m = {};
	const struct top_row *row;

	ASSERT_EQ(feed(&m, 1, SECOND, "{'id':'a','state':'RUNNING','cpu_ns':0}"), 0);
	ASSERT_EQ(feed(&m, 2, 2 * SECOND, "{'id':'a','state':'RUNNING','cpu_ns':10000000}"), 0);
	row = row_of(&m, "a");
	EXPECT_EQ(lrint(row->cpu_pct), 1);
	EXPECT_TRUE(isnan(row->throttled_pct));
	EXPECT_TRUE(isnan(row->quota_pct));
	EXPECT_TRUE(row->memory_bytes == TOP_UNKNOWN);
	EXPECT_TRUE(row->pids == TOP_UNKNOWN);
	EXPECT_TRUE(row->wait_p50_us == TOP_UNKNOWN);
	EXPECT_TRUE(m.memory_bytes == TOP_UNKNOWN);
	model_done(&m);
}

TEST(an_idle_task_waits_nothing_and_is_not_throttled)
{
	struct top_model m = {};
	const char *idle = "{'id':'a','state':'RUNNING','cpu_ns':7,'nr_periods':5,'nr_throttled':5,"
			   "'wait_hist_us':" HIST1 "}";

	ASSERT_EQ(feed(&m, 1, SECOND, idle), 0);
	ASSERT_EQ(feed(&m, 2, 2 * SECOND, idle), 0);
	EXPECT_EQ(lrint(row_of(&m, "a")->throttled_pct), 0);
	EXPECT_EQ(row_of(&m, "a")->wait_p99_us, 0);
	EXPECT_EQ(lrint(row_of(&m, "a")->cpu_pct), 0);
	model_done(&m);
}

TEST(a_task_that_ended_is_shown_for_a_while_with_its_end)
{
	struct top_model m = {};
	const char *ended = "{'id':'a','state':'FAILED','cpu_ns':2000,'memory_bytes':9,'exit':"
			    "{'code':3,'oom':false,'known':true,'reason':'exited with code 3'}}";
	char buf[64];

	ASSERT_EQ(feed(&m, 1, SECOND, "{'id':'a','state':'RUNNING','cpu_ns':1000}"), 0);
	ASSERT_EQ(feed(&m, 2, 2 * SECOND, ended), 0);
	EXPECT_STREQ(row_of(&m, "a")->exit, "3");
	EXPECT_TRUE(row_of(&m, "a")->failed);
	EXPECT_TRUE(isnan(row_of(&m, "a")->cpu_pct));
	EXPECT_EQ(m.ended_nr, 1);
	ASSERT_EQ(feed(&m, 3, 2 * SECOND + TOP_ENDED_SHOW_NS, ended), 0);
	EXPECT_STREQ(order(&m, TOP_SORT_CPU, false, "", buf, sizeof(buf)), "a");
	/* the agent still reports it, and it does not come back */
	ASSERT_EQ(feed(&m, 4, 3 * SECOND + TOP_ENDED_SHOW_NS, ended), 0);
	EXPECT_STREQ(order(&m, TOP_SORT_CPU, false, "", buf, sizeof(buf)), "");
	EXPECT_EQ(m.ended_nr, 0);
	ASSERT_EQ(feed(&m, 5, 4 * SECOND + TOP_ENDED_SHOW_NS, ended), 0);
	EXPECT_STREQ(order(&m, TOP_SORT_CPU, false, "", buf, sizeof(buf)), "");
	model_done(&m);
}

TEST(a_task_that_was_removed_at_once_is_shown_as_removed)
{
	struct top_model m = {};

	ASSERT_EQ(feed(&m, 1, SECOND, "{'id':'a','state':'RUNNING','cpu_ns':1000}"), 0);
	ASSERT_EQ(feed(&m, 2, 2 * SECOND, ""), 0);
	ASSERT_TRUE(row_of(&m, "a"));
	EXPECT_STREQ(row_of(&m, "a")->state, "REMOVED");
	EXPECT_STREQ(row_of(&m, "a")->exit, "?");
	EXPECT_EQ(m.running_nr, 0);
	ASSERT_EQ(feed(&m, 3, 3 * SECOND + TOP_ENDED_SHOW_NS, ""), 0);
	EXPECT_EQ(m.tasks_nr, 0);
	model_done(&m);
}

TEST(an_id_that_is_used_again_starts_anew)
{
	struct top_model m = {};
	char buf[64];

	ASSERT_EQ(feed(&m, 1, SECOND,
		       "{'id':'a','state':'FINISHED','cpu_ns':9000000000,'exit':{'code':0}}"),
		  0);
	ASSERT_EQ(feed(&m, 2, 2 * SECOND, "{'id':'a','state':'RUNNING','cpu_ns':1000}"), 0);
	EXPECT_FALSE(row_of(&m, "a")->ended);
	EXPECT_STREQ(row_of(&m, "a")->exit, "-");
	EXPECT_TRUE(isnan(row_of(&m, "a")->cpu_pct));
	ASSERT_EQ(feed(&m, 3, 30 * SECOND, "{'id':'a','state':'RUNNING','cpu_ns':28000001000}"), 0);
	EXPECT_EQ(lrint(row_of(&m, "a")->cpu_pct), 100);
	EXPECT_TRUE(!row_of(&m, "a")->exit_doc);
	EXPECT_EQ(m.running_nr, 1);
	EXPECT_STREQ(order(&m, TOP_SORT_CPU, false, "", buf, sizeof(buf)), "a");
	model_done(&m);
}

TEST(rows_are_sorted_by_what_was_asked_and_ended_ones_come_last)
{
	struct top_model m = {};
	char buf[64];

	ASSERT_EQ(feed(&m, 1, SECOND,
		       "{'id':'a','state':'RUNNING','cpu_ns':0,'memory_bytes':30},"
		       "{'id':'b','state':'RUNNING','cpu_ns':0,'memory_bytes':10},"
		       "{'id':'c','state':'RUNNING','cpu_ns':0},"
		       "{'id':'aa','state':'RUNNING','cpu_ns':0,'memory_bytes':99}"),
		  0);
	ASSERT_EQ(feed(&m, 2, 2 * SECOND,
		       "{'id':'a','state':'RUNNING','cpu_ns':10000000,'memory_bytes':30},"
		       "{'id':'b','state':'RUNNING','cpu_ns':90000000,'memory_bytes':10},"
		       "{'id':'c','state':'RUNNING','cpu_ns':50000000},"
		       "{'id':'aa','state':'KILLED','cpu_ns':0,'memory_bytes':99,"
		       "'exit':{'signal':9}}"),
		  0);
	EXPECT_STREQ(order(&m, TOP_SORT_CPU, false, "", buf, sizeof(buf)), "b c a aa");
	EXPECT_STREQ(order(&m, TOP_SORT_CPU, true, "", buf, sizeof(buf)), "a c b aa");
	EXPECT_STREQ(order(&m, TOP_SORT_MEMORY, false, "", buf, sizeof(buf)), "a b c aa");
	EXPECT_STREQ(order(&m, TOP_SORT_WAIT, false, "", buf, sizeof(buf)), "a b c aa");
	EXPECT_STREQ(order(&m, TOP_SORT_ID, false, "", buf, sizeof(buf)), "a aa b c");
	EXPECT_STREQ(order(&m, TOP_SORT_ID, true, "", buf, sizeof(buf)), "c b aa a");
	EXPECT_STREQ(order(&m, TOP_SORT_CPU, false, "a", buf, sizeof(buf)), "a aa");
	model_done(&m);
}

TEST(gaps_in_the_numbers_are_counted_as_dropped)
{
	struct top_model m = {};

	ASSERT_EQ(feed(&m, 7, SECOND, ""), 0);
	ASSERT_EQ(feed(&m, 8, 2 * SECOND, ""), 0);
	EXPECT_EQ(m.dropped_nr, 0);
	ASSERT_EQ(feed(&m, 11, 5 * SECOND, ""), 0);
	EXPECT_EQ(m.dropped_nr, 2);
	/* another agent counts from its own beginning */
	model_restart(&m);
	ASSERT_EQ(feed(&m, 1, 6 * SECOND, ""), 0);
	ASSERT_EQ(feed(&m, 2, 7 * SECOND, ""), 0);
	EXPECT_EQ(m.dropped_nr, 2);
	model_done(&m);
}

TEST(a_longer_interval_is_no_gap)
{
	struct top_model m = {.wanted_ms = 2500}; /* the agent sends every third */

	ASSERT_EQ(feed(&m, 3, 3 * SECOND, ""), 0);
	ASSERT_EQ(feed(&m, 6, 6 * SECOND, ""), 0);
	EXPECT_EQ(m.dropped_nr, 0);
	ASSERT_EQ(feed(&m, 12, 12 * SECOND, ""), 0);
	EXPECT_EQ(m.dropped_nr, 1);
	model_done(&m);
}

TEST(a_pause_is_no_gap_and_rates_span_it)
{
	struct top_model m = {};
	json_t *skipped = json_pack("{s:i, s:i}", "seq", 2, "interval_ms", 1000);

	ASSERT_EQ(feed(&m, 1, SECOND, "{'id':'a','state':'RUNNING','cpu_ns':0}"), 0);
	model_skip(&m, skipped);
	json_decref(skipped);
	ASSERT_EQ(feed(&m, 3, 5 * SECOND, "{'id':'a','state':'RUNNING','cpu_ns':1000000000}"), 0);
	EXPECT_EQ(m.dropped_nr, 0);
	EXPECT_EQ(lrint(row_of(&m, "a")->cpu_pct), 25);
	model_done(&m);
}

TEST(what_is_no_snapshot_is_refused_and_changes_nothing)
{
	static const char *const bad[] = {
		"{}",
		"{\"seq\":1,\"time_ns\":5}",
		"{\"seq\":-1,\"time_ns\":5,\"usages\":[]}",
		"{\"seq\":1,\"time_ns\":\"5\",\"usages\":[]}",
		"{\"seq\":1,\"time_ns\":5,\"usages\":{}}",
	};
	struct top_model m = {};

	EXPECT_EQ(model_read(&m, NULL), -EBADMSG);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *doc = json_loads(bad[i], 0, NULL);

		EXPECT_EQ(model_read(&m, doc), -EBADMSG);
		json_decref(doc);
	}
	EXPECT_EQ(m.snapshots_nr, 0);
	/* strange usages are rows without numbers, and nothing breaks */
	ASSERT_EQ(feed(&m, 1, SECOND, "1,null,{'id':7},{'id':'a','exit':3,'wait_hist_us':[1,2]}"),
		  0);
	ASSERT_EQ(feed(&m, 2, SECOND, "{'id':'a','cpu_ns':'x','wait_hist_us':{}}"), 0);
	EXPECT_TRUE(isnan(row_of(&m, "a")->cpu_pct));
	model_done(&m);
}

TEST(tasks_beyond_the_limit_are_counted_not_followed)
{
	json_t *usages = json_array(), *doc;
	struct top_model m = {};

	for (int i = 0; i < TOP_TASKS_MAX + 5; i++) {
		char id[16];

		(void)snprintf(id, sizeof(id), "t%d", i);
		json_array_append_new(usages, json_pack("{ss ss}", "id", id, "state", "RUNNING"));
	}
	doc = json_pack("{si sI si si so}", "seq", 1, "time_ns", (json_int_t)SECOND, "interval_ms",
			1000, "ncpu", 2, "usages", usages);
	ASSERT_EQ(model_read(&m, doc), 0);
	EXPECT_EQ(m.tasks_nr, TOP_TASKS_MAX);
	EXPECT_EQ(m.hidden_nr, 5);
	ASSERT_EQ(model_read(&m, doc), 0);
	EXPECT_EQ(m.hidden_nr, 5);
	json_decref(doc);
	model_done(&m);
}

TEST(quantiles_are_upper_bounds_of_buckets)
{
	uint64_t hist[TOP_HIST] = {};

	EXPECT_EQ(wait_quantile_us(hist, 0.5), 0);
	hist[0] = 1;
	EXPECT_EQ(wait_quantile_us(hist, 0.99), 2);
	hist[4] = 1;
	EXPECT_EQ(wait_quantile_us(hist, 0.50), 2);
	EXPECT_EQ(wait_quantile_us(hist, 0.51), 32);
	hist[TOP_HIST - 1] = 100;
	EXPECT_EQ(wait_quantile_us(hist, 0.99), UINT64_C(2) << (TOP_HIST - 1));
}

TEST(json_view_has_null_for_what_nobody_knows)
{
	struct top_model m = {};
	const struct top_node node = {.name = "n", .version = "1"};
	const struct top_choice choice = {};
	char *text = NULL;
	size_t len;
	FILE *f;
	json_t *doc, *task;

	ASSERT_EQ(feed(&m, 1, SECOND, "{'id':'a','state':'RUNNING','cpu_ns':0,'pids':3}"), 0);
	ASSERT_EQ(feed(&m, 2, 2 * SECOND,
		       "{'id':'a','state':'RUNNING','cpu_ns':123456789,'pids':3}"),
		  0);
	f = open_memstream(&text, &len);
	ASSERT_EQ(view_json(f, &m, &node, &choice), 0);
	ASSERT_EQ(fclose(f), 0);
	EXPECT_EQ(strchr(text, '\n') - text, (long)len - 1);
	doc = json_loads(text, 0, NULL);
	ASSERT_TRUE(doc);
	task = json_array_get(json_object_get(doc, "tasks"), 0);
	EXPECT_EQ(lrint(json_real_value(json_object_get(task, "cpu_pct")) * 1000), 12346);
	EXPECT_TRUE(json_is_null(json_object_get(task, "wait_p99_us")));
	EXPECT_TRUE(json_is_null(json_object_get(task, "exit")));
	EXPECT_EQ(field_int(task, "pids", 0), 3);
	json_decref(doc);
	free(text);
	model_done(&m);
}
