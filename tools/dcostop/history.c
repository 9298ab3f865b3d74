// SPDX-License-Identifier: Apache-2.0
/* A task's last minutes, see history.h. */
#include "tools/dcostop/history.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/common/client.h"

#define LEVELS 8

const struct top_series_row top_series[TOP_SERIES] = {
	[SERIES_CPU] = {"CPU %", "cpu", UNIT_PERCENT, 1e-4},
	[SERIES_WAIT] = {"wait %", "wait", UNIT_PERCENT, 1e-4},
	[SERIES_THROTTLED] = {"throttled %", "throttled", UNIT_PERCENT, 1e-4},
	[SERIES_MEMORY] = {"memory", "memory_bytes", UNIT_BYTES, 1},
	[SERIES_DISK_READ] = {"disk read/s", "disk_read", UNIT_BYTES, 1},
	[SERIES_DISK_WRITE] = {"disk write/s", "disk_write", UNIT_BYTES, 1},
	[SERIES_RX] = {"received/s", "rx", UNIT_BYTES, 1},
	[SERIES_TX] = {"sent/s", "tx", UNIT_BYTES, 1},
};

static const char *const blocks[LEVELS + 1] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const ascii[LEVELS + 1] = {" ", ".", ".", ":", "-", "=", "+", "*", "#"};

void history_read(struct top_history *h, const char *id, const json_t *reply)
{
	const json_t *series = json_object_get(reply, "series");
	size_t nr = 0;

	(void)snprintf(h->id, sizeof(h->id), "%s", id); /* ids are shorter */
	h->interval_ms = (uint64_t)field_int(reply, "interval_ms", 0);
	for (int s = 0; s < TOP_SERIES; s++) {
		const json_t *list = json_object_get(series, top_series[s].name);
		size_t have = json_array_size(list), skip;

		if (have > nr)
			nr = have > HISTORY_MAX ? HISTORY_MAX : have;
		skip = have > HISTORY_MAX ? have - HISTORY_MAX : 0;
		memset(h->v[s], 0, sizeof(h->v[s]));
		for (size_t i = skip; i < have; i++)
			h->v[s][i - skip] =
				json_number_value(json_array_get(list, i)) * top_series[s].scale;
	}
	h->nr = nr;
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

void sparkline(char *buf, size_t size, const double *v, size_t nr, int width, bool utf8, double max)
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
