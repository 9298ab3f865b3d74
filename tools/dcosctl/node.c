// SPDX-License-Identifier: Apache-2.0
/* dcosctl doctor, drain and top: the node as a whole. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "tools/common/text.h"
#include "tools/dcosctl/ctl.h"
#include "tools/dcosctl/table.h"

#define DOCTOR_FIXED	19 /* KIND, OK and the blanks between columns */
#define DOCTOR_WHAT_MAX 28 /* in a terminal */
#define DOCTOR_LAST_MIN 16
#define DOCTOR_TEXT_MAX 512

struct doctor_options {
	bool strict;
};

static const struct opt_row doctor_rows[] = {
	{"strict", 0, NULL, opt_flag, offsetof(struct doctor_options, strict), NULL,
	 "exit 1 if something is missing and has no replacement"},
	{},
};

static const struct table_column doctor_columns[] = {
	{"KIND"}, {"WHAT", .lines = true}, {"OK"}, {"HOW, OR WHY NOT", .lines = true}, {}};

/* What is not there but is done in another way is no failure. */
static const char *mark(const json_t *check)
{
	if (json_is_true(json_object_get(check, "ok")))
		return "ok";
	if (!strcmp(field_str(check, "kind"), "isolator") && *field_str(check, "how"))
		return "instead";
	return "no";
}

/* What is used, and why the thing itself is not; one of them may be empty. */
static const char *how_or_why(const json_t *check, char *buf, size_t size)
{
	const char *how = field_str(check, "how"), *reason = field_str(check, "reason");
	bool both = *how && *reason;

	(void)snprintf(buf, size, "%s%s%s%s", how, both ? " (" : "", reason, both ? ")" : "");
	return buf;
}

/* What is left for the last column, so that the table fits the terminal; 0: no need. */
static int last_width(const json_t *checks, int terminal)
{
	int what = 0, width;
	const json_t *check;
	size_t i;

	if (!terminal)
		return 0;
	json_array_foreach (checks, i, check) {
		int w = text_width(field_str(check, "name"));

		what = w > what ? w : what;
	}
	width = terminal - DOCTOR_FIXED - (what < DOCTOR_WHAT_MAX ? what : DOCTOR_WHAT_MAX);
	return width > DOCTOR_LAST_MIN ? width : DOCTOR_LAST_MIN;
}

static int print_checks(const json_t *checks)
{
	struct libscols_table *t = table_new(doctor_columns);
	int terminal = table_width(), last = last_width(checks, terminal);
	const json_t *check;
	size_t i;

	if (!t)
		return ctl_fail("out of memory");
	json_array_foreach (checks, i, check) {
		char text[DOCTOR_TEXT_MAX], what[DOCTOR_TEXT_MAX], how[DOCTOR_TEXT_MAX];
		const char *const cells[] = {
			field_str(check, "kind"),
			text_wrap(what, sizeof(what), field_str(check, "name"),
				  terminal ? DOCTOR_WHAT_MAX : 0),
			mark(check),
			text_wrap(how, sizeof(how), how_or_why(check, text, sizeof(text)), last),
		};

		if (table_row(t, cells) < 0) {
			scols_unref_table(t);
			return ctl_fail("out of memory");
		}
	}
	return table_print(t) < 0 ? ctl_fail("can't print the table") : 0;
}

static size_t count_missing(const json_t *checks)
{
	const json_t *check;
	size_t i, nr = 0;

	json_array_foreach (checks, i, check)
		nr += !strcmp(field_str(check, "kind"), "isolator") && !strcmp(mark(check), "no");
	return nr;
}

static int doctor_run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	const struct doctor_options *o = options;
	cleanup_json json_t *reply = ctl_call(ctl, "Doctor", NULL);
	const json_t *checks = json_object_get(reply, "checks");
	int status = 0;

	(void)operands, (void)nr; /* it has none */
	if (!reply)
		return CTL_FAILED;
	if (ctl->json)
		ctl_print_json(reply, false);
	else
		status = print_checks(checks);
	return o->strict && count_missing(checks) ? CTL_FAILED : status;
}

struct drain_options {
	bool off;
	struct opt_u64 grace_ms;
};

static const struct opt_row drain_rows[] = {
	{"off", 0, NULL, opt_flag, offsetof(struct drain_options, off), NULL, "accept tasks again"},
	{"grace", 'g', "TIME", opt_ms, offsetof(struct drain_options, grace_ms), OPT_ALLOWED_MS,
	 "SIGKILL after so long (default: each task spec's)"},
	{},
};

/* Until the agent says that nothing is left; a line whenever a task has ended. */
static int drain_follow(struct ctl *ctl)
{
	bool more = true;

	while (more) {
		cleanup_json json_t *reply = NULL;
		int r = client_next(ctl->client, -1, &reply, &more, &ctl->why);
		int64_t left;

		if (r == -EINTR)
			continue;
		if (r < 0)
			return ctl_fail("%s", ctl->why.text);
		left = field_int(reply, "remaining", 0);
		if (ctl->json)
			ctl_print_json(reply, true);
		else if (more && left > 0)
			(void)fprintf(stderr, "%lld to go\n",
				      (long long)left); /* for people only */
	}
	if (!ctl->json)
		(void)puts("drained: no task is left, and none is accepted"); /* seen later */
	return 0;
}

static int drain_run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	const struct drain_options *o = options;
	json_t *params = json_object();

	(void)operands, (void)nr; /* it has none */
	if (o->off && o->grace_ms.given) {
		json_decref(params);
		return ctl_usage(ctl, "--grace: has no meaning with --off");
	}
	if (o->grace_ms.given)
		(void)json_object_set_new(params, "grace_ms", /* out of memory: the call fails */
					  json_integer((json_int_t)o->grace_ms.value));
	if (o->off) {
		cleanup_json json_t *reply = NULL;

		(void)json_object_set_new(params, "off", json_true()); /* likewise */
		reply = ctl_call(ctl, "Drain", params);
		if (reply && ctl->json)
			ctl_print_json(reply, false);
		return reply ? 0 : CTL_FAILED;
	}
	if (ctl_connect(ctl)) {
		json_decref(params);
		return CTL_FAILED;
	}
	if (client_more(ctl->client, "Drain", params, &ctl->why) < 0)
		return ctl_fail("%s", ctl->why.text);
	return drain_follow(ctl);
}

/* dcostop lies beside this program, else somewhere in $PATH. */
static int top_run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	cleanup_free char **argv = calloc((size_t)nr + 5, sizeof(*argv));
	char path[PATH_MAX + 16];
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX);
	char *slash;
	int argc = 0;

	(void)options; /* it has none */
	if (!argv)
		return ctl_fail("out of memory");
	argv[argc++] = (char *)"dcostop";
	if (ctl->socket) {
		argv[argc++] = (char *)"--socket";
		argv[argc++] = (char *)ctl->socket;
	}
	if (ctl->json)
		argv[argc++] = (char *)"--json";
	for (int i = 0; i < nr; i++)
		argv[argc++] = operands[i];
	if (len > 0) {
		path[len] = 0;
		slash = strrchr(path, '/');
		(void)snprintf(slash + 1, 9, "dcostop"); /* there is room for it */
		(void)execv(path, argv); /* on failure the next one */
	}
	(void)execvp("dcostop", argv); /* returns only on failure */
	return ctl_fail("dcostop: %s", strerror(errno));
}

const struct command cmd_doctor = {
	.name = "doctor",
	.args = "[--strict]",
	.help = "what works on this host, and why not",
	.more = "OK is \"instead\" where something else is used. Without --strict "
		"the exit\n"
		"status is 0 whenever the agent answers: many a host lacks something.",
	.options = doctor_rows,
	.options_size = sizeof(struct doctor_options),
	.run = doctor_run,
};

const struct command cmd_drain = {
	.name = "drain",
	.args = "[--off] [-g TIME]",
	.help = "end all tasks and accept no new ones",
	.options = drain_rows,
	.options_size = sizeof(struct drain_options),
	.run = drain_run,
};

const struct command cmd_top = {
	.name = "top",
	.args = "[OPTION...]",
	.help = "live table of tasks: runs dcostop(1)",
	.passes_all = true,
	.operands_max = CTL_OPERANDS_ANY,
	.run = top_run,
};
