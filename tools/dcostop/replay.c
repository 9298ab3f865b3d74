// SPDX-License-Identifier: Apache-2.0
/* Recordings played back: rates need the snapshot before, so going back reads two. */
#include "agent/lib/cleanup.h"
#include "tools/dcostop/top.h"

#define WAIT_MAX_MS 10000 /* a gap in the recording is not waited for */
#define NS_PER_MS   1000000

static int show(struct top *t, size_t i)
{
	cleanup_json json_t *snapshot = NULL;
	int r = record_read(t->replay, i, &snapshot, &t->why);

	if (r < 0)
		return r;
	if (model_read(&t->model, snapshot) < 0)
		return why_set(&t->why, -EBADMSG, "%s, line %zu: is no snapshot", t->o.replay,
			       i + 2);
	t->replay_next = i + 1;
	return 1;
}

int replay_next(struct top *t)
{
	return t->replay_next < record_length(t->replay) ? show(t, t->replay_next) : 0;
}

void replay_wish(struct top *t)
{
	size_t now = t->replay_next;
	int r = 1;

	t->choice.paused = true;
	if (t->choice.wish == WISH_FORTH) {
		r = replay_next(t);
	} else if (t->choice.wish == WISH_BACK && now > 1) {
		model_reset(&t->model);
		if (now > 2)
			r = show(t, now - 3);
		if (r > 0)
			r = show(t, now - 2);
	}
	if (r < 0)
		(void)snprintf(t->choice.trouble, sizeof(t->choice.trouble), "%s", t->why.text);
	else
		(void)snprintf(t->choice.message, sizeof(t->choice.message), "snapshot %zu of %zu",
			       t->replay_next, record_length(t->replay));
}

int replay_wait_ms(struct top *t)
{
	cleanup_json json_t *snapshot = NULL;
	struct why ignored = {};
	int64_t next;

	if (t->choice.paused || t->replay_next >= record_length(t->replay))
		return -1;
	if (record_read(t->replay, t->replay_next, &snapshot, &ignored) < 0)
		return 0; /* replay_next() tells */
	next = field_int(snapshot, "time_ns", 0);
	if (next < (int64_t)t->model.time_ns)
		return 0;
	next = (next - (int64_t)t->model.time_ns) / NS_PER_MS;
	return next < WAIT_MAX_MS ? (int)next : WAIT_MAX_MS;
}
