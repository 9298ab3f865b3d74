// SPDX-License-Identifier: Apache-2.0
/* The filter and the text, asked about the same inputs, see compare.h. */
#include "tools/dcosaudit/compare.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"

#define VALUES_MAX 512 /* of one argument */

struct values {
	uint64_t v[VALUES_MAX];
	size_t nr;
};

struct asker {
	const struct sock_fprog *prog;
	const struct meaning *m;
	const struct arch_view *arch;
	const struct call_view *call;
	uint64_t width_mask; /* bits of a register in this numbering */
	const struct meaning_rule **picked; /* that name the call */
	size_t picked_nr;
	struct differences *out;
	bool found; /* for this call */
};

static void values_add(struct values *s, uint64_t v)
{
	for (size_t i = 0; i < s->nr; i++)
		if (s->v[i] == v)
			return;
	if (s->nr < VALUES_MAX)
		s->v[s->nr++] = v;
}

/* Around the edges of a comparison, and what differs in bits that it should not look at. */
static void values_of(struct values *s, const struct bits_test *t, uint64_t width_mask)
{
	const uint64_t near[] = {
		t->k,
		t->k - 1,
		t->k + 1,
		t->k | ~t->mask,
		t->k ^ (t->mask & -t->mask), /* its lowest bit */
		~t->k,
		t->k | UINT64_C(1) << 32,
		t->k & UINT32_MAX,
		t->mask,
	};

	for (size_t i = 0; i < ARRAY_SIZE(near); i++)
		values_add(s, near[i] & width_mask);
}

static void differ(struct asker *a, const struct seccomp_data *d, const struct meaning_answer *says,
		   uint32_t does)
{
	a->found = true;
	a->out->list[a->out->nr++] = (struct difference){
		.arch = a->arch->arch,
		.name = a->call->name,
		.example = *d,
		.says = says->verdict,
		.does = does,
		.element = says->element,
		.cause = call_is_known(a->call->name) ? DIFFERENCE_UNEXPLAINED
						      : DIFFERENCE_UNKNOWN_NAME,
	};
}

static void ask(struct asker *a, const struct seccomp_data *d)
{
	struct meaning_answer says;
	uint64_t args[MEANING_ARGS];
	uint32_t does;

	for (size_t i = 0; i < MEANING_ARGS; i++)
		args[i] = d->args[i];
	says = meaning_of(a->m, a->picked, a->picked_nr, args);
	does = cbpf_run(a->prog, d, NULL);
	a->out->tried++;
	if (says.against != MEANING_NONE)
		a->out->unclear++;
	else if (does != says.verdict && !a->found)
		differ(a, d, &says, does);
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

/* Combination number @n of all values; beyond the limit of tries a random one instead. */
static void combine(const struct values sets[static MEANING_ARGS], uint64_t n, bool sample,
		    uint64_t *state, struct seccomp_data *d)
{
	for (size_t i = 0; i < MEANING_ARGS; i++) {
		uint64_t pick = sample ? next_random(state) : n;

		d->args[i] = sets[i].v[pick % sets[i].nr];
		n /= sets[i].nr;
	}
}

static void ask_combinations(struct asker *a, const struct values sets[static MEANING_ARGS])
{
	struct seccomp_data d = {.nr = a->call->nr, .arch = arch_audit(a->arch->arch)};
	uint64_t all = 1, state = (uint64_t)a->call->nr;
	bool sample;

	for (size_t i = 0; i < MEANING_ARGS; i++)
		all = all > COMPARE_TRIES_MAX ? all : all * sets[i].nr;
	sample = all > COMPARE_TRIES_MAX;
	for (uint64_t n = 0; n < (sample ? COMPARE_TRIES_MAX : all); n++) {
		combine(sets, n, sample, &state, &d);
		ask(a, &d);
	}
}

static void ask_call(struct asker *a, struct values sets[static MEANING_ARGS])
{
	a->found = false;
	for (size_t i = 0; i < MEANING_ARGS; i++) {
		sets[i].nr = 0;
		values_add(&sets[i], 0);
	}
	a->picked_nr = meaning_pick(a->m, a->call->name, a->picked);
	for (size_t r = 0; r < a->picked_nr; r++) {
		const struct meaning_rule *rule = a->picked[r];

		for (size_t i = 0; i < rule->cmp_nr; i++)
			values_of(&sets[rule->cmp[i].arg], &rule->cmp[i].test, a->width_mask);
	}
	for (size_t i = 0; i < a->call->paths.nr; i++)
		ask(a, &a->call->paths.path[i].example);
	ask_combinations(a, sets);
}

static bool multiplexed(const char *name)
{
	return !strcmp(name, "socketcall") || !strcmp(name, "ipc");
}

static bool listed(const struct sc_profile *p, uint32_t arch)
{
	for (size_t i = 0; i < p->arches_nr; i++)
		if (p->arches[i] == arch)
			return true;
	return false;
}

/* libseccomp treats x32 as 32 bits wide, too. */
static uint64_t width_mask(uint32_t arch)
{
	return arch & __AUDIT_ARCH_64BIT ? UINT64_MAX : UINT32_MAX;
}

int compare(const struct view *v, const struct meaning *m, struct differences *ret)
{
	struct differences out = {};
	struct asker a = {.prog = &sc_filter_info(v->profile->filter)->prog, .m = m, .out = &out};
	cleanup_free struct values *sets = calloc(MEANING_ARGS, sizeof(*sets));
	cleanup_free const struct meaning_rule **picked = calloc(m->rules_nr + 1, sizeof(*picked));
	size_t calls = 0;

	for (size_t i = 0; i < v->nr; i++)
		calls += v->arch[i].calls->nr;
	out.list = calloc(calls + 1, sizeof(*out.list));
	a.picked = picked;
	if (!out.list || !sets || !picked) {
		free(out.list);
		return -ENOMEM;
	}
	for (size_t i = 0; i < v->nr; i++) {
		a.arch = &v->arch[i];
		a.width_mask = width_mask(a.arch->arch);
		for (size_t n = 0;
		     listed(&v->profile->parsed, a.arch->arch) && n < a.arch->calls->nr; n++) {
			a.call = &a.arch->call[n];
			if (multiplexed(a.call->name))
				out.multiplexed++;
			else
				ask_call(&a, sets);
		}
	}
	*ret = out;
	return 0;
}
