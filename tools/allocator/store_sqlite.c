// SPDX-License-Identifier: Apache-2.0
/*
 * The store in a file of SQLite, see store.h. A write-ahead log with synchronous=FULL: a commit
 * that was answered outlives both a killed process and a power cut (sqlite.org/pragma.html,
 * "synchronous"). user_version tells the layout of the file.
 */
#include "tools/allocator/store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"

#define LAYOUT	     1 /* of the file; a later one is refused */
#define BUSY_WAIT_MS 2000 /* somebody makes a backup */
#define APPLICATION  0x64636f73 /* "dcos" */
#define PRAGMA_SETUP "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF;"

enum statement { GET, PUT, DEL, EACH, STATEMENTS };

static const char *const texts[STATEMENTS] = {
	[GET] = "SELECT value FROM kv WHERE key = ?1",
	[PUT] = "INSERT INTO kv VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
	[DEL] = "DELETE FROM kv WHERE key = ?1",
	[EACH] = "SELECT key, value FROM kv WHERE key >= ?1 ORDER BY key",
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	char *watched;
	void (*changed)(void *arg, const struct store_op *op);
	void *changed_arg;
};

static int failed(struct store *s, const char *what, struct why *why)
{
	return why_set(why, -EIO, "%s: %s", what, sqlite3_errmsg(s->db));
}

static int read_number(struct store *s, const char *pragma, int *ret)
{
	sqlite3_stmt *st = NULL;
	int r = sqlite3_prepare_v2(s->db, pragma, -1, &st, NULL);

	if (r == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		*ret = sqlite3_column_int(st, 0);
	else
		r = SQLITE_ERROR;
	(void)sqlite3_finalize(st); /* tells the error of the step again */
	return r == SQLITE_OK ? 0 : -EIO;
}

static int set_up(struct store *s, const char *path, struct why *why)
{
	int layout, application;

	(void)sqlite3_busy_timeout(s->db, BUSY_WAIT_MS); /* cannot fail */
	if (read_number(s, "PRAGMA user_version", &layout) < 0 ||
	    read_number(s, "PRAGMA application_id", &application) < 0)
		return failed(s, path, why);
	if (layout > LAYOUT || (layout && application != APPLICATION))
		return why_set(why, -EINVAL, "%s: of another program, or of layout %d (this is %d)",
			       path, layout, LAYOUT);
	if (sqlite3_exec(s->db, PRAGMA_SETUP, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(s->db,
			 "BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, "
			 "value TEXT NOT NULL) WITHOUT ROWID; PRAGMA user_version=1; "
			 "PRAGMA application_id=0x64636f73; COMMIT;",
			 NULL, NULL, NULL) != SQLITE_OK)
		return failed(s, path, why);
	for (int i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v3(s->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &s->statements[i], NULL) != SQLITE_OK)
			return failed(s, path, why);
	return 0;
}

int store_open(const char *path, struct store **ret, struct why *why)
{
	struct store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
	    SQLITE_OK)
		r = failed(s, path, why);
	else
		r = set_up(s, path, why);
	if (r < 0) {
		store_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

int store_get(struct store *s, const char *key, char **ret)
{
	sqlite3_stmt *st = s->statements[GET];
	char *value = NULL;
	int r;

	(void)sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC); /* seen in the step */
	r = sqlite3_step(st);
	if (r == SQLITE_ROW)
		value = strdup((const char *)sqlite3_column_text(st, 0));
	(void)sqlite3_reset(st); /* tells the error of the step again */
	if (r != SQLITE_ROW)
		return r == SQLITE_DONE ? -ENOENT : -EIO;
	if (!value)
		return -ENOMEM;
	*ret = value;
	return 0;
}

static int change(struct store *s, const struct store_op *op)
{
	sqlite3_stmt *st = s->statements[op->value ? PUT : DEL];
	int r;

	/* errors of binding are seen in the step */
	(void)sqlite3_bind_text(st, 1, op->key, -1, SQLITE_STATIC);
	if (op->value)
		(void)sqlite3_bind_text(st, 2, op->value, -1, SQLITE_STATIC);
	r = sqlite3_step(st);
	(void)sqlite3_reset(st); /* likewise */
	return r == SQLITE_DONE ? 0 : -EIO;
}

static void tell(struct store *s, const struct store_op *ops, size_t nr)
{
	for (size_t i = 0; i < nr && s->changed; i++)
		if (!strncmp(ops[i].key, s->watched, strlen(s->watched)))
			s->changed(s->changed_arg, &ops[i]);
}

int store_commit(struct store *s, const struct store_op *ops, size_t nr, struct why *why)
{
	int r = 0;

	if (nr > STORE_OPS_MAX)
		return why_set(why, -E2BIG, "%zu changes in one transaction (at most %d)", nr,
			       STORE_OPS_MAX);
	if (sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return failed(s, "store", why);
	for (size_t i = 0; i < nr && !r; i++)
		r = change(s, &ops[i]);
	if (!r && sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		r = -EIO;
	if (r) {
		r = failed(s, "store", why);
		/* fails when the error has rolled it back already */
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		return r;
	}
	tell(s, ops, nr);
	return 0;
}

int store_each(struct store *s, const char *prefix,
	       int (*visit)(void *arg, const char *key, const char *value), void *arg)
{
	sqlite3_stmt *st = s->statements[EACH];
	size_t len = strlen(prefix);
	int r = 0, step;

	(void)sqlite3_bind_text(st, 1, prefix, -1, SQLITE_STATIC); /* seen in the step */
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		const char *key = (const char *)sqlite3_column_text(st, 0);

		if (strncmp(key, prefix, len) != 0)
			break;
		r = visit(arg, key, (const char *)sqlite3_column_text(st, 1));
		if (r)
			break;
	}
	(void)sqlite3_reset(st); /* tells the error of the step again */
	return r ?: step == SQLITE_ROW || step == SQLITE_DONE ? r : -EIO;
}

void store_watch(struct store *s, const char *prefix,
		 void (*changed)(void *arg, const struct store_op *op), void *arg)
{
	free(s->watched);
	s->watched = prefix ? strdup(prefix) : NULL;
	s->changed = s->watched ? changed : NULL;
	s->changed_arg = arg;
}

struct store *store_free(struct store *s)
{
	if (!s)
		return NULL;
	for (int i = 0; i < STATEMENTS; i++)
		(void)sqlite3_finalize(s->statements[i]); /* what failed was told */
	(void)sqlite3_close(s->db); /* no statement is left that could hinder it */
	free(s->watched);
	free(s);
	return NULL;
}
