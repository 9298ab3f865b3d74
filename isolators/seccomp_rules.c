// SPDX-License-Identifier: Apache-2.0
/*
 * "syscalls" of a profile: which names, which arguments, which action, and under which
 * conditions (Docker's includes and excludes) an element holds at all.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "agent/lib/cleanup.h"
#include "isolators/credentials.h"
#include "isolators/seccomp_reader.h"

#define CONDITIONS_MAX 64 /* elements of "caps" or "arches" */
#define CALL_ARGS      6 /* arguments of a system call */
#define CALL_NAME_MAX  64 /* bytes of the name of one; the longest in use has 23 */

/* An element of "syscalls" while it is read. */
struct element {
	struct sc_rule rule;
	struct sc_verdict verdict;
	const char *names_key; /* "names" or "name", whichever came first */
	bool excluded; /* a condition does not hold */
};

/* An element of "args" while it is read. */
struct compared {
	uint64_t index, value, value_two;
	enum scmp_compare op;
	bool has_index, has_value, has_op;
};

/* "includes" or "excludes" while it is read. */
struct condition {
	bool exclude;
	bool arch_listed, arch_matches;
	bool fails; /* the element does not hold */
};

static int read_comment(struct sc_reader *r, json_t *v, void *out)
{
	(void)out; /* for people only */
	return json_is_string(v) ? 0 : sc_bad(r, "must be a string");
}

static int read_index(struct sc_reader *r, json_t *v, void *out)
{
	struct compared *c = out;

	c->has_index = true;
	return sc_number(r, v, CALL_ARGS - 1, &c->index);
}

static int read_value(struct sc_reader *r, json_t *v, void *out)
{
	struct compared *c = out;

	c->has_value = true;
	return sc_number(r, v, INT64_MAX, &c->value);
}

static int read_value_two(struct sc_reader *r, json_t *v, void *out)
{
	return sc_number(r, v, INT64_MAX, &((struct compared *)out)->value_two);
}

static int read_op(struct sc_reader *r, json_t *v, void *out)
{
	struct compared *c = out;

	c->has_op = true;
	return sc_op(r, v, &c->op);
}

static const struct sc_key arg_keys[] = {
	{{"index", "number 0..5", NULL, "Which argument, from 0."}, read_index},
	{{"value", "number", NULL, "What it is compared with."}, read_value},
	{{"valueTwo", "number", "0", "Second value of SCMP_CMP_MASKED_EQ."}, read_value_two},
	{{"op", "SCMP_CMP_*", NULL, "How it is compared."}, read_op},
};

static int read_arg(struct sc_reader *r, json_t *v, void *out)
{
	struct sc_rule *rule = &((struct element *)out)->rule;
	struct compared c = {0};
	int err = sc_object(r, v, ROWS(arg_keys), &c);

	if (err)
		return err;
	if (!c.has_index)
		return sc_missing(r, "index", arg_keys[0].row.value);
	if (!c.has_value)
		return sc_missing(r, "value", arg_keys[1].row.value);
	if (!c.has_op)
		return sc_missing(r, "op", arg_keys[3].row.value);
	if (c.op == SCMP_CMP_MASKED_EQ && (c.value_two & ~c.value))
		return sc_bad(r, "can never match: \"valueTwo\" has bits that the mask \"value\" "
				 "lacks");
	rule->args[rule->args_nr++] = (struct scmp_arg_cmp){
		.arg = (unsigned int)c.index,
		.op = c.op,
		.datum_a = c.value,
		.datum_b = c.op == SCMP_CMP_MASKED_EQ ? c.value_two : 0,
	};
	return 0;
}

static int read_args(struct sc_reader *r, json_t *v, void *out)
{
	struct element *e = out;

	if (json_array_size(v)) {
		e->rule.args = calloc(json_array_size(v), sizeof(*e->rule.args));
		if (!e->rule.args)
			return why_set(r->why, -ENOMEM, "seccomp");
	}
	return sc_array(r, v, SC_ARGS_MAX, read_arg, e);
}

static int check_name(struct sc_reader *r, json_t *v, void *out)
{
	const char *s = sc_string(r, v);
	char shown[SC_SHOWN_MAX];

	(void)out; /* names are looked up when the filter is built */
	if (!s)
		return -EINVAL;
	if (strlen(s) > CALL_NAME_MAX || s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_"
						     "ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
		return sc_bad(r, "\"%s\" is not the name of a system call", sc_shown(s, shown));
	return 0;
}

static int names_key(struct sc_reader *r, const char *key, json_t *v, struct element *e)
{
	if (e->names_key)
		return sc_bad(r, "\"%s\" is given, too: use one of both", e->names_key);
	e->names_key = key;
	e->rule.names = v;
	return 0;
}

static int read_names(struct sc_reader *r, json_t *v, void *out)
{
	int err = names_key(r, "names", v, out);

	if (err)
		return err;
	return sc_array(r, v, SC_NAMES_MAX, check_name, NULL);
}

static int read_name(struct sc_reader *r, json_t *v, void *out)
{
	if (json_is_string(v) && !*json_string_value(v))
		return 0; /* old versions of Docker write both, one of them empty */
	int err = names_key(r, "name", v, out);

	return err ? err : check_name(r, v, NULL);
}

static int read_action(struct sc_reader *r, json_t *v, void *out)
{
	struct sc_verdict *d = &((struct element *)out)->verdict;

	d->set = true;
	return sc_action(r, v, &d->action, &d->takes_errno);
}

static int read_errno_ret(struct sc_reader *r, json_t *v, void *out)
{
	return sc_verdict_errno(r, v, false, &((struct element *)out)->verdict);
}

static int read_errno_name(struct sc_reader *r, json_t *v, void *out)
{
	return sc_verdict_errno(r, v, true, &((struct element *)out)->verdict);
}

/* A name that this kernel does not know is a capability that nobody has. */
static int read_cap(struct sc_reader *r, json_t *v, void *out)
{
	struct condition *c = out;
	const char *s = sc_string(r, v);
	char *names[] = {(char *)s, NULL};
	char shown[SC_SHOWN_MAX];
	uint64_t cap = 0;

	if (!s)
		return -EINVAL;
	if (strncmp(s, "CAP_", 4) != 0)
		return sc_bad(r, "\"%s\" is not the name of a capability, as \"CAP_KILL\"",
			      sc_shown(s, shown));
	if (caps_from_names(names, &cap, NULL) == 0)
		r->p->caps_used |= cap;
	if (!!(r->caps & cap) == c->exclude)
		c->fails = true;
	return 0;
}

static int read_caps(struct sc_reader *r, json_t *v, void *out)
{
	return sc_array(r, v, CONDITIONS_MAX, read_cap, out);
}

static int read_docker_arch(struct sc_reader *r, json_t *v, void *out)
{
	struct condition *c = out;
	const char *s = sc_string(r, v);

	if (!s)
		return -EINVAL;
	c->arch_listed = true;
	if (sc_arch_docker(s))
		c->arch_matches = true;
	return 0;
}

static int read_arches(struct sc_reader *r, json_t *v, void *out)
{
	return sc_array(r, v, CONDITIONS_MAX, read_docker_arch, out);
}

/* The format wants versions compared; this agent's own decisions never are. */
static int read_min_kernel(struct sc_reader *r, json_t *v, void *out)
{
	unsigned int want_major, want_minor, major = 0, minor = 0;
	struct condition *c = out;
	const char *s = sc_string(r, v);
	char shown[SC_SHOWN_MAX], end;
	struct utsname u;
	bool older;

	if (!s)
		return -EINVAL;
	if (strlen(s) > 9 || sscanf(s, "%u.%u%c", &want_major, &want_minor, &end) != 2)
		return sc_bad(r, "\"%s\" is no version, as \"4.8\"", sc_shown(s, shown));
	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return sc_bad(r, "the running kernel's version is unknown");
	older = major < want_major || (major == want_major && minor < want_minor);
	if (older != c->exclude)
		c->fails = true;
	return 0;
}

static const struct sc_key condition_keys[] = {
	{{"caps", "names of capabilities", NULL, "All held by the container."}, read_caps},
	{{"arches", "Docker's names of architectures", NULL, "This machine is one."}, read_arches},
	{{"minKernel", "version", NULL, "The running kernel is not older."}, read_min_kernel},
};

static int read_condition(struct sc_reader *r, json_t *v, struct element *e, bool exclude)
{
	struct condition c = {.exclude = exclude};
	int err = sc_object(r, v, ROWS(condition_keys), &c);

	if (c.arch_listed && c.arch_matches == exclude)
		c.fails = true;
	e->excluded |= c.fails;
	return err;
}

static int read_includes(struct sc_reader *r, json_t *v, void *out)
{
	return read_condition(r, v, out, false);
}

static int read_excludes(struct sc_reader *r, json_t *v, void *out)
{
	return read_condition(r, v, out, true);
}

static const struct sc_key element_keys[] = {
	{{"names", "array of names", NULL, "System calls."}, read_names},
	{{"name", "name", NULL, "The same for one, in old profiles of Docker."}, read_name},
	{{"action", "SCMP_ACT_*", NULL, "What happens."}, read_action},
	{{"errnoRet", "number 0..4094", "1", "With SCMP_ACT_ERRNO and SCMP_ACT_TRACE."},
	 read_errno_ret},
	{{"errno", "name of an errno", NULL, "Instead of errnoRet."}, read_errno_name},
	{{"args", "array of objects", NULL,
	  "Comparisons that must all hold; with an index "
	  "used twice: any of them."},
	 read_args},
	{{"comment", "string", NULL, "Ignored."}, read_comment},
	{{"includes", "object", NULL, "Conditions under which the element holds."}, read_includes},
	{{"excludes", "object", NULL, "Conditions under which it does not."}, read_excludes},
};

static int element_count(struct sc_reader *r, const struct element *e)
{
	size_t names = json_is_array(e->rule.names) ? json_array_size(e->rule.names) : 1;

	r->calls_nr += names;
	if (r->calls_nr > SC_CALLS_MAX)
		return sc_bad(r, "more than %d names in all elements together", SC_CALLS_MAX);
	r->compared_nr += names * e->rule.args_nr;
	if (r->compared_nr > SC_COMPARED_MAX)
		return sc_bad(r, "more than %d names with comparisons in all elements together",
			      SC_COMPARED_MAX);
	return 0;
}

static int element_check(struct sc_reader *r, struct element *e)
{
	if (!e->names_key)
		return sc_missing(r, "names", element_keys[0].row.value);
	if (!e->verdict.set)
		return sc_missing(r, "action", element_keys[2].row.value);
	return sc_verdict_finish(r, &e->verdict, "errnoRet", &e->rule.action);
}

static int read_element(struct sc_reader *r, json_t *v, void *out)
{
	struct element e = {0};
	size_t *index = out;
	int err;

	e.rule.index = (*index)++;
	err = sc_object(r, v, ROWS(element_keys), &e);
	if (!err)
		err = element_check(r, &e);
	if (!err && !e.excluded)
		err = element_count(r, &e);
	if (err || e.excluded) {
		free(e.rule.args);
		return err;
	}
	r->p->rules[r->p->rules_nr++] = e.rule;
	return 0;
}

int sc_rules_parse(struct sc_reader *r, json_t *v, void *out)
{
	size_t index = 0;

	(void)out; /* it is r->p */
	if (json_array_size(v)) {
		r->p->rules = calloc(json_array_size(v), sizeof(*r->p->rules));
		if (!r->p->rules)
			return why_set(r->why, -ENOMEM, "seccomp");
	}
	return sc_array(r, v, SC_RULES_MAX, read_element, &index);
}
