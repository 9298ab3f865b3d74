// SPDX-License-Identifier: Apache-2.0
/*
 * dcosrun: an OCI runtime over the container library of the agent, without the agent. Options,
 * help and the choice of the command.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/slurp.h"
#include "agent/seal.h"
#include "tools/dcosrun/rt.h"

static const struct rt_command *const commands[] = {
	&rt_create, &rt_start, &rt_run,	     &rt_state_command, &rt_kill,    &rt_delete,
	&rt_exec,   &rt_list,  &rt_ps,	     &rt_pause,		&rt_resume,  &rt_update,
	&rt_events, &rt_spec,  &rt_features, &rt_checkpoint,	&rt_restore,
};

#define MANAGERS "cgroupfs, systemd, disabled"
#define O(field) offsetof(struct rt, field)
static const struct opt_row common_rows[] = {
	{"root", 0, "DIR", opt_string, O(root), "a path",
	 "where containers are remembered (default " RT_ROOT ")"},
	{"log", 0, "FILE", opt_string, O(log), "a path", "where messages go, too"},
	{"log-format", 0, "FORMAT", opt_string, O(log_format), "text or json", "text or json"},
	{"debug", 0, NULL, opt_flag, O(debug), NULL, "accepted; there are no more messages"},
	{"log-level", 0, "LEVEL", opt_string, O(log_level), "a level", "accepted, as --debug"},
	{"criu", 0, "PATH", opt_string, O(criu), "a path", "accepted, and not used"},
	{"systemd-cgroup", 0, NULL, opt_flag, O(systemd_cgroup), NULL,
	 "cgroups are scopes of systemd"},
	{"cgroup-manager", 0, "MANAGER", opt_string, O(cgroup_manager), MANAGERS,
	 "cgroupfs (default), systemd, or disabled: containers stay in the caller's cgroup"},
	{"rootless", 0, "WORD", opt_string, O(rootless), "auto, true or false",
	 "accepted; it is found out"},
	{"help", 'h', NULL, opt_flag, O(help), NULL, "this help"},
	{"version", 'v', NULL, opt_flag, O(version), NULL, "the version"},
	{},
};
#undef O

static void print_help(void)
{
	/* errors of stdout are seen when it is closed */
	(void)printf("Usage: dcosrun [OPTION...] COMMAND [ARG...]\n\n"
		     "Run containers from bundles of the OCI runtime specification.\n\n"
		     "Commands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		int n = printf("  %s %s", commands[i]->name, commands[i]->args);

		(void)printf("%*s%s\n", n < 46 ? 46 - n : 1, "", commands[i]->help);
	}
	(void)printf("\nOptions, before the command:\n");
	opts_help(stdout, common_rows);
}

static void print_command_help(const struct rt_command *c)
{
	/* errors of stdout are seen when it is closed */
	(void)printf("Usage: dcosrun %s %s\n\n%c%s.\n", c->name, c->args, c->help[0] & ~0x20,
		     c->help + 1);
	if (c->options) {
		(void)printf("\nOptions:\n");
		opts_help(stdout, c->options);
	}
}

/* A pipe will do, too: who names it is who runs us. */
static int read_stream(FILE *f, char **ret, size_t *ret_len)
{
	cleanup_free char *text = malloc(CONFIG_BYTES_MAX + 1);
	size_t n;

	if (!text)
		return -ENOMEM;
	n = fread(text, 1, CONFIG_BYTES_MAX, f);
	if (ferror(f))
		return -EIO;
	if (n == CONFIG_BYTES_MAX && fgetc(f) != EOF)
		return -EFBIG;
	text[n] = '\0';
	*ret = take_ptr(text);
	*ret_len = n;
	return 0;
}

static int read_named(const char *path, char **ret, size_t *ret_len)
{
	FILE *f = fopen(path, "re");
	int err;

	if (!f)
		return -errno;
	err = read_stream(f, ret, ret_len);
	(void)fclose(f); /* nothing was written */
	return err;
}

int rt_read_json(struct rt *rt, const char *path, json_t **ret)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	json_t *doc;
	int err =
		strcmp(path, "-") ? read_named(path, &text, &len) : read_stream(stdin, &text, &len);

	if (err)
		return why_set(&rt->why, err, "%s", path);
	doc = config_text(text, len, path, &rt->why);
	if (!doc)
		return -EINVAL;
	*ret = doc;
	return 0;
}

static int usage(const char *text)
{
	(void)rt_fail(text); /* always 1 */
	(void)fprintf(stderr, "dcosrun --help tells more\n"); /* nobody else could be told */
	return 1;
}

static int run_on(struct rt *rt, const struct rt_command *c, void *options, int argc, char **argv)
{
	struct rt_box b;
	int err = rt_box_open(rt, argv[0], &b);

	if (err)
		return err;
	err = c->run_on(rt, options, &b, argv + 1, argc - 1);
	rt_box_close(&b);
	return err;
}

static int run_command(struct rt *rt, const struct rt_command *c, int argc, char **argv)
{
	static const struct opt_row help_rows[] = {
		{"help", 'h', NULL, opt_flag, offsetof(struct rt, help), NULL, "this help"},
		{},
	};
	cleanup_free void *options = calloc(1, c->options_size + 1);
	const struct opt_set sets[] = {{help_rows, rt}, {c->options, options}};
	int first, err;

	if (!options)
		return rt_fail("out of memory");
	first = opts_parse(sets, c->options ? 2 : 1, argc, argv, c->operands_end_options, &rt->why);
	if (first < 0)
		return usage(rt->why.text);
	if (rt->help) {
		print_command_help(c);
		return 0;
	}
	if (argc - first < c->operands_min)
		return usage("the container's id is missing");
	if (argc - first > c->operands_max)
		return usage("there are too many arguments");
	if (c->clones && seal_program(rt->argv, &rt->why))
		return rt_fail(rt->why.text);
	if (c->run_on)
		err = run_on(rt, c, options, argc - first, argv + first);
	else
		err = c->run(rt, options, argv + first, argc - first);
	return err < 0 ? rt_fail(rt->why.text[0] ? rt->why.text : strerror(-err)) : err;
}

static int absolute_root(struct rt *rt)
{
	cleanup_free char *here = getcwd(NULL, 0);

	if (!here || asprintf(&rt->default_root, "%s/%s", here, rt->root) < 0)
		return why_set(&rt->why, -errno, "--root=%.64s", rt->root);
	rt->root = rt->default_root;
	return 0;
}

/* Who is not root of the host has no place in /run: there is one of its own. */
static int choose_root(struct rt *rt)
{
	const char *own = getenv("XDG_RUNTIME_DIR");

	if (rt->root && rt->root[0] == '/')
		return 0;
	if (rt->root)
		return absolute_root(rt);
	rt->root = RT_ROOT;
	if (!own || !rt_is_rootless())
		return 0;
	if (asprintf(&rt->default_root, "%s/dcosrun", own) < 0)
		return why_set(&rt->why, -ENOMEM, "--root");
	rt->root = rt->default_root;
	return 0;
}

static int check_options(struct rt *rt)
{
	const char *manager = rt->cgroup_manager ? rt->cgroup_manager : "cgroupfs";

	if (!strcmp(manager, "systemd"))
		rt->systemd_cgroup = true;
	else if (!strcmp(manager, "disabled"))
		rt->no_cgroup = true;
	else if (strcmp(manager, "cgroupfs"))
		return why_set(&rt->why, -EINVAL, "--cgroup-manager=%s: allowed are " MANAGERS,
			       manager);
	if (rt->no_cgroup && rt->systemd_cgroup)
		return why_set(&rt->why, -EINVAL,
			       "--cgroup-manager=disabled, --systemd-cgroup: allowed is one of "
			       "them");
	return choose_root(rt);
}

static int dispatch(struct rt *rt, int argc, char **argv)
{
	const struct opt_set common = {common_rows, rt};
	int first = opts_parse(&common, 1, argc, argv, true, &rt->why);

	if (first < 0)
		return usage(rt->why.text);
	if (rt->version) {
		(void)printf("dcosrun version %s\nspec: %s\n", DCOS_VERSION,
			     RT_OCI_VERSION); /* seen when stdout is closed */
		return 0;
	}
	if (rt->help || first == argc) {
		print_help();
		return rt->help ? 0 : 1;
	}
	if (rt_log_open(rt) || check_options(rt))
		return rt_fail(rt->why.text);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, argv[first]))
			return run_command(rt, commands[i], argc - first, argv + first);
	(void)why_set(&rt->why, -EINVAL, "there is no command %.64s", argv[first]);
	return usage(rt->why.text);
}

/* A descriptor that is opened must not become a standard one. */
static int hold_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close_fd(&fd);
	for (int i = 0; i <= STDERR_FILENO; i++)
		if (fcntl(i, F_GETFD) == FD_CLOEXEC)
			(void)fcntl(i, F_SETFD, 0); /* as the others are */
	return 0;
}

int main(int argc, char **argv)
{
	struct rt rt = {.argv = argv};
	int status;

	(void)hold_streams(); /* always 0 */
	status = dispatch(&rt, argc, argv);
	free(rt.default_root);
	(void)sc_cache_free(rt.filters); /* always NULL */
	if (fflush(stdout))
		status = rt_fail("standard output");
	return status;
}
