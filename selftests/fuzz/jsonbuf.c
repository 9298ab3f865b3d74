// SPDX-License-Identifier: Apache-2.0
/* Fuzz target: whatever numbers and strings are put into a document, jansson reads them back. */
#include "agent/lib/jsonbuf.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"

#define TEXT_MAX 256
#define HIST_MAX 28

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_hist(const json_t *list, const __u64 *hist)
{
	for (size_t i = 0; i < HIST_MAX; i++) {
		const json_t *v = json_array_get(list, i);

		if (i < json_array_size(list) ? (__u64)json_integer_value(v) != hist[i] : !!hist[i])
			abort();
	}
	if (json_array_size(list) && !hist[json_array_size(list) - 1])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_jsonbuf struct jsonbuf b = {}, again = {};
	__u64 hist[HIST_MAX] = {};
	char text[TEXT_MAX];
	uint64_t number = 0;

	memcpy(hist, data, size < sizeof(hist) ? size : sizeof(hist));
	for (size_t i = 0; i < HIST_MAX; i++)
		hist[i] &= INT64_MAX;
	memcpy(&number, data, size < sizeof(number) ? size : sizeof(number));
	number &= INT64_MAX;
	size = size < sizeof(text) ? size : sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	jb_lit(&b, "{\"text\":");
	jb_text(&b, text);
	jb_lit(&b, ",\"number\":");
	jb_u64(&b, number);
	jb_lit(&b, ",\"hist\":");
	jb_hist(&b, hist, HIST_MAX);
	jb_lit(&b, "}");
	json_auto_t *doc = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
	const char *got = json_string_value(json_object_get(doc, "text"));

	if (!got || (uint64_t)json_integer_value(json_object_get(doc, "number")) != number)
		abort();
	check_hist(json_object_get(doc, "hist"), hist);
	/* what has been replaced once is left alone */
	jb_text(&again, got);
	json_auto_t *same = json_loadb(again.data, again.len, JSON_DECODE_ANY, NULL);

	if (!same || strcmp(json_string_value(same), got))
		abort();
	return 0;
}
