// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Question: which thread of which container runs next, within the containers' quotas and weights?
 *
 * Events: a sched_ext scheduler (struct_ops) in partial mode: it has the threads of policy
 * SCHED_EXT, which containers are started with; and sched_stat_runtime (tp_btf).
 *
 * Algorithm: each slot has a queue of its threads, first in, first out, with slices by their nice
 * levels. A CPU that has nothing to run takes a thread of the slot that has run least for its
 * weight, among those with budget left. What the kernel books on any thread of a slot, whatever
 * its policy, is taken from the slot's budget; a timer of the slot adds the quota each period. A
 * tick that finds nothing left takes the CPU away. What was used beyond stays as debt, so that the
 * share is right in the long run. Quotas and weights come from user space and, when somebody
 * writes cpu.max or cpu.weight, from the kernel itself.
 *
 * Cost: a booking 20 ns for any thread, 40 ns for one of a slot; a dispatch a look at each slot
 * that has runnable threads, 50 ns each, and 16 words; a timer a period for each quota.
 *
 * Misses: what a thread runs between two ticks, which is paid back. Threads with another policy
 * are charged but not held: cpu.max, which has the same quota, holds those.
 *
 * Fails open: when the kernel ejects the scheduler, its threads are the default scheduler's, and
 * cpu.max holds them.
 */
#define BPF_NO_KFUNC_PROTOTYPES
#define sched_ext_ops sched_ext_ops_of_build_host
#include "vmlinux.h"
#undef sched_ext_ops
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/meter_maps.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define SCHED_EXT_POLICY   7
#define QUEUES		   0x1000ULL /* the queue of slot i is QUEUES + i */
#define DSQ_LOCAL	   0x8000000000000002ULL
#define ENQ_WAKEUP	   1ULL
#define ENQ_LAST	   (1ULL << 41)
#define OPS_ENQ_LAST	   2ULL
#define OPS_SWITCH_PARTIAL 8ULL
#define TASK_QUEUED	   1U /* in sched_ext_entity.flags: it wants to run */
#define KICK_IDLE	   1ULL
#define TIMER_ABS	   1ULL
#define MONOTONIC	   1
#define NS_PER_US	   1000ULL
#define QUOTA_US_MAX	   (1ULL << 44) /* the kernel's own bound; above it is "max" */
#define WEIGHT_DFL	   100
#define SLICE_NS	   5000000ULL /* of a thread at nice 0 */
#define SLICE_MIN_NS	   1000000ULL
#define SLICE_MAX_NS	   20000000ULL
#define LEAD_NS		   1000000000ULL /* what runs without a rival counts no further */
#define TRIES		   8 /* queues whose threads may all be bound to other CPUs */
#define TIMEOUT_MS	   30000 /* the kernel's bound of a thread's wait: it ejects beyond */

/* What of the kernel's types is used; the build host's kernel may have none of them. */
struct sched_ext_entity___scx {
	u32 flags;
	u32 weight;
} __attribute__((preserve_access_index));

struct task_struct___scx {
	struct sched_ext_entity___scx scx;
} __attribute__((preserve_access_index));

struct scx_cgroup_init_args___scx {
	u32 weight;
	u64 bw_period_us, bw_quota_us, bw_burst_us;
} __attribute__((preserve_access_index));

enum scx_exit_kind___scx { EXIT_KIND_UNUSED };

struct scx_exit_info___scx {
	enum scx_exit_kind___scx kind;
	s64 exit_code;
	const char *reason;
	char *msg;
} __attribute__((preserve_access_index));

struct sched_ext_ops {
	s32 (*select_cpu)(struct task_struct *p, s32 prev_cpu, u64 wake_flags);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	void (*dispatch)(s32 cpu, struct task_struct *prev);
	void (*tick)(struct task_struct *p);
	void (*runnable)(struct task_struct *p, u64 enq_flags);
	void (*running)(struct task_struct *p);
	void (*quiescent)(struct task_struct *p, u64 deq_flags);
	s32 (*cgroup_init)(struct cgroup *cgrp, struct scx_cgroup_init_args___scx *args);
	void (*cgroup_set_weight)(struct cgroup *cgrp, u32 weight);
	void (*cgroup_set_bandwidth)(struct cgroup *cgrp, u64 period_us, u64 quota_us,
				     u64 burst_us);
	s32 (*init)(void);
	void (*exit)(struct scx_exit_info___scx *ei);
	u64 flags;
	u32 timeout_ms;
	char name[128];
};

extern s32 scx_bpf_create_dsq(u64 dsq_id, s32 node) __ksym;
extern void scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 flags) __ksym;
extern bool scx_bpf_dsq_move_to_local(u64 dsq_id) __ksym;
extern s32 scx_bpf_dsq_nr_queued(u64 dsq_id) __ksym;
extern void scx_bpf_kick_cpu(s32 cpu, u64 flags) __ksym;
extern s32 scx_bpf_select_cpu_dfl(struct task_struct *p, s32 prev_cpu, u64 wake_flags,
				  bool *is_idle) __ksym;
extern s32 scx_bpf_task_cpu(const struct task_struct *p) __ksym;
extern bool scx_bpf_task_set_slice(struct task_struct *p, u64 slice) __ksym;

/* slot -> its budget and its share. BPF writes; pinned, user space reads through mmap. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DCOS_SLOTS);
	__type(key, __u32);
	__type(value, struct dcos_scx);
} scx_slots SEC(".maps");

/* 0 -> the state. BPF writes, user space sets the build; pinned. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct dcos_scx_state);
} scx_state SEC(".maps");

struct timer {
	struct bpf_timer timer;
};

/* slot -> the timer of its refill. BPF only; pinned, for timers end with the last user of the map. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DCOS_SLOTS);
	__type(key, __u32);
	__type(value, struct timer);
} scx_timers SEC(".maps");

struct queued {
	__u32 slot; /* in whose nr_runnable it is counted, and in whose queue it waits */
	__u32 counted;
};

/* thread under the scheduler -> where it is queued. BPF only. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct queued);
} scx_threads SEC(".maps");

static __always_inline struct dcos_scx_state *state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scx_state, &zero);
}

static __always_inline struct dcos_scx *slot_at(__u32 slot)
{
	return bpf_map_lookup_elem(&scx_slots, &slot);
}

static __always_inline bool before(__u64 a, __u64 b)
{
	return (__s64)(a - b) < 0;
}

static __always_inline bool has_budget(const struct dcos_scx *s)
{
	return !s->quota_ns || *(volatile __s64 *)&s->left_ns > 0;
}

/* The slot that a thread belongs to, 0 none. */
static __always_inline __u32 slot_of(struct task_struct *p)
{
	struct dcos_task *t = bpf_task_storage_get(&tasks, p, 0, 0);
	struct dcos_scx *s = t ? slot_at(t->slot) : NULL;

	return s && s->owner && s->owner == t->owner ? t->slot : 0;
}

/* The slot in whose queue a thread waits. */
static __always_inline __u32 queue_of(struct task_struct *p)
{
	struct queued *q = bpf_task_storage_get(&scx_threads, p, 0, 0);

	return q ? q->slot : 0;
}

static __always_inline __u64 slice_of(struct task_struct *p)
{
	const struct task_struct___scx *t = (const void *)p;
	__u64 slice = SLICE_NS * BPF_CORE_READ(t, scx.weight) / WEIGHT_DFL;

	if (slice < SLICE_MIN_NS)
		return SLICE_MIN_NS;
	return slice > SLICE_MAX_NS ? SLICE_MAX_NS : slice;
}

/* --- budgets ---------------------------------------------------------------------- */

SEC("tp_btf/sched_stat_runtime")
int BPF_PROG(scx_charge, struct task_struct *p, __u64 runtime)
{
	bool ours = p->policy == SCHED_EXT_POLICY;
	__u32 slot = slot_of(p);
	struct dcos_scx *s;

	if (!slot && !ours)
		return 0;
	s = slot_at(slot);
	if (!s)
		return 0;
	__sync_fetch_and_add(&s->used_ns, runtime);
	if (s->quota_ns)
		__sync_fetch_and_sub(&s->left_ns, runtime);
	if (ours)
		__sync_fetch_and_add(&s->vtime_ns,
				     runtime * WEIGHT_DFL / (s->weight ?: WEIGHT_DFL));
	return 0;
}

static long kick_idle(__u32 cpu, void *ctx)
{
	scx_bpf_kick_cpu(cpu, KICK_IDLE);
	return 0;
}

static __always_inline void count(__u32 slot, const struct dcos_scx *s, __u64 periods,
				  __u64 throttled, __u64 ns)
{
	struct dcos_cell *c = cell_at(slot, s->owner);

	if (!c)
		return;
	__sync_fetch_and_add(&c->nr_periods, periods);
	__sync_fetch_and_add(&c->nr_throttled, throttled);
	__sync_fetch_and_add(&c->throttled_ns, ns);
}

/* Its threads may run again: who was kept from running is behind nobody. */
static __always_inline void release(__u32 slot, struct dcos_scx *s, __u64 now)
{
	__u64 since = __sync_lock_test_and_set(&s->since_ns, 0);
	struct dcos_scx_state *st = state();

	if (since)
		count(slot, s, 0, 1, now > since ? now - since : 0);
	if (st && before(s->vtime_ns, st->floor_ns))
		s->vtime_ns = st->floor_ns;
	if (scx_bpf_dsq_nr_queued(QUEUES + slot) > 0)
		bpf_loop(knobs.ncpu, kick_idle, NULL, 0);
}

/* Who used little keeps at most its burst beyond one quota. */
static __always_inline void refill(struct dcos_scx *s, __u64 periods)
{
	__s64 left = *(volatile __s64 *)&s->left_ns, cap = s->quota_ns + s->burst_ns;
	__s64 add = s->quota_ns * periods;

	if (add > cap - left)
		add = cap - left;
	__sync_fetch_and_add(&s->left_ns, add);
}

static int on_timer(void *map, __u32 *key, struct timer *t)
{
	__u64 now = bpf_ktime_get_ns(), periods, used;
	__u32 slot = *key;
	struct dcos_scx *s = slot_at(slot);

	if (!s || !s->quota_ns || !s->period_ns) {
		if (s)
			s->next_ns = 0;
		return 0;
	}
	periods = now < s->next_ns ? 0 : (now - s->next_ns) / s->period_ns + 1;
	refill(s, periods);
	used = s->used_ns;
	if (used != s->seen_ns || s->since_ns)
		count(slot, s, periods, 0, 0);
	s->seen_ns = used;
	s->next_ns += periods * s->period_ns;
	if (has_budget(s))
		release(slot, s, now);
	bpf_timer_start(&t->timer, s->next_ns, TIMER_ABS);
	return 0;
}

/* Refills begin with a quota, and end by themselves when there is none any more. */
static __always_inline void start_timer(__u32 slot, struct dcos_scx *s, __u64 now)
{
	struct timer *t = bpf_map_lookup_elem(&scx_timers, &slot);

	if (!t)
		return;
	s->next_ns = (now / s->period_ns + 1) * s->period_ns; /* same periods, one wakeup */
	bpf_timer_init(&t->timer, &scx_timers, MONOTONIC); /* it may be: then nothing happens */
	bpf_timer_set_callback(&t->timer, on_timer);
	bpf_timer_start(&t->timer, s->next_ns, TIMER_ABS);
}

/* What is left changes by the difference of the quotas, so that a new one holds at once. */
static __always_inline void set_quota(__u32 slot, struct dcos_scx *s, __u64 quota, __u64 period,
				      __u64 burst)
{
	__u64 now = bpf_ktime_get_ns(), had = s->quota_ns, had_period = s->period_ns;

	if (!period || quota >= QUOTA_US_MAX * NS_PER_US)
		quota = 0;
	if (quota == had && period == had_period && burst == s->burst_ns)
		return;
	s->burst_ns = burst;
	s->period_ns = period;
	if (had)
		__sync_fetch_and_add(&s->left_ns, (__s64)quota - (__s64)had);
	else
		s->left_ns = quota;
	s->quota_ns = quota;
	if (quota && (!s->next_ns || period != had_period))
		start_timer(slot, s, now);
	if (has_budget(s))
		release(slot, s, now);
}

SEC("syscall")
int scx_set(struct dcos_scx_set *a)
{
	__u32 slot = a->slot;
	struct dcos_scx *s = slot_at(slot);

	if (!s || !slot)
		return -22; /* EINVAL */
	if (s->owner != a->owner) {
		set_quota(slot, s, 0, 0, 0);
		s->owner = 0;
		s->used_ns = s->seen_ns = 0;
		s->owner = a->owner;
	}
	s->weight = a->weight;
	set_quota(slot, s, a->owner ? a->quota_ns : 0, a->period_ns, a->burst_ns);
	return 0;
}

/* --- the kernel's word on quotas and weights -------------------------------------- */

static __always_inline struct dcos_scx *slot_of_cgroup(struct cgroup *cgrp, __u32 *slot)
{
	__u64 id = BPF_CORE_READ(cgrp, kn, id);
	struct dcos_slot_key *key = bpf_map_lookup_elem(&slots, &id);
	struct dcos_scx *s = key ? slot_at(key->slot) : NULL;

	if (!s || !key->slot || s->owner != id)
		return NULL;
	*slot = key->slot;
	return s;
}

SEC("struct_ops/scx_cgroup_set_weight")
void BPF_PROG(scx_cgroup_set_weight, struct cgroup *cgrp, u32 weight)
{
	__u32 slot;
	struct dcos_scx *s = slot_of_cgroup(cgrp, &slot);

	if (s)
		s->weight = weight;
}

SEC("struct_ops/scx_cgroup_set_bandwidth")
void BPF_PROG(scx_cgroup_set_bandwidth, struct cgroup *cgrp, u64 period_us, u64 quota_us,
	      u64 burst_us)
{
	__u32 slot;
	struct dcos_scx *s = slot_of_cgroup(cgrp, &slot);

	if (!s)
		return;
	if (quota_us >= QUOTA_US_MAX)
		quota_us = 0;
	set_quota(slot, s, quota_us * NS_PER_US, period_us * NS_PER_US, burst_us * NS_PER_US);
}

/* --- the scheduler ---------------------------------------------------------------- */

static __always_inline void set_active(struct dcos_scx_state *st, __u32 slot, bool on)
{
	__u64 bit = 1ULL << (slot & 63), *word = &st->active[(slot / 64) & (DCOS_SLOTS / 64 - 1)];

	if (on)
		__sync_fetch_and_or(word, bit);
	else
		__sync_fetch_and_and(word, ~bit);
}

SEC("struct_ops/scx_runnable")
void BPF_PROG(scx_runnable, struct task_struct *p, u64 enq_flags)
{
	struct queued *q = bpf_task_storage_get(&scx_threads, p, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	struct dcos_scx_state *st = state();
	struct dcos_scx *s;
	__u32 slot;

	if (!st)
		return;
	if (!q) {
		__sync_fetch_and_add(&st->storage_failed, 1);
		set_active(st, 0, true); /* it stays so: nobody counts this thread */
		return;
	}
	if (q->counted)
		return;
	slot = slot_of(p);
	s = slot_at(slot);
	if (!s)
		return;
	q->slot = slot;
	q->counted = 1;
	if (__sync_fetch_and_add(&s->nr_runnable, 1))
		return;
	if (before(s->vtime_ns, st->floor_ns))
		s->vtime_ns = st->floor_ns;
	set_active(st, slot, true);
}

SEC("struct_ops/scx_quiescent")
void BPF_PROG(scx_quiescent, struct task_struct *p, u64 deq_flags)
{
	struct queued *q = bpf_task_storage_get(&scx_threads, p, 0, 0);
	struct dcos_scx_state *st = state();
	struct dcos_scx *s = q ? slot_at(q->slot) : NULL;

	if (!st || !s || !q->counted)
		return;
	q->counted = 0;
	if (__sync_fetch_and_sub(&s->nr_runnable, 1) != 1)
		return;
	if (!q->slot && st->storage_failed)
		return;
	set_active(st, q->slot, false);
	if (*(volatile __u64 *)&s->nr_runnable) /* a first one came meanwhile, and set it before */
		set_active(st, q->slot, true);
}

SEC("struct_ops/scx_select_cpu")
s32 BPF_PROG(scx_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	struct dcos_scx *s = slot_at(queue_of(p));
	bool idle = false;
	s32 cpu;

	if (!s || !has_budget(s))
		return prev_cpu; /* an idle CPU that is found must be used */
	cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &idle);
	if (idle)
		scx_bpf_dsq_insert(p, DSQ_LOCAL, slice_of(p), 0);
	return cpu;
}

/* The last runnable thread of a CPU goes on at once: nobody would come for it. */
SEC("struct_ops/scx_enqueue")
void BPF_PROG(scx_enqueue, struct task_struct *p, u64 enq_flags)
{
	__u32 slot = queue_of(p);
	struct dcos_scx *s = slot_at(slot);
	bool may = !s || has_budget(s);

	if (may && enq_flags & ENQ_LAST) {
		scx_bpf_dsq_insert(p, DSQ_LOCAL, slice_of(p), enq_flags);
		return;
	}
	scx_bpf_dsq_insert(p, QUEUES + slot, slice_of(p), enq_flags);
	if (may && enq_flags & ENQ_WAKEUP)
		scx_bpf_kick_cpu(scx_bpf_task_cpu(p), KICK_IDLE);
	else if (!may)
		__sync_val_compare_and_swap(&s->since_ns, 0, bpf_ktime_get_ns());
}

/* Index of the lowest bit set; v is not 0. */
static __always_inline __u32 lowest_bit(__u64 v)
{
	__u32 n = 0;

	if (!(v & 0xffffffff)) {
		n += 32;
		v >>= 32;
	}
	if (!(v & 0xffff)) {
		n += 16;
		v >>= 16;
	}
	if (!(v & 0xff)) {
		n += 8;
		v >>= 8;
	}
	if (!(v & 0xf)) {
		n += 4;
		v >>= 4;
	}
	if (!(v & 3)) {
		n += 2;
		v >>= 2;
	}
	return n + !(v & 1);
}

/* A search for whoever is behind all others, but not behind @last, which was tried. */
struct search {
	__u64 floor, best, last;
	__u32 pos, slot, last_slot;
	__u32 floor_found, found, tried;
	__u32 prev_slot; /* of the thread that may go on; DCOS_SLOTS: none */
	__u32 pad;
};

/* 0 -> the CPU's search; BPF only. In a map, what the verifier knows of a loop stays the same. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct search);
} scx_searches SEC(".maps");

static __always_inline bool is_tried(const struct search *f, __u64 vtime, __u32 slot)
{
	if (!f->tried)
		return false;
	return before(vtime, f->last) || (vtime == f->last && slot <= f->last_slot);
}

static long look(__u32 i, void *ctx)
{
	__u32 zero = 0, slot;
	struct search *f = bpf_map_lookup_elem(&scx_searches, &zero);
	struct dcos_scx_state *st = state();
	struct dcos_scx *s;
	__u64 word, vtime;

	if (!f || !st)
		return 1;
	slot = f->pos;
	if (slot >= DCOS_SLOTS)
		return 1;
	word = st->active[(slot / 64) & (DCOS_SLOTS / 64 - 1)] >> (slot & 63);
	if (!word) {
		f->pos = (slot / 64 + 1) * 64;
		return 0;
	}
	slot += lowest_bit(word);
	f->pos = slot + 1;
	s = slot_at(slot);
	if (!s || !has_budget(s))
		return 0;
	vtime = s->vtime_ns;
	if (!f->floor_found || before(vtime, f->floor)) {
		f->floor = vtime;
		f->floor_found = 1;
	}
	if ((f->found && !before(vtime, f->best)) || is_tried(f, vtime, slot))
		return 0;
	if (slot != f->prev_slot && scx_bpf_dsq_nr_queued(QUEUES + slot) <= 0)
		return 0;
	f->best = vtime;
	f->slot = slot;
	f->found = 1;
	return 0;
}

static __always_inline bool find(struct dcos_scx_state *st, struct search *f)
{
	f->pos = f->found = f->floor_found = 0;
	bpf_loop(DCOS_SLOTS + DCOS_SLOTS / 64, look, NULL, 0);
	if (f->floor_found && before(st->floor_ns, f->floor))
		st->floor_ns = f->floor;
	f->last = f->best;
	f->last_slot = f->slot;
	f->tried = 1;
	return f->found;
}

/* The slot of a thread that has used up its slice and wants to go on. */
static __always_inline __u32 slot_of_prev(struct task_struct *prev)
{
	const struct task_struct___scx *t = (const void *)prev;

	if (!prev || !(BPF_CORE_READ(t, scx.flags) & TASK_QUEUED))
		return DCOS_SLOTS;
	return queue_of(prev);
}

/* Within a slot it is the next one's turn; a thread alone in its slot goes on if the slot may. */
SEC("struct_ops/scx_dispatch")
void BPF_PROG(scx_dispatch, s32 cpu, struct task_struct *prev)
{
	struct dcos_scx_state *st = state();
	__u32 zero = 0;
	struct search *f = bpf_map_lookup_elem(&scx_searches, &zero);
	int i;

	if (!st || !f)
		return;
	f->tried = 0;
	f->prev_slot = slot_of_prev(prev);
	for (i = 0; i < TRIES; i++) {
		if (!find(st, f) || scx_bpf_dsq_move_to_local(QUEUES + f->slot))
			return;
		if (prev && f->slot == f->prev_slot) {
			scx_bpf_task_set_slice(prev, slice_of(prev));
			return;
		}
	}
}

SEC("struct_ops/scx_running")
void BPF_PROG(scx_running, struct task_struct *p)
{
	struct dcos_scx *s = slot_at(queue_of(p));
	struct dcos_scx_state *st = state();

	if (s && st && before(st->floor_ns + LEAD_NS, s->vtime_ns))
		s->vtime_ns = st->floor_ns + LEAD_NS;
}

SEC("struct_ops/scx_tick")
void BPF_PROG(scx_tick, struct task_struct *p)
{
	struct dcos_scx *s = slot_at(queue_of(p));

	if (s && !has_budget(s))
		scx_bpf_task_set_slice(p, 0);
}

/* Slots that were in use before the scheduler was: their quotas are in cpu.max. */
SEC("struct_ops/scx_cgroup_init")
s32 BPF_PROG(scx_cgroup_init, struct cgroup *cgrp, struct scx_cgroup_init_args___scx *args)
{
	__u64 id = BPF_CORE_READ(cgrp, kn, id), quota = args->bw_quota_us;
	struct dcos_slot_key *key = bpf_map_lookup_elem(&slots, &id);
	struct dcos_scx *s = key ? slot_at(key->slot) : NULL;

	if (!s || !key->slot)
		return 0;
	s->owner = id;
	s->weight = args->weight;
	set_quota(key->slot, s, quota >= QUOTA_US_MAX ? 0 : quota * NS_PER_US,
		  args->bw_period_us * NS_PER_US, args->bw_burst_us * NS_PER_US);
	return 0;
}

static long make_queue(__u32 i, void *ctx)
{
	s32 *err = ctx;

	*err = scx_bpf_create_dsq(QUEUES + i, -1);
	return *err != 0;
}

SEC("struct_ops/scx_init") /* user space makes it sleepable */
s32 BPF_PROG(scx_init)
{
	s32 err = 0;

	bpf_loop(DCOS_SLOTS, make_queue, &err, 0);
	return err;
}

SEC("struct_ops/scx_exit")
void BPF_PROG(scx_exit, struct scx_exit_info___scx *ei)
{
	struct dcos_scx_state *st = state();

	if (!st)
		return;
	st->exit_code = ei->exit_code;
	bpf_probe_read_kernel_str(st->reason, sizeof(st->reason), ei->reason);
	bpf_probe_read_kernel_str(st->message, sizeof(st->message), ei->msg);
	st->exit_kind = ei->kind; /* last: who sees it reads the texts */
}

SEC(".struct_ops")
struct sched_ext_ops scx_ops = {
	.select_cpu = (void *)scx_select_cpu,
	.enqueue = (void *)scx_enqueue,
	.dispatch = (void *)scx_dispatch,
	.tick = (void *)scx_tick,
	.runnable = (void *)scx_runnable,
	.running = (void *)scx_running,
	.quiescent = (void *)scx_quiescent,
	.cgroup_init = (void *)scx_cgroup_init,
	.cgroup_set_weight = (void *)scx_cgroup_set_weight,
	.cgroup_set_bandwidth = (void *)scx_cgroup_set_bandwidth,
	.init = (void *)scx_init,
	.exit = (void *)scx_exit,
	.flags = OPS_SWITCH_PARTIAL | OPS_ENQ_LAST,
	.timeout_ms = TIMEOUT_MS,
	.name = "dcos",
};
