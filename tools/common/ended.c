// SPDX-License-Identifier: Apache-2.0
/* How tasks end: exit codes and signals by name, see text.h. */
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "tools/common/client.h"
#include "tools/common/text.h"

#define SIG_MAX 64 /* the kernel's _NSIG */

static bool exit_is_known(const json_t *exit)
{
	/* an agent that does not say so knows */
	return !json_is_false(json_object_get(exit, "known"));
}

const char *exit_text(const json_t *exit, char *buf, size_t size)
{
	int64_t code = field_int(exit, "code", -1), sig = field_int(exit, "signal", 0);
	const char *name;

	if (!json_is_object(exit))
		(void)snprintf(buf, size, "-");
	else if (!exit_is_known(exit))
		(void)snprintf(buf, size, "?");
	else if (json_is_true(json_object_get(exit, "oom")))
		(void)snprintf(buf, size, "oom");
	else if (sig <= 0 && code < 0)
		(void)snprintf(buf, size, "?");
	else if (sig <= 0)
		(void)snprintf(buf, size, "%lld", (long long)code);
	else if (sig <= SIG_MAX && (name = sigabbrev_np((int)sig)))
		(void)snprintf(buf, size, "SIG%s", name);
	else
		(void)snprintf(buf, size, "SIG%lld", (long long)sig);
	return buf;
}

int exit_status(const json_t *exit)
{
	int64_t code = field_int(exit, "code", -1), sig = field_int(exit, "signal", 0);

	if (!json_is_object(exit) || !exit_is_known(exit))
		return -1;
	if (sig > 0 && sig <= SIG_MAX)
		return 128 + (int)sig;
	return code >= 0 && code <= 255 ? (int)code : -1;
}
