/* SPDX-License-Identifier: Apache-2.0 */
/* The meter's inside; only for agent/meter*.c, and tests of it. */
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
	struct dcos_gauge *gauges; /* mapped, [slot]; NULL: that family was refused */
	struct dcos_disks *disks; /* likewise */
	uint64_t walked; /* number of the last walk */
	int walk_tasks, walk_cgroups; /* iterators, -1 none */
	int ncpu; /* possible CPUs */
	int exits_fd, victims_fd, flush_fd;
	uint32_t last; /* handed out last: the next search begins behind it */
	bool taken[DCOS_SLOTS];
	char dir[PIN_PATH_MAX]; /* with the pins of this ABI */
};

/**
 * meter_open_some - as meter_open(), but only some families
 * @families: bit i is family i; the first is always wanted
 */
int meter_open_some(const char *pin_dir, int cgroup_fd, uint32_t families, struct meter **ret,
		    struct why *why);

/** meter_walk_open - get the iterators ready, from @cgroup_fd on. Return: 0 or -errno */
int meter_walk_open(struct meter *m, int cgroup_fd, struct why *why);
void meter_walk_close(struct meter *m);

/**
 * meter_map_fd - a map of one family, for who reads it by system calls
 * Return: owned by @m; -EOPNOTSUPP: the family was refused.
 */
int meter_map_fd(const struct meter *m, enum meter_family family, const char *name);

/** meter_prog_fd - a loaded program of one family; as above */
int meter_prog_fd(const struct meter *m, enum meter_family family, const char *name);

/**
 * meter_count_throttled - count what an enforcer in user space has done to a slot
 * @periods: that it looked at; @throttled: of these in which the task was stopped, for @ns
 * From any thread.
 */
void meter_count_throttled(struct meter *m, uint32_t slot, uint64_t periods, uint64_t throttled,
			   uint64_t ns);

#endif
