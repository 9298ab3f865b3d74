/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one sentence that tells a person what went wrong. An object that can fail embeds a
 * struct why; the first cause that is set stays, later ones are ignored.
 */
#ifndef DCOS_WHY_H
#define DCOS_WHY_H

#include <stdarg.h>

#define WHY_MAX 512 /* bytes of a sentence, longer ones are cut */

struct why {
	char text[WHY_MAX]; /* "" while nothing went wrong */
};

/**
 * why_set - keep the first cause of a failure
 * @w:   the sentence's place, may be NULL
 * @err: a negative errno; its text is appended as ": <strerror>" unless it is -EINVAL, where the
 *       sentence itself must say what is allowed
 * @fmt: names the knob and the value, e.g. "pids.max=%lu"; no final newline or full stop
 *
 * Return: @err, so that a caller can write return why_set(...).
 */
int why_set(struct why *w, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/**
 * why_vset - why_set() with a va_list
 * Return: @err.
 */
int why_vset(struct why *w, int err, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

#endif
