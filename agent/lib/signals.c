// SPDX-License-Identifier: Apache-2.0
#include "agent/lib/signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "agent/lib/units.h"

#define SIG_MAX 64 /* the kernel's _NSIG */

int signal_parse(const char *text)
{
	uint64_t n;

	if (parse_u64(text, 1, SIG_MAX, &n) == 0)
		return (int)n;
	if (!strncasecmp(text, "SIG", 3))
		text += 3;
	if (!strncasecmp(text, "RTMIN+", 6) && !parse_u64(text + 6, 0, SIG_MAX - SIGRTMIN, &n))
		return SIGRTMIN + (int)n;
	for (int sig = 1; sig <= SIG_MAX; sig++) {
		const char *name = sigabbrev_np(sig);

		if (name && !strcasecmp(name, text))
			return sig;
	}
	return -EINVAL;
}
