// SPDX-License-Identifier: Apache-2.0
/* The filter run for every call of every numbering, see view.h. */
#include "tools/dcosaudit/view.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"

/* Numbers that no call has, in the own numbering: the sign, the middle, the ends. */
static const int unknown_numbers[] = {-1, -2, 1023, 0x3fffffff, 0x400003ff, 0x7fffffff};

enum access access_of(uint32_t verdict)
{
	switch (verdict & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return ACCESS_ALLOWED;
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_USER_NOTIF:
		return ACCESS_ASKED;
	default:
		return ACCESS_DENIED;
	}
}

static const char *with_data(const char *name, uint32_t verdict, char buf[static VERDICT_TEXT_MAX])
{
	uint32_t data = verdict & SECCOMP_RET_DATA;
	const char *err = strerrorname_np((int)data);

	if (err && data && !strcmp(name, "ERRNO"))
		(void)snprintf(buf, VERDICT_TEXT_MAX, "%s(%s)", name, err);
	else
		(void)snprintf(buf, VERDICT_TEXT_MAX, "%s(%u)", name, data);
	return buf;
}

const char *verdict_text(uint32_t verdict, char buf[static VERDICT_TEXT_MAX])
{
	switch (verdict & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return "ALLOW";
	case SECCOMP_RET_LOG:
		return "LOG";
	case SECCOMP_RET_ERRNO:
		return with_data("ERRNO", verdict, buf);
	case SECCOMP_RET_TRACE:
		return with_data("TRACE", verdict, buf);
	case SECCOMP_RET_USER_NOTIF:
		return "NOTIFY";
	case SECCOMP_RET_TRAP:
		return "TRAP";
	case SECCOMP_RET_KILL_PROCESS:
		return "KILL_PROCESS";
	default: /* what the kernel does not know it takes for this, too */
		return "KILL_THREAD";
	}
}

static void call_judge(struct call_view *c)
{
	c->least = ACCESS_ALLOWED;
	c->most = ACCESS_DENIED;
	for (size_t i = 0; i < c->paths.nr; i++) {
		uint32_t verdict = c->paths.path[i].verdict;
		enum access a = access_of(verdict);

		if (!i)
			c->verdict = verdict;
		c->varies |= verdict != c->verdict;
		c->least = a < c->least ? a : c->least;
		c->most = a > c->most ? a : c->most;
	}
}

static void unknown_judge(struct arch_view *a, const struct sock_fprog *prog)
{
	bool first = true;

	for (size_t i = 0; i < ARRAY_SIZE(unknown_numbers); i++) {
		struct seccomp_data d = {.nr = unknown_numbers[i], .arch = arch_audit(a->arch)};
		bool x32 = d.nr >= X32_BIT; /* -1 is of the own numbering */
		uint32_t verdict;

		if ((d.nr > 0 || a->arch == SCMP_ARCH_X32) && x32 != (a->arch == SCMP_ARCH_X32))
			continue;
		verdict = cbpf_run(prog, &d, NULL);
		if (first)
			a->unknown = verdict;
		first = false;
		a->unknown_varies |= verdict != a->unknown;
	}
}

static int arch_fill(struct arch_view *a, uint32_t arch, const struct sock_fprog *prog)
{
	a->arch = arch;
	a->calls = calls_load(arch);
	if (!a->calls)
		return -ENOMEM;
	a->call = calloc(a->calls->nr + 1, sizeof(*a->call));
	if (!a->call)
		return -ENOMEM;
	for (size_t i = 0; i < a->calls->nr; i++) {
		struct call_view *c = &a->call[i];
		int err;

		c->nr = a->calls->call[i].nr;
		c->name = a->calls->call[i].name;
		err = paths_explore(prog, arch_audit(arch), c->nr, &c->paths);
		if (err)
			return err;
		call_judge(c);
		a->left_out += c->paths.left_out;
		if (c->most == ACCESS_DENIED)
			a->denied++;
		else if (c->least == ACCESS_ALLOWED)
			a->allowed++;
		else
			a->some++;
	}
	unknown_judge(a, prog);
	return 0;
}

int view_new(const struct profile *p, struct view *ret, struct why *why)
{
	const struct sock_fprog *prog = &sc_filter_info(p->filter)->prog;
	struct view v = {.profile = p};
	uint32_t siblings[3];
	int err = cbpf_check(prog, why);

	if (err)
		return err;
	arch_siblings(siblings);
	err = arch_fill(&v.arch[v.nr++], seccomp_arch_native(), prog);
	for (size_t i = 0; !err && siblings[i]; i++)
		err = arch_fill(&v.arch[v.nr++], siblings[i], prog);
	if (err) {
		view_free(&v);
		return why_set(why, err, "%s: the compiled filter can't be followed", p->name);
	}
	*ret = v;
	return 0;
}

void view_free(struct view *v)
{
	for (size_t a = 0; a < v->nr; a++) {
		for (size_t i = 0; v->arch[a].call && i < v->arch[a].calls->nr; i++)
			paths_free(&v->arch[a].call[i].paths);
		free(v->arch[a].call);
		free(v->arch[a].calls);
	}
	*v = (struct view){};
}

const struct arch_view *view_arch(const struct view *v, uint32_t arch)
{
	for (size_t i = 0; i < v->nr; i++)
		if (v->arch[i].arch == arch)
			return &v->arch[i];
	return NULL;
}

const struct call_view *view_call(const struct arch_view *a, const char *name)
{
	const struct call *c = calls_find(a->calls, name);

	return c ? &a->call[c - a->calls->call] : NULL;
}
