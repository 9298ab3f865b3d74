// SPDX-License-Identifier: Apache-2.0
/* JSON text into a growing buffer. */
#include "agent/lib/jsonbuf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES  1024
#define DIGITS_MAX   20 /* of UINT64_MAX */
#define ESCAPE_BYTES 6 /* \u0000, and U+FFFD has 3 */

void jb_free(struct jsonbuf *b)
{
	free(b->data);
	*b = (struct jsonbuf){};
}

void jb_clear(struct jsonbuf *b)
{
	b->len = 0;
	b->err = 0;
}

static bool grow(struct jsonbuf *b, size_t more)
{
	size_t size = b->size ? b->size : FIRST_BYTES;
	char *data;

	if (b->err)
		return false;
	while (size - b->len < more) {
		if (size > SIZE_MAX / 2)
			return b->err = -ENOMEM, false;
		size += size / 2;
	}
	data = realloc(b->data, size);
	if (!data)
		return b->err = -ENOMEM, false;
	b->data = data;
	b->size = size;
	return true;
}

static inline bool reserve(struct jsonbuf *b, size_t more)
{
	return (!b->err && b->size - b->len >= more) || grow(b, more);
}

void jb_raw(struct jsonbuf *b, const char *text, size_t len)
{
	if (!reserve(b, len) || !len)
		return;
	memcpy(b->data + b->len, text, len);
	b->len += len;
}

void jb_u64(struct jsonbuf *b, uint64_t v)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	char digits[DIGITS_MAX], *p = digits + DIGITS_MAX;
	size_t len;

	if (!reserve(b, DIGITS_MAX))
		return;
	if (v < 10) { /* most are 0 */
		b->data[b->len++] = (char)('0' + v);
		return;
	}
	for (; v >= 100; v /= 100)
		memcpy(p -= 2, pairs + v % 100 * 2, 2);
	if (v >= 10)
		memcpy(p -= 2, pairs + v * 2, 2);
	else
		*--p = (char)('0' + v);
	len = (size_t)(digits + DIGITS_MAX - p);
	memcpy(b->data + b->len, p, len);
	b->len += len;
}

void jb_hist(struct jsonbuf *b, const __u64 *v, size_t nr)
{
	while (nr && !v[nr - 1])
		nr--;
	jb_lit(b, "[");
	for (size_t i = 0; i < nr; i++) {
		if (i)
			jb_lit(b, ",");
		jb_u64(b, v[i]);
	}
	jb_lit(b, "]");
}

/*
 * Length of the character at @s, which ends with a NUL; 0: not UTF-8. Neither longer than need be
 * nor half of a pair nor beyond U+10FFFF, as in RFC 3629.
 */
static size_t utf8_len(const unsigned char *s)
{
	static const struct {
		unsigned char first, last, low, high, len; /* low, high: of the second byte */
	} forms[] = {
		{0x01, 0x7f, 0, 0, 1},	     {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (s[0] < forms[i].first || s[0] > forms[i].last)
			continue;
		if (forms[i].len > 1 && (s[1] < forms[i].low || s[1] > forms[i].high))
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if (s[k] < 0x80 || s[k] > 0xbf)
				return 0;
		return forms[i].len;
	}
	return 0;
}

static void put_control(struct jsonbuf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	const char text[ESCAPE_BYTES] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

	jb_raw(b, text, sizeof(text));
}

void jb_text(struct jsonbuf *b, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len;

	jb_lit(b, "\"");
	for (; *s; s += len ? len : 1) {
		len = utf8_len(s);
		if (!len) {
			jb_lit(b, "\xef\xbf\xbd");
		} else if (*s < 0x20) {
			put_control(b, *s);
		} else {
			if (*s == '"' || *s == '\\')
				jb_lit(b, "\\");
			jb_raw(b, (const char *)s, len);
		}
	}
	jb_lit(b, "\"");
}

char *jb_take(struct jsonbuf *b)
{
	char *text;

	jb_raw(b, "", 1);
	text = b->err ? NULL : b->data;
	if (text)
		b->data = NULL;
	jb_free(b);
	return text;
}
