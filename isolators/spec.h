/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wanted of a container, in the terms of the OCI runtime specification (process, root,
 * mounts, namespaces, resources, seccomp). Filled by agent/task.c from a task spec, later by
 * dcosrun from a config.json; read by the isolators; never changed while a container lives,
 * except resources by ct_update().
 *
 * Strings and arrays belong to the spec (ct_spec_free()); NULL-terminated where a char ** is.
 */
#ifndef DCOS_SPEC_H
#define DCOS_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CT_ID_MAX	 128 /* bytes of an id, without the NUL */
#define CT_ARGS_MAX	 4096
#define CT_ENV_MAX	 4096
#define CT_MOUNTS_MAX	 64
#define CT_DEVICES_MAX	 64
#define CT_PATHS_MAX	 128 /* masked or read-only paths */
#define CT_UNSET	 UINT64_MAX /* a limit that nobody asked for */
#define CT_IO_DEVICE_MAX 64 /* bytes of a device's name, the NUL included */
#define CT_PERIOD_US	 100000 /* cpu_period_us when nobody asked for another */

struct ct_rlimit {
	int resource; /* RLIMIT_* */
	uint64_t soft, hard; /* UINT64_MAX is RLIM_INFINITY */
};

struct ct_process {
	char **args; /* at least args[0] */
	char **env; /* "NAME=value" */
	char *cwd; /* absolute, inside the container */
	uint32_t uid, gid; /* inside the container */
	uint32_t *additional_gids;
	size_t additional_gids_nr;
	uint32_t umask; /* e.g. 0022 */
	/* bit n = capability n: bounding, permitted, effective; of non-root: ambient, inheritable */
	uint64_t capabilities;
	struct ct_rlimit *rlimits;
	size_t rlimits_nr;
	bool no_new_privileges;
	int oom_score_adj; /* -1000..1000; INT_MIN unset */
};

enum ct_root_kind {
	CT_ROOT_DIR, /* an unpacked root file system */
	CT_ROOT_HOST, /* the host's tree read-only, private /tmp /var/tmp /run /dev /proc, a work directory */
};

struct ct_root {
	enum ct_root_kind kind;
	char *path; /* CT_ROOT_DIR: absolute path on the host */
	bool readonly; /* no overlay: the directory itself, read-only */
	char *work; /* CT_ROOT_HOST: host directory bound writable at the same path inside, without a symbolic link; NULL none */
};

struct ct_mount {
	char *source; /* absolute host path (bind) without a symbolic link, or NULL for tmpfs */
	char *destination; /* absolute path inside */
	bool readonly;
	bool tmpfs;
	uint64_t tmpfs_bytes; /* size of a tmpfs, CT_UNSET: 64 MiB */
};

struct ct_device {
	char type; /* 'c', 'b' or 'a' */
	int64_t major, minor; /* -1: any */
	bool read, write, mknod;
};

/* Of one block device; CT_UNSET: no limit. */
struct ct_io_max {
	char device[CT_IO_DEVICE_MAX]; /* "auto", "8:0" or a path below /dev; "": no limit at all */
	uint64_t read_bps, write_bps; /* bytes a second */
	uint64_t read_iops, write_iops; /* operations a second */
};

struct ct_resources {
	uint64_t cpu_quota_us, cpu_period_us, cpu_burst_us; /* a period is always there */
	uint64_t cpu_weight; /* 1..10000, CT_UNSET: leave */
	uint64_t memory_max_bytes, memory_high_bytes, memory_low_bytes, memory_swap_max_bytes;
	uint64_t pids_max;
	uint64_t fork_rate; /* processes and threads a second */
	uint64_t io_weight; /* 1..10000, CT_UNSET: leave */
	struct ct_io_max io_max;
	uint64_t egress_bps, ingress_bps; /* bits a second of IP packets */
	uint64_t egress_burst_bytes, ingress_burst_bytes; /* CT_UNSET: of 10 ms, 32 KiB at least */
};

struct ct_idmap {
	uint32_t host_base; /* host id of the container's id 0 */
	uint32_t nr; /* ids mapped, one range for uids and gids alike */
};

struct dcos_guard; /* bpf/abi.h */
struct ct_oci; /* isolators/oci.h */

struct ct_spec {
	char *id;
	struct ct_process process;
	struct ct_root root;
	char *hostname; /* NULL: the id, cut to 63 bytes; with oci: none */
	struct ct_mount *mounts;
	size_t mounts_nr;
	uint64_t namespaces; /* CLONE_NEW* of its own; without CLONE_NEWNET: the host's network */
	bool net_private; /* with CLONE_NEWNET: eth0, with an address of the host's pool */
	struct net_publish *publish; /* ports of the host's that lead to it; owned */
	size_t publish_nr;
	struct ct_idmap idmap; /* with CLONE_NEWUSER */
	struct ct_resources resources;
	struct ct_device *devices; /* allowed beside the default set of isolators/devices.c */
	size_t devices_nr;
	struct dcos_guard *guard; /* what sockets may be bound and connected to; NULL: all; owned */
	const char *seccomp; /* OCI seccomp JSON, the document itself; NULL: unconfined */
	bool seccomp_is_constant; /* one of sc_builtin()'s, which many share; else it is owned */
	char **masked_paths, **readonly_paths; /* absolute, inside */
	const struct ct_oci *oci; /* built to its letter, see there; NULL: a task. Borrowed */
};

/**
 * ct_spec_defaults - a spec with the secure defaults and nothing else
 * @spec: overwritten. Namespaces mnt pid uts ipc cgroup net user; no_new_privileges; the default
 *        capabilities; default masked and read-only paths; every limit CT_UNSET; umask 022;
 *        cwd "/", env empty. id, args, root and seccomp are left NULL for the caller, idmap
 *        empty (which the namespaces row refuses together with CLONE_NEWUSER).
 *
 * Return: 0 or -ENOMEM.
 */
int ct_spec_defaults(struct ct_spec *spec);

/**
 * ct_spec_free - free what a spec owns, not @spec itself
 * @spec: may be half filled; NULL is allowed
 */
void ct_spec_free(struct ct_spec *spec);

/**
 * ct_id_valid - is this a name that can be a file name and a cgroup name
 * @id: [A-Za-z0-9_+-][A-Za-z0-9_+.-]*, at most CT_ID_MAX bytes
 */
bool ct_id_valid(const char *id);

#endif
