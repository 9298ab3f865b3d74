/* SPDX-License-Identifier: Apache-2.0 */
/* Is there a number for which all of these comparisons come out so, and which is the smallest. */
#ifndef DCOS_AUDIT_BITS_H
#define DCOS_AUDIT_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITS_STEPS_MAX 200000 /* of the search, then it gives up */

enum bits_op {
	BITS_EQ, /* (x & mask) == k */
	BITS_GT, /* (x & mask) > k */
	BITS_GE, /* (x & mask) >= k */
	BITS_SET, /* (x & mask & k) != 0 */
};

struct bits_test {
	uint64_t mask, k;
	enum bits_op op;
	bool holds; /* how it comes out */
};

/** bits_true - does the comparison come out as it should for @x */
bool bits_true(const struct bits_test *t, uint64_t x);

/**
 * bits_solve - the smallest x that every comparison holds for
 * @width: of x, 1..64 bits
 * @ret: untouched unless found
 * Exact: a search bit by bit from the top, which leaves a branch as soon as one comparison can't
 * come out any more.
 * Return: 1 found; 0 there is none; -E2BIG not known after BITS_STEPS_MAX steps.
 */
int bits_solve(const struct bits_test *tests, size_t nr, unsigned int width, uint64_t *ret);

#endif
