// SPDX-License-Identifier: Apache-2.0
/* The first cause of a failure, as one sentence. */
#include "agent/lib/why.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int why_vset(struct why *w, int err, const char *fmt, va_list ap)
{
	char desc[128];
	int n;

	if (!w || w->text[0])
		return err;
	n = vsnprintf(w->text, sizeof(w->text), fmt, ap);
	if (err == -EINVAL || err >= 0 || n < 0 || (size_t)n >= sizeof(w->text))
		return err;
	(void)snprintf(w->text + n, sizeof(w->text) - (size_t)n, ": %s",
		       strerror_r(-err, desc, sizeof(desc))); /* a cut text is still true */
	return err;
}

int why_set(struct why *w, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)why_vset(w, err, fmt, ap); /* returns err, as this does */
	va_end(ap);
	return err;
}
