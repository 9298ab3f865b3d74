/* SPDX-License-Identifier: Apache-2.0 */
/* The views of the model: a screen, text, CSV and JSON; and what the user has chosen. */
#ifndef DCOS_TOP_VIEW_H
#define DCOS_TOP_VIEW_H

#include <stdio.h>

#include "tools/dcostop/columns.h"
#include "tools/dcostop/history.h"
#include "tools/dcostop/model.h"

#define TOP_LINE_MAX 1024 /* bytes of a line of the header */

/* About the node, from Info. */
struct top_node {
	char name[64], version[32];
	uint64_t memory_bytes; /* of the machine, 0: not known */
};

enum top_mode { MODE_TABLE, MODE_TASK, MODE_HELP };

/* What the last line asks for. */
enum top_prompt {
	PROMPT_NONE,
	PROMPT_FILTER,
	PROMPT_KILL, /* y: SIGTERM, 9: SIGKILL */
	PROMPT_CPUS, /* a number of CPUs is typed */
	PROMPT_CPUS_SURE, /* y */
	PROMPT_SEEK, /* a time since the beginning of a recording is typed */
};

/* What the agent, or the recording, is asked for; done by main.c. */
enum top_wish {
	WISH_NONE,
	WISH_KILL,
	WISH_CPUS,
	WISH_STEP, /* of a recording: so many snapshots on */
	WISH_SEEK, /* to a time since its beginning */
};

/* Where in a recording. */
struct top_place {
	size_t nr, of; /* snapshots, from 1; 0 nowhere */
	uint64_t ns, of_ns;
};

/* What the user has chosen. */
struct top_choice {
	struct top_order order;
	struct filter *filter; /* owned; order.filter is this or NULL */
	enum top_set set;
	enum top_mode mode;
	enum top_prompt prompt;
	char input[TOP_FILTER_MAX]; /* what is typed */
	char filter_text[TOP_FILTER_MAX]; /* that holds */
	bool paused, replay; /* replay: of a recording */
	size_t first; /* row at the top */
	char selected[TOP_ID_MAX]; /* id of a row, "" the first */
	size_t help_first; /* line of the help at the top */
	size_t back; /* readings before now that are shown, from the agent's history; 0: now */
	uint64_t back_ms; /* the same as time */
	size_t past_nr, past_of; /* tasks whose history is there, and is wanted */
	enum top_wish wish;
	int wish_signal;
	double wish_cpus, wish_s;
	int wish_step;
	struct top_place place;
	char trouble[512]; /* e.g. the connection is lost; "" none */
	char message[640]; /* what came of the last wish; until the next key */
};

/**
 * choice_filter - use another filter
 * Return: 0; -EINVAL with @why, the old one stays.
 */
int choice_filter(struct top_choice *choice, const char *text, struct why *why);

/** header_line - line @i (0..2) of the header, at most @width columns. Return: its text in @buf */
const char *header_line(int i, const struct top_model *m, const struct top_node *node,
			const struct top_choice *choice, int width, char *buf);

/** widest_id - columns of the longest id among rows */
int widest_id(const struct top_rows *rows, bool tree);

/** view_text - header and all rows as plain text. Return: 0 or -ENOMEM */
int view_text(FILE *f, const struct top_model *m, const struct top_node *node,
	      const struct top_choice *choice);

/** view_csv - RFC 4180: a line a task, with the titles before the first snapshot. As above */
int view_csv(FILE *f, const struct top_model *m, const struct top_choice *choice);

/** view_json - one object on one line; what nobody knows is null. Return: 0 or -ENOMEM */
int view_json(FILE *f, const struct top_model *m, const struct top_node *node,
	      const struct top_choice *choice);

/* ---- the screen ---- */
struct screen;

/** screen_new - take over the terminal. Return: 0; -ENOTTY it can't */
int screen_new(struct screen **ret);

/** screen_free - give the terminal back. Return: NULL */
struct screen *screen_free(struct screen *s);

/**
 * screen_draw - the whole screen anew; only differences are sent to the terminal
 * @history: of the selected task, for its page; may be empty
 */
int screen_draw(struct screen *s, const struct top_model *m, const struct top_node *node,
		const struct top_history *history, struct top_choice *choice);

/**
 * screen_key - take one key that was pressed, about what was drawn last
 * @choice: changed by it
 * Return: 1 there was one; 0 none; -ECANCELED quit.
 */
int screen_key(struct screen *s, struct top_choice *choice);

#endif
