// SPDX-License-Identifier: Apache-2.0
/* dcosaudit generate: a minimal profile from recordings. */
#include "tools/dcosaudit/generate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/common/client.h"
#include "tools/dcosaudit/audit.h"
#include "tools/dcosaudit/profile.h"
#include "tools/dcosaudit/risks.h"

struct generate_options {
	bool merge, as_recording, no_startup, no_args;
	const char *dflt, *output;
};

static int opt_default(const char *value, void *field)
{
	if (strcmp(value, "errno") && strcmp(value, "kill") && strcmp(value, "log") &&
	    strcmp(value, "trap"))
		return -EINVAL;
	return opt_string(value, field);
}

static const struct opt_row generate_rows[] = {
	{"merge", 'm', NULL, opt_flag, offsetof(struct generate_options, merge), NULL,
	 "join the recordings of several runs"},
	{"as-recording", 0, NULL, opt_flag, offsetof(struct generate_options, as_recording), NULL,
	 "write the joined recording, not a profile"},
	{"no-startup", 0, NULL, opt_flag, offsetof(struct generate_options, no_startup), NULL,
	 "leave out what only the startup part needed"},
	{"no-args", 0, NULL, opt_flag, offsetof(struct generate_options, no_args), NULL,
	 "allow calls whatever their arguments"},
	{"default", 0, "ACTION", opt_default, offsetof(struct generate_options, dflt),
	 "errno, kill, log or trap", "for all other calls (default errno, ENOSYS)"},
	{"output", 'o', "FILE", opt_string, offsetof(struct generate_options, output), "a path",
	 "write there, and a summary to standard output"},
	{},
};

static int write_to(const char *path, const json_t *doc)
{
	FILE *f = path ? fopen(path, "we") : stdout;
	int r = f ? json_dumpf(doc, f, JSON_INDENT(1)) : -1;

	if (r == 0 && putc('\n', f) == EOF)
		r = -1;
	if (path && f && fclose(f))
		r = -1;
	return r < 0 ? audit_fail("%s: %m", path ? path : "standard output") : 0;
}

static void tell(const struct generate_notes *n)
{
	if (n->incomplete)
		audit_warn("the recording is not complete: the profile may be too narrow");
	if (n->unnamed)
		audit_warn("%u calls have no name here and can't be allowed", n->unnamed);
	if (n->unfiltered)
		audit_warn("%u calls had too many values of their argument: allowed whatever it is",
			   n->unfiltered);
}

/* What was made must be a profile; then its figures are worth telling. */
static int check(struct audit *a, const struct recording *r, const char *path, const json_t *doc,
		 const struct generate_notes *n)
{
	cleanup_free char *text = json_dumps(doc, 0);
	cleanup_profile struct profile p = {};
	cleanup_view struct view v = {};

	if (!text || profile_load_text(path ? path : "the profile", text, 0, &p, &a->why) < 0 ||
	    view_new(&p, &v, &a->why) < 0)
		return audit_fail("%s", text ? a->why.text : "out of memory");
	if (!path)
		return 0;
	if (a->json)
		return audit_print_json(
			json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:b, s:i, s:I}", "profile", path,
				  "runs", (int)r->runs, "calls", (int)n->calls, "only_startup",
				  (int)n->only_startup, "refused", (int)n->refused, "unfiltered",
				  (int)n->unfiltered, "incomplete", (int)n->incomplete,
				  "instructions", (int)sc_filter_info(p.filter)->prog.len,
				  "surface", (json_int_t)surface_of(&v).total));
	/* errors of stdout are seen when it is closed */
	(void)printf(
		"%s: %u calls from %u runs, %u of them at startup only; %u left out that never "
		"succeeded; %u instructions, surface %llu\n",
		path, n->calls, r->runs, n->only_startup, n->refused,
		sc_filter_info(p.filter)->prog.len, (unsigned long long)surface_of(&v).total);
	return 0;
}

static int generate_one(struct audit *a, const struct generate_options *o,
			const struct recording *r)
{
	const struct generate_how how = {o->no_startup, o->no_args, o->dflt};
	cleanup_json json_t *doc = NULL;
	struct generate_notes notes;
	int status;

	doc = o->as_recording ? rec_to_json(r) : generate_profile(r, &how, &notes);
	if (!doc)
		return audit_fail("out of memory");
	status = write_to(o->output, doc);
	if (status || o->as_recording)
		return status;
	tell(&notes);
	return check(a, r, o->output, doc, &notes);
}

static int generate_run(struct audit *a, const void *options, char **operands, int nr)
{
	const struct generate_options *o = options;
	struct recording r = {};
	int status;

	if (nr > 1 && !o->merge)
		return audit_usage(a, "generate: several recordings need --merge");
	if (a->json && !o->output)
		return audit_usage(a, "--json: the summary needs --output for the profile");
	if (rec_read_all((const char *const *)operands, nr, &r, &a->why) < 0)
		return audit_fail("%s", a->why.text);
	status = generate_one(a, o, &r);
	rec_free(&r);
	return status;
}

const struct command cmd_generate = {
	.name = "generate",
	.args = "[OPTION...] RECORDING...",
	.help = "a minimal profile from what was recorded",
	.more = "Elements tell whether a call was seen while running or at startup only. Calls "
		"that "
		"never\nsucceeded are left out.",
	.options = generate_rows,
	.options_size = sizeof(struct generate_options),
	.operands_min = 1,
	.operands_max = AUDIT_OPERANDS_ANY,
	.run = generate_run,
};
