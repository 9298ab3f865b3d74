// SPDX-License-Identifier: Apache-2.0
/* All that is to be said of one system call. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/common/text.h"
#include "tools/dcosaudit/explain.h"

/* The last verdict gets "otherwise" if it has several ways; it is that of most of them. */
static uint32_t rest_verdict(const struct call_view *c)
{
	size_t best = 0;
	uint32_t found = c->verdict;

	for (size_t i = 0; i < c->paths.nr; i++) {
		size_t same = 0;

		for (size_t j = 0; j < c->paths.nr; j++)
			same += c->paths.path[j].verdict == c->paths.path[i].verdict;
		if (same > best) {
			best = same;
			found = c->paths.path[i].verdict;
		}
	}
	return found;
}

static void print_ways(const struct call_view *c)
{
	char verdict[VERDICT_TEXT_MAX], text[CONDITION_TEXT_MAX];
	uint32_t rest = rest_verdict(c);

	for (size_t i = 0; i < c->paths.nr; i++) {
		const struct path *p = &c->paths.path[i];

		if (p->verdict == rest)
			continue;
		(void)printf("  %-20s %s\n", verdict_text(p->verdict, verdict),
			     condition_text(&c->paths, p, text));
	}
	(void)printf("  %-20s %s\n", verdict_text(rest, verdict),
		     c->varies ? "otherwise" : "any arguments");
}

static void print_elements(const struct explained *e, const char *name)
{
	char verdict[VERDICT_TEXT_MAX], pointer[64];
	size_t nr = 0;

	for (size_t i = 0; i < e->meaning.rules_nr; i++) {
		const struct meaning_rule *r = &e->meaning.rules[i];
		const json_t *comment =
			json_object_get(json_array_get(json_object_get(e->profile.doc, "syscalls"),
						       r->index),
					"comment");

		bool described = json_is_string(comment) && *json_string_value(comment);

		if (!meaning_has(r, name))
			continue;
		(void)snprintf(pointer, sizeof(pointer), "/syscalls/%zu", r->index); /* fits */
		(void)printf("%s line %u: %s%s%s", nr++ ? "        " : "text:   ",
			     pos_find(e->profile.places, pointer).line,
			     verdict_text(r->verdict, verdict),
			     r->cmp_nr ? " for some arguments" : "", described ? ": " : "");
		if (described)
			text_print(stdout, json_string_value(comment));
		(void)putchar('\n');
	}
	if (!nr)
		(void)printf("text:    named nowhere: the default, %s\n",
			     verdict_text(e->meaning.default_verdict, verdict));
}

static void print_risks(const struct arch_view *own, const char *name)
{
	const struct risk *rows;
	char use[2 * CALL_NAME_MAX];
	size_t nr;

	rows = risks_table(&nr);
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(rows[i].call, name))
			(void)printf("risk:    %s, weight %" PRIu32 ", %s: %s%s%s\n",
				     risk_text(&rows[i], use), rows[i].weight,
				     access_name(risk_open(own, &rows[i], NULL)), rows[i].why,
				     rows[i].cves ? "; " : "", rows[i].cves ? rows[i].cves : "");
}

bool explain_knows(const struct view *v, const char *name)
{
	for (size_t i = 0; i < v->nr; i++)
		if (view_call(&v->arch[i], name))
			return true;
	return false;
}

int explain_call(const struct audit *a, const struct explained *e, const char *name)
{
	const char *near, *since = call_since(name);

	if (!explain_knows(&e->view, name)) {
		near = call_nearest(e->view.arch[0].calls, name);
		return audit_usage(a, "--syscall=%s: no such system call%s%s", name,
				   near ? ", the nearest is " : "", near ? near : "");
	}
	for (size_t i = 0; i < e->view.nr; i++) {
		const struct call_view *c = view_call(&e->view.arch[i], name);

		if (!c)
			continue;
		/* errors of stdout are seen when it is closed */
		(void)printf("%s %s, number %d%s%s\n", arch_name(e->view.arch[i].arch), name,
			     c->nr & ~X32_BIT, since ? ", since Linux " : "", since ? since : "");
		print_ways(c);
	}
	print_elements(e, name);
	print_risks(&e->view.arch[0], name);
	return 0;
}
