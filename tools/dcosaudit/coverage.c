// SPDX-License-Identifier: Apache-2.0
/*
 * dcosaudit coverage: what could be taken away. A risky use of a call counts as used if a recorded
 * argument was that use; without recorded arguments, if the call was made at all.
 */
#include "tools/dcosaudit/coverage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/common/text.h"
#include "tools/dcosaudit/risks.h"
#include "tools/dcosctl/table.h"

#define LINE_WIDTH 80 /* columns of lists of names */

static const struct opt_row coverage_rows[] = {
	{"profile", 'p', "PROFILE", opt_string, offsetof(struct coverage_options, profile),
	 "a file or the name of a profile", "that the program runs under (default: default)"},
	{"live", 0, NULL, opt_flag, offsetof(struct coverage_options, live), NULL,
	 "the operand is a TASK that runs: record it now, and take its own profile"},
	{"duration", 0, "TIME", opt_ms, offsetof(struct coverage_options, duration), OPT_ALLOWED_MS,
	 "with --live: how long (default: until the task ends, or SIGINT)"},
	{"profile-dir", 0, "DIR", opt_string, offsetof(struct coverage_options, profile_dir),
	 "a path", "with --live: seccomp_dir of the agent, if it is not the usual one"},
	{"fail-on-risky", 0, NULL, opt_flag, offsetof(struct coverage_options, fail_on_risky), NULL,
	 "exit status 3 if something risky is allowed and never used"},
	{"weight", 0, "N", opt_count, offsetof(struct coverage_options, weight),
	 "a whole number from 1", "what --fail-on-risky takes for risky (default 5)"},
	{"caps", 0, "LIST", opt_string, offsetof(struct coverage_options, caps),
	 "names of capabilities", "of the container, for elements that depend on them; all, none"},
	{},
};

#define WEIGHT_DEFAULT 5

struct cover {
	const struct view *v;
	const struct recording *r;
	size_t allowed, used, denied; /* calls; denied: used and not allowed */
	size_t risky; /* rows that are open and unused */
	uint64_t heaviest; /* weight of the heaviest of these */
};

/* Did the recording see the call. Return: how often it was made. */
static uint64_t made(const struct recording *r, uint32_t arch, int nr)
{
	uint64_t count = 0;

	for (int part = 0; part < REC_PARTS; part++)
		for (size_t i = 0; i < r->parts[part].nr; i++) {
			const struct rec_call *c = &r->parts[part].calls[i];

			if (c->arch == arch && c->nr == nr)
				count += c->count;
		}
	return count;
}

/* Families and types are recorded by themselves: both must have been seen. */
static bool family_is(const struct rec_call *c, const struct risk *k)
{
	for (size_t i = 0; k->family && i < c->classes_nr; i++)
		if (c->classes[i].arg == 0 && c->classes[i].value == k->family)
			return true;
	return !k->family;
}

static bool class_is(const struct rec_call *c, const struct risk *k, bool *ret_recorded)
{
	for (size_t i = 0; i < c->classes_nr; i++) {
		if (c->classes[i].arg != k->arg)
			continue;
		*ret_recorded = true;
		if ((c->classes[i].value & k->mask) == k->value && family_is(c, k))
			return true;
	}
	return false;
}

/* Was the call used like that. */
static bool used_for(const struct recording *r, uint32_t arch, int nr, const struct risk *k)
{
	for (int part = 0; part < REC_PARTS; part++)
		for (size_t i = 0; i < r->parts[part].nr; i++) {
			const struct rec_call *c = &r->parts[part].calls[i];
			bool recorded = false;

			if (c->arch != arch || c->nr != nr || !c->count)
				continue;
			if (!k->mask || class_is(c, k, &recorded) || !recorded || c->classes_lost)
				return true;
		}
	return false;
}

static void count(struct cover *c)
{
	for (size_t a = 0; a < c->v->nr; a++) {
		const struct arch_view *arch = &c->v->arch[a];

		for (size_t i = 0; i < arch->calls->nr; i++) {
			const struct call_view *call = &arch->call[i];
			bool seen = made(c->r, arch->arch, call->nr);

			c->allowed += call->most > ACCESS_DENIED;
			c->used += call->most > ACCESS_DENIED && seen;
			c->denied += call->most == ACCESS_DENIED && seen;
		}
	}
}

/* Rows of risks that are open and unused, the heaviest first. Return: how many */
static size_t unused_risks(struct cover *c, const struct risk **ret)
{
	const struct arch_view *own = &c->v->arch[0];
	const struct risk *rows;
	size_t rows_nr, nr = 0;

	rows = risks_table(&rows_nr);
	for (size_t i = 0; i < rows_nr; i++) {
		const struct call_view *call = view_call(own, rows[i].call);

		if (!call || risk_open(own, &rows[i], NULL) == ACCESS_DENIED ||
		    used_for(c->r, own->arch, call->nr, &rows[i]))
			continue;
		ret[nr++] = &rows[i];
		if (rows[i].weight > c->heaviest)
			c->heaviest = rows[i].weight;
	}
	c->risky = nr;
	return nr;
}

static int by_weight(const void *a, const void *b)
{
	const struct risk *x = *(const struct risk *const *)a, *y = *(const struct risk *const *)b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x < y ? -1 : x > y;
}

static const struct table_column columns[] = {
	{"WEIGHT", .right = true},     {"USE"}, {"RISK"}, {"WHY", .cut = true},
	{"HOLES BEFORE", .cut = true}, {},
};

static int print_risks(const struct risk *const *risks, size_t nr)
{
	struct libscols_table *t = table_new(columns);

	if (!t)
		return audit_fail("out of memory");
	for (size_t i = 0; i < nr; i++) {
		char weight[16], use[2 * CALL_NAME_MAX];
		const char *const cells[] = {weight, risk_text(risks[i], use), risks[i]->group,
					     risks[i]->why, risks[i]->cves};

		(void)snprintf(weight, sizeof(weight), "%" PRIu32, risks[i]->weight);
		if (table_row(t, cells) < 0) {
			scols_unref_table(t);
			return audit_fail("out of memory");
		}
	}
	if (!nr)
		scols_unref_table(t);
	return nr && table_print(t) < 0 ? audit_fail("can't print the table") : 0;
}

/* The calls of one kind: allowed and unused, or used and denied. */
static bool is_listed(const struct cover *c, const struct arch_view *a, size_t i, bool unused)
{
	bool open = a->call[i].most > ACCESS_DENIED, seen = made(c->r, a->arch, a->call[i].nr);

	return unused ? open && !seen : !open && seen;
}

static void print_calls(const struct cover *c, const char *title, bool unused)
{
	int width = table_width() > 20 ? table_width() : LINE_WIDTH, at = width;

	(void)printf("\n%s:", title);
	for (size_t n = 0; n < c->v->nr; n++)
		for (size_t i = 0; i < c->v->arch[n].calls->nr; i++) {
			const struct arch_view *a = &c->v->arch[n];
			char name[2 * CALL_NAME_MAX];
			int len;

			if (!is_listed(c, a, i, unused))
				continue;
			len = snprintf(name, sizeof(name), "%s%s%s", n ? arch_name(a->arch) : "",
				       n ? ":" : "", a->call[i].name) +
			      1; /* fits */
			if (at + len > width) {
				(void)printf("\n ");
				at = 1;
			}
			(void)printf(" %s", name);
			at += len;
		}
	(void)putchar('\n');
}

static int print_text(struct cover *c, const struct risk *const *risks, size_t nr)
{
	int status;

	/* errors of stdout are seen when it is closed */
	text_print(stdout, c->v->profile->name);
	(void)printf(" allows %zu calls; %zu of them were used in %" PRIu32 " runs%s\n", c->allowed,
		     c->used, c->r->runs, c->r->complete && !c->r->lost ? "" : " (not complete)");
	(void)printf("Risky uses that are allowed and were not used: %zu\n%s", nr, nr ? "\n" : "");
	status = print_risks(risks, nr);
	if (status)
		return status;
	if (c->allowed > c->used)
		print_calls(c, "Allowed and not used", true);
	if (c->denied)
		print_calls(c, "Used, but denied by this profile", false);
	return 0;
}

static json_t *names_json(const struct cover *c, bool unused)
{
	json_t *list = json_array();

	for (size_t n = 0; n < c->v->nr; n++)
		for (size_t i = 0; i < c->v->arch[n].calls->nr; i++)
			if (is_listed(c, &c->v->arch[n], i, unused))
				(void)json_array_append_new(list,
							    json_pack("{s:s, s:s}", "arch",
								      arch_name(c->v->arch[n].arch),
								      "name",
								      c->v->arch[n].call[i].name));
	return list;
}

static json_t *report_json(struct cover *c, const struct risk *const *risks, size_t nr)
{
	json_t *list = json_array();

	for (size_t i = 0; i < nr; i++)
		(void)json_array_append_new(list, json_pack("{s:s, s:s?, s:s, s:i, s:s, s:s?}",
							    "call", risks[i]->call, "use",
							    risks[i]->use, "group", risks[i]->group,
							    "weight", (int)risks[i]->weight, "why",
							    risks[i]->why, "cves", risks[i]->cves));
	return json_pack("{s:s, s:i, s:b, s:I, s:I, s:o, s:o, s:o}", "profile", c->v->profile->name,
			 "runs", (int)c->r->runs, "complete", c->r->complete && !c->r->lost,
			 "allowed", (json_int_t)c->allowed, "used", (json_int_t)c->used,
			 "unused_risks", list, "unused_calls", names_json(c, true), "denied_calls",
			 names_json(c, false));
}

int coverage_report(struct audit *a, const struct coverage_options *o, const struct view *v,
		    const struct recording *r)
{
	struct cover c = {.v = v, .r = r};
	uint64_t limit = o->weight.given ? o->weight.value : WEIGHT_DEFAULT;
	size_t rows_nr, nr;
	int status;

	(void)risks_table(&rows_nr); /* only how many */
	cleanup_free const struct risk **risks = calloc(rows_nr, sizeof(*risks));

	if (!risks)
		return audit_fail("out of memory");
	count(&c);
	nr = unused_risks(&c, risks);
	qsort(risks, nr, sizeof(*risks), by_weight);
	status = a->json ? audit_print_json(report_json(&c, risks, nr)) : print_text(&c, risks, nr);
	return status || !o->fail_on_risky || c.heaviest < limit ? status : AUDIT_FOUND;
}

static int coverage_run(struct audit *a, const void *options, char **operands, int nr)
{
	const struct coverage_options *o = options;
	cleanup_profile struct profile p = {};
	cleanup_view struct view v = {};
	struct recording r = {};
	uint64_t caps = 0;
	int status;

	if (o->live)
		return coverage_live(a, o, operands, nr);
	status = audit_caps(a, o->caps, &caps);
	if (status)
		return status;
	if (profile_load(o->profile ? o->profile : "default", caps, &p, &a->why) < 0 ||
	    view_new(&p, &v, &a->why) < 0 ||
	    rec_read_all((const char *const *)operands, nr, &r, &a->why) < 0)
		return audit_fail("%s", a->why.text);
	status = coverage_report(a, o, &v, &r);
	rec_free(&r);
	return status;
}

const struct command cmd_coverage = {
	.name = "coverage",
	.args = "[OPTION...] RECORDING...",
	.help = "what a profile allows and was never used",
	.more = "By risk, the heaviest first. Recordings of several runs are joined.",
	.options = coverage_rows,
	.options_size = sizeof(struct coverage_options),
	.operands_min = 1,
	.operands_max = AUDIT_OPERANDS_ANY,
	.run = coverage_run,
};
