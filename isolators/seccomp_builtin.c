// SPDX-License-Identifier: Apache-2.0
/* The profiles of isolators/profiles, part of the program so that it never runs without them. */
#include <string.h>

#include "agent/lib/cleanup.h"
#include "isolators/seccomp.h"

/* made by isolators/build.mk: {"name", "text"}, ... */
static const struct builtin {
	const char *name, *text;
} builtins[] = {
#include "isolators/seccomp_builtin.h"
};

const char *sc_builtin(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(builtins); i++)
		if (!strcmp(builtins[i].name, name))
			return builtins[i].text;
	return NULL;
}
