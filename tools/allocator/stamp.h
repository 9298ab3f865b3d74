/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as Marathon writes them: 2026-11-23T10:15:02.123Z. */
#ifndef DCOS_ALLOCATOR_STAMP_H
#define DCOS_ALLOCATOR_STAMP_H

#include <stdint.h>

#define STAMP_SIZE 32

/** stamp_make - milliseconds since 1970 as a text. Return: @buf of STAMP_SIZE */
const char *stamp_make(char *buf, uint64_t ms);

/** stamp_ms - now, in milliseconds since 1970 */
uint64_t stamp_ms(void);

/** stamp_now - now as a text. Return: @buf of STAMP_SIZE */
const char *stamp_now(char *buf);

/** mono_ms - now, in milliseconds that no change of the clock moves */
uint64_t mono_ms(void);

#endif
