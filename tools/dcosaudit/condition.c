// SPDX-License-Identifier: Apache-2.0
/*
 * Classes of arguments as text. A filter compares 32 bits at a time; where the high half of an
 * argument must be one number, both halves are told as one.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/dcosaudit/view.h"

#define REDUCED_MAX 64 /* comparisons of a way that are looked through for needless ones */

struct text {
	char *buf;
	size_t len;
};

static void say(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct text *t, const char *fmt, ...)
{
	size_t room = CONDITION_TEXT_MAX - t->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, room, fmt, ap); /* cut is told by its end missing */
	va_end(ap);
	t->len += n < 0 || (size_t)n >= room ? room - 1 : (size_t)n;
}

static void number(struct text *t, uint64_t v)
{
	say(t, v < 256 ? "%" PRIu64 : "0x%" PRIx64, v);
}

/* The number that a word must be. */
static bool fixed(const struct path_test *tests, size_t nr, unsigned int word, uint32_t *ret)
{
	for (size_t i = 0; i < nr; i++)
		if (tests[i].word == word && tests[i].bits.op == BITS_EQ && tests[i].bits.holds &&
		    tests[i].bits.mask == UINT32_MAX) {
			*ret = (uint32_t)tests[i].bits.k;
			return true;
		}
	return false;
}

static bool is_not_equal(const struct bits_test *b)
{
	return b->op == BITS_EQ && !b->holds && b->mask == UINT32_MAX;
}

/* The half of an argument that is compared. */
struct half {
	const char *name; /* of it */
	const char *whole; /* of the argument */
	unsigned int shift; /* of the half in the argument */
	uint64_t high; /* number that the other half is known to be, shifted */
};

static void operation(struct text *t, const struct bits_test *b, const struct half *h)
{
	static const char *const words[][2] = {
		[BITS_EQ] = {"!=", "=="},
		[BITS_GT] = {"<=", ">"},
		[BITS_GE] = {"<", ">="},
		[BITS_SET] = {"has none of", "has some of"},
	};
	bool masked = b->mask != UINT32_MAX;

	say(t, "%s%s", t->len ? ", " : "", masked ? h->whole : h->name);
	if (masked)
		say(t, " & 0x%" PRIx64, b->mask << h->shift);
	say(t, " %s ", words[b->op][b->holds]);
	number(t, masked ? b->k << h->shift : b->k | h->high);
}

/* All comparisons of one word but those that a fixed value makes needless. */
static void word(struct text *t, const struct path_test *tests, size_t nr, unsigned int w,
		 const struct half *h)
{
	size_t unequal = 0;

	for (size_t i = 0; i < nr; i++) {
		if (tests[i].word != w)
			continue;
		if (is_not_equal(&tests[i].bits))
			unequal++;
		else
			operation(t, &tests[i].bits, h);
	}
	if (!unequal)
		return;
	say(t, "%s%s %s", t->len ? ", " : "", h->name, unequal > 1 ? "not in {" : "!= ");
	for (size_t i = 0, n = 0; i < nr; i++)
		if (tests[i].word == w && is_not_equal(&tests[i].bits)) {
			say(t, "%s", n++ ? ", " : "");
			number(t, tests[i].bits.k | h->high);
		}
	say(t, "%s", unequal > 1 ? "}" : "");
}

static bool compared(const struct path_test *tests, size_t nr, unsigned int w)
{
	for (size_t i = 0; i < nr; i++)
		if (tests[i].word == w)
			return true;
	return false;
}

static void argument(struct text *t, const struct path_test *tests, size_t nr, unsigned int arg)
{
	unsigned int low = CBPF_ARG(arg) + CBPF_BIG_END, high = CBPF_ARG(arg) + !CBPF_BIG_END;
	char name[16], name_high[16], name_low[16];
	struct half low_half = {name_low, name, 0, 0}, high_half = {name_high, name, 32, 0};
	uint32_t low_value = 0, high_value = 0;
	bool whole;

	(void)snprintf(name, sizeof(name), "arg%u", arg);
	(void)snprintf(name_high, sizeof(name_high), "arg%u.high", arg);
	(void)snprintf(name_low, sizeof(name_low), "arg%u.low", arg);
	whole = fixed(tests, nr, high, &high_value) && compared(tests, nr, low);
	if (whole)
		low_half = (struct half){name, name, 0, (uint64_t)high_value << 32};
	if (fixed(tests, nr, low, &low_value)) {
		say(t, "%s%s == ", t->len ? ", " : "", low_half.name);
		number(t, low_half.high | low_value);
	} else {
		word(t, tests, nr, low, &low_half);
	}
	if (!whole)
		word(t, tests, nr, high, &high_half);
}

static bool same_word_implies(const struct path_test *tests, size_t nr, size_t i)
{
	struct bits_test bits[REDUCED_MAX];
	uint64_t ignored;
	size_t n = 0;

	for (size_t j = 0; j < nr; j++)
		if (tests[j].word == tests[i].word) {
			bits[n] = tests[j].bits;
			bits[n++].holds ^= j == i;
		}
	return bits_solve(bits, n, 32, &ignored) == 0;
}

/* Leaves out comparisons that follow from the others. Return: how many are left */
static size_t reduce(const struct path_test *tests, size_t nr, struct path_test ret[REDUCED_MAX])
{
	memcpy(ret, tests, nr * sizeof(*tests));
	for (size_t i = 0; i < nr;) {
		if (same_word_implies(ret, nr, i))
			memmove(&ret[i], &ret[i + 1], (--nr - i) * sizeof(*ret));
		else
			i++;
	}
	return nr;
}

const char *condition_text(const struct paths *p, const struct path *path,
			   char buf[static CONDITION_TEXT_MAX])
{
	const struct path_test *tests = p->tests + path->tests;
	struct path_test reduced[REDUCED_MAX];
	struct text t = {buf, 0};
	size_t nr = path->tests_nr;

	buf[0] = '\0';
	if (nr && nr <= REDUCED_MAX) {
		nr = reduce(tests, nr, reduced);
		tests = reduced;
	}
	for (unsigned int arg = 0; arg < CBPF_ARGS; arg++)
		argument(&t, tests, nr, arg);
	if (!t.len)
		say(&t, "any arguments");
	return buf;
}

const char *example_text(const char *name, const struct seccomp_data *data,
			 char buf[static CONDITION_TEXT_MAX])
{
	struct text t = {buf, 0};
	unsigned int nr = CBPF_ARGS;

	while (nr && !data->args[nr - 1])
		nr--;
	say(&t, "%s(", name);
	for (unsigned int i = 0; i < nr; i++) {
		say(&t, "%s", i ? ", " : "");
		number(&t, data->args[i]);
	}
	say(&t, "%s", nr ? ")" : "0)");
	return buf;
}
