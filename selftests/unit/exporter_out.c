// SPDX-License-Identifier: Apache-2.0
/* The text that pages are appended to, the Accept header, and addresses to listen on. */
#include <errno.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"
#include "tools/exporter/accept.h"
#include "tools/exporter/http.h"
#include "tools/exporter/out.h"

/* The text so far, ended with a NUL; @o is emptied. Valid until the next call. */
static const char *text_of(struct out *o)
{
	static char buf[1024];

	out_char(o, '\0');
	ASSERT_TRUE(!o->failed && o->len <= sizeof(buf));
	memcpy(buf, o->data, o->len);
	out_free(o);
	return buf;
}

static const char *scaled(uint64_t v, unsigned int decimals)
{
	struct out o = {};

	out_scaled(&o, v, decimals);
	return text_of(&o);
}

TEST(decimal_fractions_are_exact_and_as_short_as_they_can_be)
{
	EXPECT_STREQ(scaled(0, 0), "0");
	EXPECT_STREQ(scaled(0, 9), "0");
	EXPECT_STREQ(scaled(7, 0), "7");
	EXPECT_STREQ(scaled(1500, 3), "1.5");
	EXPECT_STREQ(scaled(1000000000, 9), "1");
	EXPECT_STREQ(scaled(1, 9), "0.000000001");
	EXPECT_STREQ(scaled(10, 9), "0.00000001");
	EXPECT_STREQ(scaled(1230000001, 9), "1.230000001");
	EXPECT_STREQ(scaled(UINT64_MAX, 0), "18446744073709551615");
	EXPECT_STREQ(scaled(UINT64_MAX, 9), "18446744073.709551615");
}

static const char *escaped(const char *text, size_t max)
{
	struct out o = {};

	out_escaped(&o, text, max);
	return text_of(&o);
}

TEST(labels_are_escaped_and_cut_between_characters)
{
	EXPECT_STREQ(escaped("plain", 10), "plain");
	EXPECT_STREQ(escaped("", 10), "");
	EXPECT_STREQ(escaped("a\"b\\c\nd", 10), "a\\\"b\\\\c\\nd");
	EXPECT_STREQ(escaped("\n", 10), "\\n");
	EXPECT_STREQ(escaped("abcdef", 3), "abc");
	EXPECT_STREQ(escaped("ab\"", 2), "ab");
	EXPECT_STREQ(escaped("a\"\"", 2), "a\\\"");
	/* two bytes, three and four */
	EXPECT_STREQ(escaped("a\xc3\xa4", 3), "a\xc3\xa4");
	EXPECT_STREQ(escaped("a\xc3\xa4", 2), "a");
	EXPECT_STREQ(escaped("\xe2\x82\xac", 2), "");
	EXPECT_STREQ(escaped("x\xf0\x9f\x98\x80y", 4), "x");
	EXPECT_STREQ(escaped("x\xf0\x9f\x98\x80y", 5), "x\xf0\x9f\x98\x80");
}

TEST(names_of_labels_have_letters_digits_and_underscores_only)
{
	struct out o = {};

	out_label_name(&o, "app.kubernetes.io/part-of 9\xc3\xa4_Z");
	EXPECT_STREQ(text_of(&o), "app_kubernetes_io_part_of_9___Z");
}

TEST(a_text_that_grows_keeps_what_it_had)
{
	struct out o = {};

	for (unsigned int i = 0; i < 100000; i++)
		out_u64(&o, 1000000 + i);
	ASSERT_EQ(o.len, 700000);
	out_fit(&o);
	EXPECT_EQ(o.size, 700000);
	EXPECT_EQ(strncmp(o.data + 7 * 4711, "1004711", 7), 0);
	EXPECT_EQ(strncmp(o.data + 7 * 99999, "1099999", 7), 0);
	out_char(&o, 'x');
	EXPECT_EQ(o.data[700000], 'x');
	out_free(&o);
}

TEST(a_text_beyond_the_limit_fails_for_good)
{
	struct out o = {};
	static char block[1 << 20];

	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 257 && !o.failed; i++)
		out_mem(&o, block, sizeof(block));
	EXPECT_TRUE(o.failed);
	EXPECT_LE(o.len, OUT_MAX);
	o.len = 0;
	out_char(&o, 'x');
	EXPECT_EQ(o.len, 0);
	out_free(&o);
}

/* "om" or "text" */
static const char *chosen(const char *accept)
{
	return accept_choose(accept) == PAGE_OPENMETRICS ? "om" : "text";
}

TEST(the_accept_header_decides_the_format)
{
	/* Prometheus 2.42, 2.50 and 3; curl; a browser */
	EXPECT_STREQ(chosen("application/openmetrics-text;version=1.0.0,"
			    "application/openmetrics-text;version=0.0.1;q=0.75,"
			    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
		     "om");
	EXPECT_STREQ(chosen("application/openmetrics-text;version=1.0.0;q=0.5,"
			    "application/openmetrics-text;version=0.0.1;q=0.4,"
			    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"),
		     "om");
	EXPECT_STREQ(chosen("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
			    "application/openmetrics-text;version=0.0.1;q=0.5,"
			    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
			    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"),
		     "om");
	EXPECT_STREQ(chosen("*/*"), "text");
	EXPECT_STREQ(chosen("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
		     "text");
	EXPECT_STREQ(chosen(NULL), "text");
	EXPECT_STREQ(chosen(""), "text");
}

TEST(weights_count_and_so_does_how_exactly_a_format_is_named)
{
	EXPECT_STREQ(chosen("text/plain, application/openmetrics-text;q=0.9"), "text");
	EXPECT_STREQ(chosen("text/plain;q=0.8, application/openmetrics-text;q=0.9"), "om");
	EXPECT_STREQ(chosen("text/plain;q=0.899,application/openmetrics-text;q=0.9"), "om");
	EXPECT_STREQ(chosen("application/openmetrics-text, */*"), "om");
	EXPECT_STREQ(chosen("application/*, text/*"), "text");
	EXPECT_STREQ(chosen("application/*"), "om");
	EXPECT_STREQ(chosen("text/*;q=0.2, application/*;q=0.3"), "om");
	/* the most exact range decides, not the greatest weight */
	EXPECT_STREQ(chosen("application/openmetrics-text;q=0.1, application/*, text/plain;q=0.5"),
		     "text");
	/* not at all */
	EXPECT_STREQ(chosen("application/openmetrics-text;q=0"), "text");
	EXPECT_STREQ(chosen("application/openmetrics-text;q=0.0, text/plain;q=0.001"), "text");
	EXPECT_STREQ(chosen("image/png"), "text");
	EXPECT_STREQ(chosen("text/plain;q=0, application/openmetrics-text;q=0.1"), "om");
}

TEST(versions_that_we_do_not_speak_do_not_match)
{
	EXPECT_STREQ(chosen("application/openmetrics-text;version=2.0.0"), "text");
	EXPECT_STREQ(chosen("application/openmetrics-text;version=\"1.0.0\""), "om");
	EXPECT_STREQ(chosen("APPLICATION/OpenMetrics-Text ; Version=1.0.0 ; Q=1"), "om");
	EXPECT_STREQ(chosen("text/plain;version=0.0.3, application/openmetrics-text;q=0.1"), "om");
}

TEST(an_accept_header_that_is_no_such_thing_is_harmless)
{
	EXPECT_STREQ(chosen(";;;,,,;q=;=1,\"\\"), "text");
	EXPECT_STREQ(chosen("application/openmetrics-text;q=2"), "text");
	EXPECT_STREQ(chosen("application/openmetrics-text;q=1.001"), "text");
	EXPECT_STREQ(chosen("application/openmetrics-text;q=0.12345"), "text");
	EXPECT_STREQ(chosen("application/openmetrics-text;q=nan"), "text");
	EXPECT_STREQ(chosen("application/openmetrics-text;a=\",;q=0\""), "om");
	EXPECT_STREQ(chosen("/"), "text");
	EXPECT_STREQ(chosen("*"), "text");
}

TEST(addresses_to_listen_on_are_those_that_are_numbers)
{
	static const char *const wrong[] = {
		"",	    "9924",	 "127.0.0.1",	 "127.0.0.1:",	  "127.0.0.1:65536",
		"::1:9924", "[::1]9924", "[::1",	 "localhost:80",  "127.0.0.1:-1",
		"1.2.3:x",  "[]x:80",	 "256.0.0.1:80", "127.0.0.1:8 0",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct why why = {};
		int fd = http_listen(wrong[i], &why);

		EXPECT_EQ(fd, -EINVAL);
		EXPECT_TRUE(strstr(why.text, "must be ADDRESS:PORT"));
		close_fd(&fd);
	}
}

TEST(port_0_is_any_port_and_the_address_tells_which)
{
	cleanup_close int fd = http_listen("127.0.0.1:0", NULL);
	struct why why = {};
	char address[96];

	ASSERT_TRUE(fd >= 0);
	(void)http_address(fd, address, sizeof(address));
	EXPECT_EQ(strncmp(address, "127.0.0.1:", 10), 0);
	EXPECT_STREQ(strrchr(address, ':') + 1, address + 10);
	EXPECT_TRUE(strcmp(address + 10, "0"));
	EXPECT_EQ(http_listen(address, &why), -EADDRINUSE);
	EXPECT_TRUE(strstr(why.text, "Address already in use"));
}
