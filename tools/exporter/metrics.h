/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every metric of the page: name, type, unit, help, and where its value comes from. The page, the
 * list of --list-metrics and the table of dcos-exporter(8) are made from the same rows.
 */
#ifndef DCOS_EXPORTER_METRICS_H
#define DCOS_EXPORTER_METRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define METRIC_UNKNOWN UINT64_MAX /* a value that this host or this agent does not tell */

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
	METRIC_INFO,
};

/* JSON objects that values come from. The first three are there once for each task. */
enum metric_from {
	FROM_USAGE, /* type Usage of io.dcos.Agent */
	FROM_EXIT, /* type Exit in Usage */
	FROM_TASK, /* type Task */
	FROM_INFO, /* reply of Info */
	FROM_AGENT, /* type AgentUsage */
	FROM_SELF, /* the exporter: see page.h */
	FROM_NR,
};

/* What no plain row can say: several series, each with a label of its own. */
enum metric_special {
	SPECIAL_NONE,
	SPECIAL_TASK_INFO, /* one series, its labels the task's */
	SPECIAL_TASK_STATE,
	SPECIAL_STATES, /* tasks of FROM_TASK by state */
	SPECIAL_LOSSES,
	SPECIAL_EVENTS,
	SPECIAL_PROGRAM_TIME,
	SPECIAL_PROGRAM_RUNS,
	SPECIAL_PROGRAM_SKIPPED,
	SPECIAL_AGENT_INFO,
	SPECIAL_BUILD_INFO,
};

/*
 * Rows of one name follow each other and are one family.
 * source: keys of the object, read from left to right: "a+b" both, or nothing; "a-b" the same, not
 * below 0, and only for gauges, since two counters that are read one after the other can make
 * their difference go back; "a|b" b where there is no a; "a?b" a, but only where there is a b.
 */
struct metric {
	const char *name;
	enum metric_type type;
	const char *unit; /* base unit, NULL: a plain number */
	unsigned int decimals; /* the source counts 10^-decimals of the unit */
	enum metric_from from;
	const char *source;
	const char *help; /* without a full stop, backslash, quote or line feed */
	const char *labels; /* beside those of the task, as they are written; NULL: none */
	const char *sum; /* histograms: key of the sum, NULL: nobody knows it */
	unsigned int sum_decimals;
	uint64_t fixed; /* not 0: the value wherever the source is there */
	enum metric_special special;
	bool created; /* began with the exporter: OpenMetrics says when */
};

struct metric_table {
	const struct metric *rows;
	size_t nr;
};

#define METRIC_TASK_ROWS_MAX 128 /* of metrics_of_tasks() */

/** metrics_of_tasks - what there is of each task */
struct metric_table metrics_of_tasks(void);

/** metrics_of_node - what there is once */
struct metric_table metrics_of_node(void);

/** metric_value - the source's value in an object, or METRIC_UNKNOWN; true is 1, false 0 */
uint64_t metric_value(const struct metric *m, const json_t *object);

/** metric_is_first - does a family begin with row @i */
bool metric_is_first(const struct metric_table *t, size_t i);

/**
 * metric_family - length of the family's name in OpenMetrics, where "_total" and "_info" belong to
 * the samples
 */
size_t metric_family(const struct metric *m);

/** metric_type_name - "counter", "gauge", "histogram", "info" */
const char *metric_type_name(enum metric_type type);

/** metrics_list - every family as an entry of a reStructuredText definition list */
void metrics_list(FILE *f);

#endif
