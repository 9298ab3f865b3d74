// SPDX-License-Identifier: Apache-2.0
/* Any document as a recording: refused with a sentence, or read, and the same when written again. */
#include "tools/dcosaudit/recording.h"

#include <stdlib.h>

#include "tools/dcosaudit/generate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct recording *r)
{
	json_t *a = rec_to_json(r), *b = NULL;
	struct recording again = {};
	struct why why = {};

	/* texts that were cut within a character are no JSON any more */
	if (!a)
		return;
	if (rec_from_json(a, &again, &why) < 0)
		abort();
	b = rec_to_json(&again);
	if (!json_equal(a, b))
		abort();
	json_decref(a);
	json_decref(b);
	rec_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *j = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct generate_notes notes;
	struct recording r = {};
	struct why why = {};

	if (!j)
		return 0;
	if (rec_from_json(j, &r, &why) == 0) {
		check_again(&r);
		json_decref(generate_profile(&r, &(struct generate_how){}, &notes));
		rec_free(&r);
	} else if (!*why.text) {
		abort();
	}
	json_decref(j);
	return 0;
}
