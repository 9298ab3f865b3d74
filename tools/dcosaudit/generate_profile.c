// SPDX-License-Identifier: Apache-2.0
/*
 * From what was recorded to a profile that allows it. Comparisons are of the low 32 bits where the
 * kernel looks at no more, since a program may leave anything in the others.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/dcosaudit/argclass.h"
#include "tools/dcosaudit/calls.h"
#include "tools/dcosaudit/generate.h"

#define LISTED_MAX 24 /* values of an argument; more make the call allowed whatever they are */
#define TEXT_MAX   256

/* What every program needs, whether it was seen or not: the exec under the filter is made before
 * the recording begins, the ends are made after.
 */
static const char *const always[] = {"execve", "exit", "exit_group", "rt_sigreturn",
				     "restart_syscall"};

struct maker {
	const struct recording *r;
	const struct generate_how *how;
	struct generate_notes *notes;
	json_t *elements;
	json_t *names[REC_PARTS]; /* of calls without comparisons */
	bool failed; /* no memory */
};

static bool is_always(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		if (!strcmp(always[i], name))
			return true;
	return false;
}

/* Calls that never did anything: the filter or the kernel refused each. */
static bool never_made(const struct rec_call *c)
{
	uint64_t refused = c->denied;

	for (size_t i = 0; i < c->errors_nr; i++)
		if (c->errors[i].err == ENOSYS && c->denied == 0)
			refused += c->errors[i].count;
	return refused >= c->count;
}

static const struct rec_call *find(const struct recording *r, enum rec_part part,
				   const struct rec_call *c)
{
	for (size_t i = 0; i < r->parts[part].nr; i++)
		if (r->parts[part].calls[i].nr == c->nr && r->parts[part].calls[i].arch == c->arch)
			return &r->parts[part].calls[i];
	return NULL;
}

static json_t *comparison(const struct arg_class *k, uint64_t mask, uint64_t value)
{
	return json_pack("{s:i, s:I, s:I, s:s}", "index", (int)k->arg, "value", (json_int_t)mask,
			 "valueTwo", (json_int_t)value, "op", "SCMP_CMP_MASKED_EQ");
}

/* The argument of a call that is filtered by: the first with a row and values. */
static const struct arg_class *filtered_by(const char *name, const struct rec_call *c)
{
	for (size_t i = 0; i < c->classes_nr; i++) {
		const struct arg_class *k = arg_class_find(name, c->classes[i].arg);

		if (k && k->filter)
			return k;
	}
	return NULL;
}

static void add_class_text(const struct arg_class *k, uint64_t value, char *text)
{
	char one[TEXT_MAX / 2];
	size_t len = strlen(text);

	(void)snprintf(text + len, TEXT_MAX - len, "%s%s", len ? ", " : "",
		       arg_value_text(k, value, one, sizeof(one))); /* cut: a comment only */
}

/* All values, or all flags that were seen: one or many comparisons. NULL: too many */
static json_t *comparisons(const struct arg_class *k, const struct rec_call *c, char *text)
{
	json_t *args = json_array();
	uint64_t flags = 0;

	for (size_t i = 0; i < c->classes_nr; i++) {
		if (c->classes[i].arg != k->arg)
			continue;
		flags |= c->classes[i].value;
		if (k->kind == ARG_VALUE) {
			(void)json_array_append_new(args,
						    comparison(k, k->mask, c->classes[i].value));
			add_class_text(k, c->classes[i].value, text);
		}
	}
	if (k->kind == ARG_FLAGS) {
		/* only the flags that make a difference to safety: those that were not seen */
		(void)json_array_append_new(args, comparison(k, k->mask & ~flags, 0));
		add_class_text(k, flags, text);
	}
	if (json_array_size(args) > LISTED_MAX) {
		json_decref(args);
		return NULL;
	}
	return args;
}

static json_t *element(json_t *names, json_t *args, const char *comment)
{
	return args ? json_pack("{s:s, s:o, s:s, s:o}", "comment", comment, "names", names,
				"action", "SCMP_ACT_ALLOW", "args", args)
		    : json_pack("{s:s, s:o, s:s}", "comment", comment, "names", names, "action",
				"SCMP_ACT_ALLOW");
}

/* Return: was an element of its own made for the call */
static bool make_filtered(struct maker *m, const char *name, const struct rec_call *c,
			  enum rec_part part)
{
	const struct arg_class *k = m->how->no_args ? NULL : filtered_by(name, c);
	char text[TEXT_MAX] = "", comment[2 * TEXT_MAX];
	json_t *args;

	if (!k)
		return false;
	args = c->classes_lost ? NULL : comparisons(k, c, text);
	if (!args) {
		m->notes->unfiltered++;
		return false;
	}
	(void)snprintf(comment, sizeof(comment), "%s%s: %s",
		       part == REC_STARTUP ? "Startup only, " : "", k->what, text); /* fits */
	if (json_array_append_new(m->elements, element(json_pack("[s]", name), args, comment)))
		m->failed = true;
	return true;
}

static void make_call(struct maker *m, const struct rec_call *c, enum rec_part part)
{
	struct rec_call both = *c;
	const struct rec_call *other =
		find(m->r, part == REC_STARTUP ? REC_RUNNING : REC_STARTUP, c);
	cleanup_free char *name = seccomp_syscall_resolve_num_arch(c->arch, c->nr);

	/* a call of both parts is made in the running one, with the values of both */
	if (other && part == REC_STARTUP && !never_made(other))
		return;
	if (never_made(c)) {
		m->notes->refused += !other || part == REC_RUNNING;
		return;
	}
	if (!name) {
		m->notes->unnamed++;
		return;
	}
	if (is_always(name))
		return;
	for (size_t i = 0; other && !m->how->no_startup && i < other->classes_nr; i++)
		rec_class_add(&both, other->classes[i].arg, other->classes[i].value,
			      other->classes[i].count);
	both.classes_lost += other && !m->how->no_startup ? other->classes_lost : 0;
	m->notes->calls++;
	m->notes->only_startup += part == REC_STARTUP;
	if (!make_filtered(m, name, &both, part) &&
	    json_array_append_new(m->names[part], json_string(name)))
		m->failed = true;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(json_string_value(*(json_t *const *)a),
		      json_string_value(*(json_t *const *)b));
}

/* Sorted and each once: 32-bit and 64-bit calls may have the same name. */
static json_t *sorted(const json_t *names)
{
	size_t nr = json_array_size(names);
	cleanup_free json_t **list = calloc(nr + 1, sizeof(*list));
	json_t *out = json_array();

	if (!list) {
		json_decref(out);
		return NULL;
	}
	for (size_t i = 0; i < nr; i++)
		list[i] = json_array_get(names, i);
	qsort(list, nr, sizeof(json_t *), by_text);
	for (size_t i = 0; i < nr; i++)
		if (!i || !json_equal(list[i], list[i - 1]))
			(void)json_array_append(out, list[i]); /* fails only with out NULL */
	return out;
}

static json_t *default_action(const char *name)
{
	static const struct {
		const char *name, *action;
		int err;
	} rows[] = {
		{"errno", "SCMP_ACT_ERRNO", ENOSYS},
		{"kill", "SCMP_ACT_KILL_PROCESS", 0},
		{"log", "SCMP_ACT_LOG", 0},
		{"trap", "SCMP_ACT_TRAP", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].err
				       ? json_pack("{s:s, s:i}", "defaultAction", rows[i].action,
						   "defaultErrnoRet", rows[i].err)
				       : json_pack("{s:s}", "defaultAction", rows[i].action);
	return NULL;
}

/* Other numberings that were used: "SCMP_ARCH_X86". */
static json_t *architectures(const struct recording *r)
{
	json_t *list = json_array();

	for (int part = 0; part < REC_PARTS; part++)
		for (size_t i = 0; i < r->parts[part].nr; i++) {
			uint32_t arch = r->parts[part].calls[i].arch;
			char token[32] = "SCMP_ARCH_";
			size_t len = strlen(token);
			bool there = arch == seccomp_arch_native();
			const json_t *v;
			size_t n;

			for (const char *p = arch_name(arch); *p && len < sizeof(token) - 1; p++)
				token[len++] = (char)(*p >= 'a' && *p <= 'z' ? *p & ~0x20 : *p);
			json_array_foreach (list, n, v)
				there |= !strcmp(json_string_value(v), token);
			if (!there)
				(void)json_array_append_new(list, json_string(token));
		}
	return list;
}

static void head(struct maker *m)
{
	json_t *names = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		(void)json_array_append_new(names, json_string(always[i]));
	(void)json_array_append_new(
		m->elements,
		element(names, NULL, "What every program needs, whether it was recorded or not"));
}

static void lists(struct maker *m)
{
	json_t *running = sorted(m->names[REC_RUNNING]), *startup = sorted(m->names[REC_STARTUP]);

	if (json_array_size(running))
		(void)json_array_insert_new(m->elements, 1,
					    element(json_incref(running), NULL, "Running"));
	if (json_array_size(startup))
		(void)json_array_insert_new(m->elements, json_array_size(running) ? 2 : 1,
					    element(json_incref(startup), NULL, "Startup only"));
	m->failed |= !running || !startup;
	json_decref(running);
	json_decref(startup);
}

static json_t *finish(struct maker *m)
{
	json_t *doc = default_action(m->how->dflt ? m->how->dflt : "errno");
	json_t *arches = architectures(m->r);

	if (json_array_size(arches))
		m->failed |= json_object_set(doc, "architectures", arches) < 0;
	m->failed |= !doc || json_object_set(doc, "syscalls", m->elements) < 0;
	json_decref(arches);
	if (m->failed) {
		json_decref(doc);
		doc = NULL;
	}
	return doc;
}

json_t *generate_profile(const struct recording *r, const struct generate_how *how,
			 struct generate_notes *notes)
{
	struct maker m = {.r = r, .how = how, .notes = notes, .elements = json_array()};
	json_t *doc;

	*notes = (struct generate_notes){};
	for (int part = 0; part < REC_PARTS; part++) {
		m.names[part] = json_array();
		notes->incomplete |= r->parts[part].lost != 0;
	}
	notes->incomplete |= r->lost || !r->complete;
	head(&m);
	for (int part = REC_PARTS - 1; part >= (how->no_startup ? REC_RUNNING : REC_STARTUP);
	     part--)
		for (size_t i = 0; i < r->parts[part].nr; i++)
			make_call(&m, &r->parts[part].calls[i], (enum rec_part)part);
	lists(&m);
	doc = finish(&m);
	for (int part = 0; part < REC_PARTS; part++)
		json_decref(m.names[part]);
	json_decref(m.elements);
	return doc;
}
