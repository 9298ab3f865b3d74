/* SPDX-License-Identifier: Apache-2.0 */
/* The meter's inside; only for agent/meter*.c. */
#ifndef DCOS_METER_IMPL_H
#define DCOS_METER_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/meter.h"
#include "agent/meter_family.h"

struct meter {
	struct iso_meter iso;
	struct family *families[METER_FAMILIES]; /* NULL: refused, and why: */
	struct why refused[METER_FAMILIES];
	struct dcos_cell *cells; /* mapped, [slot * ncpu + cpu] */
	struct dcos_detail *details; /* mapped, as cells */
	struct dcos_drops *drops; /* mapped */
	int ncpu; /* possible CPUs */
	int exits_fd, flush_fd;
	uint32_t last; /* handed out last: the next search begins behind it */
	bool taken[DCOS_SLOTS];
};

/**
 * meter_map_fd - a map of one family, for who reads it by system calls
 * Return: owned by @m; -EOPNOTSUPP: the family was refused.
 */
int meter_map_fd(const struct meter *m, enum meter_family family, const char *name);

#endif
