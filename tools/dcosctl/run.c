// SPDX-License-Identifier: Apache-2.0
/* dcosctl run and logs. */
#include <errno.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/common/text.h"
#include "tools/dcosctl/ctl.h"
#include "tools/dcosctl/follow.h"
#include "tools/dcosctl/image_run.h"
#include "tools/dcosctl/spec.h"

struct run_options {
	struct spec_options spec;
	const char *store;
	bool wait, logs, rm, dry_run;
};

#define ROW(field)  offsetof(struct run_options, field)
#define TEXT(field) opt_string, ROW(spec.field), NULL
#define LIST(field) opt_strings, ROW(spec.field), "given less often"
#define FLAG(field) NULL, opt_flag, ROW(field), NULL

static const struct opt_row run_rows[] = {
	{"file", 'f', "FILE", TEXT(file), "task spec, dcos-task(5), as JSON; - is standard input"},
	{"id", 0, "ID", TEXT(id), "name of the task (default: made up)"},
	{"image", 'I', "IMAGE", TEXT(image), "a name of dcosctl image ls, a path, or host"},
	{"cpus", 'c', "N", TEXT(cpus), "CPU time, e.g. 0.5"},
	{"memory", 'm', "SIZE", TEXT(memory), "memory, e.g. 256M"},
	{"pids", 'p', "N", TEXT(pids), "processes and threads"},
	{"env", 'e', "NAME=VALUE", LIST(env), "environment variable"},
	{"user", 'u', "USER", TEXT(user), "name or UID[:GID], inside the container"},
	{"network", 'n', "NET", TEXT(network), "host, private or none (only a loopback)"},
	{"hostname", 0, "NAME", TEXT(hostname), "host name inside (default: the id)"},
	{"cwd", 'C', "DIR", TEXT(cwd), "working directory, inside the container"},
	{"workdir", 'w', "DIR", TEXT(workdir), "image host: directory that the task may write"},
	{"publish", 0, "HOST:CONTAINER[/udp]", LIST(publish),
	 "a port of the host that leads to the task"},
	{"mount", 'v', "SRC:DST[:ro]", LIST(mounts), "a directory or file of the host"},
	{"tmpfs", 0, "DST[:SIZE]", LIST(tmpfs), "a file system in memory"},
	{"read-only", 0, FLAG(spec.read_only), "the root file system can't be written"},
	{"no-userns", 0, FLAG(spec.no_userns), "root inside is root of the host"},
	{"label", 'l', "NAME=VALUE", LIST(labels), "a label"},
	{"seccomp", 0, "PROFILE", TEXT(seccomp), "default, unconfined, a profile's name, or @FILE"},
	{"device", 0, "PATH[:rwm]", LIST(devices), "a device that it may use"},
	{"cap", 0, "NAME", LIST(caps), "a capability, instead of the default set"},
	{"kill-grace", 0, "TIME", TEXT(kill_grace), "from SIGTERM to SIGKILL"},
	{"set", 0, "KEY=JSON", LIST(sets), "any key of the spec, e.g. rlimits.nofile=1024"},
	{"wait", 'W', FLAG(wait), "wait for the end, exit as the task does"},
	{"logs", 'i', FLAG(logs), "print what it prints until it ends; implies --wait"},
	{"rm", 0, FLAG(rm), "forget it when it has ended; implies --wait"},
	{"store", 0, "PATH", opt_string, ROW(store), NULL,
	 "where images are (default " IMAGE_STORE ")"},
	{"dry-run", 0, FLAG(dry_run), "print the task spec and do not run it"},
	{},
};

static int run_wait(struct ctl *ctl, const struct run_options *o, const char *id)
{
	const struct follow_what what = {
		.id = id,
		.out = o->logs,
		.err = o->logs,
		.follow = true,
		.wait = true,
	};
	int status = follow_task(ctl, &what);

	if (o->rm && status != FOLLOW_INTERRUPTED)
		json_decref(ctl_call_id(ctl, "Remove", id)); /* a failure was printed */
	return status;
}

static int run_run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	const struct run_options *o = options;
	cleanup_json json_t *spec = NULL, *reply = NULL;
	cleanup_store struct image_store store = {.dir = -1, .lock = -1};
	const char *id;
	int r = spec_build(&o->spec, operands, nr, &spec, &ctl->why);

	if (r == -EINVAL)
		return ctl_usage(ctl, "%s", ctl->why.text);
	if (r < 0)
		return ctl_fail("%s", ctl->why.text);
	if (image_resolve(o->store ?: IMAGE_STORE, spec, &store, &ctl->why))
		return ctl_fail("%s", ctl->why.text);
	if (o->dry_run) {
		ctl_print_json(spec, false);
		return 0;
	}
	if (!o->spec.file && !nr && !o->spec.sets.nr && !json_object_get(spec, "command"))
		return ctl_usage(ctl, "run: missing COMMAND or --file");
	reply = ctl_call(ctl, "Run", json_pack("{s:O}", "spec", spec));
	store_close(&store); /* from now on the agent says that the image is in use */
	if (!reply)
		return CTL_FAILED;
	id = field_str(reply, "id");
	if (ctl->json)
		ctl_print_json(reply, o->wait || o->logs || o->rm);
	else if (!o->logs)
		(void)printf("%s\n", id); /* seen when stdout is closed */
	ctl_print_warnings(reply);
	(void)fflush(stdout); /* likewise */
	return o->wait || o->logs || o->rm ? run_wait(ctl, o, id) : 0;
}

struct logs_options {
	bool follow, out, err;
	struct opt_u64 tail;
};

static const struct opt_row logs_rows[] = {
	{"follow", 'f', NULL, opt_flag, offsetof(struct logs_options, follow), NULL,
	 "go on until the task has ended"},
	{"tail", 't', "BYTES", opt_bytes, offsetof(struct logs_options, tail), OPT_ALLOWED_BYTES,
	 "only the last so many bytes"},
	{"stdout", 0, NULL, opt_flag, offsetof(struct logs_options, out), NULL,
	 "its standard output only"},
	{"stderr", 0, NULL, opt_flag, offsetof(struct logs_options, err), NULL,
	 "its standard error only, on standard output"},
	{},
};

static int logs_run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	const struct logs_options *o = options;
	const struct follow_what what = {
		.id = operands[0],
		.out = o->out || !o->err,
		.err = o->err || !o->out,
		.err_on_stdout = o->err && !o->out,
		.follow = o->follow,
		.tail_bytes = o->tail,
	};

	(void)nr; /* there is one */
	if (o->tail.given && o->tail.value > INT64_MAX)
		return ctl_usage(ctl, "--tail: must be " OPT_ALLOWED_BYTES);
	return follow_task(ctl, &what);
}

const struct command cmd_run = {
	.name = "run",
	.args = "[OPTION...] [COMMAND...]",
	.help = "start a task",
	.more = "Prints the id, and warns of limits that this host can't hold. Options change the "
		"spec\n"
		"of --file; without --image the node's own tree is used, read-only. Put -- before "
		"a\n"
		"COMMAND; with --wait, --logs or --rm the exit status is the task's.",
	.options = run_rows,
	.options_size = sizeof(struct run_options),
	.operands_end_options = true,
	.operands_max = CTL_OPERANDS_ANY,
	.run = run_run,
};

const struct command cmd_logs = {
	.name = "logs",
	.args = "[-f] [-t BYTES] ID",
	.help = "print what a task has printed",
	.more = "Its standard error goes to standard error.",
	.options = logs_rows,
	.options_size = sizeof(struct logs_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = logs_run,
};
