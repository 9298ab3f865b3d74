// SPDX-License-Identifier: Apache-2.0
/* Upgrades move by move: the capacities hold in each, and none gets stuck. */
#include <math.h>
#include <stdlib.h>

#include "selftests/harness/test.h"
#include "tools/allocator/core.h"

#define MOVES_MAX 100000

/* What happens between two moves: something starts, becomes healthy, or ends. */
static void happens(struct scale_counts *s, unsigned int *staging)
{
	switch (rand() % 3) {
	case 0:
		if (*staging) {
			(*staging)--;
			s->now_healthy++;
		}
		break;
	case 1:
		if (s->killing)
			s->killing--;
		break;
	default:
		break;
	}
}

struct limits {
	uint32_t min, max;
};

static struct limits limits_of(uint32_t n, double health, double over)
{
	struct limits l = {(uint32_t)ceil(n * health - 1e-9),
			   (uint32_t)floor(n * (1 + over) + 1e-9)};

	l.max += l.min == l.max;
	return l;
}

/* Return: it has ended. Violations are counted. */
static bool upgrade(uint32_t n, double health, double over, unsigned int *violations)
{
	struct scale_counts s = {.old_alive = n, .old_healthy = n};
	struct limits l = limits_of(n, health, over);
	unsigned int staging = 0;

	for (int i = 0; i < MOVES_MAX; i++) {
		struct scale_plan p;

		scale_plan(&s, n, health, over, &p);
		s.old_alive -= p.kill_old;
		s.old_healthy -= p.kill_old;
		s.now_alive += p.launch;
		staging += p.launch;
		s.killing += p.kill_old + p.kill_now;
		*violations += s.old_healthy + s.now_healthy < l.min;
		*violations +=
			p.launch && s.old_alive + s.now_alive + s.killing > l.max + p.kill_old;
		*violations += p.kill_now;
		if (!s.old_alive && s.now_healthy == n && !s.killing)
			return true;
		happens(&s, &staging);
	}
	return false;
}

TEST(an_upgrade_keeps_its_capacities_and_ends)
{
	static const double parts[] = {0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1};
	unsigned int violations = 0, stuck = 0;

	srand(1);
	for (uint32_t n = 1; n <= 24; n++)
		for (int h = 0; h < 8; h++)
			for (int o = 0; o < 8; o++)
				stuck += !upgrade(n, parts[h], parts[o], &violations);
	EXPECT_EQ(violations, 0);
	EXPECT_EQ(stuck, 0);
}

TEST(without_room_on_either_side_one_more_is_started)
{
	struct scale_counts s = {.old_alive = 3, .old_healthy = 3};
	struct scale_plan p;

	scale_plan(&s, 3, 1, 0, &p);
	EXPECT_EQ(p.launch, 1);
	EXPECT_EQ(p.kill_old, 0);
	s.now_alive = s.now_healthy = 1;
	scale_plan(&s, 3, 1, 0, &p);
	EXPECT_EQ(p.launch, 0);
	EXPECT_EQ(p.kill_old, 1);
}

TEST(seven_tenths_of_ten_are_seven)
{
	struct scale_counts s = {.old_alive = 10, .old_healthy = 10};
	struct scale_plan p;

	scale_plan(&s, 10, 0.7, 0.1, &p);
	EXPECT_EQ(p.kill_old, 3);
	EXPECT_EQ(p.launch, 1);
}

TEST(old_tasks_that_are_not_healthy_hold_nothing_up)
{
	struct scale_counts s = {.old_alive = 4, .old_healthy = 1};
	struct scale_plan p;

	scale_plan(&s, 4, 1, 0, &p);
	EXPECT_EQ(p.kill_old, 3);
}

TEST(scaling_kills_what_is_too_much_and_starts_what_lacks)
{
	struct scale_counts s = {.now_alive = 5, .now_healthy = 5};
	struct scale_plan p;

	scale_plan(&s, 2, 1, 1, &p);
	EXPECT_EQ(p.kill_now, 3);
	EXPECT_EQ(p.launch, 0);
	scale_plan(&s, 9, 1, 1, &p);
	EXPECT_EQ(p.kill_now, 0);
	EXPECT_EQ(p.launch, 4);
}
