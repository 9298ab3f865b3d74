/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a JSON text a value stands: jansson tells line and column of syntax errors only. The
 * text must be one that jansson accepted; then its structure is read once and places are looked
 * up by JSON pointers (RFC 6901).
 */
#ifndef DCOS_AUDIT_POSITION_H
#define DCOS_AUDIT_POSITION_H

#include <stddef.h>

#include "agent/lib/why.h"

#define POS_DEPTH_MAX 2048 /* as jansson */

struct pos_index;

struct position {
	unsigned int line, column; /* from 1; columns are characters */
};

/**
 * pos_index_new - read the structure of a text
 * @text: valid JSON, kept by the caller as long as the index
 * @ret: to be freed with pos_index_free()
 * Return: 0; -EINVAL not valid JSON after all, or nested deeper than POS_DEPTH_MAX; -ENOMEM.
 */
int pos_index_new(const char *text, size_t len, struct pos_index **ret);

/** pos_index_free - NULL is allowed. Return: NULL */
struct pos_index *pos_index_free(struct pos_index *ix);

/**
 * pos_find - the place of a value
 * @pointer: "/syscalls/3/action"; of a member of an object it is the place of its key. As far as
 *           the pointer leads: what does not exist is at the nearest that does
 */
struct position pos_find(const struct pos_index *ix, const char *pointer);

/** pos_of_offset - line and column of a byte of the text */
struct position pos_of_offset(const struct pos_index *ix, size_t offset);

#endif
