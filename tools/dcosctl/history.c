// SPDX-License-Identifier: Apache-2.0
/* dcosctl history: what a task did in the last minutes, a line for each series. */
#include <inttypes.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "tools/dcosctl/ctl.h"
#include "tools/dcosctl/table.h"

#define CELL_MAX    24
#define FIXED_WIDTH 56 /* the columns before the curve, with their blanks */
#define CURVE_MIN   16
#define CURVE_MAX   60
#define CURVE_FILE  40 /* where the output is no terminal */
#define LEVELS	    8
#define LEVEL_BYTES 4 /* of one character, with the NUL */

struct history_options {
	struct opt_u64 seconds;
};

static const struct opt_row history_rows[] = {
	{"seconds", 'n', "N", opt_count, offsetof(struct history_options, seconds),
	 "a number of seconds, at least 1", "so far back (default: all that is kept)"},
	{},
};

static const struct table_column history_columns[] = {{"SERIES"},
						      {"MIN", .right = true},
						      {"MEAN", .right = true},
						      {"MAX", .right = true},
						      {"LAST", .right = true},
						      {"0 TO MAX"},
						      {}};

/* How a value is shown. */
static void show_share(char *buf, size_t size, uint64_t millionths)
{
	(void)snprintf(buf, size, "%.1f%%", (double)millionths / 1e4); /* fits */
}

static void show_us(char *buf, size_t size, uint64_t us)
{
	(void)format_us(buf, size, us);
}

static void show_bytes(char *buf, size_t size, uint64_t bytes)
{
	(void)format_bytes(buf, size, bytes);
}

static void show_bytes_per_s(char *buf, size_t size, uint64_t bytes)
{
	char text[CELL_MAX];

	(void)snprintf(buf, size, "%s/s", format_bytes(text, sizeof(text), bytes)); /* fits */
}

static void show_per_s(char *buf, size_t size, uint64_t v)
{
	(void)snprintf(buf, size, "%" PRIu64 "/s", v); /* fits */
}

static void show_number(char *buf, size_t size, uint64_t v)
{
	(void)snprintf(buf, size, "%" PRIu64, v); /* fits */
}

typedef void (*show_fn)(char *buf, size_t size, uint64_t v);

/* In the order in which they are printed; those of a later agent come after them, as numbers. */
static const struct series {
	const char *name;
	show_fn show;
} known_series[] = {
	{"cpu", show_share},
	{"wait", show_share},
	{"throttled", show_share},
	{"memory_some", show_share},
	{"io_some", show_share},
	{"wait_p99_us", show_us},
	{"disk_p99_us", show_us},
	{"memory_bytes", show_bytes},
	{"disk_read", show_bytes_per_s},
	{"disk_write", show_bytes_per_s},
	{"rx", show_bytes_per_s},
	{"tx", show_bytes_per_s},
	{"retransmits", show_per_s},
	{"denied", show_per_s},
};

static uint64_t value_at(const json_t *values, size_t i)
{
	json_int_t v = json_integer_value(json_array_get(values, i));

	return v > 0 ? (uint64_t)v : 0;
}

static uint64_t largest(const json_t *values, size_t from, size_t to)
{
	uint64_t max = 0;

	for (size_t i = from; i < to; i++)
		max = value_at(values, i) > max ? value_at(values, i) : max;
	return max;
}

/* One character for so many values, as high as the largest of them. */
static void curve(char *buf, size_t size, const json_t *values, size_t columns)
{
	static const char *const blocks[LEVELS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const ascii[LEVELS] = {".", ":", "-", "=", "+", "*", "%", "#"};
	const char *const *levels = strcmp(nl_langinfo(CODESET), "UTF-8") ? ascii : blocks;
	size_t nr = json_array_size(values), len = 0;
	uint64_t max = largest(values, 0, nr);

	columns = nr < columns ? nr : columns;
	for (size_t c = 0; c < columns && len + LEVEL_BYTES < size; c++) {
		uint64_t v = largest(values, c * nr / columns, (c + 1) * nr / columns);
		size_t level = max ? (size_t)((double)v / (double)max * (LEVELS - 1) + 0.5) : 0;

		len += (size_t)snprintf(buf + len, size - len, "%s", levels[level]); /* fits */
	}
	buf[len] = '\0';
}

static int print_series(struct libscols_table *t, const char *name, show_fn show,
			const json_t *values, size_t columns)
{
	char min[CELL_MAX], mean[CELL_MAX], max[CELL_MAX], last[CELL_MAX];
	char text[CURVE_MAX * LEVEL_BYTES + LEVEL_BYTES];
	const char *const cells[] = {name, min, mean, max, last, text};
	size_t nr = json_array_size(values);
	uint64_t low = UINT64_MAX;
	double sum = 0;

	for (size_t i = 0; i < nr; i++) {
		low = value_at(values, i) < low ? value_at(values, i) : low;
		sum += (double)value_at(values, i);
	}
	if (!nr)
		return 0;
	show(min, sizeof(min), low);
	show(mean, sizeof(mean), (uint64_t)(sum / (double)nr + 0.5));
	show(max, sizeof(max), largest(values, 0, nr));
	show(last, sizeof(last), value_at(values, nr - 1));
	curve(text, sizeof(text), values, columns);
	return table_row(t, cells);
}

static const struct series *find_series(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(known_series); i++)
		if (!strcmp(known_series[i].name, name))
			return &known_series[i];
	return NULL;
}

static size_t curve_columns(void)
{
	int left = table_width() - FIXED_WIDTH;

	if (!table_width())
		return CURVE_FILE;
	return left < CURVE_MIN ? CURVE_MIN : left > CURVE_MAX ? CURVE_MAX : (size_t)left;
}

static int fill_table(struct libscols_table *t, json_t *series)
{
	size_t columns = curve_columns();
	const char *name;
	json_t *values;
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(known_series) && !err; i++)
		err = print_series(t, known_series[i].name, known_series[i].show,
				   json_object_get(series, known_series[i].name), columns);
	json_object_foreach (series, name, values)
		if (!err && !find_series(name))
			err = print_series(t, name, show_number, values, columns);
	return err;
}

static int print_history(json_t *reply)
{
	json_t *series = json_object_get(reply, "series");
	struct libscols_table *t;
	char interval[CELL_MAX];
	const char *name;
	json_t *values;
	size_t nr = 0;

	json_object_foreach (series, name, values)
		nr = json_array_size(values) > nr ? json_array_size(values) : nr;
	if (!nr)
		return ctl_fail("nothing is kept of it: it has not been read twice yet, or it "
				"ended while no agent ran");
	(void)printf("%zu values, one each %s\n", nr, /* seen when stdout is closed */
		     format_us(interval, sizeof(interval),
			       (uint64_t)field_int(reply, "interval_ms", 0) * 1000));
	t = table_new(history_columns);
	if (!t)
		return ctl_fail("out of memory");
	if (fill_table(t, series)) {
		scols_unref_table(t);
		return ctl_fail("out of memory");
	}
	return table_print(t) < 0 ? ctl_fail("can't print the table") : 0;
}

static int history_run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	const struct history_options *o = options;
	json_t *params = json_pack("{ss}", "id", operands[0]);

	(void)nr; /* one */
	if (o->seconds.given)
		(void)json_object_set_new(params, "seconds", /* out of memory: the call fails */
					  json_integer((json_int_t)o->seconds.value));
	cleanup_json json_t *reply = ctl_call(ctl, "History", params);

	if (!reply)
		return CTL_FAILED;
	if (!ctl->json)
		return print_history(reply);
	ctl_print_json(reply, false);
	return 0;
}

const struct command cmd_history = {
	.name = "history",
	.args = "[-n N] ID",
	.help = "what a task did in the last minutes",
	.more = "Of a task that runs: its last 600 readings. Of one that has ended: its last "
		"minute. A curve\nshows in each place the largest of its values.",
	.options = history_rows,
	.options_size = sizeof(struct history_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = history_run,
};
