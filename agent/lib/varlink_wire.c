// SPDX-License-Identifier: Apache-2.0
/* Varlink's bytes. Everything here may be fed by an enemy; nothing here talks to a socket. */
#include "agent/lib/varlink_wire.h"

#include <errno.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/varlink.h"

void vl_buf_free(struct vl_buf *b)
{
	free(b->data);
	*b = (struct vl_buf){0};
}

size_t vl_buf_grown(const struct vl_buf *b, size_t more)
{
	size_t need = vl_buf_len(b) + more, size = b->size ? b->size : VL_BUF_CHUNK;

	while (size < need)
		size *= 2;
	return size;
}

int vl_buf_reserve(struct vl_buf *b, size_t more)
{
	size_t size = vl_buf_grown(b, more), len = vl_buf_len(b);
	char *data;

	if (b->size - b->end >= more && b->data)
		return 0;
	if (b->data && size == b->size) {
		memmove(b->data, b->data + b->start, len);
		b->start = 0;
		b->end = len;
		return 0;
	}
	data = malloc(size);
	if (!data)
		return -ENOMEM;
	if (len)
		memcpy(data, b->data + b->start, len);
	free(b->data);
	b->data = data;
	b->start = 0;
	b->end = len;
	b->size = size;
	return 0;
}

int vl_buf_append(struct vl_buf *b, const void *data, size_t len)
{
	int r = vl_buf_reserve(b, len);

	if (r < 0)
		return r;
	memcpy(b->data + b->end, data, len);
	b->end += len;
	return 0;
}

void vl_buf_consume(struct vl_buf *b, size_t len)
{
	b->start += len;
	b->scanned -= b->scanned < len ? b->scanned : len;
	if (b->start < b->end)
		return;
	b->start = b->end = 0;
	if (b->size > VL_BUF_KEEP)
		vl_buf_free(b);
}

ssize_t vl_buf_frame(struct vl_buf *b, size_t max)
{
	size_t len = vl_buf_len(b);
	const char *at, *nul;

	if (!len)
		return -EAGAIN;
	at = b->data + b->start;
	nul = memchr(at + b->scanned, '\0', len - b->scanned);
	/* where the NUL is stays the end of what is scanned, so asking again costs nothing */
	b->scanned = nul ? (size_t)(nul - at) : len;
	if (b->scanned > max)
		return -EMSGSIZE;
	return nul ? (ssize_t)b->scanned : -EAGAIN;
}

/* Brackets and separators outside of strings. A text that fools this is no JSON for jansson either. */
static bool is_modest(const char *text, size_t len, size_t values_max)
{
	size_t depth = 0, values = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			i += c == '\\';
			in_string = c != '"';
			continue;
		}
		in_string = c == '"';
		if (c == '[' || c == '{')
			depth++;
		else if (c == ']' || c == '}')
			depth -= depth > 0;
		values += c == '[' || c == '{' || c == ',';
		if (depth > VL_JSON_DEPTH_MAX || values > values_max)
			return false;
	}
	return true;
}

int vl_json_parse(const char *text, size_t len, size_t values_max, json_t **ret)
{
	json_t *json;

	if (!is_modest(text, len, values_max))
		return -EBADMSG;
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json)
		return -EBADMSG;
	*ret = json;
	return 0;
}

/* A flag that is absent or null is false. Return: 0; -EBADMSG it is something else. */
static int flag(const json_t *json, const char *key, bool *ret)
{
	const json_t *v = json_object_get(json, key);

	if (v && !json_is_boolean(v) && !json_is_null(v))
		return -EBADMSG;
	*ret = json_is_true(v);
	return 0;
}

int vl_message_parse(const char *text, size_t len, struct vl_message *ret)
{
	struct vl_message m = {0};
	json_t *params;
	int r = vl_json_parse(text, len, VL_VALUES_MAX, &m.json);

	if (r < 0)
		return r;
	m.method = json_string_value(json_object_get(m.json, "method"));
	if (!m.method || flag(m.json, "more", &m.more) < 0 ||
	    flag(m.json, "oneway", &m.oneway) < 0 || flag(m.json, "upgrade", &m.upgrade) < 0) {
		vl_message_clear(&m);
		return -EBADMSG;
	}
	params = json_object_get(m.json, "parameters");
	m.params_are_wrong = params && !json_is_object(params) && !json_is_null(params);
	if (!json_is_object(params)) {
		params = json_object();
		if (json_object_set_new(m.json, "parameters", params) < 0) {
			vl_message_clear(&m);
			return -EBADMSG;
		}
	}
	m.params = params;
	*ret = m;
	return 0;
}

void vl_message_clear(struct vl_message *m)
{
	json_decref(m->json);
	*m = (struct vl_message){0};
}
