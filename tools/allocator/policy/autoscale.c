// SPDX-License-Identifier: Apache-2.0
/*
 * Horizontal scaling. Instances that do not report count as idle when the others ask for more, and
 * as on target when they ask for less: a starting or dead instance never causes a change by itself.
 * After a change the window starts anew, because what came before says nothing of the new count.
 */
#include "tools/allocator/policy/autoscale.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERMILLE	 1000U
#define FRESH_DEFAULT_NS 5000000000ULL
#define UP_DEFAULT	 1000
#define DOWN_DEFAULT	 500

static const char *const verdicts[] = {
	[AUTOSCALE_STAY] = "stay",
	[AUTOSCALE_UP] = "up",
	[AUTOSCALE_DOWN] = "down",
	[AUTOSCALE_AT_MIN] = "at min",
	[AUTOSCALE_AT_MAX] = "at max",
	[AUTOSCALE_COOLDOWN] = "cool-down",
	[AUTOSCALE_GATHERING] = "gathering",
	[AUTOSCALE_STALE] = "stale",
	[AUTOSCALE_BOUNDS] = "outside bounds",
};
_Static_assert(sizeof(verdicts) / sizeof(*verdicts) == AUTOSCALE_VERDICTS, "a name for each");

const char *autoscale_verdict_name(enum autoscale_verdict v)
{
	return (unsigned int)v < AUTOSCALE_VERDICTS ? verdicts[v] : "?";
}

static bool config_ok(const struct autoscale_config *c)
{
	return c->max && c->min <= c->max && c->target && c->tolerance_permille <= PERMILLE &&
	       c->window <= AUTOSCALE_WINDOW_MAX;
}

static void remember(struct autoscale_past *past, unsigned int window, uint64_t value)
{
	past->next %= window; /* it may have become shorter */
	past->sample[past->next] = value;
	past->next = (past->next + 1) % window;
	if (past->samples_nr < window)
		past->samples_nr++;
	else
		past->samples_nr = window;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median(const struct autoscale_past *past)
{
	uint64_t sorted[AUTOSCALE_WINDOW_MAX];

	memcpy(sorted, past->sample, past->samples_nr * sizeof(*sorted));
	qsort(sorted, past->samples_nr, sizeof(*sorted), by_value);
	return sorted[past->samples_nr / 2];
}

static uint32_t saturate(unsigned __int128 n)
{
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* The count by the signal alone. */
static uint32_t wanted_by(const struct autoscale_config *c, const struct autoscale_sample *s,
			  uint64_t signal)
{
	unsigned __int128 sum = (unsigned __int128)signal * s->reporting;
	uint32_t step = c->step ? c->step : 1, missing, raw;

	if (!c->proportional) {
		if (signal > c->target)
			return saturate((unsigned __int128)s->instances + step);
		return s->instances > step ? s->instances - step : 0;
	}
	missing = s->instances > s->reporting ? s->instances - s->reporting : 0;
	if (signal < c->target)
		sum += (unsigned __int128)c->target * missing;
	raw = saturate((sum + c->target - 1) / c->target);
	/* those that do not report yet may be what is asked for */
	return signal > c->target && raw < s->instances ? s->instances : raw;
}

static bool is_near(const struct autoscale_config *c, uint64_t signal)
{
	uint64_t off = signal > c->target ? signal - c->target : c->target - signal;

	return (unsigned __int128)off * PERMILLE <=
	       (unsigned __int128)c->target * c->tolerance_permille;
}

/* At most so far at once, and within the bounds. */
static uint32_t tame(const struct autoscale_config *c, uint32_t from, uint32_t raw)
{
	uint64_t up = c->max_up_permille ? c->max_up_permille : UP_DEFAULT;
	uint64_t down = c->max_down_permille ? c->max_down_permille : DOWN_DEFAULT;
	uint64_t most = from * up / PERMILLE, least = from * down / PERMILLE, to = raw;

	most = from + (most ? most : 1);
	least = least ? least : 1;
	least = from > least ? from - least : 0;
	to = to > most ? most : to;
	to = to < least ? least : to;
	to = to > c->max ? c->max : to;
	return (uint32_t)(to < c->min ? c->min : to);
}

static uint64_t cooldown_left(const struct autoscale_config *c, const struct autoscale_past *past,
			      bool up, uint64_t now_ns)
{
	uint64_t cooldown = up ? c->up_cooldown_ns : c->down_cooldown_ns;
	uint64_t since = now_ns - past->last_change_ns;

	return past->changed_once && since < cooldown ? cooldown - since : 0;
}

static enum autoscale_verdict decide(const struct autoscale_config *c, struct autoscale_past *past,
				     const struct autoscale_sample *s, uint64_t now_ns,
				     struct autoscale_decision *d)
{
	unsigned int window = c->window ? c->window : 1;
	uint64_t fresh = c->fresh_ns ? c->fresh_ns : FRESH_DEFAULT_NS;
	uint32_t to;

	d->from = d->to = d->raw = s->instances;
	d->target = c->target;
	if (s->instances < c->min || s->instances > c->max) {
		d->to = d->raw = s->instances < c->min ? c->min : c->max;
		return AUTOSCALE_BOUNDS;
	}
	if (!s->instances)
		return AUTOSCALE_STAY;
	if (!s->reporting || (now_ns > s->at_ns && now_ns - s->at_ns > fresh))
		return AUTOSCALE_STALE;
	remember(past, window, s->value);
	if (past->samples_nr < window)
		return AUTOSCALE_GATHERING;
	d->signal = median(past);
	if (is_near(c, d->signal))
		return AUTOSCALE_STAY;
	d->raw = wanted_by(c, s, d->signal);
	if (d->raw == s->instances)
		return AUTOSCALE_STAY;
	to = tame(c, s->instances, d->raw);
	if (to == s->instances)
		return d->raw > to ? AUTOSCALE_AT_MAX : AUTOSCALE_AT_MIN;
	d->wait_ns = cooldown_left(c, past, to > s->instances, now_ns);
	if (d->wait_ns)
		return AUTOSCALE_COOLDOWN;
	d->to = to;
	return to > s->instances ? AUTOSCALE_UP : AUTOSCALE_DOWN;
}

/* Longer numbers than AUTOSCALE_TEXT_MAX holds do not exist: 64 bits each. */
static void describe(const struct autoscale_sample *s, const struct autoscale_past *past,
		     struct autoscale_decision *d)
{
	(void)snprintf(d->text, sizeof(d->text),
		       "%s: %u -> %u, signal %llu for target %llu asks for %u (median of %u, "
		       "%u of %u report, cool-down %llu s)",
		       autoscale_verdict_name(d->verdict), d->from, d->to,
		       (unsigned long long)d->signal, (unsigned long long)d->target, d->raw,
		       past->samples_nr, s->reporting, s->instances,
		       (unsigned long long)(d->wait_ns / 1000000000));
}

int autoscale_horizontal(const struct autoscale_config *config, struct autoscale_past *past,
			 const struct autoscale_sample *sample, uint64_t now_ns,
			 struct autoscale_decision *ret)
{
	struct autoscale_decision d = {0};

	if (!config_ok(config))
		return -EINVAL;
	if (now_ns < past->last_now_ns)
		now_ns = past->last_now_ns;
	past->last_now_ns = now_ns;
	d.verdict = decide(config, past, sample, now_ns, &d);
	describe(sample, past, &d);
	*ret = d;
	return 0;
}

void autoscale_changed(struct autoscale_past *past, uint64_t now_ns)
{
	if (now_ns < past->last_now_ns)
		now_ns = past->last_now_ns;
	past->last_now_ns = past->last_change_ns = now_ns;
	past->changed_once = true;
	past->samples_nr = past->next = 0;
}
