/* SPDX-License-Identifier: Apache-2.0 */
/* What the isolators that write cgroup files have in common; used by isolators/ only. */
#ifndef DCOS_KNOBS_H
#define DCOS_KNOBS_H

#include <stddef.h>
#include <stdint.h>

#include "cgroupfs/cgroupfs.h"
#include "isolators/isolator.h"

#define KNOB_VALUE_MAX 64 /* bytes of a knob's text, the NUL included */

/* One file of the container's cgroup, and what shall be in it. */
struct knob {
	const char *file; /* "pids.max" */
	const char *allowed; /* for the sentence when the kernel refuses the value */
	char value[KNOB_VALUE_MAX];
};

/**
 * knob_u64 - a knob whose value is one number
 * @file: a string constant
 * @value: UINT64_MAX becomes "max"
 * @allowed: a string constant, e.g. "1..10000"
 */
struct knob knob_u64(const char *file, uint64_t value, const char *allowed);

/**
 * knobs_write - write knobs of a cgroup that is thrown away if one fails
 * @iso: whose why names the knob, the value and the reason
 * Return: 0 or the first -errno.
 */
int knobs_write(struct isolation *iso, const struct knob *knobs, size_t nr);

/**
 * knobs_change - write knobs of a container that lives: all or none
 * @iso: whose why names the knob, the value and the reason
 *
 * Those whose text is right already are not written. When one fails, those before it get their
 * old values back in reverse order. Return: 0 or the -errno of the one that failed.
 */
int knobs_change(struct isolation *iso, const struct knob *knobs, size_t nr);

/**
 * knob_exists - has the container's cgroup this file
 */
bool knob_exists(const struct isolation *iso, const char *file);

/**
 * controller_missing - why containers of this host have no files of a controller
 * @buf: the reason; "" when they have them
 * Return: is it missing.
 */
bool controller_missing(const struct iso_host *host, enum cg_controller c, char *buf, size_t size);

/**
 * controller_probe - the probe of an isolator that stands on one controller
 * @ret: ok with @how, or not ok with the reason
 * Return: 0.
 */
int controller_probe(const struct iso_host *host, enum cg_controller c, const char *how,
		     struct iso_probe *ret);

/**
 * warn_unenforced - keep the sentence "resources.cpus is not enforced: <reason>", once
 * @key: of the task spec, "cpus"
 * @reason: e.g. from controller_missing()
 */
void warn_unenforced(struct isolation *iso, const char *key, const char *reason);

#endif
