// SPDX-License-Identifier: Apache-2.0
/* The states of a task and the moves between them. */
#include "agent/state.h"

#include <errno.h>
#include <string.h>

#define TO(s) (1U << (s))
#define ENDS  (TO(TASK_FINISHED) | TO(TASK_FAILED) | TO(TASK_KILLED) | TO(TASK_LOST))

static const unsigned int legal_moves[] = {
	[TASK_STAGING] = TO(TASK_STARTING) | TO(TASK_FAILED) | TO(TASK_KILLED) | TO(TASK_LOST),
	[TASK_STARTING] = TO(TASK_RUNNING) | ENDS,
	[TASK_RUNNING] = TO(TASK_KILLING) | ENDS,
	[TASK_KILLING] = ENDS,
	[TASK_FINISHED] = 0,
	[TASK_FAILED] = 0,
	[TASK_KILLED] = 0,
	[TASK_LOST] = 0,
};

const char *state_to_string(enum task_state s)
{
	switch (s) {
	case TASK_STAGING:
		return "STAGING";
	case TASK_STARTING:
		return "STARTING";
	case TASK_RUNNING:
		return "RUNNING";
	case TASK_KILLING:
		return "KILLING";
	case TASK_FINISHED:
		return "FINISHED";
	case TASK_FAILED:
		return "FAILED";
	case TASK_KILLED:
		return "KILLED";
	case TASK_LOST:
		return "LOST";
	}
	__builtin_unreachable();
}

int state_from_string(const char *s, enum task_state *ret)
{
	for (int i = TASK_STAGING; i <= TASK_LOST; i++) {
		if (strcmp(s, state_to_string((enum task_state)i)))
			continue;
		*ret = (enum task_state)i;
		return 0;
	}
	return -EINVAL;
}

bool state_ended(enum task_state s)
{
	return !legal_moves[s];
}

bool state_may_move(enum task_state from, enum task_state to)
{
	return legal_moves[from] & TO(to);
}
