// SPDX-License-Identifier: Apache-2.0
/* The solver of comparisons, against trying every number. */
#include "tools/dcosaudit/bits.h"

#include <stdlib.h>

#include "selftests/harness/test.h"

#define WIDTH  10
#define ROUNDS 20000
#define MOST   5 /* comparisons at once */

static unsigned int state = 1;

static uint64_t draw(uint64_t below)
{
	return (uint64_t)rand_r(&state) % below;
}

static struct bits_test random_test(void)
{
	static const uint64_t masks[] = {UINT64_MAX, 0, 1, 0x3f0, 0x2aa};

	return (struct bits_test){
		.mask = draw(2) ? masks[draw(5)] : draw(1 << WIDTH),
		.k = draw(1 << WIDTH),
		.op = (enum bits_op)draw(4),
		.holds = draw(2),
	};
}

/* Return: the smallest number that fulfils all, -1: none */
static int by_trying(const struct bits_test *t, size_t nr)
{
	for (int x = 0; x < 1 << WIDTH; x++) {
		size_t i = 0;

		while (i < nr && bits_true(&t[i], (uint64_t)x))
			i++;
		if (i == nr)
			return x;
	}
	return -1;
}

TEST(a_solution_is_the_smallest_number_that_trying_all_finds)
{
	int found = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct bits_test t[MOST];
		size_t nr = 1 + draw(MOST);
		uint64_t x = 0;
		int want, r;

		for (size_t i = 0; i < nr; i++)
			t[i] = random_test();
		want = by_trying(t, nr);
		r = bits_solve(t, nr, WIDTH, &x);
		ASSERT_EQ(r, want >= 0);
		if (want >= 0)
			ASSERT_EQ((int)x, want);
		found += r;
	}
	/* else the rounds would not say much */
	EXPECT_GT(found, ROUNDS / 10);
	EXPECT_LT(found, ROUNDS - ROUNDS / 10);
}

TEST(comparisons_are_of_64_bits_without_a_sign)
{
	const struct bits_test t[] = {
		{UINT64_MAX, UINT64_C(0x8000000000000000), BITS_GE, true},
		{UINT64_MAX, UINT64_C(0x8000000000000000), BITS_EQ, false},
		{1, 0, BITS_EQ, true},
	};
	uint64_t x = 0;

	EXPECT_EQ(bits_solve(t, 3, 64, &x), 1);
	EXPECT_EQ(x, UINT64_C(0x8000000000000002));
}

TEST(many_excluded_values_are_no_problem)
{
	struct bits_test t[128];
	uint64_t x = 0;

	for (size_t i = 0; i < 128; i++)
		t[i] = (struct bits_test){UINT64_MAX, i, BITS_EQ, false};
	EXPECT_EQ(bits_solve(t, 128, 32, &x), 1);
	EXPECT_EQ(x, 128);
	t[0] = (struct bits_test){UINT64_MAX, 127, BITS_GT, false};
	EXPECT_EQ(bits_solve(t, 128, 32, &x), 1);
	EXPECT_EQ(x, 0);
}

TEST(nothing_is_written_without_a_solution)
{
	const struct bits_test t[] = {
		{UINT64_MAX, 5, BITS_GT, true},
		{UINT64_MAX, 6, BITS_GE, false},
	};
	uint64_t x = 77;

	EXPECT_EQ(bits_solve(t, 2, 32, &x), 0);
	EXPECT_EQ(x, 77);
}

/* Found by hand: without blame each of 2^20 settings of other bits was tried. */
TEST(scattered_masks_are_solved_in_few_steps)
{
	struct bits_test t[32];
	uint64_t x = 0;
	size_t nr = 0;

	/* bit i and bit i + 16 must differ, bits 0 and 16 must be the same */
	for (unsigned int i = 0; i < 16; i++) {
		uint64_t mask = UINT64_C(0x10001) << i;

		t[nr++] = (struct bits_test){mask, i ? 0 : UINT64_C(1) << i, BITS_EQ, false};
		t[nr++] =
			(struct bits_test){mask, i ? mask : UINT64_C(0x10000) << i, BITS_EQ, false};
	}
	EXPECT_EQ(bits_solve(t, nr, 32, &x), 1);
	EXPECT_EQ(x, 0xfffe);
}
