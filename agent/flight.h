/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a task did in the last minutes, as method History tells it, and the flight record: what it
 * did in its last FLIGHT_US, which is kept with its end.
 */
#ifndef DCOS_FLIGHT_H
#define DCOS_FLIGHT_H

#include "agent/lib/jsonbuf.h"
#include "agent/node.h"
#include "agent/rates.h"

#define FLIGHT_US 60000000ULL

/**
 * flight_add - the reading of now, t->usage, becomes a value of each series
 * @time_ns: CLOCK_MONOTONIC of the reading
 * @ticks: intervals that have passed since the reading before; more than 1 if some were skipped
 * The first reading of a task that this agent took over makes no value. A failing allocation makes
 * none either, and is tried again.
 */
void flight_add(struct task *t, uint64_t time_ns, unsigned int ticks);

/**
 * flight_print - the reply of History as JSON text, an object
 * @max: values at most
 */
void flight_print(const struct task *t, int max, struct jsonbuf *b);

/**
 * flight_last - the last value of one series
 * @ret: rounded as the history keeps it
 * Return: 0; -ENODATA there is none, or the host can't tell.
 */
int flight_last(const struct task *t, enum rate r, uint64_t *ret);

/** flight_ticks - intervals in so many microseconds, rounded up, at most HISTORY_TICKS */
int flight_ticks(const struct node *n, uint64_t us);

/** flight_free - forget it. Return: NULL */
struct flight *flight_free(struct flight *f);

#endif
