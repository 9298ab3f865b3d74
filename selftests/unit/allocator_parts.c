// SPDX-License-Identifier: Apache-2.0
/* The store, events and ids of the allocator. */
#include <errno.h>
#include <stdlib.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"
#include "tools/allocator/app.h"
#include "tools/allocator/bus.h"
#include "tools/allocator/store.h"

static int count(void *arg, const char *key, const char *value)
{
	(void)key;
	(void)value;
	++*(int *)arg;
	return 0;
}

static void seen(void *arg, const struct store_op *op)
{
	*(int *)arg += op->value ? 1 : 100;
}

TEST(the_store_commits_all_or_nothing)
{
	const struct store_op ops[] = {{"a/1", "x"}, {"a/2", "y"}, {"b/1", "z"}};
	const struct store_op again[] = {{"a/1", NULL}, {"a/2", "w"}};
	cleanup_free char *text = NULL;
	struct store *s = NULL;
	struct why why = {};
	int nr = 0, changes = 0;

	EXPECT_EQ(store_open(":memory:", &s, &why), 0);
	EXPECT_EQ(store_commit(s, ops, 3, &why), 0);
	EXPECT_EQ(store_each(s, "a/", count, &nr), 0);
	EXPECT_EQ(nr, 2);
	EXPECT_EQ(store_commit(s, ops, STORE_OPS_MAX + 1, &why), -E2BIG);
	store_watch(s, "a/", seen, &changes);
	EXPECT_EQ(store_commit(s, again, 2, &why), 0);
	EXPECT_EQ(changes, 101);
	EXPECT_EQ(store_get(s, "a/1", &text), -ENOENT);
	EXPECT_EQ(store_get(s, "a/2", &text), 0);
	EXPECT_STREQ(text, "w");
	store_free(s);
}

static void wake(void *arg)
{
	++*(int *)arg;
}

TEST(who_reads_events_too_slowly_is_told_and_dropped)
{
	struct bus_listener *slow = NULL, *picky = NULL;
	static const char *const type = "node_changed_event";
	static char buf[2 * BUS_QUEUE_MAX];
	struct bus_counters n;
	struct bus *b = NULL;
	int woken = 0;
	ssize_t len;

	EXPECT_EQ(bus_new(&b), 0);
	EXPECT_EQ(bus_listen(b, NULL, 0, wake, &woken, &slow), 0);
	EXPECT_EQ(bus_listen(b, &type, 1, wake, &woken, &picky), 0);
	for (int i = 0; i < 10000; i++)
		bus_publish(b, "deployment_info", json_pack("{s:i}", "nr", i));
	bus_counters(b, &n);
	EXPECT_EQ(n.dropped, 1);
	EXPECT_EQ(woken, 1);
	len = bus_read(slow, buf, sizeof(buf) - 1);
	EXPECT_GT(len, 0);
	EXPECT_LE(len, BUS_QUEUE_MAX);
	buf[len] = '\0';
	EXPECT_TRUE(strstr(buf, "event: event_stream_dropped"));
	EXPECT_EQ(bus_read(slow, buf, sizeof(buf)), -EPIPE);
	EXPECT_EQ(bus_read(picky, buf, sizeof(buf)), 0);
	bus_unlisten(slow);
	bus_free(b);
}

TEST(ids_are_made_absolute_or_refused)
{
	static const char *const bad[] = {"/A", "a b", "/a//b", "-a", "a/.b", "a/b-", "\xff"};
	char id[APP_ID_MAX + 1], longest[APP_ID_MAX + 10];
	struct app_errors e = {};

	EXPECT_EQ(app_id_make("web", NULL, id, &e), 0);
	EXPECT_STREQ(id, "/web");
	EXPECT_EQ(app_id_make("web", "/shop", id, &e), 0);
	EXPECT_STREQ(id, "/shop/web");
	EXPECT_EQ(app_id_make("/a/b.c-d/", "/shop", id, &e), 0);
	EXPECT_STREQ(id, "/a/b.c-d");
	EXPECT_TRUE(!e.details);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(app_id_make(bad[i], NULL, id, &e), -EINVAL);
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	EXPECT_EQ(app_id_make(longest, NULL, id, &e), -EINVAL);
	EXPECT_EQ(json_array_size(e.details), ARRAY_SIZE(bad) + 1);
	app_errors_free(&e);
}

TEST(a_definition_that_comes_back_is_the_same_configuration)
{
	json_t *in = json_pack("{s:s, s:s, s:[{s:i}]}", "id", "/a", "cmd", "x", "portDefinitions",
			       "port", 80);
	json_t *one = NULL, *two = NULL, *patch = json_pack("{s:i}", "instances", 7), *merged;
	struct app_errors e = {};

	EXPECT_EQ(app_make(in, NULL, &one, &e), 0);
	merged = app_merge(one, patch);
	EXPECT_EQ(app_make(merged, NULL, &two, &e), 0);
	EXPECT_TRUE(app_same_config(one, two));
	EXPECT_EQ(app_instances(two), 7);
	(void)json_object_set_new(two, "cmd", json_string("y"));
	EXPECT_FALSE(app_same_config(one, two));
	json_decref(in);
	json_decref(one);
	json_decref(two);
	json_decref(patch);
	json_decref(merged);
}
