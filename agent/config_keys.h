/* SPDX-License-Identifier: Apache-2.0 */
/* The table of configuration keys; agent/config*.c only. */
#ifndef DCOS_CONFIG_KEYS_H
#define DCOS_CONFIG_KEYS_H

#include "agent/config.h"
#include "agent/lib/rows.h"

#define CONFIG_SHOWN_MAX 120 /* bytes of a value in an error */

struct config_choice {
	const char *name; /* NULL ends the list */
	int value;
};

struct config_row {
	struct row doc; /* first; doc.dflt is the default's text, parsed like any other */
	/*
	 * parse - a value's text into its place
	 * @field: &config + offset
	 * @ret_allowed: on -EINVAL what is allowed instead, at least CONFIG_SHOWN_MAX bytes
	 * Return: 0; -EINVAL; -ENOMEM.
	 */
	int (*parse)(const struct config_row *row, const char *value, void *field,
		     char *ret_allowed);
	size_t offset;
	uint64_t min, max; /* of numbers, or of a text's length */
	const struct config_choice *choices;
};

struct config_section {
	struct row doc; /* first */
	struct rows keys;
};

/** config_sections - all sections with all keys */
struct rows config_sections(void);

#endif
