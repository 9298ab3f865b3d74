// SPDX-License-Identifier: Apache-2.0
/*
 * The allocator's side. Registered anew, it is told all, and then what changes. While it is away
 * tasks run on and nothing is kept for it but what the agent keeps.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <time.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "tools/common/client.h"
#include "tools/common/listen.h"
#include "tools/link/allocator.h"
#include "tools/uplink/delta.h"
#include "tools/uplink/uplink.h"

#define BACKOFF_MIN_MS 500
#define BACKOFF_MAX_MS 8000
#define HEARTBEAT_MS   5000
#define HOST_MAX       256
#define UNIX_PREFIX    "unix:"

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Between half of it and all: those that were cut off together do not come back together. */
static uint64_t jitter(uint64_t ms)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = UINT32_MAX; /* then without */
	return ms / 2 + (ms / 2) * (random >> 16) / 65536;
}

static void hang_up(struct uplink *u, const char *text)
{
	link_close(&u->up);
	agent_forget_orders(u);
	json_decref(u->told);
	json_decref(u->told_usages);
	u->told = u->told_usages = NULL;
	if (!u->up_warned || u->registered)
		log_warn("the allocator, %s: %s; trying again", u->o->allocator, text);
	u->up_warned = true;
	u->registered = u->all_told = false;
	/* fail for bad arguments only */
	(void)sd_event_source_set_time_relative(u->dial, jitter(u->backoff_ms) * 1000);
	(void)sd_event_source_set_enabled(u->dial, SD_EVENT_ONESHOT);
	u->backoff_ms = u->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : u->backoff_ms * 2;
}

/* Takes @params over. */
static void say(struct uplink *u, const char *method, bool more, json_t *params)
{
	cleanup_json json_t *call = json_pack("{s:s, s:b, s:o}", "method", method,
					      more ? "more" : "oneway", 1, "parameters", params);
	cleanup_free char *text = call ? json_dumps(call, JSON_COMPACT) : NULL;
	int r = text ? link_send(&u->up, text, strlen(text) + 1) : -ENOMEM;

	u->said_ms = now_ms();
	if (r < 0)
		hang_up(u, r == -EAGAIN ? "it does not read" : strerror(-r));
}

/* Each is taken over; NULL: none. */
static void report(struct uplink *u, int64_t time_ms, json_t *tasks, json_t *gone, json_t *usages,
		   json_t *answers)
{
	bool all = tasks && !u->all_told;

	say(u, ALLOCATOR_REPORT, false,
	    json_pack("{s:I, s:b, s:b, s:o, s:o, s:o, s:o}", "time_ms",
		      (json_int_t)(time_ms ? time_ms : (int64_t)now_ms()), "all", all, "draining",
		      json_is_true(json_object_get(u->info, "draining")), "tasks",
		      tasks ?: json_array(), "gone", gone ?: json_array(), "usages",
		      usages ?: json_array(), "answers", answers ?: json_array()));
	u->all_told |= all && u->registered;
}

void dial_tasks(struct uplink *u, const json_t *tasks)
{
	bool all = !u->all_told;
	json_t *changed, *gone;

	if (!u->registered)
		return;
	if (delta_tasks(&u->told, tasks, &changed, &gone) < 0) {
		hang_up(u, strerror(ENOMEM));
		return;
	}
	if (all || json_array_size(changed) || json_array_size(gone)) {
		report(u, 0, changed, gone, NULL, NULL);
		return;
	}
	json_decref(changed);
	json_decref(gone);
}

void dial_usages(struct uplink *u, const json_t *usages, int64_t time_ms)
{
	json_t *changed;

	if (!u->all_told)
		return;
	if (delta_usages(&u->told_usages, usages, &changed) < 0)
		hang_up(u, strerror(ENOMEM));
	else
		report(u, time_ms, NULL, NULL, changed, NULL);
}

void dial_answer(struct uplink *u, json_int_t number, const char *error, json_t *params)
{
	if (u->registered)
		report(u, 0, NULL, NULL, NULL,
		       json_pack("[{s:I, s:s*, s:O*}]", "order", number, "error", error,
				 "parameters", params));
}

/* ---- what it says ---- */

static void refused(struct uplink *u, const json_t *doc)
{
	const json_t *params = json_object_get(doc, "parameters");
	char text[WHY_MAX];

	(void)snprintf(text, sizeof(text), "refuses this node: %s",
		       field_str(params, "reason")); /* cut is well */
	hang_up(u, text);
}

static void on_message(struct link *l, const char *text, size_t len)
{
	struct uplink *u = l->data;
	cleanup_json json_t *doc = json_loadb(text, len, 0, NULL);
	const json_t *params = json_object_get(doc, "parameters");
	int r = 0;

	if (json_object_get(doc, "error")) {
		refused(u, doc);
		return;
	}
	if (!u->registered) {
		log_info("registered as %s with the allocator, %s", field_str(u->info, "node"),
			 u->o->allocator);
		u->registered = true;
		u->up_warned = false;
		u->backoff_ms = BACKOFF_MIN_MS;
	}
	if (json_object_get(params, "order"))
		r = agent_order(u, json_object_get(params, "order"));
	if (r < 0)
		hang_up(u, r == -EBADMSG ? "sent an order that is none" : strerror(-r));
}

static void on_lost(struct link *l, int err)
{
	struct uplink *u = l->data;
	const char *trouble = tls_trouble(u->keys);

	hang_up(u, err == -EPROTO && *trouble ? trouble
		   : err == -EPIPE	      ? "it hung up"
					      : strerror(-err));
}

/* ---- connecting ---- */

static void say_register(struct uplink *u)
{
	const char *node = field_str(u->info, "node");
	struct statvfs fs = {};
	uint64_t disk = 0;

	if (!statvfs("/", &fs)) /* else there is none to give */
		disk = (uint64_t)fs.f_bavail * fs.f_frsize;
	u->told = json_object();
	u->told_usages = json_object();
	say(u, ALLOCATOR_REGISTER, true,
	    json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:O, s:O, s:b, s:O?}", "node", node,
		      "session", u->session, "hostname", node, "version",
		      field_str(u->info, "version"), "cpus", field_int(u->info, "ncpu", 0),
		      "memory_bytes", field_int(u->info, "memory_bytes", 0), "disk_bytes",
		      (json_int_t)disk, "ports", u->ports, "attributes", u->attributes, "draining",
		      json_is_true(json_object_get(u->info, "draining")), "doctor", u->doctor));
}

/* What is sent and not acknowledged for so long: the other end is gone. */
static void bound_silence(int fd)
{
	const unsigned int ms = ALLOCATOR_SILENCE_MS;
	const int on = 1;

	/* without them it takes the kernel longer to notice */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int connect_tcp(struct uplink *u)
{
	char host[HOST_MAX];
	int fd = tcp_connect("allocator", u->o->allocator, host, sizeof(host), &u->why), r;

	if (fd < 0)
		return fd;
	bound_silence(fd);
	r = u->keys ? tls_adopt(&u->up, u->event, fd, u->keys, false, host)
		    : link_adopt(&u->up, u->event, fd, NULL, NULL);
	if (r < 0)
		close_fd(&fd);
	return r;
}

static int dial(sd_event_source *source, uint64_t usec, void *userdata)
{
	const char *path = NULL;
	struct uplink *u = userdata;
	int r;

	(void)source; /* is u->dial */
	(void)usec;
	if (u->up.fd >= 0 || !u->info)
		return 0; /* the next reply to Info asks for it */
	u->why.text[0] = '\0';
	if (!strncmp(u->o->allocator, UNIX_PREFIX, strlen(UNIX_PREFIX)))
		path = u->o->allocator + strlen(UNIX_PREFIX);
	r = path ? link_open(&u->up, u->event, path) : connect_tcp(u);
	if (r < 0)
		hang_up(u, *u->why.text ? u->why.text : strerror(-r));
	else
		say_register(u);
	return 0;
}

void dial_tick(struct uplink *u)
{
	int enabled = SD_EVENT_OFF;

	if (u->all_told && now_ms() >= u->said_ms + HEARTBEAT_MS)
		report(u, 0, NULL, NULL, NULL, NULL);
	if (u->up.fd >= 0 || !u->info)
		return;
	(void)sd_event_source_get_enabled(u->dial, &enabled); /* fails for no source only */
	if (enabled == SD_EVENT_OFF)
		(void)sd_event_source_set_enabled(u->dial, SD_EVENT_ONESHOT); /* likewise */
}

int dial_begin(struct uplink *u)
{
	int r;

	u->backoff_ms = BACKOFF_MIN_MS;
	u->up = (struct link){.fd = -1, .on_message = on_message, .on_lost = on_lost, .data = u};
	r = sd_event_add_time_relative(u->event, &u->dial, CLOCK_MONOTONIC, 0, 1000, dial, u);
	return r < 0 ? r : sd_event_source_set_enabled(u->dial, SD_EVENT_OFF);
}

void dial_end(struct uplink *u)
{
	link_close(&u->up);
	u->dial = sd_event_source_disable_unref(u->dial);
	json_decref(u->told);
	json_decref(u->told_usages);
}
