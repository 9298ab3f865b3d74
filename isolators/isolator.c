// SPDX-License-Identifier: Apache-2.0
/* What every isolator uses: warnings, descriptors for the child, its place in the table. */
#include "isolators/isolator.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void iso_warn(struct isolation *iso, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	if (iso->warnings_nr == ISO_WARNINGS_MAX)
		return;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n >= 0)
		iso->warnings[iso->warnings_nr++] = text;
}

int iso_reserve(struct isolation *iso)
{
	if (iso->handed_nr == ISO_HANDED_MAX)
		return -E2BIG;
	iso->handed[iso->handed_nr] = -1;
	return iso->handed_nr++;
}

size_t iso_index(const struct isolator *row)
{
	for (size_t i = 0; iso_table[i]; i++)
		if (iso_table[i] == row)
			return i;
	abort();
}
