// SPDX-License-Identifier: Apache-2.0
/*
 * Loads and attaches the programs of bpf/audit.bpf.c and bpf/denials.bpf.c, see live.h. Beside
 * agent/meter.c and the isolators this is the one place that speaks libbpf: it works without an
 * agent, for containers of any runtime.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "bpf/abi.h"
#include "bpf/audit.skel.h"
#include "bpf/denials.skel.h"
#include "tools/dcosaudit/live_impl.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap; /* we have a sentence of our own */
	return 0;
}

static int load_failed(int err, struct why *why)
{
	if (access(KERNEL_BTF, R_OK) < 0 && errno == ENOENT)
		return why_set(why, -EOPNOTSUPP,
			       "this kernel describes no types to BPF programs: no " KERNEL_BTF
			       " (CONFIG_DEBUG_INFO_BTF)");
	if (geteuid() != 0 && (err == -EPERM || err == -EACCES))
		return why_set(why, err,
			       "BPF programs: be root, or have CAP_BPF, CAP_PERFMON and "
			       "CAP_SYS_RESOURCE");
	if (err == -ESRCH || err == -ENOENT)
		return why_set(why, -EOPNOTSUPP,
			       "this kernel lacks a tracepoint that is needed "
			       "(CONFIG_FTRACE_SYSCALLS)");
	return why_set(why, err, "the kernel refused the BPF programs");
}

/* ---- bpf/audit.bpf.c ---- */

static void set_knobs(struct live *l, const struct target *t)
{
	struct dcos_audit_knobs k = {
		.record = l->what == LIVE_RECORD,
		.shadow = l->what == LIVE_SHADOW,
		.watch = l->what == LIVE_WATCH,
		.by_process = t->kind == TARGET_PROCESS || t->kind == TARGET_COMMAND,
		.pid = (uint32_t)t->pid,
		.setup = t->kind == TARGET_COMMAND,
		.wait_parent = t->kind == TARGET_AWAITED ? t->cgroup_id : 0,
	};

	memcpy(k.wait_name, t->wait_name, sizeof(k.wait_name));
	l->audit->rodata_audit->knobs = k;
}

static void set_candidate(struct live *l, const struct sock_fprog *prog)
{
	live_verdicts(prog, l->audit->rodata_verdicts->verdicts, l->audit->rodata_varies->varies);
	_Static_assert(sizeof(l->audit->rodata_filter->candidate[0]) == sizeof(struct sock_filter),
		       "one kind of instruction");
	memcpy(l->audit->rodata_filter->candidate, prog->filter,
	       prog->len * sizeof(prog->filter[0])); /* at most BPF_MAXINSNS */
}

static int map_calls(struct live *l)
{
	void *p;

	l->calls_size = (size_t)l->ncpu * DCOS_AUDIT_PARTS * DCOS_AUDIT_CALLS *
			sizeof(struct dcos_audit_call);
	p = mmap(NULL, l->calls_size, PROT_READ, MAP_SHARED, bpf_map__fd(l->audit->maps.calls), 0);
	if (p == MAP_FAILED)
		return -errno;
	l->calls = p;
	return 0;
}

static int load_audit(struct live *l, const struct target *t, const struct sock_fprog *candidate,
		      struct why *why)
{
	bool record = l->what == LIVE_RECORD;
	int err;

	l->audit = audit_bpf__open();
	if (!l->audit)
		return load_failed(-errno, why);
	set_knobs(l, t);
	live_rules(l->audit->rodata_rules->rules);
	if (candidate)
		set_candidate(l, candidate);
	(void)bpf_map__set_max_entries(l->audit->maps.calls,
				       record ? l->ncpu * DCOS_AUDIT_PARTS * DCOS_AUDIT_CALLS
					      : 1); /* only of a loaded map can it fail */
	if (t->kind != TARGET_AWAITED)
		(void)bpf_program__set_autoload(l->audit->progs.audit_mkdir, false);
	err = audit_bpf__load(l->audit);
	if (err)
		return load_failed(err, why);
	l->state = &l->audit->bss->state;
	l->ring_fd = bpf_map__fd(l->audit->maps.ring);
	l->refusals_fd = bpf_map__fd(l->audit->maps.refusals);
	l->roots_fd = bpf_map__fd(l->audit->maps.roots);
	err = record ? map_calls(l) : 0;
	return err ? why_set(why, err, "mapping the counters") : 0;
}

/* ---- bpf/denials.bpf.c ---- */

/* Return: -errno where the kernel has no trampolines: the other object tells the same */
static int load_denials(struct live *l)
{
	int err;

	l->denials = denials_bpf__open();
	if (!l->denials)
		return -errno;
	err = denials_bpf__load(l->denials);
	if (err) {
		denials_bpf__destroy(l->denials);
		l->denials = NULL;
		return err;
	}
	l->state = &l->denials->bss->state;
	l->ring_fd = bpf_map__fd(l->denials->maps.ring);
	l->refusals_fd = bpf_map__fd(l->denials->maps.refusals);
	l->roots_fd = bpf_map__fd(l->denials->maps.roots);
	return 0;
}

/* ---- attaching ---- */

static int attach(struct live *l, struct bpf_program *prog)
{
	struct bpf_link *link;

	if (bpf_program__fd(prog) < 0)
		return 0; /* not wanted */
	link = bpf_program__attach(prog);
	if (!link)
		return -errno;
	l->links[l->links_nr++] = link;
	return 0;
}

/* Who is audited first, then the calls; the ends before the beginnings, as live.h wants no pair torn. */
static int attach_all(struct live *l, struct why *why)
{
	int err = 0;

	if (l->denials) {
		struct bpf_program *const progs[] = {
			l->denials->progs.denials_answer,
			l->denials->progs.denials_exit,
		};

		for (size_t i = 0; !err && i < ARRAY_SIZE(progs); i++)
			err = attach(l, progs[i]);
	} else {
		struct bpf_program *const progs[] = {
			l->audit->progs.audit_newtask, l->audit->progs.audit_fork,
			l->audit->progs.audit_attach,  l->audit->progs.audit_mkdir,
			l->audit->progs.audit_exec,    l->audit->progs.audit_end,
			l->audit->progs.audit_exit,    l->audit->progs.audit_enter,
		};

		for (size_t i = 0; !err && i < ARRAY_SIZE(progs); i++)
			err = attach(l, progs[i]);
	}
	return err ? why_set(why, err, "attaching the BPF programs") : 0;
}

int live_mark(struct live *l)
{
	struct bpf_link *link;
	int err = 0;
	char none;

	if (!l->audit)
		return 0; /* it looks at cgroups when it needs to */
	link = bpf_program__attach_iter(l->audit->progs.audit_mark, NULL);
	if (!link)
		return -errno;
	cleanup_close int fd = bpf_iter_create(bpf_link__fd(link));

	if (fd < 0)
		err = -errno;
	while (!err && read(fd, &none, sizeof(none)) > 0)
		;
	(void)bpf_link__destroy(link); /* the link of an iterator holds nothing */
	return err;
}

static int add_root(struct live *l, const struct target *t)
{
	uint32_t one = t->kind == TARGET_NODE ? DCOS_ROOT_NODE : DCOS_ROOT_TASK;

	if (t->kind != TARGET_CGROUP && t->kind != TARGET_NODE)
		return 0;
	return bpf_map_update_elem(l->roots_fd, &t->cgroup_id, &one, BPF_ANY) ? -errno : 0;
}

static bool can_trampoline(const struct target *t)
{
	return t->kind == TARGET_CGROUP || t->kind == TARGET_NODE;
}

int live_open(const struct target *t, enum live_what what, const struct sock_fprog *candidate,
	      struct live **ret, struct why *why)
{
	struct live *l = calloc(1, sizeof(*l));
	int err = -1;

	if (!l)
		return why_set(why, -ENOMEM, "BPF programs");
	l->what = what;
	l->ncpu = (uint32_t)libbpf_num_possible_cpus();
	(void)libbpf_set_print(quiet); /* the old one is not needed again */
	if (what == LIVE_WATCH && can_trampoline(t))
		err = load_denials(l);
	if (err)
		err = load_audit(l, t, candidate, why);
	if (!err)
		err = add_root(l, t) ? why_set(why, -errno, "cgroup %s", t->name) : 0;
	/* who runs already has started */
	if (!err && !t->starting && (t->kind == TARGET_PROCESS || t->kind == TARGET_CGROUP))
		l->state->part = DCOS_AUDIT_RUNNING;
	if (!err)
		err = attach_all(l, why);
	if (!err) {
		err = live_mark(l);
		err = err ? why_set(why, err, "looking for the threads of %s", t->name) : 0;
	}
	if (err) {
		live_close(l);
		return err;
	}
	*ret = l;
	return 0;
}

void live_close(struct live *l)
{
	if (!l)
		return;
	while (l->links_nr)
		(void)bpf_link__destroy(l->links[--l->links_nr]); /* gone with the process if not */
	if (l->calls)
		(void)munmap(l->calls, l->calls_size); /* cannot fail */
	audit_bpf__destroy(l->audit);
	denials_bpf__destroy(l->denials);
	free(l);
}

/* ---- what was counted ---- */

struct dcos_audit_state *live_state(struct live *l)
{
	return l->state;
}

bool live_trampoline(const struct live *l)
{
	return l->denials;
}

uint32_t live_ncpu(const struct live *l)
{
	return l->ncpu;
}

const struct dcos_audit_call *live_calls(const struct live *l)
{
	return l->calls;
}

int live_extra_fd(const struct live *l)
{
	return l->audit ? bpf_map__fd(l->audit->maps.extra) : -1;
}

int live_refusals_fd(const struct live *l)
{
	return l->refusals_fd;
}

static uint64_t skipped(const struct bpf_program *prog)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	if (bpf_program__fd(prog) < 0 || bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
		return 0;
	return info.recursion_misses;
}

uint64_t live_skipped(const struct live *l)
{
	if (l->denials)
		return skipped(l->denials->progs.denials_answer);
	return skipped(l->audit->progs.audit_enter) + skipped(l->audit->progs.audit_exit);
}
