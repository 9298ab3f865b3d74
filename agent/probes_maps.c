// SPDX-License-Identifier: Apache-2.0
/* Probes of what BPF programs need beside program types: BTF, the compiler, maps. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/probes_impl.h"

/* BPF_MAP_TYPE_CGRP_STORAGE, since 6.2; linux/bpf.h of the build host may be older */
#define CGRP_STORAGE ((enum bpf_map_type)32)

#define JIT_FILE "/proc/sys/net/core/bpf_jit_enable"

static void btf_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	if (!c->btf)
		probe_errno(ret, NULL, "/sys/kernel/btf/vmlinux", c->btf_err);
	else
		probe_ok(ret, "/sys/kernel/btf/vmlinux");
}

static void jit_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	char line[16];

	(void)c;
	if (*probe_line(JIT_FILE, line, sizeof(line)) == '0')
		probe_no(ret, "the interpreter: meters cost some times more", JIT_FILE " is 0");
	else
		probe_ok(ret, *line ? "on" : "on, without a switch");
}

static void ringbuf_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	cleanup_close int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "dcos_probe", 0, 0,
					      (uint32_t)getpagesize(), NULL);

	(void)c;
	if (fd < 0)
		probe_errno(ret, NULL, "creating one", -errno);
	else
		probe_ok(ret, "events wake the agent");
}

static void mmap_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	cleanup_close int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "dcos_probe", 4, 8, 1, &opts);
	size_t len = (size_t)getpagesize();
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);

	(void)c;
	if (p == MAP_FAILED) {
		probe_errno(ret, "a system call for each reading", "an array with BPF_F_MMAPABLE",
			    -errno);
		return;
	}
	(void)munmap(p, len); /* was mapped above */
	probe_ok(ret, "meters are read without a system call");
}

/* libbpf makes the map with the BTF that it needs. */
static void storage(struct iso_probe *ret, enum bpf_map_type type, const char *gives,
		    const char *instead)
{
	int n = libbpf_probe_bpf_map_type(type, NULL);

	if (n == 1)
		probe_ok(ret, "%s", gives);
	else
		probe_errno(ret, instead, "creating one", n < 0 ? n : -errno ?: -EINVAL);
}

static void task_storage_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	(void)c;
	storage(ret, BPF_MAP_TYPE_TASK_STORAGE, "the meters' state of each thread", NULL);
}

static void cgroup_storage_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	(void)c;
	storage(ret, CGRP_STORAGE, "not needed: a hash is as fast", "a hash by cgroup id");
}

const struct probe_row probes_bpf_maps[] = {
	{"kernel types (BTF)", btf_run},
	{"BPF compiler (JIT)", jit_run},
	{"BPF ring buffer", ringbuf_run},
	{"BPF mapped array", mmap_run},
	{"BPF task storage", task_storage_run},
	{"BPF cgroup storage", cgroup_storage_run},
	{NULL, NULL},
};
