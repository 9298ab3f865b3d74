// SPDX-License-Identifier: Apache-2.0
/*
 * A parsed profile to a program: libseccomp does it, as a binary tree over the system call
 * numbers where the library can (since 2.5). The kernel looks at every system call of every
 * architecture when it loads a program, so that its size is launch time.
 * As other OCI runtimes do: an element whose action is the default one makes no rule, names that
 * the library does not know are passed over (and counted), and an element that compares the same
 * argument twice holds if any of its comparisons does.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/seccomp_profile.h"

#define CALLS_SETTLED 1024 /* numbers beyond are not looked up, which costs time only */
#define TREE_LEVEL    2 /* SCMP_FLTATR_CTL_OPTIMIZE: binary tree */

struct sc_filter {
	unsigned int refs;
	struct sc_info info;
	struct sock_filter code[]; /* info.prog.len of them */
};

static void ctx_free(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

/* What happens while rules are added, and what is learnt. */
struct builder {
	scmp_filter_ctx ctx;
	const struct sc_profile *p;
	struct sc_info *info;
	struct why *why;
	size_t unknown_len;
	bool settled
		[CALLS_SETTLED]; /* by number: has a rule without comparisons, no other counts */
};

static void unknown_add(struct builder *b, const struct sc_rule *rule, const char *name)
{
	size_t room = sizeof(b->info->unknown) - b->unknown_len;
	int n = snprintf(b->info->unknown + b->unknown_len, room, "%s%s",
			 b->unknown_len ? ", " : "", name);

	b->unknown_len += n > 0 && (size_t)n < room ? (size_t)n : room - 1;
	b->info->unknown_nr++;
	if (sc_action_allows(b->p->default_action) && !sc_action_allows(rule->action))
		b->info->undenied_nr++;
}

static int rule_failed(struct builder *b, const struct sc_rule *rule, const char *name, int err)
{
	if (err == -EOPNOTSUPP)
		return why_set(b->why, -EINVAL,
			       "seccomp: /syscalls/%zu/action: this kernel can't do it",
			       rule->index);
	return why_set(b->why, err, "seccomp: /syscalls/%zu: system call \"%s\"", rule->index,
		       name);
}

/* -EEXIST: an earlier element says the same; see seccomp_conflict.c for the others */
static int rule_add(struct builder *b, const struct sc_rule *rule, int nr, const char *name,
		    const struct scmp_arg_cmp *args, unsigned int args_nr)
{
	int err = seccomp_rule_add_array(b->ctx, rule->action, nr, args_nr, args);

	return err && err != -EEXIST ? rule_failed(b, rule, name, err) : 0;
}

static bool compares_twice(const struct sc_rule *rule)
{
	unsigned int seen = 0;

	for (unsigned int i = 0; i < rule->args_nr; i++) {
		if (seen & 1U << rule->args[i].arg)
			return true;
		seen |= 1U << rule->args[i].arg;
	}
	return false;
}

static int call_add(struct builder *b, const struct sc_rule *rule, const char *name)
{
	int nr = seccomp_syscall_resolve_name(name);
	int err = 0;

	if (nr == __NR_SCMP_ERROR) {
		unknown_add(b, rule, name);
		return 0;
	}
	if (nr >= 0 && nr < CALLS_SETTLED) {
		if (b->settled[nr])
			return 0;
		b->settled[nr] = !rule->args_nr;
	}
	if (!compares_twice(rule))
		return rule_add(b, rule, nr, name, rule->args, rule->args_nr);
	for (unsigned int i = 0; !err && i < rule->args_nr; i++)
		err = rule_add(b, rule, nr, name, &rule->args[i], 1);
	return err;
}

static int rules_add(struct builder *b)
{
	const struct sc_profile *p = b->p;
	int err = 0;

	for (size_t i = 0; !err && i < p->rules_nr; i++) {
		const struct sc_rule *rule = &p->rules[i];

		if (rule->action == p->default_action)
			continue;
		if (json_is_string(rule->names))
			err = call_add(b, rule, json_string_value(rule->names));
		for (size_t n = 0; !err && n < json_array_size(rule->names); n++)
			err = call_add(b, rule, json_string_value(json_array_get(rule->names, n)));
	}
	return err;
}

/* The tree is an optimisation that old versions of the library lack; not an error. */
static int attributes_set(scmp_filter_ctx ctx, bool tree)
{
	int err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);

	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!err && tree)
		(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, TREE_LEVEL);
	return err;
}

static int arches_add(scmp_filter_ctx ctx, const struct sc_profile *p)
{
	for (size_t i = 0; i < p->arches_nr; i++) {
		int err = seccomp_arch_add(ctx, p->arches[i]);

		if (err && err != -EEXIST) /* the machine's own is there */
			return err;
	}
	return 0;
}

struct sc_filter *sc_filter_new(const struct sc_info *info, const void *code)
{
	size_t bytes = info->prog.len * sizeof(struct sock_filter);
	struct sc_filter *f = malloc(sizeof(*f) + bytes);

	if (!f)
		return NULL;
	f->refs = 1;
	f->info = *info;
	memcpy(f->code, code, bytes);
	f->info.prog.filter = f->code;
	return f;
}

static int filter_read(int fd, const struct sc_info *info, struct sc_filter **ret, struct why *why)
{
	cleanup_free struct sock_filter *code = NULL;
	struct sc_info copy = *info;
	struct sc_filter *f;
	struct stat st;
	size_t nr;

	if (fstat(fd, &st) < 0)
		return why_set(why, -errno, "seccomp: the compiled filter");
	nr = (size_t)st.st_size / sizeof(*code);
	if (nr > BPF_MAXINSNS)
		return why_set(why, -E2BIG,
			       "seccomp: the profile compiles to %zu instructions, the kernel "
			       "takes at most %d",
			       nr, BPF_MAXINSNS);
	code = malloc(nr * sizeof(*code) + 1);
	if (!code)
		return why_set(why, -ENOMEM, "seccomp");
	if (pread(fd, code, nr * sizeof(*code), 0) != (ssize_t)(nr * sizeof(*code)))
		return why_set(why, -EIO, "seccomp: the compiled filter");
	copy.prog.len = (unsigned short)nr;
	f = sc_filter_new(&copy, code);
	if (!f)
		return why_set(why, -ENOMEM, "seccomp");
	*ret = f;
	return 0;
}

static bool notifies(const struct sc_profile *p)
{
	if (p->default_action == SCMP_ACT_NOTIFY)
		return true;
	for (size_t i = 0; i < p->rules_nr; i++)
		if (p->rules[i].action == SCMP_ACT_NOTIFY)
			return true;
	return false;
}

/* What the profile says of a supervisor; the parser has seen that it fits. */
static void supervisor_info(const struct sc_profile *p, struct sc_info *info)
{
	info->notifies = notifies(p);
	info->listener = p->listener || info->notifies;
	(void)snprintf(info->listener_path, sizeof(info->listener_path), "%s",
		       p->listener_path ? p->listener_path : "");
	(void)snprintf(info->metadata, sizeof(info->metadata), "%s",
		       p->metadata ? p->metadata : "");
}

static int build(const struct sc_profile *p, bool tree, struct sc_filter **ret, struct why *why)
{
	struct sc_info info = {.flags = p->flags, .caps_used = p->caps_used};
	__attribute__((cleanup(ctx_free))) scmp_filter_ctx ctx = seccomp_init(p->default_action);
	struct builder b = {.ctx = ctx, .p = p, .info = &info, .why = why};
	cleanup_close int fd = memfd_create("seccomp", MFD_CLOEXEC);
	int err;

	supervisor_info(p, &info);
	if (!ctx)
		return why_set(why, -EINVAL, "seccomp: /defaultAction: this kernel can't do it");
	if (fd < 0)
		return why_set(why, -errno, "seccomp: memfd_create");
	err = sc_conflicts(p, &info);
	if (!err)
		err = attributes_set(ctx, tree);
	if (!err)
		err = arches_add(ctx, p);
	if (err)
		return why_set(why, err, "seccomp: libseccomp");
	err = rules_add(&b);
	if (err)
		return err;
	err = seccomp_export_bpf(ctx, fd);
	if (err)
		return why_set(why, err, "seccomp: libseccomp can't compile the profile");
	return filter_read(fd, &info, ret, why);
}

static int compile(const char *json, uint64_t caps, bool tree, struct sc_filter **ret,
		   struct why *why)
{
	struct sc_profile p;
	int err = sc_profile_parse(json, caps, &p, why);

	if (err)
		return err;
	err = build(&p, tree, ret, why);
	sc_profile_free(&p);
	return err;
}

int sc_compile(const char *json, uint64_t caps, struct sc_filter **ret, struct why *why)
{
	return compile(json, caps, true, ret, why);
}

int sc_compile_flat(const char *json, uint64_t caps, struct sc_filter **ret, struct why *why)
{
	return compile(json, caps, false, ret, why);
}

const struct sc_info *sc_filter_info(const struct sc_filter *f)
{
	return &f->info;
}

struct sc_filter *sc_filter_ref(struct sc_filter *f)
{
	f->refs++;
	return f;
}

struct sc_filter *sc_filter_unref(struct sc_filter *f)
{
	if (f && --f->refs == 0)
		free(f);
	return NULL;
}

int sc_load(const struct sc_filter *f)
{
	long n = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, f->info.flags, &f->info.prog);

	if (n > 0)
		return -EBUSY; /* TSYNC: the thread that can't follow */
	return n < 0 ? -errno : 0;
}
