// SPDX-License-Identifier: Apache-2.0
/* What crash points do in the test build of the agent. */
#include "agent/lib/crash.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/units.h"

void crash_point(const char *name)
{
	static uint64_t passed; /* of those that count; they are passed by one thread */
	const char *at = getenv("DCOS_CRASH_AT");
	size_t len = at ? strcspn(at, ":") : 0;
	uint64_t nr = 1;

	if (!len || (at[len] && parse_u64(at + len + 1, 1, UINT64_MAX, &nr)))
		return;
	if (!(len == 1 && *at == '*') && (strncmp(at, name, len) || name[len]))
		return;
	if (++passed != nr)
		return;
	(void)fprintf(stderr, "dcos-agent: crash point %s\n", name); /* for people */
	(void)kill(getpid(), SIGKILL); /* does not return */
}
