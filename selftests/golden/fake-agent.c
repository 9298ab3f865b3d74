// SPDX-License-Identifier: Apache-2.0
/*
 * An agent that plays canned replies, for tests of what the tools show and send. Listens on a
 * socket, prints "ready" when it does, and writes each call as one line "METHOD PARAMETERS" to
 * standard output.
 *
 * The replies are a JSON object; "METHOD ID" is looked up before "METHOD":
 *	{"List": {"replies": [{"tasks": []}]},
 *	 "Kill web": {"error": "io.dcos.Agent.TaskEnded", "params": {"id": "web"}},
 *	 "Subscribe": {"replies": [{...}, {...}], "hold": true}}
 * With hold the call is never finished; with "every_ms" the last reply is sent again each time,
 * seq and time_ns gone on, and each count of its usages a bit larger. A method that is not there
 * answers with {}.
 */
#include <errno.h>
#include <fcntl.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/varlink.h"

#define US_PER_MS 1000
#define NS_PER_MS 1000000
#define GROWTH	  1000 /* of a count; of a class of a histogram: 1 */

struct fake {
	json_t *replies;
	sd_event *event;
};

/* A subscription that goes on; for ever, as this process ends first. */
struct ticker {
	struct vl_call *call;
	json_t *reply;
	uint64_t every_ms;
};

static void add(json_t *o, const char *key, json_int_t by)
{
	json_t *v = json_object_get(o, key);

	(void)json_integer_set(v, json_integer_value(v) + by); /* what is no number stays */
}

static void grow(json_t *usage)
{
	const char *key;
	json_t *v, *class;
	size_t i;

	json_object_foreach (usage, key, v) {
		if (json_is_integer(v))
			add(usage, key, GROWTH);
		json_array_foreach (v, i, class)
			(void)json_integer_set(class,
					       json_integer_value(class) + 1); /* it is one */
	}
}

static int tick(sd_event_source *s, uint64_t usec, void *data)
{
	struct ticker *t = data;
	json_t *snapshot = json_object_get(t->reply, "snapshot"), *usage;
	size_t i;

	add(snapshot, "seq", 1);
	add(snapshot, "time_ns", (json_int_t)t->every_ms * NS_PER_MS);
	json_array_foreach (json_object_get(snapshot, "usages"), i, usage)
		grow(usage);
	if (vl_reply_more(t->call, json_incref(t->reply)) < 0)
		return 0; /* the client is gone, or slow */
	(void)sd_event_source_set_time(s, usec + t->every_ms * US_PER_MS);
	return sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

static int tick_on(const struct fake *f, struct vl_call *call, const json_t *last,
		   uint64_t every_ms)
{
	struct ticker *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	*t = (struct ticker){vl_call_ref(call), json_deep_copy(last), every_ms};
	return sd_event_add_time_relative(f->event, NULL, CLOCK_MONOTONIC, every_ms * US_PER_MS, 0,
					  tick, t);
}

static const json_t *canned(const struct fake *f, const char *method, const json_t *params)
{
	const char *id = json_string_value(json_object_get(params, "id"));
	const json_t *c = NULL;
	char key[256];

	if (id) {
		(void)snprintf(key, sizeof(key), "%s %s", method, id); /* test data is short */
		c = json_object_get(f->replies, key);
	}
	return c ? c : json_object_get(f->replies, method);
}

static void note(const char *method, const json_t *params)
{
	cleanup_free char *text = json_dumps(params, JSON_COMPACT | JSON_SORT_KEYS);

	(void)printf("%s %s\n", method, text); /* a test that misses it fails */
	(void)fflush(stdout);
}

static int play(const struct fake *f, struct vl_call *call, const char *method, json_t *params)
{
	const json_t *c = canned(f, method, params), *list = json_object_get(c, "replies");
	const char *error = json_string_value(json_object_get(c, "error"));
	bool hold = json_is_true(json_object_get(c, "hold"));
	json_int_t every_ms = json_integer_value(json_object_get(c, "every_ms"));
	size_t nr = json_array_size(list), i;

	note(method, params);
	if (error)
		return vl_error(call, error, json_incref(json_object_get(c, "params")));
	if (!vl_call_more(call) && !hold)
		return vl_reply(call, nr ? json_incref(json_array_get(list, 0)) : NULL);
	for (i = 0; vl_call_more(call) && i + !hold < nr; i++) {
		int r = vl_reply_more(call, json_incref(json_array_get(list, i)));

		if (r < 0)
			return r;
	}
	if (!hold)
		return vl_reply(call, nr ? json_incref(json_array_get(list, nr - 1)) : NULL);
	if (every_ms > 0)
		return tick_on(f, call, json_array_get(list, nr - 1), (uint64_t)every_ms);
	(void)vl_call_ref(call); /* for ever: this process ends first */
	return 0;
}

#define METHODS(X)                                                                                 \
	X(Run, "spec")                                                                             \
	X(Kill, "id", "signal", "grace_ms")                                                        \
	X(Remove, "id")                                                                            \
	X(List, NULL)                                                                              \
	X(Inspect, "id")                                                                           \
	X(Wait, "id")                                                                              \
	X(Logs, "id", "stream", "follow", "tail_bytes")                                            \
	X(Subscribe, "interval_ms")                                                                \
	X(Update, "id", "resources")                                                               \
	X(Doctor, NULL)                                                                            \
	X(History, "id", "seconds")                                                                \
	X(Events, "task", "since")                                                                 \
	X(Metrics, NULL)                                                                           \
	X(Info, NULL)                                                                              \
	X(Drain, "grace_ms", "off")

#define DEFINE(NAME, ...)                                                                          \
	static const char *const NAME##_params[] = {__VA_ARGS__, NULL};                            \
	static int NAME##_method(struct vl_call *call, json_t *params, void *userdata)             \
	{                                                                                          \
		return play(userdata, call, #NAME, params);                                        \
	}
METHODS(DEFINE)

#define ROW(NAME, ...) {.name = #NAME, .fn = NAME##_method, .params = NAME##_params},
static const struct vl_method methods[] = {METHODS(ROW){}};

static const struct vl_interface interface = {
	.name = "io.dcos.Agent",
	.description = "interface io.dcos.Agent\n",
	.methods = methods,
};

int main(int argc, char **argv)
{
	struct fake fake = {.replies = argc == 3 ? json_load_file(argv[2], 0, NULL) : NULL};
	struct vl_server_config config = {
		.vendor = "dcos-node",
		.product = "fake agent",
		.version = DCOS_VERSION,
		.url = "",
		.interface = &interface,
		.userdata = &fake,
	};
	struct vl_server *server = NULL;
	sd_event *event = NULL;

	if (!fake.replies) {
		(void)fprintf(stderr, "usage: fake-agent SOCKET REPLIES.json\n");
		return 2;
	}
	if (sd_event_new(&event) < 0)
		return 1;
	fake.event = event;
	if (vl_server_new(event, &config, &server) < 0 ||
	    vl_server_listen(server, argv[1], 0600) < 0) {
		(void)fprintf(stderr, "fake-agent: can't listen on %s\n", argv[1]);
		return 1;
	}
	(void)puts("ready");
	(void)fflush(stdout);
	return sd_event_loop(event) < 0;
}
