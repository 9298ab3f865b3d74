/* SPDX-License-Identifier: Apache-2.0 */
/* A profile from a recording. */
#ifndef DCOS_AUDIT_GENERATE_H
#define DCOS_AUDIT_GENERATE_H

#include <jansson.h>
#include <stdbool.h>

#include "tools/dcosaudit/recording.h"

struct generate_how {
	bool no_startup; /* leave out what only the startup part needed */
	bool no_args; /* no comparisons of arguments */
	const char *dflt; /* "errno", "kill", "log", "trap": what the default action is */
};

/* What a person should know of the result. */
struct generate_notes {
	unsigned int calls, only_startup; /* allowed; of these, in the startup part only */
	unsigned int refused; /* calls left out, since they never succeeded */
	unsigned int unfiltered; /* calls whose arguments were too many to list */
	unsigned int unnamed; /* numbers without a name: no profile can allow them */
	bool incomplete; /* events were lost, or the recording has no end */
};

/**
 * generate_profile - the least that allows what was recorded
 * @notes: filled
 * Return: a new reference; NULL without memory.
 */
json_t *generate_profile(const struct recording *r, const struct generate_how *how,
			 struct generate_notes *notes);

#endif
