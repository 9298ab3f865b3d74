// SPDX-License-Identifier: Apache-2.0
/* Logs and Wait at once, each on a connection of its own, see follow.h. */
#include "tools/dcosctl/follow.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "agent/lib/cleanup.h"
#include "tools/common/text.h"

enum {
	FOLLOW_OUT,
	FOLLOW_ERR,
	FOLLOW_WAIT,
	FOLLOW_CALLS,
};

/* One call that may have several replies. */
struct stream {
	struct vl_client *client; /* NULL: not wanted, or all has come */
	const char *name;
	FILE *to;
};

struct follow {
	struct ctl *ctl;
	const struct follow_what *what;
	struct stream streams[FOLLOW_CALLS];
	json_t *ended; /* the reply of Wait */
};

static int start(struct follow *f, int i, const char *method, json_t *params)
{
	struct stream *s = &f->streams[i];

	f->ctl->why.text[0] = 0;
	if (!params) {
		(void)why_set(&f->ctl->why, -EINVAL, "%s: the id must be UTF-8", f->what->id);
	} else if (client_open(client_socket(f->ctl->socket), &s->client, &f->ctl->why) < 0) {
		json_decref(params);
	} else if (client_more(s->client, method, params, &f->ctl->why) == 0) {
		return 0;
	}
	return ctl_fail("%s", f->ctl->why.text);
}

static int start_logs(struct follow *f, int i, const char *name, FILE *to)
{
	const struct follow_what *w = f->what;
	json_t *params =
		json_pack("{s:s, s:s, s:b}", "id", w->id, "stream", name, "follow", w->follow);

	f->streams[i].name = name;
	f->streams[i].to = to;
	if (params && w->tail_bytes.given)
		(void)json_object_set_new(params, "tail_bytes",
					  json_integer((json_int_t)w->tail_bytes.value));
	return start(f, i, "Logs", params);
}

static int start_all(struct follow *f)
{
	const struct follow_what *w = f->what;
	int status = 0;

	if (w->out)
		status = start_logs(f, FOLLOW_OUT, "stdout", stdout);
	if (!status && w->err)
		status = start_logs(f, FOLLOW_ERR, "stderr", w->err_on_stdout ? stdout : stderr);
	if (!status && w->wait)
		status = start(f, FOLLOW_WAIT, "Wait", json_pack("{s:s}", "id", w->id));
	return status;
}

static int print_chunk(const struct follow *f, const struct stream *s, json_t *chunk)
{
	const json_t *text = json_object_get(chunk, "text");
	const char *base64 = field_str(chunk, "base64");
	int64_t dropped = field_int(chunk, "dropped_bytes", 0);
	cleanup_free char *bytes = NULL;
	size_t len;

	if (f->ctl->json) {
		(void)json_object_set_new(chunk, "stream",
					  json_string(s->name)); /* for people with both */
		ctl_print_json(chunk, true);
		return 0;
	}
	if (dropped > 0)
		ctl_warn("%s: %lld bytes of %s are not kept any more", f->what->id,
			 (long long)dropped, s->name);
	if (json_is_string(text)) {
		(void)fwrite(json_string_value(text), 1, json_string_length(text), s->to);
	} else if (*base64) {
		if (base64_decode(base64, strlen(base64), &bytes, &len) < 0)
			return ctl_fail("%s: the agent sent bad base64", f->what->id);
		(void)fwrite(bytes, 1, len, s->to);
	}
	/* a failing stream is seen when it is closed, except now: nobody may be reading any more */
	return fflush(s->to) ? ctl_fail("can't write %s: %s", s->name, strerror(errno)) : 0;
}

/* Take all replies that have come on one connection. Return: 0 or CTL_FAILED. */
static int take(struct follow *f, int i)
{
	struct stream *s = &f->streams[i];

	while (s->client) {
		cleanup_json json_t *reply = NULL;
		bool more = false;
		int r, status = 0;

		f->ctl->why.text[0] = 0;
		r = client_next(s->client, 0, &reply, &more, &f->ctl->why);
		if (r == 0 || r == -EINTR)
			return 0;
		if (r < 0)
			return ctl_fail("%s", f->ctl->why.text);
		if (i == FOLLOW_WAIT)
			f->ended = json_incref(reply);
		else
			status = print_chunk(f, s, reply);
		if (status)
			return status;
		if (!more)
			s->client = vl_client_free(s->client);
	}
	return 0;
}

/* Return: number of calls that are not finished, their descriptors in @fds[1..]. */
static int fill(const struct follow *f, struct pollfd *fds)
{
	int nr = 0;

	for (int i = 0; i < FOLLOW_CALLS; i++) {
		const struct stream *s = &f->streams[i];

		fds[i + 1] = (struct pollfd){.fd = -1, .events = POLLIN};
		if (!s->client)
			continue;
		fds[i + 1].fd = vl_client_fd(s->client);
		nr++;
	}
	return nr;
}

static int pump(struct follow *f, int sigfd)
{
	struct pollfd fds[1 + FOLLOW_CALLS] = {{.fd = sigfd, .events = POLLIN}};

	while (fill(f, fds)) {
		if (poll(fds, 1 + FOLLOW_CALLS, -1) < 0 && errno != EINTR)
			return ctl_fail("poll: %s", strerror(errno));
		if (fds[0].revents) {
			ctl_warn("%s goes on; dcosctl kill %s ends it", f->what->id, f->what->id);
			return FOLLOW_INTERRUPTED;
		}
		for (int i = 0; i < FOLLOW_CALLS; i++) {
			int status = fds[i + 1].revents ? take(f, i) : 0;

			if (status)
				return status;
		}
	}
	return 0;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int finish(struct follow *f, int status)
{
	const json_t *ended = f->ended;

	if (!status && ended) {
		if (f->ctl->json)
			ctl_print_json(ended, true);
		status = ctl_task_status(f->what->id, json_object_get(ended, "exit"));
	}
	json_decref(f->ended);
	for (int i = 0; i < FOLLOW_CALLS; i++)
		f->streams[i].client = vl_client_free(f->streams[i].client);
	return status;
}

int follow_task(struct ctl *ctl, const struct follow_what *what)
{
	/* what is read once ends by itself: signals do what they always do */
	bool lasts = what->follow || what->wait;
	cleanup_close int sigfd = lasts ? open_signals() : -1;
	struct follow f = {.ctl = ctl, .what = what};
	int status;

	if (lasts && sigfd < 0)
		return ctl_fail("signalfd: %s", strerror(errno));
	status = start_all(&f);
	if (!status)
		status = pump(&f, sigfd);
	return finish(&f, status);
}
