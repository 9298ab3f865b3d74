/* SPDX-License-Identifier: Apache-2.0 */
/* From two readings of a task's counters to what it did between them. */
#ifndef DCOS_RATES_H
#define DCOS_RATES_H

#include "agent/history.h"
#include "agent/usage.h"

/* The series of History, in the order of history_add(). */
enum rate {
	RATE_CPU, /* these five: millionths of a second a second */
	RATE_WAIT,
	RATE_THROTTLED,
	RATE_MEMORY_SOME,
	RATE_IO_SOME,
	RATE_WAIT_P99, /* microseconds, the class's upper bound; 0: there was none */
	RATE_DISK_P99,
	RATE_MEMORY, /* bytes, no rate */
	RATE_DISK_READ, /* these four: bytes a second */
	RATE_DISK_WRITE,
	RATE_RX,
	RATE_TX,
	RATE_RETRANSMITS, /* these two: a second, rounded up, so that one is never none */
	RATE_DENIED,
	RATES,
};

_Static_assert(RATES == HISTORY_SERIES, "one kind of history");

/* The reading before. */
struct rates {
	uint64_t time_ns; /* CLOCK_MONOTONIC; 0: there was none */
	uint64_t count[RATES]; /* of those that are rates */
	__u64 wait_hist[DCOS_HIST], disk_hist[DCOS_HIST];
	unsigned int known; /* bit set of the series that the host can tell */
};

/** rates_name - of a series in History */
const char *rates_name(enum rate r);

/** rates_begin - all counters were 0 at that moment */
void rates_begin(struct rates *r, uint64_t time_ns);

/**
 * rates_next - what happened since the reading before, which @u then is
 * @ret: 0 for what is not known
 * Return: 0; -EAGAIN there was no reading before, or no time has passed: @ret is untouched.
 */
int rates_next(struct rates *r, const struct usage *u, uint64_t time_ns, uint64_t ret[RATES]);

#endif
