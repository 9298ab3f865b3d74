// SPDX-License-Identifier: Apache-2.0
/* App definitions, see app.h: ids, what one row of app_rows.c cannot say, and readers. */
#include "tools/allocator/app.h"
#include "agent/lib/why.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/allocator/app_rows.h"
#include "tools/allocator/health.h"
#include "tools/allocator/policy/policy.h"
#include "tools/allocator/scaling.h"

#define PART_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-."
#define PART_RULE                                                                                  \
	"must be parts of lower-case letters, digits, '-' and '.' (not at an end) between slashes"

void app_error(struct app_errors *e, const char *path, const char *fmt, ...)
{
	char text[512];
	json_t *item;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a cut sentence is still one */
	va_end(ap);
	if (!e->details)
		e->details = json_array();
	if (json_array_size(e->details) >= APP_ERRORS_MAX)
		return;
	/* a cut text may end in half a character */
	item = json_pack("{s:s, s:[s]}", "path", path, "errors", text)
		       ?: json_pack("{s:s, s:[s]}", "path", "/", "errors", "is not UTF-8");
	(void)json_array_append_new(e->details, item); /* out of memory: the refusal stays */
}

void app_errors_free(struct app_errors *e)
{
	json_decref(e->details);
	e->details = NULL;
}

/* One part of a path, as a DNS label with dots. */
static bool is_part(const char *s, size_t len)
{
	if (!len || strspn(s, PART_CHARS) < len)
		return false;
	return s[0] != '-' && s[0] != '.' && s[len - 1] != '-' && s[len - 1] != '.';
}

int app_id_make(const char *id, const char *base, char *buf, struct app_errors *e)
{
	bool absolute = *id == '/';
	int n = snprintf(buf, APP_ID_MAX + 1, "%s/%s",
			 absolute || !base || !strcmp(base, "/") ? "" : base, id + absolute);

	if (n > APP_ID_MAX) {
		app_error(e, "/id", "is longer than %d bytes", APP_ID_MAX);
		return -EINVAL;
	}
	if (n > 1 && buf[n - 1] == '/')
		buf[n - 1] = '\0';
	for (const char *p = buf; *p; p += 1 + strcspn(p + 1, "/"))
		if (!is_part(p + 1, strcspn(p + 1, "/"))) {
			app_error(e, "/id", "is %s, " PART_RULE, id);
			return -EINVAL;
		}
	return 0;
}

static void check_command(const json_t *app, struct app_errors *e)
{
	bool cmd = json_object_get(app, "cmd"), args = json_object_get(app, "args");
	const json_t *docker = json_object_get(json_object_get(app, "container"), "docker");

	if (cmd && args)
		app_error(e, "/", "must have either cmd or args, not both");
	else if (!cmd && !args && !json_object_get(docker, "image"))
		app_error(e, "/", "must have one of cmd, args or container.docker.image");
}

static void check_env(const json_t *app, struct app_errors *e)
{
	json_t *env = json_object_get(app, "env"), *v;
	const char *key;

	if (!json_is_object(env)) {
		app_error(e, "/env", "must be an object");
		return;
	}
	json_object_foreach (env, key, v) {
		const char *secret = json_string_value(json_object_get(v, "secret"));

		if (!*key || strchr(key, '='))
			app_error(e, "/env", "has a name that is empty or has a '='");
		else if (!json_is_string(v) && !secret)
			app_error(e, "/env", "%s must be a text or {\"secret\": NAME}", key);
		else if (secret && !json_object_get(json_object_get(app, "secrets"), secret))
			app_error(e, "/env", "%s names the secret %s, which is not in secrets", key,
				  secret);
	}
}

static void check_constraints(const json_t *app, struct app_errors *e)
{
	json_t *list = json_object_get(app, "constraints"), *c;
	enum policy_operator op;
	size_t i;

	if (json_array_size(list) > POLICY_CONSTRAINTS_MAX)
		app_error(e, "/constraints", "are more than %d", POLICY_CONSTRAINTS_MAX);
	json_array_foreach (list, i, c) {
		const char *name = json_string_value(json_array_get(c, 1));
		char at[64];

		(void)snprintf(at, sizeof(at), "/constraints(%zu)", i); /* fits */
		if (json_array_size(c) < 2 || json_array_size(c) > 3)
			app_error(e, at, "must be [field, operator] or [field, operator, value]");
		else if (policy_operator_parse(name, &op) < 0)
			app_error(e, at,
				  "has the operator %s, must be one of UNIQUE, CLUSTER, "
				  "GROUP_BY, LIKE, UNLIKE, MAX_PER, IS",
				  name);
		else if ((op == POLICY_LIKE || op == POLICY_UNLIKE || op == POLICY_MAX_PER ||
			  op == POLICY_IS) &&
			 json_array_size(c) < 3)
			app_error(e, at, "must have a value after %s", name);
	}
}

/* "ports" is the older form of portDefinitions. */
static int take_ports(json_t *app, struct app_errors *e)
{
	json_t *ports = json_object_get(app, "ports"), *p, *defs;
	bool host = !json_array_size(
		json_object_get(json_object_get(app, "container"), "portMappings"));
	size_t i;

	if (ports && !json_object_get(app, "portDefinitions")) {
		defs = json_array();
		json_array_foreach (ports, i, p) {
			if (!json_is_integer(p) || json_integer_value(p) < 0 ||
			    json_integer_value(p) > 65535)
				app_error(e, "/ports", "must be numbers from 0 to 65535");
			(void)json_array_append_new(defs, json_pack("{s:i, s:s, s:{}}", "port",
								    (int)json_integer_value(p),
								    "protocol", "tcp",
								    "labels")); /* counted below */
		}
		if (!json_is_array(ports) || json_array_size(defs) != json_array_size(ports))
			app_error(e, "/ports", "must be an array of numbers");
		(void)json_object_set_new(app, "portDefinitions", defs); /* checked as others */
	} else if (!json_object_get(app, "portDefinitions") && host) {
		defs = json_pack("[{s:i, s:s, s:s, s:{}}]", "port", 0, "protocol", "tcp", "name",
				 "default", "labels");
		if (json_object_set_new(app, "portDefinitions", defs) < 0)
			return -ENOMEM;
	}
	(void)json_object_del(app, "ports"); /* it need not be there */
	if (app_ports_nr(app) > APP_PORTS_MAX)
		app_error(e, "/portDefinitions", "are more than %d", APP_PORTS_MAX);
	return 0;
}

static void check_unreachable(const json_t *app, struct app_errors *e)
{
	const json_t *u = json_object_get(app, "unreachableStrategy");
	const char *text = json_string_value(u);
	json_int_t after, expunge;

	if (text && !strcmp(text, "disabled"))
		return;
	after = json_integer_value(json_object_get(u, "inactiveAfterSeconds"));
	expunge = json_integer_value(json_object_get(u, "expungeAfterSeconds"));
	if (!json_is_object(u))
		app_error(e, "/unreachableStrategy", "must be an object or \"disabled\"");
	else if (after < 0 || expunge < after)
		app_error(e, "/unreachableStrategy",
			  "expungeAfterSeconds must not be less than inactiveAfterSeconds");
}

static void check_scaling(const json_t *app, struct app_errors *e)
{
	const json_t *own = json_object_get(app, "dcos"), *rule = json_object_get(own, "autoscale");
	struct why why = {};

	if (own && !json_is_object(own))
		app_error(e, "/dcos", "must be an object");
	else if (rule && scaling_check(rule, &why) < 0)
		app_error(e, "/dcos/autoscale", "%s", why.text);
}

static int complete(json_t *app, const char *base, struct app_errors *e)
{
	char id[APP_ID_MAX + 1];
	const char *given = app_text(app, "id");

	if (!given)
		app_error(e, "/id", "must be given");
	else if (!strcmp(given, "/"))
		app_error(e, "/id", "must not be the root");
	else if (!app_id_make(given, base, id, e))
		(void)json_object_set_new(app, "id", json_string(id)); /* it was read so, too */
	if (take_ports(app, e) < 0)
		return -ENOMEM;
	check_command(app, e);
	check_env(app, e);
	check_constraints(app, e);
	health_check(app, e);
	check_unreachable(app, e);
	check_scaling(app, e);
	return e->details ? -EINVAL : 0;
}

int app_make(const json_t *in, const char *base, json_t **ret, struct app_errors *e)
{
	json_t *app = NULL;
	int r = shape_make(app_rows, in, "", &app, e);

	r = r ?: complete(app, base, e);
	if (r < 0)
		json_decref(app);
	else
		*ret = app;
	return r;
}

json_t *app_merge(const json_t *old, const json_t *patch)
{
	json_t *out = json_deep_copy(old), *v;
	const char *key;

	json_object_foreach ((json_t *)(uintptr_t)patch, key, v) {
		if (json_is_null(v))
			(void)json_object_del(out, key); /* it need not be there */
		else if (json_object_set(out, key, v) < 0)
			goto fail;
		if (!strcmp(key, "cmd") && !json_is_null(v))
			(void)json_object_del(out, "args"); /* one takes the other's place */
		if (!strcmp(key, "args") && !json_is_null(v))
			(void)json_object_del(out, "cmd");
		if (!strcmp(key, "ports"))
			(void)json_object_del(out, "portDefinitions");
	}
	return out;
fail:
	json_decref(out);
	return NULL;
}

bool app_same_config(const json_t *a, const json_t *b)
{
	static const char *const changing[] = {"instances", "version", "versionInfo"};
	json_t *x = json_copy((json_t *)(uintptr_t)a), *y = json_copy((json_t *)(uintptr_t)b);
	bool same;

	for (size_t i = 0; i < ARRAY_SIZE(changing); i++) {
		(void)json_object_del(x, changing[i]); /* it need not be there */
		(void)json_object_del(y, changing[i]);
	}
	same = json_equal(x, y);
	json_decref(x);
	json_decref(y);
	return same;
}

const char *app_id(const json_t *app)
{
	return app_text(app, "id");
}

const char *app_text(const json_t *app, const char *key)
{
	return json_string_value(json_object_get(app, key));
}

uint32_t app_instances(const json_t *app)
{
	return (uint32_t)json_integer_value(json_object_get(app, "instances"));
}

double app_number(const json_t *app, const char *key)
{
	return json_number_value(json_object_get(app, key));
}

size_t app_ports_nr(const json_t *app)
{
	size_t mapped =
		json_array_size(json_object_get(json_object_get(app, "container"), "portMappings"));

	return mapped ?: json_array_size(json_object_get(app, "portDefinitions"));
}
