// SPDX-License-Identifier: Apache-2.0
/* Widths and cutting, see text.h. */
#include "tools/common/text.h"

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
