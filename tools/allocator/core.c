// SPDX-License-Identifier: Apache-2.0
/* The services as a whole, see core.h: loading, finding, turns. */
#include "tools/allocator/core.h"
#include "tools/allocator/metered.h"
#include "tools/allocator/scaler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "tools/allocator/stamp.h"

#define TICK_US	 1000000
#define TURN_US	 20000 /* between turns: what thousands of tasks say is one turn's work */
#define PING_NR	 15 /* ticks between signs of life to listeners */
#define KEY_SELF "self"

const char *core_stamp(struct core *c, char *buf)
{
	uint64_t now = stamp_ms();

	c->last_stamp_ms = now > c->last_stamp_ms ? now : c->last_stamp_ms + 1;
	return stamp_make(buf, c->last_stamp_ms);
}

const char *core_uuid(char *buf)
{
	sd_id128_t id = {};
	char text[SD_ID128_STRING_MAX];

	(void)sd_id128_randomize(&id); /* getrandom(2), which works */
	(void)sd_id128_to_string(id, text); /* cannot fail */
	(void)snprintf(buf, CORE_ID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", text, text + 8, text + 12,
		       text + 16, text + 20); /* fits */
	return buf;
}

void core_turn(struct core *c)
{
	int enabled = SD_EVENT_OFF;

	/* fail for bad arguments only */
	(void)sd_event_source_get_enabled(c->turn, &enabled);
	if (enabled != SD_EVENT_OFF)
		return;
	(void)sd_event_source_set_time(c->turn, c->turned_us + TURN_US);
	(void)sd_event_source_set_enabled(c->turn, SD_EVENT_ONESHOT);
}

static int turn(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct core *c = userdata;
	struct why why = {};

	(void)source; /* is c->turn */
	(void)usec; /* when it should have been */
	(void)sd_event_now(c->event, CLOCK_MONOTONIC,
			   &c->turned_us); /* fails for bad arguments only */
	deployments_turn(c);
	scale_turn(c);
	place_turn(c);
	deployments_turn(c);
	(void)keep_flush(c,
			 &why); /* says it itself; orders were given after a flush of their own */
	return 0;
}

static int tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct core *c = userdata;

	if (usec / TICK_US % PING_NR == 0)
		bus_ping(c->bus);
	tasks_tick(c);
	place_tick(c);
	scaler_tick(c);
	metered_tell(c);
	core_turn(c);
	/* fails for a bad argument only */
	(void)sd_event_source_set_time_relative(source, TICK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* "app/ID" */
static int load_app(void *arg, const char *key, const char *value)
{
	struct core *c = arg;
	struct core_app *a = calloc(1, sizeof(*a));
	struct why why = {};

	if (!a)
		return -ENOMEM;
	a->id = strdup(key + strlen("app"));
	a->def = json_loads(value, 0, NULL);
	if (!a->id || !a->def || core_enter_app(c, a)) {
		free(a->id);
		json_decref(a->def);
		free(a);
		return -EBADMSG;
	}
	TAILQ_INIT(&a->tasks);
	a->doomed = json_is_true(json_object_get(a->def, "doomed"));
	LIST_INSERT_HEAD(&c->apps, a, link);
	c->apps_nr++;
	if (place_app(c, a, &why) < 0)
		log_warn("app %s cannot be placed: %s", a->id, why.text);
	return 0;
}

static int load_role(void *arg, const char *key, const char *value)
{
	return role_load(arg, key, value);
}

static int load_task(void *arg, const char *key, const char *value)
{
	return task_load(arg, key, value);
}

static int load_deployment(void *arg, const char *key, const char *value)
{
	json_t *doc = json_loads(value, 0, NULL);
	struct deployment *d = NULL;
	int r = doc ? deployment_load(arg, doc, &d) : -EBADMSG;

	(void)key; /* the document has the id */
	json_decref(doc);
	if (!r)
		deployment_begin(arg, d);
	return r;
}

/* An identity of its own, made once. */
static int load_self(struct core *c, struct why *why)
{
	cleanup_free char *text = NULL;
	struct store_op op = {KEY_SELF, c->framework};
	int r = store_get(c->store, KEY_SELF, &text);

	if (!r)
		(void)snprintf(c->framework, sizeof(c->framework), "%s", text); /* fits */
	if (r != -ENOENT)
		return r;
	core_uuid(c->framework);
	return store_commit(c->store, &op, 1, why);
}

static int load(struct core *c, struct why *why)
{
	int r = load_self(c, why) ?: store_each(c->store, "role/", load_role, c) ?:
		store_each(c->store, "app/", load_app, c) ?:
		store_each(c->store, "task/", load_task, c) ?:
		store_each(c->store, "deployment/", load_deployment, c);

	return r ? why_set(why, r, "what the store has cannot be read") : 0;
}

int core_new(sd_event *event, struct store *store, struct core **ret, struct why *why)
{
	struct core *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return why_set(why, -ENOMEM, "core");
	c->event = event;
	c->store = store;
	LIST_INIT(&c->apps);
	LIST_INIT(&c->nodes);
	TAILQ_INIT(&c->deployments);
	c->roles = json_object();
	r = c->roles ? 0 : -ENOMEM;
	r = r ?: bus_new(&c->bus) ?: policy_new(NULL, &c->policy);
	if (!r)
		r = sd_event_add_time(event, &c->turn, CLOCK_MONOTONIC, 0, 1000, turn, c);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &c->tick, CLOCK_MONOTONIC, TICK_US, 0, tick,
					       c);
	r = r < 0 ? why_set(why, r, "no event loop") : load(c, why);
	if (r < 0) {
		core_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

static void app_free(struct core *c, struct core_app *a)
{
	struct core_task *t;

	while ((t = TAILQ_FIRST(&a->tasks)))
		task_gone(c, t);
	scaler_app_gone(a);
	core_leave_app(c, a);
	LIST_REMOVE(a, link);
	json_decref(a->def);
	json_decref(a->last_failure);
	free(a->id);
	free(a);
}

void core_app_free(struct core *c, struct core_app *a)
{
	place_app_gone(c, a->id);
	app_free(c, a);
	c->apps_nr--;
}

struct core *core_free(struct core *c)
{
	struct deployment *d;
	struct core_node *n;
	struct core_app *a;
	struct why why = {};

	if (!c)
		return NULL;
	if (c->store)
		(void)keep_flush(c, &why); /* says it itself */
	keep_free(c);
	while ((d = TAILQ_FIRST(&c->deployments))) {
		TAILQ_REMOVE(&c->deployments, d, link);
		deployment_free(d);
	}
	while ((a = LIST_FIRST(&c->apps)))
		app_free(c, a);
	while ((n = LIST_FIRST(&c->nodes))) {
		LIST_REMOVE(n, link);
		core_leave_node(c, n);
		metered_node_gone(n);
		json_decref(n->doc);
		free(n->id);
		free(n->host);
		free(n);
	}
	sd_event_source_disable_unref(c->turn);
	sd_event_source_disable_unref(c->tick);
	json_decref(c->roles);
	policy_free(c->policy);
	bus_free(c->bus);
	free(c);
	return NULL;
}
