// SPDX-License-Identifier: Apache-2.0
/*
 * Vertical scaling: a quota follows a quantile of use, of a histogram in which old samples weigh
 * less and less, with a margin. A new sample weighs 2^age more than one at the reference time, so
 * that no class is touched as time passes; when weights get large, all are halved and the reference
 * moves on.
 */
#include <errno.h>
#include <stdio.h>

#include "tools/allocator/policy/autoscale.h"

#define PERMILLE    1000U
#define SAMPLE	    (1ULL << 16) /* weight of a sample at the reference time */
#define AGE_MAX	    20 /* half-lives after which the reference moves */
#define WEIGHT_MAX  (1ULL << 56) /* of a class: all of them together stay below 2^63 */
#define BELOW_MIN   16 /* the first class ends at this part of the least quota */
#define GROWTH_PART 10 /* each class is 1/10 wider */

static bool config_ok(const struct autoscale_vertical_config *c)
{
	return c->min && c->min <= c->max && c->max <= UINT64_MAX / (2 * PERMILLE) &&
	       c->quantile_permille && c->quantile_permille <= PERMILLE &&
	       c->margin_permille <= PERMILLE && c->half_life_ns;
}

static uint64_t next_bound(uint64_t bound)
{
	return bound + bound / GROWTH_PART + 1;
}

static unsigned int class_of(const struct autoscale_histogram *h, uint64_t value)
{
	uint64_t bound = h->first;
	unsigned int i = 0;

	for (; i < AUTOSCALE_CLASSES - 1 && value >= bound; i++)
		bound = next_bound(bound);
	return i;
}

/* All weights a number of half-lives older. */
static void age(struct autoscale_histogram *h, uint64_t half_lives, uint64_t half_life_ns)
{
	for (unsigned int i = 0; i < AUTOSCALE_CLASSES; i++)
		h->weight[i] = half_lives < 64 ? h->weight[i] >> half_lives : 0;
	h->reference_ns += half_lives * half_life_ns;
}

static void add(struct autoscale_histogram *h, uint64_t value, uint64_t half_life_ns,
		uint64_t now_ns)
{
	unsigned int class;
	uint64_t old, weight;

	if (!h->samples)
		h->reference_ns = now_ns;
	if (now_ns < h->reference_ns)
		now_ns = h->reference_ns;
	old = (now_ns - h->reference_ns) / half_life_ns;
	if (old > AGE_MAX) {
		age(h, old, half_life_ns);
		old = 0;
	}
	weight = SAMPLE << old;
	weight += (uint64_t)((unsigned __int128)weight *
			     ((now_ns - h->reference_ns) % half_life_ns) / half_life_ns);
	class = class_of(h, value);
	h->weight[class] += weight;
	if (h->weight[class] > WEIGHT_MAX)
		age(h, 1, half_life_ns);
	h->samples++;
	h->peak = value > h->peak ? value : h->peak;
}

/* Upper bound of the class in which the quantile lies; the greatest value ever in the last one. */
static uint64_t quantile(const struct autoscale_histogram *h, unsigned int permille)
{
	unsigned __int128 all = 0, sum = 0;
	uint64_t bound = h->first;
	unsigned int i = 0;

	for (unsigned int k = 0; k < AUTOSCALE_CLASSES; k++)
		all += h->weight[k];
	for (; i < AUTOSCALE_CLASSES - 1; i++) {
		sum += h->weight[i];
		if (sum * PERMILLE >= all * permille)
			return bound;
		bound = next_bound(bound);
	}
	return h->peak;
}

static bool differs(const struct autoscale_vertical_config *c, uint64_t quota, uint64_t to)
{
	if (!quota)
		return true;
	if (to > quota)
		return (unsigned __int128)(to - quota) * PERMILLE >
		       (unsigned __int128)quota * c->up_permille;
	return (unsigned __int128)(quota - to) * PERMILLE >
	       (unsigned __int128)quota * c->down_permille;
}

static enum autoscale_verdict decide(const struct autoscale_vertical_config *c,
				     const struct autoscale_histogram *h,
				     const struct autoscale_use *use, uint64_t now_ns,
				     struct autoscale_vertical_decision *d)
{
	unsigned __int128 with_margin =
		(unsigned __int128)d->quantile * (PERMILLE + c->margin_permille) / PERMILLE;
	bool up;

	d->recommended = with_margin > c->max ? c->max : (uint64_t)with_margin;
	if (d->recommended < c->min)
		d->recommended = c->min;
	if (use->quota && (use->quota < c->min || use->quota > c->max)) {
		d->to = use->quota < c->min ? c->min : c->max;
		return AUTOSCALE_BOUNDS;
	}
	if (h->samples < c->samples_min && !use->starved)
		return AUTOSCALE_GATHERING;
	if (use->quota == c->max && with_margin > c->max)
		return AUTOSCALE_AT_MAX;
	if (use->quota == c->min && with_margin < c->min)
		return AUTOSCALE_AT_MIN;
	up = use->quota && d->recommended > use->quota;
	if (d->recommended == use->quota ||
	    (!(up && use->starved) && !differs(c, use->quota, d->recommended)))
		return AUTOSCALE_STAY;
	if (!(up && use->starved) && h->changed_once && now_ns - h->last_change_ns < c->cooldown_ns)
		return AUTOSCALE_COOLDOWN;
	d->to = d->recommended;
	return up ? AUTOSCALE_UP : AUTOSCALE_DOWN;
}

int autoscale_vertical(const struct autoscale_vertical_config *config,
		       struct autoscale_histogram *hist, const struct autoscale_use *use,
		       uint64_t now_ns, struct autoscale_vertical_decision *ret)
{
	struct autoscale_vertical_decision d = {.from = use->quota, .to = use->quota};
	uint64_t value = use->value;

	if (!config_ok(config))
		return -EINVAL;
	if (now_ns < hist->last_change_ns)
		now_ns = hist->last_change_ns;
	if (!hist->first)
		hist->first = config->min / BELOW_MIN + 1;
	/* whoever starves would have used more than it may, nobody knows how much */
	if (use->starved && value < use->quota)
		value = use->quota;
	if (use->starved && value <= config->max)
		value += value * config->margin_permille / PERMILLE;
	add(hist, value, config->half_life_ns, now_ns);
	d.samples = hist->samples;
	d.quantile = quantile(hist, config->quantile_permille);
	if (use->starved && d.quantile < value)
		d.quantile = value;
	d.verdict = decide(config, hist, use, now_ns, &d);
	(void)snprintf(d.text, sizeof(d.text),
		       "%s: %llu -> %llu, recommended %llu: p%u.%u of %llu samples %llu, "
		       "margin %u.%u %%%s",
		       autoscale_verdict_name(d.verdict), (unsigned long long)d.from,
		       (unsigned long long)d.to, (unsigned long long)d.recommended,
		       config->quantile_permille / 10, config->quantile_permille % 10,
		       (unsigned long long)d.samples, (unsigned long long)d.quantile,
		       config->margin_permille / 10, config->margin_permille % 10,
		       use->starved ? ", starved" : ""); /* it fits: 64 bits a number */
	*ret = d;
	return 0;
}

void autoscale_vertical_changed(struct autoscale_histogram *hist, uint64_t now_ns)
{
	if (now_ns > hist->last_change_ns)
		hist->last_change_ns = now_ns;
	hist->changed_once = true;
}
