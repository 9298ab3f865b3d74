/* SPDX-License-Identifier: Apache-2.0 */
/* dcostop as a whole: options, where snapshots come from, and the two loops. */
#ifndef DCOS_TOP_TOP_H
#define DCOS_TOP_TOP_H

#include "tools/common/client.h"
#include "tools/common/options.h"
#include "tools/dcostop/record.h"
#include "tools/dcostop/view.h"

struct options {
	const char *socket, *sort, *filter, *columns, *record, *replay;
	bool batch, json, csv, tree, help, version;
	struct opt_u64 interval_ms, iterations;
};

struct top {
	struct options o;
	struct top_model model;
	struct top_node node;
	struct top_choice choice;
	struct top_history history; /* of the task whose page is shown */
	struct vl_client *client; /* NULL: not connected */
	struct recording *replay; /* NULL: live */
	size_t replay_next; /* snapshot to be read */
	FILE *record; /* NULL: nothing is recorded */
	struct screen *screen;
	struct why why;
};

/** top_fail - one sentence to standard error. Return: @status */
int top_fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** top_is_last - have as many snapshots been read as were asked for */
bool top_is_last(const struct top *t);

/* ---- live.c: snapshots from the agent ---- */

/** live_subscribe - ask who the agent is, and subscribe. Return: 0 or -errno with t->why */
int live_subscribe(struct top *t);

/**
 * live_next - one snapshot, recorded if that was asked for
 * @skip: it is not to be shown
 * Return: 1 it was read, 0 none in time, or -errno with t->why.
 */
int live_next(struct top *t, int timeout_ms, bool skip);

/** live_history - the last minutes of the selected task; none if the agent can't say */
void live_history(struct top *t);

/** live_wish - do what the user asked for; choice.message tells what came of it */
void live_wish(struct top *t);

/* ---- replay.c: snapshots from a recording ---- */

/** replay_next - the next snapshot. Return: 1, 0 that was the last, -errno with t->why */
int replay_next(struct top *t);

/** replay_wish - go back or forth by one */
void replay_wish(struct top *t);

/** replay_wait_ms - time until the next snapshot, as it was when it was recorded */
int replay_wait_ms(struct top *t);

/* ---- the loops ---- */

/** run_batch - text, CSV or JSON to standard output. Return: the exit status */
int run_batch(struct top *t);

/** run_screen - the terminal, until the user quits. Return: the exit status */
int run_screen(struct top *t);

#endif
