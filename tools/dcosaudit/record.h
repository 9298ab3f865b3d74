/* SPDX-License-Identifier: Apache-2.0 */
/* Recording, for the commands that do. */
#ifndef DCOS_AUDIT_RECORD_H
#define DCOS_AUDIT_RECORD_H

#include "tools/dcosaudit/live.h"
#include "tools/dcosaudit/recording.h"

struct record_how {
	const char *path; /* written every flush_ms; NULL: not written */
	uint64_t duration_ms; /* 0: until the target ends or a signal comes */
	uint64_t startup_ms, flush_ms;
};

/**
 * record_run_live - record a target until its end
 * @ret: zeroed; filled, to be ended with rec_free()
 * Return: exit status; what failed was printed.
 */
int record_run_live(struct audit *a, struct target *t, const struct record_how *how,
		    struct recording *ret);

#endif
