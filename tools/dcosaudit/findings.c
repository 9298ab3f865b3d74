// SPDX-License-Identifier: Apache-2.0
/* A list of findings, see findings.h. */
#include "tools/dcosaudit/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *severity_name(enum severity s)
{
	switch (s) {
	case SEVERITY_NOTE:
		return "note";
	case SEVERITY_WARNING:
		return "warning";
	case SEVERITY_ERROR:
		return "error";
	}
	return "?";
}

void finding_add(struct lint *l, enum severity s, const char *code, const char *pointer,
		 const char *fmt, ...)
{
	struct findings *f = &l->findings;
	struct finding *n;
	va_list ap;

	f->count[s]++;
	if (!f->list)
		f->list = calloc(FINDINGS_MAX, sizeof(*f->list));
	if (!f->list || f->nr == FINDINGS_MAX) {
		f->lost++;
		return;
	}
	n = &f->list[f->nr++];
	n->severity = s;
	n->code = code;
	n->at = pos_find(l->profile->places, pointer);
	(void)snprintf(n->pointer, sizeof(n->pointer), "%s", pointer); /* cut: still a place */
	va_start(ap, fmt);
	(void)vsnprintf(n->text, sizeof(n->text), fmt, ap); /* a cut text is still true */
	va_end(ap);
}

static int by_place(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	if (x->at.column != y->at.column)
		return x->at.column < y->at.column ? -1 : 1;
	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	return strcmp(x->code, y->code);
}

void findings_sort(struct findings *f)
{
	if (f->nr)
		qsort(f->list, f->nr, sizeof(*f->list), by_place);
}
