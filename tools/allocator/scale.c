// SPDX-License-Identifier: Apache-2.0
/*
 * How many tasks an app should have now: upgrades by minimumHealthCapacity and
 * maximumOverCapacity, scaling, and the replacement of what ended.
 */
#include <math.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/allocator/core.h"
#include "tools/allocator/health.h"
#include "tools/allocator/stamp.h"

#define ROUNDING 1e-9 /* of capacities that are not exact in binary, such as 0.7 */

static bool is_old(const struct core_task *t)
{
	const char *config =
		app_text(json_object_get(t->app->def, "versionInfo"), "lastConfigChangeAt");

	return t->app->doomed || strcmp(t->config, config) != 0;
}

void scale_count(const struct core_app *a, struct scale_counts *ret)
{
	struct scale_counts s = {};
	const struct core_task *t;

	TAILQ_FOREACH(t, &a->tasks, link)
	{
		if (t->inactive)
			continue;
		if (t->state == CORE_KILLING) {
			s.killing++;
		} else if (is_old(t)) {
			s.old_alive++;
			s.old_healthy += health_is_good(t);
		} else {
			s.now_alive++;
			s.now_healthy += health_is_good(t);
		}
	}
	*ret = s;
}

static uint32_t less(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t minus(uint32_t a, uint32_t b)
{
	return a > b ? a - b : 0;
}

void scale_plan(const struct scale_counts *s, uint32_t wanted, double minimum_health,
		double maximum_over, struct scale_plan *ret)
{
	uint32_t min = (uint32_t)ceil(wanted * minimum_health - ROUNDING);
	uint32_t max = (uint32_t)floor(wanted * (1 + maximum_over) + ROUNDING);
	uint32_t alive = s->old_alive + s->now_alive;
	struct scale_plan p = {.kill_now = minus(s->now_alive, wanted)};

	/* those that are about to end may be the last of the old */
	if (!s->old_alive && !s->killing) {
		p.launch = minus(wanted, s->now_alive);
	} else {
		/* with no room on either side one more than wanted is started */
		if (min == max && max <= alive)
			max++;
		p.launch = less(minus(wanted, s->now_alive), minus(max, alive + s->killing));
		/* what is not healthy serves nobody; of the healthy as many stay as must */
		p.kill_old = s->old_alive - s->old_healthy +
			     less(s->old_healthy, minus(s->old_healthy + s->now_healthy, min));
	}
	*ret = p;
}

static uint32_t wanted_of(const struct core_app *a)
{
	return a->doomed ? 0 : app_instances(a->def);
}

/* Rather this one than the other? Those that serve nobody go first. */
static bool rather(const struct core_task *t, const struct core_task *other, bool oldest)
{
	if (health_is_good(t) != health_is_good(other))
		return !health_is_good(t);
	return oldest ? t->staged_ms < other->staged_ms : t->staged_ms >= other->staged_ms;
}

static struct core_task *choose(struct core_app *a, bool old)
{
	bool oldest = !strcmp(app_text(a->def, "killSelection"), "OLDEST_FIRST");
	struct core_task *t, *best = NULL;

	TAILQ_FOREACH(t, &a->tasks, link)
	if (t->state != CORE_KILLING && !t->inactive && is_old(t) == old &&
	    (!best || rather(t, best, oldest)))
		best = t;
	return best;
}

static void kill_some(struct core *c, struct core_app *a, bool old, uint32_t nr)
{
	struct core_task *t;

	while (nr-- && (t = choose(a, old)))
		task_kill(c, t);
}

static void turn_app(struct core *c, struct core_app *a)
{
	const json_t *u = json_object_get(a->def, "upgradeStrategy");
	bool hold = mono_ms() < a->hold_until_ms;
	struct scale_counts s;
	struct scale_plan p;

	if (a->held)
		return;
	scale_count(a, &s);
	scale_plan(&s, wanted_of(a), app_number(u, "minimumHealthCapacity"),
		   app_number(u, "maximumOverCapacity"), &p);
	kill_some(c, a, true, p.kill_old);
	kill_some(c, a, false, p.kill_now);
	if (!p.launch)
		a->waits_since_ms = 0;
	else if (!a->waits_since_ms)
		a->waits_since_ms = stamp_ms();
	a->waits = p.launch;
	place_wanted(c, a, a->tasks_nr + p.launch, hold);
}

void scale_turn(struct core *c)
{
	struct core_app *a, *next;

	for (a = LIST_FIRST(&c->apps); a; a = next) {
		next = LIST_NEXT(a, link);
		turn_app(c, a);
	}
}

bool scale_settled(const struct core_app *a, char *reason, size_t size)
{
	uint64_t now = mono_ms();
	uint32_t wanted = wanted_of(a);
	struct scale_counts s;

	scale_count(a, &s);
	if (a->doomed && !a->tasks_nr)
		return true;
	if (!a->doomed && !s.old_alive && !s.killing && s.now_alive == wanted &&
	    s.now_healthy == wanted)
		return true;
	if (a->hold_until_ms > now) /* cut: still a sentence */
		(void)snprintf(reason, size,
			       "a task ended unexpectedly, the next is launched in %.1f s",
			       (double)(a->hold_until_ms - now) / 1000);
	else
		(void)snprintf(reason, size,
			       "%u of %u instances healthy, %u of them yet to be placed or to "
			       "become so, %u of an older configuration, %u about to end",
			       s.now_healthy, wanted, minus(wanted, s.now_healthy), s.old_alive,
			       s.killing);
	return false;
}
