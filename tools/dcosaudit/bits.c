// SPDX-License-Identifier: Apache-2.0
/* Solves comparisons of one number, see bits.h. */
#include "tools/dcosaudit/bits.h"

#include <errno.h>

struct search {
	const struct bits_test *tests;
	size_t nr;
	unsigned int steps;
};

/* Can it still come out so if x is between these two, which agree in all bits decided so far? */
static bool possible(const struct bits_test *t, uint64_t low, uint64_t high)
{
	uint64_t min = low & t->mask, max = high & t->mask;
	uint64_t open = min ^ max; /* bits that are undecided */

	switch (t->op) {
	case BITS_EQ:
		return t->holds ? !((min ^ t->k) & ~open) : open || min != t->k;
	case BITS_GT:
		return t->holds ? max > t->k : min <= t->k;
	case BITS_GE:
		return t->holds ? max >= t->k : min < t->k;
	case BITS_SET:
		return t->holds ? (max & t->k) != 0 : (min & t->k) == 0;
	}
	return false;
}

bool bits_true(const struct bits_test *t, uint64_t x)
{
	return possible(t, x, x);
}

/*
 * One node of the search. @low: decided bits above bit @left, zeros below. Depth: at most the width.
 * @ret_blame: after a failure, the decided bits that it depends on. A bit that is not among them
 * need not be tried the other way, without which masks of scattered bits take for ever.
 */
static int descend(struct search *s, uint64_t low, unsigned int left, uint64_t *ret,
		   uint64_t *ret_blame)
{
	uint64_t high = left ? low | (UINT64_MAX >> (64 - left)) : low, bit, zero = 0, one = 0;
	int r;

	if (++s->steps > BITS_STEPS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < s->nr; i++)
		if (!possible(&s->tests[i], low, high)) {
			*ret_blame = s->tests[i].mask & ~(low ^ high);
			return 0;
		}
	if (!left) {
		*ret = low;
		return 1;
	}
	bit = UINT64_C(1) << (left - 1);
	r = descend(s, low, left - 1, ret, &zero);
	if (r || !(zero & bit)) {
		*ret_blame = zero;
		return r;
	}
	r = descend(s, low | bit, left - 1, ret, &one);
	*ret_blame = one & bit ? (zero | one) & ~bit : one;
	return r;
}

int bits_solve(const struct bits_test *tests, size_t nr, unsigned int width, uint64_t *ret)
{
	struct search s = {.tests = tests, .nr = nr};
	uint64_t blame = 0;

	return descend(&s, 0, width, ret, &blame);
}
