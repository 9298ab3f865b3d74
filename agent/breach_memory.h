/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory of tasks, held without the memory controller: the meter's walk is repeated the sooner the
 * nearer a task is to its limit, and a task above it is killed as a whole.
 */
#ifndef DCOS_BREACH_MEMORY_H
#define DCOS_BREACH_MEMORY_H

#include "agent/node.h"

#define BREACH_LOOK_MIN_US    10000ULL
#define BREACH_LOOK_MAX_US    1000000ULL
#define BREACH_GROWTH_PER_US  1024ULL /* bytes: growth that a look is not late for, about 1 GiB/s */
#define BREACH_COST_RATIO     50ULL /* looks take at most this part of a CPU, 2 % */
#define BREACH_MEASURE_MAX_US 1000000ULL /* then a task is judged without being measured */

/**
 * breach_memory_wait_us - how long not to look
 * @headroom: bytes to the nearest limit, 0: above it
 * @cost_us: what the look took
 */
uint64_t breach_memory_wait_us(uint64_t headroom, uint64_t cost_us);

/** breach_memory_start - hold limits from now on, if the node does so. Return: 0 or -errno. */
int breach_memory_start(struct node *n);

/** breach_memory_soon - a limit is new: look at once */
void breach_memory_soon(struct node *n);

/** breach_memory_stop - hold nothing any more */
void breach_memory_stop(struct node *n);

/** breach_memory_unmeasured - how many tasks had to be judged by their resident size */
uint64_t breach_memory_unmeasured(const struct node *n);

#endif
