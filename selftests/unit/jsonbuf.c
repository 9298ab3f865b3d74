// SPDX-License-Identifier: Apache-2.0
/* JSON text that is made without a tree, read back by jansson. */
#include "agent/lib/jsonbuf.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"

static void is_text(struct jsonbuf *b, const char *want)
{
	cleanup_free char *text = jb_take(b);

	EXPECT_STREQ(text, want);
	EXPECT_EQ(b->len, 0);
}

TEST(numbers_are_the_digits_that_printf_gives)
{
	char want[64];

	for (int bit = 0; bit < 64; bit++) {
		for (int less = -1; less <= 1; less++) {
			uint64_t v = (UINT64_C(1) << bit) + (uint64_t)less;
			struct jsonbuf b = {};

			jb_u64(&b, v);
			(void)snprintf(want, sizeof(want), "%lu", (unsigned long)v); /* fits */
			is_text(&b, want);
		}
	}
	for (uint64_t v = 1; v <= UINT64_MAX / 10; v *= 10) {
		struct jsonbuf b = {};

		jb_u64(&b, v - 1);
		jb_lit(&b, " ");
		jb_u64(&b, v);
		(void)snprintf(want, sizeof(want), "%lu %lu", (unsigned long)(v - 1),
			       (unsigned long)v); /* fits */
		is_text(&b, want);
	}
}

TEST(a_histogram_ends_with_its_last_count_that_is_not_0)
{
	static const __u64 none[4], some[4] = {0, 7, 0, 0}, all[4] = {1, 2, 3, 4};
	struct jsonbuf b = {};

	jb_hist(&b, none, 4);
	jb_hist(&b, some, 4);
	jb_hist(&b, all, 4);
	is_text(&b, "[][0,7][1,2,3,4]");
}

static void comes_back(const char *text, const char *want)
{
	cleanup_jsonbuf struct jsonbuf b = {};
	json_error_t err;

	jb_lit(&b, "[");
	jb_text(&b, text);
	jb_lit(&b, "]");
	json_auto_t *doc = json_loadb(b.data, b.len, 0, &err);

	if (!doc)
		test_fail(__FILE__, __LINE__, "%s", err.text);
	EXPECT_STREQ(json_string_value(json_array_get(doc, 0)), want);
}

TEST(a_string_comes_back_as_it_was)
{
	static const char *const whole[] = {
		"",
		"plain",
		"a \"quoted\" \\ word",
		"\x01\x02\t\n\x1f\x7f",
		"\xc2\x80\xdf\xbf",
		"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",
		"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
	};

	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		comes_back(whole[i], whole[i]);
}

TEST(what_is_no_utf8_is_replaced)
{
#define X "\xef\xbf\xbd"
	comes_back("a\xff"
		   "b",
		   "a" X "b");
	comes_back("\xc3", X);
	comes_back("\xc0\xaf", X X); /* too long for what it says */
	comes_back("\xed\xa0\x80", X X X); /* half of a pair */
	comes_back("\xf4\x90\x80\x80", X X X X); /* beyond U+10FFFF */
	comes_back("\xe2\x82", X X); /* cut */
#undef X
}

TEST(a_buffer_can_be_used_again)
{
	struct jsonbuf b = {};
	const char *data;

	for (int i = 0; i < 10000; i++)
		jb_lit(&b, "0123456789");
	EXPECT_EQ(b.len, 100000);
	EXPECT_EQ(b.err, 0);
	data = b.data;
	jb_clear(&b);
	jb_lit(&b, "x");
	EXPECT_TRUE(b.data == data);
	is_text(&b, "x");
	is_text(&b, "");
	jb_free(&b);
}
