// SPDX-License-Identifier: Apache-2.0
/* Recordings played back: rates need the snapshot before, so going anywhere reads two. */
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/dcostop/top.h"

#define WAIT_MAX_MS   10000 /* a gap in the recording is not waited for */
#define NS_PER_MS     1000000
#define NS_PER_S      1000000000.0
#define PAST_READINGS 120 /* of a task's page */
#define PAST_BYTES    (8U << 20) /* of lines that are read for it */

static int read_into(struct top *t, struct top_model *m, size_t i)
{
	cleanup_json json_t *snapshot = NULL;
	int r = record_read(t->replay, i, &snapshot, &t->why);

	if (r < 0)
		return r;
	if (model_read(m, snapshot) < 0)
		return why_set(&t->why, -EINVAL, "%s, snapshot %zu: is none", t->o.replay, i + 1);
	return 1;
}

static void tell_place(struct top *t, size_t i)
{
	size_t last = record_length(t->replay) - 1;
	uint64_t begin = record_time_ns(t->replay, 0);

	t->choice.place = (struct top_place){
		.nr = i + 1,
		.of = last + 1,
		.ns = record_time_ns(t->replay, i) - begin,
		.of_ns = record_time_ns(t->replay, last) - begin,
	};
}

static int show(struct top *t, size_t i)
{
	int r;

	if (!t->model.apps && record_apps(t->replay))
		model_apps(&t->model, record_apps(t->replay));
	r = read_into(t, &t->model, i);
	if (r < 0)
		return r;
	t->replay_next = i + 1;
	tell_place(t, i);
	return r;
}

int replay_next(struct top *t)
{
	const struct top_row *row;
	int r;

	if (t->replay_next >= record_length(t->replay))
		return 0;
	r = show(t, t->replay_next);
	row = model_find(&t->model, t->choice.selected);
	if (r > 0 && row && !strcmp(t->history.id, row->id))
		history_add(&t->history, row->v, t->model.interval_ms);
	return r;
}

static int go_to(struct top *t, size_t i)
{
	int r = 1;

	model_reset(&t->model);
	if (i)
		r = show(t, i - 1);
	if (r > 0)
		r = show(t, i);
	t->history.id[0] = 0; /* to be read anew */
	return r;
}

/* The first snapshot not before a time. */
static size_t at_time(const struct top *t, double s)
{
	size_t low = 0, high = record_length(t->replay) - 1;
	double ns = (double)record_time_ns(t->replay, 0) + s * NS_PER_S;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if ((double)record_time_ns(t->replay, middle) < ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void replay_wish(struct top *t)
{
	size_t now = t->replay_next - 1, last = record_length(t->replay) - 1, to = now;
	const struct top_choice *c = &t->choice;

	t->choice.paused = true;
	if (c->wish == WISH_SEEK)
		to = at_time(t, c->wish_s);
	else if (c->wish == WISH_STEP && c->wish_step < 0)
		to = now > (size_t)-c->wish_step ? now - (size_t)-c->wish_step : 0;
	else if (c->wish == WISH_STEP)
		to = last - now > (size_t)c->wish_step ? now + (size_t)c->wish_step : last;
	if (to != now && go_to(t, to) < 0) {
		(void)snprintf(t->choice.trouble, sizeof(t->choice.trouble), "%s", t->why.text);
		t->why.text[0] = 0;
	}
}

int replay_wait_ms(const struct top *t)
{
	uint64_t next;

	if (t->choice.paused || t->replay_next >= record_length(t->replay))
		return -1;
	next = record_time_ns(t->replay, t->replay_next);
	if (next < t->model.time_ns)
		return 0;
	next = (next - t->model.time_ns) / NS_PER_MS;
	return next < WAIT_MAX_MS ? (int)next : WAIT_MAX_MS;
}

/* From where on it is cheap to read up to, not including, a snapshot. */
static size_t cheap_begin(const struct top *t, size_t end)
{
	size_t begin = end, bytes = 0;

	while (begin && end - begin < PAST_READINGS) {
		bytes += record_bytes(t->replay, begin - 1);
		if (bytes > PAST_BYTES)
			break;
		begin--;
	}
	return begin;
}

void replay_history(struct top *t)
{
	struct top_model m = {};
	const char *id = t->choice.selected;
	int r = 1;

	if (!strcmp(t->history.id, id))
		return;
	history_read(&t->history, id, NULL);
	for (size_t i = cheap_begin(t, t->replay_next); r > 0 && i < t->replay_next; i++) {
		const struct top_row *row;

		r = read_into(t, &m, i);
		row = r > 0 ? model_find(&m, id) : NULL;
		if (row && m.snapshots_nr > 1)
			history_add(&t->history, row->v, m.interval_ms);
	}
	t->why.text[0] = 0; /* what is broken is told when it is shown */
	model_done(&m);
}
