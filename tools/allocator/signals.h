/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tasks of one app use, as numbers that scaling follows: counters of type Usage
 * (io.dcos.Agent) in, means over the tasks out. No clock: time is that of the reports.
 */
#ifndef DCOS_SIGNALS_H
#define DCOS_SIGNALS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define SIGNALS_TASKS_MAX 10000 /* of one app; more are counted and not followed */

/** enum signal - what can be followed; each task's last two reports make a value */
enum signal {
	SIGNAL_CPU, /* thousandths of the requested CPU */
	SIGNAL_MEMORY, /* thousandths of the requested memory */
	SIGNAL_THROTTLED, /* thousandths of the periods that were throttled */
	SIGNAL_WAIT_P99, /* us that 99 % of the waits for a CPU were shorter than */
	SIGNAL_RTT_P99, /* us, of TCP round trips */
	SIGNAL_RECEIVED, /* bytes per second of a task */
	SIGNAL_SENT,
	SIGNAL_CONNECTIONS, /* thousandths of TCP connections opened per second of a task */
	SIGNALS
};

struct signals;

int signals_new(struct signals **ret);
struct signals *signals_free(struct signals *s);

/**
 * signals_report - a task's counters, as of @at_ms
 * @usage: fields of type Usage; those that are missing are as they were. NULL: all are, which is
 *         what a report that leaves the task out says of it
 *
 * A report that is not newer than the last one is ignored. A counter that went back (the task was
 * started anew under its id) makes the report a first one.
 * Return: 0; -E2BIG too many tasks (counted); -ENOMEM.
 */
int signals_report(struct signals *s, const char *task, const json_t *usage, uint64_t at_ms);

/** signals_gone - the task ended; unknown ones are fine */
void signals_gone(struct signals *s, const char *task);

/** struct signals_request - what each task asked for; 0: nothing, then CPU and memory tell nothing */
struct signals_request {
	uint64_t cpus_milli, memory_bytes;
};

/** struct signals_value - @at_ms of the oldest report in it; @reporting tasks are in it */
struct signals_value {
	uint64_t value, at_ms;
	uint32_t reporting;
};

/**
 * signals_read - one signal, over the tasks whose last report is at most @fresh_ms older than @now_ms
 *
 * Means are over tasks; quantiles are of all their events together, and those without any event in
 * the interval count as reporting.
 */
void signals_read(const struct signals *s, enum signal which, const struct signals_request *request,
		  uint64_t now_ms, uint64_t fresh_ms, struct signals_value *ret);

/**
 * signals_peak - greatest CPU (thousandths) and memory (bytes) of any task in its last interval
 * Return: how many tasks it is of.
 */
uint32_t signals_peak(const struct signals *s, uint64_t now_ms, uint64_t fresh_ms,
		      struct signals_request *ret, bool *ret_throttled);

/**
 * struct signals_task - a task in its last interval
 * @cpus_milli: thousandths of a CPU; @throttled: thousandths of its periods; @wait_p99_us: on run queues
 */
struct signals_task {
	const char *id;
	uint64_t cpus_milli, memory_bytes, throttled, wait_p99_us, received, sent;
};

/** signals_each - every task that reported of late, in no order */
void signals_each(const struct signals *s, uint64_t now_ms, uint64_t fresh_ms,
		  void (*tell)(void *arg, const struct signals_task *t), void *arg);

/** signals_refused - reports of tasks beyond SIGNALS_TASKS_MAX */
uint64_t signals_refused(const struct signals *s);

const char *signals_name(enum signal s);

/** signals_parse - Return: 0; -EINVAL no such signal */
int signals_parse(const char *name, enum signal *ret);

#endif
