// SPDX-License-Identifier: Apache-2.0
/* Points in time, see stamp.h. */
#include "tools/allocator/stamp.h"

#include <stdio.h>
#include <time.h>

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts); /* does not fail for these clocks */
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

const char *stamp_make(char *buf, uint64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm = {};
	size_t n;

	(void)gmtime_r(&s, &tm); /* fails for years of ten digits only */
	n = strftime(buf, STAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(buf + n, STAMP_SIZE - n, ".%03uZ", (unsigned int)(ms % 1000)); /* fits */
	return buf;
}

uint64_t stamp_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

const char *stamp_now(char *buf)
{
	return stamp_make(buf, stamp_ms());
}

uint64_t mono_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}
