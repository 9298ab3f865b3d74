// SPDX-License-Identifier: Apache-2.0
/*
 * Findings as SARIF: a task is a logical location, since it is no file.
 * Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
 */
#include "tools/dcosaudit/sarif.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"

#define SCHEMA "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"

struct sarif {
	json_t *results;
};

struct sarif *sarif_new(void)
{
	struct sarif *s = calloc(1, sizeof(*s));

	if (s)
		s->results = json_array();
	return s;
}

static json_t *location(const char *node, const char *task)
{
	cleanup_free char *name = NULL;

	if (asprintf(&name, "%s/%s", node, task) < 0)
		return NULL;
	return json_pack("{s:[{s:s, s:s, s:s}]}", "logicalLocations", "name", task,
			 "fullyQualifiedName", name, "kind", "resource");
}

static int rule_index(const char *rule)
{
	size_t nr;
	const struct policy_rule *rules = policy_rules(&nr);

	for (size_t i = 0; i < nr; i++)
		if (!strcmp(rules[i].key, rule))
			return (int)i;
	return -1; /* SARIF: not given */
}

int sarif_add(struct sarif *s, const char *node, const char *task, const struct policy_verdict *v)
{
	for (size_t i = 0; i < v->nr; i++) {
		const struct policy_broken *b = &v->broken[i];
		cleanup_free char *text = NULL;

		if (asprintf(&text, "task %s%s%s: %s", task, v->role ? ", role " : "",
			     v->role ? v->role : "", b->text) < 0)
			return -ENOMEM;
		if (json_array_append_new(s->results,
					  json_pack("{s:s, s:i, s:s, s:s, s:{s:s}, s:[o]}",
						    "ruleId", b->rule, "ruleIndex",
						    rule_index(b->rule), "kind", "fail", "level",
						    "error", "message", "text", text, "locations",
						    location(node, task))))
			return -ENOMEM;
	}
	return 0;
}

json_t *sarif_document(struct sarif *s)
{
	json_t *rules = json_array();
	size_t nr;
	const struct policy_rule *r = policy_rules(&nr);

	for (size_t i = 0; i < nr; i++)
		(void)json_array_append_new(rules,
					    json_pack("{s:s, s:{s:s}}", "id", r[i].key,
						      "shortDescription", "text", r[i].help));
	return json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:O}]}", "$schema", SCHEMA,
			 "version", "2.1.0", "runs", "tool", "driver", "name", "dcosaudit",
			 "version", DCOS_VERSION, "rules", rules, "results", s->results);
}

void sarif_free(struct sarif *s)
{
	if (s)
		json_decref(s->results);
	free(s);
}
