// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Question: what do the processes of each container hold at this moment, what have they used that
 * no event tells, and what does the kernel itself total for their cgroups.
 *
 * Events: none. Two iterators that user space runs together, at every sample: walk_task sees every
 * thread of the host, walk_cgroup every cgroup below the agent's own.
 *
 * Algorithm: a thread without a state in tasks is not metered, and passed over. Of one that is,
 * the growth of its user and system time and of its page faults goes to a cell (its end charges
 * the rest, bpf/meter.bpf.c), and its state to the gauge of the slot. The first thread that is
 * seen of a process adds the process, and the pages of its address space: the leader's state keeps
 * the walk's number, so that no process counts twice. An address space that several processes
 * share, as after vfork, is its owner's. The second program copies what the kernel keeps for a
 * cgroup that has a slot: pressure, memory, pids, and the statistics of cpu.max.
 * Kernels lay these out differently: what is read is found by CO-RE, and what is not found is left
 * out, and its bit in dcos_gauge.has not set.
 *
 * Cost: per thread of the host 0.1-0.3 us, of a metered process 1 us, per cgroup 1 us. The walk
 * over the cgroups holds the kernel's lock on the cgroup tree. Measured:
 * Documentation/performance.rst
 *
 * Misses: pages that CPUs have counted but not yet added to the process's total are seen up to
 * RSS_CPUS_MAX CPUs; beyond that, and where the kernel does not tell where they are, each of the
 * four numbers of a process may be off by a batch of pages (32, or twice the CPUs) per CPU, as
 * those of /proc/PID/statm are before 6.17.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/meter_maps.h"

#define RSS_COUNTERS	     4 /* NR_MM_COUNTERS: file, anon, swap entries, shmem; in this order */
#define RSS_CPUS_MAX	     16
#define TASK_UNINTERRUPTIBLE 0x00000002 /* include/linux/sched.h */
#define TASK_NOLOAD	     0x00000400

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* slot -> what it holds. BPF writes during a walk; user space reads through mmap. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DCOS_SLOTS);
	__type(key, __u32);
	__type(value, struct dcos_gauge);
} gauges SEC(".maps");

/* The distance of a CPU's data from where a per-CPU pointer points to. x86, with KALLSYMS_ALL. */
extern const unsigned long this_cpu_off __ksym __weak;

/* What of other kernels is not in the vmlinux.h of the one that we are built on. */
struct mm_rss_stat___old { /* before 6.2 */
	atomic_long_t count[RSS_COUNTERS];
} __attribute__((preserve_access_index));

struct mm_struct___old {
	struct mm_rss_stat___old rss_stat;
} __attribute__((preserve_access_index));

struct task_rss_stat___old {
	int count[RSS_COUNTERS];
} __attribute__((preserve_access_index));

struct task_struct___old {
	struct task_rss_stat___old rss_stat;
} __attribute__((preserve_access_index));

struct percpu_counter___any {
	s64 count;
	s32 *counters;
} __attribute__((preserve_access_index));

struct mm_struct___new {
	struct percpu_counter___any rss_stat[RSS_COUNTERS];
} __attribute__((preserve_access_index));

struct mm_struct___memcg {
	struct task_struct *owner;
} __attribute__((preserve_access_index));

struct psi_group___any {
	bool enabled;
	u64 total[12];
} __attribute__((preserve_access_index));

struct cgroup___psi {
	struct psi_group___any *psi;
} __attribute__((preserve_access_index));

struct page_counter___any {
	atomic_long_t usage;
	unsigned long watermark;
} __attribute__((preserve_access_index));

struct mem_cgroup___any {
	struct cgroup_subsys_state css;
	struct page_counter___any memory;
	atomic_long_t memory_events[9];
} __attribute__((preserve_access_index));

struct pids_cgroup___any {
	struct cgroup_subsys_state css;
	atomic64_t counter;
	atomic64_t events_limit; /* until 6.10 */
	atomic64_t events[1]; /* since; by enum pidcg_event, whose first one is PIDCG_MAX */
} __attribute__((preserve_access_index));

struct cfs_bandwidth___any {
	int nr_periods;
	int nr_throttled;
	u64 throttled_time;
} __attribute__((preserve_access_index));

struct task_group___any {
	struct cgroup_subsys_state css;
	struct cfs_bandwidth___any cfs_bandwidth;
} __attribute__((preserve_access_index));

enum cgroup_subsys_id___any {
	cpu_cgrp_id___any,
	memory_cgrp_id___any,
	pids_cgrp_id___any,
};

enum psi_states___any {
	PSI_IO_SOME___any,
	PSI_IO_FULL___any,
	PSI_MEM_SOME___any,
	PSI_MEM_FULL___any,
	PSI_CPU_SOME___any,
	PSI_CPU_FULL___any,
};

enum memcg_memory_event___any {
	MEMCG_LOW___any,
	MEMCG_HIGH___any,
	MEMCG_MAX___any,
	MEMCG_OOM___any,
	MEMCG_OOM_KILL___any,
};

/* The gauge of a slot, begun anew if this walk has not been there. */
static __always_inline struct dcos_gauge *gauge_of(__u32 slot)
{
	__u32 zero = 0;
	struct dcos_gauge *now = bpf_map_lookup_elem(&gauges, &zero);
	struct dcos_gauge *g = bpf_map_lookup_elem(&gauges, &slot);

	if (!now || !g || !slot)
		return NULL;
	if (g->walk != now->walk) {
		__builtin_memset(g, 0, sizeof(*g));
		g->walk = now->walk;
	}
	return g;
}

struct rss {
	__s64 pages[RSS_COUNTERS];
};

/* What the CPUs have not yet added to a counter. */
static __always_inline __s64 percpu_part(const void *counters)
{
	const unsigned long *off;
	__s64 sum = 0;
	__s32 part;
	__u32 cpu;

	if (knobs.ncpu > RSS_CPUS_MAX)
		return 0;
	for (cpu = 0; cpu < RSS_CPUS_MAX && cpu < knobs.ncpu; cpu++) {
		off = bpf_per_cpu_ptr(&this_cpu_off, cpu);
		if (off && !bpf_probe_read_kernel(&part, sizeof(part), counters + *off))
			sum += part;
	}
	return sum;
}

/* Return: whether the layout is a known one. */
static __always_inline bool rss_read(const struct mm_struct *mm, bool parts, struct rss *ret)
{
	const struct mm_struct___old *old = (const void *)mm;
	const struct percpu_counter___any *c;
	int i;

	if (bpf_core_field_exists(old->rss_stat))
		return !bpf_core_read(ret->pages, sizeof(ret->pages), &old->rss_stat.count);
	if (!bpf_core_field_exists(struct mm_struct___new, rss_stat))
		return false;
	for (i = 0; i < RSS_COUNTERS; i++) {
		c = (const void *)mm + bpf_core_field_offset(struct mm_struct___new, rss_stat) +
		    i * bpf_core_type_size(struct percpu_counter___any);
		ret->pages[i] = BPF_CORE_READ(c, count);
		if (parts)
			ret->pages[i] += percpu_part(BPF_CORE_READ(c, counters));
		if (ret->pages[i] < 0)
			ret->pages[i] = 0; /* too little of it has been added yet */
	}
	return true;
}

static __always_inline __u64 bytes_of(__s64 pages)
{
	return pages > 0 ? (__u64)pages * knobs.page_size : 0;
}

/* User space takes a sum below 0 as 0. */
static __always_inline void add_pages(struct dcos_gauge *g, const struct rss *rss)
{
	g->rss_file_bytes += rss->pages[0] * knobs.page_size;
	g->rss_anon_bytes += rss->pages[1] * knobs.page_size;
	g->swap_bytes += rss->pages[2] * knobs.page_size;
	g->rss_shmem_bytes += rss->pages[3] * knobs.page_size;
}

/* The pages of a process's address space, if it is this process's and does not go just now. */
static __always_inline void add_rss(struct dcos_gauge *g, struct task_struct *p, bool parts)
{
	struct mm_struct *mm = p->mm;
	const struct mm_struct___memcg *m = (const void *)mm;
	struct rss rss = {};
	int owner;

	if (!mm)
		return;
	if (bpf_core_field_exists(m->owner)) {
		owner = BPF_CORE_READ(m, owner, tgid);
		if (owner && owner != p->tgid)
			return;
	}
	if (!rss_read(mm, parts, &rss) || *(struct mm_struct *volatile *)&p->mm != mm)
		return;
	g->has |= DCOS_HAS_RSS;
	add_pages(g, &rss);
}

/* Before 6.2: what a thread has not yet added to its process's total; may be less than 0. */
static __always_inline void add_cached(struct dcos_gauge *g, struct task_struct *p)
{
	const struct task_struct___old *old = (const void *)p;
	struct rss rss = {};
	int count[RSS_COUNTERS], i;

	if (!bpf_core_field_exists(old->rss_stat) || !p->mm ||
	    bpf_core_read(count, sizeof(count), &old->rss_stat.count))
		return;
	for (i = 0; i < RSS_COUNTERS; i++)
		rss.pages[i] = count[i];
	add_pages(g, &rss);
}

/* Zombies are counted by nobody here: they hold nothing but their number. */
static __always_inline void add_thread(struct dcos_gauge *g, struct task_struct *p)
{
	unsigned int state = p->__state;

	g->nr_threads++;
	if (!state)
		g->nr_running++;
	else if (state & TASK_UNINTERRUPTIBLE && !(state & TASK_NOLOAD))
		g->nr_disk_wait++;
}

/* True for one thread of a process in each walk. The leader may have ended before the others. */
static __always_inline bool is_first(struct task_struct *p, struct dcos_task *t, __u64 walk)
{
	struct dcos_task *leader = t;

	if (p->pid != p->tgid)
		leader = bpf_task_storage_get(&tasks, p->group_leader, 0, 0);
	if (!leader || leader->walk == walk)
		return false;
	leader->walk = walk;
	return true;
}

static __always_inline int walk(struct task_struct *p, bool parts)
{
	struct dcos_gauge *g;
	struct dcos_task *t;
	struct dcos_cell *c;

	t = p ? bpf_task_storage_get(&tasks, p, 0, 0) : NULL;
	c = t ? cell_of(t) : NULL;
	if (!c)
		return 0;
	charge_usage(c, t, p);
	if (p->exit_state)
		return 0;
	g = gauge_of(t->slot);
	if (!g)
		return 0;
	add_thread(g, p);
	add_cached(g, p);
	if (is_first(p, t, g->walk)) {
		g->nr_procs++;
		add_rss(g, p, parts);
	}
	return 0;
}

SEC("iter/task")
int walk_task(struct bpf_iter__task *ctx)
{
	return walk(ctx->task, true);
}

/* For kernels that do not tell where the data of a CPU is. */
SEC("iter/task")
int walk_task_total(struct bpf_iter__task *ctx)
{
	return walk(ctx->task, false);
}

/* The state of a controller for a cgroup, NULL where the controller is not enabled. */
static __always_inline const void *css_of(const struct cgroup *cg, int id)
{
	const void *css = NULL;

	(void)bpf_probe_read_kernel(&css, sizeof(css), &cg->subsys[id]); /* then it stays NULL */
	return css;
}

#define PSI_STATES    6 /* those before PSI_NONIDLE and, in some kernels, PSI_IRQ_FULL */
#define MEMORY_EVENTS 5 /* up to MEMCG_OOM_KILL */

static __always_inline __u64 word_at(const __u64 *words, __u32 nr, __u32 i)
{
	return i < nr ? words[i] : 0;
}

#define PSI_TOTAL(total, state)                                                                    \
	word_at(total, PSI_STATES, bpf_core_enum_value(enum psi_states___any, state##___any))
#define MEMORY_EVENT(events, event)                                                                \
	word_at(events, MEMORY_EVENTS,                                                             \
		bpf_core_enum_value(enum memcg_memory_event___any, event##___any))

static __always_inline void copy_psi(struct dcos_gauge *g, const struct cgroup *cg)
{
	const struct cgroup___psi *c = (const void *)cg;
	const struct psi_group___any *psi;
	__u64 total[PSI_STATES];

	if (!bpf_core_field_exists(c->psi) ||
	    !bpf_core_enum_value_exists(enum psi_states___any, PSI_CPU_FULL___any) ||
	    bpf_core_enum_value(enum psi_states___any, PSI_CPU_FULL___any) >= PSI_STATES)
		return;
	psi = BPF_CORE_READ(c, psi);
	if (!psi || !bpf_core_field_exists(psi->total))
		return;
	if (bpf_core_field_exists(psi->enabled) && !BPF_CORE_READ(psi, enabled))
		return;
	if (bpf_core_read(total, sizeof(total), &psi->total))
		return;
	g->psi_cpu_some_ns = PSI_TOTAL(total, PSI_CPU_SOME);
	g->psi_cpu_full_ns = PSI_TOTAL(total, PSI_CPU_FULL);
	g->psi_memory_some_ns = PSI_TOTAL(total, PSI_MEM_SOME);
	g->psi_memory_full_ns = PSI_TOTAL(total, PSI_MEM_FULL);
	g->psi_io_some_ns = PSI_TOTAL(total, PSI_IO_SOME);
	g->psi_io_full_ns = PSI_TOTAL(total, PSI_IO_FULL);
	g->has |= DCOS_HAS_PSI;
}

static __always_inline void copy_memory(struct dcos_gauge *g, const struct cgroup *cg)
{
	const struct mem_cgroup___any *m;
	__u64 nr[MEMORY_EVENTS];

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id___any, memory_cgrp_id___any) ||
	    !bpf_core_field_exists(struct mem_cgroup___any, memory) ||
	    !bpf_core_field_exists(struct mem_cgroup___any, memory_events) ||
	    !bpf_core_field_exists(struct page_counter___any, watermark) ||
	    !bpf_core_enum_value_exists(enum memcg_memory_event___any, MEMCG_OOM_KILL___any) ||
	    bpf_core_enum_value(enum memcg_memory_event___any, MEMCG_OOM_KILL___any) >=
		    MEMORY_EVENTS)
		return;
	m = css_of(cg, bpf_core_enum_value(enum cgroup_subsys_id___any, memory_cgrp_id___any));
	if (!m)
		return;
	m = (const void *)m - bpf_core_field_offset(struct mem_cgroup___any, css);
	if (bpf_core_read(nr, sizeof(nr), &m->memory_events))
		return;
	g->memory_bytes = bytes_of(BPF_CORE_READ(m, memory.usage.counter));
	g->memory_peak_bytes = bytes_of(BPF_CORE_READ(m, memory.watermark));
	g->memory_low = MEMORY_EVENT(nr, MEMCG_LOW);
	g->memory_high = MEMORY_EVENT(nr, MEMCG_HIGH);
	g->memory_max = MEMORY_EVENT(nr, MEMCG_MAX);
	g->memory_oom = MEMORY_EVENT(nr, MEMCG_OOM);
	g->memory_oom_kill = MEMORY_EVENT(nr, MEMCG_OOM_KILL);
	g->has |= DCOS_HAS_MEMORY;
}

static __always_inline void copy_pids(struct dcos_gauge *g, const struct cgroup *cg)
{
	const struct pids_cgroup___any *p;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id___any, pids_cgrp_id___any) ||
	    !bpf_core_field_exists(struct pids_cgroup___any, counter))
		return;
	p = css_of(cg, bpf_core_enum_value(enum cgroup_subsys_id___any, pids_cgrp_id___any));
	if (!p)
		return;
	p = (const void *)p - bpf_core_field_offset(struct pids_cgroup___any, css);
	g->pids = BPF_CORE_READ(p, counter.counter);
	g->has |= DCOS_HAS_PIDS;
	if (bpf_core_field_exists(struct pids_cgroup___any, events_limit))
		g->pids_max = BPF_CORE_READ(p, events_limit.counter);
	else if (bpf_core_field_exists(struct pids_cgroup___any, events))
		g->pids_max = BPF_CORE_READ(p, events[0].counter);
	else
		return;
	g->has |= DCOS_HAS_PIDS_MAX;
}

static __always_inline void copy_cfs(struct dcos_gauge *g, const struct cgroup *cg)
{
	const struct task_group___any *t;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id___any, cpu_cgrp_id___any) ||
	    !bpf_core_field_exists(struct task_group___any, cfs_bandwidth))
		return;
	t = css_of(cg, bpf_core_enum_value(enum cgroup_subsys_id___any, cpu_cgrp_id___any));
	if (!t)
		return;
	t = (const void *)t - bpf_core_field_offset(struct task_group___any, css);
	g->cfs_periods = (__u32)BPF_CORE_READ(t, cfs_bandwidth.nr_periods);
	g->cfs_throttled = (__u32)BPF_CORE_READ(t, cfs_bandwidth.nr_throttled);
	g->cfs_throttled_ns = BPF_CORE_READ(t, cfs_bandwidth.throttled_time);
	g->has |= DCOS_HAS_CFS;
}

SEC("iter/cgroup")
int walk_cgroup(struct bpf_iter__cgroup *ctx)
{
	struct cgroup *cg = ctx->cgroup;
	struct dcos_slot_key *key;
	struct dcos_gauge *g;
	__u64 id;

	if (!cg)
		return 0;
	id = cg->kn->id;
	key = bpf_map_lookup_elem(&slots, &id);
	g = key ? gauge_of(key->slot) : NULL;
	if (!g)
		return 0;
	copy_psi(g, cg);
	copy_memory(g, cg);
	copy_pids(g, cg);
	copy_cfs(g, cg);
	g->cgroup_walk = g->walk;
	return 0;
}
