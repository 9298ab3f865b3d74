/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings are lines of JSON, each with a newline behind it:
 *
 *	{"dcostop":1,"node":NAME,"version":OF THE AGENT,"memory_bytes":N}	first, and only there
 *	{"time_ns":N,"snapshot":SNAPSHOT}	in the order of time; type Snapshot of io.dcos.Agent
 *	{"apps":{ID:LABEL}}			label "app" of tasks, anywhere; the last one holds
 */
#ifndef DCOS_TOP_RECORD_H
#define DCOS_TOP_RECORD_H

#include <jansson.h>
#include <stdint.h>

#include "agent/lib/why.h"
#include "tools/dcostop/view.h"

#define RECORD_VERSION	     1
#define RECORD_SNAPSHOTS_MAX 1000000
#define RECORD_LINE_MAX	     (64U << 20) /* bytes of a line */
#define RECORD_HEAD_MAX	     4096 /* bytes of the first line */

struct recorder;

/**
 * recorder_new - begin a recording
 * @path: must not be there yet
 */
int recorder_new(const char *path, struct recorder **ret, struct why *why);

/** recorder_node - the first line, before anything else; @info: reply of Info. Later ones do nothing */
void recorder_node(struct recorder *r, const json_t *info);

/** recorder_add - one more snapshot, flushed. Return: 0 or -errno with @why */
int recorder_add(struct recorder *r, const json_t *snapshot, struct why *why);

/** recorder_apps - labels, if they are news; what fails is told by the next recorder_add() */
void recorder_apps(struct recorder *r, json_t *apps);

/** recorder_free - NULL is allowed. Return: NULL */
struct recorder *recorder_free(struct recorder *r);

struct recording;

/**
 * record_open - a recording to be replayed
 * Looks at the first line and at the ends of all others. A file that is none, or whose last line is
 * cut off, is refused.
 * @ret_node: what the first line says
 * Return: 0; -EINVAL it is none, or broken; -errno.
 */
int record_open(const char *path, struct recording **ret, struct top_node *ret_node,
		struct why *why);

/** record_length - how many snapshots there are, 1 or more */
size_t record_length(const struct recording *r);

/** record_time_ns - CLOCK_MONOTONIC of a snapshot of the recorded node */
uint64_t record_time_ns(const struct recording *r, size_t i);

/** record_bytes - of a snapshot's line: what it costs to read it */
size_t record_bytes(const struct recording *r, size_t i);

/** record_apps - labels for model_apps(), borrowed; NULL: there are none */
json_t *record_apps(const struct recording *r);

/** record_read - a snapshot, from 0 on; a new reference. Return: 0; -EINVAL with the line; -errno */
int record_read(struct recording *r, size_t i, json_t **ret, struct why *why);

/** record_close - NULL is allowed. Return: NULL */
struct recording *record_close(struct recording *r);

#endif
