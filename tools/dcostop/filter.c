// SPDX-License-Identifier: Apache-2.0
/* Filters, see filter.h: a parser by recursive descent into an array of nodes. */
#include "tools/dcostop/filter.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/dcostop/model.h"

enum field {
	FIELD_ID = TOP_METRICS,
	FIELD_APP,
	FIELD_STATE,
	FIELD_WHY,
	FIELD_EXIT,
	FIELD_NODE,
	FIELDS_END
};

static const char *const field_names[] = {"id", "app", "state", "why", "exit", "node"};

enum node_kind { NODE_OR, NODE_AND, NODE_NOT, NODE_COMPARE };
enum operator{ OP_EQ, OP_NE, OP_LE, OP_GE, OP_HAS_NOT, OP_LT, OP_GT, OP_HAS };

/* Longer ones first. */
static const struct {
	const char *text;
	enum operator op;
} operators[] = {
	{"==", OP_EQ}, {"!=", OP_NE}, {"<=", OP_LE}, {">=", OP_GE}, {"!~", OP_HAS_NOT},
	{"=", OP_EQ},  {"<", OP_LT},  {">", OP_GT},  {"~", OP_HAS},
};

struct node {
	enum node_kind kind;
	int a, b; /* operands; of a comparison: field */
	enum operator op;
	double number;
	char text[64];
};

struct filter {
	char text[TOP_FILTER_MAX];
	bool plain; /* only a part of an id */
	struct node nodes[FILTER_NODES_MAX];
	int nr, root;
};

struct parser {
	struct filter *f;
	const char *p;
	int depth;
	struct why *why;
};

static int fail_at(struct parser *s, const char *what)
{
	return why_set(s->why, -EINVAL, "filter, at character %zu: %s",
		       (size_t)(s->p - s->f->text) + 1, what);
}

static void blanks(struct parser *s)
{
	while (isblank((unsigned char)*s->p))
		s->p++;
}

static bool accept(struct parser *s, const char *token)
{
	size_t len = strlen(token);

	blanks(s);
	if (strncmp(s->p, token, len) != 0)
		return false;
	s->p += len;
	return true;
}

static int node_new(struct parser *s, enum node_kind kind, int a, int b)
{
	if (s->f->nr == FILTER_NODES_MAX)
		return fail_at(s, "the expression is too long");
	s->f->nodes[s->f->nr] = (struct node){.kind = kind, .a = a, .b = b};
	return s->f->nr++;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || strchr("_.-+/%", c);
}

/* A word, or a text in quotes. Return: 0 or -EINVAL */
static int word(struct parser *s, char *buf, size_t size, const char *what)
{
	bool quoted = accept(s, "\"");
	size_t len = 0;

	while (*s->p && (quoted ? *s->p != '"' : is_word(*s->p))) {
		if (len + 1 == size)
			return fail_at(s, "this is too long");
		buf[len++] = *s->p++;
	}
	buf[len] = 0;
	if (quoted && *s->p++ != '"') {
		s->p--;
		return fail_at(s, "the quote is not closed");
	}
	return len || quoted ? 0 : fail_at(s, what);
}

static int field_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(field_names); i++)
		if (!strcmp(field_names[i], name))
			return FIELD_ID + (int)i;
	return metric_find(name);
}

/* To the unit of the metric: bytes, microseconds, or as it is. */
static int unit_scale(enum top_unit unit, const char *suffix, double *ret)
{
	static const struct {
		const char *suffix;
		int unit;
		double scale;
	} units[] = {
		{"K", UNIT_BYTES, 1024},
		{"M", UNIT_BYTES, 1024.0 * 1024},
		{"G", UNIT_BYTES, 1024.0 * 1024 * 1024},
		{"T", UNIT_BYTES, 1024.0 * 1024 * 1024 * 1024},
		{"us", UNIT_US, 1},
		{"ms", UNIT_US, 1e3},
		{"s", UNIT_US, 1e6},
		{"%", UNIT_PERCENT, 1},
		{"%", UNIT_WHOLE, 1},
		{"k", UNIT_WHOLE, 1e3},
		{"M", UNIT_WHOLE, 1e6},
	};

	*ret = 1;
	if (!*suffix)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (units[i].unit != (int)unit || strcmp(units[i].suffix, suffix) != 0)
			continue;
		*ret = units[i].scale;
		return 0;
	}
	return -EINVAL;
}

static int parse_number(struct parser *s, struct node *n)
{
	const struct top_metric_row *m = &top_metrics[n->a];
	double scale;
	char *end;

	if (n->op == OP_HAS || n->op == OP_HAS_NOT)
		return fail_at(s, "~ is for texts: id, app, state, why, exit and node");
	errno = 0;
	n->number = strtod(n->text, &end);
	if (end == n->text || errno || !isfinite(n->number))
		return fail_at(s, "a number is wanted");
	if (unit_scale(m->unit, end, &scale) < 0)
		return fail_at(s, m->unit == UNIT_BYTES	    ? "the unit must be K, M, G or T"
				  : m->unit == UNIT_US	    ? "the unit must be us, ms or s"
				  : m->unit == UNIT_PERCENT ? "the unit must be %"
							    : "the unit must be k or M");
	n->number *= scale;
	return 0;
}

static int parse_operator(struct parser *s, enum operator* ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++)
		if (accept(s, operators[i].text)) {
			*ret = operators[i].op;
			return 0;
		}
	return fail_at(s, "one of = != < <= > >= ~ !~ is wanted");
}

/* What is wrong with a value is told at its beginning. */
static int value(struct parser *s, struct node *n)
{
	const char *begin, *end;
	int err;

	blanks(s);
	begin = s->p;
	err = word(s, n->text, sizeof(n->text), "a value is wanted");
	if (err)
		return err;
	end = s->p;
	s->p = begin;
	if (n->a < TOP_METRICS)
		err = parse_number(s, n);
	else if (n->op == OP_LT || n->op == OP_GT || n->op == OP_LE || n->op == OP_GE)
		err = fail_at(s, "a text can be =, !=, ~ or !~");
	if (!err)
		s->p = end;
	return err;
}

static int compare(struct parser *s)
{
	struct node *n;
	char name[32];
	int i, err;

	blanks(s);
	err = word(s, name, sizeof(name), "the name of a column is wanted");
	if (err)
		return err;
	i = node_new(s, NODE_COMPARE, field_find(name), 0);
	if (i < 0)
		return i;
	n = &s->f->nodes[i];
	if (n->a < 0) {
		s->p -= strlen(name);
		return fail_at(s, "there is no column of that name (see --help)");
	}
	err = parse_operator(s, &n->op);
	if (!err)
		err = value(s, n);
	return err ? err : i;
}

static int expression(struct parser *s);

static int factor(struct parser *s)
{
	int a;

	if (++s->depth > FILTER_DEPTH_MAX)
		return fail_at(s, "the expression is too deep");
	blanks(s);
	if (*s->p == '!') {
		s->p++;
		a = factor(s);
		if (a >= 0)
			a = node_new(s, NODE_NOT, a, 0);
	} else if (accept(s, "(")) {
		a = expression(s);
		if (a >= 0 && !accept(s, ")"))
			a = fail_at(s, "\")\" is wanted");
	} else {
		a = compare(s);
	}
	s->depth--;
	return a;
}

static int term(struct parser *s)
{
	int a = factor(s), b;

	while (a >= 0 && accept(s, "&&")) {
		b = factor(s);
		a = b < 0 ? b : node_new(s, NODE_AND, a, b);
	}
	return a;
}

static int expression(struct parser *s)
{
	int a = term(s), b;

	while (a >= 0 && accept(s, "||")) {
		b = term(s);
		a = b < 0 ? b : node_new(s, NODE_OR, a, b);
	}
	return a;
}

int filter_parse(const char *text, struct filter **ret, size_t *ret_at, struct why *why)
{
	struct filter *f = calloc(1, sizeof(*f));
	struct parser s = {.f = f, .why = why};

	if (!f)
		return why_set(why, -ENOMEM, "filter");
	if (strlen(text) >= sizeof(f->text)) {
		free(f);
		*ret_at = TOP_FILTER_MAX;
		return why_set(why, -EINVAL, "filter: must be shorter than %d bytes",
			       TOP_FILTER_MAX);
	}
	(void)snprintf(f->text, sizeof(f->text), "%s", text); /* it fits */
	f->plain = !strpbrk(text, "<>=~!&|()");
	s.p = f->text;
	if (!f->plain) {
		f->root = expression(&s);
		blanks(&s);
		if (f->root >= 0 && *s.p)
			f->root = fail_at(&s, "&& or || is wanted");
	}
	if (f->root < 0) {
		int err = f->root;

		*ret_at = (size_t)(s.p - f->text);
		free(f);
		return err;
	}
	*ret = f;
	return 0;
}

static bool match_number(const struct node *n, double v)
{
	switch (n->op) {
	case OP_EQ:
		return v == n->number;
	case OP_NE:
		return v != n->number && !isnan(v);
	case OP_LT:
		return v < n->number;
	case OP_LE:
		return v <= n->number;
	case OP_GT:
		return v > n->number;
	case OP_GE:
		return v >= n->number;
	default:
		return false;
	}
}

static bool match_text(const struct node *n, const char *text)
{
	bool equal = !strcmp(text, n->text), has = strstr(text, n->text);

	switch (n->op) {
	case OP_EQ:
		return equal;
	case OP_NE:
		return !equal;
	case OP_HAS:
		return has;
	default:
		return !has;
	}
}

static bool match_field(const struct node *n, const struct top_row *row)
{
	if (n->a < TOP_METRICS)
		return match_number(n, row->v[n->a]);
	switch (n->a) {
	case FIELD_ID:
		return match_text(n, row->id);
	case FIELD_APP:
		return match_text(n, row->app);
	case FIELD_STATE:
		return match_text(n, row->state);
	case FIELD_WHY:
		return match_text(n, row->verdict.word);
	case FIELD_NODE:
		return match_text(n, row->node);
	default:
		return match_text(n, row->exit);
	}
}

/* As deep as the expression, which is bounded. */
static bool match(const struct filter *f, int i, const struct top_row *row)
{
	const struct node *n = &f->nodes[i];

	switch (n->kind) {
	case NODE_OR:
		return match(f, n->a, row) || match(f, n->b, row);
	case NODE_AND:
		return match(f, n->a, row) && match(f, n->b, row);
	case NODE_NOT:
		return !match(f, n->a, row);
	default:
		return match_field(n, row);
	}
}

bool filter_match(const struct filter *f, const struct top_row *row)
{
	if (!f)
		return true;
	return f->plain ? strstr(row->id, f->text) != NULL : match(f, f->root, row);
}

struct filter *filter_free(struct filter *f)
{
	free(f);
	return NULL;
}
