/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defences that can be taken away, one at a time, to show that the test of each one can fail:
 * `make prove-hostile`. Only a build with -DDCOS_WEAKEN can do so; in every other weakened() is
 * the constant false, and nothing of it is in the program.
 */
#ifndef DCOS_WEAKEN_H
#define DCOS_WEAKEN_H

#include <stdbool.h>

#ifdef DCOS_WEAKEN
#include <stdlib.h>
#include <string.h>

/**
 * weakened - whether a defence is left out
 * @name: of the defence; selftests/hostile/table has a row for each
 * Return: whether the environment's DCOS_WEAKEN names it, alone or in a list with commas.
 */
static inline bool weakened(const char *name)
{
	const char *all = getenv("DCOS_WEAKEN");
	size_t len = strlen(name);

	for (const char *p = all; p && (p = strstr(p, name)); p += len)
		if ((p == all || p[-1] == ',') && (p[len] == ',' || !p[len]))
			return true;
	return false;
}
#else
#define weakened(name) false
#endif

#endif
