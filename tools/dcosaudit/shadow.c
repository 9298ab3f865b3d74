// SPDX-License-Identifier: Apache-2.0
/*
 * dcosaudit shadow: what a candidate profile would have answered to a task that runs. The kernel
 * judges each call with the candidate's program and lets it be what it is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/common/text.h"
#include "tools/dcosaudit/live.h"
#include "tools/dcosaudit/machine.h"
#include "tools/dcosaudit/profile.h"
#include "tools/dcosaudit/refusal.h"
#include "tools/dcosctl/table.h"

#define FIRSTS_MAX 512 /* kinds of refusals whose first is kept */

struct shadow_options {
	struct target_options target;
	const char *profile, *caps;
	struct opt_u64 duration;
	bool fail;
};

static const struct opt_row shadow_rows[] = {
	{"profile", 'p', "PROFILE", opt_string, offsetof(struct shadow_options, profile),
	 "a file or the name of a profile", "the candidate"},
	{"caps", 0, "LIST", opt_string, offsetof(struct shadow_options, caps),
	 "names of capabilities", "of the container, for elements that depend on them; all, none"},
	{"fail-on-denial", 0, NULL, opt_flag, offsetof(struct shadow_options, fail), NULL,
	 "exit status 3 if the candidate would have denied anything"},
	TARGET_ROW_CGROUP(struct shadow_options),
	TARGET_ROW_PID(struct shadow_options),
	TARGET_ROW_WAIT(struct shadow_options),
	TARGET_ROW_COMMAND(struct shadow_options),
	{"duration", 0, "TIME", opt_ms, offsetof(struct shadow_options, duration), OPT_ALLOWED_MS,
	 "stop after this time (default: when the task ends)"},
	{},
};

/* The first of its kind, as it was. */
struct first {
	struct dcos_refusal r;
	struct refusal_stack stack;
};

struct shadow {
	struct audit *a;
	const struct profile *profile;
	struct first *firsts;
	size_t firsts_nr;
	struct refusal_count *counts;
	int counts_nr;
	uint64_t denied, lost;
};

static void keep_first(void *ctx, const struct dcos_refusal *r)
{
	struct shadow *s = ctx;

	if (s->firsts_nr == FIRSTS_MAX)
		return; /* its count is shown */
	s->firsts[s->firsts_nr].r = *r;
	refusal_stack(r, &s->firsts[s->firsts_nr].stack);
	s->firsts_nr++;
}

static const struct first *first_of(const struct shadow *s, const struct dcos_refusal_key *k)
{
	for (size_t i = 0; i < s->firsts_nr; i++)
		if (!memcmp(&s->firsts[i].r.key, k, sizeof(*k)))
			return &s->firsts[i];
	return NULL;
}

/* What a count is about: the order in which people want to know. */
enum section {
	SECTION_NEW, /* made now, the candidate would deny it */
	SECTION_SAME, /* denied now and by the candidate */
	SECTION_WIDER, /* denied now, the candidate would allow it */
	SECTIONS,
};

static enum section section_of(const struct dcos_refusal_key *k)
{
	if (!k->now)
		return SECTION_NEW;
	return access_of(k->verdict) == ACCESS_ALLOWED ? SECTION_WIDER : SECTION_SAME;
}

static const char *const titles[SECTIONS] = {
	[SECTION_NEW] = "Made now, and refused by the candidate",
	[SECTION_SAME] = "Denied by the present filter and by the candidate",
	[SECTION_WIDER] = "Denied by the present filter, and allowed by the candidate",
};
static const char *const keys[SECTIONS] = {"refused", "denied_by_both", "newly_allowed"};

static const struct table_column columns[] = {
	{"COUNT", .right = true}, {"VERDICT"}, {"FIRST CALL", .cut = true}, {"BY"}, {},
};

static int print_row(struct libscols_table *t, const struct refusal_count *c,
		     const struct first *first)
{
	char count[24], verdict[VERDICT_TEXT_MAX], call[CONDITION_TEXT_MAX], by[64];
	const char *const cells[] = {count, verdict_text(c->key.verdict, verdict), call,
				     first ? by : NULL};

	(void)snprintf(count, sizeof(count), "%" PRIu64, c->count); /* fits */
	if (first) {
		(void)refusal_call(&first->r, call); /* it is @call */
		(void)snprintf(by, sizeof(by), "%.16s[%u/%u]", first->r.comm, first->r.pid,
			       first->r.tid); /* fits */
	} else {
		(void)refusal_name(&c->key, call); /* it is @call */
	}
	return table_row(t, cells);
}

static void print_stack(const struct first *first)
{
	char call[CONDITION_TEXT_MAX];

	/* errors of stdout are seen when it is closed */
	(void)printf("\n%s:\n", refusal_call(&first->r, call));
	for (int i = 0; i < first->stack.nr; i++) {
		(void)printf("    ");
		text_print(stdout, first->stack.places[i]);
		(void)putchar('\n');
	}
}

static int print_section(const struct shadow *s, enum section section)
{
	struct libscols_table *t = NULL;

	for (int i = 0; i < s->counts_nr; i++) {
		if (section_of(&s->counts[i].key) != section)
			continue;
		if (!t) {
			(void)printf("\n%s:\n\n", titles[section]);
			t = table_new(columns);
		}
		if (!t || print_row(t, &s->counts[i], first_of(s, &s->counts[i].key)) < 0) {
			scols_unref_table(t);
			return audit_fail("out of memory");
		}
	}
	if (t && table_print(t) < 0)
		return audit_fail("can't print the table");
	return 0;
}

static int print_text(const struct shadow *s, const struct target *t)
{
	int status = 0;

	text_print(stdout, s->profile->name);
	(void)printf(" would have refused %" PRIu64 " calls of ", s->denied);
	text_print(stdout, t->name);
	(void)printf("%s\n", s->lost ? " (not all were seen)" : "");
	for (int section = 0; !status && section < SECTIONS; section++)
		status = print_section(s, (enum section)section);
	for (int i = 0; !status && i < s->counts_nr; i++) {
		const struct first *first = first_of(s, &s->counts[i].key);

		if (first && first->stack.nr && section_of(&s->counts[i].key) == SECTION_NEW)
			print_stack(first);
	}
	return status;
}

static int print_json(const struct shadow *s, const struct target *t)
{
	json_t *lists[SECTIONS];

	for (int i = 0; i < SECTIONS; i++)
		lists[i] = json_array();
	for (int i = 0; i < s->counts_nr; i++) {
		const struct dcos_refusal_key *k = &s->counts[i].key;
		const struct first *first = first_of(s, k);
		json_t *row = refusal_key_json(k, s->counts[i].count);

		if (first)
			(void)json_object_set_new(row, "first",
						  refusal_json(&first->r, &first->stack));
		(void)json_array_append_new(lists[section_of(k)], row);
	}
	return audit_print_json(json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o}", "profile",
					  s->profile->name, "task", t->name, "refused_calls",
					  (json_int_t)s->denied, "lost", (json_int_t)s->lost,
					  keys[SECTION_NEW], lists[SECTION_NEW], keys[SECTION_SAME],
					  lists[SECTION_SAME], keys[SECTION_WIDER],
					  lists[SECTION_WIDER]));
}

static int run_live(struct shadow *s, const struct shadow_options *o, struct target *t)
{
	const struct live_run run = {
		.duration_ms = o->duration.given ? o->duration.value : 0,
		.refused = keep_first,
		.ctx = s,
	};
	struct audit *a = s->a;
	struct live *l = NULL;
	enum live_end end;
	int err = live_open(t, LIVE_SHADOW, &sc_filter_info(s->profile->filter)->prog, &l, &a->why);

	if (!err)
		err = live_run(l, t, &run, &end, &a->why);
	if (!err) {
		s->counts_nr = refusal_counts(live_refusals_fd(l), &s->counts);
		s->lost = live_state(l)->lost + live_state(l)->storage_failed + live_skipped(l);
		err = s->counts_nr < 0 ? why_set(&a->why, s->counts_nr, "the counts") : 0;
	}
	live_close(l);
	for (int i = 0; !err && i < s->counts_nr; i++)
		s->denied += section_of(&s->counts[i].key) == SECTION_NEW ? s->counts[i].count : 0;
	return err ? audit_fail("%s", a->why.text) : 0;
}

static int shadow(struct audit *a, const struct shadow_options *o, const struct profile *p,
		  struct target *t)
{
	cleanup_free struct first *firsts = calloc(FIRSTS_MAX, sizeof(*firsts));
	struct shadow s = {.a = a, .profile = p, .firsts = firsts};
	int status = firsts ? run_live(&s, o, t) : audit_fail("out of memory");

	if (!status)
		status = a->json ? print_json(&s, t) : print_text(&s, t);
	free(s.counts);
	return !status && o->fail && s.denied ? AUDIT_FOUND : status;
}

static int shadow_run(struct audit *a, const void *options, char **operands, int nr)
{
	const struct shadow_options *o = options;
	cleanup_profile struct profile p = {};
	struct target t;
	uint64_t caps = 0;
	int status;

	if (!o->profile)
		return audit_usage(a, "shadow: missing --profile");
	status = audit_caps(a, o->caps, &caps);
	if (status)
		return status;
	if (profile_load(o->profile, caps, &p, &a->why) < 0 ||
	    cbpf_check(&sc_filter_info(p.filter)->prog, &a->why) < 0)
		return audit_fail("%s", a->why.text);
	live_block();
	status = target_open(a, &o->target, operands, nr, false, &t);
	if (status)
		return status;
	status = shadow(a, o, &p, &t);
	(void)target_close(&t); /* a command's status is not what was asked for */
	return status;
}

const struct command cmd_shadow = {
	.name = "shadow",
	.args = "[OPTION...] [TASK]",
	.help = "what a profile would deny to a task, unenforced",
	.more = "Until the task ends, for --duration, or to SIGINT or SIGTERM. Of each kind of "
		"refusal the first\ncall is shown, with the stack that made it as far as frame "
		"pointers tell.",
	.options = shadow_rows,
	.options_size = sizeof(struct shadow_options),
	.operands_max = AUDIT_OPERANDS_ANY,
	.run = shadow_run,
};
