// SPDX-License-Identifier: Apache-2.0
/*
 * dcosaudit cost: what a filter costs, in instructions of the BPF machine. The kernel runs the
 * whole filter for each call but for those that it found to be allowed whatever the arguments when
 * it loaded the filter (since 5.11): these cost nothing. Times are in Documentation/performance.rst.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/dcosaudit/audit.h"
#include "tools/dcosaudit/recording.h"
#include "tools/dcosaudit/view.h"
#include "tools/dcosctl/table.h"

struct cost_options {
	const char *caps;
	struct opt_list mix;
};

static const struct opt_row cost_rows[] = {
	{"mix", 'm', "RECORDING", opt_strings, offsetof(struct cost_options, mix),
	 "given at most 128 times", "weigh calls as recorded (default: each allowed call once)"},
	{"caps", 0, "LIST", opt_string, offsetof(struct cost_options, caps),
	 "names of capabilities", "of the container, for elements that depend on them; all, none"},
	{},
};

struct cost {
	const char *layout;
	unsigned int instructions;
	uint64_t calls; /* of the mix, that the filter judged */
	uint64_t steps; /* instructions executed for them */
	uint64_t cached; /* calls of the mix that the kernel does not run the filter for */
	uint64_t cached_steps; /* what they would have cost */
	unsigned int worst;
	char worst_text[CONDITION_TEXT_MAX]; /* "socket(17)" */
};

/* As the kernel finds it out: allowed without a look at the arguments. */
static bool is_cached(const struct call_view *c)
{
	return c->paths.nr == 1 && !c->paths.path[0].tests_nr && !c->paths.left_out &&
	       c->paths.path[0].verdict == SECCOMP_RET_ALLOW;
}

static unsigned int worst_of(const struct call_view *c)
{
	unsigned int worst = 0;

	for (size_t i = 0; i < c->paths.nr; i++)
		worst = c->paths.path[i].steps > worst ? c->paths.path[i].steps : worst;
	return worst;
}

static void charge(struct cost *cost, const struct call_view *c, unsigned int steps, uint64_t count)
{
	if (is_cached(c)) {
		cost->cached += count;
		cost->cached_steps += count * steps;
	} else {
		cost->calls += count;
		cost->steps += count * steps;
	}
}

/* Recorded values of one argument tell the way; what is not recorded is taken for the longest. */
static void charge_recorded(struct cost *cost, const struct view *v, const struct arch_view *a,
			    const struct call_view *c, const struct rec_call *r)
{
	const struct sock_fprog *prog = &sc_filter_info(v->profile->filter)->prog;
	uint64_t left = r->count;

	for (size_t i = 0; i < r->classes_nr; i++) {
		const struct rec_class *k = &r->classes[i];
		struct seccomp_data d = {.nr = c->nr, .arch = arch_audit(a->arch)};
		uint64_t count = k->count < left ? k->count : left;
		unsigned int steps = 0;

		if (k->arg != r->classes[0].arg)
			continue; /* the same calls again, by another argument */
		d.args[k->arg] = k->value;
		(void)cbpf_run(prog, &d, &steps); /* only its cost is asked for */
		charge(cost, c, steps, count);
		left -= count;
	}
	charge(cost, c, worst_of(c), left);
}

static void worst_find(struct cost *cost, const struct arch_view *a)
{
	for (size_t n = 0; n < a->calls->nr; n++)
		for (size_t i = 0; i < a->call[n].paths.nr; i++) {
			const struct path *p = &a->call[n].paths.path[i];

			if (p->steps <= cost->worst)
				continue;
			cost->worst = p->steps;
			(void)example_text(a->call[n].name, &p->example, cost->worst_text);
		}
}

static void weigh(struct cost *cost, const struct view *v, const struct recording *mix)
{
	const struct arch_view *own = &v->arch[0];

	worst_find(cost, own);
	for (size_t n = 0; !mix && n < own->calls->nr; n++)
		if (own->call[n].most > ACCESS_DENIED)
			charge(cost, &own->call[n], worst_of(&own->call[n]), 1);
	for (int part = 0; mix && part < REC_PARTS; part++)
		for (size_t i = 0; i < mix->parts[part].nr; i++) {
			const struct rec_call *r = &mix->parts[part].calls[i];
			const struct arch_view *a = view_arch(v, r->arch);

			for (size_t n = 0; a && n < a->calls->nr; n++)
				if (a->call[n].nr == r->nr)
					charge_recorded(cost, v, a, &a->call[n], r);
		}
}

static double mean(uint64_t steps, uint64_t calls)
{
	return calls ? (double)steps / (double)calls : 0;
}

static const struct table_column cost_columns[] = {
	{"LAYOUT"},
	{"INSTRUCTIONS", .right = true},
	{"BYTES", .right = true},
	{"MEAN", .right = true},
	{"WITHOUT CACHE", .right = true},
	{"WORST", .right = true},
	{"WORST CALL", .cut = true},
	{},
};

static int cost_print(const struct cost *costs, size_t nr)
{
	struct libscols_table *t = table_new(cost_columns);
	const struct cost *c = &costs[0];
	int r = t ? 0 : -1;

	for (size_t i = 0; r >= 0 && i < nr; i++) {
		char numbers[5][24];
		const char *const cells[] = {
			costs[i].layout, numbers[0], numbers[1],	  numbers[2],
			numbers[3],	 numbers[4], costs[i].worst_text,
		};
		uint64_t all = costs[i].calls + costs[i].cached;

		(void)snprintf(numbers[0], 24, "%u", costs[i].instructions); /* all fit */
		(void)snprintf(numbers[1], 24, "%zu",
			       costs[i].instructions * sizeof(struct sock_filter));
		(void)snprintf(numbers[2], 24, "%.1f", mean(costs[i].steps, all));
		(void)snprintf(numbers[3], 24, "%.1f",
			       mean(costs[i].steps + costs[i].cached_steps, all));
		(void)snprintf(numbers[4], 24, "%u", costs[i].worst);
		r = table_row(t, cells);
	}
	if (r < 0) {
		scols_unref_table(t);
		return audit_fail("out of memory");
	}
	r = table_print(t);
	/* errors of stdout are seen when it is closed */
	(void)printf("\nMEAN: instructions a call, over %" PRIu64 " calls; for %" PRIu64
		     " of them the kernel runs no filter.\n",
		     c->calls + c->cached, c->cached);
	return r < 0 ? audit_fail("can't print the table") : 0;
}

static json_t *cost_json(const char *name, const struct cost *costs, size_t nr)
{
	json_t *list = json_array();

	for (size_t i = 0; i < nr; i++) {
		const struct cost *c = &costs[i];

		(void)json_array_append_new(
			list, json_pack("{s:s, s:i, s:f, s:f, s:i, s:s, s:I, s:I}", "layout",
					c->layout, "instructions", (int)c->instructions, "mean",
					mean(c->steps, c->calls + c->cached), "mean_without_cache",
					mean(c->steps + c->cached_steps, c->calls + c->cached),
					"worst", (int)c->worst, "worst_call", c->worst_text,
					"calls", (json_int_t)(c->calls + c->cached), "cached",
					(json_int_t)c->cached));
	}
	return json_pack("{s:s, s:o}", "profile", name, "layouts", list);
}

static int cost_of(struct audit *a, struct profile *p, const char *layout,
		   const struct recording *mix, struct cost *ret)
{
	struct cost c = {.layout = layout, .instructions = sc_filter_info(p->filter)->prog.len};
	cleanup_view struct view v = {};

	if (view_new(p, &v, &a->why) < 0)
		return audit_fail("%s", a->why.text);
	weigh(&c, &v, mix);
	*ret = c;
	return 0;
}

static int cost_both(struct audit *a, struct profile *p, const struct recording *mix)
{
	struct sc_filter *flat = NULL;
	struct cost costs[2] = {};
	int status = cost_of(a, p, "tree", mix, &costs[0]);

	if (status)
		return status;
	/* a chain may be too long for the kernel where a tree is not */
	if (sc_compile_flat(p->text, p->caps, &flat, &a->why) < 0)
		return audit_fail("%s", a->why.text);
	(void)sc_filter_unref(p->filter); /* always NULL */
	p->filter = flat;
	status = cost_of(a, p, "linear", mix, &costs[1]);
	if (status)
		return status;
	return a->json ? audit_print_json(cost_json(p->name, costs, 2)) : cost_print(costs, 2);
}

static int cost_run(struct audit *a, const void *options, char **operands, int nr)
{
	const struct cost_options *o = options;
	cleanup_profile struct profile p = {};
	struct recording mix = {};
	uint64_t caps = 0;
	int status = audit_caps(a, o->caps, &caps);

	(void)nr; /* there is one */
	if (!status && profile_load(operands[0], caps, &p, &a->why) < 0)
		status = audit_fail("%s", a->why.text);
	if (!status && rec_read_all(o->mix.items, o->mix.nr, &mix, &a->why) < 0)
		status = audit_fail("%s", a->why.text);
	if (!status)
		audit_warn_foreign(&p);
	if (!status)
		status = cost_both(a, &p, o->mix.nr ? &mix : NULL);
	rec_free(&mix);
	return status;
}

const struct command cmd_cost = {
	.name = "cost",
	.args = "[OPTION...] PROFILE",
	.help = "instructions that a filter executes a call",
	.more = "Layouts: a binary tree over the numbers, as this agent compiles profiles, and the "
		"chain\nof comparisons of other runtimes. MEAN counts nothing for calls that the "
		"kernel allows\nwithout running the filter (since 5.11).",
	.options = cost_rows,
	.options_size = sizeof(struct cost_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = cost_run,
};
