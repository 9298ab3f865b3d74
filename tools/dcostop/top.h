/* SPDX-License-Identifier: Apache-2.0 */
/* dcostop as a whole: options, where snapshots come from, and the two loops. */
#ifndef DCOS_TOP_TOP_H
#define DCOS_TOP_TOP_H

#include "tools/common/client.h"
#include "tools/common/options.h"
#include "tools/dcostop/past.h"
#include "tools/dcostop/record.h"
#include "tools/dcostop/view.h"

struct options {
	const char *socket, *allocator, *sort, *filter, *columns, *record, *replay;
	bool batch, json, csv, tree, cluster, help, version;
	struct opt_u64 interval_ms, iterations;
};

/* Calls beside the subscription. */
enum question { ASK_NOTHING, ASK_APPS, ASK_HISTORY, ASK_PAST, ASK_KILL, ASK_CPUS };

struct wish {
	enum top_wish what;
	char id[TOP_ID_MAX];
	int signal;
	double cpus;
};

struct live {
	struct vl_client *feed; /* Info, then the subscription; NULL: not connected */
	bool subscribed;
	struct vl_client *ask; /* for questions, one at a time; NULL: not connected */
	enum question asked; /* it has no answer yet */
	char asked_id[TOP_ID_MAX];
	bool want_history; /* of the selected task */
	struct wish wish; /* of the user; .what: not asked yet, the rest until the answer */
	uint64_t apps_strangers_nr; /* model.strangers_nr when labels were asked for */
	int64_t apps_due_ns; /* not before that again */
};

struct top {
	struct options o;
	struct top_model model;
	struct top_node node;
	struct top_choice choice;
	struct top_history history; /* of the task whose page is shown */
	struct live live;
	struct past past; /* while choice.back is not 0 */
	struct recording *replay; /* NULL: live */
	size_t replay_next; /* snapshot to be read */
	struct recorder *recorder; /* NULL: nothing is recorded */
	bool record_failed;
	struct screen *screen;
	struct why why;
};

/** top_fail - one sentence to standard error. Return: @status */
int top_fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** top_is_last - have as many snapshots been read as were asked for */
bool top_is_last(const struct top *t);

/* ---- live.c: snapshots from the agent ---- */

/** live_open - connect, and ask who the agent is; the rest follows. Return: 0 or -errno, t->why */
int live_open(struct top *t);

/** live_close - hang up, what was asked is forgotten; may be called twice */
void live_close(struct top *t);

/**
 * live_next - what has come on the first connection; a snapshot is recorded if that was asked for
 * @timeout_ms: -1 waits for ever, 0 only looks
 * @skip: it is not to be shown
 * Return: 1 a snapshot was read, 0 none in time, or -errno with t->why.
 */
int live_next(struct top *t, int timeout_ms, bool skip);

/** live_talk - take an answer, ask the next question; never waits. Return: something changed */
bool live_talk(struct top *t, int64_t now_ns);

/** live_wish - choice.wish is asked for as soon as it can be; choice.message tells what came of it */
void live_wish(struct top *t);

/* ---- cluster.c: all nodes, from the allocator ---- */

/**
 * cluster_read - ask for what all tasks use now, and wait for the answer
 * Return: 1, or -errno with t->why.
 */
int cluster_read(struct top *t);

/** cluster_interval_ms - from one question to the next */
uint64_t cluster_interval_ms(const struct top *t);

/* ---- replay.c: snapshots from a recording ---- */

/** replay_next - the next snapshot. Return: 1, 0 that was the last, -errno with t->why */
int replay_next(struct top *t);

/** replay_wish - go to another place */
void replay_wish(struct top *t);

/** replay_wait_ms - time until the next snapshot, as it was when it was recorded; -1 never */
int replay_wait_ms(const struct top *t);

/** replay_history - what the selected task did before, as far as that is cheap to read */
void replay_history(struct top *t);

/* ---- the loops ---- */

/** run_batch - text, CSV or JSON to standard output. Return: the exit status */
int run_batch(struct top *t);

/** run_screen - the terminal, until the user quits. Return: the exit status */
int run_screen(struct top *t);

#endif
