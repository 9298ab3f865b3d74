/* SPDX-License-Identifier: Apache-2.0 */
/* A baseline for each role of tasks, and what tasks do not keep of it; see dcosaudit(1), POLICY. */
#ifndef DCOS_AUDIT_POLICY_H
#define DCOS_AUDIT_POLICY_H

#include <jansson.h>
#include <stddef.h>

#include "agent/lib/why.h"
#include "tools/dcosaudit/facts.h"

#define POLICY_FORMAT	  "dcosaudit-policy"
#define POLICY_VERSION	  1
#define POLICY_JSON_MAX	  (1U << 20) /* bytes */
#define POLICY_TEXT_MAX	  512 /* bytes of a sentence, longer ones are cut */
#define POLICY_BROKEN_MAX 256 /* of one task */

/* One thing a task does not keep. */
struct policy_broken {
	const char *rule; /* a row of policy_rules() */
	char text[POLICY_TEXT_MAX];
};

struct policy_verdict {
	const char *role; /* borrowed from the policy; NULL: no role matches */
	struct policy_broken broken[POLICY_BROKEN_MAX];
	size_t nr, left_out;
};

struct policy_rule {
	const char *key; /* in "require", and the name of the rule */
	const char *help;
};

/** policy_rules - what a policy can require. @ret_nr: how many */
const struct policy_rule *policy_rules(size_t *ret_nr);

/**
 * policy_parse - a text
 * @name: what it is called in @why
 * @ret: a new reference, its form is right
 * @why: with the place
 * Return: 0; -EINVAL.
 */
int policy_parse(const char *text, size_t len, const char *name, json_t **ret, struct why *why);

/**
 * policy_read - a file
 * @ret: a new reference, its form is right
 * @why: with the place
 * Return: 0; -EINVAL; -errno of reading.
 */
int policy_read(const char *path, json_t **ret, struct why *why);

/**
 * policy_check - what a task does not keep of the first role that matches it
 * @ret: filled; one rule "role" if none matches
 */
void policy_check(const json_t *policy, const struct facts *f, struct policy_verdict *ret);

#endif
