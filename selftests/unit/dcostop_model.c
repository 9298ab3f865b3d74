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

/* Ids of the rows, in their order, with blanks between; those of apps with a slash. */
static const char *rows_text(const struct top_model *m, const struct top_order *order, char *buf,
			     size_t size)
{
	struct top_rows r = {};
	size_t len = 0;

	buf[0] = 0;
	if (model_rows(m, order, &r) < 0)
		return "no memory";
	for (size_t i = 0; i < r.nr && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s%s", i ? " " : "",
					r.rows[i]->id, r.rows[i]->tasks_nr ? "/" : "");
	rows_done(&r);
	return buf;
}

static const char *order(const struct top_model *m, int by, bool reverse, const char *filter,
			 char *buf, size_t size)
{
	struct filter *f = NULL;
	struct why why = {};
	size_t at;
	struct top_order o = {.by = by, .reverse = reverse};

	if (filter_parse(filter, &f, &at, &why) < 0)
		return why.text[0] ? "bad filter" : "?";
	o.filter = f;
	(void)rows_text(m, &o, buf, size);
	(void)filter_free(f);
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
	EXPECT_TRUE(isnan(row->v[M_CPU]));
	EXPECT_TRUE(isnan(row->v[M_THROTTLED]));
	EXPECT_TRUE(isnan(row->v[M_WAIT_P99]));
	EXPECT_EQ((long)row->v[M_MEMORY], 4096);
	EXPECT_EQ((long)row->v[M_PIDS], 2);
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
	EXPECT_EQ(lrint(row->v[M_CPU] * 1000), 75000);
	EXPECT_EQ(lrint(row->v[M_WAIT] * 1000), 25000);
	EXPECT_EQ(lrint(row->v[M_THROTTLED] * 1000), 25000);
	EXPECT_EQ(lrint(row->v[M_QUOTA] * 1000), 75000);
	EXPECT_EQ(lrint(row->v[M_SWITCHES]), 100);
	EXPECT_EQ((long)row->v[M_WAIT_P50], 8);
	EXPECT_EQ((long)row->v[M_WAIT_P99], 65536);
	EXPECT_EQ(lrint(m.cpu_pct), 75);
	model_done(&m);
}

TEST(a_counter_that_went_back_gives_no_rate_and_recovers)
{
	struct top_model m = {};

	ASSERT_EQ(feed(&m, 1, SECOND, "{'id':'a','state':'RUNNING','cpu_ns':900000000}"), 0);
	ASSERT_EQ(feed(&m, 2, 2 * SECOND, "{'id':'a','state':'RUNNING','cpu_ns':100}"), 0);
	EXPECT_TRUE(isnan(row_of(&m, "a")->v[M_CPU]));
	ASSERT_EQ(feed(&m, 3, 3 * SECOND, "{'id':'a','state':'RUNNING','cpu_ns':500000100}"), 0);
	EXPECT_EQ(lrint(row_of(&m, "a")->v[M_CPU]), 50);
	model_done(&m);
}

TEST(what_the_host_cannot_tell_stays_unknown)
{
	struct top_model m = {};
	const struct top_row *row;

	ASSERT_EQ(feed(&m, 1, SECOND, "{'id':'a','state':'RUNNING','cpu_ns':0}"), 0);
	ASSERT_EQ(feed(&m, 2, 2 * SECOND, "{'id':'a','state':'RUNNING','cpu_ns':10000000}"), 0);
	row = row_of(&m, "a");
	EXPECT_EQ(lrint(row->v[M_CPU]), 1);
	EXPECT_TRUE(isnan(row->v[M_THROTTLED]));
	EXPECT_TRUE(isnan(row->v[M_QUOTA]));
	EXPECT_TRUE(isnan(row->v[M_MEMORY]));
	EXPECT_TRUE(isnan(row->v[M_PIDS]));
	EXPECT_TRUE(isnan(row->v[M_WAIT_P50]));
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
	EXPECT_EQ(lrint(row_of(&m, "a")->v[M_THROTTLED]), 0);
	EXPECT_EQ((long)row_of(&m, "a")->v[M_WAIT_P99], 0);
	EXPECT_EQ(lrint(row_of(&m, "a")->v[M_CPU]), 0);
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
	EXPECT_TRUE(isnan(row_of(&m, "a")->v[M_CPU]));
	EXPECT_EQ(m.ended_nr, 1);
	ASSERT_EQ(feed(&m, 3, 2 * SECOND + TOP_ENDED_SHOW_NS, ended), 0);
	EXPECT_STREQ(order(&m, M_CPU, false, "", buf, sizeof(buf)), "a");
	/* the agent still reports it, and it does not come back */
	ASSERT_EQ(feed(&m, 4, 3 * SECOND + TOP_ENDED_SHOW_NS, ended), 0);
	EXPECT_STREQ(order(&m, M_CPU, false, "", buf, sizeof(buf)), "");
	EXPECT_EQ(m.ended_nr, 0);
	ASSERT_EQ(feed(&m, 5, 4 * SECOND + TOP_ENDED_SHOW_NS, ended), 0);
	EXPECT_STREQ(order(&m, M_CPU, false, "", buf, sizeof(buf)), "");
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
	EXPECT_TRUE(isnan(row_of(&m, "a")->v[M_CPU]));
	ASSERT_EQ(feed(&m, 3, 30 * SECOND, "{'id':'a','state':'RUNNING','cpu_ns':28000001000}"), 0);
	EXPECT_EQ(lrint(row_of(&m, "a")->v[M_CPU]), 100);
	EXPECT_TRUE(!row_of(&m, "a")->exit_doc);
	EXPECT_EQ(m.running_nr, 1);
	EXPECT_STREQ(order(&m, M_CPU, false, "", buf, sizeof(buf)), "a");
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
	EXPECT_STREQ(order(&m, M_CPU, false, "", buf, sizeof(buf)), "b c a aa");
	EXPECT_STREQ(order(&m, M_CPU, true, "", buf, sizeof(buf)), "a c b aa");
	EXPECT_STREQ(order(&m, M_MEMORY, false, "", buf, sizeof(buf)), "a b c aa");
	EXPECT_STREQ(order(&m, M_WAIT_P99, false, "", buf, sizeof(buf)), "a b c aa");
	EXPECT_STREQ(order(&m, TOP_SORT_ID, false, "", buf, sizeof(buf)), "a aa b c");
	EXPECT_STREQ(order(&m, TOP_SORT_ID, true, "", buf, sizeof(buf)), "c b aa a");
	EXPECT_STREQ(order(&m, M_CPU, false, "a", buf, sizeof(buf)), "a aa");
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
	EXPECT_EQ(lrint(row_of(&m, "a")->v[M_CPU]), 25);
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
	EXPECT_TRUE(isnan(row_of(&m, "a")->v[M_CPU]));
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

TEST(an_app_is_the_label_else_the_id_up_to_its_last_separator)
{
	static const struct {
		const char *id, *app;
	} ids[] = {
		{"web.1", "web"},   {"web-1", "web"}, {"a.b-2.3", "a.b-2"}, {"a.b-2", "a"},
		{"a-b-c", "a-b"},   {"web", "web"},   {".web", ".web"},	    {"-web", "-web"},
		{".web-1", ".web"}, {"web.", "web"},
	};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		EXPECT_EQ(app_length(ids[i].id), strlen(ids[i].app));
	}
}

TEST(a_tree_has_sums_of_apps_and_their_tasks_below)
{
	struct top_model m = {};
	const struct top_order by_cpu = {.by = M_CPU, .tree = true};
	json_t *apps = json_pack("{s:s}", "z", "db");
	struct top_rows r = {};
	char buf[128];

	ASSERT_EQ(feed(&m, 1, SECOND,
		       "{'id':'db.1','state':'RUNNING','cpu_ns':0,'memory_max_bytes':7},"
		       "{'id':'db.2','state':'RUNNING','cpu_ns':0,'memory_max_bytes':9},"
		       "{'id':'web','state':'RUNNING','cpu_ns':0},"
		       "{'id':'z','state':'RUNNING','cpu_ns':0}"),
		  0);
	ASSERT_EQ(feed(&m, 2, 2 * SECOND,
		       "{'id':'db.1','state':'RUNNING','cpu_ns':100000000,'memory_max_bytes':7},"
		       "{'id':'db.2','state':'RUNNING','cpu_ns':200000000,'memory_max_bytes':9},"
		       "{'id':'web','state':'RUNNING','cpu_ns':250000000},"
		       "{'id':'z','state':'RUNNING','cpu_ns':10000000}"),
		  0);
	EXPECT_STREQ(rows_text(&m, &by_cpu, buf, sizeof(buf)), "db/ db.2 db.1 web/ web z/ z");
	ASSERT_EQ(model_rows(&m, &by_cpu, &r), 0);
	EXPECT_EQ(lrint(r.rows[0]->v[M_CPU]), 30);
	EXPECT_EQ(lrint(r.rows[0]->v[M_MEMORY_MAX]), 9);
	EXPECT_TRUE(isnan(r.rows[0]->v[M_MEMORY]));
	EXPECT_STREQ(r.rows[0]->state, "2 tasks");
	rows_done(&r);
	rows_done(&r);
	model_apps(&m, apps);
	EXPECT_STREQ(rows_text(&m, &by_cpu, buf, sizeof(buf)), "db/ db.2 db.1 z web/ web");
	json_decref(apps);
	/* it holds for tasks that come later, also when this one is forgotten in between */
	model_reset(&m);
	ASSERT_EQ(feed(&m, 3, 3 * SECOND, "{'id':'z','state':'RUNNING'}"), 0);
	EXPECT_STREQ(rows_text(&m, &by_cpu, buf, sizeof(buf)), "db/ z");
	model_done(&m);
}

TEST(any_column_sorts_and_unknown_values_come_last)
{
	struct top_model m = {};
	char buf[64];

	ASSERT_EQ(feed(&m, 1, SECOND,
		       "{'id':'a','state':'RUNNING','pids':1},"
		       "{'id':'b','state':'KILLING','pids':3},{'id':'c','state':'RUNNING'}"),
		  0);
	for (int by = 0; by <= TOP_SORT_WHY; by++)
		EXPECT_EQ(strlen(order(&m, by, false, "", buf, sizeof(buf))), strlen("a b c"));
	EXPECT_STREQ(order(&m, M_PIDS, false, "", buf, sizeof(buf)), "b a c");
	EXPECT_STREQ(order(&m, TOP_SORT_STATE, false, "", buf, sizeof(buf)), "b a c");
	model_done(&m);
}

TEST(histograms_may_be_short_and_are_differences)
{
	struct top_model m = {};

	ASSERT_EQ(feed(&m, 1, SECOND,
		       "{'id':'a','state':'RUNNING','disk_hist_us':[1,2],'rtt_hist_us':[5]}"),
		  0);
	ASSERT_EQ(feed(&m, 2, 2 * SECOND,
		       "{'id':'a','state':'RUNNING','disk_hist_us':[1,2,0,7],'rtt_hist_us':[4]}"),
		  0);
	EXPECT_EQ(row_of(&m, "a")->hist[HIST_DISK][3], 7);
	EXPECT_EQ(row_of(&m, "a")->hist[HIST_DISK][1], 0);
	EXPECT_EQ(lrint(row_of(&m, "a")->v[M_DISK_P99]), 16);
	EXPECT_TRUE(isnan(row_of(&m, "a")->v[M_RTT_P50])); /* it went back */
	EXPECT_TRUE(isnan(row_of(&m, "a")->v[M_CONNECT_P99]));
	model_done(&m);
}

TEST(open_connections_are_opened_less_closed)
{
	struct top_model m = {};

	ASSERT_EQ(feed(&m, 1, SECOND, "{'id':'a','state':'RUNNING','tcp_opened':9,'tcp_closed':4}"),
		  0);
	EXPECT_EQ(lrint(row_of(&m, "a")->v[M_CONNECTIONS]), 5);
	model_done(&m);
}

TEST(json_view_has_null_for_what_nobody_knows)
{
	struct top_model m = {};
	const struct top_node node = {.name = "n", .version = "1"};
	const struct top_choice choice = {.order.by = M_CPU};
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
	EXPECT_EQ(lrint(json_real_value(json_object_get(task, "cpu")) * 1000), 12346);
	EXPECT_TRUE(json_is_null(json_object_get(task, "wait_p99")));
	EXPECT_TRUE(json_is_null(json_object_get(task, "exit")));
	EXPECT_EQ(field_int(task, "pids", 0), 3);
	json_decref(doc);
	free(text);
	model_done(&m);
}

TEST(csv_has_titles_once_and_quotes_what_needs_it)
{
	struct top_model m = {};
	const struct top_choice choice = {.order = {.by = M_CPU, .tree = true}};
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ASSERT_EQ(feed(&m, 1, SECOND, "{'id':'a,b','state':'RUNNING','pids':3}"), 0);
	ASSERT_EQ(view_csv(f, &m, &choice), 0);
	ASSERT_EQ(feed(&m, 2, 2 * SECOND, "{'id':'a,b','state':'RUNNING','pids':4}"), 0);
	ASSERT_EQ(view_csv(f, &m, &choice), 0);
	ASSERT_EQ(fclose(f), 0);
	EXPECT_EQ(strncmp(text, "time_ns,id,app,state,exit,why,numbers,cpu,quota,", 48), 0);
	EXPECT_TRUE(strstr(text,
			   "\r\n1000000000,\"a,b\",\"a,b\",\"RUNNING\",\"\",\"-\",\"\",,,,,,,3,"));
	EXPECT_TRUE(strstr(text, "\r\n2000000000,\"a,b\","));
	EXPECT_TRUE(!strstr(text + 10, "time_ns"));
	free(text);
	model_done(&m);
}
