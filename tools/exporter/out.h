/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing text and the few ways in which a page of metrics appends to it. Numbers are never
 * formatted through printf: a page has a line for every metric of every task.
 */
#ifndef DCOS_EXPORTER_OUT_H
#define DCOS_EXPORTER_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUT_MAX		 (256U << 20) /* bytes of a text; one that would be longer has failed */
#define OUT_DECIMALS_MAX 9

/* Begins as {}. What does not fit, or finds no memory, sets failed; appending goes nowhere then. */
struct out {
	char *data;
	size_t len, size;
	bool failed;
};

/** out_free - drop the text; @o can be used again */
void out_free(struct out *o);

/** out_fit - give back the memory that the text does not need */
void out_fit(struct out *o);

void out_mem(struct out *o, const char *text, size_t len);
void out_str(struct out *o, const char *text);
void out_char(struct out *o, char c);
void out_u64(struct out *o, uint64_t v);

/**
 * out_scaled - a decimal fraction, exact: 1500 with 3 decimals is 1.5
 * @decimals: at most OUT_DECIMALS_MAX
 */
void out_scaled(struct out *o, uint64_t v, unsigned int decimals);

/**
 * out_escaped - a label's value: backslash, quote and line feed are escaped, the rest is as it is
 * @text: UTF-8
 * @max: bytes of @text that are taken at most, whole characters
 */
void out_escaped(struct out *o, const char *text, size_t max);

/**
 * out_label_name - a text as a label's name: what is no letter, digit or "_" becomes "_"
 * Meant to stand behind a prefix, since a digit may come first.
 */
void out_label_name(struct out *o, const char *text);

#endif
