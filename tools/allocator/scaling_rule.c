// SPDX-License-Identifier: Apache-2.0
/*
 * The rule of an app's scaling, from rows: key, where it goes, and what is allowed. People write
 * percent, milliseconds and seconds; inside are the integers of signals.h and autoscale.h.
 */
#include "tools/allocator/scaling_rule.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "agent/lib/why.h"

#define SECOND 1000000000.0

/* A number: @scale times it is stored, as 32 or 64 bits. */
struct row {
	const char *key;
	size_t offset, size;
	double scale, fallback, min, max;
};

#define ROW(type, key, member, scale, fallback, min, max)                                          \
	{                                                                                          \
		key, offsetof(struct type, member), sizeof(((struct type *)0)->member), scale,     \
			fallback, min, max                                                         \
	}

static const struct row horizontal[] = {
	ROW(autoscale_config, "min", min, 1, 1, 0, 100000),
	ROW(autoscale_config, "max", max, 1, 0, 1, 100000),
	ROW(autoscale_config, "step", step, 1, 1, 1, 1000),
	ROW(autoscale_config, "tolerancePercent", tolerance_permille, 10, 10, 0, 100),
	ROW(autoscale_config, "windowSeconds", window, 1, 10, 1, AUTOSCALE_WINDOW_MAX),
	ROW(autoscale_config, "upCooldownSeconds", up_cooldown_ns, SECOND, 30, 0, 86400),
	ROW(autoscale_config, "downCooldownSeconds", down_cooldown_ns, SECOND, 300, 0, 86400),
	ROW(autoscale_config, "maxUpPercent", max_up_permille, 10, 100, 1, 10000),
	ROW(autoscale_config, "maxDownPercent", max_down_permille, 10, 50, 1, 100),
};

static const struct row vertical[] = {
	ROW(autoscale_vertical_config, "quantilePercent", quantile_permille, 10, 95, 1, 100),
	ROW(autoscale_vertical_config, "marginPercent", margin_permille, 10, 15, 0, 100),
	ROW(autoscale_vertical_config, "halfLifeSeconds", half_life_ns, SECOND, 43200, 1, 31536000),
	ROW(autoscale_vertical_config, "upPercent", up_permille, 10, 10, 0, 1000),
	ROW(autoscale_vertical_config, "downPercent", down_permille, 10, 20, 0, 100),
	ROW(autoscale_vertical_config, "cooldownSeconds", cooldown_ns, SECOND, 600, 0, 86400),
	ROW(autoscale_vertical_config, "samples", samples_min, 1, 300, 1, 1000000),
};

/* CPUs, and MiB as Marathon's mem */
static const struct {
	const char *name;
	double scale, min, max;
} quotas[SCALING_QUOTAS] = {
	[SCALING_CPUS] = {"cpus", 1000, 0.001, 10000},
	[SCALING_MEMORY] = {"mem", 1048576, 1, 1e8},
};

static const struct {
	double scale;
	bool proportional;
} units[SIGNALS] = {
	[SIGNAL_CPU] = {10, true}, /* percent */
	[SIGNAL_MEMORY] = {10, true},	   [SIGNAL_THROTTLED] = {10, false},
	[SIGNAL_WAIT_P99] = {1000, false}, /* milliseconds */
	[SIGNAL_RTT_P99] = {1000, false},  [SIGNAL_RECEIVED] = {1, true}, /* bytes per second */
	[SIGNAL_SENT] = {1, true},	   [SIGNAL_CONNECTIONS] = {1000, true}, /* per second */
};

const char *scaling_quota_name(enum scaling_quota q)
{
	return (unsigned int)q < SCALING_QUOTAS ? quotas[q].name : "?";
}

static int number(const json_t *doc, const char *key, double min, double max, double *ret,
		  struct why *why)
{
	const json_t *v = json_object_get(doc, key);

	if (!v)
		return -ENOENT;
	/* NaN cannot be written in JSON */
	if (!json_is_number(v) || json_number_value(v) < min || json_number_value(v) > max)
		return why_set(why, -EINVAL, "%s: a number from %g to %g", key, min, max);
	*ret = json_number_value(v);
	return 0;
}

static void store(void *to, const struct row *row, double v)
{
	uint64_t wide = (uint64_t)(v * row->scale + 0.5);
	uint32_t narrow = (uint32_t)wide; /* the rows' greatest fit */

	memcpy((char *)to + row->offset, row->size == sizeof(wide) ? (void *)&wide : &narrow,
	       row->size);
}

static int parse_rows(const struct row *row, size_t nr, const json_t *doc, void *to,
		      struct why *why)
{
	for (size_t i = 0; i < nr; i++) {
		double v = row[i].fallback;
		int r = number(doc, row[i].key, row[i].min, row[i].max, &v, why);

		if (r == -EINVAL)
			return r;
		store(to, &row[i], v);
	}
	return 0;
}

static bool is_row(const struct row *row, size_t nr, const char *key)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(row[i].key, key))
			return true;
	return false;
}

/* Every key is one of the rows or of @others, a list ended by NULL. */
static int check_keys(const json_t *doc, const char *what, const struct row *row, size_t nr,
		      const char *const *others, struct why *why)
{
	const char *key;
	json_t *v;

	if (!json_is_object(doc))
		return why_set(why, -EINVAL, "%s: an object", what);
	json_object_foreach ((json_t *)doc, key, v) {
		size_t i = 0;

		while (others[i] && strcmp(others[i], key) != 0)
			i++;
		if (!others[i] && !is_row(row, nr, key))
			return why_set(why, -EINVAL, "%s: unknown key %.64s", what, key);
	}
	return 0;
}

static int parse_metric(const json_t *doc, const struct autoscale_config *common,
			struct scaling_metric *ret, struct why *why)
{
	static const char *const keys[] = {"signal", "target", NULL};
	const char *name = json_string_value(json_object_get(doc, "signal"));
	double target;
	int r = check_keys(doc, "metrics", NULL, 0, keys, why);

	if (r)
		return r;
	if (!name || signals_parse(name, &ret->signal))
		return why_set(
			why, -EINVAL,
			"signal: cpu, memory, throttled, wait_p99, rtt_p99, received, sent or "
			"connections");
	r = number(doc, "target", 0.01, 1e12, &target, why);
	if (r)
		return r == -ENOENT ? why_set(why, -EINVAL, "target: missing") : r;
	ret->config = *common;
	ret->config.target = (uint64_t)(target * units[ret->signal].scale + 0.5);
	ret->config.proportional = units[ret->signal].proportional;
	if (!ret->config.target)
		return why_set(why, -EINVAL, "target: too small");
	return 0;
}

static int parse_metrics(const json_t *doc, struct scaling_rule *to, struct why *why)
{
	const json_t *metrics = json_object_get(doc, "metrics"), *one;
	struct autoscale_config common = {0};
	size_t i;
	int r;

	if (!metrics)
		return 0;
	r = parse_rows(horizontal, sizeof(horizontal) / sizeof(*horizontal), doc, &common, why);
	if (r)
		return r;
	if (common.max < common.min || !common.max)
		return why_set(why, -EINVAL, "max: at least min, which is %u", common.min);
	if (!json_is_array(metrics) || !json_array_size(metrics) ||
	    json_array_size(metrics) > SCALING_METRICS_MAX)
		return why_set(why, -EINVAL, "metrics: 1 to %d objects", SCALING_METRICS_MAX);
	json_array_foreach ((json_t *)metrics, i, one) {
		r = parse_metric(one, &common, &to->metric[i], why);
		if (r)
			return r;
	}
	to->metrics_nr = i;
	return 0;
}

static int parse_quota(const json_t *doc, enum scaling_quota q, const json_t *all,
		       struct scaling_rule *to, struct why *why)
{
	static const char *const keys[] = {"min", "max", NULL};
	struct autoscale_vertical_config *c = &to->quota[q];
	double min, max;
	int r = check_keys(doc, quotas[q].name, NULL, 0, keys, why);

	if (r)
		return r;
	if (number(doc, "min", quotas[q].min, quotas[q].max, &min, why) ||
	    number(doc, "max", quotas[q].min, quotas[q].max, &max, why) || max < min)
		return why_set(why, -EINVAL, "%s: min and max, from %g to %g", quotas[q].name,
			       quotas[q].min, quotas[q].max);
	r = parse_rows(vertical, sizeof(vertical) / sizeof(*vertical), all, c, why);
	if (r)
		return r;
	c->min = (uint64_t)(min * quotas[q].scale + 0.5);
	c->max = (uint64_t)(max * quotas[q].scale + 0.5);
	to->has_quota[q] = true;
	return 0;
}

static int parse_vertical(const json_t *doc, struct scaling_rule *to, struct why *why)
{
	static const char *const keys[] = {"cpus", "mem", NULL};
	const json_t *all = json_object_get(doc, "vertical");
	int r;

	if (!all)
		return 0;
	r = check_keys(all, "vertical", vertical, sizeof(vertical) / sizeof(*vertical), keys, why);
	for (int q = 0; q < SCALING_QUOTAS && !r; q++) {
		const json_t *one = json_object_get(all, quotas[q].name);

		if (one)
			r = parse_quota(one, q, all, to, why);
	}
	return r;
}

int scaling_rule_parse(const json_t *doc, struct scaling_rule *ret, struct why *why)
{
	static const char *const keys[] = {"metrics", "vertical", NULL};
	struct scaling_rule rule = {0};
	int r = check_keys(doc, "autoscale", horizontal, sizeof(horizontal) / sizeof(*horizontal),
			   keys, why);

	if (!r)
		r = parse_metrics(doc, &rule, why);
	if (!r)
		r = parse_vertical(doc, &rule, why);
	if (!r && !rule.metrics_nr && !rule.has_quota[SCALING_CPUS] &&
	    !rule.has_quota[SCALING_MEMORY])
		r = why_set(why, -EINVAL, "autoscale: metrics, or vertical with cpus or mem");
	if (!r)
		*ret = rule;
	return r;
}
