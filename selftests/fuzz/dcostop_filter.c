// SPDX-License-Identifier: Apache-2.0
/*
 * Any text as a filter: refused with a place within it and a sentence, or understood; then it may
 * be asked about any task, and whatever it says of one, "!(...)" says the opposite.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dcostop/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_opposite(const char *text, const struct top_row *row, bool matched)
{
	char negated[TOP_FILTER_MAX + 8];
	struct filter *f = NULL;
	struct why why = {};
	size_t at;

	(void)snprintf(negated, sizeof(negated), "!(%s)", text); /* it fits */
	if (filter_parse(negated, &f, &at, &why))
		return; /* now too long, too deep, or it was only a part of an id */
	if (strpbrk(text, "<>=~!&|()") && filter_match(f, row) == matched)
		abort();
	(void)filter_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct top_row row = {.id = "web.1", .app = "web", .state = "RUNNING", .exit = "-"};
	char text[TOP_FILTER_MAX + 8];
	struct filter *f = NULL;
	struct why why = {};
	size_t at = SIZE_MAX;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	if (filter_parse(text, &f, &at, &why)) {
		if (at > strlen(text) || !why.text[0] || f)
			abort();
		return 0;
	}
	for (int i = 0; i < TOP_METRICS; i++)
		row.v[i] = i % 2 ? i : NAN;
	check_opposite(text, &row, filter_match(f, &row));
	(void)filter_free(f);
	return 0;
}
