// SPDX-License-Identifier: Apache-2.0
/* Options from tables, see options.h. */
#include "tools/common/options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"

#define HELP_COLUMN 28 /* where the help of a row begins */

int opt_flag(const char *value, void *field)
{
	(void)value; /* a flag has none */
	*(bool *)field = true;
	return 0;
}

int opt_string(const char *value, void *field)
{
	*(const char **)field = value;
	return 0;
}

int opt_strings(const char *value, void *field)
{
	struct opt_list *list = field;

	if (list->nr == OPT_LIST_MAX)
		return -E2BIG;
	list->items[list->nr++] = value;
	return 0;
}

int opt_bytes(const char *value, void *field)
{
	struct opt_u64 *u = field;
	int r = parse_bytes(value, &u->value);

	u->given = r == 0;
	return r;
}

int opt_ms(const char *value, void *field)
{
	struct opt_u64 *u = field;
	uint64_t us;
	int r = parse_duration_us(value, &us);

	if (r < 0)
		return r;
	/* Varlink's int is signed */
	if (us / 1000 > INT64_MAX)
		return -ERANGE;
	*u = (struct opt_u64){.given = true, .value = us / 1000};
	return 0;
}

static int from(uint64_t min, const char *value, struct opt_u64 *u)
{
	int r = parse_u64(value, min, UINT32_MAX, &u->value);

	u->given = r == 0;
	return r;
}

int opt_number(const char *value, void *field)
{
	return from(0, value, field);
}

int opt_count(const char *value, void *field)
{
	return from(1, value, field);
}

/* What getopt_long() wants, made from rows. */
struct getopt_tables {
	struct option longs[OPT_ROWS_MAX + 1];
	char shorts[2 * OPT_ROWS_MAX + 3];
	const struct opt_row *rows[OPT_ROWS_MAX];
	void *fields[OPT_ROWS_MAX];
	int nr;
};

static void tables_add(struct getopt_tables *t, const struct opt_set *set, size_t *shorts_len)
{
	for (const struct opt_row *row = set->rows; row && row->name; row++) {
		if (t->nr == OPT_ROWS_MAX)
			abort(); /* a table in the source is too long */
		t->longs[t->nr] = (struct option){
			.name = row->name,
			.has_arg = row->arg ? required_argument : no_argument,
			.val = 256 + t->nr,
		};
		t->rows[t->nr] = row;
		t->fields[t->nr++] = (char *)set->target + row->offset;
		if (!row->letter)
			continue;
		t->shorts[(*shorts_len)++] = row->letter;
		if (row->arg)
			t->shorts[(*shorts_len)++] = ':';
	}
}

static int tables_find(const struct getopt_tables *t, int c)
{
	for (int i = 0; i < t->nr; i++)
		if (c == 256 + i || (t->rows[i]->letter && c == t->rows[i]->letter))
			return i;
	return -1;
}

static int refuse_unknown(int c, char **argv, struct why *why)
{
	const char *word = argv[optind - 1];
	char letter[3] = {'-', (char)optopt, 0};

	if (strncmp(word, "--", 2) && optopt > 0 && optopt < 256)
		word = letter;
	if (c == ':')
		return why_set(why, -EINVAL, "%s: needs a value", word);
	if (optopt >= 256)
		return why_set(why, -EINVAL, "%s: takes no value", word);
	return why_set(why, -EINVAL, "%s: no such option", word);
}

int opts_parse(const struct opt_set *sets, size_t nr, int argc, char **argv,
	       bool operands_end_options, struct why *why)
{
	struct getopt_tables t = {};
	size_t shorts_len = 0;
	int c;

	if (operands_end_options)
		t.shorts[shorts_len++] = '+';
	t.shorts[shorts_len++] = ':';
	for (size_t i = 0; i < nr; i++)
		tables_add(&t, &sets[i], &shorts_len);

	opterr = 0;
	optind = 0; /* glibc: start anew, also after another table */
	while ((c = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
		int i = tables_find(&t, c);

		if (i < 0)
			return refuse_unknown(c, argv, why);
		if (t.rows[i]->parse(optarg, t.fields[i]) < 0)
			return why_set(why, -EINVAL, "--%s=%s: must be %s", t.rows[i]->name,
				       optarg ? optarg : "",
				       t.rows[i]->allowed ? t.rows[i]->allowed
							  : "given less often");
	}
	return optind;
}

void opts_help(FILE *f, const struct opt_row *rows)
{
	for (const struct opt_row *row = rows; row && row->name; row++) {
		char letter[5] = "    ";
		int n;

		if (row->letter)
			(void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
		n = fprintf(f, "  %s--%s%s%s", letter, row->name, row->arg ? " " : "",
			    row->arg ? row->arg : "");
		if (n >= HELP_COLUMN) {
			(void)fputc('\n', f); /* checked once, when stdout is closed */
			n = 0;
		}
		(void)fprintf(f, "%*s%s\n", HELP_COLUMN - n, "", row->help);
	}
}
