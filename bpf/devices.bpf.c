// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which device nodes may the processes of a container open and make?
 *
 * Event: cgroup/dev, called by the kernel for each open and each mknod of a device node by a
 * process in the cgroup or below it, whatever the node's path and permissions.
 *
 * Algorithm: a list of rules, constant once loaded, so that the verifier reduces it to a row of
 * comparisons; of each access asked for (read, write, mknod) the first rule of the node's type,
 * major and minor that speaks of it decides. What no rule speaks of is denied. Denials are counted in the
 * container's meter cell, found by the cgroup of the caller or the nearest one above that has a
 * slot.
 *
 * Cost: only at open and mknod of device nodes, never at read or write. Bounded by DEVICE_RULES_MAX
 * comparisons, and for a denial by DEVICE_LEVELS_MAX look-ups.
 *
 * Misses: descriptors that were opened outside and passed in; denials of cgroups without a slot.
 *
 * Fails closed: what no rule allows is denied, and a container whose program does not load or
 * attach is not started.
 */

/*
 * The only kernel structure used is the context, which bpf(2) promises: without relocations
 * libbpf need not read all of the kernel's types, 15 ms, to load this.
 */
#define BPF_NO_PRESERVE_ACCESS_INDEX
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct dcos_device_rule rules[DEVICE_RULES_MAX];
const volatile __u32 rules_nr;
const volatile __u32 ncpu; /* cells of a slot; 0: nothing is counted, and there are no maps */

/* cgroup id -> slot. Written by the meter, only read here. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DCOS_SLOTS);
	__type(key, __u64);
	__type(value, struct dcos_slot_key);
} slots SEC(".maps");

/* slot * ncpu + cpu -> counters. nr_device_denied is added to here, and read by the meter. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct dcos_cell);
} cells SEC(".maps");

static void count_denied(void)
{
	for (int level = 1; level <= DEVICE_LEVELS_MAX; level++) {
		__u64 id = bpf_get_current_ancestor_cgroup_id(level);
		struct dcos_slot_key *key;
		struct dcos_cell *cell;
		__u32 i;

		if (!id)
			return;
		key = bpf_map_lookup_elem(&slots, &id);
		if (!key)
			continue;
		i = key->slot * ncpu + bpf_get_smp_processor_id();
		cell = bpf_map_lookup_elem(&cells, &i);
		if (cell && cell->owner == id)
			__sync_fetch_and_add(&cell->nr_device_denied, 1);
		return;
	}
}

SEC("cgroup/dev")
int devices(struct bpf_cgroup_dev_ctx *ctx)
{
	__u32 asked = ctx->access_type, major = ctx->major, minor = ctx->minor;
	__u32 type = 1U << (asked & 0xffff), access = asked >> 16;

	for (__u32 i = 0; i < DEVICE_RULES_MAX; i++) {
		if (i >= rules_nr)
			break;
		if (!(rules[i].types & type) || !(rules[i].access & access) ||
		    (rules[i].major != DEVICE_ANY && rules[i].major != major) ||
		    (rules[i].minor != DEVICE_ANY && rules[i].minor != minor))
			continue;
		if (rules[i].deny)
			break;
		access &= ~rules[i].access;
		if (!access)
			return 1;
	}
	if (ncpu)
		count_denied();
	return 0;
}
