/* SPDX-License-Identifier: Apache-2.0 */
/* What a task did in the last minutes, as the agent remembers it, and its pictures in text. */
#ifndef DCOS_TOP_HISTORY_H
#define DCOS_TOP_HISTORY_H

#include <jansson.h>
#include <stdint.h>

#include "tools/dcostop/metrics.h"

#define HISTORY_MAX 600 /* readings that are kept */

enum top_series {
	SERIES_CPU,
	SERIES_WAIT,
	SERIES_THROTTLED,
	SERIES_MEMORY,
	SERIES_DISK_READ,
	SERIES_DISK_WRITE,
	SERIES_RX,
	SERIES_TX,
	SERIES_MEMORY_SOME,
	SERIES_IO_SOME,
	SERIES_WAIT_P99,
	SERIES_DISK_P99,
	SERIES_RETRANSMITS,
	SERIES_DENIED,
	TOP_SERIES,
};

struct top_series_row {
	const char *title, *name; /* name: of the method History */
	enum top_unit unit;
	double scale; /* to the unit */
	enum top_metric metric; /* of a row */
};

extern const struct top_series_row top_series[TOP_SERIES];

struct top_history {
	char id[256]; /* of the task; "" none */
	uint64_t interval_ms;
	uint64_t end_ns; /* CLOCK_MONOTONIC of the newest */
	size_t nr; /* readings, the newest last */
	float v[TOP_SERIES][HISTORY_MAX]; /* the agent rounds to 11 bits */
};

/** history_read - the reply of History; what is no such reply, or NULL, leaves no readings */
void history_read(struct top_history *h, const char *id, const json_t *reply);

/** history_add - one more reading, from a row's values by enum top_metric; unknown ones are 0 */
void history_add(struct top_history *h, const double *values, uint64_t interval_ms);

/**
 * sparkline - the last readings as a line of characters, the newest at the right
 * @v: @nr values, 0 or more
 * @width: characters; each stands for one reading
 * @utf8: eighth blocks, else ASCII
 * @max: what is full height, the greatest value if 0
 */
void sparkline(char *buf, size_t size, const float *v, size_t nr, int width, bool utf8, double max);

/** bar_text - @share (0..1) of @width characters, the rest blank */
void bar_text(char *buf, size_t size, double share, int width, bool utf8);

#endif
