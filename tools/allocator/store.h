/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the allocator must not forget: keys with texts. As narrow as several implementations need,
 * SQLite in a file is the first. What store_commit() has answered is on the disk.
 */
#ifndef DCOS_ALLOCATOR_STORE_H
#define DCOS_ALLOCATOR_STORE_H

#include <stddef.h>

#include "agent/lib/why.h"

#define STORE_OPS_MAX 4096 /* changes of one transaction */

struct store;

/** struct store_op - one change; @value NULL deletes */
struct store_op {
	const char *key, *value;
};

/**
 * store_open - open, or make
 * @path: of the file; ":memory:" forgets all at the end
 * Return: 0; -EIO and others with @why, also for a file of another program or a later version.
 */
int store_open(const char *path, struct store **ret, struct why *why);

/**
 * store_get - one value
 * @ret: the caller's to free
 * Return: 0; -ENOENT; -EIO; -ENOMEM.
 */
int store_get(struct store *s, const char *key, char **ret);

/**
 * store_commit - all of these changes, or none
 * Return: 0 they are on the disk; -E2BIG; -EIO with @why, nothing has changed.
 */
int store_commit(struct store *s, const struct store_op *ops, size_t nr, struct why *why);

/**
 * store_each - every key that begins so, in the order of bytes
 * @visit: ends the walk by other than 0; it may not change the store
 * Return: 0, what @visit returned, or -EIO.
 */
int store_each(struct store *s, const char *prefix,
	       int (*visit)(void *arg, const char *key, const char *value), void *arg);

/**
 * store_watch - be told of each change under a prefix, after it was committed
 * @prefix, @changed: one watcher a store; NULL: none any more
 */
void store_watch(struct store *s, const char *prefix,
		 void (*changed)(void *arg, const struct store_op *op), void *arg);

/** store_free - NULL allowed. Return: NULL */
struct store *store_free(struct store *s);

#endif
