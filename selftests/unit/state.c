// SPDX-License-Identifier: Apache-2.0
#include "agent/state.h"

#include <errno.h>

#include "selftests/harness/test.h"

TEST(every_state_has_a_name_that_reads_back)
{
	for (int s = TASK_STAGING; s <= TASK_LOST; s++) {
		enum task_state back;

		ASSERT_EQ(state_from_string(state_to_string((enum task_state)s), &back), 0);
		EXPECT_EQ(back, s);
	}
}

TEST(a_name_that_is_no_state_is_refused)
{
	enum task_state s = TASK_RUNNING;

	EXPECT_EQ(state_from_string("running", &s), -EINVAL);
	EXPECT_EQ(state_from_string("", &s), -EINVAL);
	EXPECT_EQ(s, TASK_RUNNING);
}

TEST(no_way_leads_out_of_an_ended_state)
{
	for (int from = TASK_STAGING; from <= TASK_LOST; from++)
		for (int to = TASK_STAGING; to <= TASK_LOST; to++)
			if (state_ended((enum task_state)from))
				EXPECT_FALSE(
					state_may_move((enum task_state)from, (enum task_state)to));
}

TEST(every_living_state_can_end_in_any_way_but_only_a_started_one_finishes)
{
	for (int from = TASK_STAGING; from <= TASK_KILLING; from++) {
		EXPECT_TRUE(state_may_move((enum task_state)from, TASK_FAILED));
		EXPECT_TRUE(state_may_move((enum task_state)from, TASK_KILLED));
		EXPECT_TRUE(state_may_move((enum task_state)from, TASK_LOST));
	}
	EXPECT_FALSE(state_may_move(TASK_STAGING, TASK_FINISHED));
	EXPECT_FALSE(state_may_move(TASK_STAGING, TASK_RUNNING));
	EXPECT_FALSE(state_may_move(TASK_KILLING, TASK_RUNNING));
	EXPECT_TRUE(state_may_move(TASK_RUNNING, TASK_KILLING));
}
