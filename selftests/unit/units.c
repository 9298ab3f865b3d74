// SPDX-License-Identifier: Apache-2.0
#include "agent/lib/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"

#define UNTOUCHED 0xdeadbeefULL

struct parsed {
	const char *text;
	int r;
	uint64_t v;
};

static void expect_parsed(int (*parse)(const char *, uint64_t *), const struct parsed *p, size_t nr)
{
	for (; nr--; p++) {
		uint64_t v = UNTOUCHED;
		int r = parse(p->text, &v);

		if (r != p->r || v != (r ? UNTOUCHED : p->v))
			test_fail(__FILE__, __LINE__, "\"%s\": got %d, %llu want %d, %llu", p->text,
				  r, (unsigned long long)v, p->r, (unsigned long long)p->v);
	}
}

TEST(a_whole_number_is_decimal_and_within_its_range)
{
	uint64_t v = UNTOUCHED;

	EXPECT_EQ(parse_u64("0", 0, 10, &v), 0);
	EXPECT_EQ(v, 0);
	EXPECT_EQ(parse_u64("18446744073709551615", 0, UINT64_MAX, &v), 0);
	EXPECT_TRUE(v == UINT64_MAX);
	v = UNTOUCHED;
	EXPECT_EQ(parse_u64("18446744073709551616", 0, UINT64_MAX, &v), -ERANGE);
	EXPECT_EQ(parse_u64("18446744073709551616x", 0, UINT64_MAX, &v), -EINVAL);
	EXPECT_EQ(parse_u64("11", 0, 10, &v), -ERANGE);
	EXPECT_EQ(parse_u64("0", 1, 10, &v), -ERANGE);
	EXPECT_EQ(parse_u64("", 0, 10, &v), -EINVAL);
	EXPECT_EQ(parse_u64(" 1", 0, 10, &v), -EINVAL);
	EXPECT_EQ(parse_u64("+1", 0, 10, &v), -EINVAL);
	EXPECT_EQ(parse_u64("-1", 0, 10, &v), -EINVAL);
	EXPECT_EQ(parse_u64("1 ", 0, 10, &v), -EINVAL);
	EXPECT_EQ(parse_u64("0x1", 0, 10, &v), -EINVAL);
	EXPECT_EQ(parse_u64("1.0", 0, 10, &v), -EINVAL);
	EXPECT_EQ(v, UNTOUCHED);
}

TEST(bytes_have_binary_units)
{
	static const struct parsed rows[] = {
		{"0", 0, 0},
		{"4096", 0, 4096},
		{"64K", 0, 65536},
		{"64k", 0, 65536},
		{"64KiB", 0, 65536},
		{"256M", 0, 256ULL << 20},
		{"256MiB", 0, 256ULL << 20},
		{"1.5G", 0, 3ULL << 29},
		{"2T", 0, 2ULL << 40},
		{"15E", 0, 15ULL << 60},
		{"max", 0, UINT64_MAX},
		{"16E", -ERANGE, 0},
		{"18446744073709551615", -ERANGE, 0}, /* that is what "max" means */
		{"99999999999999999999", -ERANGE, 0},
		{"1.5", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"K", -EINVAL, 0},
		{".5K", -EINVAL, 0},
		{"1.K", -EINVAL, 0},
		{"1KB", -EINVAL, 0},
		{"1Ki", -EINVAL, 0},
		{"1KiBx", -EINVAL, 0},
		{"1iB", -EINVAL, 0},
		{"1 K", -EINVAL, 0},
		{"-1K", -EINVAL, 0},
		{"1e3", -EINVAL, 0},
		{"1.0000000001G", -EINVAL, 0},
		{"Max", -EINVAL, 0},
	};

	expect_parsed(parse_bytes, rows, ARRAY_SIZE(rows));
}

TEST(durations_are_seconds_unless_they_say_otherwise)
{
	static const struct parsed rows[] = {
		{"0", 0, 0},
		{"10", 0, 10000000},
		{"0.25", 0, 250000},
		{"10s", 0, 10000000},
		{"500ms", 0, 500000},
		{"1.5ms", 0, 1500},
		{"100us", 0, 100},
		{"1.5m", 0, 90000000},
		{"2h", 0, 7200000000ULL},
		{"1d", 0, 86400000000ULL},
		{"0.5us", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"1sec", -EINVAL, 0},
		{"1S", -EINVAL, 0},
		{"1 s", -EINVAL, 0},
		{"-1s", -EINVAL, 0},
		{"213503983d", -ERANGE, 0},
		{"max", -EINVAL, 0},
	};

	expect_parsed(parse_duration_us, rows, ARRAY_SIZE(rows));
}

TEST(cpus_are_millionths)
{
	static const struct parsed rows[] = {
		{"0.5", 0, 500000},   {"2", 0, 2000000},      {"0.000001", 0, 1},
		{"1.25", 0, 1250000}, {"max", 0, UINT64_MAX}, {"", -EINVAL, 0},
		{"1,5", -EINVAL, 0},  {"50%", -EINVAL, 0},    {"-1", -EINVAL, 0},
		{"nan", -EINVAL, 0},  {"1e1", -EINVAL, 0},    {"18446744073710", -ERANGE, 0},
	};

	expect_parsed(parse_cpus, rows, ARRAY_SIZE(rows));
}

TEST(bytes_are_shown_in_five_columns)
{
	static const struct {
		uint64_t v;
		const char *text;
	} rows[] = {
		{0, "0"},
		{1, "1"},
		{1023, "1023"},
		{1024, "1K"},
		{1536, "1.5K"},
		{512 << 10, "512K"},
		{10189, "10K"},
		{(1 << 20) - 1, "1M"},
		{3ULL << 29, "1.5G"},
		{1023ULL << 30, "1023G"},
		{UINT64_MAX - 1, "16E"},
		{UINT64_MAX, "max"},
	};
	char buf[16];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		EXPECT_STREQ(format_bytes(buf, sizeof(buf), rows[i].v), rows[i].text);
	for (uint64_t v = 1; v < UINT64_MAX / 3; v += v / 2 + 1)
		EXPECT_LE(strlen(format_bytes(buf, sizeof(buf), v)), 5);
}

TEST(times_are_shown_in_six_columns)
{
	static const struct {
		uint64_t v;
		const char *text;
	} rows[] = {
		{0, "0"},
		{12, "12us"},
		{999, "999us"},
		{3400, "3.4ms"},
		{9960, "10ms"},
		{999600, "1s"},
		{1200000, "1.2s"},
		{59600000, "1m"},
		{300000000ULL, "5m"},
		{3ULL * 3600 * 1000000, "3h"},
		{200ULL * 3600 * 1000000, "8.3d"},
		{UINT64_MAX - 1, "max"},
		{UINT64_MAX, "max"},
	};
	char buf[16];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		EXPECT_STREQ(format_us(buf, sizeof(buf), rows[i].v), rows[i].text);
	for (uint64_t v = 1; v < UINT64_MAX / 3; v += v / 2 + 1)
		EXPECT_LE(strlen(format_us(buf, sizeof(buf), v)), 6);
}

TEST(parse_bits_knows_rates_in_powers_of_1000)
{
	static const struct {
		const char *text;
		int ret;
		uint64_t v;
	} rows[] = {
		{"0", 0, 0},
		{"9600", 0, 9600},
		{"9600bit", 0, 9600},
		{"64kbit", 0, 64000},
		{"20mbit", 0, 20000000},
		{"20Mbit", 0, 20000000},
		{"1.5gbit", 0, 1500000000},
		{"1tbit", 0, 1000000000000},
		{"max", 0, UINT64_MAX},
		{"", -EINVAL, 7},
		{"mbit", -EINVAL, 7},
		{"-1mbit", -EINVAL, 7},
		{"1.5", -EINVAL, 7},
		{"20m", -EINVAL, 7},
		{"20 mbit", -EINVAL, 7},
		{"20mbits", -EINVAL, 7},
		{"20MB", -EINVAL, 7},
		{"1e6", -EINVAL, 7},
		{"18446744073709551615", -ERANGE, 7},
		{"18446744073709551616", -ERANGE, 7},
		{"99999999999tbit", -ERANGE, 7},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t v = 7;

		if (parse_bits(rows[i].text, &v) != rows[i].ret || v != rows[i].v)
			test_fail(__FILE__, __LINE__, "\"%s\": got %" PRIu64, rows[i].text, v);
	}
}

TEST(format_bits_is_short_and_comes_back)
{
	char buf[16];

	EXPECT_STREQ(format_bits(buf, sizeof(buf), 64000), "64kbit");
	EXPECT_STREQ(format_bits(buf, sizeof(buf), 1500000), "1.5mbit");
	EXPECT_STREQ(format_bits(buf, sizeof(buf), 1000000000000), "1tbit");
	EXPECT_STREQ(format_bits(buf, sizeof(buf), UINT64_MAX), "max");
	for (uint64_t v = 1; v < 1000000000000; v += v / 2 + 1)
		EXPECT_LE(strlen(format_bits(buf, sizeof(buf), v)), 8);
}

TEST(a_small_buffer_cuts_and_ends)
{
	char buf[3];

	EXPECT_STREQ(format_bytes(buf, sizeof(buf), 512 << 10), "51");
}
