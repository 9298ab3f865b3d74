// SPDX-License-Identifier: Apache-2.0
/* Recordings are read here, see record.h. */
#include "tools/dcostop/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "agent/lib/cleanup.h"
#include "tools/common/client.h"

#define READ_BYTES  65536
#define BEGIN_BYTES 40 /* of a line, to see what it is */
#define TIME_BEGIN  "{\"time_ns\":"
#define APPS_BEGIN  "{\"apps\":"

struct place {
	off_t at;
	size_t bytes, line; /* bytes: the newline included */
	uint64_t time_ns;
};

struct recording {
	FILE *f;
	char *path;
	struct place *places; /* of the snapshots */
	size_t nr, cap;
	json_t *apps;
};

/* What is known of a line while it is passed. */
struct passing {
	struct place place;
	char begin[BEGIN_BYTES];
};

static int add_place(struct recording *r, const struct place *p)
{
	if (r->nr == RECORD_SNAPSHOTS_MAX)
		return -EFBIG;
	if (r->nr == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 1024;
		struct place *places = reallocarray(r->places, cap, sizeof(*places));

		if (!places)
			return -ENOMEM;
		r->places = places;
		r->cap = cap;
	}
	r->places[r->nr++] = *p;
	return 0;
}

static int load_line(struct recording *r, const struct place *p, json_t **ret, struct why *why)
{
	cleanup_free char *text = malloc(p->bytes);
	json_error_t e = {};
	json_t *line;

	if (!text)
		return why_set(why, -ENOMEM, "%s, line %zu", r->path, p->line);
	if (fseeko(r->f, p->at, SEEK_SET))
		return why_set(why, -errno, "%s", r->path);
	if (fread(text, 1, p->bytes, r->f) != p->bytes) /* it became shorter */
		return why_set(why, -EIO, "%s, line %zu", r->path, p->line);
	line = json_loadb(text, p->bytes, 0, &e);
	if (!line)
		return why_set(why, -EINVAL, "%s, line %zu: %s", r->path, p->line, e.text);
	*ret = line;
	return 0;
}

static int load_apps(struct recording *r, const struct place *p, struct why *why)
{
	cleanup_json json_t *line = NULL;
	off_t back = ftello(r->f);
	int err = load_line(r, p, &line, why);

	if (err)
		return err;
	json_decref(r->apps);
	r->apps = json_incref(json_object_get(line, "apps"));
	return fseeko(r->f, back, SEEK_SET) ? why_set(why, -errno, "%s", r->path) : 0;
}

/* The first line was looked at before. */
static int end_line(struct recording *r, struct passing *p, struct why *why)
{
	char *end;
	int err = 0;

	if (p->place.line > 1 && !strncmp(p->begin, APPS_BEGIN, strlen(APPS_BEGIN))) {
		err = load_apps(r, &p->place, why);
	} else if (p->place.line > 1) {
		if (strncmp(p->begin, TIME_BEGIN, strlen(TIME_BEGIN)) != 0)
			return why_set(why, -EINVAL, "%s, line %zu: is no snapshot", r->path,
				       p->place.line);
		p->place.time_ns = strtoull(p->begin + strlen(TIME_BEGIN), &end, 10);
		err = add_place(r, &p->place);
		if (err)
			(void)why_set(why, err, "%s, line %zu", r->path, p->place.line);
	}
	p->place.at += (off_t)p->place.bytes;
	p->place.bytes = 0;
	p->place.line++;
	p->begin[0] = 0;
	return err;
}

/* @buf has no newline but maybe at its end. */
static int pass(struct recording *r, struct passing *p, const char *buf, size_t n, struct why *why)
{
	size_t have = p->place.bytes, part;

	if (have + 1 < sizeof(p->begin)) {
		part = n < sizeof(p->begin) - 1 - have ? n : sizeof(p->begin) - 1 - have;
		memcpy(p->begin + have, buf, part);
		p->begin[have + part] = 0;
	}
	p->place.bytes += n;
	if (p->place.bytes > RECORD_LINE_MAX)
		return why_set(why, -EINVAL, "%s, line %zu: is longer than %u MB", r->path,
			       p->place.line, RECORD_LINE_MAX >> 20);
	return buf[n - 1] == '\n' ? end_line(r, p, why) : 0;
}

/* Where the lines begin. */
static int index_lines(struct recording *r, struct why *why)
{
	struct passing p = {.place.line = 1};
	char buf[READ_BYTES];
	size_t n;
	int err = 0;

	while ((n = fread(buf, 1, sizeof(buf), r->f)) > 0)
		for (size_t i = 0, part; i < n; i += part) {
			const char *end = memchr(buf + i, '\n', n - i);

			part = end ? (size_t)(end - buf) + 1 - i : n - i;
			err = pass(r, &p, buf + i, part, why);
			if (err)
				return err;
		}
	if (ferror(r->f))
		return why_set(why, -EIO, "%s", r->path);
	if (p.place.bytes)
		return why_set(why, -EINVAL,
			       "%s, line %zu: the recording is cut off here; the %zu lines before "
			       "are whole",
			       r->path, p.place.line, p.place.line - 1);
	return 0;
}

static int read_head(struct recording *r, struct top_node *ret, struct why *why)
{
	cleanup_json json_t *head = NULL;
	char text[RECORD_HEAD_MAX];
	int64_t version;

	if (fgets(text, sizeof(text), r->f))
		head = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
	version = field_int(head, "dcostop", 0);
	if (version <= 0)
		return why_set(why, -EINVAL, "%s is no recording of dcostop", r->path);
	if (version != RECORD_VERSION)
		return why_set(why, -EINVAL,
			       "%s is a recording of version %lld, this dcostop reads version %d",
			       r->path, (long long)version, RECORD_VERSION);
	(void)snprintf(ret->name, sizeof(ret->name), "%s", field_str(head, "node"));
	(void)snprintf(ret->version, sizeof(ret->version), "%s", field_str(head, "version"));
	ret->memory_bytes = (uint64_t)field_int(head, "memory_bytes", 0);
	return 0;
}

static int open_file(struct recording *r, const char *path, struct why *why)
{
	struct stat st;

	r->path = strdup(path);
	if (!r->path)
		return why_set(why, -ENOMEM, "%s", path);
	/* a pipe would be waited for */
	if (stat(path, &st))
		return why_set(why, -errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return why_set(why, -EINVAL, "%s is no recording of dcostop: no regular file",
			       path);
	r->f = fopen(path, "re");
	return r->f ? 0 : why_set(why, -errno, "%s", path);
}

static void closep(struct recording **r)
{
	*r = record_close(*r);
}

int record_open(const char *path, struct recording **ret, struct top_node *ret_node,
		struct why *why)
{
	__attribute__((cleanup(closep))) struct recording *r = calloc(1, sizeof(*r));
	struct top_node node = {};
	int err;

	if (!r)
		return why_set(why, -ENOMEM, "%s", path);
	err = open_file(r, path, why);
	if (!err)
		err = read_head(r, &node, why);
	if (!err) {
		rewind(r->f);
		err = index_lines(r, why);
	}
	if (!err && !r->nr)
		err = why_set(why, -EINVAL, "%s has no snapshots", path);
	if (err)
		return err;
	*ret_node = node;
	*ret = take_ptr(r);
	return 0;
}

size_t record_length(const struct recording *r)
{
	return r->nr;
}

uint64_t record_time_ns(const struct recording *r, size_t i)
{
	return r->places[i].time_ns;
}

size_t record_bytes(const struct recording *r, size_t i)
{
	return r->places[i].bytes;
}

json_t *record_apps(const struct recording *r)
{
	return r->apps;
}

int record_read(struct recording *r, size_t i, json_t **ret, struct why *why)
{
	cleanup_json json_t *line = NULL;
	int err = load_line(r, &r->places[i], &line, why);
	json_t *snapshot = json_object_get(line, "snapshot");

	if (err)
		return err;
	if (!json_is_object(snapshot))
		return why_set(why, -EINVAL, "%s, line %zu: is no snapshot", r->path,
			       r->places[i].line);
	*ret = json_incref(snapshot);
	return 0;
}

struct recording *record_close(struct recording *r)
{
	if (!r)
		return NULL;
	if (r->f)
		(void)fclose(r->f); /* it was only read */
	free(r->path);
	free(r->places);
	json_decref(r->apps);
	free(r);
	return NULL;
}
