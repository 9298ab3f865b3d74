// SPDX-License-Identifier: Apache-2.0
/*
 * Any document through all of lint: refused with a place within the text, or with findings whose
 * places are within it. The index of places must take whatever the JSON library takes.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/dcosaudit/findings.h"

#define INPUT_MAX 4096 /* bytes; longer ones only take longer to compile */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libseccomp 2.5 loses some of the rules that it merges. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libseccomp.so";
}

static void check_places(const struct lint *l)
{
	unsigned int lines = 1;

	for (size_t i = 0; i < l->profile->len; i++)
		lines += l->profile->text[i] == '\n';
	for (size_t i = 0; i < l->findings.nr; i++) {
		const struct finding *f = &l->findings.list[i];

		if (!f->at.line || !f->at.column || f->at.line > lines || !*f->text)
			abort();
	}
}

static void look_inside(struct lint *l)
{
	struct why why = {};

	if (profile_compile(l->profile, 0, &why) < 0)
		return;
	/* what the agent's parser accepts the second reader must, too */
	if (meaning_new(l->profile->doc, 0, &l->meaning) < 0 ||
	    view_new(l->profile, &l->view, &why) < 0)
		abort();
	lint_rules(l);
	lint_filter(l);
}

static void lint_it(struct profile *p)
{
	struct lint l = {.profile = p};

	lint_schema(&l);
	if (!l.findings.count[SEVERITY_ERROR])
		look_inside(&l);
	findings_sort(&l.findings);
	check_places(&l);
	view_free(&l.view);
	meaning_free(&l.meaning);
	free(l.findings.list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct profile p = {.name = strdup("fuzz")};
	struct why why = {};

	if (size > INPUT_MAX)
		size = INPUT_MAX;
	p.text = calloc(1, size + 1);
	p.len = size;
	memcpy(p.text, data, size);
	if (profile_parse(&p, &why) == 0)
		lint_it(&p);
	else if (p.doc)
		abort(); /* the JSON library took it, the index did not */
	profile_free(&p);
	return 0;
}
