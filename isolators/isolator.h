/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An isolator is one resource or one namespace: one file, one const ops struct, one row of
 * iso_table[]. The container code walks the table forwards to build and backwards to undo; there
 * is no other path. An isolator sees struct isolation only, never the lifecycle or the API.
 *
 * Life of one container, and who runs which verb where:
 *
 *   parent  prepare(iso)  rows in order   before the process exists; cgroup, limits, checks
 *   parent  clone3(iso->clone_flags | CLONE_PIDFD | CLONE_INTO_CGROUP)
 *   parent  attach(iso)   rows in order   iso->pid and iso->pidfd are valid, the child waits;
 *                                         id maps, mounts made with the parent's privileges,
 *                                         descriptors for the child into iso->handed[]
 *   child   enter(iso)    rows in order   iso->handed[] has arrived; async-signal-safe calls only
 *   child   waits for start; then the rows with .late, then execve
 *   parent  update(iso)   any time later, iso->res has the new limits
 *   parent  sample(iso)   fills what files of the cgroup know
 *   parent  detail(iso)   what costs too much to be read each time
 *   parent  recover(iso)  after a restart of the agent instead of prepare/attach
 *   parent  cleanup(iso)  rows backwards, also for half-built ones; must be idempotent
 */
#ifndef DCOS_ISOLATOR_H
#define DCOS_ISOLATOR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/lib/why.h"
#include "isolators/spec.h"

#define ISO_HANDED_MAX	 240 /* descriptors given to the child, below SCM_MAX_FD (253) */
#define ISO_WARNINGS_MAX 8
#define ISO_TABLE_MAX	 32

struct net_pool; /* isolators/net.h */
struct net_pool6;
struct net_dns;
struct net_nat;
struct devices_cache; /* isolators/devices.h */
struct sc_cache; /* isolators/seccomp.h */

/* Filled in by the agent for metered containers; NULL members mean: not metered. */
struct iso_meter {
	void *ctx;
	/**
	 * attach - give a cgroup a meter slot, before any process is in it
	 * @ctx: iso_meter.ctx
	 * @cgroup_id: inode number of the cgroup directory
	 * @ret_slot: the slot's number
	 * Return: 0, -ENOSPC all slots in use, other -errno.
	 */
	int (*attach)(void *ctx, uint64_t cgroup_id, uint32_t *ret_slot);
	/* detach - the cgroup is gone; its slot can be reused */
	void (*detach)(void *ctx, uint64_t cgroup_id, uint32_t slot);
	/* maps that other BPF programs may use to count denials; -1: none. Owned by the meter. */
	int slots_fd; /* hash: u64 cgroup id -> struct dcos_slot_key (bpf/abi.h) */
	int cells_fd; /* array: slot * ncpu + cpu -> struct dcos_cell */
};

/* A CPU quota as cpu.max has it, in microseconds. */
struct iso_quota {
	uint64_t quota_us, period_us, burst_us;
};

/* Filled in by the agent where it can hold CPU quotas without the cpu controller. */
struct iso_governor {
	void *ctx;
	/**
	 * set - hold a metered cgroup to a quota from now on, or to another one
	 * @cgroup_fd: its directory; not kept
	 * Return: 0 or -errno.
	 */
	int (*set)(void *ctx, uint32_t slot, uint64_t cgroup_id, int cgroup_fd,
		   const struct iso_quota *quota);
	/* drop - hold it no longer; nothing happens if it was not held */
	void (*drop)(void *ctx, uint32_t slot, uint64_t cgroup_id);
};

/* Filled in by the agent where a scheduler of its own runs containers. */
struct iso_scx {
	void *ctx;
	/**
	 * set - hold a metered cgroup to a quota and a weight from now on, or to other ones
	 * @weight: as in cpu.weight
	 * @quota: a quota_us of 0 is none
	 * Return: 0 or -errno.
	 */
	int (*set)(void *ctx, uint32_t slot, uint64_t cgroup_id, uint64_t weight,
		   const struct iso_quota *quota);
	/* drop - the slot is nobody's */
	void (*drop)(void *ctx, uint32_t slot);
};

/* Rates of a container's IP packets, 0: no limit. */
struct iso_rates {
	uint64_t tx_bytes_per_s, tx_burst_bytes;
	uint64_t rx_bytes_per_s, rx_burst_bytes;
};

/* Filled in by the agent where it can hold containers to rates. */
struct iso_netquota {
	void *ctx;
	/**
	 * set - hold a metered cgroup to rates from now on, or to other ones
	 * Return: 0 or -errno.
	 */
	int (*set)(void *ctx, uint32_t slot, uint64_t cgroup_id, const struct iso_rates *rates);
	/* drop - hold it no longer; nothing happens if it was not held */
	void (*drop)(void *ctx, uint32_t slot, uint64_t cgroup_id);
};

/* Filled in by the agent where it can hold containers to fork rates. */
struct iso_forkrate {
	void *ctx;
	/**
	 * set - hold a metered cgroup to so many forks a second from now on
	 * Return: 0 or -errno.
	 */
	int (*set)(void *ctx, uint32_t slot, uint64_t cgroup_id, uint64_t per_s);
	/* drop - hold it no longer; nothing happens if it was not held */
	void (*drop)(void *ctx, uint32_t slot, uint64_t cgroup_id);
};

struct dcos_guard; /* bpf/abi.h */

/* Filled in by the agent where it can hold containers to ports and addresses. */
struct iso_guard {
	void *ctx;
	/**
	 * set - hold a metered cgroup to a guard from now on
	 * @guard: copied; sockets that are bound or connected already stay so
	 * Return: 0 or -errno.
	 */
	int (*set)(void *ctx, uint64_t cgroup_id, const struct dcos_guard *guard);
	/* drop - hold it no longer; nothing happens if it was not held */
	void (*drop)(void *ctx, uint64_t cgroup_id);
};

/* What all containers of one agent share; lives as long as the agent. */
struct iso_host {
	int cgroup_fd; /* directory of the agent's own subtree in cgroup2 */
	const char *state_dir; /* absolute; overlay upper layers are below state_dir/rootfs/ID */
	const char *run_dir; /* absolute, tmpfs; staging mounts, in the agent's own namespace */
	const struct iso_meter *meter; /* NULL: not metered */
	const struct iso_governor *governor; /* NULL: CPU quotas need the cpu controller */
	bool memory_meter; /* the agent kills who has more than its memory: there is no controller */
	const struct iso_scx *scx; /* NULL: the kernel's default scheduler runs containers */
	const struct iso_netquota *netquota; /* NULL: network quotas are held by nobody */
	const struct iso_forkrate *forkrate; /* NULL: fork rates are held by nobody */
	const struct iso_guard *guard; /* NULL: nobody is held to ports and addresses */
	const struct net_nat *nat; /* of private networks; NULL: the packet filter is left alone */
	const struct net_dns *dns; /* for private networks; NULL: none is configured */
	const struct net_pool *net; /* addresses of private networks; NULL: there are none */
	const struct net_pool6 *net6; /* likewise; NULL: no IPv6 */
	struct devices_cache *devices; /* loaded programs; NULL: each container loads its own */
	struct sc_cache *seccomp_cache; /* NULL: each container compiles its own filter */
};

struct isolation {
	const struct iso_host *host;
	const struct ct_spec *spec;
	struct ct_resources res; /* limits wanted now; spec->resources at first */

	int cgroup_fd; /* the container's directory, -1 before the cgroup row's prepare */
	uint64_t cgroup_id;
	uint64_t clone_flags; /* CLONE_NEW*, or-ed together by prepare */
	pid_t pid; /* init, in the agent's pid namespace; valid from attach on */
	int pidfd;

	bool metered;
	uint32_t slot;

	uint32_t net_ipv4; /* of a private network, in the host's byte order; 0: none */
	struct in6_addr net_ipv6; /* all 0: none */

	int handed[ISO_HANDED_MAX]; /* parent: filled by attach; child: the same places, received */
	int handed_nr;

	void *priv[ISO_TABLE_MAX]; /* one pointer a row, index = place in iso_table[] */
	/* child: the parent hears of it, does something (runtime hooks), and lets us go on */
	int (*meet)(struct isolation *iso);
	void *child; /* of who set meet */
	int notify_fd; /* child: connected to the filter's supervisor */
	char *notify_state; /* what it is told, owned; NULL: there is none */
	bool joined; /* child: one more process in a container that is there */
	bool early_cwd; /* child: it could go to the working directory while it was root */
	int own_root; /* child that joins: place in handed[] of the container's root */
	int console; /* place in handed[] of the console's socket */
	const char *step; /* child: what is being done, a string constant, for the error report */
	const char *step_value; /* child: what the step is about, e.g. a path; NULL none */
	struct why why; /* first cause of a failure */
	char *warnings[ISO_WARNINGS_MAX]; /* what is not enforced, one sentence each, owned */
	int warnings_nr;
};

/* What cgroup files say about a container; CT_UNSET where the host cannot say. */
struct iso_sample {
	uint64_t cpu_usage_us, cpu_user_us, cpu_system_us; /* cpu.stat */
	uint64_t nr_periods, nr_throttled, throttled_us; /* cpu.stat with the cpu controller */
	uint64_t cpu_some_us, cpu_full_us, memory_some_us, memory_full_us; /* *.pressure */
	uint64_t io_some_us, io_full_us;
	uint64_t memory_bytes, memory_peak_bytes; /* memory.current, memory.peak */
	uint64_t memory_low, memory_high, memory_max, memory_oom; /* memory.events */
	uint64_t oom_kills; /* memory.events oom_kill */
	uint64_t pids; /* pids.current */
	uint64_t pids_max_events; /* "max" of pids.events */
	/* by iso->detail() only: memory.stat */
	uint64_t stat_anon_bytes, stat_file_bytes, stat_shmem_bytes, stat_kernel_bytes;
};

/* Whether this host can do it. */
struct iso_probe {
	const char *name; /* "pids", "user namespace", ... */
	bool ok;
	char how[160]; /* what is used, e.g. "pids.max", or instead: "RLIMIT_NPROC in the user namespace" */
	char reason[160]; /* !ok: why not, e.g. "no pids controller in cgroup.controllers" */
};

struct isolator {
	const char *name;
	bool every; /* attach() and enter() are also for a process that ct_exec() adds */
	bool late; /* enter() runs after the start signal, as the last things before execve */
	/* probe - once per agent; fills @ret, always returns 0 or -ENOMEM */
	int (*probe)(const struct iso_host *host, struct iso_probe *ret);
	int (*prepare)(struct isolation *iso);
	int (*attach)(struct isolation *iso);
	int (*enter)(struct isolation *iso);
	int (*update)(struct isolation *iso);
	int (*sample)(const struct isolation *iso, struct iso_sample *ret);
	int (*detail)(const struct isolation *iso, struct iso_sample *ret);
	int (*recover)(struct isolation *iso);
	void (*cleanup)(struct isolation *iso);
	/* release - free what the row holds in memory; the container itself goes on */
	void (*release)(struct isolation *iso);
};

/* NULL-terminated; the order is policy, see isolators/table.c */
extern const struct isolator *const iso_table[];

/**
 * iso_fail - a failed step in the parent
 * @iso: whose why gets the sentence, if it is the first
 * Return: @err.
 */
#define iso_fail(iso, err, ...) why_set(&(iso)->why, (err), __VA_ARGS__)

/**
 * iso_warn - a wish of the spec that this host cannot hold, and that was not a reason to refuse
 * @iso: keeps at most ISO_WARNINGS_MAX sentences
 * @fmt: the sentence, e.g. "resources.memory is not enforced: no memory controller"
 */
void iso_warn(struct isolation *iso, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * iso_reserve - a place in handed[] for a descriptor that the child shall get (from prepare)
 * The child is a copy made before attach: it knows the place, attach puts the descriptor there.
 * It is closed in the parent once it is sent. Every place must be filled.
 * Return: the place, or -E2BIG.
 */
int iso_reserve(struct isolation *iso);

/**
 * iso_index - the place of a row in iso_table[], for priv[]
 * @row: a row of the table; anything else aborts
 */
size_t iso_index(const struct isolator *row);

#endif
