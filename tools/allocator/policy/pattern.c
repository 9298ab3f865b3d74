// SPDX-License-Identifier: Apache-2.0
/*
 * What a regular expression costs before it is compiled: the C library copies what "+" and "{n}"
 * repeat, so that a short text with repetitions of repetitions becomes gigabytes. The size is
 * counted as it multiplies; references back, for which a match can take exponential time, are
 * refused.
 */
#include <ctype.h>

#include "tools/allocator/policy/policy_impl.h"

#define COST_MAX 1000 /* characters when all is copied */

struct walk {
	const char *at;
	unsigned int depth;
	/* by depth of parentheses: all so far, and the part that a repetition repeats */
	uint64_t all[POLICY_PATTERN_MAX + 2], last[POLICY_PATTERN_MAX + 2];
};

static void atom(struct walk *w, uint64_t cost)
{
	w->all[w->depth] += cost;
	w->last[w->depth] = cost;
}

static void repeat(struct walk *w, uint64_t times)
{
	uint64_t last = w->last[w->depth];

	if (times < 2)
		return;
	w->all[w->depth] += last * (times - 1);
	w->last[w->depth] = last * times;
}

/* From "[" to its "]", of which the first character may be one. */
static void skip_bracket(struct walk *w)
{
	const char *c = w->at + 1;

	c += *c == '^';
	c += *c == ']';
	for (; *c && *c != ']'; c++) {
		char kind = c[1], end[3] = {c[1], ']', '\0'};
		const char *close;

		if (*c != '[' || (kind != ':' && kind != '.' && kind != '='))
			continue;
		close = strstr(c + 2, end);
		if (!close)
			break; /* does not compile */
		c = close + 1;
	}
	w->at = *c ? c : c - 1;
	atom(w, 1);
}

/* "{n,m}": the greater of the two. */
static void interval(struct walk *w)
{
	uint64_t most = 0;

	for (const char *c = w->at + 1; isdigit((unsigned char)*c) || *c == ','; c++) {
		uint64_t n = 0;

		for (; isdigit((unsigned char)*c); c++)
			n = n > COST_MAX ? n : n * 10 + (uint64_t)(*c - '0');
		most = n > most ? n : most;
		if (*c != ',')
			break;
	}
	if (most)
		repeat(w, most);
	else
		atom(w, 1);
}

static void close_group(struct walk *w)
{
	uint64_t inside = w->all[w->depth];

	if (!w->depth) {
		atom(w, 1);
		return;
	}
	w->depth--;
	atom(w, inside ? inside : 1);
}

static void one(struct walk *w)
{
	switch (*w->at) {
	case '\\':
		w->at += w->at[1] != '\0';
		atom(w, 1);
		break;
	case '[':
		skip_bracket(w);
		break;
	case '(':
		w->depth++;
		w->all[w->depth] = w->last[w->depth] = 0;
		break;
	case ')':
		close_group(w);
		break;
	case '+':
		repeat(w, 2); /* x+ is compiled as xx* */
		break;
	case '{':
		interval(w);
		break;
	case '*':
	case '?':
		break;
	default:
		atom(w, 1);
	}
}

/* @text has at most POLICY_PATTERN_MAX bytes. */
bool pattern_is_cheap(const char *text)
{
	struct walk w = {.at = text};

	for (; *w.at; w.at++) {
		if (*w.at == '\\' && isdigit((unsigned char)w.at[1]))
			return false;
		one(&w);
		if (w.all[w.depth] > COST_MAX || w.last[w.depth] > COST_MAX)
			return false;
	}
	return true;
}
