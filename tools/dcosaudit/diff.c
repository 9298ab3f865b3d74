// SPDX-License-Identifier: Apache-2.0
/*
 * dcosaudit diff: what one profile does otherwise than another. Every way through the one filter
 * is held against every way through the other, so that also a change for a single value of an
 * argument is found, and only a change that the kernel would make.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/common/text.h"
#include "tools/dcosaudit/audit.h"
#include "tools/dcosaudit/risks.h"
#include "tools/dcosctl/table.h"

struct diff_options {
	const char *caps;
	bool fail_on_wider, all;
};

static const struct opt_row diff_rows[] = {
	{"fail-on-wider", 0, NULL, opt_flag, offsetof(struct diff_options, fail_on_wider), NULL,
	 "exit status 3 if B allows anything that A does not"},
	{"all", 'a', NULL, opt_flag, offsetof(struct diff_options, all), NULL,
	 "also calls that are denied in another way"},
	{"caps", 0, "LIST", opt_string, offsetof(struct diff_options, caps),
	 "names of capabilities", "of the container, for elements that depend on them; all, none"},
	{},
};

enum change {
	CHANGE_NONE,
	CHANGE_OTHER, /* as much, in another way: another errno */
	CHANGE_NARROWER,
	CHANGE_WIDER,
	CHANGES,
};

static const char *const change_names[] = {
	[CHANGE_NONE] = "none",
	[CHANGE_OTHER] = "other",
	[CHANGE_NARROWER] = "narrower",
	[CHANGE_WIDER] = "wider",
};

/* The first pair of ways of a call that meets and differs so. */
struct changed {
	bool found;
	uint32_t verdict_a, verdict_b;
	struct seccomp_data example;
	size_t way_a, way_b;
};

struct diff {
	const struct diff_options *options;
	struct view a, b;
	struct libscols_table *table; /* or */
	json_t *list;
	size_t count[CHANGES]; /* calls */
	size_t unknown; /* pairs of which it is not known whether they meet */
	bool failed; /* no memory for the table */
};

static enum change change_of(uint32_t a, uint32_t b)
{
	if (access_of(a) != access_of(b))
		return access_of(a) < access_of(b) ? CHANGE_WIDER : CHANGE_NARROWER;
	return a == b ? CHANGE_NONE : CHANGE_OTHER;
}

static void pair(struct diff *d, const struct call_view *a, size_t i, const struct call_view *b,
		 size_t j, struct changed ret[static CHANGES])
{
	const struct path *pa = &a->paths.path[i], *pb = &b->paths.path[j];
	struct changed *c = &ret[change_of(pa->verdict, pb->verdict)];
	int r;

	if (c == &ret[CHANGE_NONE] || c->found)
		return;
	r = path_meet(&a->paths, pa, b->paths.tests + pb->tests, pb->tests_nr, &c->example);
	d->unknown += r < 0;
	if (r <= 0)
		return;
	c->found = true;
	c->verdict_a = pa->verdict;
	c->verdict_b = pb->verdict;
	c->way_a = i;
	c->way_b = j;
}

/* The narrower of two conditions says more. */
static const char *where_text(const struct call_view *a, const struct call_view *b,
			      const struct changed *c, char buf[static CONDITION_TEXT_MAX])
{
	const struct path *pa = &a->paths.path[c->way_a], *pb = &b->paths.path[c->way_b];

	if (pb->tests_nr && (pb->tests_nr <= pa->tests_nr || !pa->tests_nr))
		return condition_text(&b->paths, pb, buf);
	return condition_text(&a->paths, pa, buf);
}

static void tell(struct diff *d, const struct arch_view *arch, enum change change,
		 const struct call_view *a, const struct call_view *b, const struct changed *c)
{
	char va[VERDICT_TEXT_MAX], vb[VERDICT_TEXT_MAX];
	char example[CONDITION_TEXT_MAX], where[CONDITION_TEXT_MAX], weight[16] = "";
	const struct risk *r = risk_heaviest(a->name);
	const char *const cells[] = {
		change_names[change],
		arch_name(arch->arch),
		a->name,
		verdict_text(c->verdict_a, va),
		verdict_text(c->verdict_b, vb),
		where_text(a, b, c, where),
		weight,
	};

	d->count[change]++;
	if (change == CHANGE_OTHER && !d->options->all)
		return;
	if (r)
		(void)snprintf(weight, sizeof(weight), "%" PRIu32, r->weight);
	if (d->table)
		d->failed |= table_row(d->table, cells) < 0;
	else
		(void)json_array_append_new(d->list,
					    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i}",
						      "change", change_names[change], "arch",
						      arch_name(arch->arch), "call", a->name, "a",
						      cells[3], "b", cells[4], "arguments", where,
						      "example",
						      example_text(a->name, &c->example, example),
						      "weight", r ? (int)r->weight : 0));
}

static void diff_arch(struct diff *d, const struct arch_view *a, const struct arch_view *b,
		      enum change change)
{
	for (size_t n = 0; n < a->calls->nr; n++) {
		const struct call_view *ca = &a->call[n], *cb = &b->call[n];
		struct changed changed[CHANGES] = {};

		for (size_t i = 0; i < ca->paths.nr; i++)
			for (size_t j = 0; j < cb->paths.nr; j++)
				pair(d, ca, i, cb, j, changed);
		if (changed[change].found)
			tell(d, a, change, ca, cb, &changed[change]);
	}
}

/* Numbers that no call has: what a later kernel brings. */
static void diff_unknown(struct diff *d, const struct arch_view *a, const struct arch_view *b,
			 enum change change)
{
	char va[VERDICT_TEXT_MAX], vb[VERDICT_TEXT_MAX];
	const char *const cells[] = {
		change_names[change],
		arch_name(a->arch),
		"(unknown numbers)",
		verdict_text(a->unknown, va),
		verdict_text(b->unknown, vb),
		"any arguments",
		NULL,
	};

	if (change_of(a->unknown, b->unknown) != change)
		return;
	d->count[change]++;
	if (change == CHANGE_OTHER && !d->options->all)
		return;
	if (d->table)
		d->failed |= table_row(d->table, cells) < 0;
	else
		(void)json_array_append_new(d->list, json_pack("{s:s, s:s, s:n, s:s, s:s, s:s}",
							       "change", cells[0], "arch", cells[1],
							       "call", "a", cells[3], "b", cells[4],
							       "arguments", cells[5]));
}

static const struct table_column diff_columns[] = {
	{"CHANGE"},
	{"ARCH"},
	{"CALL"},
	{"A"},
	{"B"},
	{"ARGUMENTS", .cut = true},
	{"RISK", .right = true},
	{},
};

static json_t *surface_json(const struct view *v)
{
	struct surface s = surface_of(v);

	return json_integer((json_int_t)s.total);
}

static int finish_json(struct diff *d)
{
	return audit_print_json(json_pack("{s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:O}", "a",
					  d->a.profile->name, "b", d->b.profile->name, "surface_a",
					  surface_json(&d->a), "surface_b", surface_json(&d->b),
					  "wider", (json_int_t)d->count[CHANGE_WIDER], "narrower",
					  (json_int_t)d->count[CHANGE_NARROWER], "other",
					  (json_int_t)d->count[CHANGE_OTHER], "unknown",
					  (json_int_t)d->unknown, "changes", d->list));
}

static int finish_table(struct diff *d)
{
	struct surface a = surface_of(&d->a), b = surface_of(&d->b);
	bool empty = scols_table_is_empty(d->table);

	if (d->failed)
		return audit_fail("out of memory");
	if (!empty && table_print(take_ptr(d->table)) < 0)
		return audit_fail("can't print the table");
	/* errors of stdout are seen when it is closed */
	(void)printf(
		"%s%zu calls wider, %zu narrower, %zu denied in another way%s; surface %" PRIu64
		" to %" PRIu64 "\n",
		empty ? "" : "\n", d->count[CHANGE_WIDER], d->count[CHANGE_NARROWER],
		d->count[CHANGE_OTHER],
		d->count[CHANGE_OTHER] && !d->options->all ? " (--all)" : "", a.total, b.total);
	if (d->unknown)
		audit_warn("%zu pairs of conditions were too hard to compare", d->unknown);
	return 0;
}

static int diff_views(struct audit *a, struct diff *d)
{
	int status;

	if (a->json)
		d->list = json_array();
	else
		d->table = table_new(diff_columns);
	if (!d->list && !d->table)
		return audit_fail("out of memory");
	for (int change = CHANGE_WIDER; change > CHANGE_NONE; change--)
		for (size_t i = 0; i < d->a.nr; i++) {
			diff_arch(d, &d->a.arch[i], &d->b.arch[i], (enum change)change);
			diff_unknown(d, &d->a.arch[i], &d->b.arch[i], (enum change)change);
		}
	status = a->json ? finish_json(d) : finish_table(d);
	if (d->table)
		scols_unref_table(d->table);
	json_decref(d->list);
	return status;
}

static int diff_run(struct audit *a, const void *options, char **operands, int nr)
{
	const struct diff_options *o = options;
	cleanup_profile struct profile pa = {};
	cleanup_profile struct profile pb = {};
	struct diff d = {.options = o};
	uint64_t caps = 0;
	int status = audit_caps(a, o->caps, &caps);

	(void)nr; /* there are two */
	if (status)
		return status;
	if (profile_load(operands[0], caps, &pa, &a->why) < 0 ||
	    profile_load(operands[1], caps, &pb, &a->why) < 0 || view_new(&pa, &d.a, &a->why) < 0 ||
	    view_new(&pb, &d.b, &a->why) < 0)
		status = audit_fail("%s", a->why.text);
	else
		status = diff_views(a, &d);
	if (!status) {
		audit_warn_foreign(&pa);
		audit_warn_foreign(&pb);
	}
	view_free(&d.a);
	view_free(&d.b);
	if (!status && o->fail_on_wider && (d.count[CHANGE_WIDER] || d.unknown))
		return AUDIT_FOUND;
	return status;
}

const struct command cmd_diff = {
	.name = "diff",
	.args = "[OPTION...] A B",
	.help = "what profile B newly allows or denies",
	.more = "ARGUMENTS tells of one class of arguments for which it holds; RISK is the weight "
		"of the\ncall. With --fail-on-wider the exit status is 3 if B allows more.",
	.options = diff_rows,
	.options_size = sizeof(struct diff_options),
	.operands_min = 2,
	.operands_max = 2,
	.run = diff_run,
};
