// SPDX-License-Identifier: Apache-2.0
/* Where values stand in a JSON text. */
#include "tools/dcosaudit/position.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"

static void expect_at(const char *text, const char *pointer, unsigned int line, unsigned int column)
{
	struct pos_index *ix = NULL;
	struct position p;

	ASSERT_EQ(pos_index_new(text, strlen(text), &ix), 0);
	p = pos_find(ix, pointer);
	if (p.line != line || p.column != column)
		test_fail(__FILE__, __LINE__, "%s in %s: %u:%u, not %u:%u", pointer, text, p.line,
			  p.column, line, column);
	pos_index_free(ix);
}

TEST(members_are_at_their_key_and_elements_at_their_value)
{
	const char *text = "{\n  \"a\": [10, {\"b\": null}],\n\t\"c\" :\"x\"}";

	expect_at(text, "", 1, 1);
	expect_at(text, "/a", 2, 3);
	expect_at(text, "/a/0", 2, 9);
	expect_at(text, "/a/1", 2, 13);
	expect_at(text, "/a/1/b", 2, 14);
	expect_at(text, "/c", 3, 2);
}

TEST(what_is_not_there_is_at_the_nearest_that_is)
{
	const char *text = "{\"a\": [1, 2],\n\"b\": 3}";

	expect_at(text, "/a/7", 1, 2);
	expect_at(text, "/a/x", 1, 2);
	expect_at(text, "/nothing/at/all", 1, 1);
	expect_at(text, "/b/0", 2, 1);
	expect_at(text, "no pointer", 1, 1);
}

TEST(keys_are_compared_without_their_escapes)
{
	expect_at("{\"x\": 1, \"\\u0061b\": 2}", "/ab", 1, 10);
	expect_at("{\"a/b\": 1, \"c~d\": 2}", "/c~0d", 1, 12);
	expect_at("{\"x\": 1, \"a/b\": 1}", "/a~1b", 1, 10);
	expect_at("{\"q\\\"\": [\"]\", \"\\\\\"], \"z\": 1}", "/z", 1, 22);
}

TEST(columns_are_characters_not_bytes)
{
	expect_at("{\"\xc3\xa4\xe2\x82\xac\": 1, \"b\": 2}", "/b", 1, 11);
}

TEST(a_scalar_alone_is_a_document)
{
	expect_at(" 7", "", 1, 2);
	expect_at("\"s\"", "/0", 1, 1);
}

TEST(what_is_no_json_is_refused)
{
	static const char *const texts[] = {"",	    "[",  "{\"a\"}", "{\"a\":}", "[1 2]",
					    "[1]]", "\"", "{1:2}",   "[,]",	 "\"\\"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct pos_index *ix = NULL;

		if (pos_index_new(texts[i], strlen(texts[i]), &ix) != -EINVAL)
			test_fail(__FILE__, __LINE__, "accepted: %s", texts[i]);
		EXPECT_TRUE(!ix);
	}
}

TEST(nesting_is_bounded_as_in_the_json_library)
{
	size_t len = 2 * POS_DEPTH_MAX + 2;
	cleanup_free char *text = malloc(len + 1);
	struct pos_index *ix = NULL;

	memset(text, '[', len / 2);
	memset(text + len / 2, ']', len / 2);
	text[len] = '\0';
	EXPECT_EQ(pos_index_new(text, len, &ix), -EINVAL);
	EXPECT_EQ(pos_index_new(text + 1, len - 2, &ix), 0);
	pos_index_free(ix);
}

/* ---- random documents: what stands at a place is the value ---- */

static unsigned int state = 5;

static int draw(int below)
{
	return rand_r(&state) % below;
}

static json_t *random_value(int depth)
{
	static const char *const strings[] = {"", "a", "a\"b", "\\", "[{", "\xc3\xa4", "line\n"};
	json_t *v;

	switch (draw(depth > 3 ? 4 : 6)) {
	case 0:
		return json_integer(draw(1000) - 500);
	case 1:
		return json_string(strings[draw(ARRAY_SIZE(strings))]);
	case 2:
		return draw(2) ? json_true() : json_null();
	case 3:
		return json_real(draw(100) / 8.0);
	case 4:
		v = json_array();
		for (int i = draw(5); i > 0; i--)
			(void)json_array_append_new(v, random_value(depth + 1));
		return v;
	default:
		v = json_object();
		for (int i = draw(5); i > 0; i--)
			(void)json_object_set_new(v, strings[draw(ARRAY_SIZE(strings))],
						  random_value(depth + 1));
		return v;
	}
}

static const char *at(const char *text, struct position p)
{
	for (; p.line > 1; p.line--)
		text = strchr(text, '\n') + 1;
	for (; p.column > 1; p.column--)
		do
			text++;
		while ((*text & 0xc0) == 0x80);
	return text;
}

/* Elements stand at their value, which can be read from there. */
static size_t check_elements(const struct pos_index *ix, const char *text, const json_t *v,
			     const char *pointer)
{
	const json_t *child;
	size_t i, nr = 0;

	json_array_foreach (v, i, child) {
		char below[256];
		json_t *read;

		(void)snprintf(below, sizeof(below), "%s/%zu", pointer, i);
		read = json_loads(at(text, pos_find(ix, below)),
				  JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, NULL);
		if (!json_equal(read, child))
			test_fail(__FILE__, __LINE__, "%s in %s", below, text);
		json_decref(read);
		nr += 1 + check_elements(ix, text, child, below);
	}
	return nr;
}

TEST(in_random_documents_the_value_is_where_it_is_said_to_be)
{
	size_t checked = 0;

	for (int round = 0; round < 2000; round++) {
		json_t *v = json_pack("[o]", random_value(0));
		cleanup_free char *text = json_dumps(v, draw(2)	  ? JSON_INDENT(3)
							: draw(2) ? JSON_COMPACT
								  : 0);
		struct pos_index *ix = NULL;

		ASSERT_EQ(pos_index_new(text, strlen(text), &ix), 0);
		checked += check_elements(ix, text, v, "");
		pos_index_free(ix);
		json_decref(v);
	}
	EXPECT_GT(checked, 2000);
}
