// SPDX-License-Identifier: Apache-2.0
/* The ladder under pressure, and what may be lent. */
#include "tools/allocator/policy/oversubscription.h"

#include <errno.h>

#define PERMILLE	  1000U
#define HIGH_DEFAULT	  200
#define LOW_DEFAULT	  50
#define SECOND		  1000000000ULL
#define CLIMB_DEFAULT	  (2 * SECOND)
#define GIVE_BACK_DEFAULT (10 * SECOND)
#define FROZEN_DEFAULT	  (30 * SECOND)

const char *ladder_rung_name(enum ladder_rung r)
{
	static const char *const names[] = {
		[LADDER_FREE] = "free",
		[LADDER_THROTTLED] = "throttled",
		[LADDER_FROZEN] = "frozen",
		[LADDER_ENDED] = "ended",
	};

	return (unsigned int)r < LADDER_RUNGS ? names[r] : "?";
}

/* Low rungs first: all are throttled before one is frozen, all frozen before one is ended. */
static bool climbs_before(const struct ladder_instance *a, const struct ladder_instance *b)
{
	if (a->rung != b->rung)
		return a->rung < b->rung;
	if (a->priority != b->priority)
		return a->priority < b->priority;
	return a->used > b->used;
}

static bool returns_before(const struct ladder_instance *a, const struct ladder_instance *b)
{
	if (a->rung != b->rung)
		return a->rung > b->rung;
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a->used < b->used;
}

static void move(struct ladder_instance *in, enum ladder_rung to, uint64_t now_ns,
		 struct ladder_decision *d)
{
	d->from = in->rung;
	d->to = to;
	in->rung = to;
	in->since_ns = now_ns;
}

/* Return: whether one moved. */
static bool climb(uint64_t frozen_ns, struct ladder_instance *in, size_t nr, uint64_t now_ns,
		  struct ladder_decision *d)
{
	struct ladder_instance *next = NULL;

	for (size_t i = 0; i < nr; i++)
		if (in[i].rung < LADDER_ENDED && (!next || climbs_before(&in[i], next)))
			next = &in[i];
	if (!next)
		return false;
	d->instance = (size_t)(next - in);
	if (next->rung == LADDER_FROZEN && now_ns - next->since_ns < frozen_ns) {
		d->from = d->to = LADDER_FROZEN;
		d->frozen_wait_ns = frozen_ns - (now_ns - next->since_ns);
		return false;
	}
	move(next, next->rung + 1, now_ns, d);
	return true;
}

static bool give_back(struct ladder_instance *in, size_t nr, uint64_t now_ns,
		      struct ladder_decision *d)
{
	struct ladder_instance *next = NULL;

	for (size_t i = 0; i < nr; i++)
		if (in[i].rung != LADDER_FREE && in[i].rung != LADDER_ENDED &&
		    (!next || returns_before(&in[i], next)))
			next = &in[i];
	if (!next)
		return false;
	d->instance = (size_t)(next - in);
	move(next, next->rung - 1, now_ns, d);
	return true;
}

static void follow(struct ladder_past *past, unsigned int pressure, unsigned int high,
		   unsigned int low, uint64_t now_ns)
{
	if (pressure > high && !past->high)
		past->high_since_ns = now_ns;
	if (pressure < low && !past->low)
		past->low_since_ns = now_ns;
	past->high = pressure > high;
	past->low = pressure < low;
}

int ladder_step(const struct ladder_config *config, struct ladder_past *past,
		struct ladder_instance *instances, size_t instances_nr,
		unsigned int pressure_permille, uint64_t now_ns, struct ladder_decision *ret)
{
	unsigned int high = config->high_permille ? config->high_permille : HIGH_DEFAULT;
	unsigned int low = config->low_permille ? config->low_permille : LOW_DEFAULT;
	uint64_t climb_ns = config->climb_ns ? config->climb_ns : CLIMB_DEFAULT;
	uint64_t back_ns = config->give_back_ns ? config->give_back_ns : GIVE_BACK_DEFAULT;
	uint64_t frozen_ns = config->frozen_ns ? config->frozen_ns : FROZEN_DEFAULT;
	struct ladder_decision d = {.pressure_permille = pressure_permille};

	if (low >= high)
		return -EINVAL;
	if (instances_nr > LADDER_INSTANCES_MAX)
		return -E2BIG;
	if (now_ns < past->last_now_ns)
		now_ns = past->last_now_ns;
	past->last_now_ns = now_ns;
	follow(past, pressure_permille, high, low, now_ns);
	if (past->high) {
		d.for_ns = now_ns - past->high_since_ns;
		if (d.for_ns >= climb_ns && climb(frozen_ns, instances, instances_nr, now_ns, &d))
			past->high_since_ns = now_ns; /* the next rung waits as long */
	} else if (past->low) {
		d.for_ns = now_ns - past->low_since_ns;
		if (d.for_ns >= back_ns && give_back(instances, instances_nr, now_ns, &d))
			past->low_since_ns = now_ns;
	}
	*ret = d;
	return 0;
}

/* Halved in each half-life; between two, a straight line. */
static uint64_t faded(uint64_t distance, uint64_t elapsed_ns, uint64_t half_life_ns)
{
	uint64_t halves = elapsed_ns / half_life_ns;

	if (halves >= 64)
		return 0;
	distance >>= halves;
	return distance - (uint64_t)((unsigned __int128)distance * (elapsed_ns % half_life_ns) /
				     half_life_ns / 2);
}

void policy_slack(struct slack_past *past, const struct policy_resources *requested,
		  const struct policy_resources *used, unsigned int margin_permille,
		  uint64_t half_life_ns, uint64_t now_ns, struct policy_resources *ret)
{
	static const enum policy_dimension lent[] = {POLICY_CPUS, POLICY_NETWORK};
	uint64_t elapsed = now_ns > past->last_ns ? now_ns - past->last_ns : 0;

	*ret = (struct policy_resources){0};
	for (size_t i = 0; i < sizeof(lent) / sizeof(*lent); i++) {
		uint64_t now = used->of[lent[i]], *peak = &past->peak.of[lent[i]];
		unsigned __int128 kept;

		*peak = *peak > now && half_life_ns
				? now + faded(*peak - now, elapsed, half_life_ns)
				: now;
		kept = (unsigned __int128)*peak * (PERMILLE + margin_permille) / PERMILLE;
		if (kept < requested->of[lent[i]])
			ret->of[lent[i]] = requested->of[lent[i]] - (uint64_t)kept;
	}
	if (now_ns > past->last_ns)
		past->last_ns = now_ns;
}
