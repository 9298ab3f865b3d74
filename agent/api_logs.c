// SPDX-License-Identifier: Apache-2.0
/*
 * Method Logs. A follower is woken by inotify when the task has written, by a timer while its peer
 * is slow, and by the task's end; it never reads more than the peer takes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/api.h"
#include "agent/api_waiters.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "agent/logs.h"

#define FOLLOW_BACKLOG_MAX (256U << 10) /* bytes unread by the peer, then we wait */
#define FOLLOW_RETRY_US	   10000
#define FOLLOW_BURST	   8 /* replies before the loop has its turn */

struct follower {
	struct node *n;
	struct vl_call *call;
	char *id;
	int fd;
	uint64_t offset;
	bool follow, ended; /* ended: the task, nothing more will be written */
	sd_event_source *inotify, *retry;
	struct follower *next;
};

static void follower_free(struct follower *f)
{
	struct follower **p = &f->n->waiters.followers;

	while (*p && *p != f)
		p = &(*p)->next;
	if (*p) {
		*p = f->next;
		f->n->waiters.nr--;
	}
	sd_event_source_disable_unref(f->inotify);
	sd_event_source_disable_unref(f->retry);
	close_fd(&f->fd);
	vl_call_unref(f->call);
	free(f->id);
	free(f);
}

static void follower_gone(struct vl_call *call, void *data)
{
	(void)call; /* the follower holds it */
	follower_free(data);
}

static json_t *chunk_json(uint64_t offset, const char *buf, size_t *len, uint64_t dropped)
{
	size_t text = logs_text_len(buf, *len);
	cleanup_free char *coded = NULL;

	if (*len && !text) { /* not UTF-8: all of it as it is */
		coded = base64(buf, *len);
		return json_pack("{sI ss* sI}", "offset", (json_int_t)offset, "base64", coded,
				 "dropped_bytes", (json_int_t)dropped);
	}
	*len = text;
	return json_pack("{sI ss# sI}", "offset", (json_int_t)offset, "text", buf, (int)text,
			 "dropped_bytes", (json_int_t)dropped);
}

/* Return: 1 a reply was sent and there may be more; 0 nothing to send now; -errno. */
static int send_chunk(struct follower *f, bool last)
{
	cleanup_free char *buf = malloc(LOGS_READ_MAX);
	uint64_t dropped = 0, offset = f->offset;
	ssize_t n = buf ? logs_read(f->fd, &offset, buf, &dropped) : -ENOMEM;
	size_t len = (size_t)n;
	json_t *doc;
	int err;

	if (n < 0)
		return (int)n;
	if (!n && !dropped && !last)
		return 0;
	doc = chunk_json(offset, buf, &len, dropped);
	f->offset = offset + len;
	if (!last)
		return vl_reply_more(f->call, doc) ?: 1;
	vl_call_on_gone(f->call, NULL, NULL);
	err = vl_reply(f->call, doc);
	return err;
}

static bool at_end(const struct follower *f)
{
	struct stat st;

	return fstat(f->fd, &st) || (uint64_t)st.st_size <= f->offset;
}

static int pump(struct follower *f);
static int watch_writes(struct follower *f);

static int retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct follower *f = userdata;

	(void)source; /* one-shot */
	(void)usec;
	if (watch_writes(f) < 0) {
		follower_free(f);
		return 0;
	}
	return pump(f);
}

/* By the timer alone: a task that writes all the time would wake us with each write. */
static int pump_later(struct follower *f)
{
	int err;

	f->inotify = sd_event_source_disable_unref(f->inotify);
	if (!f->retry)
		err = sd_event_add_time_relative(f->n->event, &f->retry, CLOCK_MONOTONIC,
						 FOLLOW_RETRY_US, 0, retry, f);
	else
		err = sd_event_source_set_time_relative(f->retry, FOLLOW_RETRY_US);
	if (err >= 0)
		err = sd_event_source_set_enabled(f->retry, SD_EVENT_ONESHOT);
	if (err < 0)
		follower_free(f);
	return 0;
}

/* Send what there is; frees the follower when it is done. */
static int pump(struct follower *f)
{
	int rc = 1;

	for (int i = 0; i < FOLLOW_BURST && rc > 0; i++) {
		if (vl_call_backlog(f->call) > FOLLOW_BACKLOG_MAX)
			return pump_later(f);
		if (at_end(f) && (!f->follow || f->ended)) {
			(void)send_chunk(f, true); /* the peer may be gone: freed either way */
			follower_free(f);
			return 0;
		}
		rc = send_chunk(f, false);
	}
	if (rc > 0)
		return pump_later(f);
	if (rc < 0) {
		log_warn("log of task %s: %s", f->id, strerror(-rc));
		follower_free(f);
	}
	return 0;
}

static int written(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
	(void)source; /* the follower has it */
	(void)event; /* whatever it was: look */
	return pump(userdata);
}

static int watch_writes(struct follower *f)
{
	if (!f->follow || f->ended || f->inotify)
		return 0;
	return sd_event_add_inotify_fd(f->n->event, &f->inotify, f->fd, IN_MODIFY, written, f);
}

static int stream_param(struct vl_call *call, const json_t *params, enum log_stream *ret)
{
	const json_t *v = json_object_get(params, "stream");
	const char *name = json_string_value(v);

	*ret = LOG_STDOUT;
	if (!v || json_is_null(v) || (name && !strcmp(name, "stdout")))
		return 0;
	*ret = LOG_STDERR;
	if (name && !strcmp(name, "stderr"))
		return 0;
	(void)vl_error_param(call, "stream", "stream: stdout or stderr"); /* the peer may be gone */
	return -EINVAL;
}

static void start_at(struct follower *f, int64_t tail_bytes)
{
	struct stat st;

	if (tail_bytes >= 0 && !fstat(f->fd, &st) && st.st_size > tail_bytes)
		f->offset = (uint64_t)(st.st_size - tail_bytes);
}

static int follower_new(struct node *n, struct vl_call *call, const struct task *t,
			enum log_stream stream, struct follower **ret)
{
	cleanup_free char *path = logs_path(n, t->spec->ct.id, stream);
	struct follower *f = calloc(1, sizeof(*f));

	if (!path || !f) {
		free(f);
		return -ENOMEM;
	}
	f->n = n;
	f->call = vl_call_ref(call);
	f->ended = state_ended(t->state);
	f->id = strdup(t->spec->ct.id);
	f->fd = logs_reopen(path, O_RDONLY);
	if (f->fd < 0 || !f->id) {
		int err = f->fd < 0 ? f->fd : -ENOMEM;

		follower_free(f);
		return err;
	}
	*ret = f;
	return 0;
}

static int follower_watch(struct follower *f)
{
	int err = watch_writes(f);

	if (err < 0)
		return err;
	f->next = f->n->waiters.followers;
	f->n->waiters.followers = f;
	f->n->waiters.nr++;
	vl_call_on_gone(f->call, follower_gone, f);
	return pump(f);
}

int api_logs(struct vl_call *call, json_t *params, void *userdata)
{
	struct node *n = userdata;
	const struct task *t = api_task(n, call, params);
	enum log_stream stream;
	int64_t tail = -1;
	struct follower *f = NULL;
	bool follow = false;
	int err;

	if (!t || stream_param(call, params, &stream) ||
	    api_bool(call, params, "follow", &follow) ||
	    api_int(call, params, "tail_bytes", 0, INT64_MAX, &tail))
		return 0;
	if (n->waiters.nr >= API_WAITERS_MAX)
		return vl_error(call, "io.dcos.Agent.LimitReached",
				json_pack("{ss si}", "what", "waiting calls", "limit",
					  API_WAITERS_MAX));
	err = follower_new(n, call, t, stream, &f);
	if (err == -EAGAIN)
		log_msg(LOG_WARNING, t->spec->ct.id,
			"its log can't be read before its lease is broken: fcntl(2), F_SETLEASE");
	if (err)
		return err;
	start_at(f, tail);
	if (!vl_call_more(call)) {
		err = send_chunk(f, true);
		follower_free(f);
		return err < 0 ? err : 0;
	}
	f->follow = follow;
	err = follower_watch(f);
	if (err < 0)
		follower_free(f);
	return err < 0 ? err : 0;
}

void api_followers_moved(struct node *n, struct task *t)
{
	struct follower *next;

	if (!state_ended(t->state))
		return;
	for (struct follower *f = n->waiters.followers; f; f = next) {
		next = f->next;
		if (strcmp(f->id, t->spec->ct.id))
			continue;
		f->ended = true;
		(void)pump(f); /* always 0 */
	}
}

void api_moved(struct task *t, void *data)
{
	api_waiters_moved(data, t);
	api_followers_moved(data, t);
}
