// SPDX-License-Identifier: Apache-2.0
/* dcosaudit: what seccomp profiles do. Options, help and the choice of the command. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/dcosaudit/audit.h"

static const struct command *const commands[] = {
	&cmd_lint,     &cmd_explain, &cmd_diff,	  &cmd_cost,  &cmd_generate,
	&cmd_coverage, &cmd_record,  &cmd_shadow, &cmd_watch, &cmd_tasks,
};

static const struct opt_row common_rows[] = {
	{"json", 0, NULL, opt_flag, offsetof(struct audit, json), NULL, "print JSON"},
	{"socket", 0, "PATH", opt_string, offsetof(struct audit, socket), "a path",
	 "socket of the agent, for commands that ask it"},
	{"help", 'h', NULL, opt_flag, offsetof(struct audit, help), NULL, "this help"},
	{"version", 0, NULL, opt_flag, offsetof(struct audit, version), NULL, "the version"},
	{},
};

static void print_help(void)
{
	/* errors of stdout are seen when it is closed */
	(void)printf("Usage: dcosaudit [OPTION...] COMMAND [ARG...]\n\n"
		     "Learn what seccomp profiles allow, what tasks use, and what to tighten.\n\n"
		     "Commands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = commands[i];
		int n = printf("  %s %s", c->name, c->args);

		(void)printf("%*s%s\n", n < 38 ? 38 - n : 1, "", c->help);
	}
	(void)printf("\nOptions, also of every command:\n");
	opts_help(stdout, common_rows);
	(void)printf(
		"\nA PROFILE is a file, - for standard input, or one of the agent's own: "
		"default, strict, web.\n\n"
		"Exit status: 0 done, 1 failed, 2 wrong command line, 3 done and found: errors "
		"(lint),\na wider profile (diff --fail-on-wider), a filter that is not what the "
		"text says (explain),\na refusal (shadow --fail-on-denial), a policy that is not "
		"kept "
		"(tasks).\ndcosaudit COMMAND --help says more; so does "
		"dcosaudit(1).\n");
}

static void print_command_help(const struct command *c)
{
	/* errors of stdout are seen when it is closed */
	(void)printf("Usage: dcosaudit %s%s%s\n\n%c%s.\n", c->name, *c->args ? " " : "", c->args,
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

static int run_command(struct audit *a, const struct command *c, int argc, char **argv)
{
	cleanup_free void *options = calloc(1, c->options_size + 1);
	const struct opt_set sets[] = {{common_rows, a}, {c->options, options}};
	int first, nr;

	if (!options)
		return audit_fail("out of memory");
	a->command = c;
	first = opts_parse(sets, ARRAY_SIZE(sets), argc, argv, false, &a->why);
	if (first < 0)
		return audit_usage(a, "%s", a->why.text);
	if (a->help) {
		print_command_help(c);
		return 0;
	}
	nr = argc - first;
	if (nr < c->operands_min)
		return audit_usage(a, "%s: missing %s", c->name, operands_of(c));
	if (nr > c->operands_max)
		return audit_usage(a, "%s: unexpected argument: %s", c->name,
				   argv[first + c->operands_max]);
	return c->run(a, options, argv + first, nr);
}

static int dispatch(struct audit *a, int argc, char **argv)
{
	const struct opt_set common = {common_rows, a};
	int first = opts_parse(&common, 1, argc, argv, true, &a->why);
	const struct command *c;

	if (first < 0)
		return audit_usage(a, "%s", a->why.text);
	if (a->version) {
		(void)printf("dcosaudit %s\n", DCOS_VERSION); /* seen when stdout is closed */
		return 0;
	}
	if (first < argc && !strcmp(argv[first], "help")) {
		a->help = true;
		first++;
	}
	if (first == argc) {
		if (!a->help)
			return audit_usage(a, "missing COMMAND");
		print_help();
		return 0;
	}
	c = find_command(argv[first]);
	if (!c)
		return audit_usage(a, "%s: no such command", argv[first]);
	return run_command(a, c, argc - first, argv + first);
}

int main(int argc, char **argv)
{
	struct audit a = {};
	int status;

	(void)setlocale(LC_CTYPE, ""); /* else the C locale, which shows less */
	status = dispatch(&a, argc, argv);
	if (fflush(stdout) || ferror(stdout))
		return audit_fail("can't write to standard output");
	return status;
}
