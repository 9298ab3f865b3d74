// SPDX-License-Identifier: Apache-2.0
/* What all commands of dcosctl share, see ctl.h. */
#include "tools/dcosctl/ctl.h"

#include <stdarg.h>
#include <time.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "tools/common/text.h"

#define SENTENCE_MAX 2048 /* bytes, longer ones are cut */

static void say(const char *prefix, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void say(const char *prefix, const char *fmt, va_list ap)
{
	char text[SENTENCE_MAX];

	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a cut sentence is still a sentence */
	/* what was printed belongs before; a failing stdout is seen when it is closed */
	(void)fflush(stdout);
	(void)fprintf(stderr, "dcosctl: %s", prefix);
	text_print(stderr, text);
	(void)fputc('\n', stderr); /* nowhere to complain about stderr */
}

int ctl_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
	return CTL_FAILED;
}

int ctl_usage(const struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "Try: dcosctl %s%s--help\n", ctl->command ? ctl->command->name : "",
		      ctl->command ? " " : ""); /* nowhere to complain about stderr */
	return CTL_USAGE;
}

void ctl_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("warning: ", fmt, ap);
	va_end(ap);
}

int ctl_connect(struct ctl *ctl)
{
	if (ctl->client)
		return 0;
	ctl->why.text[0] = 0;
	if (client_open(client_socket(ctl->socket), &ctl->client, &ctl->why) < 0)
		return ctl_fail("%s", ctl->why.text);
	return 0;
}

json_t *ctl_call(struct ctl *ctl, const char *method, json_t *params)
{
	cleanup_json json_t *reply = NULL;

	if (ctl_connect(ctl)) {
		json_decref(params);
		return NULL;
	}
	ctl->why.text[0] = 0;
	if (client_call(ctl->client, method, params, &reply, &ctl->why) < 0) {
		(void)ctl_fail("%s", ctl->why.text); /* the caller returns CTL_FAILED */
		return NULL;
	}
	return take_ptr(reply);
}

json_t *ctl_call_id(struct ctl *ctl, const char *method, const char *id)
{
	json_t *params = json_pack("{s:s}", "id", id);

	if (!params) {
		(void)ctl_fail("%s: the id must be UTF-8", id); /* the caller returns CTL_FAILED */
		return NULL;
	}
	return ctl_call(ctl, method, params);
}

void ctl_print_json(const json_t *j, bool stream)
{
	bool pretty = !stream && isatty(STDOUT_FILENO);

	/* errors of stdout are seen when it is closed */
	(void)json_dumpf(j, stdout, pretty ? JSON_INDENT(2) : JSON_COMPACT);
	(void)putchar('\n');
	(void)fflush(stdout);
}

void ctl_print_warnings(const json_t *reply)
{
	const json_t *w;
	size_t i;

	json_array_foreach (json_object_get(reply, "warnings"), i, w)
		if (json_is_string(w))
			ctl_warn("%s", json_string_value(w));
}

int ctl_task_status(const char *id, const json_t *exit)
{
	int status = exit_status(exit);
	const char *reason = field_str(exit, "reason");

	if (status < 0)
		return ctl_fail("%s: nobody knows how the task ended%s%s", id, *reason ? ": " : "",
				reason);
	return status;
}

const char *ctl_age(int64_t unix_us, char *buf, size_t size)
{
	struct timespec now;
	int64_t age_us;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* can't fail for this clock */
	age_us = now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000 - unix_us;
	if (unix_us <= 0 || age_us < 0) {
		(void)snprintf(buf, size, "-");
		return buf;
	}
	if (age_us < 1000000) {
		(void)snprintf(buf, size, "0s");
		return buf;
	}
	/* an age needs no fractions of a second */
	return format_us(buf, size, (uint64_t)age_us / 1000000 * 1000000);
}
