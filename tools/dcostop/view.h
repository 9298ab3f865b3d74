/* SPDX-License-Identifier: Apache-2.0 */
/* The three views of the model: a screen, text and JSON. */
#ifndef DCOS_TOP_VIEW_H
#define DCOS_TOP_VIEW_H

#include <stdio.h>

#include "tools/dcostop/columns.h"
#include "tools/dcostop/model.h"

#define TOP_FILTER_MAX 64 /* bytes of a filter */
#define TOP_LINE_MAX   1024 /* bytes of a line of the header */

/* About the node, from Info. */
struct top_node {
	char name[64], version[32];
	uint64_t memory_bytes; /* of the machine, 0: not known */
};

/* What the user has chosen. */
struct top_choice {
	enum top_sort sort;
	bool reverse;
	char filter[TOP_FILTER_MAX];
	bool typing; /* the filter is being typed */
	bool paused, help;
	size_t first; /* row at the top */
	char trouble[512]; /* e.g. the connection is lost; "" none */
};

/** sort_name - "CPU%" ... */
const char *sort_name(enum top_sort sort);

/** header_line - line @i (0..2) of the header, at most @width columns. Return: its text in @buf */
const char *header_line(int i, const struct top_model *m, const struct top_node *node,
			const struct top_choice *choice, int width, char *buf);

/** widest_id - columns of the longest id among rows */
int widest_id(const struct top_row *const *rows, size_t nr);

/** view_text - header and all rows as plain text. Return: 0 or -ENOMEM */
int view_text(FILE *f, const struct top_model *m, const struct top_node *node,
	      const struct top_choice *choice);

/** view_json - one object on one line; what nobody knows is null. Return: 0 or -ENOMEM */
int view_json(FILE *f, const struct top_model *m, const struct top_node *node,
	      const struct top_choice *choice);

/* ---- the screen ---- */
struct screen;

/** screen_new - take over the terminal. Return: 0; -ENOTTY it can't */
int screen_new(struct screen **ret);

/** screen_free - give the terminal back. Return: NULL */
struct screen *screen_free(struct screen *s);

/** screen_draw - the whole screen anew; only differences are sent to the terminal */
int screen_draw(struct screen *s, const struct top_model *m, const struct top_node *node,
		struct top_choice *choice);

/**
 * screen_keys - take all keys that were pressed
 * @choice: changed by them
 * Return: 1 something changed; 0 nothing; -ECANCELED quit.
 */
int screen_keys(struct screen *s, struct top_choice *choice);

#endif
