/* SPDX-License-Identifier: Apache-2.0 */
/* What a profile allows and a recording never used. */
#ifndef DCOS_AUDIT_COVERAGE_H
#define DCOS_AUDIT_COVERAGE_H

#include "tools/dcosaudit/audit.h"
#include "tools/dcosaudit/recording.h"
#include "tools/dcosaudit/view.h"

struct coverage_options {
	const char *profile, *caps, *profile_dir;
	bool live; /* the operand is a task, to be recorded now */
	struct opt_u64 duration;
	bool fail_on_risky; /* exit status 3 if something risky is open and unused */
	struct opt_u64 weight; /* ... of at least this weight */
};

/**
 * coverage_report - print it, as a table or as JSON
 * @v: of the profile that the task runs under
 * Return: exit status.
 */
int coverage_report(struct audit *a, const struct coverage_options *o, const struct view *v,
		    const struct recording *r);

/** coverage_live - coverage of the task in @operands, recorded now. Return: exit status */
int coverage_live(struct audit *a, const struct coverage_options *o, char **operands, int nr);

#endif
