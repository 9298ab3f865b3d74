// SPDX-License-Identifier: Apache-2.0
/* dcosctl: drives the agent of this node. Options, help and the choice of the command. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/dcosctl/ctl.h"

static const struct command *const commands[] = {
	&cmd_run,     &cmd_ps,	   &cmd_inspect, &cmd_history, &cmd_events, &cmd_logs,
	&cmd_kill,    &cmd_wait,   &cmd_rm,	 &cmd_update,  &cmd_top,    &cmd_info,
	&cmd_metrics, &cmd_doctor, &cmd_drain,	 &cmd_image,   &cmd_pki,    &cmd_app,
};

static const struct opt_row common_rows[] = {
	{"socket", 0, "PATH", opt_string, offsetof(struct ctl, socket), "a path",
	 "socket of the agent (default $" CLIENT_SOCKET_ENV ", " CLIENT_SOCKET ")"},
	{"json", 0, NULL, opt_flag, offsetof(struct ctl, json), NULL,
	 "print the agent's reply as JSON; streams one document a line"},
	{"help", 'h', NULL, opt_flag, offsetof(struct ctl, help), NULL, "this help"},
	{"version", 0, NULL, opt_flag, offsetof(struct ctl, version), NULL, "the version"},
	{},
};

static void print_help(void)
{
	/* errors of stdout are seen when it is closed */
	(void)printf("Usage: dcosctl [OPTION...] [COMMAND [ARG...]]\n\n"
		     "Run and look after the tasks of this node. Without a command: ps.\n\n"
		     "Commands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = commands[i];
		int n = printf("  %s %s", c->name, c->args);

		(void)printf("%*s%s\n", n < 34 ? 34 - n : 1, "", c->help);
	}
	(void)printf("\nOptions, also of every command:\n");
	opts_help(stdout, common_rows);
	(void)printf("\nExit status: 0 done, 1 failed, 2 wrong command line; run --wait and wait: "
		     "the task's own,\n128 + signal if one ended it. dcosctl COMMAND --help says "
		     "more; so does dcosctl(1).\n");
}

static void print_command_help(const struct command *c)
{
	/* errors of stdout are seen when it is closed */
	(void)printf("Usage: dcosctl %s%s%s\n\n%c%s.\n", c->name, *c->args ? " " : "", c->args,
		     c->help[0] & ~0x20, c->help + 1);
	if (c->more)
		(void)printf("%s\n", c->more);
	if (c->options) {
		(void)printf("\nOptions:\n");
		opts_help(stdout, c->options);
	}
	(void)printf("\nCommon options:\n");
	opts_help(stdout, common_rows);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* The operands in a command's arguments: what follows the options in brackets. */
static const char *operands_of(const struct command *c)
{
	const char *p = c->args, *end;

	while (*p == '[' && (end = strstr(p, "] ")))
		p = end + 2;
	return p;
}

static int run_command(struct ctl *ctl, const struct command *c, int argc, char **argv)
{
	cleanup_free void *options = calloc(1, c->options_size + 1);
	const struct opt_set sets[] = {{common_rows, ctl}, {c->options, options}};
	int first, nr;

	if (!options)
		return ctl_fail("out of memory");
	ctl->command = c;
	if (c->passes_all && !ctl->help)
		return c->run(ctl, options, argv + 1, argc - 1);
	first = opts_parse(sets, ARRAY_SIZE(sets), argc, argv, c->operands_end_options, &ctl->why);
	if (first < 0)
		return ctl_usage(ctl, "%s", ctl->why.text);
	if (ctl->help) {
		print_command_help(c);
		return 0;
	}
	nr = argc - first;
	if (nr < c->operands_min)
		return ctl_usage(ctl, "%s: missing %s", c->name, operands_of(c));
	if (nr > c->operands_max)
		return ctl_usage(ctl, "%s: unexpected argument: %s", c->name,
				 argv[first + c->operands_max]);
	return c->run(ctl, options, argv + first, nr);
}

static int dispatch(struct ctl *ctl, int argc, char **argv)
{
	const struct opt_set common = {common_rows, ctl};
	int first = opts_parse(&common, 1, argc, argv, true, &ctl->why);
	static char *ps[] = {"ps", NULL};
	const struct command *c;

	if (first < 0)
		return ctl_usage(ctl, "%s", ctl->why.text);
	if (ctl->version) {
		(void)printf("dcosctl %s\n", DCOS_VERSION); /* seen when stdout is closed */
		return 0;
	}
	if (first < argc && !strcmp(argv[first], "help")) {
		ctl->help = true;
		first++;
	}
	if (first == argc && ctl->help) {
		print_help();
		return 0;
	}
	if (first == argc)
		return run_command(ctl, &cmd_ps, 1, ps);
	c = find_command(argv[first]);
	if (!c)
		return ctl_usage(ctl, "%s: no such command", argv[first]);
	return run_command(ctl, c, argc - first, argv + first);
}

int main(int argc, char **argv)
{
	struct ctl ctl = {};
	int status;

	(void)setlocale(LC_CTYPE, ""); /* else the C locale, which shows less */
	status = dispatch(&ctl, argc, argv);
	ctl.client = vl_client_free(ctl.client);
	if (fflush(stdout) || ferror(stdout))
		return ctl_fail("can't write to standard output") > status ? CTL_FAILED : status;
	return status;
}
