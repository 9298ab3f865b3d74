// SPDX-License-Identifier: Apache-2.0
/* Fuzz target: numbers with units. What parses is within its range, what fails is left alone. */
#include "agent/lib/units.h"

#include <errno.h>

#include "agent/lib/cleanup.h"

#define TEXT_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int parse_small(const char *s, uint64_t *ret)
{
	return parse_u64(s, 3, 1000, ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int (*const parsers[])(const char *, uint64_t *) = {parse_small, parse_bytes,
								   parse_duration_us, parse_cpus,
								   parse_bits};
	char text[TEXT_MAX], out[16];

	size = size < sizeof(text) ? size : sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(parsers); i++) {
		uint64_t v = 1;
		int r = parsers[i](text, &v);

		if (r != 0 && r != -EINVAL && r != -ERANGE)
			abort();
		if (r && v != 1)
			abort();
		if (i == 0 && !r && (v < 3 || v > 1000))
			abort();
		if (strlen(format_bytes(out, sizeof(out), v)) > 5 ||
		    strlen(format_us(out, sizeof(out), v)) > 6)
			abort();
	}
	return 0;
}
