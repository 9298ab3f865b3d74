// SPDX-License-Identifier: Apache-2.0
/* The table of the meter's families: what there is to load, attach and pin. */
#include "agent/meter_family.h"

#include "bpf/meter.skel.h"

/* Births come last: a thread that has a state is one that all the others know. */
static const struct family_hook sched_hooks[] = {
	{"sched_process_exit", "meter_exit"}, {"sched_process_exec", "meter_exec"},
	{"sched_switch", "meter_switch"},     {"sched_process_fork", "meter_fork"},
	{"task_newtask", "meter_newtask"},    {},
};

static const struct family_map sched_maps[] = {
	{.name = "drops"},
	{.name = "cells", .per_cpu = true},
	{.name = "details", .per_cpu = true},
	{.name = "slots"},
	{.name = "exits"},
	{.name = "tasks"},
	{},
};

static const char *const sched_optional[] = {"meter_pick_up", NULL};

const struct family_spec meter_families[METER_FAMILIES] = {
	[METER_SCHED] =
		{
			.name = "sched",
			.gives = "CPU time, waits, switches, births and ends",
			.elf = meter_bpf__elf_bytes,
			.hooks = sched_hooks,
			.maps = sched_maps,
			.optional = sched_optional,
		},
};
