/* SPDX-License-Identifier: Apache-2.0 */
/* Varlink's bytes: a bounded buffer, frames in it, and JSON that is safe to parse. Internal to agent/lib. */
#ifndef DCOS_VARLINK_WIRE_H
#define DCOS_VARLINK_WIRE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define VL_BUF_CHUNK 4096 /* first allocation */
#define VL_BUF_KEEP  16384 /* an empty buffer that is larger gives its memory back */
#define VL_VALUES_MAX                                                                              \
	131072 /* separators and brackets in a message: bounds what parsing allocates */

#define VL_REPLY_VALUES_MAX 2097152 /* of a reply: the server is trusted more than its clients */

/* Bytes at [start, end) of data; scanned of them are known to hold no NUL. */
struct vl_buf {
	char *data;
	size_t start, end, size, scanned;
};

/* What a peer asks for: a call as it stands in a message. */
struct vl_message {
	json_t *json; /* owns all below */
	const char *method;
	json_t *params; /* borrowed; an object */
	bool more, oneway, upgrade;
	bool params_are_wrong; /* "parameters" is there and no object */
};

static inline size_t vl_buf_len(const struct vl_buf *b)
{
	return b->end - b->start;
}

/** vl_buf_free - drop content and memory */
void vl_buf_free(struct vl_buf *b);

/**
 * vl_buf_grown - the allocation that vl_buf_reserve() would need
 * Return: bytes; the present size if @more bytes fit.
 */
size_t vl_buf_grown(const struct vl_buf *b, size_t more);

/** vl_buf_reserve - make room for @more bytes at the end. Return: 0; -ENOMEM */
int vl_buf_reserve(struct vl_buf *b, size_t more);

/** vl_buf_append - copy @len bytes to the end. Return: 0; -ENOMEM */
int vl_buf_append(struct vl_buf *b, const void *data, size_t len);

/** vl_buf_consume - drop @len bytes from the front */
void vl_buf_consume(struct vl_buf *b, size_t len);

/**
 * vl_buf_frame - length of the first message, without its NUL
 * Return: the length; -EAGAIN it has not ended yet; -EMSGSIZE it is longer than @max.
 */
ssize_t vl_buf_frame(struct vl_buf *b, size_t max);

/**
 * vl_json_parse - text from a peer to JSON
 * Refuses, before jansson recurses, nesting beyond VL_JSON_DEPTH_MAX and more than @values_max
 * values; duplicate keys, NUL and bad UTF-8 by jansson.
 * Return: 0; -EBADMSG; -ENOMEM does not come back as such: jansson can't tell it apart.
 */
int vl_json_parse(const char *text, size_t len, size_t values_max, json_t **ret);

/**
 * vl_message_parse - text from a peer to a call
 * Return: 0; -EBADMSG no JSON or no call. Free with vl_message_clear().
 */
int vl_message_parse(const char *text, size_t len, struct vl_message *ret);
void vl_message_clear(struct vl_message *m);

#endif
