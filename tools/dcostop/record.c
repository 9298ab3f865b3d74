// SPDX-License-Identifier: Apache-2.0
/* Recordings of dcostop, see record.h. */
#include "tools/dcostop/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "tools/common/client.h"

struct recording {
	FILE *f;
	char *path;
	off_t *lines; /* where each snapshot begins */
	size_t nr, cap;
};

static int put_line(FILE *f, const json_t *o, struct why *why)
{
	if (json_dumpf(o, f, JSON_COMPACT) || fputc('\n', f) == EOF || fflush(f))
		return why_set(why, -errno, "the recording");
	return 0;
}

int record_create(const char *path, const struct top_node *node, FILE **ret, struct why *why)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	cleanup_json json_t *head =
		json_pack("{s:i, s:s, s:s, s:I}", "dcostop", RECORD_VERSION, "node", node->name,
			  "version", node->version, "memory_bytes", (json_int_t)node->memory_bytes);
	FILE *f;
	int err;

	if (fd < 0)
		return why_set(why, -errno, "recording %s", path);
	f = head ? fdopen(fd, "w") : NULL;
	if (!f)
		return why_set(why, -ENOMEM, "recording %s", path);
	(void)take_fd(&fd); /* it is the stream's */
	err = put_line(f, head, why);
	if (err) {
		(void)fclose(f); /* the first error counts */
		return err;
	}
	*ret = f;
	return 0;
}

int record_add(FILE *f, const json_t *snapshot, struct why *why)
{
	return put_line(f, snapshot, why);
}

static int add_line(struct recording *r, off_t at)
{
	if (r->nr == RECORD_SNAPSHOTS_MAX)
		return -EFBIG;
	if (r->nr == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 1024;
		off_t *lines = reallocarray(r->lines, cap, sizeof(*lines));

		if (!lines)
			return -ENOMEM;
		r->lines = lines;
		r->cap = cap;
	}
	r->lines[r->nr++] = at;
	return 0;
}

/* Where lines begin; the first is about the node. */
static int index_lines(struct recording *r, struct why *why)
{
	char buf[65536];
	off_t at = 0, begin = 0;
	size_t line = 1, n;
	int err = 0;

	while (!err && (n = fread(buf, 1, sizeof(buf), r->f)) > 0) {
		for (size_t i = 0; !err && i < n; i++, at++) {
			if (buf[i] != '\n')
				continue;
			if (line++ > 1)
				err = add_line(r, begin);
			begin = at + 1;
		}
		if (!err && at - begin > (off_t)RECORD_LINE_MAX)
			return why_set(why, -EBADMSG, "%s, line %zu: is longer than %u MB", r->path,
				       line, RECORD_LINE_MAX >> 20);
	}
	if (err)
		return why_set(why, err, "%s, line %zu", r->path, line);
	if (ferror(r->f))
		return why_set(why, -EIO, "%s", r->path);
	if (begin != at)
		return why_set(why, -EBADMSG, "%s, line %zu: the recording is cut off here",
			       r->path, line);
	return 0;
}

static int load_line(struct recording *r, off_t at, size_t line, json_t **ret, struct why *why)
{
	cleanup_free char *text = NULL;
	size_t size = 0;
	json_error_t e;
	ssize_t n;

	if (fseeko(r->f, at, SEEK_SET))
		return why_set(why, -errno, "%s", r->path);
	n = getline(&text, &size, r->f);
	*ret = n > 0 ? json_loadb(text, (size_t)n, 0, &e) : NULL;
	if (*ret)
		return 0;
	(void)why_set(why, -EBADMSG, "%s, line %zu: %s", r->path, line,
		      n > 0 ? e.text : "is empty");
	return -EBADMSG;
}

static int read_head(struct recording *r, struct top_node *node, struct why *why)
{
	cleanup_json json_t *head = NULL;
	struct why ignored = {};
	int64_t version;

	if (load_line(r, 0, 1, &head, &ignored) || !json_is_object(head) ||
	    field_int(head, "dcostop", 0) <= 0)
		return why_set(why, -EINVAL, "%s is no recording of dcostop", r->path);
	version = field_int(head, "dcostop", 0);
	if (version != RECORD_VERSION)
		return why_set(why, -EINVAL, "%s: version %lld of recordings, this is %d", r->path,
			       (long long)version, RECORD_VERSION);
	(void)snprintf(node->name, sizeof(node->name), "%s", field_str(head, "node"));
	(void)snprintf(node->version, sizeof(node->version), "%s", field_str(head, "version"));
	node->memory_bytes = (uint64_t)field_int(head, "memory_bytes", 0);
	return 0;
}

static void closep(struct recording **r)
{
	*r = record_close(*r);
}

int record_open(const char *path, struct recording **ret, struct top_node *node, struct why *why)
{
	__attribute__((cleanup(closep))) struct recording *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return why_set(why, -ENOMEM, "%s", path);
	r->path = strdup(path);
	r->f = fopen(path, "re");
	if (!r->f || !r->path)
		return why_set(why, -errno, "%s", path);
	err = read_head(r, node, why);
	if (!err && fseeko(r->f, 0, SEEK_SET))
		err = why_set(why, -errno, "%s", path);
	if (!err)
		err = index_lines(r, why);
	if (!err && !r->nr)
		err = why_set(why, -EINVAL, "%s has no snapshots", path);
	if (!err)
		*ret = take_ptr(r);
	return err;
}

size_t record_length(const struct recording *r)
{
	return r->nr;
}

int record_read(struct recording *r, size_t i, json_t **ret, struct why *why)
{
	return load_line(r, r->lines[i], i + 2, ret, why);
}

struct recording *record_close(struct recording *r)
{
	if (!r)
		return NULL;
	if (r->f)
		(void)fclose(r->f); /* it was only read */
	free(r->path);
	free(r->lines);
	free(r);
	return NULL;
}
