// SPDX-License-Identifier: Apache-2.0
/* Widths and cutting, see text.h. */
#include "tools/common/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "agent/lib/cleanup.h"

/* One character: its bytes and columns. One that can't be shown has bytes to skip and shows '?'. */
struct glyph {
	const char *bytes;
	size_t len, skip;
	int columns;
};

static struct glyph glyph_next(const char *s, size_t left)
{
	mbstate_t state = {};
	wchar_t wc;
	size_t n = mbrtowc(&wc, s, left, &state);
	int columns;

	if (n == (size_t)-1 || n == (size_t)-2 || n == 0)
		return (struct glyph){"?", 1, 1, 1};
	columns = wcwidth(wc);
	if (columns < 0)
		return (struct glyph){"?", 1, n, 1};
	return (struct glyph){s, n, n, columns};
}

int text_width(const char *text)
{
	size_t left = strlen(text);
	int width = 0;

	while (left) {
		struct glyph g = glyph_next(text, left);

		width += g.columns;
		text += g.skip;
		left -= g.skip;
	}
	return width;
}

/* Append glyphs until the columns are used up. Return: columns used. */
static int append(char *buf, size_t size, size_t *used, const char *text, int columns)
{
	size_t left = strlen(text);
	int width = 0;

	while (left) {
		struct glyph g = glyph_next(text, left);

		if (width + g.columns > columns || *used + g.len >= size)
			break;
		memcpy(buf + *used, g.bytes, g.len);
		*used += g.len;
		width += g.columns;
		text += g.skip;
		left -= g.skip;
	}
	buf[*used] = 0;
	return width;
}

/* The end of a text that takes at most so many columns. */
static const char *tail(const char *text, int columns)
{
	size_t left = strlen(text);
	int width = text_width(text);

	while (left && width > columns) {
		struct glyph g = glyph_next(text, left);

		width -= g.columns;
		text += g.skip;
		left -= g.skip;
	}
	return text;
}

int text_fit(char *buf, size_t size, const char *text, int columns)
{
	const char *dots = "\xe2\x80\xa6";
	size_t used = 0;
	int width;

	buf[0] = 0;
	if (columns <= 0)
		return 0;
	if (text_width(text) <= columns)
		return append(buf, size, &used, text, columns);
	if (text_width(dots) != 1)
		dots = "~"; /* no UTF-8 here */
	width = append(buf, size, &used, text, columns / 2);
	width += append(buf, size, &used, dots, columns - width);
	width += append(buf, size, &used, tail(text, columns - width), columns - width);
	return width;
}

void text_print(FILE *f, const char *text)
{
	size_t left = strlen(text);

	/* errors of the stream are seen when it is closed */
	while (left) {
		struct glyph g = glyph_next(text, left);

		if (g.bytes == text)
			(void)fwrite(text, 1, g.len, f);
		else
			for (size_t i = 0; i < g.skip; i++)
				(void)fprintf(f, "\\x%02x", (unsigned char)text[i]);
		text += g.skip;
		left -= g.skip;
	}
}

/* Bytes of @text up to where its line ends: at a blank, else where @width is used up. */
static size_t line_len(const char *text, int width, bool *ret_at_blank)
{
	const char *blank = NULL, *p;

	for (p = text; *p && p - text < width; p++)
		if (*p == ' ')
			blank = p;
	*ret_at_blank = !*p || *p == ' ' || blank;
	if (!*p || *p == ' ' || !blank)
		blank = p;
	/* not within a character of UTF-8 */
	while (blank > text && !*ret_at_blank && (*blank & 0xc0) == 0x80)
		blank--;
	return (size_t)(blank - text);
}

const char *text_wrap(char *buf, size_t size, const char *text, int width)
{
	size_t used = 0;

	if (!width)
		(void)snprintf(buf, size, "%s", text); /* a cut text is better than none */
	while (width && used + 2 < size) {
		bool at_blank;
		size_t len = line_len(text, width, &at_blank);

		len = len < size - used - 2 ? len : size - used - 2;
		memcpy(buf + used, text, len);
		used += len;
		text += len + (at_blank && text[len]);
		if (!*text || !len || used + 2 >= size)
			break;
		buf[used++] = '\n';
	}
	if (width)
		buf[used] = 0;
	return buf;
}
