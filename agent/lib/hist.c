// SPDX-License-Identifier: Apache-2.0
/* Histograms of times, and their quantiles. */
#include "agent/lib/hist.h"

unsigned int hist_class_us(uint64_t us)
{
	unsigned int class = us < 2 ? 0 : 63 - (unsigned int)__builtin_clzll(us);

	return class < HIST_CLASSES ? class : HIST_CLASSES - 1;
}

uint64_t hist_quantile_us(const __u64 *hist, double q)
{
	uint64_t total = 0, seen = 0, rank;
	int i;

	for (i = 0; i < HIST_CLASSES; i++)
		total += hist[i];
	if (!total)
		return 0;
	if (!(q > 0)) /* a NaN too */
		q = 0;
	if (q > 1)
		q = 1;
	rank = (uint64_t)(q * (double)total);
	if ((double)rank < q * (double)total || !rank)
		rank++; /* the smallest value that q of all do not exceed: at least one is at or below */
	if (rank > total)
		rank = total;
	for (i = 0; i < HIST_CLASSES - 1; i++) {
		seen += hist[i];
		if (seen >= rank)
			break;
	}
	return UINT64_C(2) << i;
}
