/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a task: one enum, one table of legal moves, one mutator.
 *
 *   STAGING --> STARTING --> RUNNING --> KILLING
 *      |           |            |           |
 *      +-----------+------------+-----------+--> FINISHED, FAILED, KILLED, LOST
 */
#ifndef DCOS_STATE_H
#define DCOS_STATE_H

#include <stdbool.h>

enum task_state {
	TASK_STAGING, /* accepted, written down, nothing built */
	TASK_STARTING, /* the container exists, its program does not run yet */
	TASK_RUNNING,
	TASK_KILLING, /* asked to end, still running */
	TASK_FINISHED, /* ended by itself with exit code 0 */
	TASK_FAILED, /* ended by itself otherwise, or could not start */
	TASK_KILLED, /* ended because it was asked to */
	TASK_LOST, /* ended, nobody knows how */
};

/** state_to_string - "STAGING" ...; never NULL */
const char *state_to_string(enum task_state s);

/** state_from_string - Return: 0; -EINVAL no such state */
int state_from_string(const char *s, enum task_state *ret);

/** state_ended - is it one of the states without a way out */
bool state_ended(enum task_state s);

/** state_may_move - is the move in the table */
bool state_may_move(enum task_state from, enum task_state to);

#endif
