/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the meters of tasks, and showing them as type Usage of io.dcos.Agent. */
#ifndef DCOS_SAMPLE_H
#define DCOS_SAMPLE_H

#include <jansson.h>

#include "agent/lib/jsonbuf.h"
#include "agent/node.h"

#define SAMPLE_ENDED_SHOWN_US  (60ULL * 1000000) /* how long an ended task stays in snapshots */
#define SAMPLE_ENDED_SHOWN_MAX 256 /* of those, the ones made last */
#define SAMPLE_DETAIL_US       (10ULL * 1000000) /* each task's memory.stat is read once in so long */

/**
 * sample_task - read one task's meters into t->usage; without a container nothing changes
 * What a walk gives is as old as the last sample_all().
 */
void sample_task(struct task *t);

/**
 * sample_last - read a task that has just ended, and all that is known of it
 * Its cgroup and its slot must still be there. The reading becomes the last value of its history.
 */
void sample_last(struct task *t);

/**
 * sample_all - flush the meter, walk, read every running task, count the snapshot
 * @ticks: intervals since the last time, 1 unless some were skipped
 */
void sample_all(struct node *n, unsigned int ticks);

/** sample_print - type Usage as JSON text; the frozen one of a task that has ended */
void sample_print(struct jsonbuf *b, const struct task *t);

/** sample_json - the same as a new object; NULL out of memory */
json_t *sample_json(const struct task *t);

/** sample_disks - an array of type Disk of a running task: what it did on each block device */
void sample_disks(struct jsonbuf *b, const struct task *t);

/**
 * sample_freeze - keep the usage as it is now, for a task that has just ended
 * And what goes into its checkpoint, t->ending: the flight record and the disks.
 */
void sample_freeze(struct task *t);

/** sample_snapshot - the reply of Subscribe: all running tasks and those that ended lately */
void sample_snapshot(const struct node *n, struct jsonbuf *b);

#endif
