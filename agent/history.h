/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tasks did, in bounded memory: the last HISTORY_TICKS values of HISTORY_SERIES series of each
 * task. A value is kept as a number with 11 bits behind its first one, 16 bits in all. The newest
 * values of a task stand open; each HISTORY_OPEN of them are packed, each series with as many bits
 * as the difference between its largest and its smallest code takes, none if it is constant, not
 * even a word if it is 0. Packed pieces of all tasks stand in one ring of bytes in the order in
 * which they were made. The ring grows up to the bytes that it was given; then the oldest pieces
 * give way, and are counted.
 *
 * Bounds: 28 bytes of a value of all series if nothing about it repeats, 16.8 MB for 1,000 tasks
 * that do nothing but change; a task that does nothing takes 0.7 bytes. See Documentation/metrics.rst.
 */
#ifndef DCOS_HISTORY_H
#define DCOS_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#define HISTORY_TICKS	 600 /* values of a series that can be asked for */
#define HISTORY_SERIES	 14
#define HISTORY_OPEN	 30 /* values of a task that are not packed yet */
#define HISTORY_FIRST	 (64U << 10) /* bytes that the ring begins with */
#define HISTORY_CODE_MAX UINT16_MAX

struct history; /* the ring */
struct history_task; /* one task's place in it */

/**
 * history_encode - a value as 16 bits
 * @v: below 4096 it is kept as it is; above, rounded to 12 significant bits; from 2^42 on it is the
 *     largest code
 * A larger value never has a smaller code.
 */
uint16_t history_encode(uint64_t v);

/** history_decode - the value of a code */
uint64_t history_decode(uint16_t code);

/** history_new - @max: bytes of the ring at most, at least HISTORY_FIRST. Return: 0; -ENOMEM */
int history_new(size_t max, struct history **ret);

/** history_free - after its tasks; NULL is allowed. Return: NULL */
struct history *history_free(struct history *h);

/** history_tick - time goes on: by @ticks values of each task that is added to */
void history_tick(struct history *h, uint64_t ticks);

/** history_task_new - a task without values. Return: NULL out of memory */
struct history_task *history_task_new(void);

/** history_task_free - what was packed stays until it is its turn; NULL is allowed. Return: NULL */
struct history_task *history_task_free(struct history_task *t);

/**
 * history_add - values of a task, one of each series
 * @times: so often, where readings were skipped: at most HISTORY_TICKS count
 */
void history_add(struct history *h, struct history_task *t, const uint64_t v[HISTORY_SERIES],
		 unsigned int times);

/**
 * history_read - the last values of a task, the oldest first
 * @max: at most so many, and HISTORY_TICKS
 * @ret: one array a series; codes
 * Return: how many; less than were added if pieces had to give way.
 */
int history_read(const struct history *h, const struct history_task *t, int max,
		 uint16_t ret[HISTORY_SERIES][HISTORY_TICKS]);

struct history_stats {
	uint64_t dropped; /* packed pieces that had to give way before their time */
	size_t bytes; /* of the ring */
};
void history_stats(const struct history *h, struct history_stats *ret);

#endif
