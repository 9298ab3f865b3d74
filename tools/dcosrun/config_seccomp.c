// SPDX-License-Identifier: Apache-2.0
/*
 * "linux.seccomp" of a config.json as a profile for isolators/seccomp.h, whose reader is strict:
 * it gets the keys that the specification has, and no others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/dcosrun/config.h"

static const char *const top_keys[] = {"defaultAction",
				       "defaultErrnoRet",
				       "architectures",
				       "flags",
				       "listenerPath",
				       "listenerMetadata",
				       NULL};
static const char *const call_keys[] = {"names", "action", "errnoRet", "args", NULL};
static const char *const arg_keys[] = {"index", "value", "valueTwo", "op", NULL};

static json_t *known(const json_t *o, const char *const *keys)
{
	json_t *copy = json_object();

	for (; copy && *keys; keys++)
		if (cf_has(o, *keys) && json_object_set(copy, *keys, json_object_get(o, *keys))) {
			json_decref(copy);
			return NULL;
		}
	return copy;
}

/* Elements that are objects by their known keys; what is not one is left for the reader's error. */
static json_t *known_each(const json_t *list, const char *const *keys)
{
	json_t *copy = json_array(), *item;
	size_t i;

	json_array_foreach (list, i, item) {
		json_t *one = json_is_object(item) ? known(item, keys) : json_incref(item);

		if (!one || json_array_append_new(copy, one)) {
			json_decref(copy);
			return NULL;
		}
	}
	return copy;
}

static json_t *calls_of(const json_t *list)
{
	json_t *copy = known_each(list, call_keys), *item;
	size_t i;

	json_array_foreach (copy, i, item) {
		json_t *args = json_object_get(item, "args");

		if (json_is_array(args) &&
		    json_object_set_new(item, "args", known_each(args, arg_keys))) {
			json_decref(copy);
			return NULL;
		}
	}
	return copy;
}

int config_read_seccomp(struct config *c, const json_t *seccomp)
{
	json_t *copy = known(seccomp, top_keys), *calls = json_object_get(seccomp, "syscalls");
	cleanup_free char *text = NULL;
	int err = copy ? 0 : -ENOMEM;

	if (!err && json_is_array(calls))
		err = json_object_set_new(copy, "syscalls", calls_of(calls)) ? -ENOMEM : 0;
	else if (!err && calls && !json_is_null(calls))
		err = json_object_set(copy, "syscalls", calls) ? -ENOMEM : 0;
	if (!err)
		text = json_dumps(copy, JSON_COMPACT);
	json_decref(copy);
	if (!text)
		return why_set(c->why, -ENOMEM, "linux.seccomp");
	c->spec.seccomp = cf_text(c, "%s", text);
	return c->spec.seccomp ? 0 : -ENOMEM;
}
