// SPDX-License-Identifier: Apache-2.0
/*
 * Probes of BPF program types: each loads a program of two instructions, and where a kernel may
 * refuse later than that, attaches it for a moment: cgroup programs to an empty cgroup of ours,
 * tracing programs to an event that never comes here. An exception to the rule that only the
 * meter and the enforcing isolators speak libbpf.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/probes_impl.h"

#define KPROBE_TYPE  "/sys/bus/event_source/devices/kprobe/type"
#define LOADED_EVENT "sched_switch" /* what the meter needs */
#define QUIET_EVENT  "cgroup_transfer_tasks" /* of v1 cpusets that lose their last CPU */

/* r0 = value; exit */
static int load(enum bpf_prog_type type, int value, struct bpf_prog_load_opts *opts)
{
	struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = value},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(type, "dcos_probe", "GPL", code, ARRAY_SIZE(code), opts);

	return fd < 0 ? -errno : fd;
}

/* Load and attach to the empty cgroup, as a link, so that it goes with its descriptor. */
static void cgroup_prog(const struct probe_ctx *c, struct iso_probe *ret, enum bpf_prog_type type,
			enum bpf_attach_type attach, const char *gives, const char *instead)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach);
	cleanup_close int prog = load(type, 1, &opts);

	if (prog < 0) {
		probe_errno(ret, instead, "loading", prog);
		return;
	}
	if (c->cgroup_fd < 0) {
		probe_errno(ret, instead, "a cgroup of the agent's own", c->cgroup_fd);
		return;
	}
	cleanup_close int link = bpf_link_create(prog, c->cgroup_fd, attach, NULL);

	if (link < 0)
		probe_errno(ret, instead, "attaching to a cgroup", -errno);
	else
		probe_ok(ret, "%s", gives);
}

static void device_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	cgroup_prog(c, ret, BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, "device allow-lists",
		    NULL);
}

static void skb_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	cgroup_prog(c, ret, BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS,
		    "network meters and quotas", NULL);
}

static void sock_addr_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	cgroup_prog(c, ret, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT,
		    "ports and destinations allowed", NULL);
}

static void sock_ops_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	cgroup_prog(c, ret, BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS, "pacing of TCP sockets",
		    "congestion notification alone");
}

/* The id of the kernel's own type of that name, or -errno */
static int kernel_type(const struct probe_ctx *c, const char *prefix, const char *name,
		       uint32_t kind)
{
	char full[96];
	int id;

	if (!c->btf)
		return c->btf_err;
	(void)snprintf(full, sizeof(full), "%s%s", prefix, name); /* names are short */
	id = (int)btf__find_by_name_kind(c->btf, full, kind);
	return id < 0 ? -ENOENT : id;
}

/*
 * A program bound to a type or function of the kernel, @type_id or -errno. fentry and LSM programs
 * are not attached: what refuses them does so at load, and taking them off waits for the whole
 * machine.
 */
static void tracing_prog(struct iso_probe *ret, int type_id, enum bpf_prog_type type,
			 enum bpf_attach_type how, bool attach, const char *gives,
			 const char *instead)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = how,
		    .attach_btf_id = type_id < 0 ? 0 : (uint32_t)type_id);
	cleanup_close int prog = type_id < 0 ? type_id : load(type, 0, &opts);

	if (prog < 0) {
		probe_errno(ret, instead, type_id < 0 ? "not in the kernel's BTF" : "loading",
			    prog);
		return;
	}
	cleanup_close int link = attach ? bpf_raw_tracepoint_open(NULL, prog) : -1;

	if (attach && link < 0)
		probe_errno(ret, instead, "attaching", -errno);
	else
		probe_ok(ret, "%s", gives);
}

static void tp_btf_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	int quiet = kernel_type(c, "btf_trace_", QUIET_EVENT, BTF_KIND_TYPEDEF);

	tracing_prog(ret, kernel_type(c, "btf_trace_", LOADED_EVENT, BTF_KIND_TYPEDEF),
		     BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, false, "the meters", "cpu.stat");
	if (ret->ok && quiet >= 0)
		tracing_prog(ret, quiet, BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, true,
			     "the meters", "cpu.stat");
}

static void fentry_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	tracing_prog(ret, kernel_type(c, "", "vfs_read", BTF_KIND_FUNC), BPF_PROG_TYPE_TRACING,
		     BPF_TRACE_FENTRY, false, "loads; not needed", "not needed: tp_btf");
}

static void lsm_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	tracing_prog(ret, kernel_type(c, "", "bpf_lsm_file_open", BTF_KIND_FUNC), BPF_PROG_TYPE_LSM,
		     BPF_LSM_MAC, false, "loads; not needed", "not needed: cgroup programs");
}

/* BPF_PROG_TYPE_STRUCT_OPS wants the place of a function pointer in the struct. */
static int member_index(const struct btf *btf, int type_id, const char *member)
{
	const struct btf_type *t = btf__type_by_id(btf, (uint32_t)type_id);
	const struct btf_member *m = t ? btf_members(t) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, m[i].name_off), member))
			return i;
	return -ENOENT;
}

static void struct_ops(const struct probe_ctx *c, struct iso_probe *ret, const char *ops,
		       const char *member, const char *gives, const char *instead)
{
	int id = kernel_type(c, "", ops, BTF_KIND_STRUCT);
	int place = id < 0 ? id : member_index(c->btf, id, member);

	tracing_prog(ret, place < 0 ? place : id, BPF_PROG_TYPE_STRUCT_OPS,
		     (enum bpf_attach_type)place, false, gives, instead);
}

static void tcp_cc_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	struct_ops(c, ret, "tcp_congestion_ops", "ssthresh", "congestion control in BPF",
		   "not needed: pacing");
}

static void sched_ext_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	struct_ops(c, ret, "sched_ext_ops", "select_cpu", "CPU quotas by a scheduler in BPF",
		   "cpu.max, or the governor");
}

/* A program that user space runs on a CPU of its choice, to read what runs there now. */
static void test_run_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .flags = BPF_F_TEST_RUN_ON_CPU, .cpu = 0);
	static const char instead[] = "what runs now is charged when it switches";
	cleanup_close int prog = load(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, NULL);

	(void)c;
	if (prog < 0)
		probe_errno(ret, instead, "loading", prog);
	else if (bpf_prog_test_run_opts(prog, &opts) < 0)
		probe_errno(ret, instead, "BPF_PROG_TEST_RUN on CPU 0", -errno);
	else
		probe_ok(ret, "on a CPU of choice");
}

/* Kprobes are never used; to say so is worth a row because other tools need them. */
static void kprobe_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	static const char instead[] = "not needed: tp_btf";
	cleanup_close int prog = load(BPF_PROG_TYPE_KPROBE, 0, NULL);

	(void)c;
	if (prog < 0)
		probe_errno(ret, instead, "loading", prog);
	else if (access(KPROBE_TYPE, F_OK) < 0)
		probe_errno(ret, instead, KPROBE_TYPE, -errno);
	else
		probe_ok(ret, "loads; not needed");
}

const struct probe_row probes_bpf[] = {
	{"BPF tp_btf", tp_btf_run},
	{"BPF run on a CPU", test_run_run},
	{"BPF cgroup device", device_run},
	{"BPF cgroup skb", skb_run},
	{"BPF cgroup sock_addr", sock_addr_run},
	{"BPF sock_ops", sock_ops_run},
	{"BPF struct_ops", tcp_cc_run},
	{"BPF sched_ext", sched_ext_run},
	{"BPF LSM", lsm_run},
	{"BPF fentry", fentry_run},
	{"BPF kprobe", kprobe_run},
	{NULL, NULL},
};
