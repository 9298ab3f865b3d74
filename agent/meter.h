/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The meter: loads and pins the BPF programs of bpf/meter.bpf.c, owns the slots, maps the cells.
 * Programs, links and maps are pinned under <bpffs>/dcos<suffix>/v<DCOS_ABI>/, so that they go on
 * counting, and recording how tasks end, while no agent runs; a new agent takes them over.
 */
#ifndef DCOS_METER_H
#define DCOS_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/lib/hist.h"
#include "agent/lib/why.h"
#include "bpf/abi.h"
#include "isolators/isolator.h"

struct meter;

_Static_assert(HIST_CLASSES == DCOS_HIST, "one kind of histogram");

/*
 * A family is one object of BPF programs that loads, or is refused, by itself; all share the slots
 * and cells of the first, without which there is no meter.
 */
enum meter_family {
	METER_SCHED, /* bpf/meter.bpf.c */
	METER_WALK, /* bpf/walk.bpf.c: memory, faults, pressure, user and system time */
	METER_DISK, /* bpf/block.bpf.c */
	METER_NET, /* bpf/net.bpf.c */
	METER_GOVERNOR, /* bpf/governor.bpf.c: quotas, see agent/governor.h */
	METER_GUARD, /* bpf/guard.bpf.c: ports and addresses, see agent/netguard.h */
	METER_FORK, /* bpf/fork.bpf.c: forks a second, see agent/forkrate.h */
	METER_FAMILIES,
};

/*
 * Sum of a slot over the CPUs, the part that runs right now included after meter_flush() up to the
 * scheduler's last tick. @sum.owner is no sum: the cgroup that has the slot, 0 none.
 */
struct meter_row {
	struct dcos_cell sum;
};

/**
 * meter_open - load, or take over from the pins, and attach
 * @pin_dir: directory on a mounted bpffs, made if missing, e.g. "/sys/fs/bpf/dcos"
 * @cgroup_fd: directory of the agent's own subtree, must stay open as long as the meter: programs
 *             of cgroups are attached there, and walks begin there; -1 none: families that need one
 *             are refused
 * @why: on failure which program or map, and why
 *
 * A pinned set of the same ABI is reused with all its counts; pins that are incomplete are
 * replaced. A meter that could load but not count fails as well.
 * Return: 0 or -errno; the agent then runs unmetered and doctor says so.
 */
int meter_open(const char *pin_dir, int cgroup_fd, struct meter **ret, struct why *why);

/**
 * meter_close - unmap and close; the pins stay, counting goes on
 */
void meter_close(struct meter *m);

/**
 * meter_unpin - remove every pin, so that the programs end with the last descriptor
 * @pin_dir: as given to meter_open()
 */
int meter_unpin(const char *pin_dir);

/** meter_iso - what the isolators need; lives as long as @m */
const struct iso_meter *meter_iso(struct meter *m);

/**
 * meter_flush - charge what runs now to its cells, on every CPU
 * Costs one syscall a CPU. Return: 0 or the first -errno.
 */
int meter_flush(struct meter *m);

/**
 * meter_read - one slot
 * @ret: all 0 for slot 0 and beyond the last
 * A copy of mapped memory, no syscall. Counters never go back while the slot is taken.
 */
void meter_read(const struct meter *m, uint32_t slot, struct meter_row *ret);

/**
 * meter_has - whether a family counts
 * @why: set to why not, if it does not; to what is missing, if it counts in part
 */
bool meter_has(const struct meter *m, enum meter_family family, struct why *why);

/** meter_family_name - one word; @ret_gives: what is counted by it */
const char *meter_family_name(enum meter_family family, const char **ret_gives);

/**
 * meter_walk - look at all threads and all metered cgroups: fills the gauges, charges faults
 * One walk over the host's threads, in the kernel. Return: 0; -EOPNOTSUPP no such family.
 */
int meter_walk(struct meter *m);

/**
 * meter_gauge - what a slot held at the last walk
 * What that walk did not see is 0; @ret->has says which totals of the cgroup there are.
 */
void meter_gauge(const struct meter *m, uint32_t slot, struct dcos_gauge *ret);

/** meter_detail - the second half of a slot, summed over the CPUs */
void meter_detail(const struct meter *m, uint32_t slot, struct dcos_detail *ret);

struct meter_disk {
	uint32_t major, minor;
	struct dcos_disk io;
};

/**
 * meter_disks - what a slot did on each block device
 * Return: how many, at most @max; 0 without that family.
 */
int meter_disks(const struct meter *m, uint32_t slot, struct meter_disk *ret, int max);

#define METER_PROGRAMS_MAX 32
struct meter_program {
	char name[16]; /* as bpftool shows it */
	uint64_t run_ns, runs; /* CT_UNSET while the kernel does not count */
	uint64_t skipped; /* events that it did not see, as it was running on that CPU */
};

/** meter_programs - the BPF programs that are attached, and what they cost; at most @max */
int meter_programs(const struct meter *m, struct meter_program *ret, int max);

/**
 * meter_adopt - meter a cgroup whose processes run already
 * @cgroup_id: of a container that this agent took over
 * @init: its first process, for the exit record; 0 if it has ended
 * @ret_slot: the slot that it has, or a new one that counts from now on
 *
 * For the restart of an agent: a container that is metered keeps slot and counts; one whose meter
 * was lost (other ABI, pins removed) is metered again. Walks over all threads of the host.
 * Return: 0; -ENOSPC all slots in use; -EOPNOTSUPP the kernel has no task iterators: the slot is
 * given nevertheless and counts what is born from now on.
 */
int meter_adopt(struct meter *m, uint64_t cgroup_id, pid_t init, uint32_t *ret_slot);

/**
 * meter_exit - how the first process of a cgroup ended
 * @cgroup_id: of a cgroup that had a slot
 * Return: 0; -ENOENT it has not ended (or was never metered).
 */
int meter_exit(const struct meter *m, uint64_t cgroup_id, struct dcos_exit *ret);

/**
 * meter_victim - whom the OOM killer of the kernel chose last in a cgroup that has a slot
 * Return: 0; -ENOENT nobody.
 */
int meter_victim(const struct meter *m, uint64_t cgroup_id, struct dcos_victim *ret);

/** meter_forget - drop the records of ends of a cgroup that is gone */
void meter_forget(struct meter *m, uint64_t cgroup_id);

/**
 * meter_reclaim - after a restart: free every slot whose cgroup is not among the live ones
 * @live: cgroup ids of adopted containers, those included that ended while no agent ran and whose
 *        exit record has not been read yet: all other records are dropped as well
 */
int meter_reclaim(struct meter *m, const uint64_t *live, int nr);

/** What was lost or refused since the pins were made; all only grow. */
struct meter_drops {
	uint64_t storage_failed; /* no memory for a task's state: it ran unmetered */
	uint64_t exits_failed; /* an exit record did not fit */
	uint64_t slots_full; /* meter attach refused */
	uint64_t disk_inflight_full, disks_full, socks_failed,
		denials_untold; /* see struct dcos_drops */
};
void meter_drops(const struct meter *m, struct meter_drops *ret);

#endif
