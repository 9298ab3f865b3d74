// SPDX-License-Identifier: Apache-2.0
/* Roles as they are configured: weights, priorities, guarantees and limits, kept in the store. */
#include <errno.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "tools/allocator/app_rows.h"
#include "tools/allocator/core.h"

#define MIB	     1048576.0
#define CPUS_MAX     1e9 /* the sum of many nodes */
#define MIB_MAX	     1e9
#define BPS_MAX	     1e15
#define PORTS_MAX    1e9
#define PRIORITY_MAX 1000
#define PPB	     1e9
#define KEY	     "role/"
#define KEY_SIZE     (sizeof(KEY) + POLICY_NAME_MAX)

/* How a dimension is called and counted in JSON, as in an app. */
static const struct {
	const char *key;
	double unit; /* the policy's units in one of these */
} dimensions[POLICY_DIMENSIONS] = {
	[POLICY_CPUS] = {"cpus", 1000}, [POLICY_MEMORY] = {"mem", MIB},
	[POLICY_DISK] = {"disk", MIB},	[POLICY_NETWORK] = {"networkBps", 1},
	[POLICY_PORTS] = {"ports", 1},
};

static const struct shape_row amount_rows[] = {
	{"cpus", SHAPE_NUMBER, NULL, 0, CPUS_MAX},
	{"mem", SHAPE_NUMBER, NULL, 0, MIB_MAX},
	{"disk", SHAPE_NUMBER, NULL, 0, MIB_MAX},
	{"networkBps", SHAPE_NUMBER, NULL, 0, BPS_MAX},
	{"ports", SHAPE_INTEGER, NULL, 0, PORTS_MAX},
	{},
};

static const struct shape_row role_rows[] = {
	{"weight", SHAPE_NUMBER, "1", 1.0 / POLICY_WEIGHT_ONE,
	 POLICY_WEIGHT_MAX / POLICY_WEIGHT_ONE},
	{"priority", SHAPE_INTEGER, "0", -PRIORITY_MAX, PRIORITY_MAX},
	{"guarantee", SHAPE_OBJECT, "{}", .rows = amount_rows},
	{"limit", SHAPE_OBJECT, "{}", .rows = amount_rows},
	/* only in replies; clients send back what they have read */
	{"name", SHAPE_SKIP},
	{"configured", SHAPE_SKIP},
	{"used", SHAPE_SKIP},
	{"dominant", SHAPE_SKIP},
	{"share", SHAPE_SKIP},
	{"entitled", SHAPE_SKIP},
	{},
};

static void amounts_of(const json_t *doc, uint64_t missing, struct policy_resources *ret)
{
	for (int i = 0; i < POLICY_DIMENSIONS; i++) {
		const json_t *v = json_object_get(doc, dimensions[i].key);

		ret->of[i] =
			v ? (uint64_t)(json_number_value(v) * dimensions[i].unit + 0.5) : missing;
	}
}

/* Tell the policy; @doc is complete. */
static int apply(struct core *c, const char *name, const json_t *doc, struct why *why)
{
	struct policy_role role = {
		.name = name,
		.weight = (uint32_t)(app_number(doc, "weight") * POLICY_WEIGHT_ONE + 0.5),
		.priority = (int)json_integer_value(json_object_get(doc, "priority")),
	};

	amounts_of(json_object_get(doc, "guarantee"), 0, &role.guarantee);
	amounts_of(json_object_get(doc, "limit"), POLICY_UNLIMITED, &role.limit);
	return policy_role_set(c->policy, &role, why);
}

/* Back to what it was before a change that could not be written down. */
static void undo(struct core *c, const char *name)
{
	const json_t *old = json_object_get(c->roles, name);
	struct why why = {};

	if (old ? apply(c, name, old, &why) : policy_role_remove(c->policy, name))
		log_err("role %s: it is not what it was: %s", name, why.text);
}

static int write_down(struct core *c, const char *name, const json_t *doc, struct why *why)
{
	cleanup_free char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
	char key[KEY_SIZE];
	struct store_op op = {key, text};

	if (doc && !text)
		return -ENOMEM;
	(void)snprintf(key, sizeof(key), KEY "%s", name); /* fits: the policy took the name */
	return store_commit(c->store, &op, 1, why);
}

/* With @next in the place of c->roles, which becomes the caller's. */
static int change(struct core *c, const char *name, const json_t *doc, json_t **next,
		  struct why *why)
{
	json_t *before = c->roles;
	int r = apply(c, name, doc, why);

	if (r)
		return r;
	r = write_down(c, name, doc, why);
	if (r) {
		undo(c, name);
		return r;
	}
	c->roles = *next;
	*next = before;
	return 0;
}

int role_set(struct core *c, const char *name, const json_t *in, struct app_errors *e,
	     struct why *why)
{
	json_t *doc = NULL, *next;
	int r = shape_make(role_rows, in, "", &doc, e);

	if (r)
		return r;
	next = json_copy(c->roles);
	r = json_object_set(next, name, doc) < 0 ? -ENOMEM : change(c, name, doc, &next, why);
	if (r == -EINVAL)
		app_error(e, "/", "%s", why->text);
	json_decref(next);
	json_decref(doc);
	core_turn(c);
	return r;
}

int role_unset(struct core *c, const char *name, struct why *why)
{
	int r;

	if (!json_object_get(c->roles, name))
		return -ENOENT;
	r = write_down(c, name, NULL, why);
	if (r)
		return r;
	(void)policy_role_remove(c->policy, name); /* it is there: it was set */
	(void)json_object_del(c->roles, name); /* likewise */
	core_turn(c);
	return 0;
}

int role_load(struct core *c, const char *key, const char *value)
{
	const char *name = key + strlen(KEY);
	json_t *doc = json_loads(value, 0, NULL);
	struct why why = {};
	int r = doc ? apply(c, name, doc, &why) : -EBADMSG;

	if (r)
		log_err("role %s of the store: %s", name, why.text);
	else if (json_object_set(c->roles, name, doc) < 0)
		r = -ENOMEM;
	json_decref(doc);
	return r;
}

static json_t *used_json(const struct policy_resources *used)
{
	json_t *o = json_object();

	for (int i = 0; i < POLICY_DIMENSIONS; i++)
		(void)json_object_set_new(o, dimensions[i].key,
					  json_real((double)used->of[i] /
						    dimensions[i].unit)); /* else without */
	return o;
}

static json_t *role_json(struct core *c, const struct policy_share *s)
{
	const json_t *doc = json_object_get(c->roles, s->role);
	json_t *o =
		json_pack("{s:s, s:b, s:f, s:I, s:{}, s:{}, s:o, s:s, s:f, s:f}", "name", s->role,
			  "configured", doc != NULL, "weight", 1.0, "priority", (json_int_t)0,
			  "guarantee", "limit", "used", used_json(&s->used), "dominant",
			  policy_dimension_name(s->dominant), "share",
			  (double)s->dominant_ppb / PPB, "entitled", (double)s->entitled_ppb / PPB);

	if (doc)
		(void)json_object_update(o, (json_t *)(uintptr_t)doc); /* else the defaults */
	return o;
}

json_t *roles_json(struct core *c)
{
	const struct policy_share *shares;
	json_t *list = json_array();
	size_t nr;

	if (policy_shares(c->policy, &shares, &nr) < 0) {
		json_decref(list);
		return NULL;
	}
	for (size_t i = 0; i < nr; i++)
		(void)json_array_append_new(list, role_json(c, &shares[i])); /* else shorter */
	return list;
}
