// SPDX-License-Identifier: Apache-2.0
/* The table of the meter's families: what there is to load, attach and pin. */
#include "agent/meter_family.h"

#include "bpf/block.skel.h"
#include "bpf/fork.skel.h"
#include "bpf/governor.skel.h"
#include "bpf/guard.skel.h"
#include "bpf/meter.skel.h"
#include "bpf/net.skel.h"
#include "bpf/walk.skel.h"

/* Births come last: a thread that has a state is one that all the others know. */
static const struct family_hook sched_hooks[] = {
	{"sched_process_exit", "meter_exit"},
	{"sched_process_exec", "meter_exec"},
	{"sched_switch", "meter_switch"},
	{"sched_process_fork", "meter_fork"},
	{"signal_generate", "meter_signal"},
	{"task_newtask", "meter_newtask"},
	{},
};

static const struct family_map sched_maps[] = {
	{.name = "drops"},
	{.name = "cells", .per_cpu = true},
	{.name = "details", .per_cpu = true},
	{.name = "slots"},
	{.name = "exits"},
	{.name = "victims"},
	{.name = "tasks"},
	{},
};

/* Ends first: a request in flight is one whose end will be seen. */
static const struct family_hook disk_hooks[] = {
	{"block_bio_complete", "disk_end"},
	{"block_bio_complete_2nd", "disk_end_2nd"},
	{"block_rq_complete", "disk_done"},
	{"block_rq_complete_2nd", "disk_done_2nd"},
	{"block_split", "disk_split"},
	{"block_split_2nd", "disk_split_2nd"},
	{"block_bio_queue", "disk_queue"},
	{"block_bio_queue_2nd", "disk_queue_2nd"},
	{"block_bio_queue_3rd", "disk_queue_3rd"},
	{},
};

static const struct family_map disk_maps[] = {{.name = "disks"}, {.name = "disk_flights"}, {}};

/* A socket that is followed is one whose packets count. */
static const struct family_hook net_hooks[] = {
	{"net_ingress", "net_ingress"},
	{"net_egress", "net_egress"},
	{"tcp_retransmit_skb", "net_retransmit"},
	{"net_socket", "net_socket"},
	{},
};

static const struct family_map net_maps[] = {
	{.name = "connects"}, {.name = "netqs"}, {.name = "flows"}, {.name = "peers"}, {},
};

static const struct family_optional net_optional[] = {
	{"net_socket", "TCP connections"},
	{"net_retransmit", "TCP retransmits"},
	{},
};

/* Its program is attached by agent/governor.c while a task is governed. */
static const struct family_map governor_maps[] = {{.name = "budgets"}, {}};

static const struct family_hook guard_hooks[] = {
	{"guard_bind4", "guard_bind4"},
	{"guard_bind6", "guard_bind6"},
	{"guard_connect4", "guard_connect4"},
	{"guard_connect6", "guard_connect6"},
	{"guard_sendmsg4", "guard_sendmsg4"},
	{"guard_sendmsg6", "guard_sendmsg6"},
	{},
};

static const struct family_map guard_maps[] = {{.name = "guards"}, {}};

static const struct family_hook fork_hooks[] = {
	{"fork_limit_lsm", "fork_limit_lsm"},
	{"fork_limit", "fork_limit"},
	{},
};

static const struct family_map fork_maps[] = {{.name = "forkqs"}, {}};

static const struct family_optional fork_optional[] = {
	{"fork_limit_lsm", "limits of forks that hold under preemption"},
	{},
};

static const struct family_optional sched_optional[] = {
	{"meter_pick_up", "tasks whose meter was lost"},
	{"meter_signal", "kills by seccomp filters"},
	{},
};

/* Gauges are of no use to the next agent, and iterators are never pinned. */
static const struct family_optional walk_optional[] = {
	{"walk_task", "exact resident memory"},
	{"walk_cgroup", "pressure, the controllers' totals"},
	{},
};

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
	[METER_WALK] =
		{
			.name = "walk",
			.gives = "memory, faults, pressure, user and system time",
			.elf = walk_bpf__elf_bytes,
			.optional = walk_optional,
			.needs_cgroup = true,
		},
	[METER_DISK] =
		{
			.name = "disk",
			.gives = "block devices: bytes, operations, latency",
			.elf = block_bpf__elf_bytes,
			.hooks = disk_hooks,
			.maps = disk_maps,
		},
	[METER_NET] =
		{
			.name = "net",
			.gives = "packets, TCP connections, round-trip times",
			.elf = net_bpf__elf_bytes,
			.hooks = net_hooks,
			.maps = net_maps,
			.optional = net_optional,
			.needs_cgroup = true,
		},
	[METER_GOVERNOR] =
		{
			.name = "governor",
			.gives = "CPU quotas without the cpu controller",
			.elf = governor_bpf__elf_bytes,
			.maps = governor_maps,
		},
	[METER_GUARD] =
		{
			.name = "guard",
			.gives = "denied binds and connects",
			.elf = guard_bpf__elf_bytes,
			.hooks = guard_hooks,
			.maps = guard_maps,
			.needs_cgroup = true,
		},
	[METER_FORK] =
		{
			.name = "fork",
			.gives = "forks a second",
			.elf = fork_bpf__elf_bytes,
			.hooks = fork_hooks,
			.maps = fork_maps,
			.optional = fork_optional,
		},
};
