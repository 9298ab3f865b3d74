// SPDX-License-Identifier: Apache-2.0
/* Names in tables: found, guessed, listed, documented. */
#include "agent/lib/rows.h"

#include <ctype.h>
#include <string.h>

#define HELP_COLUMNS 76

const struct row *rows_at(const struct rows *t, size_t i)
{
	return (const struct row *)((const char *)t->first + i * t->stride);
}

const struct row *rows_find(const struct rows *t, const char *name)
{
	for (size_t i = 0; i < t->nr; i++)
		if (!strcmp(rows_at(t, i)->name, name))
			return rows_at(t, i);
	return NULL;
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Number of letters to insert, remove or change (Levenshtein), or a swap of two neighbours. */
static size_t distance(const char *a, const char *b)
{
	size_t d[3][ROWS_NAME_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > ROWS_NAME_MAX || lb > ROWS_NAME_MAX)
		return la + lb;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *cur = d[i % 3], *prev = d[(i + 2) % 3], *prev2 = d[(i + 1) % 3];

		cur[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			int ca = tolower((unsigned char)a[i - 1]);
			int cb = tolower((unsigned char)b[j - 1]);

			cur[j] = min3(prev[j] + 1, cur[j - 1] + 1, prev[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
			    cb == tolower((unsigned char)a[i - 2]) && prev2[j - 2] + 1 < cur[j])
				cur[j] = prev2[j - 2] + 1;
		}
	}
	return d[la % 3][lb];
}

const struct row *rows_nearest(const struct rows *t, const char *name)
{
	const struct row *best = NULL;
	size_t best_d = 0;

	for (size_t i = 0; i < t->nr; i++) {
		const struct row *r = rows_at(t, i);
		size_t d = distance(name, r->name);

		if (d <= (strlen(r->name) + 2) / 3 && (!best || d < best_d)) {
			best = r;
			best_d = d;
		}
	}
	return best;
}

const char *rows_hint(const struct rows *t, const char *name, char *buf, size_t size)
{
	const struct row *near = rows_nearest(t, name);
	size_t len;

	if (near) {
		(void)snprintf(buf, size, "the nearest is \"%s\"", near->name);
		return buf;
	}
	len = (size_t)snprintf(buf, size, "allowed %s", t->nr == 1 ? "is" : "are");
	for (size_t i = 0; i < t->nr && len < size; i++) {
		const char *sep = i == 0 ? " " : i + 1 == t->nr ? " and " : ", ";

		len += (size_t)snprintf(buf + len, size - len, "%s%s", sep, rows_at(t, i)->name);
	}
	return buf;
}

static void dump_help(const char *text, FILE *f)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column && column + 1 + n > HELP_COLUMNS) {
			(void)fputc('\n', f);
			column = 0;
		}
		(void)fprintf(f, "%s%.*s", column ? " " : "    ", (int)n, text);
		column += n + (column ? 1 : 4);
		text += n;
		text += strspn(text, " ");
	}
	(void)fputc('\n', f);
}

void row_dump(const struct row *r, const char *prefix, FILE *f)
{
	(void)fprintf(f, "**%s%s** (%s", prefix, r->name, r->value);
	if (r->dflt)
		(void)fprintf(f, "; default: %s", r->dflt);
	(void)fputs(")\n", f);
	dump_help(r->help, f);
	(void)fputc('\n', f);
}

void rows_dump(const struct rows *t, const char *prefix, FILE *f)
{
	for (size_t i = 0; i < t->nr; i++)
		row_dump(rows_at(t, i), prefix, f);
}
