// SPDX-License-Identifier: Apache-2.0
/* Old versions of apps: so many are kept, and none of an app that is gone. */
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "tools/allocator/core.h"

#define PRUNE_MAX 1024 /* in one transaction; the rest goes with the next change */

struct keys {
	struct store_op ops[PRUNE_MAX];
	size_t nr;
};

static int collect(void *arg, const char *key, const char *value)
{
	struct keys *k = arg;

	(void)value;
	if (k->nr == PRUNE_MAX)
		return 1; /* enough for now */
	k->ops[k->nr].key = strdup(key);
	if (k->ops[k->nr].key)
		k->nr++;
	return 0;
}

void versions_prune(struct core *c, const char *app, size_t keep)
{
	struct keys *k = calloc(1, sizeof(*k));
	cleanup_free char *prefix = NULL;
	struct why why = {};

	if (!k || asprintf(&prefix, "version%s@", app) < 0) {
		free(k);
		prefix = NULL;
		return; /* with the next change */
	}
	/* the oldest come first, for stamps are in the order of time */
	if (store_each(c->store, prefix, collect, k) >= 0 && k->nr > keep &&
	    store_commit(c->store, k->ops, k->nr - keep, &why) < 0)
		log_warn("old versions of %s stay: %s", app, why.text);
	for (size_t i = 0; i < k->nr; i++)
		free((char *)(uintptr_t)k->ops[i].key);
	free(k);
}
