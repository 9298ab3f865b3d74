// SPDX-License-Identifier: Apache-2.0
/* The past of a task as History tells it, and what of it is kept with its end. */
#include "agent/flight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/checkpoint.h"
#include "agent/history.h"
#include "agent/lib/cleanup.h"
#include "agent/lifecycle.h"
#include "agent/sample.h"
#include "agent/usage.h"
#include "selftests/harness/test.h"

#define S 1000000000ULL

static struct config cfg;
static struct node n;

static struct task *begin(uint64_t interval_us)
{
	struct task_spec *spec = calloc(1, sizeof(*spec));
	struct task *t;
	char path[512];

	cfg.state_dir = (char *)test_dir();
	cfg.meter_interval_us = interval_us;
	n.cfg = &cfg;
	memcpy(n.boot_id, "00000000-1111-2222-3333-444444444444", 37);
	(void)snprintf(path, sizeof(path), "%s/tasks", cfg.state_dir);
	ASSERT_EQ(mkdir(path, 0755), 0);
	ASSERT_EQ(history_new(HISTORY_FIRST, &n.history), 0);
	spec->ct.id = strdup("web");
	spec->doc = json_pack("{ss}", "id", "web");
	ASSERT_EQ(task_new(&n, spec, &t), 0);
	t->usage = malloc(sizeof(*t->usage));
	usage_clear(t->usage);
	t->began_ns = S;
	return t;
}

static void end(struct task *t)
{
	task_free(t);
	free(n.tasks);
	n.history = history_free(n.history);
}

static json_t *history_of(const struct task *t, int max)
{
	cleanup_jsonbuf struct jsonbuf b = {};
	json_t *doc;

	flight_print(t, max, &b);
	doc = json_loadb(b.data, b.len, 0, NULL);
	ASSERT_TRUE(doc);
	return doc;
}

static int64_t series_at(const json_t *history, const char *name, size_t i)
{
	const json_t *values = json_object_get(json_object_get(history, "series"), name);

	return i < json_array_size(values) ? json_integer_value(json_array_get(values, i)) : -1;
}

TEST(a_task_without_a_reading_has_an_empty_history)
{
	struct task *t = begin(1000000);
	json_auto_t *h = history_of(t, 600);

	EXPECT_EQ(json_integer_value(json_object_get(h, "interval_ms")), 1000);
	EXPECT_EQ(json_object_size(json_object_get(h, "series")), 0);
	end(t);
}

TEST(history_tells_the_last_values_of_what_is_known)
{
	struct task *t = begin(1000000);

	for (uint64_t i = 1; i <= 100; i++) {
		t->usage->v[U_cpu_ns] = i * i * 1000000;
		flight_add(t, S + i * S, 1);
	}
	json_auto_t *h = history_of(t, 10);
	json_auto_t *all = history_of(t, HISTORY_TICKS);

	EXPECT_EQ(json_integer_value(json_object_get(h, "end_ns")), (json_int_t)(101 * S));
	EXPECT_EQ(json_object_size(json_object_get(h, "series")), 1);
	EXPECT_EQ(series_at(h, "cpu", 0), (2 * 91 - 1) * 1000 / 32 * 32); /* 12 bits of it */
	EXPECT_GE(series_at(h, "cpu", 9), 199 * 1000 - 64);
	EXPECT_LE(series_at(h, "cpu", 9), 199 * 1000 + 64);
	EXPECT_EQ(series_at(h, "cpu", 10), -1);
	EXPECT_EQ(series_at(all, "cpu", 0), 1000);
	EXPECT_GE(series_at(all, "cpu", 99), 0);
	EXPECT_EQ(series_at(all, "cpu", 100), -1);
	end(t);
}

TEST(readings_that_were_skipped_are_filled)
{
	struct task *t = begin(1000000);

	t->usage->v[U_cpu_ns] = S / 2;
	flight_add(t, 2 * S, 5); /* skipped before it began */
	t->usage->v[U_cpu_ns] = S / 2 + 3 * S / 4;
	flight_add(t, 5 * S, 3);
	json_auto_t *h = history_of(t, HISTORY_TICKS);

	EXPECT_EQ(series_at(h, "cpu", 0), 500000 / 128 * 128);
	for (size_t i = 1; i <= 3; i++)
		EXPECT_EQ(series_at(h, "cpu", i), 250000 / 64 * 64);
	EXPECT_EQ(series_at(h, "cpu", 4), -1);
	end(t);
}

TEST(the_last_minute_is_kept_with_the_end_and_read_back)
{
	struct task *t = begin(500000);
	struct checkpoint c = {0};
	char path[512];

	for (uint64_t i = 1; i <= 300; i++) {
		t->usage->v[U_cpu_ns] = i * S / 8;
		t->usage->v[U_memory_bytes] = i;
		flight_add(t, S + i * S / 2, 1);
	}
	t->exit = (struct task_exit){.known = true, .code = 3, .reason = "exited with code 3"};
	ASSERT_EQ(task_move(t, TASK_FAILED), 0);
	EXPECT_TRUE(!t->ending && !t->flight && !t->usage); /* all that is on disk */
	(void)snprintf(path, sizeof(path), "%s/tasks/web.json", cfg.state_dir);
	ASSERT_EQ(checkpoint_load(path, &c, NULL), 0);
	EXPECT_EQ(c.state, TASK_FAILED);
	EXPECT_EQ(json_integer_value(json_object_get(c.flight, "interval_ms")), 500);
	EXPECT_EQ(json_integer_value(json_object_get(c.flight, "end_ns")), (json_int_t)(151 * S));
	EXPECT_EQ(series_at(c.flight, "memory_bytes", 0), 181);
	EXPECT_EQ(series_at(c.flight, "memory_bytes", 119), 300);
	EXPECT_EQ(series_at(c.flight, "memory_bytes", 120), -1);
	EXPECT_EQ(series_at(c.flight, "cpu", 0), 250000 / 64 * 64);
	EXPECT_TRUE(json_is_array(c.disks));
	EXPECT_EQ(json_integer_value(json_object_get(c.usage, "memory_bytes")), 300);
	checkpoint_free(&c);
	end(t);
}

TEST(a_checkpoint_without_a_flight_record_is_read_as_before)
{
	struct task *t = begin(1000000);
	struct checkpoint c = {0};
	char path[512];

	ASSERT_EQ(checkpoint_save(t), 0);
	(void)snprintf(path, sizeof(path), "%s/tasks/web.json", cfg.state_dir);
	ASSERT_EQ(checkpoint_load(path, &c, NULL), 0);
	EXPECT_TRUE(!c.flight && !c.disks);
	checkpoint_free(&c);
	end(t);
}

TEST(the_end_is_kept_in_memory_while_it_cannot_be_written)
{
	struct task *t = begin(1000000);
	char path[512];

	flight_add(t, 2 * S, 1);
	(void)snprintf(path, sizeof(path), "%s/tasks", cfg.state_dir);
	ASSERT_EQ(rmdir(path), 0);
	EXPECT_LT(task_move(t, TASK_FAILED), 0);
	EXPECT_TRUE(t->ending != NULL);
	ASSERT_EQ(mkdir(path, 0755), 0);
	end(t);
}

TEST(so_many_seconds_are_so_many_readings)
{
	struct task *t = begin(300000);

	EXPECT_EQ(flight_ticks(&n, 1000000), 4);
	EXPECT_EQ(flight_ticks(&n, 300000), 1);
	EXPECT_EQ(flight_ticks(&n, 36000ULL * 1000000), HISTORY_TICKS);
	end(t);
}
