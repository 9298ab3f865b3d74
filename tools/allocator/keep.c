// SPDX-License-Identifier: Apache-2.0
/*
 * Changes of the store that one turn makes become one transaction: each waits for the disk, and
 * a turn may place thousands of tasks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/log.h"
#include "tools/allocator/core.h"

#define ROOM_FIRST 64

static void drop(struct keep *k)
{
	for (size_t i = 0; i < k->nr; i++) {
		free((char *)k->ops[i].key);
		free((char *)k->ops[i].value);
	}
	k->nr = 0;
}

int keep_flush(struct core *c, struct why *why)
{
	struct keep *k = &c->kept;
	int r = k->nr ? store_commit(c->store, k->ops, k->nr, why) : 0;

	if (r)
		log_err("%zu changes are not written down: %s", k->nr, why->text);
	drop(k);
	return r;
}

static int make_room(struct core *c)
{
	struct keep *k = &c->kept;
	size_t room = k->room ? k->room * 2 : ROOM_FIRST;
	struct store_op *ops;
	struct why why = {};

	if (k->nr < k->room)
		return 0;
	if (k->nr == STORE_OPS_MAX)
		return keep_flush(c, &why);
	ops = realloc(k->ops, room * sizeof(*ops));
	if (!ops)
		return -ENOMEM;
	k->ops = ops;
	k->room = room;
	return 0;
}

int keep_put(struct core *c, const char *key, const char *value)
{
	struct keep *k = &c->kept;
	int r = make_room(c);
	char *name, *text;

	if (r)
		return r;
	name = strdup(key);
	text = value ? strdup(value) : NULL;
	if (!name || (value && !text)) {
		free(name);
		free(text);
		return -ENOMEM;
	}
	k->ops[k->nr++] = (struct store_op){name, text};
	return 0;
}

void keep_free(struct core *c)
{
	drop(&c->kept);
	free(c->kept.ops);
	c->kept = (struct keep){};
}
