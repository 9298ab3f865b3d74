// SPDX-License-Identifier: Apache-2.0
/*
 * The meter's user-space half: slots, their mapped cells, exit records. How the programs come into
 * the kernel, and stay there, is in meter_family.c, meter_link.c and meter_pins.c. One thread, one
 * agent per pin directory.
 */
#include "agent/meter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/crash.h"
#include "agent/meter_impl.h"
#include "agent/meter_pins.h"

#define CELL_WORDS   (sizeof(struct dcos_cell) / sizeof(uint64_t))
#define DETAIL_WORDS (sizeof(struct dcos_detail) / sizeof(uint64_t))

static size_t page_round(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

/* Of an array with one element for each slot on each CPU. */
static size_t array_size(const struct meter *m, size_t element)
{
	return page_round(DCOS_SLOTS * (size_t)m->ncpu * element);
}

static size_t index_of(const struct meter *m, uint32_t slot, int cpu)
{
	return (size_t)slot * (size_t)m->ncpu + (size_t)cpu;
}

static size_t gauges_size(void)
{
	return page_round(DCOS_SLOTS * sizeof(struct dcos_gauge));
}

static size_t disks_size(void)
{
	return page_round(DCOS_SLOTS * sizeof(struct dcos_disks));
}

static struct dcos_cell *cell_at(const struct meter *m, uint32_t slot, int cpu)
{
	return &m->cells[index_of(m, slot, cpu)];
}

/* From here on only threads born under this owner count into the slot. */
static void slot_own(struct meter *m, uint32_t slot, uint64_t owner)
{
	int cpu;

	for (cpu = 0; cpu < m->ncpu; cpu++)
		__atomic_store_n(&cell_at(m, slot, cpu)->owner, owner, __ATOMIC_SEQ_CST);
}

static void slot_clear(struct meter *m, uint32_t slot)
{
	int cpu;

	slot_own(m, slot, 0);
	for (cpu = 0; cpu < m->ncpu; cpu++) {
		memset(cell_at(m, slot, cpu), 0, sizeof(struct dcos_cell));
		memset(&m->details[index_of(m, slot, cpu)], 0, sizeof(struct dcos_detail));
	}
	if (m->gauges)
		memset(&m->gauges[slot], 0, sizeof(struct dcos_gauge));
	if (m->disks)
		memset(&m->disks[slot], 0, sizeof(struct dcos_disks));
}

/* The longest unused one, nearly: behind the last one given. 0: none is free. */
static uint32_t slot_find(const struct meter *m)
{
	uint32_t i, slot;

	for (i = 0; i < DCOS_SLOTS; i++) {
		slot = (m->last + 1 + i) % DCOS_SLOTS;
		if (slot && !m->taken[slot])
			return slot;
	}
	return 0;
}

static int slot_attach(struct meter *m, uint64_t cgroup_id, uint32_t init_tgid, uint32_t *ret_slot)
{
	struct dcos_slot_key key;
	uint32_t slot;
	int r;

	if (!bpf_map_lookup_elem(m->iso.slots_fd, &cgroup_id, &key)) {
		*ret_slot = key.slot;
		return 0;
	}
	slot = slot_find(m);
	if (!slot) {
		__atomic_add_fetch(&m->drops->slots_full, 1, __ATOMIC_RELAXED);
		return -ENOSPC;
	}
	slot_clear(m, slot);
	slot_own(m, slot, cgroup_id);
	key = (struct dcos_slot_key){.slot = slot, .init_tgid = init_tgid};
	r = bpf_map_update_elem(m->iso.slots_fd, &cgroup_id, &key, BPF_NOEXIST);
	if (r) {
		slot_own(m, slot, 0);
		return r;
	}
	CRASH_POINT("meter.slot_given");
	m->taken[slot] = true;
	m->last = slot;
	*ret_slot = slot;
	return 0;
}

static int meter_attach(void *ctx, uint64_t cgroup_id, uint32_t *ret_slot)
{
	return slot_attach(ctx, cgroup_id, 0, ret_slot);
}

static void meter_detach(void *ctx, uint64_t cgroup_id, uint32_t slot)
{
	struct meter *m = ctx;
	struct dcos_slot_key key;

	if (bpf_map_lookup_elem(m->iso.slots_fd, &cgroup_id, &key) || key.slot != slot)
		return; /* given back already */
	(void)bpf_map_delete_elem(m->iso.slots_fd, &cgroup_id); /* it was there just now */
	CRASH_POINT("meter.slot_unlisted");
	if (slot && slot < DCOS_SLOTS) {
		slot_own(m, slot, 0);
		m->taken[slot] = false;
	}
	/* a launch that failed has one too, and nobody will ever ask for it */
	meter_forget(m, cgroup_id);
}

/* Begin to count the threads that are older than their cgroup's slot. */
static int pick_up(const struct meter *m)
{
	cleanup_close int iter = family_iter(m->families[METER_SCHED], "meter_pick_up", -1);

	return iter < 0 ? iter : family_iterate(iter);
}

int meter_adopt(struct meter *m, uint64_t cgroup_id, pid_t init, uint32_t *ret_slot)
{
	uint32_t slot;
	int r;

	r = slot_attach(m, cgroup_id, (uint32_t)init, &slot);
	if (r < 0)
		return r;
	*ret_slot = slot;
	return pick_up(m);
}

/* All keys of a hash of cgroup ids; nobody but us deletes from it, new keys may be missed. */
static int map_keys(int fd, uint32_t max, uint64_t **ret)
{
	cleanup_free uint64_t *keys = calloc(max, sizeof(*keys));
	int n = 0;

	if (!keys)
		return -ENOMEM;
	while ((uint32_t)n < max && !bpf_map_get_next_key(fd, n ? &keys[n - 1] : NULL, &keys[n]))
		n++;
	*ret = take_ptr(keys);
	return n;
}

static int slots_recover(struct meter *m)
{
	cleanup_free uint64_t *keys = NULL;
	struct dcos_slot_key key;
	int i, n;

	n = map_keys(m->iso.slots_fd, DCOS_SLOTS, &keys);
	for (i = 0; i < n; i++) {
		if (bpf_map_lookup_elem(m->iso.slots_fd, &keys[i], &key))
			continue;
		if (key.slot && key.slot < DCOS_SLOTS)
			m->taken[key.slot] = true;
	}
	return n < 0 ? n : 0;
}

static bool is_among(uint64_t id, const uint64_t *ids, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (ids[i] == id)
			return true;
	}
	return false;
}

static void forget_all_but(struct meter *m, const uint64_t *ids, int n, const uint64_t *live,
			   int nr)
{
	for (int i = 0; i < n; i++) {
		if (!is_among(ids[i], live, nr))
			meter_forget(m, ids[i]);
	}
}

int meter_reclaim(struct meter *m, const uint64_t *live, int nr)
{
	cleanup_free uint64_t *slots = NULL, *exits = NULL, *victims = NULL;
	struct dcos_slot_key key;
	int i, n;

	n = map_keys(m->iso.slots_fd, DCOS_SLOTS, &slots);
	if (n < 0)
		return n;
	for (i = 0; i < n; i++) {
		if (!is_among(slots[i], live, nr) &&
		    !bpf_map_lookup_elem(m->iso.slots_fd, &slots[i], &key))
			meter_detach(m, slots[i], key.slot);
	}
	n = map_keys(m->exits_fd, DCOS_EXITS, &exits);
	if (n < 0)
		return n;
	forget_all_but(m, exits, n, live, nr);
	n = map_keys(m->victims_fd, DCOS_SLOTS, &victims);
	if (n < 0)
		return n;
	forget_all_but(m, victims, n, live, nr);
	return 0;
}

static int map_array(int fd, size_t size, void *ret)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	*(void **)ret = p;
	return 0;
}

static int map_all(struct meter *m, const struct family *sched)
{
	int r;

	r = map_array(m->iso.cells_fd, array_size(m, sizeof(*m->cells)), &m->cells);
	if (!r)
		r = map_array(family_map_fd(sched, "details"), array_size(m, sizeof(*m->details)),
			      &m->details);
	if (!r)
		r = map_array(family_map_fd(sched, "drops"), page_round(sizeof(*m->drops)),
			      &m->drops);
	if (!r && m->families[METER_WALK])
		r = map_array(meter_map_fd(m, METER_WALK, "gauges"), gauges_size(), &m->gauges);
	if (!r && m->families[METER_DISK])
		r = map_array(meter_map_fd(m, METER_DISK, "disks"), disks_size(), &m->disks);
	return r;
}

/*
 * Newer kernels allocate task storage without locks, which needs a CPU with cmpxchg16b (some
 * emulated ones have none): there every program would load and nothing be counted. Try it.
 */
static int storage_try(int tasks_fd)
{
	const struct dcos_task state = {.owner = 1}; /* which no cell has: it is never charged */
	cleanup_close int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int r;

	if (pidfd < 0)
		return -errno;
	r = bpf_map_update_elem(tasks_fd, &pidfd, &state, BPF_NOEXIST);
	if (r)
		return r == -EEXIST ? 0 : r; /* this process is metered itself */
	return bpf_map_delete_elem(tasks_fd, &pidfd);
}

static void free_meter(struct meter **m)
{
	meter_close(*m);
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0; /* what went wrong is told by struct why */
}

/* The first family must work; each other one that does not is refused alone. */
static int families_open(struct meter *m, const char *pin_dir, int cgroup_fd, uint32_t wanted,
			 struct why *why)
{
	struct family_env env = {.dir = m->dir, .ncpu = (uint32_t)m->ncpu, .cgroup_fd = cgroup_fd};
	int r, i;

	(void)libbpf_set_print(quiet); /* returns the one before */
	r = pins_make(pin_dir, m->dir, why);
	if (!r)
		r = family_open(&meter_families[0], &env, &m->families[0], why);
	if (r < 0)
		return r;
	env.base = m->families[0];
	for (i = 1; i < METER_FAMILIES; i++) {
		if (!meter_families[i].elf)
			(void)why_set(&m->refused[i], -EINVAL, "not in this build");
		else if (!(wanted & UINT32_C(1) << i))
			(void)why_set(&m->refused[i], -EINVAL, "left out");
		else
			(void)family_open(&meter_families[i], &env, &m->families[i],
					  &m->refused[i]); /* meter_has() tells */
	}
	r = pins_take_exits(pin_dir, m->dir, family_map_fd(m->families[METER_SCHED], "exits"));
	if (r < 0)
		return why_set(why, r, "taking over what older pins in %s know of ends", pin_dir);
	r = pins_sweep(pin_dir, m->dir);
	return r ? why_set(why, r, "removing older pins in %s", pin_dir) : 0;
}

static int slots_open(struct meter *m, int cgroup_fd, struct why *why)
{
	const struct family *sched = m->families[METER_SCHED];
	int r;

	r = storage_try(family_map_fd(sched, "tasks"));
	if (r < 0)
		return why_set(why, r, "task storage of this kernel on this CPU");
	m->exits_fd = family_map_fd(sched, "exits");
	m->victims_fd = family_map_fd(sched, "victims");
	m->flush_fd = family_prog_fd(sched, "meter_flush");
	m->iso = (struct iso_meter){
		.ctx = m,
		.attach = meter_attach,
		.detach = meter_detach,
		.slots_fd = family_map_fd(sched, "slots"),
		.cells_fd = family_map_fd(sched, "cells"),
	};
	r = map_all(m, sched);
	if (r < 0)
		return why_set(why, r, "mapping the meter's cells");
	r = slots_recover(m);
	if (!r)
		r = meter_walk_open(m, cgroup_fd, why);
	return r ? why_set(why, r, "recovering the meter's slots") : 0;
}

int meter_open_some(const char *pin_dir, int cgroup_fd, uint32_t families, struct meter **ret,
		    struct why *why)
{
	__attribute__((cleanup(free_meter))) struct meter *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return why_set(why, -ENOMEM, "meter");
	m->walk_tasks = m->walk_cgroups = -1;
	m->ncpu = libbpf_num_possible_cpus();
	if (m->ncpu < 0)
		return why_set(why, m->ncpu, "possible CPUs");
	if (m->ncpu > DCOS_CPUS_MAX)
		return why_set(why, -E2BIG, "%d possible CPUs, at most %d", m->ncpu, DCOS_CPUS_MAX);
	r = families_open(m, pin_dir, cgroup_fd, families, why);
	if (!r)
		r = slots_open(m, cgroup_fd, why);
	if (r < 0)
		return r;
	*ret = take_ptr(m);
	return 0;
}

int meter_open(const char *pin_dir, int cgroup_fd, struct meter **ret, struct why *why)
{
	return meter_open_some(pin_dir, cgroup_fd, UINT32_MAX, ret, why);
}

void meter_close(struct meter *m)
{
	int i;

	if (!m)
		return;
	/* mapped with these very sizes */
	if (m->cells)
		(void)munmap(m->cells, array_size(m, sizeof(*m->cells)));
	if (m->details)
		(void)munmap(m->details, array_size(m, sizeof(*m->details)));
	if (m->drops)
		(void)munmap(m->drops, page_round(sizeof(*m->drops)));
	if (m->gauges)
		(void)munmap(m->gauges, gauges_size());
	if (m->disks)
		(void)munmap(m->disks, disks_size());
	meter_walk_close(m);
	for (i = METER_FAMILIES - 1; i >= 0; i--)
		family_close(m->families[i]);
	free(m);
}

bool meter_has(const struct meter *m, enum meter_family family, struct why *why)
{
	const struct family *f = m->families[family];
	const struct why *reason = f ? &f->lacks : &m->refused[family];

	if (reason->text[0])
		(void)why_set(why, -EINVAL, "%s", reason->text); /* the text is whole */
	return f;
}

const char *meter_family_name(enum meter_family family, const char **ret_gives)
{
	*ret_gives = meter_families[family].gives;
	return meter_families[family].name;
}

int meter_map_fd(const struct meter *m, enum meter_family family, const char *name)
{
	return m->families[family] ? family_map_fd(m->families[family], name) : -EOPNOTSUPP;
}

int meter_prog_fd(const struct meter *m, enum meter_family family, const char *name)
{
	return m->families[family] ? family_prog_fd(m->families[family], name) : -EOPNOTSUPP;
}

void meter_count_throttled(struct meter *m, uint32_t slot, uint64_t periods, uint64_t throttled,
			   uint64_t ns)
{
	struct dcos_cell *c = cell_at(m, slot, 0); /* any will do: they are added up */

	__atomic_fetch_add(&c->nr_periods, periods, __ATOMIC_RELAXED);
	__atomic_fetch_add(&c->nr_throttled, throttled, __ATOMIC_RELAXED);
	__atomic_fetch_add(&c->throttled_ns, ns, __ATOMIC_RELAXED);
}

const struct iso_meter *meter_iso(struct meter *m)
{
	return &m->iso;
}

int meter_flush(struct meter *m)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .flags = BPF_F_TEST_RUN_ON_CPU);
	int cpu, r, first = 0;

	for (cpu = 0; cpu < m->ncpu; cpu++) {
		opts.cpu = (uint32_t)cpu;
		r = bpf_prog_test_run_opts(m->flush_fd, &opts);
		if (r && r != -ENXIO && !first) /* ENXIO: the CPU is off line, nothing runs */
			first = r;
	}
	return first;
}

/*
 * Sum of what each CPU has, @nr words each, one CPU behind the other. A counter is one aligned word, which no CPU
 * that we build for reads or writes in halves: plain loads are whole, and the compiler and memcpy
 * may take several at once.
 */
static inline void sum_words(uint64_t *restrict sum, const uint64_t *restrict words, size_t nr,
			     int ncpu)
{
	size_t i;
	int cpu;

	memcpy(sum, words, nr * sizeof(*sum));
	for (cpu = 1; cpu < ncpu; cpu++) {
		words += nr;
		for (i = 0; i < nr; i++)
			sum[i] += words[i];
	}
}

void meter_read(const struct meter *m, uint32_t slot, struct meter_row *ret)
{
	const struct dcos_cell *first;

	if (!slot || slot >= DCOS_SLOTS) {
		memset(ret, 0, sizeof(*ret));
		return;
	}
	first = cell_at(m, slot, 0);
	sum_words((uint64_t *)&ret->sum, (const uint64_t *)first, CELL_WORDS, m->ncpu);
	ret->sum.owner = first->owner;
}

void meter_detail(const struct meter *m, uint32_t slot, struct dcos_detail *ret)
{
	if (!slot || slot >= DCOS_SLOTS) {
		memset(ret, 0, sizeof(*ret));
		return;
	}
	sum_words((uint64_t *)ret, (const uint64_t *)&m->details[index_of(m, slot, 0)],
		  DETAIL_WORDS, m->ncpu);
}

int meter_exit(const struct meter *m, uint64_t cgroup_id, struct dcos_exit *ret)
{
	struct dcos_exit e;
	int r;

	r = bpf_map_lookup_elem(m->exits_fd, &cgroup_id, &e);
	if (r)
		return r;
	*ret = e;
	return 0;
}

int meter_victim(const struct meter *m, uint64_t cgroup_id, struct dcos_victim *ret)
{
	struct dcos_victim v;
	int r = bpf_map_lookup_elem(m->victims_fd, &cgroup_id, &v);

	if (!r)
		*ret = v;
	return r;
}

void meter_forget(struct meter *m, uint64_t cgroup_id)
{
	(void)bpf_map_delete_elem(m->exits_fd, &cgroup_id); /* neither need be there */
	(void)bpf_map_delete_elem(m->victims_fd, &cgroup_id);
}

void meter_drops(const struct meter *m, struct meter_drops *ret)
{
	ret->storage_failed = __atomic_load_n(&m->drops->storage_failed, __ATOMIC_RELAXED);
	ret->exits_failed = __atomic_load_n(&m->drops->exits_failed, __ATOMIC_RELAXED);
	ret->slots_full = __atomic_load_n(&m->drops->slots_full, __ATOMIC_RELAXED);
	ret->disk_inflight_full = __atomic_load_n(&m->drops->disk_inflight_full, __ATOMIC_RELAXED);
	ret->disks_full = __atomic_load_n(&m->drops->disks_full, __ATOMIC_RELAXED);
	ret->socks_failed = __atomic_load_n(&m->drops->socks_failed, __ATOMIC_RELAXED);
	ret->denials_untold = __atomic_load_n(&m->drops->denials_untold, __ATOMIC_RELAXED);
}
