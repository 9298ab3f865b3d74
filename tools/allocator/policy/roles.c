// SPDX-License-Identifier: Apache-2.0
/* Roles: a tree by their names, "a/b" below "a". */
#include <errno.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/why.h"
#include "tools/allocator/policy/policy_impl.h"

static bool role_name_ok(const char *name)
{
	unsigned int parts = 1;

	if (!name_ok(name) || *name == '/')
		return false;
	for (const char *c = name; *c; c++)
		if (*c == '/' && (c[1] == '/' || !c[1] || ++parts > POLICY_ROLE_DEPTH_MAX))
			return false;
	return true;
}

static void role_free(struct policy *p, struct role *r)
{
	names_remove(&p->role_names, r);
	free(r->name);
	free(r);
}

static void set_defaults(struct role *r)
{
	r->set = false;
	r->weight = POLICY_WEIGHT_ONE;
	r->priority = 0;
	for (unsigned int d = 0; d < POLICY_DIMENSIONS; d++) {
		r->guarantee[d] = 0;
		r->limit[d] = POLICY_UNLIMITED;
	}
}

static int role_new(struct policy *p, const char *name, struct role **ret)
{
	struct role *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->name = strdup(name);
	err = r->name ? array_grow(&p->roles, &p->roles_cap, p->roles_nr + 1, sizeof(struct role *))
		      : -ENOMEM;
	if (!err)
		err = names_add(&p->role_names, r);
	if (err) {
		free(r->name);
		free(r);
		return err;
	}
	set_defaults(r);
	r->i = p->roles_nr;
	p->roles[p->roles_nr++] = r;
	*ret = r;
	return 0;
}

/* One more user of the role, which is made with what stands above it; role_put() takes it back. */
int role_get(struct policy *p, const char *name, struct role **ret, struct why *why)
{
	const char *as = name && *name ? name : "*";
	struct role *r = names_find(&p->role_names, as), *parent = NULL;
	cleanup_free char *above = NULL;
	char *slash;
	int err;

	if (r) {
		r->refs++;
		*ret = r;
		return 0;
	}
	if (!role_name_ok(as))
		return why_set(why, -EINVAL, "role %.64s: 1 to %d parts, none empty", as,
			       POLICY_ROLE_DEPTH_MAX);
	if (p->roles_nr >= POLICY_ROLES_MAX)
		return refuse_bound(p, why, "roles", POLICY_ROLES_MAX);
	above = strdup(as);
	if (!above)
		return -ENOMEM;
	slash = strrchr(above, '/');
	if (slash) {
		*slash = '\0';
		err = role_get(p, above, &parent, why);
		if (err)
			return err;
	}
	err = role_new(p, as, &r);
	if (err) {
		if (parent)
			role_put(p, parent);
		return err;
	}
	r->parent = parent;
	if (parent) {
		r->sibling = parent->child;
		parent->child = r;
	}
	r->refs = 1;
	*ret = r;
	return 0;
}

static void unlink_child(struct role *r)
{
	struct role **at = &r->parent->child;

	while (*at != r)
		at = &(*at)->sibling;
	*at = r->sibling;
}

void role_put(struct policy *p, struct role *r)
{
	struct role *parent = r->parent;

	if (--r->refs)
		return;
	if (parent)
		unlink_child(r);
	p->roles_nr--;
	memmove(&p->roles[r->i], &p->roles[r->i + 1], (p->roles_nr - r->i) * sizeof(struct role *));
	for (uint32_t i = r->i; i < p->roles_nr; i++)
		p->roles[i]->i = i;
	role_free(p, r);
	if (parent)
		role_put(p, parent);
}

int policy_role_set(struct policy *p, const struct policy_role *role, struct why *why)
{
	struct role *r;
	int err;

	if (role->weight > POLICY_WEIGHT_MAX)
		return why_set(why, -EINVAL, "weight=%u: at most %u", role->weight,
			       POLICY_WEIGHT_MAX);
	for (unsigned int d = 0; d < POLICY_DIMENSIONS; d++)
		if (role->guarantee.of[d] > role->limit.of[d])
			return why_set(why, -EINVAL, "%s: the guarantee is above the limit",
				       policy_dimension_name(d));
	err = role_get(p, role->name, &r, why);
	if (err)
		return err;
	if (r->set)
		role_put(p, r); /* one use is enough */
	r->set = true;
	r->weight = role->weight ? role->weight : POLICY_WEIGHT_ONE;
	r->priority = role->priority;
	memcpy(r->guarantee, role->guarantee.of, sizeof(r->guarantee));
	memcpy(r->limit, role->limit.of, sizeof(r->limit));
	return 0;
}

int policy_role_remove(struct policy *p, const char *role)
{
	struct role *r = names_find(&p->role_names, role);

	if (!r || !r->set)
		return -ENOENT;
	set_defaults(r);
	role_put(p, r);
	return 0;
}

/* Count an instance, or no longer, as one that is to end, for its role and all above. */
void role_going(struct role *r, const struct instance *in, bool on)
{
	for (unsigned int d = 0; d < POLICY_DIMENSIONS; d++) {
		uint64_t part = is_lent(in, d) ? 0 : in->used[d];

		for (struct role *above = r; above; above = above->parent)
			above->going[d] += on ? part : -part;
	}
}

/* Count an instance, or no longer, for its role and all above. */
void role_charge(struct role *r, const struct instance *in, bool on)
{
	for (unsigned int d = 0; d < POLICY_DIMENSIONS; d++) {
		uint64_t part = is_lent(in, d) ? 0 : in->used[d];

		r->own[d] += on ? part : -part;
		for (struct role *above = r; above; above = above->parent)
			above->used[d] += on ? part : -part;
	}
	if (in->doomed)
		role_going(r, in, on);
}

/* @above is the role itself or stands above it. */
bool role_within(const struct role *above, const struct role *r)
{
	for (; r; r = r->parent)
		if (r == above)
			return true;
	return false;
}

void roles_free(struct policy *p)
{
	for (uint32_t i = 0; i < p->roles_nr; i++)
		role_free(p, p->roles[i]);
	free(p->roles);
}
