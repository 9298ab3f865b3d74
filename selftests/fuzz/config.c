// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a configuration file: read, or refused with a sentence; never half of both. */
#include "agent/config.h"

#include <stdlib.h>

#include "agent/config_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);

static const char *const values[] = {
	"/a/b",	   "/",	    "..",  "1",	  "65536", "4294967295", "18446744073709551616",
	"1s",	   "2h",    "10M", "max", "all",   "group",	 "debug",
	"default", "x ; y", "",	   "-1",  "0",	   "\"q\"",
};

/* Half of the time a line that the tables know is put in front. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	struct rows sections = config_sections();
	const struct config_section *s = (const void *)rows_at(&sections, seed % sections.nr);
	const struct row *key = rows_at(&s->keys, seed / 7 % s->keys.nr);
	char line[256];
	size_t n;

	if (seed & 1)
		return LLVMFuzzerMutate(data, size, max);
	n = (size_t)snprintf(line, sizeof(line), "[%s]\n%s = %s\n", s->doc.name, key->name,
			     values[seed / 11 % (sizeof(values) / sizeof(values[0]))]);
	if (n + size > max)
		return LLVMFuzzerMutate(data, size, max);
	memmove(data + n, data, size);
	memcpy(data, line, n);
	return n + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c = NULL;
	struct why why = {""};
	int err;

	if (config_new(&c) < 0)
		abort();
	err = config_apply(c, "fuzz", (const char *)data, size, &why);
	if (!err)
		err = config_check(c, &why);
	if ((err != 0) != (why.text[0] != '\0'))
		abort();
	(void)config_free(c);
	return 0;
}
