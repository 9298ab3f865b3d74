// SPDX-License-Identifier: Apache-2.0
/* dcosctl events: what happened to tasks, a line each; and what happens. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "agent/lib/cleanup.h"
#include "tools/common/text.h"
#include "tools/dcosctl/ctl.h"

#define TIME_MAX 32 /* bytes of "2026-11-23 13:05:01.250" and to spare */

struct events_options {
	bool follow;
	struct opt_u64 last;
};

static const struct opt_row events_rows[] = {
	{"follow", 'f', NULL, opt_flag, offsetof(struct events_options, follow), NULL,
	 "go on with each event as it happens"},
	{"last", 'n', "N", opt_count, offsetof(struct events_options, last),
	 "a number of events, at least 1", "only the last N (default: all that are kept)"},
	{},
};

static const char *local_time(int64_t unix_us, char *buf, size_t size)
{
	time_t s = (time_t)(unix_us / 1000000);
	struct tm tm;
	size_t len;

	if (unix_us <= 0 || !localtime_r(&s, &tm))
		return "-";
	len = strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm); /* fits, the year has 4 digits */
	(void)snprintf(buf + len, size - len, ".%03d",
		       (int)(unix_us % 1000000 / 1000)); /* as above */
	return buf;
}

static void print_event(const struct ctl *ctl, const json_t *e)
{
	char when[TIME_MAX];

	if (ctl->json) {
		ctl_print_json(e, true);
		return;
	}
	/* errors of stdout are seen when it is closed */
	(void)printf("%s  ", local_time(field_int(e, "unix_us", 0), when, sizeof(when)));
	text_print(stdout, field_str(e, "task"));
	(void)fputs("  ", stdout);
	text_print(stdout, field_str(e, "kind"));
	(void)fputs(": ", stdout);
	text_print(stdout, field_str(e, "text"));
	(void)fputc('\n', stdout);
}

/* Return: 0 or CTL_FAILED: nobody reads what is printed */
static int print_reply(const struct ctl *ctl, const json_t *reply, size_t last)
{
	const json_t *list = json_object_get(reply, "events");
	size_t nr = json_array_size(list);
	int64_t lost = field_int(reply, "lost", 0);

	if (lost > 0)
		ctl_warn("%" PRId64 " events are not kept any more", lost);
	for (size_t i = nr > last ? nr - last : 0; i < nr; i++)
		print_event(ctl, json_array_get(list, i));
	return fflush(stdout) ? ctl_fail("can't write to standard output") : 0;
}

/* @since: 0: from the oldest. Return: NULL: the name is no UTF-8 */
static json_t *params_of(const char *task, int64_t since)
{
	return json_pack("{s:s*, s:I}", "task", task, "since", (json_int_t)since);
}

static int follow(struct ctl *ctl, json_t *params)
{
	int status = 0;

	ctl->why.text[0] = 0;
	if (ctl_connect(ctl)) {
		json_decref(params);
		return CTL_FAILED;
	}
	if (client_more(ctl->client, "Events", params, &ctl->why) < 0)
		return ctl_fail("%s", ctl->why.text);
	while (!status) {
		cleanup_json json_t *reply = NULL;
		bool more = false;

		if (client_next(ctl->client, -1, &reply, &more, &ctl->why) < 0)
			return ctl_fail("%s", ctl->why.text);
		status = print_reply(ctl, reply, SIZE_MAX);
		if (!more)
			break;
	}
	return status;
}

static int events_run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	const struct events_options *o = options;
	const char *task = nr ? operands[0] : NULL;
	json_t *params = params_of(task, 0);
	cleanup_json json_t *reply = NULL;
	int status = 0;

	if (!params)
		return ctl_fail("%s: the id must be UTF-8", task);
	if (o->follow && !o->last.given)
		return follow(ctl, params);
	reply = ctl_call(ctl, "Events", params);
	if (!reply)
		return CTL_FAILED;
	if (ctl->json && !o->follow && !o->last.given)
		ctl_print_json(reply, false);
	else
		status = print_reply(ctl, reply, o->last.given ? o->last.value : SIZE_MAX);
	if (status || !o->follow)
		return status;
	/* what happens meanwhile is not lost: it goes on behind what was printed */
	return follow(ctl, params_of(task, field_int(reply, "next", 0)));
}

const struct command cmd_events = {
	.name = "events",
	.args = "[-f] [-n N] [ID]",
	.help = "what happened to tasks: starts, ends, limits",
	.more = "Of the last 1024 events of the agent those of one task, or of all. A task that "
		"was\nremoved is still known here.",
	.options = events_rows,
	.options_size = sizeof(struct events_options),
	.operands_max = 1,
	.run = events_run,
};
