// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as a seccomp program: refused, or run to a verdict without leaving it; the ways that
 * are followed through it must be those that the interpreter takes.
 */
#include "tools/dcosaudit/machine.h"

#include <stdlib.h>
#include <string.h>

#include "tools/dcosaudit/paths.h"

#define INSTRUCTIONS_MAX 256
#define CALL		 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool goes(const struct paths *p, const struct path *path, const struct seccomp_data *d)
{
	for (size_t i = 0; i < path->tests_nr; i++) {
		const struct path_test *t = &p->tests[path->tests + i];

		if (!bits_true(&t->bits, cbpf_get_word(d, t->word)))
			return false;
	}
	return true;
}

/* At most one way takes an input, and exactly one if all were followed. */
static void check_input(const struct sock_fprog *prog, const struct paths *p,
			const struct seccomp_data *d)
{
	unsigned int steps = 0, ways = 0;
	uint32_t verdict = cbpf_run(prog, d, &steps);

	if (!steps || steps > prog->len)
		abort();
	for (size_t i = 0; i < p->nr; i++) {
		if (!goes(p, &p->path[i], d))
			continue;
		ways++;
		if (p->path[i].verdict != verdict || p->path[i].steps != steps)
			abort();
	}
	if (ways > 1 || (!ways && !p->left_out))
		abort();
}

static void check_program(const struct sock_fprog *prog, const uint8_t *data, size_t size)
{
	struct seccomp_data d = {.nr = CALL, .arch = 0xc000003e};
	struct paths p;

	if (paths_explore(prog, d.arch, d.nr, &p) < 0) {
		(void)cbpf_run(prog, &d, NULL); /* must end, its verdict is not known */
		return;
	}
	check_input(prog, &p, &d);
	for (size_t i = 0; i < p.nr; i++)
		check_input(prog, &p, &p.path[i].example);
	for (size_t i = 0; i + sizeof(d.args) < size; i += 8) {
		memcpy(d.args, data + i, sizeof(d.args));
		check_input(prog, &p, &d);
	}
	paths_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sock_filter code[INSTRUCTIONS_MAX];
	struct sock_fprog prog = {.filter = code};
	struct why why = {};

	prog.len =
		(unsigned short)(size / sizeof(code[0]) < INSTRUCTIONS_MAX ? size / sizeof(code[0])
									   : INSTRUCTIONS_MAX);
	memcpy(code, data, prog.len * sizeof(code[0]));
	if (cbpf_check(&prog, &why) == 0)
		check_program(&prog, data, size);
	else if (!*why.text)
		abort();
	return 0;
}
