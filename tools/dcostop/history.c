// SPDX-License-Identifier: Apache-2.0
/* A task's last minutes, see history.h. */
#include "tools/dcostop/history.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/common/client.h"

#define LEVELS 8

/* The most telling first: a small screen has no room for all. */
const struct top_series_row top_series[TOP_SERIES] = {
	[SERIES_CPU] = {"CPU %", "cpu", UNIT_PERCENT, 1e-4, M_CPU},
	[SERIES_WAIT] = {"wait %", "wait", UNIT_PERCENT, 1e-4, M_WAIT},
	[SERIES_THROTTLED] = {"throttled %", "throttled", UNIT_PERCENT, 1e-4, M_THROTTLED_TIME},
	[SERIES_MEMORY] = {"memory", "memory_bytes", UNIT_BYTES, 1, M_MEMORY},
	[SERIES_DISK_READ] = {"disk read/s", "disk_read", UNIT_BYTES, 1, M_DISK_READ},
	[SERIES_DISK_WRITE] = {"disk write/s", "disk_write", UNIT_BYTES, 1, M_DISK_WRITE},
	[SERIES_RX] = {"received/s", "rx", UNIT_BYTES, 1, M_RX},
	[SERIES_TX] = {"sent/s", "tx", UNIT_BYTES, 1, M_TX},
	[SERIES_MEMORY_SOME] = {"mem press.%", "memory_some", UNIT_PERCENT, 1e-4, M_MEMORY_SOME},
	[SERIES_IO_SOME] = {"disk press.%", "io_some", UNIT_PERCENT, 1e-4, M_IO_SOME},
	[SERIES_WAIT_P99] = {"CPU wait p99", "wait_p99_us", UNIT_US, 1, M_WAIT_P99},
	[SERIES_DISK_P99] = {"disk p99", "disk_p99_us", UNIT_US, 1, M_DISK_P99},
	[SERIES_RETRANSMITS] = {"retransm./s", "retransmits", UNIT_WHOLE, 1, M_RETRANSMITS},
	[SERIES_DENIED] = {"denied/s", "denied", UNIT_WHOLE, 1, M_DEVICE_DENIED},
};

static const char *const blocks[LEVELS + 1] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const ascii[LEVELS + 1] = {" ", ".", ".", ":", "-", "=", "+", "*", "#"};

void history_read(struct top_history *h, const char *id, const json_t *reply)
{
	const json_t *series = json_object_get(reply, "series");
	size_t nr = 0;

	(void)snprintf(h->id, sizeof(h->id), "%s", id); /* ids are shorter */
	h->interval_ms = (uint64_t)field_int(reply, "interval_ms", 0);
	h->end_ns = (uint64_t)field_int(reply, "end_ns", 0);
	for (int s = 0; s < TOP_SERIES; s++) {
		const json_t *list = json_object_get(series, top_series[s].name);
		size_t have = json_array_size(list), skip;

		if (have > nr)
			nr = have > HISTORY_MAX ? HISTORY_MAX : have;
		skip = have > HISTORY_MAX ? have - HISTORY_MAX : 0;
		memset(h->v[s], 0, sizeof(h->v[s]));
		for (size_t i = skip; i < have; i++)
			h->v[s][i - skip] = (float)(json_number_value(json_array_get(list, i)) *
						    top_series[s].scale);
	}
	h->nr = nr;
}

/* Of denials the agent has one series for what are several counters here. */
static double value_of(int s, const double *values)
{
	double v = values[top_series[s].metric];

	if (s == SERIES_DENIED)
		v = (isnan(v) ? 0 : v) +
		    (isnan(values[M_BIND_DENIED]) ? 0 : values[M_BIND_DENIED]) +
		    (isnan(values[M_CONNECT_DENIED]) ? 0 : values[M_CONNECT_DENIED]);
	return isnan(v) ? 0 : v;
}

void history_add(struct top_history *h, const double *values, uint64_t interval_ms)
{
	bool full = h->nr == HISTORY_MAX;

	for (int s = 0; s < TOP_SERIES; s++) {
		if (full)
			memmove(h->v[s], h->v[s] + 1, (HISTORY_MAX - 1) * sizeof(*h->v[s]));
		h->v[s][full ? HISTORY_MAX - 1 : h->nr] = (float)value_of(s, values);
	}
	h->nr += !full;
	h->interval_ms = interval_ms;
}

static void append(char *buf, size_t size, const char *text)
{
	size_t len = strlen(buf);

	(void)snprintf(buf + len, size - len, "%s", text); /* a cut picture is one too */
}

static const char *level(double share, bool utf8)
{
	int i = share > 0 ? (int)ceil(share * LEVELS) : 0;

	return (utf8 ? blocks : ascii)[i > LEVELS ? LEVELS : i];
}

void sparkline(char *buf, size_t size, const float *v, size_t nr, int width, bool utf8, double max)
{
	size_t room = width > 0 ? (size_t)width : 0, first = nr > room ? nr - room : 0;
	double top = max > 0 ? max : 0;

	buf[0] = 0;
	for (size_t i = first; i < nr; i++)
		if (!(max > 0) && v[i] > top)
			top = v[i];
	for (size_t i = nr - first; i < room; i++)
		append(buf, size, " ");
	for (size_t i = first; i < nr; i++)
		append(buf, size, level(top > 0 ? v[i] / top : 0, utf8));
}

void bar_text(char *buf, size_t size, double share, int width, bool utf8)
{
	int full = (int)lrint(share * width);

	buf[0] = 0;
	if (share > 0 && !full)
		full = 1;
	for (int i = 0; i < width; i++)
		append(buf, size, i >= full ? " " : utf8 ? "█" : "#");
}
