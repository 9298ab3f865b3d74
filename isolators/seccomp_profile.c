// SPDX-License-Identifier: Apache-2.0
/*
 * The top level of a seccomp profile: config-linux.md, "Seccomp" of the OCI runtime
 * specification, with what Docker's profiles add (archMap, conditions) and Podman's (errno by
 * name). Numbers above 2^63 - 1 can't be read (the JSON library has none).
 */
#include "isolators/seccomp_profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "isolators/seccomp_reader.h"

#define LISTED_MAX 64 /* elements of "architectures", "archMap", "flags" */

struct top {
	struct sc_verdict verdict;
	const char *arch_key; /* "architectures" or "archMap" */
};

static int read_default(struct sc_reader *r, json_t *v, void *out)
{
	struct sc_verdict *d = &((struct top *)out)->verdict;

	d->set = true;
	return sc_action(r, v, &d->action, &d->takes_errno);
}

static int read_default_errno_ret(struct sc_reader *r, json_t *v, void *out)
{
	return sc_verdict_errno(r, v, false, &((struct top *)out)->verdict);
}

static int read_default_errno(struct sc_reader *r, json_t *v, void *out)
{
	return sc_verdict_errno(r, v, true, &((struct top *)out)->verdict);
}

static int arch_add(struct sc_profile *p, uint32_t arch)
{
	for (size_t i = 0; i < p->arches_nr; i++)
		if (p->arches[i] == arch)
			return 0;
	if (arch && p->arches_nr < SC_ARCHES_MAX)
		p->arches[p->arches_nr++] = arch;
	return 0;
}

static int read_arch(struct sc_reader *r, json_t *v, void *out)
{
	uint32_t arch = 0;
	int err = sc_arch(r, v, &arch);

	(void)out; /* it is r->p */
	return err ? err : arch_add(r->p, arch);
}

static int arch_key(struct sc_reader *r, const char *key, struct top *t)
{
	if (t->arch_key)
		return sc_bad(r, "\"%s\" is given, too: use one of both", t->arch_key);
	t->arch_key = key;
	return 0;
}

static int read_architectures(struct sc_reader *r, json_t *v, void *out)
{
	int err = json_array_size(v) ? arch_key(r, "architectures", out) : 0;

	return err ? err : sc_array(r, v, LISTED_MAX, read_arch, NULL);
}

/* An entry of archMap holds where its architecture is the machine's own. */
struct arch_entry {
	uint32_t arch, subs[LISTED_MAX];
	size_t subs_nr;
};

static int read_entry_arch(struct sc_reader *r, json_t *v, void *out)
{
	return sc_arch(r, v, &((struct arch_entry *)out)->arch);
}

static int read_sub(struct sc_reader *r, json_t *v, void *out)
{
	struct arch_entry *e = out;

	return sc_arch(r, v, &e->subs[e->subs_nr++]);
}

static int read_subs(struct sc_reader *r, json_t *v, void *out)
{
	return sc_array(r, v, LISTED_MAX, read_sub, out);
}

static const struct sc_key arch_entry_keys[] = {
	{{"architecture", "SCMP_ARCH_*", NULL, "Where the entry holds."}, read_entry_arch},
	{{"subArchitectures", "array of SCMP_ARCH_*", NULL, "What else is allowed there."},
	 read_subs},
};

static int read_arch_entry(struct sc_reader *r, json_t *v, void *out)
{
	struct arch_entry e = {0};
	int err = sc_object(r, v, ROWS(arch_entry_keys), &e);

	(void)out; /* it is r->p */
	if (err || e.arch != seccomp_arch_native())
		return err;
	for (size_t i = 0; i < e.subs_nr; i++)
		(void)arch_add(r->p, e.subs[i]); /* always 0 */
	return 0;
}

static int read_arch_map(struct sc_reader *r, json_t *v, void *out)
{
	int err = json_array_size(v) ? arch_key(r, "archMap", out) : 0;

	return err ? err : sc_array(r, v, LISTED_MAX, read_arch_entry, NULL);
}

static int read_flag(struct sc_reader *r, json_t *v, void *out)
{
	unsigned int flag = 0;
	int err = sc_flag(r, v, &flag);

	(void)out; /* it is r->p */
	r->p->flags |= flag;
	return err;
}

static int read_flags(struct sc_reader *r, json_t *v, void *out)
{
	return sc_array(r, v, LISTED_MAX, read_flag, out);
}

static int read_listener(struct sc_reader *r, json_t *v, void *out)
{
	const char *s = sc_string(r, v);

	(void)out; /* it is r->p */
	if (!s)
		return -EINVAL;
	if (*s && (*s != '/' || strlen(s) >= SC_LISTENER_MAX))
		return sc_bad(r, "must be an absolute path of up to %d bytes", SC_LISTENER_MAX - 1);
	r->p->listener |= *s != '\0';
	r->p->listener_path = s;
	return 0;
}

static int read_metadata(struct sc_reader *r, json_t *v, void *out)
{
	const char *s = sc_string(r, v);

	(void)out; /* it is r->p */
	if (!s)
		return -EINVAL;
	if (strlen(s) >= SC_METADATA_MAX)
		return sc_bad(r, "must be a text of up to %d bytes", SC_METADATA_MAX - 1);
	r->p->listener |= *s != '\0';
	r->p->metadata = s;
	return 0;
}

static const struct sc_key top_keys[] = {
	{{"defaultAction", "SCMP_ACT_*", NULL, "For what no element names."}, read_default},
	{{"defaultErrnoRet", "number 0..4094", "1", "Its errno."}, read_default_errno_ret},
	{{"defaultErrno", "name of an errno", NULL, "Instead of defaultErrnoRet."},
	 read_default_errno},
	{{"architectures", "array of SCMP_ARCH_*", NULL, "Beside the machine's own."},
	 read_architectures},
	{{"archMap", "array of objects", NULL, "The same, by machine."}, read_arch_map},
	{{"flags", "array of SECCOMP_FILTER_FLAG_*", NULL, "Of seccomp(2)."}, read_flags},
	{{"listenerPath", "path", NULL, "Of a supervisor's socket."}, read_listener},
	{{"listenerMetadata", "text", NULL, "For the supervisor."}, read_metadata},
	{{"syscalls", "array of objects", NULL, "What is not left to the default."},
	 sc_rules_parse},
};

static int parse_doc(struct sc_reader *r, struct sc_profile *p)
{
	struct top top = {0};
	int err;

	p->arches[p->arches_nr++] = seccomp_arch_native();
	err = sc_object(r, p->doc, ROWS(top_keys), &top);
	if (err)
		return err;
	if (!top.verdict.set)
		return sc_missing(r, "defaultAction", top_keys[0].row.value);
	return sc_verdict_finish(r, &top.verdict, "defaultErrnoRet", &p->default_action);
}

int sc_profile_parse(const char *json, uint64_t caps, struct sc_profile *ret, struct why *why)
{
	struct sc_profile p = {0};
	struct sc_reader r = {.why = why, .p = &p, .caps = caps};
	size_t len = strnlen(json, SC_JSON_MAX + 1);
	char shown[SC_SHOWN_MAX];
	json_error_t where;
	int err;

	if (len > SC_JSON_MAX)
		return sc_bad(&r, "the profile has more than %u bytes", SC_JSON_MAX);
	p.doc = json_loadb(json, len, JSON_REJECT_DUPLICATES, &where);
	if (!p.doc)
		return sc_bad(&r, "line %d, column %d: no JSON object: %s", where.line,
			      where.column, sc_shown(where.text, shown));
	err = parse_doc(&r, &p);
	if (err) {
		sc_profile_free(&p);
		return err;
	}
	*ret = p;
	return 0;
}

void sc_profile_free(struct sc_profile *p)
{
	for (size_t i = 0; i < p->rules_nr; i++)
		free(p->rules[i].args);
	free(p->rules);
	json_decref(p->doc);
	memset(p, 0, sizeof(*p)); /* a second call is harmless */
}
