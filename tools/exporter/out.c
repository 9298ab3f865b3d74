// SPDX-License-Identifier: Apache-2.0
/* A growing text, see out.h. */
#include "tools/exporter/out.h"

#include <stdlib.h>
#include <string.h>

#define OUT_FIRST  65536
#define DIGITS_MAX 20 /* of a uint64_t */

void out_free(struct out *o)
{
	free(o->data);
	*o = (struct out){};
}

void out_fit(struct out *o)
{
	char *data = o->len ? realloc(o->data, o->len) : NULL;

	if (!data)
		return;
	o->data = data;
	o->size = o->len;
}

static bool grow(struct out *o, size_t more)
{
	size_t size = o->size ? o->size : OUT_FIRST;
	char *data;

	while (size - o->len < more && size <= OUT_MAX)
		size *= 2;
	data = size > OUT_MAX ? NULL : realloc(o->data, size);
	if (!data) {
		o->failed = true;
		return false;
	}
	o->data = data;
	o->size = size;
	return true;
}

static inline bool reserve(struct out *o, size_t more)
{
	if (__builtin_expect(o->size - o->len >= more, 1))
		return !o->failed;
	return !o->failed && more <= OUT_MAX && grow(o, more);
}

void out_mem(struct out *o, const char *text, size_t len)
{
	if (!len || !reserve(o, len))
		return;
	memcpy(o->data + o->len, text, len);
	o->len += len;
}

void out_str(struct out *o, const char *text)
{
	out_mem(o, text, strlen(text));
}

void out_char(struct out *o, char c)
{
	if (reserve(o, 1))
		o->data[o->len++] = c;
}

/* Digits into the end of @end, at least @min of them. Return: where they begin. */
static char *digits(char *end, uint64_t v, unsigned int min)
{
	char *p = end;

	while (v || (unsigned int)(end - p) < min) {
		*--p = (char)('0' + v % 10);
		v /= 10;
	}
	return p;
}

void out_u64(struct out *o, uint64_t v)
{
	char buf[DIGITS_MAX], *end = buf + sizeof(buf), *p = digits(end, v, 1);

	out_mem(o, p, (size_t)(end - p));
}

void out_scaled(struct out *o, uint64_t v, unsigned int decimals)
{
	char buf[DIGITS_MAX + 1], *end = buf + sizeof(buf), *p;
	uint64_t part, unit = 1;

	for (unsigned int i = 0; i < decimals; i++)
		unit *= 10;
	part = v % unit;
	out_u64(o, v / unit);
	if (!part)
		return;
	p = digits(end, part, decimals);
	while (end[-1] == '0')
		end--;
	out_char(o, '.');
	out_mem(o, p, (size_t)(end - p));
}

/* Length of a text that is cut to @max bytes, not within a character. */
static size_t cut(const char *text, size_t max)
{
	size_t len = strnlen(text, max);

	if (!text[len])
		return len;
	while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

void out_escaped(struct out *o, const char *text, size_t max)
{
	const char *end = text + cut(text, max);

	while (text < end) {
		size_t left = (size_t)(end - text), plain = strcspn(text, "\\\"\n");

		if (plain >= left) {
			out_mem(o, text, left);
			return;
		}
		out_mem(o, text, plain);
		text += plain;
		out_char(o, '\\');
		out_char(o, *text == '\n' ? 'n' : *text);
		text++;
	}
}

void out_label_name(struct out *o, const char *text)
{
	for (; *text; text++) {
		char c = *text;
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '_';

		out_char(o, good ? c : '_');
	}
}
