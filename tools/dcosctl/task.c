// SPDX-License-Identifier: Apache-2.0
/* dcosctl kill, wait, rm, update: what is done to one task. */
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/signals.h"
#include "tools/common/text.h"
#include "tools/dcosctl/ctl.h"

struct kill_options {
	const char *sig;
	struct opt_u64 grace_ms;
};

static const struct opt_row kill_rows[] = {
	{"signal", 's', "SIG", opt_string, offsetof(struct kill_options, sig), NULL,
	 "signal to its first process, by name or number (default TERM)"},
	{"grace", 'g', "TIME", opt_ms, offsetof(struct kill_options, grace_ms), OPT_ALLOWED_MS,
	 "SIGKILL to all of it after so long (default: the task spec's)"},
	{},
};

struct rm_options {
	bool force;
};

static const struct opt_row rm_rows[] = {
	{"force", 'f', NULL, opt_flag, offsetof(struct rm_options, force), NULL,
	 "kill it first if it runs"},
	{},
};

/* The reply of one of several calls. Return: 0 or CTL_FAILED. */
static int finish(struct ctl *ctl, json_t *reply)
{
	if (!reply)
		return CTL_FAILED;
	if (ctl->json)
		ctl_print_json(reply, true);
	json_decref(reply);
	return 0;
}

static json_t *call_kill(struct ctl *ctl, const char *id, int sig, const struct opt_u64 *grace_ms)
{
	json_t *params = json_pack("{s:s}", "id", id);

	if (params && sig && json_object_set_new(params, "signal", json_integer(sig)))
		json_decref(take_ptr(params));
	if (params && grace_ms->given &&
	    json_object_set_new(params, "grace_ms", json_integer((json_int_t)grace_ms->value)))
		json_decref(take_ptr(params));
	if (!params) {
		(void)ctl_fail("%s: the id must be UTF-8", id); /* the caller returns CTL_FAILED */
		return NULL;
	}
	return ctl_call(ctl, "Kill", params);
}

static int kill_run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	const struct kill_options *o = options;
	int sig = o->sig ? signal_parse(o->sig) : 0, status = 0;

	if (sig < 0)
		return ctl_usage(ctl, "--signal=%s: must be a name such as TERM, or 1 to 64",
				 o->sig);
	for (int i = 0; i < nr; i++)
		status |= finish(ctl, call_kill(ctl, operands[i], sig, &o->grace_ms));
	return status;
}

static int wait_run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	cleanup_json json_t *reply = ctl_call_id(ctl, "Wait", operands[0]);

	(void)options, (void)nr; /* it has none; there is one */
	if (!reply)
		return CTL_FAILED;
	if (ctl->json)
		ctl_print_json(reply, false);
	return ctl_task_status(operands[0], json_object_get(reply, "exit"));
}

/* Kill unless it has ended already, and wait for it. Return: 0 or CTL_FAILED. */
static int end_now(struct ctl *ctl, const char *id)
{
	cleanup_json json_t *task = ctl_call_id(ctl, "Inspect", id);
	const struct opt_u64 at_once = {.given = true};
	const json_t *ended = json_object_get(json_object_get(task, "task"), "exit");

	if (!task)
		return CTL_FAILED;
	if (!json_is_object(ended)) {
		cleanup_json json_t *reply = call_kill(ctl, id, SIGKILL, &at_once);

		if (!reply)
			return CTL_FAILED;
	}
	json_decref(task);
	task = ctl_call_id(ctl, "Wait", id);
	return task ? 0 : CTL_FAILED;
}

static int rm_run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	const struct rm_options *o = options;
	int status = 0;

	for (int i = 0; i < nr; i++) {
		int r = o->force ? end_now(ctl, operands[i]) : 0;

		status |= r ? r : finish(ctl, ctl_call_id(ctl, "Remove", operands[i]));
	}
	return status;
}

/*
 * A number, true, false, null or an object stays what it is, all else is a string; nothing takes a
 * limit off.
 */
static json_t *limit_value(const char *text)
{
	json_t *v = *text ? json_loads(text, JSON_DECODE_ANY, NULL) : json_null();

	if (v && !json_is_array(v))
		return v;
	json_decref(v);
	return json_string(text);
}

static int update_run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	cleanup_json json_t *limits = json_object(), *reply = NULL;

	(void)options; /* it has none */
	for (int i = 1; i < nr; i++) {
		const char *eq = strchr(operands[i], '=');
		cleanup_free char *key = NULL;

		if (!eq || eq == operands[i])
			return ctl_usage(ctl, "%s: must be KEY=VALUE, e.g. cpus=0.5", operands[i]);
		key = strndup(operands[i], (size_t)(eq - operands[i]));
		if (key && json_object_get(limits, key))
			return ctl_usage(ctl, "%s: given twice", key);
		if (!key || json_object_set_new(limits, key, limit_value(eq + 1)))
			return ctl_usage(ctl, "%s: must be UTF-8", operands[i]);
	}
	reply = ctl_call(ctl, "Update",
			 json_pack("{s:s, s:O}", "id", operands[0], "resources", limits));
	if (!reply)
		return CTL_FAILED;
	if (ctl->json)
		ctl_print_json(reply, false);
	else
		ctl_print_warnings(reply);
	return 0;
}

const struct command cmd_kill = {
	.name = "kill",
	.args = "[-s SIG] [-g TIME] ID...",
	.help = "end tasks",
	.more = "Answers at once; dcosctl wait ID waits for the end.",
	.options = kill_rows,
	.options_size = sizeof(struct kill_options),
	.operands_min = 1,
	.operands_max = CTL_OPERANDS_ANY,
	.run = kill_run,
};

const struct command cmd_wait = {
	.name = "wait",
	.args = "ID",
	.help = "wait until a task has ended, exit as it did",
	.more = "Exit status: the task's code, or 128 + signal.",
	.operands_min = 1,
	.operands_max = 1,
	.run = wait_run,
};

const struct command cmd_rm = {
	.name = "rm",
	.args = "[-f] ID...",
	.help = "forget ended tasks, with their logs and files",
	.options = rm_rows,
	.options_size = sizeof(struct rm_options),
	.operands_min = 1,
	.operands_max = CTL_OPERANDS_ANY,
	.run = rm_run,
};

const struct command cmd_update = {
	.name = "update",
	.args = "ID KEY=VALUE...",
	.help = "change the limits of a running task",
	.more = "Keys are those of \"resources\" in dcos-task(5): cpus, memory, pids and so on; "
		"all are\n"
		"set, or none. An empty value takes a limit off: dcosctl update web memory=",
	.operands_min = 2,
	.operands_max = CTL_OPERANDS_ANY,
	.run = update_run,
};
