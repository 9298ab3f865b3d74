// SPDX-License-Identifier: Apache-2.0
/* Reads policies and holds tasks against them, see policy.h. */
#include "tools/dcosaudit/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/slurp.h"
#include "isolators/credentials.h"
#include "tools/common/client.h"

struct rule {
	struct policy_rule rule;
	json_type type; /* of the value; JSON_TRUE: true or false */
	void (*check)(const json_t *v, const struct facts *f, const char *key,
		      struct policy_verdict *ret);
};

static void broken(struct policy_verdict *v, const char *rule, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void broken(struct policy_verdict *v, const char *rule, const char *fmt, ...)
{
	va_list ap;

	if (v->nr == POLICY_BROKEN_MAX) {
		v->left_out++;
		return;
	}
	v->broken[v->nr].rule = rule;
	va_start(ap, fmt);
	/* a cut sentence is still a sentence */
	(void)vsnprintf(v->broken[v->nr].text, sizeof(v->broken[v->nr].text), fmt, ap);
	va_end(ap);
	v->nr++;
}

/* Is a text one of a list of patterns: fnmatch(3), "*" also matches "/". */
static bool is_listed(const json_t *patterns, const char *text)
{
	const json_t *p;
	size_t i;

	json_array_foreach (patterns, i, p)
		if (fnmatch(json_string_value(p), text, 0) == 0)
			return true;
	return false;
}

/* ---- the rules ---- */

static void check_profiles(const json_t *v, const struct facts *f, const char *key,
			   struct policy_verdict *ret)
{
	if (!is_listed(v, f->profile))
		broken(ret, key, "its profile is %s", f->profile);
	else if (f->seccomp != 2 && strcmp(f->profile, "unconfined"))
		broken(ret, key, "its profile is %s, but its init has no filter", f->profile);
}

static void check_filters(const json_t *v, const struct facts *f, const char *key,
			  struct policy_verdict *ret)
{
	if (!is_listed(v, f->hash))
		broken(ret, key, "the hash of its filter is %s", *f->hash ? f->hash : "not known");
}

static void check_no_new_privs(const json_t *v, const struct facts *f, const char *key,
			       struct policy_verdict *ret)
{
	if (json_is_true(v) && !f->no_new_privs)
		broken(ret, key, "it may gain privileges by execve");
}

static void check_caps(const json_t *v, const struct facts *f, const char *key,
		       struct policy_verdict *ret)
{
	char text[CAPS_TEXT_MAX], *next = text, *name;

	(void)caps_to_text(f->caps_bounding | f->caps_effective, text,
			   sizeof(text)); /* it is @text */
	while ((name = strsep(&next, " ")))
		if (*name && !is_listed(v, name))
			broken(ret, key, "it has or can get %s", name);
}

static void check_namespaces(const json_t *v, const struct facts *f, const char *key,
			     struct policy_verdict *ret)
{
	for (int i = 0; i < FACTS_NS; i++) {
		const char *name = facts_ns_name((enum facts_ns)i);

		if (is_listed(v, name) && !f->own_ns[i])
			broken(ret, key, "it is in the host's %s namespace", name);
	}
}

static void check_writable(const json_t *v, const struct facts *f, const char *key,
			   struct policy_verdict *ret)
{
	const json_t *m;
	size_t i;

	json_array_foreach (f->writable, i, m)
		if (!is_listed(v, field_str(m, "path")))
			broken(ret, key, "it may write %s (%s, from %s)", field_str(m, "path"),
			       field_str(m, "type"), field_str(m, "source"));
}

static void check_list(const json_t *v, const json_t *list, const char *what, const char *key,
		       struct policy_verdict *ret)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (!is_listed(v, json_string_value(item)))
			broken(ret, key, "it %s %s", what, json_string_value(item));
}

static void check_devices(const json_t *v, const struct facts *f, const char *key,
			  struct policy_verdict *ret)
{
	check_list(v, f->devices, "may use the device", key, ret);
}

static void check_ports(const json_t *v, const struct facts *f, const char *key,
			struct policy_verdict *ret)
{
	check_list(v, f->ports, "listens at", key, ret);
}

static void check_not_root(const json_t *v, const struct facts *f, const char *key,
			   struct policy_verdict *ret)
{
	if (json_is_true(v) && f->uid == 0)
		broken(ret, key, "its init is root of the host");
}

static const struct rule rules[] = {
	{{"profiles", "names of seccomp profiles of which it has one"}, JSON_ARRAY, check_profiles},
	{{"filter_sha256", "hashes of compiled filters of which it has one"},
	 JSON_ARRAY,
	 check_filters},
	{{"no_new_privs", "it can't gain privileges by execve"}, JSON_TRUE, check_no_new_privs},
	{{"not_host_root", "its init is not root of the host"}, JSON_TRUE, check_not_root},
	{{"capabilities", "capabilities that it may have, effective or in the bounding set"},
	 JSON_ARRAY,
	 check_caps},
	{{"namespaces", "namespaces that must be its own"}, JSON_ARRAY, check_namespaces},
	{{"writable", "mount points that it may write"}, JSON_ARRAY, check_writable},
	{{"devices", "devices that its spec may add, PATH:ACCESS"}, JSON_ARRAY, check_devices},
	{{"ports", "ports at which it may listen, as tcp/80"}, JSON_ARRAY, check_ports},
};

const struct policy_rule *policy_rules(size_t *ret_nr)
{
	static const struct policy_rule all[] = {
		{"role", "a role of the policy is for it"},
		{"profiles", "it has a seccomp profile of those that are allowed"},
		{"filter_sha256", "its compiled filter is one of those that are allowed"},
		{"no_new_privs", "it can't gain privileges by execve"},
		{"not_host_root", "its init is not root of the host"},
		{"capabilities", "it has no capability but those that are allowed"},
		{"namespaces", "the namespaces that must be its own are"},
		{"writable", "it writes no mount but those that are allowed"},
		{"devices", "its spec adds no device but those that are allowed"},
		{"ports", "it listens at no port but those that are allowed"},
	};

	*ret_nr = ARRAY_SIZE(all);
	return all;
}

/* ---- roles ---- */

static bool labels_match(const json_t *wanted, const json_t *labels)
{
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)wanted, name, v)
		if (fnmatch(json_string_value(v), field_str(labels, name), 0))
			return false;
	return true;
}

static bool role_matches(const json_t *role, const struct facts *f)
{
	const json_t *match = json_object_get(role, "match");
	const char *id = field_str(match, "id");

	return (!*id || fnmatch(id, f->id, 0) == 0) &&
	       labels_match(json_object_get(match, "labels"), f->labels);
}

void policy_check(const json_t *policy, const struct facts *f, struct policy_verdict *ret)
{
	const json_t *role, *found = NULL, *require;
	size_t i;

	*ret = (struct policy_verdict){};
	json_array_foreach (json_object_get(policy, "roles"), i, role)
		if (!found && role_matches(role, f))
			found = role;
	if (!found) {
		broken(ret, "role", "no role of the policy is for it");
		return;
	}
	ret->role = field_str(found, "name");
	require = json_object_get(found, "require");
	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		const json_t *v = json_object_get(require, rules[i].rule.key);

		if (v)
			rules[i].check(v, f, rules[i].rule.key, ret);
	}
	if (f->left_out)
		broken(ret, "role", "%u of its mounts, devices and ports were not looked at",
		       f->left_out);
}

/* ---- the form ---- */

static bool is_texts(const json_t *v)
{
	const json_t *text;
	size_t i;

	json_array_foreach (v, i, text)
		if (!json_is_string(text))
			return false;
	return json_is_array(v);
}

static int check_require(const json_t *require, size_t role, struct why *why)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)require, key, v) {
		const struct rule *r = NULL;

		for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
			if (!strcmp(rules[i].rule.key, key))
				r = &rules[i];
		if (!r)
			return why_set(why, -EINVAL, "/roles/%zu/require/%s: is unknown", role,
				       key);
		if (r->type == JSON_TRUE ? !json_is_boolean(v) : !is_texts(v))
			return why_set(why, -EINVAL, "/roles/%zu/require/%s: must be %s", role, key,
				       r->type == JSON_TRUE ? "true or false"
							    : "an array of texts");
	}
	return 0;
}

static int check_match(const json_t *match, size_t role, struct why *why)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)match, key, v) {
		if (!strcmp(key, "id") && json_is_string(v))
			continue;
		if (strcmp(key, "labels") || !json_is_object(v))
			return why_set(why, -EINVAL,
				       "/roles/%zu/match/%s: allowed are \"id\", a text, and "
				       "\"labels\", an object",
				       role, key);
		const char *name;
		json_t *text;

		json_object_foreach (v, name, text)
			if (!json_is_string(text))
				return why_set(why, -EINVAL,
					       "/roles/%zu/match/labels/%s: must be a text", role,
					       name);
	}
	return 0;
}

static int check_role(const json_t *role, size_t i, struct why *why)
{
	const char *key;
	json_t *v;
	int err;

	json_object_foreach ((json_t *)role, key, v)
		if (strcmp(key, "name") && strcmp(key, "match") && strcmp(key, "require") &&
		    strcmp(key, "comment"))
			return why_set(why, -EINVAL, "/roles/%zu/%s: is unknown", i, key);
	if (!*field_str(role, "name"))
		return why_set(why, -EINVAL, "/roles/%zu: needs a name", i);
	if (!json_is_object(json_object_get(role, "require")))
		return why_set(why, -EINVAL, "/roles/%zu/require: must be an object", i);
	v = json_object_get(role, "match");
	if (v && !json_is_object(v))
		return why_set(why, -EINVAL, "/roles/%zu/match: must be an object", i);
	err = check_match(v, i, why);
	return err ? err : check_require(json_object_get(role, "require"), i, why);
}

static int check_form(const json_t *j, struct why *why)
{
	const json_t *roles = json_object_get(j, "roles"), *role;
	size_t i;
	int err;

	if (strcmp(field_str(j, "format"), POLICY_FORMAT) ||
	    field_int(j, "version", 0) != POLICY_VERSION)
		return why_set(why, -EINVAL,
			       "/format: must be \"" POLICY_FORMAT "\", and /version %d",
			       POLICY_VERSION);
	if (!json_is_array(roles))
		return why_set(why, -EINVAL, "/roles: must be an array");
	json_array_foreach (roles, i, role) {
		err = check_role(role, i, why);
		if (err)
			return err;
	}
	return 0;
}

int policy_parse(const char *text, size_t len, const char *name, json_t **ret, struct why *why)
{
	cleanup_json json_t *j = NULL;
	struct why cause = {};
	json_error_t where;
	int err;

	j = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	if (!j)
		return why_set(why, -EINVAL, "%s:%d:%d: no JSON: %s", name, where.line,
			       where.column, where.text);
	err = check_form(j, &cause);
	if (err)
		return why_set(why, err, "%s: %s", name, cause.text);
	*ret = take_ptr(j);
	return 0;
}

int policy_read(const char *path, json_t **ret, struct why *why)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	int err = slurp_at(AT_FDCWD, path, 0, POLICY_JSON_MAX, &text, &len);

	return err ? why_set(why, err, "%s", path) : policy_parse(text, len, path, ret, why);
}
