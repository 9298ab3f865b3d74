/* SPDX-License-Identifier: Apache-2.0 */
/* The output of a task, and its end, as they come. */
#ifndef DCOS_CTL_FOLLOW_H
#define DCOS_CTL_FOLLOW_H

#include "tools/dcosctl/ctl.h"

#define FOLLOW_INTERRUPTED 130 /* exit status after SIGINT or SIGTERM */

struct follow_what {
	const char *id;
	bool out, err; /* the task's standard output and error */
	bool err_on_stdout; /* else its standard error goes to ours */
	bool follow; /* until the task has ended */
	bool wait; /* for its end, and exit as it did */
	struct opt_u64 tail_bytes; /* start so far before the end */
};

/**
 * follow_task - print until all has come
 * SIGINT and SIGTERM end it early; the task runs on.
 * Return: exit status: 0; CTL_FAILED, which was printed; the task's with @wait.
 */
int follow_task(struct ctl *ctl, const struct follow_what *what);

#endif
