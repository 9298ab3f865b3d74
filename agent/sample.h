/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the meters of tasks, and showing them as type Usage of io.dcos.Agent. */
#ifndef DCOS_SAMPLE_H
#define DCOS_SAMPLE_H

#include <jansson.h>
#include <stdio.h>

#include "agent/node.h"

#define SAMPLE_ENDED_SHOWN_US  (60ULL * 1000000) /* how long an ended task stays in snapshots */
#define SAMPLE_ENDED_SHOWN_MAX 256 /* of those, the ones made last */

/** sample_task - read one task's meters into t->usage; without a container nothing changes */
void sample_task(struct task *t);

/** sample_all - flush the meter, read every running task, count the snapshot */
void sample_all(struct node *n);

/** sample_print - type Usage as JSON text; the frozen one of a task that has ended */
void sample_print(FILE *f, const struct task *t);

/** sample_json - the same as a new object; NULL out of memory */
json_t *sample_json(const struct task *t);

/** sample_freeze - keep the usage as it is now, for a task that has just ended */
void sample_freeze(struct task *t);

/**
 * sample_snapshot - the reply of Subscribe: all running tasks and those that ended lately
 * @ret: malloc'd JSON text, {"snapshot": ...}
 * @ret_len: without the NUL
 */
int sample_snapshot(const struct node *n, char **ret, size_t *ret_len);

#endif
