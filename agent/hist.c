// SPDX-License-Identifier: Apache-2.0
/* Quantiles of the meter's histograms. Exact to the bucket, a factor of two: no interpolation. */
#include "agent/meter.h"

uint64_t hist_quantile_us(const __u64 *hist, double q)
{
	uint64_t total = 0, seen = 0, rank;
	int i;

	for (i = 0; i < DCOS_HIST; i++)
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
	for (i = 0; i < DCOS_HIST - 1; i++) {
		seen += hist[i];
		if (seen >= rank)
			break;
	}
	return UINT64_C(2) << i;
}
