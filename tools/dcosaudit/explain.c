// SPDX-License-Identifier: Apache-2.0
/* dcosaudit explain: what a profile does to every system call, the risky ones first. */
#include "tools/dcosaudit/explain.h"

#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/common/text.h"
#include "tools/dcosctl/table.h"

#define LIST_WIDTH 80 /* columns of the lists of names when no terminal says more */

struct explain_options {
	const char *caps, *call, *arch;
	bool all;
};

static const struct opt_row explain_rows[] = {
	{"syscall", 's', "NAME", opt_string, offsetof(struct explain_options, call),
	 "the name of a system call", "all of one system call: arguments, elements, risks"},
	{"caps", 0, "LIST", opt_string, offsetof(struct explain_options, caps),
	 "names of capabilities", "of the container, for elements that depend on them; all, none"},
	{"arch", 0, "NAME", opt_string, offsetof(struct explain_options, arch),
	 "a numbering of this machine", "lists of another numbering: x86, x32 ..."},
	{"all", 'a', NULL, opt_flag, offsetof(struct explain_options, all), NULL,
	 "also the risks that are closed"},
	{},
};

const char *access_name(enum access a)
{
	switch (a) {
	case ACCESS_DENIED:
		return "denied";
	case ACCESS_ASKED:
		return "asked";
	case ACCESS_ALLOWED:
		return "allowed";
	}
	return "?";
}

/* ---- the head ---- */

static void print_head(const struct explained *e)
{
	const struct sc_info *info = sc_filter_info(e->profile.filter);
	const struct arch_view *own = &e->view.arch[0];
	struct surface s = surface_of(&e->view);
	char verdict[VERDICT_TEXT_MAX];

	/* errors of stdout are seen when it is closed */
	text_print(stdout, e->profile.name);
	(void)printf(": %u instructions, default %s\n", info->prog.len,
		     verdict_text(e->meaning.default_verdict, verdict));
	for (size_t i = 0; i < e->view.nr; i++) {
		const struct arch_view *a = &e->view.arch[i];

		(void)printf("%-9s %zu calls allowed, %zu for some arguments, %zu denied\n",
			     arch_name(a->arch), a->allowed, a->some, a->denied);
	}
	(void)printf("surface   %" PRIu64 " of %" PRIu64 " (%" PRIu64 " calls + %" PRIu64
		     " risks + %" PRIu64 " numberings)\n",
		     s.total, s.unconfined, s.calls, s.risks, s.numberings);
	if (own->left_out)
		(void)printf("%zu ways through the filter were too many to follow\n",
			     own->left_out);
}

/* ---- risks ---- */

static const struct table_column risk_columns[] = {
	{"RISK"},
	{"USE"},
	{"WEIGHT", .right = true},
	{"VERDICT"},
	{"WHY", .cut = true},
	{"HOLES BEFORE", .cut = true},
	{},
};

/* The verdict of a way that is this use, the most permitting one. */
static const char *use_verdict(const struct explained *e, const struct risk *r,
			       char buf[static VERDICT_TEXT_MAX])
{
	struct seccomp_data d;

	if (risk_open(&e->view.arch[0], r, &d) == ACCESS_DENIED) {
		const struct call_view *c = view_call(&e->view.arch[0], r->call);

		return c && !c->varies ? verdict_text(c->verdict, buf) : "denied";
	}
	return verdict_text(cbpf_run(&sc_filter_info(e->profile.filter)->prog, &d, NULL), buf);
}

static int print_risks(const struct explained *e, bool all)
{
	struct libscols_table *t = table_new(risk_columns);
	const struct risk *rows;
	size_t nr, open = 0, known = 0;

	if (!t)
		return audit_fail("out of memory");
	rows = risks_table(&nr);
	for (size_t i = 0; i < nr; i++) {
		char verdict[VERDICT_TEXT_MAX], use[2 * CALL_NAME_MAX], weight[16];
		bool is_open = risk_open(&e->view.arch[0], &rows[i], NULL) > ACCESS_DENIED;
		const char *const cells[] = {
			rows[i].group, risk_text(&rows[i], use),
			weight,	       use_verdict(e, &rows[i], verdict),
			rows[i].why,   rows[i].cves,
		};

		if (!view_call(&e->view.arch[0], rows[i].call))
			continue;
		known++;
		open += is_open;
		if (!is_open && !all)
			continue;
		(void)snprintf(weight, sizeof(weight), "%" PRIu32, rows[i].weight);
		if (table_row(t, cells) < 0) {
			scols_unref_table(t);
			return audit_fail("out of memory");
		}
	}
	(void)printf("\nRisky uses: %zu of %zu are open%s\n", open, known,
		     all || open == known ? "" : "; --all shows the others, too");
	return table_print(t) < 0 ? audit_fail("can't print the table") : 0;
}

/* ---- lists of names ---- */

static void print_names(const struct arch_view *a, const char *title,
			bool (*in)(const struct call_view *c, uint32_t verdict), uint32_t verdict)
{
	int width = table_width() > 20 ? table_width() : LIST_WIDTH, at = width;
	size_t nr = 0;

	for (size_t i = 0; i < a->calls->nr; i++)
		nr += in(&a->call[i], verdict);
	if (!nr)
		return;
	(void)printf("\n%s: %zu", title, nr);
	for (size_t i = 0; i < a->calls->nr; i++) {
		int len = (int)strlen(a->call[i].name) + 1;

		if (!in(&a->call[i], verdict))
			continue;
		if (at + len > width) {
			(void)printf("\n ");
			at = 1;
		}
		(void)printf(" %s", a->call[i].name);
		at += len;
	}
	(void)putchar('\n');
}

static bool has_verdict(const struct call_view *c, uint32_t verdict)
{
	return !c->varies && c->verdict == verdict;
}

static bool has_many(const struct call_view *c, uint32_t verdict)
{
	(void)verdict;
	return c->varies;
}

static bool seen_before(const struct arch_view *a, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (!a->call[i].varies && a->call[i].verdict == a->call[nr].verdict)
			return true;
	return false;
}

static void print_lists(const struct arch_view *a)
{
	char title[VERDICT_TEXT_MAX + 32], verdict[VERDICT_TEXT_MAX];

	for (size_t i = 0; i < a->calls->nr; i++) {
		if (a->call[i].varies || seen_before(a, i))
			continue;
		(void)snprintf(title, sizeof(title), "%s",
			       verdict_text(a->call[i].verdict, verdict)); /* fits */
		print_names(a, title, has_verdict, a->call[i].verdict);
	}
	print_names(a, "By arguments (--syscall NAME says how)", has_many, 0);
}

static void print_differences(const struct explained *e)
{
	for (size_t i = 0; i < e->differences.nr; i++) {
		const struct difference *d = &e->differences.list[i];
		char says[VERDICT_TEXT_MAX], does[VERDICT_TEXT_MAX], example[CONDITION_TEXT_MAX];

		(void)printf("%s %s of %s: the text says %s, the filter does %s%s\n",
			     d->cause == DIFFERENCE_UNEXPLAINED ? "\nDISAGREEMENT:" : "note:",
			     example_text(d->name, &d->example, example), arch_name(d->arch),
			     verdict_text(d->says, says), verdict_text(d->does, does),
			     d->cause == DIFFERENCE_UNEXPLAINED
				     ? ""
				     : ", since this libseccomp does not know the call");
	}
	(void)printf("\nThe filter was compared with the text for %" PRIu64 " inputs.\n",
		     e->differences.tried);
}

static int explain_print(const struct audit *a, const struct explain_options *o,
			 const struct explained *e)
{
	const struct arch_view *arch = &e->view.arch[0];
	int status;

	if (o->call)
		return explain_call(a, e, o->call);
	for (size_t i = 0; o->arch && i < e->view.nr; i++)
		if (!strcmp(arch_name(e->view.arch[i].arch), o->arch))
			arch = &e->view.arch[i];
	print_head(e);
	status = print_risks(e, o->all);
	if (status)
		return status;
	print_lists(arch);
	(void)putchar('\n');
	print_differences(e);
	return 0;
}

/* A filter that is not what its text says is found even if nobody asked for that. */
static int explain_status(const struct explained *e)
{
	for (size_t i = 0; i < e->differences.nr; i++)
		if (e->differences.list[i].cause == DIFFERENCE_UNEXPLAINED ||
		    difference_wider(&e->differences.list[i]))
			return AUDIT_FOUND;
	return 0;
}

static int arch_check(const struct audit *a, const char *name)
{
	uint32_t siblings[3];

	arch_siblings(siblings);
	if (!name || !strcmp(name, arch_name(seccomp_arch_native())))
		return 0;
	for (size_t i = 0; siblings[i]; i++)
		if (!strcmp(name, arch_name(siblings[i])))
			return 0;
	return audit_usage(a, "--arch=%s: this machine executes %s%s%s%s%s", name,
			   arch_name(seccomp_arch_native()), siblings[0] ? ", " : "",
			   siblings[0] ? arch_name(siblings[0]) : "",
			   siblings[0] && siblings[1] ? ", " : "",
			   siblings[0] && siblings[1] ? arch_name(siblings[1]) : "");
}

static int fill(struct audit *a, const char *name, uint64_t caps, struct explained *e)
{
	int err = profile_load(name, caps, &e->profile, &a->why);

	if (!err)
		err = view_new(&e->profile, &e->view, &a->why);
	if (err)
		return audit_fail("%s", a->why.text);
	if (meaning_new(e->profile.doc, caps, &e->meaning) < 0 ||
	    compare(&e->view, &e->meaning, &e->differences) < 0)
		return audit_fail("%s: out of memory", name);
	audit_warn_foreign(&e->profile);
	return 0;
}

static int explain_run(struct audit *a, const void *options, char **operands, int nr)
{
	const struct explain_options *o = options;
	struct explained e = {};
	uint64_t caps = 0;
	int status = audit_caps(a, o->caps, &caps);

	(void)nr; /* there is one */
	if (!status)
		status = arch_check(a, o->arch);
	if (!status)
		status = fill(a, operands[0], caps, &e);
	if (!status && a->json && o->call && !explain_knows(&e.view, o->call))
		status = audit_usage(a, "--syscall=%s: no such system call", o->call);
	else if (!status)
		status = a->json ? audit_print_json(explain_json(&e, o->call))
				 : explain_print(a, o, &e);
	if (!status)
		status = explain_status(&e);
	free(e.differences.list);
	meaning_free(&e.meaning);
	view_free(&e.view);
	profile_free(&e.profile);
	return status;
}

const struct command cmd_explain = {
	.name = "explain",
	.args = "[OPTION...] PROFILE",
	.help = "the verdict on every system call, by risk",
	.more = "Verdicts come from running the compiled filter, not from reading the text. Exit "
		"status 3\nif the filter does not do what the text says.",
	.options = explain_rows,
	.options_size = sizeof(struct explain_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = explain_run,
};
