// SPDX-License-Identifier: Apache-2.0
/* Quantiles of log2 histograms. */
#include <math.h>
#include <string.h>

#include "agent/lib/hist.h"
#include "selftests/harness/test.h"

static __u64 hist[HIST_CLASSES];

TEST(an_empty_histogram_has_no_quantiles)
{
	EXPECT_EQ(hist_quantile_us(hist, 0), 0);
	EXPECT_EQ(hist_quantile_us(hist, 0.5), 0);
	EXPECT_EQ(hist_quantile_us(hist, 1), 0);
}

TEST(one_value_is_every_quantile)
{
	hist[3] = 1; /* [8, 16) us */
	EXPECT_EQ(hist_quantile_us(hist, 0), 16);
	EXPECT_EQ(hist_quantile_us(hist, 0.5), 16);
	EXPECT_EQ(hist_quantile_us(hist, 1), 16);
}

TEST(a_quantile_is_the_upper_bound_of_the_bucket_where_its_rank_lies)
{
	hist[0] = 50; /* < 2 us */
	hist[4] = 49; /* [16, 32) */
	hist[10] = 1; /* [1024, 2048) */
	EXPECT_EQ(hist_quantile_us(hist, 0.01), 2);
	EXPECT_EQ(hist_quantile_us(hist, 0.5), 2);
	EXPECT_EQ(hist_quantile_us(hist, 0.501), 32);
	EXPECT_EQ(hist_quantile_us(hist, 0.99), 32);
	EXPECT_EQ(hist_quantile_us(hist, 0.991), 2048);
	EXPECT_EQ(hist_quantile_us(hist, 1), 2048);
}

TEST(quantiles_never_fall_as_q_grows)
{
	uint64_t last = 0, now;
	int i;

	for (i = 0; i < HIST_CLASSES; i++)
		hist[i] = (__u64)(i * 7919 % 101);
	for (i = 0; i <= 1000; i++) {
		now = hist_quantile_us(hist, i / 1000.0);
		EXPECT_GE(now, last);
		last = now;
	}
}

TEST(the_open_bucket_at_the_end_is_not_overrun)
{
	hist[HIST_CLASSES - 1] = UINT64_MAX / 2;
	EXPECT_EQ(hist_quantile_us(hist, 0.5), UINT64_C(2) << (HIST_CLASSES - 1));
	EXPECT_EQ(hist_quantile_us(hist, 1), UINT64_C(2) << (HIST_CLASSES - 1));
}

TEST(shares_outside_0_to_1_are_cut_to_it)
{
	hist[1] = 10;
	hist[2] = 10;
	EXPECT_EQ(hist_quantile_us(hist, -1), 4);
	EXPECT_EQ(hist_quantile_us(hist, 2), 8);
	EXPECT_EQ(hist_quantile_us(hist, (double)NAN), 4);
}

TEST(a_time_is_in_the_class_between_two_powers_of_two)
{
	EXPECT_EQ(hist_class_us(0), 0);
	EXPECT_EQ(hist_class_us(1), 0);
	EXPECT_EQ(hist_class_us(2), 1);
	EXPECT_EQ(hist_class_us(3), 1);
	for (unsigned int i = 1; i < 64; i++) {
		unsigned int want = i < HIST_CLASSES ? i : HIST_CLASSES - 1;

		EXPECT_EQ(hist_class_us(UINT64_C(1) << i), want);
		EXPECT_EQ(hist_class_us((UINT64_C(1) << i) + 1), want);
	}
	EXPECT_EQ(hist_class_us(UINT64_MAX), HIST_CLASSES - 1);
}
