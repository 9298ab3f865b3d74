/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many instances, and how much for each: functions of (configuration, past, sample, now) alone.
 * The caller keeps the past, stores it with the app, and records each decision with the numbers in it.
 * Times are CLOCK_MONOTONIC ns of one clock; a clock that went backwards is taken as standing still.
 */
#ifndef DCOS_POLICY_AUTOSCALE_H
#define DCOS_POLICY_AUTOSCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUTOSCALE_WINDOW_MAX 60 /* samples that a window may hold */
#define AUTOSCALE_CLASSES    128 /* classes of the histogram of use */
#define AUTOSCALE_TEXT_MAX   256 /* bytes of a decision's sentence */

/**
 * struct autoscale_config - horizontal scaling to a target
 * @min, @max: instances, 1 <= min <= max (min 0 is allowed, and never left by itself)
 * @target: of the signal per instance, in the signal's own unit, > 0
 * @proportional: the signal divides among instances (CPU use, requests/s): the count is set to
 *        count * signal / target. Otherwise (latency, throttling) it is raised or lowered by @step
 * @step: instances at once for a signal that does not divide; 0: 1
 * @tolerance_permille: no change while the signal is this near the target (hysteresis), 0..1000
 * @window: so many samples, whose median is the signal; 0: 1
 * @up_cooldown_ns, @down_cooldown_ns: after any change, before one up, or one down
 * @max_up_permille: at most this much more at once, 1000 doubles; 0: 1000; at least one instance
 * @max_down_permille: at most this much less at once; 0: 500; at least one instance
 * @fresh_ns: a sample older than this is not used; 0: 5 s
 */
struct autoscale_config {
	uint32_t min, max, step;
	uint64_t target;
	bool proportional;
	unsigned int tolerance_permille, window;
	uint64_t up_cooldown_ns, down_cooldown_ns;
	unsigned int max_up_permille, max_down_permille;
	uint64_t fresh_ns;
};

/** struct autoscale_past - all zero at first; plain data, to be stored as it is */
struct autoscale_past {
	uint64_t sample[AUTOSCALE_WINDOW_MAX];
	uint32_t samples_nr, next;
	uint64_t last_change_ns, last_now_ns;
	bool changed_once;
};

struct autoscale_sample {
	uint64_t value; /* mean over the instances that report */
	uint64_t at_ns;
	uint32_t instances; /* wanted now */
	uint32_t reporting; /* of them */
};

enum autoscale_verdict {
	AUTOSCALE_STAY, /* within tolerance */
	AUTOSCALE_UP,
	AUTOSCALE_DOWN,
	AUTOSCALE_AT_MIN, /* would go down, and is at min */
	AUTOSCALE_AT_MAX,
	AUTOSCALE_COOLDOWN, /* would change, and changed too short ago */
	AUTOSCALE_GATHERING, /* the window is not yet full */
	AUTOSCALE_STALE, /* sample too old, or nobody reports */
	AUTOSCALE_BOUNDS, /* outside min..max: brought back at once */
	AUTOSCALE_VERDICTS
};

/** struct autoscale_decision - with the numbers that led to it */
struct autoscale_decision {
	enum autoscale_verdict verdict;
	uint32_t from, to; /* instances; equal unless it changes */
	uint32_t raw; /* what the signal alone asked for */
	uint64_t signal, target; /* the window's median */
	uint64_t wait_ns; /* rest of the cool-down */
	char text[AUTOSCALE_TEXT_MAX]; /* the same as a sentence */
};

/**
 * autoscale_horizontal - how many instances
 * @past: carried from call to call, for one app and one signal
 *
 * Who acts on the decision says so with autoscale_changed(): a cool-down begins with a change, not
 * with the wish for one.
 * Return: 0; -EINVAL a configuration that makes no sense (@ret and @past are as before).
 */
int autoscale_horizontal(const struct autoscale_config *config, struct autoscale_past *past,
			 const struct autoscale_sample *sample, uint64_t now_ns,
			 struct autoscale_decision *ret);

/**
 * autoscale_changed - the number of instances was changed, by whatever signal or person
 */
void autoscale_changed(struct autoscale_past *past, uint64_t now_ns);

/**
 * struct autoscale_vertical_config - a quota that follows use
 * @min, @max: of the quota, in the unit of the samples
 * @quantile_permille: of the decayed use, e.g. 950
 * @margin_permille: on top of it, e.g. 150
 * @half_life_ns: a sample weighs half as much after this time
 * @up_permille, @down_permille: change only when the recommendation differs by so much
 * @cooldown_ns: between two changes; one up because of @starved does not wait
 * @samples_min: so many samples before the first change
 */
struct autoscale_vertical_config {
	uint64_t min, max;
	unsigned int quantile_permille, margin_permille, up_permille, down_permille;
	uint64_t half_life_ns, cooldown_ns, samples_min;
};

/**
 * struct autoscale_histogram - use in classes that grow by 10 % each; all zero at first
 * A class's weight is in 2^-16 of a sample of the time reference_ns. Between two half-lives a
 * sample's weight is interpolated, which is at most 7 % off.
 */
struct autoscale_histogram {
	uint64_t weight[AUTOSCALE_CLASSES];
	uint64_t reference_ns, samples, first; /* first: lower bound of class 1 */
	uint64_t last_change_ns, peak;
	bool changed_once;
};

/** struct autoscale_use - one sample of use, the highest since the one before */
struct autoscale_use {
	uint64_t value, quota;
	bool starved; /* throttled, or killed for want of it: use says too little */
};

struct autoscale_vertical_decision {
	enum autoscale_verdict verdict;
	uint64_t from, to, quantile, recommended, samples;
	char text[AUTOSCALE_TEXT_MAX];
};

/**
 * autoscale_vertical - how much for each instance
 * @hist: carried from call to call, for one app and one resource
 * Return: 0; -EINVAL a configuration that makes no sense.
 */
int autoscale_vertical(const struct autoscale_vertical_config *config,
		       struct autoscale_histogram *hist, const struct autoscale_use *use,
		       uint64_t now_ns, struct autoscale_vertical_decision *ret);

/**
 * autoscale_vertical_changed - the quota was changed
 */
void autoscale_vertical_changed(struct autoscale_histogram *hist, uint64_t now_ns);

const char *autoscale_verdict_name(enum autoscale_verdict v);

#endif
