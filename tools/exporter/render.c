// SPDX-License-Identifier: Apache-2.0
/* Lines of a page, see render.h. */
#include "tools/exporter/render.h"

#include <fnmatch.h>
#include <string.h>

/*
 * Upper bounds of the classes but the last, 2^(i + 1) us in seconds, in the form in which Go
 * prints them, so that no consumer makes a new label of one.
 */
static const char *const bounds[PAGE_HIST - 1] = {
	"2e-06",    "4e-06",	"8e-06",     "1.6e-05",	  "3.2e-05",   "6.4e-05",    "0.000128",
	"0.000256", "0.000512", "0.001024",  "0.002048",  "0.004096",  "0.008192",   "0.016384",
	"0.032768", "0.065536", "0.131072",  "0.262144",  "0.524288",  "1.048576",   "2.097152",
	"4.194304", "8.388608", "16.777216", "33.554432", "67.108864", "134.217728",
};

static void comment(struct out *o, const char *what, const struct metric *m, size_t name_len)
{
	out_str(o, what);
	out_mem(o, m->name, name_len);
	out_char(o, ' ');
}

/* OpenMetrics 1.0.0: a unit is said only where the family's name ends with it. */
static bool says_unit(const struct metric *m, size_t name_len)
{
	size_t len = m->unit ? strlen(m->unit) : 0;

	return len && name_len > len + 1 && m->name[name_len - len - 1] == '_' &&
	       !strncmp(m->name + name_len - len, m->unit, len);
}

void render_family(struct out *o, const struct metric *m, enum page_format format)
{
	bool om = format == PAGE_OPENMETRICS;
	size_t len = om ? metric_family(m) : strlen(m->name);

	comment(o, "# HELP ", m, len);
	out_str(o, m->help);
	out_str(o, ".\n");
	comment(o, "# TYPE ", m, len);
	out_str(o, !om && m->type == METRIC_INFO ? "gauge" : metric_type_name(m->type));
	out_char(o, '\n');
	if (!om || !says_unit(m, len))
		return;
	comment(o, "# UNIT ", m, len);
	out_str(o, m->unit);
	out_char(o, '\n');
}

static void begin(struct out *o, const char *name, size_t name_len, const char *suffix)
{
	out_mem(o, name, name_len);
	out_str(o, suffix);
}

/* Labels up to, not with, the closing brace. Return: were there any. */
static bool open_labels(struct out *o, struct labels labels, const char *more)
{
	if (!labels.len && !more)
		return false;
	out_char(o, '{');
	out_mem(o, labels.text, labels.len);
	if (labels.len && more)
		out_char(o, ',');
	if (more)
		out_str(o, more);
	return true;
}

void render_value(struct out *o, const struct metric *m, const char *suffix, struct labels labels,
		  uint64_t value, unsigned int decimals)
{
	size_t len = *suffix && m->type == METRIC_COUNTER ? metric_family(m) : strlen(m->name);

	begin(o, m->name, len, suffix);
	if (open_labels(o, labels, m->labels))
		out_char(o, '}');
	out_char(o, ' ');
	out_scaled(o, value, decimals);
	out_char(o, '\n');
}

void render_labelled(struct out *o, const struct metric *m, struct labels labels, const char *name,
		     const char *text, uint64_t value)
{
	begin(o, m->name, strlen(m->name), "");
	if (!open_labels(o, labels, m->labels))
		out_char(o, '{');
	else
		out_char(o, ',');
	out_str(o, name);
	out_str(o, "=\"");
	out_escaped(o, text, PAGE_VALUE_MAX);
	out_str(o, "\"} ");
	out_scaled(o, value, m->decimals);
	out_char(o, '\n');
}

/* Is the upper bound of class @i, 2^(i + 1) us, that of a bucket? The last class is open. */
static bool is_bound(unsigned int i, unsigned int step)
{
	return (i + 1) % step == 0 && i + 1 < PAGE_HIST;
}

unsigned int render_series_of_hist(const struct metric *m, const json_t *object, unsigned int step)
{
	unsigned int nr = 1; /* +Inf */

	if (!json_is_array(json_object_get(object, m->source)))
		return 0;
	for (unsigned int i = 0; i < PAGE_HIST; i++)
		nr += is_bound(i, step);
	return nr + (m->sum && json_is_integer(json_object_get(object, m->sum)) ? 2 : 0);
}

static void bucket(struct out *o, const struct metric *m, struct labels labels, const char *bound,
		   uint64_t count)
{
	begin(o, m->name, strlen(m->name), "_bucket");
	if (!open_labels(o, labels, m->labels))
		out_char(o, '{');
	else
		out_char(o, ',');
	out_str(o, "le=\"");
	out_str(o, bound);
	out_str(o, "\"} ");
	out_u64(o, count);
	out_char(o, '\n');
}

static uint64_t count_at(const json_t *counts, size_t i)
{
	json_int_t v = json_integer_value(json_array_get(counts, i));

	return v > 0 ? (uint64_t)v : 0;
}

void render_hist(struct out *o, const struct metric *m, struct labels labels, const json_t *object,
		 unsigned int step)
{
	const json_t *counts = json_object_get(object, m->source);
	const json_t *sum = m->sum ? json_object_get(object, m->sum) : NULL;
	uint64_t total = 0;

	if (!json_is_array(counts))
		return;
	for (unsigned int i = 0; i < PAGE_HIST; i++) {
		total += count_at(counts, i);
		if (is_bound(i, step))
			bucket(o, m, labels, bounds[i], total);
	}
	bucket(o, m, labels, "+Inf", total);
	if (!json_is_integer(sum) || json_integer_value(sum) < 0)
		return;
	render_value(o, m, "_sum", labels, (uint64_t)json_integer_value(sum), m->sum_decimals);
	render_value(o, m, "_count", labels, total, 0);
}

bool render_is_wanted(const struct metric *m, const struct page_options *options)
{
	for (int i = 0; options->exclude && i < options->exclude->nr; i++)
		if (!fnmatch(options->exclude->items[i], m->name, 0))
			return false;
	return true;
}
