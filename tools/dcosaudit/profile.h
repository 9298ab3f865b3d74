/* SPDX-License-Identifier: Apache-2.0 */
/* A seccomp profile with all that is known of it: text, document, places, compiled filter. */
#ifndef DCOS_AUDIT_PROFILE_H
#define DCOS_AUDIT_PROFILE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/lib/why.h"
#include "isolators/seccomp_profile.h"
#include "tools/dcosaudit/position.h"

struct profile {
	char *name; /* as the user gave it */
	char *text;
	size_t len;
	uint64_t caps; /* that its conditions were judged with */
	json_t *doc;
	struct pos_index *places;
	struct sc_profile parsed;
	struct sc_filter *filter;
};

/**
 * profile_text - read a profile
 * @name: a file; "-" is standard input; "default", "strict", "web" are those of the agent
 *        (./default is a file)
 * @ret: filled with name and text only
 * @why: names the file and what is wrong
 * Return: 0 or -errno.
 */
int profile_text(const char *name, struct profile *ret, struct why *why);

/**
 * profile_parse - doc and places of a profile that has its text
 * @why: with line and column
 * Return: 0; -EINVAL no JSON object.
 */
int profile_parse(struct profile *p, struct why *why);

/**
 * profile_compile - parsed and filter of a profile that has its document
 * @why: with line and column
 */
int profile_compile(struct profile *p, uint64_t caps, struct why *why);

/** profile_load - all three of the above */
int profile_load(const char *name, uint64_t caps, struct profile *ret, struct why *why);

/** profile_load_text - as profile_load() for a text; @name is for messages */
int profile_load_text(const char *name, const char *text, uint64_t caps, struct profile *ret,
		      struct why *why);

/**
 * profile_foreign - is it for other machines only
 * Return: an architecture that it lists, borrowed, if it lists none that this machine executes;
 * else NULL.
 */
const char *profile_foreign(const struct profile *p);

/** profile_free - free what it owns and zero it */
void profile_free(struct profile *p);

#define cleanup_profile __attribute__((cleanup(profile_free)))

/**
 * profile_pointer - the JSON pointer at the start of a sentence of the profile's parser
 * @sentence: "seccomp: /syscalls/3/action: ..."
 * @buf: gets "/syscalls/3/action", "" if there is none
 * Return: the sentence behind it.
 */
const char *profile_pointer(const char *sentence, char *buf, size_t size);

#endif
