// SPDX-License-Identifier: Apache-2.0
/* Pages of metrics, made of JSON as the agent would send it. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"
#include "tools/common/client.h"
#include "tools/exporter/metrics.h"
#include "tools/exporter/render.h"

static const struct page_options options_all = {.max_series = 100000, .bucket_step = 2};

/* JSON with single quotes */
static json_t *json(const char *text)
{
	char *copy = strdup(text);
	json_t *doc;

	ASSERT_TRUE(copy);
	for (char *p = copy; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	doc = json_loads(copy, JSON_DECODE_ANY, NULL);
	ASSERT_TRUE(doc);
	free(copy);
	return doc;
}

struct made {
	char *text;
	struct page_totals totals;
};

static struct made make(const struct page_options *options, enum page_format format,
			const char *usages, const char *tasks, const char *agent)
{
	cleanup_json json_t *u = json(usages), *t = json(tasks), *a = json(agent);
	cleanup_json json_t *info = json("{'cgroup':'/dcos','node':'n1','version':'1.2','ncpu':4,"
					 "'draining':false,'running':1}");
	cleanup_json json_t *self = json("{'version':'x','up':1,'snapshot_unix_ms':5000,"
					 "'started_unix_us':1500000,'requests_text':3}");
	const struct page_data data = {u, t, info, a, self};
	struct out o = {};
	struct made m = {};

	ASSERT_EQ(page_render(options, &data, format, &o, &m.totals), 0);
	out_char(&o, '\0');
	m.text = o.data;
	return m;
}

static struct made make_text(const char *usages, const char *tasks)
{
	return make(&options_all, PAGE_TEXT, usages, tasks, "{}");
}

/* Is there a line like that, whole? */
static bool has(const struct made *m, const char *line)
{
	size_t len = strlen(line);

	for (const char *p = m->text; (p = strstr(p, line)); p += len)
		if ((p == m->text || p[-1] == '\n') && p[len] == '\n')
			return true;
	return false;
}

static unsigned int lines_with(const struct made *m, const char *text)
{
	unsigned int nr = 0;

	for (const char *p = m->text; (p = strstr(p, text)); p += strlen(text))
		nr++;
	return nr;
}

#define WEB "id=\"/dcos/web\",image=\"/img\",name=\"web\""

TEST(counters_become_seconds_and_carry_the_labels_of_cadvisor)
{
	struct made m = make_text("[{'id':'web','state':'RUNNING','cpu_ns':1500000001,"
				  "'throttled_us':2500000,'cpu_quota_millionths':1500000}]",
				  "[{'id':'web','state':'RUNNING','image':'/img','user':'0:0',"
				  "'started_unix_us':1700000000250000}]");

	EXPECT_TRUE(
		has(&m, "container_cpu_usage_seconds_total{" WEB ",cpu=\"total\"} 1.500000001"));
	EXPECT_TRUE(has(&m, "container_cpu_cfs_throttled_seconds_total{" WEB "} 2.5"));
	EXPECT_TRUE(has(&m, "container_spec_cpu_period{" WEB "} 100000"));
	EXPECT_TRUE(has(&m, "container_spec_cpu_quota{" WEB "} 150000"));
	EXPECT_TRUE(has(&m, "dcos_task_cpu_quota_cores{" WEB "} 1.5"));
	EXPECT_TRUE(has(&m, "container_start_time_seconds{" WEB "} 1700000000.25"));
	EXPECT_TRUE(has(&m, "container_last_seen{" WEB "} 5"));
	EXPECT_TRUE(has(&m, "dcos_task_state{" WEB ",state=\"RUNNING\"} 1"));
	EXPECT_TRUE(has(&m, "# TYPE container_cpu_usage_seconds_total counter"));
	EXPECT_TRUE(has(&m, "dcos_agent_tasks{state=\"RUNNING\"} 1"));
	EXPECT_TRUE(has(&m, "dcos_agent_tasks{state=\"LOST\"} 0"));
	free(m.text);
}

TEST(what_a_host_does_not_tell_has_no_series)
{
	struct made m = make_text("[{'id':'web','state':'RUNNING','cpu_ns':null,'rx_bytes':-1,"
				  "'memory_bytes':5,'memory_max_bytes':9007199254740993}]",
				  "[]");

	EXPECT_FALSE(strstr(m.text, "container_cpu_usage_seconds"));
	EXPECT_FALSE(strstr(m.text, "container_network_receive_bytes"));
	/* without the memory controller it is not cAdvisor's quantity */
	EXPECT_FALSE(strstr(m.text, "container_memory_usage_bytes"));
	EXPECT_TRUE(strstr(m.text, "\ndcos_task_memory_bytes{"));
	EXPECT_TRUE(strstr(m.text,
			   "\ncontainer_spec_memory_limit_bytes{id=\"/dcos/web\",image=\"\","
			   "name=\"web\"} 9007199254740993\n"));
	free(m.text);
}

TEST(sources_are_combined_as_the_table_says)
{
	struct made m =
		make_text("[{'id':'a','state':'RUNNING','memory_bytes':7,'memory_max_events':0,"
			  "'stat_anon_bytes':3,'rss_anon_bytes':4,'min_faults':10,'maj_faults':2,"
			  "'tcp_opened':5,'tcp_closed':2},"
			  "{'id':'b','state':'RUNNING','rss_anon_bytes':4,'min_faults':10,"
			  "'tcp_opened':5,'tcp_closed':6}]",
			  "[]");

	EXPECT_TRUE(strstr(m.text, "\ncontainer_memory_usage_bytes{id=\"/dcos/a\",image=\"\","
				   "name=\"a\"} 7\n"));
	EXPECT_TRUE(
		strstr(m.text, "\ncontainer_memory_rss{id=\"/dcos/a\",image=\"\",name=\"a\"} 3\n"));
	EXPECT_TRUE(
		strstr(m.text, "\ncontainer_memory_rss{id=\"/dcos/b\",image=\"\",name=\"b\"} 4\n"));
	EXPECT_TRUE(strstr(m.text, "failure_type=\"pgfault\",scope=\"container\"} 12\n"));
	EXPECT_TRUE(strstr(m.text, "failure_type=\"pgmajfault\",scope=\"container\"} 2\n"));
	EXPECT_EQ(lines_with(&m, "failure_type=\"pgfault\""), 1);
	EXPECT_TRUE(strstr(m.text, "\ndcos_task_tcp_connections{id=\"/dcos/a\",image=\"\","
				   "name=\"a\"} 3\n"));
	EXPECT_TRUE(strstr(m.text, "\ndcos_task_tcp_connections{id=\"/dcos/b\",image=\"\","
				   "name=\"b\"} 0\n"));
	free(m.text);
}

/* The buckets' counts, in their order; @sum is how many there are */
static size_t buckets_of(const char *text, const char *name, uint64_t *counts, size_t max)
{
	size_t nr = 0, len = strlen(name);

	for (const char *p = text; (p = strstr(p, name)); p += len) {
		char *end;

		if (p != text && p[-1] != '\n')
			continue;
		ASSERT_TRUE(nr < max);
		counts[nr++] = strtoull(strchr(p, '}') + 2, &end, 10);
	}
	return nr;
}

TEST(histograms_are_cumulative_and_end_with_all)
{
	const char *usages = "[{'id':'w','state':'RUNNING','wait_ns':2000000000,"
			     "'wait_hist_us':[1,2,4,8,16]}]";

	for (unsigned int step = 1; step <= PAGE_STEP_MAX; step++) {
		struct page_options options = {.max_series = 100000, .bucket_step = step};
		struct made m = make(&options, PAGE_OPENMETRICS, usages, "[]", "{}");
		uint64_t counts[PAGE_HIST];
		size_t nr = buckets_of(m.text, "dcos_task_run_queue_wait_seconds_bucket{", counts,
				       ARRAY_SIZE(counts));

		EXPECT_EQ(nr, (PAGE_HIST - 1) / step + 1);
		for (size_t i = 1; i < nr; i++)
			EXPECT_LE(counts[i - 1], counts[i]);
		EXPECT_EQ(counts[nr - 1], 31);
		if (step == 1) {
			EXPECT_EQ(counts[0], 1);
			EXPECT_EQ(counts[2], 7);
		}
		EXPECT_EQ(lines_with(&m, "le=\"+Inf\"} 31\n"), 1);
		EXPECT_EQ(lines_with(&m, "dcos_task_run_queue_wait_seconds_sum"), 1);
		EXPECT_EQ(lines_with(&m, "dcos_task_run_queue_wait_seconds_count"), 1);
		free(m.text);
	}
}

TEST(bounds_of_buckets_are_powers_of_two_microseconds_as_go_prints_them)
{
	struct page_options options = {.max_series = 100000, .bucket_step = 1};
	struct made m = make(&options, PAGE_TEXT,
			     "[{'id':'w','state':'RUNNING','disk_hist_us':[]}]", "[]", "{}");
	char line[64];

	for (unsigned int i = 0; i + 1 < PAGE_HIST; i++) {
		(void)snprintf(line, sizeof(line), "le=\"%.9g\"} 0\n", (double)(2ULL << i) / 1e6);
		EXPECT_EQ(lines_with(&m, line), 1);
	}
	/* nobody knows the sum: OpenMetrics then forbids a count */
	EXPECT_FALSE(strstr(m.text, "dcos_task_disk_latency_seconds_sum"));
	EXPECT_FALSE(strstr(m.text, "dcos_task_disk_latency_seconds_count"));
	free(m.text);
}

TEST(openmetrics_differs_where_its_specification_does)
{
	const char *usages = "[{'id':'web','state':'RUNNING','cpu_ns':1}]";
	struct made om = make(&options_all, PAGE_OPENMETRICS, usages, "[]", "{}");
	struct made text = make_text(usages, "[]");

	EXPECT_TRUE(has(&om, "# TYPE container_cpu_usage_seconds counter"));
	EXPECT_TRUE(has(&om, "# UNIT container_cpu_usage_seconds seconds"));
	EXPECT_TRUE(has(&om, "# TYPE dcos_agent info"));
	EXPECT_TRUE(has(&om, "dcos_exporter_requests_created{format=\"text\"} 1.5"));
	EXPECT_STREQ(om.text + strlen(om.text) - 6, "# EOF\n");
	EXPECT_TRUE(has(&text, "# TYPE dcos_agent_info gauge"));
	EXPECT_FALSE(strstr(text.text, "# UNIT"));
	EXPECT_FALSE(strstr(text.text, "# EOF"));
	EXPECT_FALSE(strstr(text.text, "_created"));
	free(om.text);
	free(text.text);
}

TEST(labels_of_a_task_are_escaped_renamed_and_there_once)
{
	struct made m = make_text("[{'id':'web','state':'RUNNING'}]",
				  "[{'id':'web','image':'a\\\\b','user':'u\\nv','labels':"
				  "{'a.b':'1','a-b':'2','c':'q\\u0022','d':5}}]");

	EXPECT_TRUE(strstr(m.text, "image=\"a\\\\b\""));
	EXPECT_TRUE(strstr(m.text, "user=\"u\\nv\""));
	EXPECT_EQ(lines_with(&m, "label_a_b="), 1);
	EXPECT_TRUE(strstr(m.text, "label_c=\"q\\\"\""));
	EXPECT_FALSE(strstr(m.text, "label_d"));
	EXPECT_EQ(m.totals.labels_dropped, 2);
	free(m.text);
}

TEST(a_task_has_at_most_so_many_labels)
{
	cleanup_json json_t *labels = json_object();
	cleanup_json json_t *tasks = NULL;
	char name[16], *text;
	struct made m;

	for (int i = 0; i < PAGE_LABELS_MAX + 5; i++) {
		(void)snprintf(name, sizeof(name), "l%d", i);
		json_object_set_new(labels, name, json_string("v"));
	}
	tasks = json_pack("[{ss sO}]", "id", "web", "labels", labels);
	text = json_dumps(tasks, 0);
	m = make_text("[{'id':'web','state':'RUNNING'}]", text);
	EXPECT_EQ(lines_with(&m, "label_l"), PAGE_LABELS_MAX);
	EXPECT_EQ(m.totals.labels_dropped, 5);
	free(text);
	free(m.text);
}

/* so many tasks with one wait histogram each; every second one has ended */
static char *many(int nr)
{
	struct out o = {};

	for (int i = 0; i < nr; i++) {
		out_str(&o, i ? ",{\"id\":\"t" : "[{\"id\":\"t");
		out_u64(&o, (uint64_t)i);
		out_str(&o, "\",\"state\":\"X\",\"wait_hist_us\":[1]");
		out_str(&o, i % 2 ? ",\"exit\":{\"oom\":false}}" : "}");
	}
	out_mem(&o, "]", 2);
	return o.data;
}

static uint64_t count_series(const char *text)
{
	uint64_t nr = 0;

	for (const char *p = text; p && *p; p = strchr(p, '\n') + 1)
		nr += *p != '#';
	return nr;
}

TEST(the_series_of_a_page_are_bounded_and_counted)
{
	struct page_options options = {.max_series = PAGE_SERIES_MIN, .bucket_step = 1};
	cleanup_free char *usages = many(100);
	struct made m = make(&options, PAGE_OPENMETRICS, usages, "[]", "{}");
	char line[80];

	EXPECT_LE(count_series(m.text), PAGE_SERIES_MIN);
	EXPECT_EQ(count_series(m.text), m.totals.series);
	EXPECT_GT(m.totals.tasks_dropped, 50);
	EXPECT_TRUE(has(&m, "dcos_agent_up 1"));
	(void)snprintf(line, sizeof(line), "dcos_exporter_series %llu",
		       (unsigned long long)m.totals.series);
	EXPECT_TRUE(has(&m, line));
	(void)snprintf(line, sizeof(line), "dcos_exporter_tasks_dropped %llu",
		       (unsigned long long)m.totals.tasks_dropped);
	EXPECT_TRUE(has(&m, line));
	(void)snprintf(line, sizeof(line), "dcos_exporter_series_dropped_total %llu",
		       (unsigned long long)m.totals.series_dropped);
	EXPECT_TRUE(has(&m, line));
	free(m.text);
}

TEST(tasks_that_ended_are_left_out_first_and_then_the_youngest)
{
	/* 28 buckets, state, last_seen; and exit's oom: 30 or 31 series; room for 32 or 33 tasks */
	struct page_options options = {.max_series = PAGE_SERIES_MIN, .bucket_step = 1};
	cleanup_free char *usages = many(40);
	struct made m = make(&options, PAGE_TEXT, usages, "[]", "{}");

	for (int i = 0; i < 40; i += 2) { /* all 20 that run */
		char name[32];

		(void)snprintf(name, sizeof(name), "name=\"t%d\",state", i);
		EXPECT_EQ(lines_with(&m, name), 1);
	}
	EXPECT_EQ(lines_with(&m, "name=\"t1\",state"), 1);
	EXPECT_EQ(lines_with(&m, "name=\"t39\",state"), 0);
	EXPECT_GT(m.totals.tasks_dropped, 0);
	EXPECT_LT(m.totals.tasks_dropped, 20);
	free(m.text);
}

TEST(excluded_families_are_not_there)
{
	struct opt_list exclude = {.items = {"container_*", "dcos_agent_up"}, .nr = 2};
	struct page_options options = {1000, 2, &exclude};
	struct made m = make(&options, PAGE_TEXT, "[{'id':'w','state':'X','cpu_ns':1,'pids':3}]",
			     "[]", "{}");

	EXPECT_FALSE(strstr(m.text, "container_"));
	EXPECT_FALSE(strstr(m.text, "dcos_agent_up"));
	EXPECT_TRUE(strstr(m.text, "dcos_task_state"));
	EXPECT_EQ(count_series(m.text), m.totals.series);
	free(m.text);
}

TEST(the_agents_own_numbers_are_there_once_for_each_name)
{
	struct made m =
		make(&options_all, PAGE_TEXT, "[]", "[]",
		     "{'cpu_ns':2000000000,'loop_hist_us':[3],'losses':{'a':1,'b':2,'c':'x'},"
		     "'programs':[{'name':'p','run_ns':1000000000,'runs':1},"
		     "{'name':'q'},{'name':'p','run_ns':500000000,'runs':2,'skipped':7}]}");

	EXPECT_TRUE(has(&m, "dcos_agent_cpu_seconds_total 2"));
	EXPECT_TRUE(has(&m, "dcos_agent_tick_delay_seconds_bucket{le=\"+Inf\"} 3"));
	EXPECT_TRUE(has(&m, "dcos_agent_losses_total{what=\"a\"} 1"));
	EXPECT_TRUE(has(&m, "dcos_agent_losses_total{what=\"b\"} 2"));
	EXPECT_EQ(lines_with(&m, "dcos_agent_losses_total{"), 2);
	EXPECT_TRUE(has(&m, "dcos_agent_bpf_run_seconds_total{program=\"p\"} 1.5"));
	EXPECT_TRUE(has(&m, "dcos_agent_bpf_runs_total{program=\"p\"} 3"));
	EXPECT_TRUE(has(&m, "dcos_agent_bpf_skipped_total{program=\"p\"} 7"));
	EXPECT_FALSE(strstr(m.text, "program=\"q\""));
	free(m.text);
}

TEST(without_an_agent_the_page_says_so)
{
	cleanup_json json_t *self = json("{'version':'x','up':0}");
	const struct page_data data = {.self = self};
	struct page_totals totals;
	struct out o = {};

	ASSERT_EQ(page_render(&options_all, &data, PAGE_TEXT, &o, &totals), 0);
	out_char(&o, '\0');
	EXPECT_TRUE(strstr(o.data, "\ndcos_agent_up 0\n"));
	EXPECT_FALSE(strstr(o.data, "container_"));
	out_free(&o);
}

static bool is_name(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && *p != '_')
			return false;
	return *name;
}

static bool ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);

	return a >= b && !strcmp(text + a - b, end);
}

static void check_row(const struct metric_table *t, size_t i)
{
	const struct metric *m = &t->rows[i];

	EXPECT_TRUE(is_name(m->name));
	EXPECT_EQ(ends_with(m->name, "_total"), m->type == METRIC_COUNTER);
	EXPECT_EQ(ends_with(m->name, "_info"), m->type == METRIC_INFO);
	EXPECT_TRUE(m->source && *m->source);
	EXPECT_LE(m->decimals, OUT_DECIMALS_MAX);
	/* a difference of two counters can go back */
	EXPECT_FALSE(m->type == METRIC_COUNTER && !m->special && strchr(m->source, '-'));
	if (metric_is_first(t, i)) {
		EXPECT_TRUE(m->help && !strpbrk(m->help, "\\\"\n"));
		EXPECT_FALSE(ends_with(m->help, "."));
		for (size_t k = 0; k < i; k++)
			EXPECT_TRUE(strcmp(m->name, t->rows[k].name));
	} else {
		EXPECT_TRUE(m->labels);
		EXPECT_TRUE(strcmp(m->labels, m[-1].labels));
		EXPECT_EQ(m->type, m[-1].type);
	}
}

TEST(the_rows_of_metrics_are_in_order)
{
	const struct metric_table tables[] = {metrics_of_tasks(), metrics_of_node()};

	for (size_t k = 0; k < ARRAY_SIZE(tables); k++)
		for (size_t i = 0; i < tables[k].nr; i++)
			check_row(&tables[k], i);
	for (size_t i = 0; i < tables[0].nr; i++)
		for (size_t k = 0; k < tables[1].nr; k++)
			EXPECT_TRUE(strcmp(tables[0].rows[i].name, tables[1].rows[k].name));
}
