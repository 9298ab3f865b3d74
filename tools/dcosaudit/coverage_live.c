// SPDX-License-Identifier: Apache-2.0
/* dcosaudit coverage --live: a task is recorded for a time, and compared to its own profile. */
#include "agent/lib/cleanup.h"
#include "tools/dcosaudit/coverage.h"
#include "tools/dcosaudit/record.h"
#include "tools/dcosaudit/task_profile.h"

static int load(struct audit *a, const struct coverage_options *o, const struct target *t,
		struct profile *ret)
{
	cleanup_free char *text = NULL;
	uint64_t caps = 0;
	int status = 0;

	if (o->caps || task_caps(t->task, &caps) < 0)
		status = audit_caps(a, o->caps, &caps);
	if (status)
		return status;
	if (o->profile)
		return profile_load(o->profile, caps, ret, &a->why) < 0
			       ? audit_fail("%s", a->why.text)
			       : 0;
	if (task_profile_text(t->task, o->profile_dir, &text, &a->why) < 0 ||
	    profile_load_text(task_profile_name(t->task), text, caps, ret, &a->why) < 0)
		return audit_fail("%s: %s", t->name, a->why.text);
	return 0;
}

static int cover(struct audit *a, const struct coverage_options *o, struct target *t)
{
	const struct record_how how = {.duration_ms = o->duration.given ? o->duration.value : 0};
	cleanup_profile struct profile p = {};
	cleanup_view struct view v = {};
	struct recording r = {};
	int status = load(a, o, t, &p);

	if (status)
		return status;
	if (view_new(&p, &v, &a->why) < 0)
		return audit_fail("%s", a->why.text);
	status = record_run_live(a, t, &how, &r);
	if (!status)
		status = coverage_report(a, o, &v, &r);
	rec_free(&r);
	return status;
}

int coverage_live(struct audit *a, const struct coverage_options *o, char **operands, int nr)
{
	const struct target_options which = {};
	struct target t;
	int status;

	if (nr != 1)
		return audit_usage(a, "coverage --live: one TASK");
	live_block();
	status = target_open(a, &which, operands, nr, false, &t);
	if (status)
		return status;
	status = cover(a, o, &t);
	(void)target_close(&t); /* nothing was started */
	return status;
}
