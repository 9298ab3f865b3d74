/* SPDX-License-Identifier: Apache-2.0 */
/* Between probes*.c only. */
#ifndef DCOS_PROBES_IMPL_H
#define DCOS_PROBES_IMPL_H

#include "agent/probes.h"

struct btf;

/* What several probes share; made once per run. */
struct probe_ctx {
	const struct iso_host *host;
	int cgroup_fd; /* an empty cgroup of ours, or -errno */
	struct btf *btf; /* of the kernel, NULL: none, then btf_err */
	int btf_err;
};

/* One row: fills @ret->ok, how, reason; the name is set. */
struct probe_row {
	const char *name;
	void (*run)(const struct probe_ctx *c, struct iso_probe *ret);
};

/* Each ended by .name NULL. */
extern const struct probe_row probes_kernel[], probes_cgroup[], probes_bpf[], probes_bpf_maps[],
	probes_process[];

/** probe_ok - it works; the sentence says what is used. */
void probe_ok(struct iso_probe *ret, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** probe_no - it does not: @instead is used, or NULL: nothing; then why not */
void probe_no(struct iso_probe *ret, const char *instead, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** probe_errno - probe_no() whose reason is what was done and a negative errno's text */
void probe_errno(struct iso_probe *ret, const char *instead, const char *done, int err);

/**
 * probe_line - the first line of a small file
 * Return: @buf without the newline; "" if it can't be read.
 */
const char *probe_line(const char *path, char *buf, size_t size);

/**
 * probe_mount - where a type of file system is mounted
 * @type: e.g. "tracefs"
 * @buf: gets the mount point, as /proc/self/mounts writes it
 * Return: @buf, or NULL: nowhere.
 */
const char *probe_mount(const char *type, char *buf, size_t size);

#endif
