// SPDX-License-Identifier: Apache-2.0
/* Usage as text, and the rates between two of them. */
#include "agent/usage.h"

#include <errno.h>
#include <jansson.h>

#include "agent/lib/cleanup.h"
#include "agent/rates.h"
#include "selftests/harness/test.h"

#define S 1000000000ULL

static json_t *printed(const struct usage *u)
{
	cleanup_jsonbuf struct jsonbuf b = {};
	json_error_t err;
	json_t *doc;

	jb_lit(&b, "{\"id\":\"x\"");
	usage_print(u, &b);
	jb_lit(&b, "}");
	doc = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, &err);
	if (!doc)
		test_fail(__FILE__, __LINE__, "%s: %.*s", err.text, (int)b.len, b.data);
	return doc;
}

TEST(what_is_not_known_is_not_there)
{
	struct usage u;

	usage_clear(&u);
	json_auto_t *doc = printed(&u);

	EXPECT_EQ(json_object_size(doc), 1);
}

TEST(every_field_is_shown_under_its_name_with_its_value)
{
	static const uint64_t values[] = {
		0, 1, 1ULL << 53, INT64_MAX, INT64_MAX + 1ULL, UINT64_MAX - 1};
	struct usage u;

	usage_clear(&u);
	for (int i = 0; i < USAGE_FIELDS; i++)
		u.v[i] = values[(size_t)i % ARRAY_SIZE(values)];
	json_auto_t *doc = printed(&u);

	EXPECT_EQ(json_object_size(doc), 1 + USAGE_FIELDS);
	for (int i = 0; i < USAGE_FIELDS; i++) {
		const json_t *v = json_object_get(doc, usage_field_name((enum usage_field)i));
		uint64_t want = u.v[i] < INT64_MAX ? u.v[i] : INT64_MAX;

		EXPECT_TRUE(json_is_integer(v));
		EXPECT_EQ(json_integer_value(v), (json_int_t)want);
	}
}

TEST(known_histograms_are_shown_without_their_end_of_zeros)
{
	struct usage u;

	usage_clear(&u);
	u.hists = 1U << UH_WAIT | 1U << UH_RTT;
	u.hist[UH_WAIT][2] = 5;
	u.hist[UH_DISK][2] = 5;
	json_auto_t *doc = printed(&u);
	const json_t *wait = json_object_get(doc, "wait_hist_us");

	EXPECT_EQ(json_array_size(wait), 3);
	EXPECT_EQ(json_integer_value(json_array_get(wait, 2)), 5);
	EXPECT_EQ(json_array_size(json_object_get(doc, "rtt_hist_us")), 0);
	EXPECT_TRUE(json_is_array(json_object_get(doc, "rtt_hist_us")));
	EXPECT_TRUE(!json_object_get(doc, "disk_hist_us"));
}

TEST(the_first_reading_of_a_task_that_ran_before_tells_no_rate)
{
	uint64_t v[RATES] = {};
	struct rates r = {};
	struct usage u;

	usage_clear(&u);
	u.v[U_cpu_ns] = 77 * S;
	EXPECT_EQ(rates_next(&r, &u, 100 * S, v), -EAGAIN);
	u.v[U_cpu_ns] = 78 * S;
	EXPECT_EQ(rates_next(&r, &u, 102 * S, v), 0);
	EXPECT_EQ(v[RATE_CPU], 500000);
}

TEST(rates_are_a_second_whatever_the_interval)
{
	uint64_t v[RATES];
	struct rates r;
	struct usage u;

	usage_clear(&u);
	u.v[U_cpu_ns] = S / 20;
	u.v[U_wait_ns] = S / 40;
	u.v[U_throttled_us] = 25000;
	u.v[U_memory_some_us] = 100000;
	u.v[U_io_some_us] = 1;
	u.v[U_memory_bytes] = 12345;
	u.v[U_disk_read_bytes] = 4096;
	u.v[U_rx_bytes] = 10;
	u.v[U_tcp_retransmits] = 1;
	u.v[U_device_denied] = 1;
	u.v[U_bind_denied] = 2;
	rates_begin(&r, 7 * S);
	EXPECT_EQ(rates_next(&r, &u, 7 * S + S / 10, v), 0);
	EXPECT_EQ(v[RATE_CPU], 500000);
	EXPECT_EQ(v[RATE_WAIT], 250000);
	EXPECT_EQ(v[RATE_THROTTLED], 250000);
	EXPECT_EQ(v[RATE_MEMORY_SOME], 1000000);
	EXPECT_EQ(v[RATE_IO_SOME], 10);
	EXPECT_EQ(v[RATE_MEMORY], 12345);
	EXPECT_EQ(v[RATE_DISK_READ], 40960);
	EXPECT_EQ(v[RATE_RX], 100);
	EXPECT_EQ(v[RATE_RETRANSMITS], 10);
	EXPECT_EQ(v[RATE_DENIED], 30);
	EXPECT_EQ(rates_next(&r, &u, 8 * S, v), 0);
	EXPECT_EQ(v[RATE_CPU], 0);
	EXPECT_EQ(v[RATE_MEMORY], 12345);
	EXPECT_EQ(v[RATE_DENIED], 0);
}

TEST(one_denial_in_a_minute_is_more_than_none)
{
	uint64_t v[RATES];
	struct rates r;
	struct usage u;

	usage_clear(&u);
	u.v[U_connect_denied] = 1;
	u.v[U_tcp_retransmits] = 1;
	rates_begin(&r, 1);
	EXPECT_EQ(rates_next(&r, &u, 1 + 60 * S, v), 0);
	EXPECT_EQ(v[RATE_DENIED], 1);
	EXPECT_EQ(v[RATE_RETRANSMITS], 1);
}

TEST(series_that_the_host_cannot_tell_are_not_known)
{
	uint64_t v[RATES];
	struct rates r;
	struct usage u;

	usage_clear(&u);
	u.v[U_cpu_ns] = 5;
	u.v[U_memory_bytes] = 0;
	u.hists = 1U << UH_WAIT;
	rates_begin(&r, 1);
	EXPECT_EQ(rates_next(&r, &u, S, v), 0);
	EXPECT_EQ(r.known, 1U << RATE_CPU | 1U << RATE_MEMORY | 1U << RATE_WAIT_P99);
	for (int i = 0; i < RATES; i++)
		EXPECT_EQ(v[i], 0);
}

TEST(quantiles_are_those_of_the_interval)
{
	uint64_t v[RATES];
	struct rates r;
	struct usage u;

	usage_clear(&u);
	u.hists = 1U << UH_WAIT | 1U << UH_DISK;
	u.hist[UH_WAIT][10] = 1000;
	rates_begin(&r, 1);
	EXPECT_EQ(rates_next(&r, &u, S, v), 0);
	EXPECT_EQ(v[RATE_WAIT_P99], 2048);
	EXPECT_EQ(v[RATE_DISK_P99], 0);
	u.hist[UH_WAIT][3] += 10;
	u.hist[UH_DISK][20] += 1;
	EXPECT_EQ(rates_next(&r, &u, 2 * S, v), 0);
	EXPECT_EQ(v[RATE_WAIT_P99], 16);
	EXPECT_EQ(v[RATE_DISK_P99], 2U << 20);
	EXPECT_EQ(rates_next(&r, &u, 3 * S, v), 0);
	EXPECT_EQ(v[RATE_WAIT_P99], 0);
}

TEST(two_readings_at_one_moment_are_one)
{
	uint64_t v[RATES] = {[RATE_CPU] = 42};
	struct rates r;
	struct usage u;

	usage_clear(&u);
	rates_begin(&r, S);
	u.v[U_cpu_ns] = S / 2;
	EXPECT_EQ(rates_next(&r, &u, S, v), -EAGAIN);
	EXPECT_EQ(v[RATE_CPU], 42);
	EXPECT_EQ(rates_next(&r, &u, 2 * S, v), 0);
	EXPECT_EQ(v[RATE_CPU], 500000);
}

TEST(a_counter_that_went_back_is_no_rate)
{
	uint64_t v[RATES];
	struct rates r;
	struct usage u;

	usage_clear(&u);
	u.v[U_cpu_ns] = S;
	rates_begin(&r, 1);
	(void)rates_next(&r, &u, S, v);
	u.v[U_cpu_ns] = S / 2; /* the meter was lost and begun anew */
	EXPECT_EQ(rates_next(&r, &u, 2 * S, v), 0);
	EXPECT_EQ(v[RATE_CPU], 0);
	u.v[U_cpu_ns] = S;
	EXPECT_EQ(rates_next(&r, &u, 3 * S, v), 0);
	EXPECT_EQ(v[RATE_CPU], 500000);
}
