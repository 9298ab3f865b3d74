/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model of dcostop: snapshots of counters in, rows of rates out. No terminal, no socket, no
 * clock: time is that of the snapshots. The views (screen, text, CSV, JSON) only show what is here.
 */
#ifndef DCOS_TOP_MODEL_H
#define DCOS_TOP_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/lib/hist.h"
#include "tools/dcostop/filter.h"
#include "tools/dcostop/metrics.h"
#include "tools/dcostop/verdict.h"

#define TOP_TASKS_MAX	  4096 /* tasks that are followed; more are counted in model.hidden_nr */
#define TOP_ENDED_SHOW_NS (10 * 1000000000ULL) /* how long a row stays after its task has ended */
#define TOP_UNKNOWN	  UINT64_MAX /* a number that nobody knows */
#define TOP_ID_MAX	  256 /* bytes of an id, longer ones are cut */

/* The histograms of a task, by place. */
enum top_hist { HIST_WAIT, HIST_DISK, HIST_CONNECT, HIST_RTT, TOP_HISTS };

/* What a snapshot says of a task; TOP_UNKNOWN where the host can't tell. */
struct top_counters {
	uint64_t key[TOP_METRICS], of[TOP_METRICS]; /* as top_metrics[] names them */
	uint64_t hist[TOP_HISTS][HIST_CLASSES];
	bool has_hist[TOP_HISTS];
};

/* One task, or the sum of an app's, as it is shown. */
struct top_row {
	char id[TOP_ID_MAX];
	char app[TOP_ID_MAX]; /* its label "app", else what app_length() says */
	char node[64]; /* "" unless the model has those of many */
	char state[16];
	char exit[24]; /* "-" while it has not ended */
	bool ended, running, failed; /* failed: ended, and not with code 0 */
	double v[TOP_METRICS];
	struct verdict verdict;
	__u64 hist[TOP_HISTS][HIST_CLASSES]; /* growth since the snapshot before */
	json_t *exit_doc; /* type Exit, or NULL; owned */
	unsigned int tasks_nr; /* of an app's row; 0: a task's */
	size_t tasks_first; /* of an app's row: where its tasks begin, rows.c */
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
	uint64_t strangers_nr; /* tasks that were seen for the first time, so far */
	bool nodes; /* rows are of more than one node */
	json_t *apps; /* label "app" by id, NULL: not known; owned */
	/* sums over the rows */
	uint32_t running_nr, ended_nr;
	double cpu_pct; /* NAN until known for any */
	uint64_t memory_bytes; /* TOP_UNKNOWN until known for any */
};

/* What rows are sorted by: a metric, or one of these. */
#define TOP_SORT_ID    TOP_METRICS
#define TOP_SORT_STATE (TOP_METRICS + 1)
#define TOP_SORT_WHY   (TOP_METRICS + 2)
#define TOP_SORT_NODE  (TOP_METRICS + 3)

struct top_order {
	int by; /* enum top_metric or TOP_SORT_* */
	bool reverse;
	bool tree; /* tasks below their app */
	const struct filter *filter; /* NULL: all */
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

/** model_reset - forget all tasks, e.g. to go back in a recording */
void model_reset(struct top_model *m);

/**
 * model_apps - which app tasks belong to
 * @apps: object of strings by id, borrowed; holds for tasks that come later as well
 */
void model_apps(struct top_model *m, json_t *apps);

/**
 * model_begin, model_put, model_end - rows from values instead of snapshots
 * @like: of the same node; the number of CPUs and the apps are taken from it
 * @node: NULL: there is only one
 * @v: by enum top_metric
 */
void model_begin(struct top_model *m, const struct top_model *like);
void model_put(struct top_model *m, const char *id, const char *node, const double *v);
void model_end(struct top_model *m, uint64_t time_ns);

/** model_find - the task of an id that is shown, or NULL */
const struct top_row *model_find(const struct top_model *m, const char *id);

/* Rows to show, in order; those of apps are owned by it. */
struct top_rows {
	const struct top_row **rows;
	size_t nr;
	struct top_row *apps;
};

/**
 * model_rows - what is to be shown
 * @ret: valid until the next model_read(), rows_done()
 * Ended tasks come last, ties are by id. In a tree, apps are sorted by their sums, tasks below each.
 * Return: 0 or -ENOMEM.
 */
int model_rows(const struct top_model *m, const struct top_order *order, struct top_rows *ret);

/** rows_done - free; may be called twice */
void rows_done(struct top_rows *r);

#define cleanup_rows __attribute__((cleanup(rows_done)))

/** model_shows - is a task still, or lately was, alive */
bool model_shows(const struct top_model *m, const struct top_task *t);

/** model_done - free what it holds */
void model_done(struct top_model *m);

/** app_length - bytes of an id that name its app: up to the last ".", else the last "-", else all */
size_t app_length(const char *id);

#endif
