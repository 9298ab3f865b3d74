// SPDX-License-Identifier: Apache-2.0
/* dcosaudit lint: what is wrong with a profile, with line and column. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/common/client.h"
#include "tools/common/text.h"
#include "tools/dcosaudit/audit.h"
#include "tools/dcosaudit/findings.h"

struct lint_options {
	const char *caps;
	bool strict, quiet;
};

static const struct opt_row lint_rows[] = {
	{"caps", 0, "LIST", opt_string, offsetof(struct lint_options, caps),
	 "names of capabilities", "of the container, for elements that depend on them; all, none"},
	{"strict", 0, NULL, opt_flag, offsetof(struct lint_options, strict), NULL,
	 "warnings count as errors"},
	{"quiet", 'q', NULL, opt_flag, offsetof(struct lint_options, quiet), NULL,
	 "leave out notes"},
	{},
};

static json_t *finding_json(const struct finding *f)
{
	return json_pack("{s:s, s:s, s:i, s:i, s:s, s:s}", "severity", severity_name(f->severity),
			 "code", f->code, "line", (int)f->at.line, "column", (int)f->at.column,
			 "pointer", f->pointer, "text", f->text);
}

static json_t *lint_json(const struct lint *l, const struct lint_options *o)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->findings.nr; i++)
		if (!o->quiet || l->findings.list[i].severity > SEVERITY_NOTE)
			(void)json_array_append_new(list, finding_json(&l->findings.list[i]));
	return json_pack("{s:s, s:o, s:I, s:I, s:I, s:I}", "profile", l->profile->name, "findings",
			 list, "errors", (json_int_t)l->findings.count[SEVERITY_ERROR], "warnings",
			 (json_int_t)l->findings.count[SEVERITY_WARNING], "notes",
			 (json_int_t)l->findings.count[SEVERITY_NOTE], "left_out",
			 (json_int_t)l->findings.lost);
}

static void lint_print(const struct lint *l, const struct lint_options *o)
{
	const struct findings *f = &l->findings;

	/* errors of stdout are seen when it is closed */
	for (size_t i = 0; i < f->nr; i++) {
		const struct finding *n = &f->list[i];

		if (o->quiet && n->severity == SEVERITY_NOTE)
			continue;
		text_print(stdout, l->profile->name);
		(void)printf(":%u:%u: %s: ", n->at.line, n->at.column, severity_name(n->severity));
		text_print(stdout, n->text);
		(void)printf(" [%s]\n", n->code);
	}
	if (f->lost)
		(void)printf("%zu more findings left out\n", f->lost);
	text_print(stdout, l->profile->name);
	(void)printf(": %zu errors, %zu warnings, %zu notes\n", f->count[SEVERITY_ERROR],
		     f->count[SEVERITY_WARNING], f->count[SEVERITY_NOTE]);
}

/* What can only be looked at when the form is right. Return: 0 or AUDIT_FAILED */
static int look_inside(struct lint *l)
{
	char pointer[FINDING_POINTER_MAX];
	struct why why = {};
	const char *text;

	if (profile_compile(l->profile, l->profile->caps, &why) < 0) {
		/* FILE:LINE:COLUMN: is told by the finding itself */
		text = strstr(why.text, ": /");
		text = profile_pointer(text ? text + 2 : why.text, pointer, sizeof(pointer));
		finding_add(l, SEVERITY_ERROR, "compile", pointer, "%s", text);
		return 0;
	}
	if (meaning_new(l->profile->doc, l->profile->caps, &l->meaning) < 0)
		return audit_fail("%s: out of memory", l->profile->name);
	if (view_new(l->profile, &l->view, &why) < 0)
		return audit_fail("%s", why.text);
	lint_rules(l);
	lint_filter(l);
	return 0;
}

static int lint_all(struct lint *l)
{
	lint_schema(l);
	if (l->findings.count[SEVERITY_ERROR])
		return 0;
	return look_inside(l);
}

/* A text that is no JSON has one finding: where it ends to be. */
static int no_json(const struct audit *a, const struct profile *p, const char *text)
{
	unsigned int line = 1, column = 1;
	size_t name = strlen(p->name);

	if (!a->json) {
		(void)audit_fail("%s", text); /* the status is another */
		return AUDIT_FOUND;
	}
	(void)sscanf(text + name, ":%u:%u:", &line, &column); /* 1:1 without */
	return audit_print_json(
		       json_pack("{s:s, s:[{s:s, s:s, s:i, s:i, s:s, s:s}], s:i, s:i, s:i, s:i}",
				 "profile", p->name, "findings", "severity", "error", "code",
				 "json", "line", (int)line, "column", (int)column, "pointer", "",
				 "text", text, "errors", 1, "warnings", 0, "notes", 0, "left_out",
				 0))
		       ?: AUDIT_FOUND;
}

static int lint_status(const struct findings *f, bool strict)
{
	return f->count[SEVERITY_ERROR] || (strict && f->count[SEVERITY_WARNING]) ? AUDIT_FOUND : 0;
}

static int lint_one(struct audit *a, const struct lint_options *o, const char *name, uint64_t caps)
{
	cleanup_profile struct profile p = {};
	struct lint l = {.profile = &p};
	int status;

	a->why.text[0] = '\0';
	if (profile_text(name, &p, &a->why) < 0)
		return audit_fail("%s", a->why.text);
	if (profile_parse(&p, &a->why) < 0)
		return no_json(a, &p, a->why.text);
	p.caps = caps;
	status = lint_all(&l);
	if (!status) {
		findings_sort(&l.findings);
		if (a->json)
			status = audit_print_json(lint_json(&l, o));
		else
			lint_print(&l, o);
	}
	if (!status)
		status = lint_status(&l.findings, o->strict);
	view_free(&l.view);
	meaning_free(&l.meaning);
	free(l.findings.list);
	return status;
}

static int lint_run(struct audit *a, const void *options, char **operands, int nr)
{
	const struct lint_options *o = options;
	uint64_t caps = 0;
	int status = audit_caps(a, o->caps, &caps);

	for (int i = 0; i < nr && status != AUDIT_USAGE; i++) {
		int s = lint_one(a, o, operands[i], caps);

		/* a profile that could not be read is worse than one with errors */
		status = s == AUDIT_FAILED || status == AUDIT_FAILED ? AUDIT_FAILED
								     : (s > status ? s : status);
	}
	return status;
}

const struct command cmd_lint = {
	.name = "lint",
	.args = "[OPTION...] PROFILE...",
	.help = "errors of form and of meaning, with line and column",
	.more = "Exit status 3 if there are errors. The codes in brackets are explained in "
		"dcosaudit(1).",
	.options = lint_rows,
	.options_size = sizeof(struct lint_options),
	.operands_min = 1,
	.operands_max = AUDIT_OPERANDS_ANY,
	.run = lint_run,
};
