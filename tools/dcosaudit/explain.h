/* SPDX-License-Identifier: Apache-2.0 */
/* Between explain*.c only. */
#ifndef DCOS_AUDIT_EXPLAIN_H
#define DCOS_AUDIT_EXPLAIN_H

#include "tools/dcosaudit/audit.h"
#include "tools/dcosaudit/compare.h"
#include "tools/dcosaudit/risks.h"

/* What explain knows of a profile. */
struct explained {
	struct profile profile;
	struct meaning meaning;
	struct view view;
	struct differences differences;
};

/** explain_call - all of one call, for people. Return: 0 or AUDIT_USAGE: no such call */
int explain_call(const struct audit *a, const struct explained *e, const char *name);

/** explain_knows - has any numbering of this machine such a call */
bool explain_knows(const struct view *v, const char *name);

/** explain_json - a profile, or one call of it unless @name is NULL. Return: NULL without memory */
json_t *explain_json(const struct explained *e, const char *name);

/** access_name - "denied", "asked", "allowed" */
const char *access_name(enum access a);

#endif
