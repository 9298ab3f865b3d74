// SPDX-License-Identifier: Apache-2.0
/*
 * All errors of form at once: the agent's parser stops at the first one, so each is noted and
 * taken out of a copy of the document, and the parser runs again. What is told is therefore
 * exactly what the agent would say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "tools/dcosaudit/findings.h"

#define ROUNDS_MAX 100 /* errors of form that are told */

/* "key" of: unknown key "key", ... */
static bool unknown_key(const char *sentence, char *buf, size_t size)
{
	const char *prefix = "unknown key \"", *end;

	if (strncmp(sentence, prefix, strlen(prefix)))
		return false;
	sentence += strlen(prefix);
	end = strchr(sentence, '"');
	if (!end || (size_t)(end - sentence) >= size)
		return false;
	(void)snprintf(buf, size, "%.*s", (int)(end - sentence), sentence); /* fits */
	return true;
}

static bool element_number(const char *pointer, uint64_t *ret, const char **ret_rest)
{
	const char *prefix = "/syscalls/";
	size_t digits;
	char buf[24];

	if (strncmp(pointer, prefix, strlen(prefix)))
		return false;
	pointer += strlen(prefix);
	digits = strcspn(pointer, "/");
	if (digits >= sizeof(buf))
		return false;
	(void)snprintf(buf, sizeof(buf), "%.*s", (int)digits, pointer); /* fits */
	*ret_rest = pointer + digits;
	return parse_u64(buf, 0, SC_RULES_MAX, ret) == 0;
}

/* One name among others: the others are still to be looked at. */
static bool take_out_name(json_t *element, const char *rest)
{
	const char *prefix = "/names/";
	uint64_t i;

	return !strncmp(rest, prefix, strlen(prefix)) &&
	       parse_u64(rest + strlen(prefix), 0, SC_NAMES_MAX, &i) == 0 &&
	       json_array_set_new(json_object_get(element, "names"), (size_t)i,
				  json_string("read")) == 0;
}

/* Return: was something taken out, so that the parser gets further */
static bool take_out(json_t *doc, const char *pointer, const char *key)
{
	const char *rest;
	uint64_t i;

	if (element_number(pointer, &i, &rest)) {
		json_t *list = json_object_get(doc, "syscalls");

		return take_out_name(json_array_get(list, (size_t)i), rest) ||
		       json_array_set_new(list, (size_t)i,
					  json_pack("{s:[], s:s}", "names", "action",
						    "SCMP_ACT_ALLOW")) == 0;
	}
	if (*pointer == '/') {
		char top[64];

		(void)snprintf(top, sizeof(top), "%.*s", (int)strcspn(pointer + 1, "/"),
			       pointer + 1); /* known keys fit */
		if (!strncmp(top, "default", 7)) {
			(void)json_object_del(doc, "defaultErrno"); /* may not be there */
			(void)json_object_del(doc, "defaultErrnoRet");
			return json_object_set_new(doc, "defaultAction",
						   json_string("SCMP_ACT_ALLOW")) == 0;
		}
		return json_object_del(doc, top) == 0;
	}
	if (key)
		return json_object_del(doc, key) == 0;
	return !json_object_get(doc, "defaultAction") &&
	       json_object_set_new(doc, "defaultAction", json_string("SCMP_ACT_ALLOW")) == 0;
}

/* Return: was there an error, and may there be more */
static bool round_of(struct lint *l, json_t *doc)
{
	cleanup_free char *text = json_dumps(doc, JSON_COMPACT);
	char pointer[FINDING_POINTER_MAX], place[2 * FINDING_POINTER_MAX], key[64];
	struct sc_profile parsed;
	struct why why = {};
	const char *sentence;
	bool named;

	if (!text)
		return false;
	if (sc_profile_parse(text, l->profile->caps, &parsed, &why) == 0) {
		sc_profile_free(&parsed);
		return false;
	}
	sentence = profile_pointer(why.text, pointer, sizeof(pointer));
	named = unknown_key(sentence, key, sizeof(key));
	(void)snprintf(place, sizeof(place), "%s%s%s", pointer, named ? "/" : "",
		       named ? key : ""); /* fits */
	finding_add(l, SEVERITY_ERROR, "schema", place, "%s", sentence);
	return take_out(doc, pointer, named ? key : NULL);
}

void lint_schema(struct lint *l)
{
	json_t *doc = json_deep_copy(l->profile->doc);

	if (!json_is_object(doc)) {
		if (doc)
			finding_add(l, SEVERITY_ERROR, "schema", "", "must be an object");
		json_decref(doc);
		return;
	}
	for (int i = 0; i < ROUNDS_MAX && round_of(l, doc); i++)
		;
	json_decref(doc);
}
