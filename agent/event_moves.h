/* SPDX-License-Identifier: Apache-2.0 */
/* Events of a task's life: it began, was to end, has ended, got other limits. */
#ifndef DCOS_EVENT_MOVES_H
#define DCOS_EVENT_MOVES_H

#include "agent/events.h"

/** event_moved - a task is in another state; those on the way to RUNNING are no events */
void event_moved(const struct task *t);

/** event_launch_failed - @reason: the sentence that who wanted it was told */
void event_launch_failed(const struct task *t, const char *reason);

/** event_limits - a copy of the limits in a task's spec, for event_updated(). NULL out of memory */
json_t *event_limits(const struct task *t);

/**
 * event_updated - a task has other limits
 * @before: event_limits() from before, taken over
 * @doc: what was asked for, borrowed
 */
void event_updated(const struct task *t, json_t *before, json_t *doc);

#endif
