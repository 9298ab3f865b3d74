/* SPDX-License-Identifier: Apache-2.0 */
/* Findings in the Static Analysis Results Interchange Format, version 2.1.0 (OASIS). */
#ifndef DCOS_AUDIT_SARIF_H
#define DCOS_AUDIT_SARIF_H

#include <jansson.h>

#include "tools/dcosaudit/policy.h"

struct sarif;

/** sarif_new - a run without findings. Return: NULL without memory */
struct sarif *sarif_new(void);

/** sarif_add - what a task of a node does not keep. Return: 0 or -ENOMEM */
int sarif_add(struct sarif *s, const char *node, const char *task, const struct policy_verdict *v);

/** sarif_document - all of it. Return: a new reference, NULL without memory */
json_t *sarif_document(struct sarif *s);

/** sarif_free - NULL is allowed */
void sarif_free(struct sarif *s);

#endif
