/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text into a growing buffer, for what is made every second: a document of numbers costs a
 * thirtieth of what it costs through a tree of jansson's. What fails is remembered: look once, at
 * the end.
 */
#ifndef DCOS_JSONBUF_H
#define DCOS_JSONBUF_H

#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

/* Begins as all 0; owned by the user, jb_free(). */
struct jsonbuf {
	char *data; /* no NUL at the end */
	size_t len, size;
	int err; /* 0; -ENOMEM: something is missing, data is not to be used */
};

/** jb_free - give the memory back; the buffer is empty then and can be used again */
void jb_free(struct jsonbuf *b);

/** jb_clear - an empty buffer that keeps its memory */
void jb_clear(struct jsonbuf *b);

/** jb_raw - text as it is; @text: @len bytes of JSON */
void jb_raw(struct jsonbuf *b, const char *text, size_t len);

/** jb_lit - a string constant as it is */
#define jb_lit(b, text) jb_raw((b), (text), sizeof(text) - 1)

/** jb_u64 - a number in decimal digits. jansson reads it up to INT64_MAX */
void jb_u64(struct jsonbuf *b, uint64_t v);

/**
 * jb_text - a string with its quotes
 * @text: what is not UTF-8 in it becomes U+FFFD
 */
void jb_text(struct jsonbuf *b, const char *text);

/** jb_hist - the counts of a histogram in brackets; those at the end that are 0 are left out */
void jb_hist(struct jsonbuf *b, const __u64 *v, size_t nr);

/**
 * jb_take - the text, with a NUL at its end
 * Return: malloc'd, the buffer is empty then; NULL if something failed.
 */
char *jb_take(struct jsonbuf *b);

static inline void jb_freep(struct jsonbuf *b)
{
	jb_free(b);
}

#define cleanup_jsonbuf __attribute__((cleanup(jb_freep)))

#endif
