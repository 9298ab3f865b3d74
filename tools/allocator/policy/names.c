// SPDX-License-Identifier: Apache-2.0
/* Finding objects by name, and growing arrays. */
#include <errno.h>
#include <search.h>

#include "agent/lib/why.h"
#include "tools/allocator/policy/policy_impl.h"

#define ARRAY_FIRST 16

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

void *names_find(const struct names *n, const char *name)
{
	struct named key = {(char *)name};
	void **found = tfind(&key, &n->root, by_name);

	return found ? *found : NULL;
}

/* The object's name must not change while it is in. */
int names_add(struct names *n, void *object)
{
	void **at = tsearch(object, &n->root, by_name);

	if (!at)
		return -ENOMEM;
	if (*at != object)
		return -EEXIST;
	n->nr++;
	return 0;
}

void names_remove(struct names *n, void *object)
{
	if (tdelete(object, &n->root, by_name))
		n->nr--;
}

/* Another object of the same name in its place. */
void names_replace(struct names *n, void *object, void *by)
{
	void **at = tfind(object, &n->root, by_name);

	if (at)
		*at = by;
}

/* New elements are zero. @array is the address of a pointer to elements of @size bytes. */
int array_grow(void *array, uint32_t *cap, uint32_t want, size_t size)
{
	uint32_t more = *cap ? *cap : ARRAY_FIRST;
	char **at = array, *grown;

	if (want <= *cap)
		return 0;
	while (more < want)
		more *= 2;
	grown = reallocarray(*at, more, size);
	if (!grown)
		return -ENOMEM;
	memset(grown + *cap * size, 0, (more - *cap) * size);
	*at = grown;
	*cap = more;
	return 0;
}

bool name_ok(const char *name)
{
	return name && *name && strnlen(name, POLICY_NAME_MAX + 1) <= POLICY_NAME_MAX;
}

int refuse_bound(struct policy *p, struct why *why, const char *what, unsigned long long max)
{
	p->refused_bound++;
	return why_set(why, -E2BIG, "more than %llu %s", max, what);
}
