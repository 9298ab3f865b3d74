// SPDX-License-Identifier: Apache-2.0
/*
 * Follows a seccomp program with a known number and unknown arguments: where a comparison of an
 * argument can come out both ways, both are followed. What is followed: words of seccomp_data,
 * masked by constants, compared with constants, which is all that compilers of filters write.
 */
#include "tools/dcosaudit/paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is in the accumulator. */
struct value {
	bool known;
	uint32_t constant; /* if known */
	unsigned int word; /* else: this word ... */
	uint32_t mask; /* ... and this */
};

struct walk {
	const struct sock_fprog *prog;
	struct paths *out;
	struct seccomp_data data; /* number and architecture */
	struct path_test tests[PATH_TESTS_MAX];
	size_t tests_nr;
};

static int grow(void **array, size_t *room, size_t nr, size_t size)
{
	size_t want = *room ? *room * 2 : 8;
	void *p;

	while (want < nr)
		want *= 2;
	if (nr <= *room)
		return 0;
	p = reallocarray(*array, want, size);
	if (!p)
		return -ENOMEM;
	*array = p;
	*room = want;
	return 0;
}

/* All comparisons of one word, for bits_solve(). */
static size_t of_word(const struct path_test *tests, size_t nr, unsigned int word,
		      struct bits_test *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < nr; i++)
		if (tests[i].word == word)
			ret[n++] = tests[i].bits;
	return n;
}

static int solve_word(const struct path_test *a, size_t a_nr, const struct path_test *b,
		      size_t b_nr, unsigned int word, uint32_t *ret)
{
	struct bits_test bits[2 * PATH_TESTS_MAX];
	size_t nr = of_word(a, a_nr, word, bits);
	uint64_t x = 0;
	int r;

	nr += of_word(b, b_nr, word, bits + nr);
	if (!nr)
		return 1; /* anything will do, also what is there */
	r = bits_solve(bits, nr, 32, &x);
	if (r > 0)
		*ret = (uint32_t)x;
	return r;
}

static int solve(const struct path_test *a, size_t a_nr, const struct path_test *b, size_t b_nr,
		 struct seccomp_data *data)
{
	for (unsigned int w = CBPF_ARCH + 1; w < CBPF_WORDS; w++) {
		uint32_t x = cbpf_get_word(data, w);
		int r = solve_word(a, a_nr, b, b_nr, w, &x);

		if (r <= 0)
			return r;
		cbpf_set_word(data, w, x);
	}
	return 1;
}

/* The way has come to a verdict: keep it with an example. */
static int finish(struct walk *w, uint32_t verdict)
{
	struct paths *out = w->out;
	struct path path = {
		.verdict = verdict,
		.example = w->data,
		.tests = out->tests_nr,
		.tests_nr = w->tests_nr,
	};

	if (solve(w->tests, w->tests_nr, NULL, 0, &path.example) <= 0 ||
	    cbpf_run(w->prog, &path.example, &path.steps) != verdict) {
		out->left_out++;
		return 0;
	}
	if (grow((void **)&out->path, &out->room, out->nr + 1, sizeof(path)) ||
	    grow((void **)&out->tests, &out->tests_room, out->tests_nr + w->tests_nr,
		 sizeof(*w->tests)))
		return -ENOMEM;
	if (w->tests_nr)
		memcpy(out->tests + out->tests_nr, w->tests, w->tests_nr * sizeof(*w->tests));
	out->tests_nr += w->tests_nr;
	out->path[out->nr++] = path;
	return 0;
}

static int follow(struct walk *w, unsigned int pc, struct value a);

static bool test_of(const struct sock_filter *i, const struct value *a, struct path_test *ret)
{
	static const struct {
		uint16_t code;
		enum bits_op op;
	} ops[] = {{BPF_JEQ, BITS_EQ},
		   {BPF_JGT, BITS_GT},
		   {BPF_JGE, BITS_GE},
		   {BPF_JSET, BITS_SET}};

	for (size_t n = 0; n < sizeof(ops) / sizeof(ops[0]); n++)
		if (BPF_OP(i->code) == ops[n].code) {
			*ret = (struct path_test){a->word, {a->mask, i->k, ops[n].op, true}};
			return true;
		}
	return false;
}

/* One side of a comparison, if there are arguments that take it. */
static int branch(struct walk *w, unsigned int pc, const struct value *a, struct path_test test)
{
	uint32_t ignored = 0;
	int r;

	if (w->tests_nr == PATH_TESTS_MAX || w->out->nr + w->out->left_out >= PATHS_MAX) {
		w->out->left_out++;
		return 0;
	}
	w->tests[w->tests_nr++] = test;
	r = solve_word(w->tests, w->tests_nr, NULL, 0, test.word, &ignored);
	if (r < 0) {
		w->out->left_out++;
		r = 0;
	}
	if (r > 0)
		r = follow(w, pc, *a);
	w->tests_nr--;
	return r;
}

/* Return: the next instruction's number, or -errno; both sides of an open one are followed: 0 */
static int compare(struct walk *w, unsigned int pc, const struct value *a)
{
	const struct sock_filter *i = &w->prog->filter[pc];
	struct path_test test;
	int err;

	if (BPF_OP(i->code) == BPF_JA)
		return (int)(pc + 1 + i->k);
	if (BPF_SRC(i->code) != BPF_K || !test_of(i, a, &test))
		return -ENOTSUP;
	if (a->known) {
		test.bits.mask = UINT32_MAX;
		return (int)(pc + 1 + (bits_true(&test.bits, a->constant) ? i->jt : i->jf));
	}
	err = branch(w, pc + 1 + i->jt, a, test);
	if (err)
		return err;
	test.bits.holds = false;
	return branch(w, pc + 1 + i->jf, a, test);
}

static int load(struct walk *w, const struct sock_filter *i, struct value *a)
{
	unsigned int word = i->k / sizeof(uint32_t);

	if (i->code == (BPF_LD | BPF_IMM))
		*a = (struct value){.known = true, .constant = i->k};
	else if (i->code != (BPF_LD | BPF_W | BPF_ABS))
		return -ENOTSUP;
	else if (word <= CBPF_ARCH)
		*a = (struct value){.known = true, .constant = cbpf_get_word(&w->data, word)};
	else
		*a = (struct value){.word = word, .mask = UINT32_MAX};
	return 0;
}

static int follow(struct walk *w, unsigned int pc, struct value a)
{
	for (;;) {
		const struct sock_filter *i = &w->prog->filter[pc];
		int r = 0;

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			r = load(w, i, &a);
			pc++;
			break;
		case BPF_ALU:
			if (i->code != (BPF_ALU | BPF_AND | BPF_K))
				return -ENOTSUP;
			a.constant &= i->k;
			a.mask &= i->k;
			if (!a.known && !a.mask) /* nothing of the argument is left */
				a = (struct value){.known = true};
			pc++;
			break;
		case BPF_JMP:
			r = compare(w, pc, &a);
			if (r <= 0)
				return r;
			pc = (unsigned int)r;
			break;
		case BPF_RET:
			if (BPF_RVAL(i->code) == BPF_A && !a.known)
				return -ENOTSUP;
			return finish(w, BPF_RVAL(i->code) == BPF_A ? a.constant : i->k);
		default:
			return -ENOTSUP;
		}
		if (r < 0)
			return r;
	}
}

int paths_explore(const struct sock_fprog *prog, uint32_t arch, int nr, struct paths *ret)
{
	struct paths out = {};
	struct walk w = {.prog = prog, .out = &out, .data = {.nr = nr, .arch = arch}};
	int err = follow(&w, 0, (struct value){.known = true});

	if (err) {
		paths_free(&out);
		return err;
	}
	*ret = out;
	return 0;
}

void paths_free(struct paths *p)
{
	free(p->path);
	free(p->tests);
	*p = (struct paths){};
}

int path_meet(const struct paths *p, const struct path *a, const struct path_test *more,
	      size_t more_nr, struct seccomp_data *ret)
{
	struct seccomp_data data = a->example;
	int r = solve(p->tests + a->tests, a->tests_nr, more, more_nr, &data);

	if (r > 0 && ret)
		*ret = data;
	return r;
}
