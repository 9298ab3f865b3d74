// SPDX-License-Identifier: Apache-2.0
/* What an agent gets of an app: dcos-task(5) with the environment that Marathon injects. */
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/allocator/core.h"
#include "tools/allocator/health.h"

#define MIB (1024.0 * 1024.0)

static void put(json_t *o, const char *key, json_t *v)
{
	(void)json_object_set_new(o, key, v); /* what is missing is seen by the agent */
}

static void put_text(json_t *env, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void put_text(json_t *env, const char *key, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		put(env, key, json_string(text));
}

/* "web-api" becomes "WEB_API", as names of variables must be. */
static void put_upper(json_t *env, const char *prefix, const char *name, const char *value)
{
	cleanup_free char *key = NULL;
	int n = asprintf(&key, "%s%s", prefix, name);

	if (n < 0) {
		key = NULL;
		return;
	}
	for (char *p = key; *p; p++) {
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
		else if (!((*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9')))
			*p = '_';
	}
	put(env, key, json_string(value));
}

static void put_ports(json_t *env, const struct core_task *t)
{
	const json_t *def = t->app->def;
	json_t *maps = json_object_get(json_object_get(def, "container"), "portMappings");
	char all[POLICY_PORTS_MAX * 6 + 1] = "";
	size_t len = 0;

	if (!json_array_size(maps))
		maps = json_object_get(def, "portDefinitions");
	for (size_t i = 0; i < t->ports_nr; i++) {
		const char *name = app_text(json_array_get(maps, i), "name");
		char key[24], value[16];

		(void)snprintf(key, sizeof(key), "PORT%u", (unsigned int)i); /* these fit */
		(void)snprintf(value, sizeof(value), "%u", (unsigned int)t->ports[i]);
		put(env, key, json_string(value));
		if (name)
			put_upper(env, "PORT_", name, value);
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%u", i ? "," : "",
					t->ports[i]);
	}
	put(env, "PORTS", json_string(all));
	if (t->ports_nr)
		put_text(env, "PORT", "%u", t->ports[0]);
}

static json_t *make_env(const struct core_task *t)
{
	const json_t *def = t->app->def, *container = json_object_get(def, "container");
	json_t *env = json_object(), *labels = json_object_get(def, "labels"), *v;
	const char *image = app_text(json_object_get(container, "docker"), "image"), *key;
	char names[4096] = "";
	size_t len = 0;

	put_ports(env, t);
	put_text(env, "HOST", "%s", t->host);
	put_text(env, "MARATHON_APP_ID", "%s", t->app->id);
	put_text(env, "MARATHON_APP_VERSION", "%s", t->version);
	put_text(env, "MESOS_TASK_ID", "%s", t->id);
	put_text(env, "MARATHON_APP_RESOURCE_CPUS", "%g", app_number(def, "cpus"));
	put_text(env, "MARATHON_APP_RESOURCE_MEM", "%g", app_number(def, "mem"));
	put_text(env, "MARATHON_APP_RESOURCE_DISK", "%g", app_number(def, "disk"));
	put_text(env, "MARATHON_APP_RESOURCE_GPUS", "%g", app_number(def, "gpus"));
	if (image)
		put_text(env, "MARATHON_APP_DOCKER_IMAGE", "%s", image);
	json_object_foreach (labels, key, v) {
		put_upper(env, "MARATHON_APP_LABEL_", key, json_string_value(v));
		if (len + strlen(key) + 2 < sizeof(names))
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
						len ? " " : "", key);
	}
	put_upper(env, "MARATHON_APP_", "LABELS", names);
	json_object_foreach (json_object_get(def, "env"), key, v) /* the app's own words win */
		if (json_is_string(v))
			(void)json_object_set(env, key, v); /* as put() */
	return env;
}

static json_t *make_mounts(const json_t *container)
{
	json_t *list = json_array(), *v;
	size_t i;

	json_array_foreach (json_object_get(container, "volumes"), i, v) {
		const char *host = app_text(v, "hostPath"), *target = app_text(v, "containerPath");

		if (host && target)
			(void)json_array_append_new(list,
						    json_pack("{s:s, s:s, s:b}", "source", host,
							      "target", target, "readonly",
							      !strcmp(app_text(v, "mode"), "RO")));
	}
	return list;
}

static json_t *make_command(const json_t *def)
{
	json_t *args = json_object_get(def, "args");

	return args ? json_incref(args) : NULL;
}

/* The ports of the host that were found for it, to those of a network of its own. */
static json_t *make_publish(const struct core_task *t)
{
	const json_t *container = json_object_get(t->app->def, "container"), *m;
	json_t *list = json_array();
	size_t i;

	json_array_foreach (json_object_get(container, "portMappings"), i, m) {
		unsigned int inside = (unsigned int)app_number(m, "containerPort");
		const char *protocol = app_text(m, "protocol") ?: "tcp";

		if (i >= t->ports_nr)
			break;
		inside = inside ?: t->ports[i]; /* 0: the same as the host's */
		if (strstr(protocol, "tcp"))
			(void)json_array_append_new(list,
						    json_sprintf("%u:%u", t->ports[i], inside));
		if (strstr(protocol, "udp"))
			(void)json_array_append_new(list,
						    json_sprintf("%u:%u/udp", t->ports[i], inside));
	}
	return list;
}

static bool is_private(const json_t *def)
{
	const json_t *first = json_array_get(json_object_get(def, "networks"), 0);
	const char *mode = app_text(first, "mode") ?: "host";

	return !strncmp(mode, "container", strlen("container"));
}

json_t *launch_spec(const struct core_task *t)
{
	const json_t *def = t->app->def, *container = json_object_get(def, "container");
	const json_t *seccomp = json_object_get(json_object_get(container, "linuxInfo"), "seccomp");
	const char *image = app_text(json_object_get(container, "docker"), "image");
	json_t *spec = json_pack("{s:s, s:o, s:o, s:{s:f, s:I}}", "id", t->id, "env", make_env(t),
				 "labels", json_deep_copy(json_object_get(def, "labels")),
				 "resources", "cpus", app_number(def, "cpus"), "memory",
				 (json_int_t)(app_number(def, "mem") * MIB));
	json_t *mounts = make_mounts(container), *command = make_command(def);
	json_t *checks = health_spec(t);

	if (!spec) {
		json_decref(mounts);
		json_decref(command);
		json_decref(checks);
		return NULL;
	}
	if (command)
		put(spec, "command", command);
	else if (app_text(def, "cmd"))
		put(spec, "cmd", json_string(app_text(def, "cmd")));
	if (checks)
		put(spec, "health_checks", checks);
	put(spec, "image", json_string(image ?: "host"));
	if (image)
		put(spec, "network", json_string(is_private(def) ? "private" : "host"));
	if (image && is_private(def))
		put(spec, "publish", make_publish(t));
	if (json_array_size(mounts))
		put(spec, "mounts", json_incref(mounts));
	json_decref(mounts);
	if (app_text(def, "user"))
		put(spec, "user", json_string(app_text(def, "user")));
	if (json_is_true(json_object_get(seccomp, "unconfined")))
		put(spec, "seccomp", json_string("unconfined"));
	else if (app_text(seccomp, "profileName"))
		put(spec, "seccomp", json_string(app_text(seccomp, "profileName")));
	return spec;
}
