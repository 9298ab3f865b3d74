/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters: a text that the id has in it, or an expression over columns:
 *
 *	expression = term { "||" term } .      term = factor { "&&" factor } .
 *	factor = "!" factor | "(" expression ")" | name operator value .
 *	operator = "=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~" .
 *
 * A name is that of a metric, or id, app, state, why, exit, node. A value is a number, maybe with a unit
 * (% k K M G T us ms s m), or a text, maybe in double quotes; ~ asks whether the text is part of it.
 */
#ifndef DCOS_TOP_FILTER_H
#define DCOS_TOP_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/lib/why.h"

#define FILTER_NODES_MAX 64
#define FILTER_DEPTH_MAX 16
#define TOP_FILTER_MAX	 256 /* bytes of its text */

struct filter;
struct top_row;

/**
 * filter_parse - understand a filter
 * @text: "" matches all
 * @ret: owned by the caller, filter_free()
 * @ret_at: on failure the byte where it went wrong
 * @why: on failure a sentence with the position
 * Return: 0; -EINVAL; -ENOMEM.
 */
int filter_parse(const char *text, struct filter **ret, size_t *ret_at, struct why *why);

/** filter_match - NULL matches all. What nobody knows is neither less nor more, nor equal */
bool filter_match(const struct filter *f, const struct top_row *row);

/** filter_free - NULL is allowed. Return: NULL */
struct filter *filter_free(struct filter *f);

#endif
