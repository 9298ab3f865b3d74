// SPDX-License-Identifier: Apache-2.0
/*
 * Numbers with units. All in integers: a fraction is exact down to 1e-9 and then cut. Digits are
 * ASCII whatever the locale is.
 */
#include "agent/lib/units.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agent/lib/cleanup.h"

#define FRACTION_DIGITS_MAX 9
#define MILLION		    1000000ULL
#define MINUTE_US	    (60 * MILLION)
#define HOUR_US		    (60 * MINUTE_US)
#define DAY_US		    (24 * HOUR_US)

/* A unit to print in, while the rounded number is below @limit. */
struct unit {
	const char *name;
	uint64_t size, limit;
};

static const struct unit byte_units[] = {
	{"", 1, 1024},		 {"K", 1ULL << 10, 1024}, {"M", 1ULL << 20, 1024},
	{"G", 1ULL << 30, 1024}, {"T", 1ULL << 40, 1024}, {"P", 1ULL << 50, 1024},
	{"E", 1ULL << 60, 1024},
};

static const struct unit time_units[] = {
	{"us", 1, 1000},      {"ms", 1000, 1000},  {"s", MILLION, 60},
	{"m", MINUTE_US, 60}, {"h", HOUR_US, 100}, {"d", DAY_US, 100000},
};

static const struct unit bit_units[] = {
	{"bit", 1, 1000},
	{"kbit", 1000, 1000},
	{"mbit", MILLION, 1000},
	{"gbit", 1000 * MILLION, 1000},
	{"tbit", MILLION *MILLION, 1000000},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at *@s, which moves behind them. -EINVAL: there are none. */
static int digits(const char **s, uint64_t *ret)
{
	const char *p = *s;
	uint64_t v = 0;

	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++) {
		if (__builtin_mul_overflow(v, 10U, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return -ERANGE;
	}
	*s = p;
	*ret = v;
	return 0;
}

/* "1.5": whole part and billionths; *@s moves behind. */
static int decimal(const char **s, uint64_t *ret_whole, uint64_t *ret_billionths)
{
	uint64_t whole, part = 0, scale = 1000 * MILLION;
	const char *p = *s;
	int r = digits(&p, &whole);

	if (r < 0)
		return r;
	if (*p == '.') {
		p++;
		if (!is_digit(*p))
			return -EINVAL;
		for (int i = 0; is_digit(*p); p++) {
			if (++i > FRACTION_DIGITS_MAX)
				return -EINVAL;
			scale /= 10;
			part += (uint64_t)(*p - '0') * scale;
		}
	}
	*s = p;
	*ret_whole = whole;
	*ret_billionths = part;
	return 0;
}

/* (whole + billionths) * unit; half a byte or a thousandth of a microsecond is no number. */
static int scaled(uint64_t whole, uint64_t billionths, uint64_t unit, uint64_t *ret)
{
	uint64_t v;

	if (unit == 1 && billionths)
		return -EINVAL;
	if (__builtin_mul_overflow(whole, unit, &v) ||
	    __builtin_add_overflow(
		    v, (uint64_t)((unsigned __int128)billionths * unit / (1000 * MILLION)), &v) ||
	    v == UINT64_MAX)
		return -ERANGE;
	*ret = v;
	return 0;
}

int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v;
	int r = digits(&s, &v);

	if (r == -ERANGE) { /* too big for us, but is it a number? */
		while (is_digit(*s))
			s++;
		return *s ? -EINVAL : -ERANGE;
	}
	if (r < 0 || *s)
		return -EINVAL;
	if (v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

/* "", "k", "K", "KiB": case only matters after the first letter */
static int byte_unit(const char *s, uint64_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(byte_units); i++) {
		size_t n = strlen(byte_units[i].name);

		if (strncasecmp(s, byte_units[i].name, n) != 0 || (n == 0 && *s))
			continue;
		if (s[n] && (n == 0 || strcmp(s + n, "iB") != 0))
			return -EINVAL;
		*ret = byte_units[i].size;
		return 0;
	}
	return -EINVAL;
}

int parse_bytes(const char *s, uint64_t *ret)
{
	uint64_t whole, part, unit;
	int r;

	if (strcmp(s, "max") == 0) {
		*ret = UINT64_MAX;
		return 0;
	}
	r = decimal(&s, &whole, &part);
	if (r < 0)
		return r;
	r = byte_unit(s, &unit);
	return r < 0 ? r : scaled(whole, part, unit, ret);
}

int parse_duration_us(const char *s, uint64_t *ret)
{
	uint64_t whole, part, unit = MILLION;
	int r = decimal(&s, &whole, &part);

	if (r < 0)
		return r;
	if (*s) {
		unit = 0;
		for (size_t i = 0; i < ARRAY_SIZE(time_units); i++)
			unit = strcmp(s, time_units[i].name) == 0 ? time_units[i].size : unit;
	}
	return unit ? scaled(whole, part, unit, ret) : -EINVAL;
}

int parse_bits(const char *s, uint64_t *ret)
{
	uint64_t whole, part, unit = 1;
	int r;

	if (strcmp(s, "max") == 0) {
		*ret = UINT64_MAX;
		return 0;
	}
	r = decimal(&s, &whole, &part);
	if (r < 0)
		return r;
	if (*s) {
		unit = 0;
		for (size_t i = 0; i < ARRAY_SIZE(bit_units); i++)
			unit = strcasecmp(s, bit_units[i].name) == 0 ? bit_units[i].size : unit;
	}
	return unit ? scaled(whole, part, unit, ret) : -EINVAL;
}

int parse_cpus(const char *s, uint64_t *ret_millionths)
{
	uint64_t whole, part;
	int r;

	if (strcmp(s, "max") == 0) {
		*ret_millionths = UINT64_MAX;
		return 0;
	}
	r = decimal(&s, &whole, &part);
	if (r < 0)
		return r;
	return *s ? -EINVAL : scaled(whole, part, MILLION, ret_millionths);
}

/* Two digits below ten ("1.5G"), whole numbers from there on; rounded to the nearest. */
static char *format_unit(char *buf, size_t size, uint64_t v, const struct unit *u, size_t nr)
{
	uint64_t whole = 0, tenths = 0;
	size_t i;

	for (i = 0; i < nr; i++) {
		unsigned __int128 ten = ((unsigned __int128)v * 10 + u[i].size / 2) / u[i].size;

		whole = (uint64_t)(ten / 10);
		tenths = (uint64_t)(ten % 10);
		if (whole >= 10) {
			whole = (uint64_t)(((unsigned __int128)v + u[i].size / 2) / u[i].size);
			tenths = 0;
		}
		if (whole < u[i].limit)
			break;
	}
	if (v == 0)
		(void)snprintf(buf, size, "0"); /* a buffer too small cuts, here and below */
	else if (i == nr)
		(void)snprintf(buf, size, "max");
	else if (tenths)
		(void)snprintf(buf, size, "%u.%u%s", (unsigned int)whole, (unsigned int)tenths,
			       u[i].name);
	else
		(void)snprintf(buf, size, "%u%s", (unsigned int)whole, u[i].name);
	return buf;
}

char *format_bytes(char *buf, size_t size, uint64_t bytes)
{
	return format_unit(buf, size, bytes, byte_units,
			   bytes == UINT64_MAX ? 0 : ARRAY_SIZE(byte_units));
}

char *format_bits(char *buf, size_t size, uint64_t bits)
{
	return format_unit(buf, size, bits, bit_units,
			   bits == UINT64_MAX ? 0 : ARRAY_SIZE(bit_units));
}

char *format_us(char *buf, size_t size, uint64_t us)
{
	return format_unit(buf, size, us, time_units,
			   us == UINT64_MAX ? 0 : ARRAY_SIZE(time_units));
}
