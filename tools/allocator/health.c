// SPDX-License-Identifier: Apache-2.0
/*
 * The agents run the checks, in the network of the task, and end who fails too often; here the
 * checks are translated, and results are kept for deployments, replies and events. All tasks have the
 * network of their host, so HTTP and MESOS_HTTP ask the same address.
 */
#include "tools/allocator/health.h"

#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/allocator/stamp.h"

#define PATH_LEN_MAX 1024

/* ---- definitions ---- */

static bool is_path(const char *s)
{
	if (*s != '/' || strlen(s) > PATH_LEN_MAX)
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

static void check_one(const json_t *app, const json_t *h, const char *at, struct app_errors *e)
{
	const char *protocol = app_text(h, "protocol"), *path = app_text(h, "path");
	json_t *index = json_object_get(h, "portIndex"), *port = json_object_get(h, "port");

	if (strstr(protocol, "HTTPS"))
		app_error(e, at, "has the protocol %s, which the agents can't check", protocol);
	if (json_is_true(json_object_get(h, "ignoreHttp1xx")))
		app_error(e, at, "has ignoreHttp1xx: an interim answer always is a failure");
	if (path && !is_path(path))
		app_error(e, at, "has the path %s, must begin with / and have no blanks", path);
	if (!strcmp(protocol, "COMMAND")) {
		if (!app_text(json_object_get(h, "command"), "value"))
			app_error(e, at, "must have command.value with COMMAND");
	} else if (port && index) {
		app_error(e, at, "must have either port or portIndex, not both");
	} else if (port && !json_integer_value(port)) {
		app_error(e, at, "has the port 0");
	} else if (!port && (size_t)json_integer_value(index) >= app_ports_nr(app)) {
		app_error(e, at, "has a portIndex of no port (there are %zu)", app_ports_nr(app));
	}
}

void health_check(const json_t *app, struct app_errors *e)
{
	json_t *list = json_object_get(app, "healthChecks"), *h;
	size_t i;

	if (json_array_size(list) > APP_HEALTH_MAX)
		app_error(e, "/healthChecks", "are more than %d", APP_HEALTH_MAX);
	json_array_foreach (list, i, h) {
		char at[64];

		(void)snprintf(at, sizeof(at), "/healthChecks(%zu)", i); /* fits */
		check_one(app, h, at, e);
	}
}

static json_int_t port_of(const struct core_task *t, const json_t *h)
{
	json_t *port = json_object_get(h, "port");
	size_t index = (size_t)json_integer_value(json_object_get(h, "portIndex"));

	if (port)
		return json_integer_value(port);
	return index < t->ports_nr ? t->ports[index] : 0; /* 0 the agent refuses */
}

static json_t *spec_of(const struct core_task *t, const json_t *h)
{
	const char *protocol = app_text(h, "protocol");
	bool command = !strcmp(protocol, "COMMAND"), http = strstr(protocol, "HTTP");
	bool v6 = !strcmp(app_text(h, "ipProtocol"), "IPv6");
	/* as Marathon has it, only checks that a node runs itself wait */
	bool delayed = command || !strncmp(protocol, "MESOS_", strlen("MESOS_"));
	json_t *o =
		json_pack("{s:f, s:f, s:f, s:f, s:I}", "interval", app_number(h, "intervalSeconds"),
			  "timeout", app_number(h, "timeoutSeconds"), "grace_period",
			  app_number(h, "gracePeriodSeconds"), "delay",
			  delayed ? app_number(h, "delaySeconds") : 0.0, "max_consecutive_failures",
			  json_integer_value(json_object_get(h, "maxConsecutiveFailures")));
	json_t *more =
		command ? json_pack("{s:s, s:s}", "protocol", "command", "cmd",
				    app_text(json_object_get(h, "command"), "value"))
			: json_pack("{s:s, s:I, s:s, s:s*}", "protocol", http ? "http" : "tcp",
				    "port", port_of(t, h), "address", v6 ? "::1" : "127.0.0.1",
				    "path", http ? app_text(h, "path") ?: "/" : NULL);

	(void)json_object_update(o, more); /* what is missing is seen by the agent */
	json_decref(more);
	return o;
}

json_t *health_spec(const struct core_task *t)
{
	json_t *list = json_object_get(t->app->def, "healthChecks"), *h, *out;
	size_t i;

	if (!json_array_size(list))
		return NULL;
	out = json_array();
	json_array_foreach (list, i, h)
		(void)json_array_append_new(out, spec_of(t, h)); /* likewise */
	return out;
}

/* ---- results ---- */

static json_int_t failed_at(const json_t *check)
{
	return json_integer_value(json_object_get(check, "last_failure_unix_us"));
}

static void tell_failures(struct core *c, const struct core_task *t, const json_t *now)
{
	const json_t *check;
	size_t i;

	json_array_foreach (now, i, check) {
		json_t *def = json_array_get(json_object_get(t->app->def, "healthChecks"), i);

		if (failed_at(check) == failed_at(json_array_get(t->health, i)))
			continue;
		bus_publish(c->bus, "failed_health_check_event",
			    json_pack("{s:s, s:s, s:s, s:s, s:O*, s:s*}", "appId", t->app->id,
				      "taskId", t->id, "instanceId", t->id, "version", t->version,
				      "healthCheck", def, "message",
				      app_text(check, "last_failure")));
	}
}

void health_take(struct core *c, struct core_task *t, const json_t *status)
{
	json_t *healthy = json_object_get(status, "healthy"),
	       *health = json_object_get(status, "health");
	bool is = json_is_true(healthy);

	if (json_is_array(health)) {
		tell_failures(c, t, health);
		json_decref(t->health);
		t->health = json_incref(health);
	}
	if (!json_is_boolean(healthy) || (t->healthy_known && t->healthy == is))
		return;
	t->healthy_known = true;
	t->healthy = is;
	bus_publish(c->bus, "health_status_changed_event",
		    json_pack("{s:s, s:s, s:s, s:s, s:b}", "appId", t->app->id, "taskId", t->id,
			      "instanceId", t->id, "version", t->version, "alive", is));
}

static json_t *time_json(const json_t *check, const char *key)
{
	json_int_t us = json_integer_value(json_object_get(check, key));
	char stamp[STAMP_SIZE];

	return us > 0 ? json_string(stamp_make(stamp, (uint64_t)us / 1000)) : json_null();
}

static json_t *result_json(const struct core_task *t, const json_t *check)
{
	return json_pack("{s:b, s:I, s:o, s:o, s:s?, s:s, s:s}", "alive",
			 json_is_true(json_object_get(check, "alive")), "consecutiveFailures",
			 json_integer_value(json_object_get(check, "consecutive_failures")),
			 "firstSuccess", time_json(check, "first_success_unix_us"), "lastFailure",
			 time_json(check, "last_failure_unix_us"), "lastFailureCause",
			 app_text(check, "last_failure"), "taskId", t->id, "instanceId", t->id);
}

json_t *health_results(const struct core_task *t)
{
	json_t *list = json_array();
	const json_t *check;
	size_t i;

	json_array_foreach (t->health, i, check) /* none is in it before its first result */
		if (json_object_get(check, "alive") || failed_at(check))
			(void)json_array_append_new(list, result_json(t, check)); /* else shorter */
	return list;
}

bool health_is_good(const struct core_task *t)
{
	const json_t *def = t->app->def;
	const char *config = app_text(json_object_get(def, "versionInfo"), "lastConfigChangeAt");
	/* one of another configuration may have other checks, or none */
	bool checked = t->health || (!strcmp(t->config, config) &&
				     json_array_size(json_object_get(def, "healthChecks")));

	if (t->state != CORE_RUNNING)
		return false;
	return t->healthy_known ? t->healthy : !checked;
}
