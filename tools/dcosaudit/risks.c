// SPDX-License-Identifier: Apache-2.0
/* Which rows of the table of risks a filter leaves open, and their sum. */
#include "tools/dcosaudit/risks.h"

#include <stdio.h>
#include <string.h>

#include "tools/dcosaudit/argclass.h"

/* The comparisons that an input must fulfil to be this use of the call. */
static size_t use_tests(const struct risk *r, struct path_test ret[static 3])
{
	unsigned int low = CBPF_ARG(r->arg) + CBPF_BIG_END;
	unsigned int high = CBPF_ARG(r->arg) + !CBPF_BIG_END;
	size_t nr = 0;

	if (!r->mask)
		return 0;
	ret[nr++] =
		(struct path_test){low,
				   {r->mask & UINT32_MAX, r->value & UINT32_MAX, BITS_EQ, true}};
	if (r->family)
		ret[nr++] = (struct path_test){CBPF_ARG(0) + CBPF_BIG_END,
					       {UINT32_MAX, r->family, BITS_EQ, true}};
	/* of an int the kernel does not look at the rest */
	if (!arg_is_int(r->call, r->arg))
		ret[nr++] = (struct path_test){high, {UINT32_MAX, r->value >> 32, BITS_EQ, true}};
	return nr;
}

enum access risk_open(const struct arch_view *a, const struct risk *r, struct seccomp_data *ret)
{
	const struct call_view *c = view_call(a, r->call);
	enum access most = ACCESS_DENIED;
	struct path_test tests[3];
	size_t nr = use_tests(r, tests);

	for (size_t i = 0; c && i < c->paths.nr; i++) {
		const struct path *p = &c->paths.path[i];
		enum access here = access_of(p->verdict);

		if (here > most && path_meet(&c->paths, p, tests, nr, ret) > 0)
			most = here;
	}
	return most;
}

const struct risk *risk_heaviest(const char *call)
{
	const struct risk *found = NULL, *all;
	size_t nr;

	all = risks_table(&nr);
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(all[i].call, call) && (!found || all[i].weight > found->weight))
			found = &all[i];
	return found;
}

const char *risk_text(const struct risk *r, char buf[static 2 * CALL_NAME_MAX])
{
	(void)snprintf(buf, 2 * CALL_NAME_MAX, "%s%s%s", r->call, r->use ? " " : "",
		       r->use ? r->use : ""); /* words of the table fit */
	return buf;
}

static bool let_in(const struct arch_view *a)
{
	return a->allowed || a->some || access_of(a->unknown) > ACCESS_DENIED;
}

struct surface surface_of(const struct view *v)
{
	const struct arch_view *own = &v->arch[0];
	struct surface s = {.calls = own->allowed + own->some, .unconfined = own->calls->nr};
	const struct risk *all;
	size_t nr;

	all = risks_table(&nr);
	for (size_t i = 0; i < nr; i++) {
		if (!view_call(own, all[i].call))
			continue;
		s.unconfined += all[i].weight;
		if (risk_open(own, &all[i], NULL) > ACCESS_DENIED)
			s.risks += all[i].weight;
	}
	for (size_t i = 1; i < v->nr; i++) {
		s.unconfined += RISK_NUMBERING;
		if (let_in(&v->arch[i]))
			s.numberings += RISK_NUMBERING;
	}
	s.total = s.calls + s.risks + s.numberings;
	return s;
}
