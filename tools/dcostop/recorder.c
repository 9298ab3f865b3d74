// SPDX-License-Identifier: Apache-2.0
/* Recordings are made here, see record.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "tools/common/client.h"
#include "tools/dcostop/record.h"

#define RECORD_MODE 0600 /* ids and labels are not everybody's business */

struct recorder {
	FILE *f;
	char *path;
	bool begun;
	json_t *apps;
};

int recorder_new(const char *path, struct recorder **ret, struct why *why)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, RECORD_MODE);
	struct recorder *r = calloc(1, sizeof(*r));

	if (fd < 0) {
		int err = -errno;

		free(r);
		return why_set(why, err, "--record=%s", path);
	}
	if (r) {
		r->path = strdup(path);
		r->f = fdopen(fd, "w");
	}
	if (!r || !r->path || !r->f) {
		(void)recorder_free(r);
		return why_set(why, -ENOMEM, "--record=%s", path);
	}
	(void)take_fd(&fd); /* it is the stream's */
	*ret = r;
	return 0;
}

/* Errors stay with the stream, and are told when it is flushed. */
static void put_line(struct recorder *r, json_t *line)
{
	if (line)
		(void)json_dumpf(line, r->f, JSON_COMPACT);
	(void)fputc('\n', r->f);
	json_decref(line);
}

void recorder_node(struct recorder *r, const json_t *info)
{
	if (r->begun)
		return;
	r->begun = true;
	put_line(r, json_pack("{s:i, s:s, s:s, s:I}", "dcostop", RECORD_VERSION, "node",
			      field_str(info, "node"), "version", field_str(info, "version"),
			      "memory_bytes", (json_int_t)field_int(info, "memory_bytes", 0)));
}

void recorder_apps(struct recorder *r, json_t *apps)
{
	if (!json_object_size(apps) || json_equal(apps, r->apps))
		return;
	json_decref(r->apps);
	r->apps = json_incref(apps);
	put_line(r, json_pack("{s:O}", "apps", apps));
}

int recorder_add(struct recorder *r, const json_t *snapshot, struct why *why)
{
	put_line(r, json_pack("{s:I, s:O}", "time_ns",
			      (json_int_t)field_int(snapshot, "time_ns", 0), "snapshot", snapshot));
	if (fflush(r->f) || ferror(r->f))
		return why_set(why, errno ? -errno : -EIO, "recording %s", r->path);
	return 0;
}

struct recorder *recorder_free(struct recorder *r)
{
	if (!r)
		return NULL;
	if (r->f)
		(void)fclose(r->f); /* each snapshot was flushed, and its failure told */
	if (r->f && !r->begun)
		(void)unlink(r->path); /* there was no agent: an empty file is of no use */
	free(r->path);
	json_decref(r->apps);
	free(r);
	return NULL;
}
