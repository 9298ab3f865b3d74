// SPDX-License-Identifier: Apache-2.0
/*
 * process.env: each name once, the last one's value. getenv(3) would find the first, and what exec
 * adds to the container's own stands behind.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "isolators/oci.h"
#include "tools/dcosrun/config.h"

#define HOME "HOME="

struct named {
	const char *text;
	size_t name, at; /* length of the name; element */
};

/* By name, of the same one the last first. */
static int compare(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int cmp = strncmp(x->text, y->text, x->name < y->name ? x->name : y->name);

	if (cmp)
		return cmp;
	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	return x->at > y->at ? -1 : x->at < y->at;
}

static bool same_name(const struct named *x, const struct named *y)
{
	return x->name == y->name && !strncmp(x->text, y->text, x->name);
}

/* @env: elements whose name comes again become NULL */
static void drop_former(char **env, struct named *names, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		names[i] = (struct named){env[i], strcspn(env[i], "="), i};
	qsort(names, nr, sizeof(*names), compare);
	for (size_t i = 1; i < nr; i++)
		if (same_name(&names[i], &names[i - 1]))
			env[names[i].at] = NULL;
}

/* Who says no HOME, or an empty one, gets that of the container's own passwd(5). */
static int add_home(struct config *c, char **env, size_t nr)
{
	char *home;

	for (size_t i = 0; i < nr; i++)
		if (!strncmp(env[i], HOME, strlen(HOME)) && env[i][strlen(HOME)])
			return 0;
		else if (!strcmp(env[i], HOME))
			env[i] = env[--nr]; /* names come once: there is no other */
	home = cf_alloc(c, 1, OCI_HOME_MAX);
	if (!home)
		return -ENOMEM;
	memcpy(home, HOME "/", sizeof(HOME "/"));
	env[nr] = c->oci.process.home = home;
	env[nr + 1] = NULL;
	return 0;
}

int config_read_env(struct config *c, const json_t *process)
{
	char **given = NULL, **env;
	struct named *names;
	size_t nr = 0, kept = 0;
	int err = cf_strings(c, process, "env", &given);

	if (err)
		return err;
	for (; given && given[nr]; nr++)
		if (!strchr(given[nr], '=') || given[nr][0] == '=')
			return cf_bad(c, "env", "element %zu: allowed is NAME=value", nr);
	env = cf_alloc(c, nr + 2, sizeof(*env));
	names = cf_alloc(c, nr + 1, sizeof(*names));
	if (!env || !names)
		return -ENOMEM;
	if (nr)
		drop_former(given, names, nr);
	for (size_t i = 0; i < nr; i++)
		if (given[i])
			env[kept++] = given[i];
	c->spec.process.env = env;
	c->oci.process.home = NULL;
	return add_home(c, env, kept);
}
