/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model of dcostop: snapshots of counters in, rows of rates out. No terminal, no socket, no
 * clock: time is that of the snapshots. The views (screen, text, JSON) only show what is here.
 */
#ifndef DCOS_TOP_MODEL_H
#define DCOS_TOP_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TOP_TASKS_MAX	  4096 /* tasks that are followed; more are counted in model.hidden_nr */
#define TOP_HIST	  28 /* buckets of wait_hist_us: log2 of microseconds */
#define TOP_ENDED_SHOW_NS (10 * 1000000000ULL) /* how long a row stays after its task has ended */
#define TOP_UNKNOWN	  UINT64_MAX /* a number that nobody knows */
#define TOP_ID_MAX	  256 /* bytes of an id, longer ones are cut */

/* What only grows; TOP_UNKNOWN where the host can't tell. */
struct top_counters {
	uint64_t cpu_ns, wait_ns;
	uint64_t nr_periods, nr_throttled;
	uint64_t nr_switches, nr_forks, device_denied;
	uint64_t wait_hist[TOP_HIST]; /* wait_hist[0] is TOP_UNKNOWN if there is none */
};

/* One task as it is shown. Rates are NAN and numbers TOP_UNKNOWN where nobody knows them. */
struct top_row {
	char id[TOP_ID_MAX];
	char state[16];
	char exit[24]; /* "-" while it has not ended */
	bool ended, running, failed; /* failed: ended, and not with code 0 */
	double cpu_pct; /* 100 is one CPU */
	double quota_pct;
	double throttled_pct; /* of the periods */
	double wait_pct; /* time that its threads waited for a CPU; 100 is one thread all the time */
	double switches_per_s, forks_per_s, denied_per_s;
	uint64_t wait_p50_us, wait_p99_us; /* upper bounds of the buckets */
	uint64_t memory_bytes, memory_max_bytes;
	uint64_t pids, pids_max;
	json_t *exit_doc; /* type Exit, or NULL; owned */
};

/* A task that was seen, with what the next difference needs. */
struct top_task {
	struct top_row row;
	struct top_counters last;
	uint64_t last_ns; /* time of .last */
	uint64_t ended_ns; /* time of the snapshot that showed its end first; 0: it has not ended */
	bool seen; /* in the snapshot that is read now */
};

struct top_model {
	struct top_task *tasks; /* by id */
	size_t tasks_nr, tasks_cap;
	uint64_t wanted_ms; /* set by the caller: the interval asked for, 0: the agent's own */
	uint64_t seq, time_ns, interval_ms;
	uint32_t ncpu;
	uint64_t snapshots_nr; /* read so far */
	uint64_t dropped_nr; /* gaps in seq: this reader was too slow */
	uint64_t hidden_nr; /* tasks beyond TOP_TASKS_MAX in the last snapshot */
	/* sums over the rows */
	uint32_t running_nr, ended_nr;
	double cpu_pct; /* NAN until known for any */
	uint64_t memory_bytes; /* TOP_UNKNOWN until known for any */
};

enum top_sort {
	TOP_SORT_CPU,
	TOP_SORT_MEMORY,
	TOP_SORT_WAIT,
	TOP_SORT_THROTTLED,
	TOP_SORT_ID,
};

/**
 * model_read - the next snapshot
 * @snapshot: type Snapshot of io.dcos.Agent, borrowed
 * Rates are differences to the snapshot before, divided by the difference of time_ns. A counter
 * that went back gives no rate.
 * Return: 0; -EBADMSG no snapshot; -ENOMEM.
 */
int model_read(struct top_model *m, const json_t *snapshot);

/**
 * model_skip - a snapshot that is not shown
 * Only its number counts, so that it is no gap; rates then span the time since the last one read.
 */
void model_skip(struct top_model *m, const json_t *snapshot);

/** model_restart - another connection: its numbers of snapshots begin anew, counters go on */
void model_restart(struct top_model *m);

/**
 * model_rows - what is to be shown
 * @filter: rows whose id has this in it; "" is all
 * @reverse: the other way round
 * @ret: malloc'd array of pointers into @m, valid until the next model_read()
 * Ended tasks come last, ties are by id.
 * Return: number of rows, or -ENOMEM.
 */
ssize_t model_rows(const struct top_model *m, enum top_sort sort, bool reverse, const char *filter,
		   const struct top_row ***ret);

/** model_shows - is a task still, or lately was, alive */
bool model_shows(const struct top_model *m, const struct top_task *t);

/** model_done - free what it holds */
void model_done(struct top_model *m);

/** wait_quantile_us - upper bound of the bucket that has share @q (0..1); 0 if there was no wait */
uint64_t wait_quantile_us(const uint64_t *hist, double q);

#endif
