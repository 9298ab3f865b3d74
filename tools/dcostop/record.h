/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings: a line of JSON about the node, {"dcostop": 1, "node": ..., "version": ...,
 * "memory_bytes": ...}, then a line for each snapshot, type Snapshot of io.dcos.Agent.
 */
#ifndef DCOS_TOP_RECORD_H
#define DCOS_TOP_RECORD_H

#include <jansson.h>
#include <stdio.h>

#include "agent/lib/why.h"
#include "tools/dcostop/view.h"

#define RECORD_VERSION	     1
#define RECORD_SNAPSHOTS_MAX 1000000
#define RECORD_LINE_MAX	     (64U << 20) /* bytes of a line */

/**
 * record_create - begin a recording
 * @path: must not be there yet
 * @ret: to be closed by the caller, who looks at the result: the disk may be full
 */
int record_create(const char *path, const struct top_node *node, FILE **ret, struct why *why);

/** record_add - one more snapshot, flushed. Return: 0 or -errno with @why */
int record_add(FILE *f, const json_t *snapshot, struct why *why);

struct recording;

/**
 * record_open - a recording to be replayed
 * Looks at every line's end and at the first line; a file that is none, or whose last line is cut
 * off, is refused.
 * Return: 0; -EBADMSG; -errno.
 */
int record_open(const char *path, struct recording **ret, struct top_node *node, struct why *why);

/** record_length - how many snapshots there are, 1 or more */
size_t record_length(const struct recording *r);

/** record_read - a snapshot, from 0 on; a new reference. Return: 0 or -EBADMSG with the line */
int record_read(struct recording *r, size_t i, json_t **ret, struct why *why);

/** record_close - NULL is allowed. Return: NULL */
struct recording *record_close(struct recording *r);

#endif
