// SPDX-License-Identifier: Apache-2.0
/*
 * A scanner of JSON texts that notes where each value begins. Nodes are in the order of the text;
 * each knows where the node after its own subtree is, so that siblings are found in one step.
 */
#include "tools/dcosaudit/position.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"

#define PART_MAX 256 /* bytes of one part of a pointer, longer ones match nothing */

enum node_kind {
	NODE_SCALAR,
	NODE_OBJECT,
	NODE_ARRAY,
};

struct node {
	uint32_t key, key_len; /* of a member, with its quotes; key_len 0: not a member */
	uint32_t value; /* first byte */
	uint32_t after; /* index of the node behind the subtree */
	enum node_kind kind;
};

struct pos_index {
	const char *text;
	size_t len;
	struct node *nodes;
	size_t nr, room;
};

struct scanner {
	struct pos_index *ix;
	size_t at;
	unsigned int depth;
};

static int peek(const struct scanner *s)
{
	return s->at < s->ix->len ? (unsigned char)s->ix->text[s->at] : -1;
}

static void blanks(struct scanner *s)
{
	while (s->at < s->ix->len && memchr(" \t\r\n", s->ix->text[s->at], 4))
		s->at++;
}

static bool take(struct scanner *s, char c)
{
	blanks(s);
	if (peek(s) != (unsigned char)c)
		return false;
	s->at++;
	return true;
}

static int string(struct scanner *s)
{
	if (!take(s, '"'))
		return -EINVAL;
	for (; s->at < s->ix->len; s->at++) {
		if (s->ix->text[s->at] == '"') {
			s->at++;
			return 0;
		}
		if (s->ix->text[s->at] == '\\')
			s->at++;
	}
	return -EINVAL;
}

/* A number, true, false, null: jansson has judged it. */
static int word(struct scanner *s)
{
	size_t start = s->at;

	while (s->at < s->ix->len && !memchr(" \t\r\n,]}:\"[{", s->ix->text[s->at], 11))
		s->at++;
	return s->at > start ? 0 : -EINVAL;
}

static int node_add(struct pos_index *ix, size_t *ret)
{
	if (ix->nr == ix->room) {
		size_t room = ix->room ? ix->room * 2 : 256;
		struct node *nodes = reallocarray(ix->nodes, room, sizeof(*nodes));

		if (!nodes)
			return -ENOMEM;
		ix->nodes = nodes;
		ix->room = room;
	}
	ix->nodes[ix->nr] = (struct node){};
	*ret = ix->nr++;
	return 0;
}

static int value(struct scanner *s, size_t key, size_t key_len);

static int member(struct scanner *s)
{
	size_t key, key_len;
	int err;

	blanks(s);
	key = s->at;
	err = string(s);
	key_len = s->at - key;
	if (err || !take(s, ':'))
		return -EINVAL;
	return value(s, key, key_len);
}

static int container(struct scanner *s, enum node_kind kind)
{
	char end = kind == NODE_OBJECT ? '}' : ']';
	int err = 0;

	s->at++;
	if (++s->depth > POS_DEPTH_MAX)
		return -EINVAL;
	if (take(s, end)) {
		s->depth--;
		return 0;
	}
	do
		err = kind == NODE_OBJECT ? member(s) : value(s, 0, 0);
	while (!err && take(s, ','));
	s->depth--;
	if (err)
		return err;
	return take(s, end) ? 0 : -EINVAL;
}

static int value(struct scanner *s, size_t key, size_t key_len)
{
	enum node_kind kind = NODE_SCALAR;
	size_t node;
	int err = node_add(s->ix, &node);

	if (err)
		return err;
	blanks(s);
	if (peek(s) == '{')
		kind = NODE_OBJECT;
	else if (peek(s) == '[')
		kind = NODE_ARRAY;
	s->ix->nodes[node] = (struct node){
		.key = (uint32_t)key,
		.key_len = (uint32_t)key_len,
		.value = (uint32_t)s->at,
		.kind = kind,
	};
	if (kind != NODE_SCALAR)
		err = container(s, kind);
	else
		err = peek(s) == '"' ? string(s) : word(s);
	s->ix->nodes[node].after = (uint32_t)s->ix->nr;
	return err;
}

int pos_index_new(const char *text, size_t len, struct pos_index **ret)
{
	struct pos_index *ix = calloc(1, sizeof(*ix));
	struct scanner s = {.ix = ix};
	int err;

	if (!ix)
		return -ENOMEM;
	ix->text = text;
	ix->len = len;
	err = len < UINT32_MAX ? value(&s, 0, 0) : -EINVAL;
	blanks(&s);
	if (!err && s.at != len)
		err = -EINVAL;
	if (err) {
		(void)pos_index_free(ix); /* always NULL */
		return err;
	}
	*ret = ix;
	return 0;
}

struct pos_index *pos_index_free(struct pos_index *ix)
{
	if (ix)
		free(ix->nodes);
	free(ix);
	return NULL;
}

/* Is this the key of a node, escapes in the text undone. */
static bool key_is(const struct pos_index *ix, const struct node *n, const char *key)
{
	const char *raw = ix->text + n->key;
	bool same;
	json_t *s;

	if (!memchr(raw, '\\', n->key_len))
		return n->key_len == strlen(key) + 2 && !memcmp(raw + 1, key, n->key_len - 2);
	s = json_loadb(raw, n->key_len, JSON_DECODE_ANY, NULL);
	same = s && json_is_string(s) && !strcmp(json_string_value(s), key);
	json_decref(s);
	return same;
}

/* "syscalls" of "/syscalls/3". Return: what follows it, NULL at the end */
static const char *next_part(const char *pointer, char buf[static PART_MAX])
{
	size_t n = 0;

	if (*pointer != '/')
		return NULL;
	for (pointer++; *pointer && *pointer != '/'; pointer++) {
		char c = *pointer;

		if (c == '~' && (pointer[1] == '0' || pointer[1] == '1'))
			c = *++pointer == '0' ? '~' : '/';
		if (n < PART_MAX - 1)
			buf[n++] = c;
	}
	buf[n] = '\0';
	return pointer;
}

static const struct node *child(const struct pos_index *ix, const struct node *n, const char *part)
{
	size_t end = n->after, i = (size_t)(n - ix->nodes) + 1;
	uint64_t want = 0;

	if (n->kind == NODE_SCALAR ||
	    (n->kind == NODE_ARRAY && parse_u64(part, 0, UINT32_MAX, &want) < 0))
		return NULL;
	for (uint64_t at = 0; i < end; i = ix->nodes[i].after, at++)
		if (n->kind == NODE_ARRAY ? at == want : key_is(ix, &ix->nodes[i], part))
			return &ix->nodes[i];
	return NULL;
}

struct position pos_of_offset(const struct pos_index *ix, size_t offset)
{
	struct position p = {1, 1};

	for (size_t i = 0; i < offset && i < ix->len; i++) {
		if (ix->text[i] == '\n')
			p = (struct position){p.line + 1, 1};
		else if ((ix->text[i] & 0xc0) != 0x80) /* not within a UTF-8 character */
			p.column++;
	}
	return p;
}

struct position pos_find(const struct pos_index *ix, const char *pointer)
{
	const struct node *n = ix->nodes;
	char part[PART_MAX];

	while ((pointer = next_part(pointer, part))) {
		const struct node *c = child(ix, n, part);

		if (!c)
			break;
		n = c;
	}
	return pos_of_offset(ix, n->key_len ? n->key : n->value);
}
