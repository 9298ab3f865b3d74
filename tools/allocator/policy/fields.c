// SPDX-License-Identifier: Apache-2.0
/* Attribute names and values as small numbers. */
#include <errno.h>

#include "tools/allocator/policy/policy_impl.h"

static int field_new(struct policy *p, const char *name, struct field **ret)
{
	struct field *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->name = strdup(name);
	f->column = calloc(p->nodes_cap ? p->nodes_cap : 1, sizeof(*f->column));
	if (!f->name || !f->column ||
	    array_grow(&p->fields, &p->fields_cap, p->fields_nr + 1, sizeof(struct field *)) ||
	    names_add(&p->field_names, f)) {
		free(f->column);
		free(f->name);
		free(f);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < p->nodes_nr; i++)
		f->column[i] = NO_VALUE;
	p->fields[p->fields_nr++] = f;
	*ret = f;
	return 0;
}

/* Fields stay until the end: there are at most POLICY_FIELDS_MAX. */
int field_get(struct policy *p, const char *name, struct field **ret)
{
	struct field *f = names_find(&p->field_names, name);

	if (f) {
		*ret = f;
		return 0;
	}
	if (p->fields_nr >= POLICY_FIELDS_MAX)
		return -E2BIG;
	return field_new(p, name, ret);
}

int field_of_constraint(struct policy *p, const char *name, struct field **ret)
{
	return field_get(p, strcmp(name, "hostname") ? name : "@hostname", ret);
}

/* a number that nobody has, or the next */
static int value_slot(struct field *f, uint32_t *ret)
{
	if (f->tree.nr < f->values_nr)
		for (uint32_t i = 0; i < f->values_nr; i++)
			if (!f->values[i]) {
				*ret = i;
				return 0;
			}
	if (array_grow(&f->values, &f->values_cap, f->values_nr + 1, sizeof(*f->values)))
		return -ENOMEM;
	*ret = f->values_nr;
	return 0;
}

/* One more user of the value; value_drop() takes it back. */
int value_hold(struct field *f, const char *text, int32_t *ret)
{
	struct value *v = names_find(&f->tree, text);
	uint32_t i;

	if (v) {
		v->refs++;
		*ret = (int32_t)v->i;
		return 0;
	}
	if (value_slot(f, &i))
		return -ENOMEM;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->text = strdup(text);
	if (!v->text || names_add(&f->tree, v)) {
		free(v->text);
		free(v);
		return -ENOMEM;
	}
	v->i = i;
	v->refs = 1;
	f->values[i] = v;
	if (i == f->values_nr)
		f->values_nr++;
	*ret = (int32_t)i;
	return 0;
}

void value_drop(struct field *f, int32_t i)
{
	struct value *v;

	if (i == NO_VALUE)
		return;
	v = f->values[i];
	if (--v->refs)
		return;
	names_remove(&f->tree, v);
	f->values[i] = NULL;
	free(v->text);
	free(v);
}

void fields_free(struct policy *p)
{
	for (uint32_t i = 0; i < p->fields_nr; i++) {
		struct field *f = p->fields[i];

		for (uint32_t v = 0; v < f->values_nr; v++)
			if (f->values[v]) {
				f->values[v]->refs = 1;
				value_drop(f, (int32_t)v);
			}
		names_remove(&p->field_names, f);
		free(f->values);
		free(f->column);
		free(f->name);
		free(f);
	}
	free(p->fields);
}
