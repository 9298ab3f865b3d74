/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Histograms of times in classes that double: class 0 is below 2 us, class i is [2^i, 2^(i+1)) us,
 * the last is open. The same as in bpf/abi.h.
 */
#ifndef DCOS_HIST_H
#define DCOS_HIST_H

#include <linux/types.h>
#include <stdint.h>

#define HIST_CLASSES 28

/**
 * hist_class_us - the class that a time falls into
 * @us: microseconds
 * Return: 0..HIST_CLASSES - 1.
 */
unsigned int hist_class_us(uint64_t us);

/**
 * hist_quantile_us - value below which a share of a histogram lies
 * @hist: HIST_CLASSES counts, e.g. the difference of two reads
 * @q: 0..1; outside it is cut to that
 *
 * Exact to the class, a factor of two: nothing is known of where in its class a value lay, so
 * nothing is interpolated.
 * Return: upper bound of the class in microseconds; 0 for an empty histogram.
 */
uint64_t hist_quantile_us(const __u64 *hist, double q);

#endif
