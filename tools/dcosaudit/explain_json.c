// SPDX-License-Identifier: Apache-2.0
/* What explain knows, as JSON; its form is in dcosaudit(1). */
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/dcosaudit/explain.h"

static json_t *way_json(const struct call_view *c, const struct path *p)
{
	char verdict[VERDICT_TEXT_MAX], text[CONDITION_TEXT_MAX];
	json_t *args = json_array();

	for (size_t i = 0; i < CBPF_ARGS; i++) {
		char hex[24];

		/* JSON has no unsigned 64-bit numbers that every reader takes */
		(void)snprintf(hex, sizeof(hex), "0x%llx", (unsigned long long)p->example.args[i]);
		(void)json_array_append_new(args, json_string(hex));
	}
	return json_pack("{s:s, s:s, s:o, s:I}", "verdict", verdict_text(p->verdict, verdict),
			 "condition", condition_text(&c->paths, p, text), "example", args,
			 "instructions", (json_int_t)p->steps);
}

static const char *verdict_of_call(const struct call_view *c, char buf[static VERDICT_TEXT_MAX])
{
	return c->varies ? "arguments" : verdict_text(c->verdict, buf);
}

static json_t *call_json(const struct call_view *c, const struct arch_view *a)
{
	char verdict[VERDICT_TEXT_MAX];
	json_t *ways = json_array();
	const char *since = call_since(c->name);

	for (size_t i = 0; i < c->paths.nr; i++)
		(void)json_array_append_new(ways, way_json(c, &c->paths.path[i]));
	return json_pack("{s:s, s:s, s:i, s:s?, s:s, s:s, s:s, s:o}", "arch", arch_name(a->arch),
			 "name", c->name, "number", c->nr, "since", since, "verdict",
			 verdict_of_call(c, verdict), "least", access_name(c->least), "most",
			 access_name(c->most), "ways", ways);
}

static json_t *calls_json(const struct explained *e, const char *name)
{
	json_t *list = json_array();

	for (size_t i = 0; i < e->view.nr; i++) {
		const struct arch_view *a = &e->view.arch[i];

		for (size_t n = 0; n < a->calls->nr; n++)
			if (!name || !strcmp(a->call[n].name, name))
				(void)json_array_append_new(list, call_json(&a->call[n], a));
	}
	return list;
}

static json_t *risks_json(const struct explained *e, const char *name)
{
	const struct risk *rows;
	json_t *list = json_array();
	size_t nr;

	rows = risks_table(&nr);
	for (size_t i = 0; i < nr; i++) {
		const struct risk *r = &rows[i];

		if ((name && strcmp(name, r->call)) || !view_call(&e->view.arch[0], r->call))
			continue;
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:s?, s:i, s:s, s:s, s:s?}", "group", r->group,
					"call", r->call, "use", r->use, "weight", (int)r->weight,
					"access", access_name(risk_open(&e->view.arch[0], r, NULL)),
					"why", r->why, "cves", r->cves));
	}
	return list;
}

static json_t *numberings_json(const struct view *v)
{
	char verdict[VERDICT_TEXT_MAX];
	json_t *list = json_array();

	for (size_t i = 0; i < v->nr; i++) {
		const struct arch_view *a = &v->arch[i];

		(void)json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:s, s:I}",
							    "arch", arch_name(a->arch), "allowed",
							    (json_int_t)a->allowed, "some",
							    (json_int_t)a->some, "denied",
							    (json_int_t)a->denied, "unknown",
							    verdict_text(a->unknown, verdict),
							    "left_out", (json_int_t)a->left_out));
	}
	return list;
}

static json_t *differences_json(const struct differences *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->nr; i++) {
		const struct difference *x = &d->list[i];
		char says[VERDICT_TEXT_MAX], does[VERDICT_TEXT_MAX], example[CONDITION_TEXT_MAX];

		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "arch",
					arch_name(x->arch), "call", x->name, "example",
					example_text(x->name, &x->example, example), "text",
					verdict_text(x->says, says), "filter",
					verdict_text(x->does, does), "wider", difference_wider(x),
					"cause",
					x->cause == DIFFERENCE_UNEXPLAINED ? "unexplained"
									   : "unknown-to-library"));
	}
	return list;
}

json_t *explain_json(const struct explained *e, const char *name)
{
	const struct sc_info *info = sc_filter_info(e->profile.filter);
	struct surface s = surface_of(&e->view);
	char verdict[VERDICT_TEXT_MAX];

	return json_pack("{s:s, s:s, s:i, s:o, s:{s:I, s:I, s:I, s:I, s:I}, s:o, s:o, s:o, s:I}",
			 "profile", e->profile.name, "default",
			 verdict_text(e->meaning.default_verdict, verdict), "instructions",
			 (int)info->prog.len, "numberings", numberings_json(&e->view), "surface",
			 "total", (json_int_t)s.total, "calls", (json_int_t)s.calls, "risks",
			 (json_int_t)s.risks, "numberings", (json_int_t)s.numberings, "unconfined",
			 (json_int_t)s.unconfined, "risks", risks_json(e, name), "calls",
			 calls_json(e, name), "disagreements", differences_json(&e->differences),
			 "compared", (json_int_t)e->differences.tried);
}
