// SPDX-License-Identifier: Apache-2.0
/*
 * Compiled filters by the text of their profile: compiling takes milliseconds, a launch less than
 * one. Texts are found by a hash (FNV-1a, 64 bits) and then compared in full. Two containers
 * with other capabilities share a filter unless the profile asks for a capability that one has.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/seccomp_profile.h"

struct entry {
	uint64_t hash, caps, used; /* used: the cache's clock at the last hit */
	char *text;
	size_t text_len;
	struct sc_filter *filter;
};

struct sc_cache {
	uint64_t clock, compiled;
	size_t bytes;
	size_t nr;
	int dir; /* of files, -1: only memory */
	struct entry entries[SC_CACHE_FILTERS];
};

static uint64_t fnv1a(const char *text, size_t len)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 0x100000001b3;
	return h;
}

struct sc_cache *sc_cache_new(const char *dir)
{
	struct sc_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->dir = dir && (!mkdir(dir, 0700) || errno == EEXIST)
			 ? open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
			 : -1;
	return c;
}

static void drop(struct sc_cache *c, size_t i)
{
	struct entry *e = &c->entries[i];

	c->bytes -= e->text_len;
	free(e->text);
	(void)sc_filter_unref(e->filter); /* always NULL */
	*e = c->entries[--c->nr];
}

struct sc_cache *sc_cache_free(struct sc_cache *c)
{
	while (c && c->nr)
		drop(c, c->nr - 1);
	if (c)
		close_fd(&c->dir);
	free(c);
	return NULL;
}

static void drop_oldest(struct sc_cache *c)
{
	size_t oldest = 0;

	for (size_t i = 1; i < c->nr; i++)
		if (c->entries[i].used < c->entries[oldest].used)
			oldest = i;
	drop(c, oldest);
}

static struct entry *find(struct sc_cache *c, const char *text, size_t len, uint64_t hash,
			  uint64_t caps)
{
	for (size_t i = 0; i < c->nr; i++) {
		struct entry *e = &c->entries[i];

		if (e->hash == hash && e->text_len == len && !memcmp(e->text, text, len) &&
		    !((e->caps ^ caps) & sc_filter_info(e->filter)->caps_used))
			return e;
	}
	return NULL;
}

/* Without memory nothing is kept, which is no failure. */
static void keep(struct sc_cache *c, const char *text, size_t len, uint64_t hash, uint64_t caps,
		 struct sc_filter *f)
{
	char *copy = len <= SC_CACHE_BYTES ? malloc(len + 1) : NULL;

	if (!copy)
		return;
	memcpy(copy, text, len + 1);
	while (c->nr == SC_CACHE_FILTERS || c->bytes + len > SC_CACHE_BYTES)
		drop_oldest(c);
	c->bytes += len;
	c->entries[c->nr++] = (struct entry){
		.hash = hash,
		.caps = caps,
		.used = ++c->clock,
		.text = copy,
		.text_len = len,
		.filter = sc_filter_ref(f),
	};
}

/* From the directory, or compiled, and kept there for others. */
static int get_kept(struct sc_cache *c, const char *json, uint64_t hash, uint64_t caps,
		    struct sc_filter **ret, struct why *why)
{
	struct sc_filter *f = c->dir < 0 ? NULL : sc_store_get(c->dir, json, hash, caps);
	int err = f ? 0 : sc_compile(json, caps, ret, why);

	if (f)
		*ret = f;
	if (f || err)
		return err;
	c->compiled++;
	if (c->dir >= 0)
		sc_store_put(c->dir, json, hash, caps, *ret);
	return 0;
}

int sc_cache_get(struct sc_cache *c, const char *json, uint64_t caps, struct sc_filter **ret,
		 struct why *why)
{
	struct sc_filter *f;
	struct entry *e;
	uint64_t hash;
	size_t len;
	int err;

	if (!c)
		return sc_compile(json, caps, ret, why);
	len = strlen(json);
	hash = fnv1a(json, len);
	e = find(c, json, len, hash, caps);
	if (e) {
		e->used = ++c->clock;
		*ret = sc_filter_ref(e->filter);
		return 0;
	}
	err = get_kept(c, json, hash, caps, &f, why);
	if (err)
		return err;
	keep(c, json, len, hash, caps, f);
	*ret = f;
	return 0;
}

uint64_t sc_cache_compiled(const struct sc_cache *c)
{
	return c->compiled;
}
