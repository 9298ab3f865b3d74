// SPDX-License-Identifier: Apache-2.0
/* What the agent says, see feed.h. */
#include "tools/exporter/feed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "agent/lib/why.h"
#include "tools/common/client.h"
#include "tools/exporter/metrics.h"
#include "tools/link/link.h"

#define CALL(method) "{\"method\":\"io.dcos.Agent." method "\"}"
#define SMALL_BYTES  4096 /* a message this short is looked at at once: it may be an error */
#define HEAD_BYTES   512 /* of a snapshot: its fields before the usages are there */

/* Questions for a page, in the order in which they are asked and so answered. */
enum question { ASK_INFO, ASK_METRICS, ASK_LIST, QUESTIONS };

static const char questions[] = CALL("Info") "\0" CALL("Metrics") "\0" CALL("List");

struct feed {
	sd_event *event;
	char *socket;
	uint64_t interval_ms;
	void (*on_settled)(void *data);
	void *data;

	struct link snapshots, answers;
	sd_event_source *timer; /* the next try, or the end of patience with an answer */
	uint64_t backoff_ms;
	struct why trouble;

	/* the latest snapshot's message; parsed into doc when it is needed */
	char *text;
	size_t text_len, text_size;
	uint64_t text_ns, text_unix_ms, text_interval_ms;
	json_t *doc;

	json_t *answer[QUESTIONS];
	unsigned int answered; /* of the questions that were asked; QUESTIONS: all */
	uint64_t answered_ns;
	struct feed_stats stats;
};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts); /* does not fail for these clocks */
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t age_ms(uint64_t ns)
{
	return (clock_ns(CLOCK_MONOTONIC) - ns) / 1000000;
}

static bool is_connected(const struct feed *f)
{
	return f->snapshots.fd >= 0 && f->answers.fd >= 0;
}

bool feed_settled(const struct feed *f)
{
	return !is_connected(f) || (f->text_ns && f->answered == QUESTIONS);
}

static void drop_answers(struct feed *f)
{
	for (int i = 0; i < QUESTIONS; i++) {
		json_decref(f->answer[i]);
		f->answer[i] = NULL;
	}
	f->answered_ns = 0;
	f->answered = QUESTIONS;
}

static void drop_snapshot(struct feed *f)
{
	json_decref(f->doc);
	f->doc = NULL;
	f->text_ns = 0;
}

static int set_timer(struct feed *f, uint64_t ms)
{
	int r = sd_event_source_set_time_relative(f->timer, ms * 1000);

	return r < 0 ? r : sd_event_source_set_enabled(f->timer, SD_EVENT_ONESHOT);
}

/* Not all exporters of a cluster at the same time: half of the time is by chance. */
static uint64_t jitter(uint64_t ms)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = UINT32_MAX; /* then without */
	return ms / 2 + (ms / 2) * (random >> 16) / 65536;
}

/* The connection is of no use: forget what came over it, and try again later. */
static void give_up(struct feed *f, int err, const char *what)
{
	bool was_up = !f->trouble.text[0];

	link_close(&f->snapshots);
	link_close(&f->answers);
	drop_snapshot(f);
	drop_answers(f);
	f->trouble.text[0] = '\0';
	if (err == -EPIPE)
		(void)why_set(&f->trouble, -EINVAL, "%s: the agent hung up", what);
	else
		(void)why_set(&f->trouble, err, "%s", what);
	if (was_up)
		log_warn("%s; trying again", f->trouble.text);
	(void)set_timer(f, jitter(f->backoff_ms)); /* fails only for a bad argument */
	f->backoff_ms =
		f->backoff_ms * 2 > FEED_BACKOFF_MAX_MS ? FEED_BACKOFF_MAX_MS : f->backoff_ms * 2;
	f->on_settled(f->data);
}

static void lost(struct link *l, int err)
{
	struct feed *f = l->data;

	if (err == -EBADMSG)
		f->stats.errors++;
	give_up(f, err, f->socket);
}

/*
 * The parameters of a reply. Return: NULL with f->trouble set; an error of the agent is one too.
 */
static json_t *parse_reply(struct feed *f, const char *text, size_t len, struct why *why)
{
	json_t *doc = NULL, *params;
	const char *error;
	int r = vl_json_parse(text, len, VL_REPLY_VALUES_MAX, &doc);

	params = r < 0 ? NULL : json_incref(json_object_get(doc, "parameters"));
	error = r < 0 ? NULL : json_string_value(json_object_get(doc, "error"));
	if (error) {
		client_explain(error, params, why);
		json_decref(params);
		params = NULL;
	} else if (!json_is_object(params)) {
		(void)why_set(why, -EINVAL, "%s: what listens there does not speak Varlink",
			      f->socket);
		json_decref(params);
		params = NULL;
	}
	if (!params)
		f->stats.errors++;
	json_decref(doc);
	return params;
}

static const json_t *usages_of(const json_t *doc)
{
	const json_t *list = json_object_get(json_object_get(doc, "snapshot"), "usages");

	return json_is_array(list) ? list : NULL;
}

/* Return: is there a snapshot, parsed. If not, the connection was given up. */
static bool parse_snapshot(struct feed *f)
{
	struct why why = {};

	if (f->doc)
		return true;
	f->doc = parse_reply(f, f->text, f->text_len, &why);
	if (usages_of(f->doc))
		return true;
	if (f->doc)
		f->stats.errors++;
	give_up(f, -EINVAL, why.text[0] ? why.text : "the agent sent no proper snapshot");
	return false;
}

static int keep_text(struct feed *f, const char *text, size_t len)
{
	if (len > f->text_size || len < f->text_size / 4) {
		char *data = realloc(f->text, len + len / 4 + 1);

		if (!data)
			return -ENOMEM;
		f->text = data;
		f->text_size = len + len / 4 + 1;
	}
	memcpy(f->text, text, len);
	f->text_len = len;
	return 0;
}

/* How often snapshots come, without parsing all of it. Return: 0 not known. */
static uint64_t peek_interval(const char *text, size_t len)
{
	static const char key[] = "\"interval_ms\":";
	const char *end = text + (len < HEAD_BYTES ? len : HEAD_BYTES);
	const char *p = memmem(text, (size_t)(end - text), key, sizeof(key) - 1);
	uint64_t v = 0;

	for (p = p ? p + sizeof(key) - 1 : end; p < end && *p >= '0' && *p <= '9'; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	return v;
}

static void say_up(struct feed *f)
{
	f->backoff_ms = FEED_BACKOFF_MIN_MS;
	if (f->trouble.text[0])
		log_notice("%s: the agent sends snapshots", f->socket);
	f->trouble.text[0] = '\0';
}

static void snapshot_came(struct link *l, const char *text, size_t len)
{
	struct feed *f = l->data;
	bool first = !f->text_ns;

	if (keep_text(f, text, len) < 0)
		return give_up(f, -ENOMEM, f->socket);
	json_decref(f->doc);
	f->doc = NULL;
	f->text_ns = clock_ns(CLOCK_MONOTONIC);
	f->text_unix_ms = clock_ns(CLOCK_REALTIME) / 1000000;
	f->text_interval_ms = peek_interval(text, len);
	if (len <= SMALL_BYTES && !parse_snapshot(f))
		return;
	f->stats.snapshots++;
	if (!first)
		return;
	say_up(f);
	if (feed_settled(f))
		f->on_settled(f->data);
}

static void answer_came(struct link *l, const char *text, size_t len)
{
	struct feed *f = l->data;
	struct why why = {};

	if (f->answered == QUESTIONS) {
		f->stats.errors++;
		return give_up(f, -EINVAL, "the agent answered without a question");
	}
	json_decref(f->answer[f->answered]);
	f->answer[f->answered] = parse_reply(f, text, len, &why);
	/* an older agent lacks methods: that part of the page is not there */
	if (!f->answer[f->answered])
		log_debug("%s", why.text);
	if (++f->answered < QUESTIONS)
		return;
	f->answered_ns = clock_ns(CLOCK_MONOTONIC);
	(void)sd_event_source_set_enabled(f->timer, SD_EVENT_OFF); /* fails for no source only */
	if (feed_settled(f))
		f->on_settled(f->data);
}

static void subscribe(struct feed *f)
{
	char call[160];
	int r = link_open(&f->snapshots, f->event, f->socket);

	if (!r)
		r = link_open(&f->answers, f->event, f->socket);
	if (!r && f->interval_ms)
		(void)snprintf(call, sizeof(call),
			       "{\"method\":\"io.dcos.Agent.Subscribe\",\"parameters\":"
			       "{\"interval_ms\":%" PRIu64 "},\"more\":true}",
			       f->interval_ms); /* fits */
	else if (!r)
		(void)snprintf(call, sizeof(call),
			       "{\"method\":\"io.dcos.Agent.Subscribe\",\"more\":true}");
	if (!r)
		r = link_send(&f->snapshots, call, strlen(call) + 1);
	if (r < 0)
		give_up(f, r, f->socket);
	else
		f->stats.connects++;
}

static int timer_fired(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct feed *f = userdata;

	(void)source; /* is f->timer */
	(void)usec;
	if (f->snapshots.fd < 0) {
		subscribe(f);
	} else {
		f->stats.errors++;
		give_up(f, -ETIMEDOUT, f->socket);
	}
	return 0;
}

int feed_new(sd_event *event, const char *socket, uint64_t interval_ms,
	     void (*on_settled)(void *data), void *data, struct feed **ret)
{
	struct feed *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	*f = (struct feed){
		.event = sd_event_ref(event),
		.socket = strdup(socket),
		.interval_ms = interval_ms,
		.on_settled = on_settled,
		.data = data,
		.snapshots = {.fd = -1, .on_message = snapshot_came, .on_lost = lost, .data = f},
		.answers = {.fd = -1, .on_message = answer_came, .on_lost = lost, .data = f},
		.backoff_ms = FEED_BACKOFF_MIN_MS,
		.answered = QUESTIONS,
	};
	r = f->socket ? sd_event_add_time_relative(event, &f->timer, CLOCK_MONOTONIC, 0, 0,
						   timer_fired, f)
		      : -ENOMEM;
	if (r < 0) {
		feed_free(f);
		return r;
	}
	*ret = f;
	return 0;
}

struct feed *feed_free(struct feed *f)
{
	if (!f)
		return NULL;
	link_close(&f->snapshots);
	link_close(&f->answers);
	sd_event_source_disable_unref(f->timer);
	drop_snapshot(f);
	drop_answers(f);
	sd_event_unref(f->event);
	free(f->text);
	free(f->socket);
	free(f);
	return NULL;
}

void feed_ask(struct feed *f)
{
	int r;

	if (!is_connected(f) || f->answered != QUESTIONS ||
	    (f->answered_ns && age_ms(f->answered_ns) < FEED_FRESH_MS))
		return;
	f->answered = 0;
	r = link_send(&f->answers, questions, sizeof(questions));
	if (!r)
		r = set_timer(f, FEED_ANSWER_MS);
	if (r < 0)
		give_up(f, r, f->socket);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

bool feed_is_up(const struct feed *f)
{
	uint64_t interval = larger(f->interval_ms, f->text_interval_ms);

	return is_connected(f) && f->text_ns &&
	       age_ms(f->text_ns) <= larger(interval * 3, FEED_STALE_MS);
}

const char *feed_trouble(const struct feed *f)
{
	if (feed_is_up(f))
		return "";
	if (f->trouble.text[0])
		return f->trouble.text;
	return f->text_ns ? "the agent has sent no snapshot for too long"
			  : "the agent has sent no snapshot yet";
}

void feed_view(struct feed *f, struct feed_view *ret)
{
	bool up = feed_is_up(f) && parse_snapshot(f);

	*ret = (struct feed_view){
		.usages = up ? usages_of(f->doc) : NULL,
		.tasks = json_object_get(f->answer[ASK_LIST], "tasks"),
		.info = f->answer[ASK_INFO],
		.agent = json_object_get(f->answer[ASK_METRICS], "agent"),
		.age_ms = f->text_ns ? age_ms(f->text_ns) : METRIC_UNKNOWN,
		.snapshot_unix_ms = f->text_unix_ms,
		.stats = f->stats,
	};
}
