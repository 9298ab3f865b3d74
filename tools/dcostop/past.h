/* SPDX-License-Identifier: Apache-2.0 */
/* The table as it was some time ago, made from what the agent remembers of each task. */
#ifndef DCOS_TOP_PAST_H
#define DCOS_TOP_PAST_H

#include "tools/dcostop/history.h"
#include "tools/dcostop/model.h"

#define PAST_TASKS_MAX 512 /* first ones in the order of the table; 18 MB */

struct past {
	struct top_model model; /* the rows of then: what histories tell, all else unknown */
	struct top_history **of; /* of the tasks, in the order of .ids; NULL: not there yet */
	char (*ids)[TOP_ID_MAX];
	size_t nr; /* of .ids; 0: not begun */
	size_t next; /* the first one that was not asked for */
};

/**
 * past_begin - begin with the tasks of the table
 * @now: what is shown; ended tasks as well, the agent remembers their last minute
 * @known: a history that is there already, of the selected task
 * Return: 0; -ENOMEM; -ENOENT there are no tasks.
 */
int past_begin(struct past *p, const struct top_model *now, const struct top_order *order,
	       const struct top_history *known);

/** past_wants - id of the next task whose history is wanted, or NULL; it then counts as asked for */
const char *past_wants(struct past *p);

/** past_add - a reply of History; NULL: the agent has none */
void past_add(struct past *p, const char *id, const json_t *reply);

/**
 * past_show - make .model
 * @back: readings before the newest of all histories, as far as there are any
 * @now: for what does not change: CPUs, apps
 * Return: how far back that is, in ms.
 */
uint64_t past_show(struct past *p, size_t back, const struct top_model *now);

/** past_done - forget it all; may be called twice */
void past_done(struct past *p);

#endif
