/* SPDX-License-Identifier: Apache-2.0 */
/* From the counters of bpf/audit.bpf.c to a recording. */
#ifndef DCOS_AUDIT_COLLECT_H
#define DCOS_AUDIT_COLLECT_H

#include "tools/dcosaudit/live.h"
#include "tools/dcosaudit/recording.h"

/**
 * collect - what was counted so far
 * @l: of LIVE_RECORD
 * @started_unix_us: when it began; the duration is from then to now
 * @ret: filled; to be ended with rec_free(). Calls that are made meanwhile are in it or not.
 * Return: 0 or -ENOMEM. @ret is untouched unless 0.
 */
int collect(struct live *l, const struct target *t, uint64_t started_unix_us,
	    struct recording *ret);

#endif
