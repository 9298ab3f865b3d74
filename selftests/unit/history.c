// SPDX-License-Identifier: Apache-2.0
/* The history's ring: whatever goes in, in whatever order, comes out, rounded. */
#include "agent/history.h"

#include <stdlib.h>
#include <string.h>

#include "selftests/harness/test.h"

#define TASKS	 40
#define KEPT	 2000 /* values that the model remembers of a task */
#define BIG_RING (8U << 20)

static uint64_t seed = 88172645463325252;

static uint64_t random_u64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Of any size, and often 0. */
static uint64_t random_value(void)
{
	return random_u64() % 3 ? random_u64() >> (22 + random_u64() % 42) : 0;
}

static bool is_near(uint64_t got, uint64_t want)
{
	uint64_t off = got > want ? got - want : want - got;

	return want < 4096 ? !off : off <= want >> 11;
}

TEST(small_values_are_kept_and_large_ones_rounded_to_11_bits)
{
	uint64_t v;

	for (v = 0; v < 4096; v++)
		EXPECT_EQ(history_decode(history_encode(v)), v);
	for (int i = 0; i < 200000; i++) {
		v = random_value();
		if (!is_near(history_decode(history_encode(v)), v))
			EXPECT_EQ(history_decode(history_encode(v)), v);
	}
	EXPECT_EQ(history_encode(UINT64_MAX), HISTORY_CODE_MAX);
	EXPECT_EQ(history_encode(UINT64_C(1) << 43), HISTORY_CODE_MAX);
	EXPECT_EQ(history_decode(HISTORY_CODE_MAX), UINT64_C(4095) << 30);
}

TEST(codes_are_in_the_order_of_their_values)
{
	for (unsigned int code = 0; code < HISTORY_CODE_MAX; code++) {
		uint64_t v = history_decode((uint16_t)code);

		EXPECT_EQ(history_encode(v), code);
		EXPECT_GT(history_decode((uint16_t)(code + 1)), v);
	}
}

/* A task, and what went in. */
struct model {
	struct history_task *t;
	uint64_t v[KEPT][HISTORY_SERIES];
	int nr;
};

static void model_add(struct history *h, struct model *m, const uint64_t v[HISTORY_SERIES],
		      unsigned int times)
{
	history_add(h, m->t, v, times);
	for (unsigned int i = 0; i < times; i++) {
		if (m->nr == KEPT) {
			memmove(m->v[0], m->v[1], sizeof(m->v[0]) * (KEPT - 1));
			m->nr--;
		}
		memcpy(m->v[m->nr++], v, sizeof(m->v[0]));
	}
}

/* Return: how many came out; each of them must be the value that went in at its place. */
static int model_check(const struct history *h, const struct model *m, int max)
{
	static uint16_t got[HISTORY_SERIES][HISTORY_TICKS];
	int nr = history_read(h, m->t, max, got), wrong = 0;

	EXPECT_LE(nr, max);
	EXPECT_LE(nr, m->nr);
	for (int i = 0; i < nr; i++)
		for (int s = 0; s < HISTORY_SERIES; s++)
			wrong += !is_near(history_decode(got[s][i]), m->v[m->nr - nr + i][s]);
	EXPECT_EQ(wrong, 0);
	return nr;
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

/* Each series behaves in another way, as those of tasks do. */
static void next_values(uint64_t v[HISTORY_SERIES], int kind)
{
	for (int s = 0; s < HISTORY_SERIES; s++) {
		switch ((s + kind) % 5) {
		case 0: /* always the same, maybe 0 */
			v[s] = (uint64_t)kind * 1000003;
			break;
		case 1: /* now and then */
			v[s] = random_u64() % 50 ? 0 : random_value();
			break;
		case 2: /* a little around something */
			v[s] = 100000 + random_u64() % 1000;
			break;
		case 3: /* grows */
			v[s] += random_u64() % 4096;
			break;
		default:
			v[s] = random_value();
		}
	}
}

TEST(the_last_600_values_come_out_as_they_went_in)
{
	struct model *m = calloc(1, sizeof(*m));
	uint64_t v[HISTORY_SERIES] = {};
	struct history *h;

	ASSERT_EQ(history_new(BIG_RING, &h), 0);
	m->t = history_task_new();
	EXPECT_EQ(model_check(h, m, HISTORY_TICKS), 0);
	for (int i = 1; i < 3 * HISTORY_TICKS; i++) {
		history_tick(h, 1);
		next_values(v, 3);
		model_add(h, m, v, 1);
		EXPECT_EQ(model_check(h, m, HISTORY_TICKS), least(i, HISTORY_TICKS));
		EXPECT_EQ(model_check(h, m, 60), least(i, 60));
	}
	EXPECT_EQ(model_check(h, m, 1), 1);
	EXPECT_EQ(model_check(h, m, 0), 0);
	history_task_free(m->t);
	history_free(h);
	free(m);
}

TEST(skipped_readings_are_filled_with_what_came_after_them)
{
	struct model *m = calloc(1, sizeof(*m));
	uint64_t v[HISTORY_SERIES] = {};
	struct history *h;

	ASSERT_EQ(history_new(BIG_RING, &h), 0);
	m->t = history_task_new();
	for (int i = 0; i < 300; i++) {
		unsigned int times = 1 + (unsigned int)(random_u64() % 90);

		history_tick(h, times);
		next_values(v, 2);
		model_add(h, m, v, times);
		EXPECT_EQ(model_check(h, m, HISTORY_TICKS), least(m->nr, HISTORY_TICKS));
	}
	history_task_free(m->t);
	history_free(h);
	free(m);
}

/* Tasks that come and go, over @ticks; each that runs is checked now and then. */
static uint64_t crowd(size_t max, int ticks, bool all_is_kept)
{
	static struct model models[TASKS];
	uint64_t v[TASKS][HISTORY_SERIES] = {};
	struct history_stats st;
	struct history *h;

	memset(models, 0, sizeof(models));
	ASSERT_EQ(history_new(max, &h), 0);
	for (int tick = 0; tick < ticks; tick++) {
		history_tick(h, 1);
		for (int i = 0; i < TASKS; i++) {
			struct model *m = &models[(i * 7 + tick) % TASKS];

			if (!(random_u64() % 1500)) {
				m->t = m->t ? history_task_free(m->t) : history_task_new();
				m->nr = 0;
			} else if (m->t) {
				next_values(v[m - models], (int)(m - models));
				model_add(h, m, v[m - models], 1);
			}
			if (m->t && !(random_u64() % 100)) {
				int nr = model_check(h, m, HISTORY_TICKS);

				if (all_is_kept)
					EXPECT_EQ(nr, least(m->nr, HISTORY_TICKS));
			}
		}
	}
	history_stats(h, &st);
	EXPECT_LE(st.bytes, max);
	for (int i = 0; i < TASKS; i++)
		history_task_free(models[i].t);
	history_free(h);
	return st.dropped;
}

TEST(tasks_that_come_and_go_keep_their_own_values)
{
	EXPECT_EQ(crowd(BIG_RING, 4000, true), 0);
}

TEST(a_ring_that_is_too_small_loses_the_oldest_and_counts_them)
{
	EXPECT_GT(crowd(HISTORY_FIRST, 3000, false), 100);
	EXPECT_GT(crowd(HISTORY_FIRST + 12345, 3000, false), 100); /* no power of two */
}

TEST(a_thousand_tasks_that_do_nothing_fit_into_half_a_megabyte)
{
	static struct history_task *tasks[1000];
	uint64_t v[HISTORY_SERIES] = {[7] = 4321000};
	struct history_stats st;
	struct history *h;

	ASSERT_EQ(history_new(BIG_RING, &h), 0);
	for (int i = 0; i < 1000; i++)
		tasks[i] = history_task_new();
	for (int tick = 0; tick < 2 * HISTORY_TICKS; tick++) {
		history_tick(h, 1);
		for (int i = 0; i < 1000; i++)
			history_add(h, tasks[i], v, 1);
	}
	history_stats(h, &st);
	EXPECT_EQ(st.dropped, 0);
	EXPECT_LE(st.bytes, 512U << 10);
	for (int i = 0; i < 1000; i++)
		history_task_free(tasks[i]);
	history_free(h);
}
