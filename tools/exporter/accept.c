// SPDX-License-Identifier: Apache-2.0
/*
 * The Accept header: media ranges with parameters and weights. A quoted string is taken as one
 * word; what does not parse is a range that matches nothing.
 */
#include "tools/exporter/accept.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define RANGES_MAX 64 /* of a header, later ones are ignored */
#define WEIGHT_ONE 1000

struct word {
	const char *at;
	size_t len;
};

static const struct {
	const char *type, *version, *content_type;
} formats[PAGE_FORMATS] = {
	[PAGE_TEXT] = {"text/plain", "0.0.4", "text/plain; version=0.0.4; charset=utf-8"},
	[PAGE_OPENMETRICS] = {"application/openmetrics-text", "1.0.0",
			      "application/openmetrics-text; version=1.0.0; charset=utf-8"},
};

static bool is(struct word w, const char *text)
{
	return w.len == strlen(text) && !strncasecmp(w.at, text, w.len);
}

static struct word trim(struct word w)
{
	while (w.len && strchr(" \t", *w.at)) {
		w.at++;
		w.len--;
	}
	while (w.len && strchr(" \t", w.at[w.len - 1]))
		w.len--;
	return w;
}

/* The next piece of @rest up to a separator that is not quoted; @rest moves behind it. */
static bool split(struct word *rest, char separator, struct word *ret)
{
	bool quoted = false;
	size_t i;

	if (!rest->at)
		return false;
	for (i = 0; i < rest->len; i++) {
		if (rest->at[i] == '"')
			quoted = !quoted;
		else if (quoted && rest->at[i] == '\\' && i + 1 < rest->len)
			i++;
		else if (!quoted && rest->at[i] == separator)
			break;
	}
	*ret = trim((struct word){rest->at, i});
	if (i == rest->len)
		*rest = (struct word){};
	else
		*rest = (struct word){rest->at + i + 1, rest->len - i - 1};
	return true;
}

/* "0.75" to 750. Return: -1 no weight. */
static int weight(struct word w)
{
	int v = 0, unit = 100;

	if (!w.len || w.len > 5 || (w.at[0] != '0' && w.at[0] != '1'))
		return -1;
	v = (w.at[0] - '0') * WEIGHT_ONE;
	if (w.len > 1 && w.at[1] != '.')
		return -1;
	for (size_t i = 2; i < w.len; i++, unit /= 10) {
		if (w.at[i] < '0' || w.at[i] > '9')
			return -1;
		v += (w.at[i] - '0') * unit;
	}
	return v > WEIGHT_ONE ? -1 : v;
}

static struct word unquote(struct word w)
{
	if (w.len >= 2 && w.at[0] == '"' && w.at[w.len - 1] == '"')
		return (struct word){w.at + 1, w.len - 2};
	return w;
}

/* How exactly a range without its parameters names a type. Return: 0 not at all. */
static int names(struct word range, const char *type)
{
	const char *slash = strchr(type, '/');
	size_t major = (size_t)(slash - type) + 1;

	if (is(range, type))
		return 3;
	if (range.len == major + 1 && !strncasecmp(range.at, type, major) && range.at[major] == '*')
		return 2;
	return is(range, "*/*") ? 1 : 0;
}

struct match {
	int exact, weight;
};

/* One range against one format; the most exact range that matches decides its weight. */
static void match_range(struct word range, enum page_format f, struct match *m)
{
	struct word piece = {}, rest = range, name, value;
	int q = WEIGHT_ONE, exact;

	if (!split(&rest, ';', &piece))
		return;
	exact = names(piece, formats[f].type) * 2;
	while (exact && split(&rest, ';', &piece)) {
		value = piece;
		if (!split(&value, '=', &name) || !value.at)
			continue;
		value = unquote(trim(value));
		if (is(name, "q")) {
			q = weight(value);
			if (q < 0)
				return;
		} else if (is(name, "version")) {
			exact = is(value, formats[f].version) ? exact + 1 : 0;
		}
		/* charset, escaping and whatever comes: our pages suit all of them */
	}
	if (exact > m->exact || (exact && exact == m->exact && q > m->weight))
		*m = (struct match){exact, q};
}

enum page_format accept_choose(const char *accept)
{
	struct match m[PAGE_FORMATS] = {};
	struct word rest = {accept, accept ? strlen(accept) : 0}, range;

	for (int i = 0; i < RANGES_MAX && split(&rest, ',', &range); i++)
		for (enum page_format f = 0; f < PAGE_FORMATS; f++)
			match_range(range, f, &m[f]);
	if (m[PAGE_OPENMETRICS].weight > m[PAGE_TEXT].weight)
		return PAGE_OPENMETRICS;
	if (m[PAGE_OPENMETRICS].weight && m[PAGE_OPENMETRICS].weight == m[PAGE_TEXT].weight &&
	    m[PAGE_OPENMETRICS].exact > m[PAGE_TEXT].exact)
		return PAGE_OPENMETRICS;
	return PAGE_TEXT;
}

const char *accept_type(enum page_format format)
{
	return formats[format].content_type;
}
