// SPDX-License-Identifier: Apache-2.0
/*
 * One pass over the meters. Maps first: files of the cgroup are read where no walk has seen it, at
 * a task's end, and of memory.stat each task's in turn.
 */
#include "agent/sample.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent/breach.h"
#include "agent/flight.h"
#include "agent/history.h"
#include "agent/lib/cleanup.h"
#include "agent/netguard.h"
#include "agent/usage.h"

enum origin {
	CELL, /* struct dcos_cell; needs: families */
	DETAIL, /* struct dcos_detail; likewise */
	GAUGE, /* struct dcos_gauge; needs: DCOS_HAS_* */
	FILES, /* struct iso_sample */
	LIMITS, /* struct ct_resources */
};

#define NEEDS(family) (1U << (family))

/* One row for each value that is shown as it was read, or in another unit. */
static const struct usage_row {
	enum usage_field field;
	enum origin origin;
	size_t offset, size;
	unsigned int needs, divisor;
	bool gauge; /* may fall */
} usage_rows[] = {
#define AT(type, member) offsetof(struct type, member), sizeof(((struct type *)0)->member)
#define C(name, member, family)                                                                    \
	{                                                                                          \
		U_##name, CELL, AT(dcos_cell, member), NEEDS(family)                               \
		, 1, false                                                                         \
	}
#define D(name)                                                                                    \
	{                                                                                          \
		U_##name, DETAIL, AT(dcos_detail, name), NEEDS(METER_NET)                          \
		, 1, false                                                                         \
	}
#define G(name, member, has)                                                                       \
	{                                                                                          \
		U_##name, GAUGE, AT(dcos_gauge, member), has, 1, true                              \
	}
#define T(name, member, has)                                                                       \
	{                                                                                          \
		U_##name, GAUGE, AT(dcos_gauge, member), has, 1000, false                          \
	}
#define F(name, member)                                                                            \
	{                                                                                          \
		U_##name, FILES, AT(iso_sample, member), 0, 1, false                               \
	}
#define FG(name, member)                                                                           \
	{                                                                                          \
		U_##name, FILES, AT(iso_sample, member), 0, 1, true                                \
	}
#define L(name, member)                                                                            \
	{                                                                                          \
		U_##name, LIMITS, AT(ct_resources, member), 0, 1, true                             \
	}
	C(cpu_ns, cpu_ns, METER_SCHED),
	C(wait_ns, wait_ns, METER_SCHED),
	C(nr_waits, nr_waits, METER_SCHED),
	C(nr_switches, nr_switches, METER_SCHED),
	C(nr_involuntary, nr_involuntary, METER_SCHED),
	C(nr_migrations, nr_migrations, METER_SCHED),
	C(nr_forks, nr_forks, METER_SCHED),
	C(nr_execs, nr_execs, METER_SCHED),
	C(nr_exits, nr_exits, METER_SCHED),
	C(seccomp_kills, nr_seccomp_kills, METER_SCHED),
	C(device_denied, nr_device_denied, METER_SCHED),
	C(min_faults, nr_min_faults, METER_WALK),
	C(maj_faults, nr_maj_faults, METER_WALK),
	C(disk_read_bytes, disk_read_bytes, METER_DISK),
	C(disk_write_bytes, disk_write_bytes, METER_DISK),
	C(disk_reads, nr_disk_reads, METER_DISK),
	C(disk_writes, nr_disk_writes, METER_DISK),
	C(rx_bytes, rx_bytes, METER_NET),
	C(rx_packets, rx_packets, METER_NET),
	C(tx_bytes, tx_bytes, METER_NET),
	C(tx_packets, tx_packets, METER_NET),
	C(rx_dropped, rx_dropped, METER_NET),
	C(tx_dropped, tx_dropped, METER_NET),
	C(tcp_opened, nr_tcp_opened, METER_NET),
	C(tcp_closed, nr_tcp_closed, METER_NET),
	C(tcp_failed, nr_tcp_failed, METER_NET),
	C(tcp_retransmits, nr_retransmits, METER_NET),
	C(bind_denied, nr_bind_denied, METER_GUARD),
	C(connect_denied, nr_connect_denied, METER_GUARD),
	D(rx_udp_bytes),
	D(rx_udp_packets),
	D(tx_udp_bytes),
	D(tx_udp_packets),
	D(rx_other_bytes),
	D(rx_other_packets),
	D(tx_other_bytes),
	D(tx_other_packets),
	D(rx_marked),
	D(tx_marked),
	{U_fork_throttled, DETAIL, AT(dcos_detail, fork_throttled), NEEDS(METER_FORK), 1, false},
	G(rss_anon_bytes, rss_anon_bytes, DCOS_HAS_RSS),
	G(rss_file_bytes, rss_file_bytes, DCOS_HAS_RSS),
	G(rss_shmem_bytes, rss_shmem_bytes, DCOS_HAS_RSS),
	G(swap_bytes, swap_bytes, DCOS_HAS_RSS),
	G(processes, nr_procs, 0),
	G(running, nr_running, 0),
	G(disk_waiting, nr_disk_wait, 0),
	G(pids, nr_threads, 0), /* unless the next one knows better */
	G(pids, pids, DCOS_HAS_PIDS),
	G(pids_max_events, pids_max, DCOS_HAS_PIDS_MAX),
	T(cpu_some_us, psi_cpu_some_ns, DCOS_HAS_PSI),
	T(cpu_full_us, psi_cpu_full_ns, DCOS_HAS_PSI),
	T(memory_some_us, psi_memory_some_ns, DCOS_HAS_PSI),
	T(memory_full_us, psi_memory_full_ns, DCOS_HAS_PSI),
	T(io_some_us, psi_io_some_ns, DCOS_HAS_PSI),
	T(io_full_us, psi_io_full_ns, DCOS_HAS_PSI),
	G(memory_bytes, memory_bytes, DCOS_HAS_MEMORY),
	G(memory_peak_bytes, memory_peak_bytes, DCOS_HAS_MEMORY),
	G(memory_low_events, memory_low, DCOS_HAS_MEMORY),
	G(memory_high_events, memory_high, DCOS_HAS_MEMORY),
	G(memory_max_events, memory_max, DCOS_HAS_MEMORY),
	G(memory_oom_events, memory_oom, DCOS_HAS_MEMORY),
	F(cpu_some_us, cpu_some_us),
	F(cpu_full_us, cpu_full_us),
	F(memory_some_us, memory_some_us),
	F(memory_full_us, memory_full_us),
	F(io_some_us, io_some_us),
	F(io_full_us, io_full_us),
	FG(memory_bytes, memory_bytes),
	F(memory_peak_bytes, memory_peak_bytes),
	F(memory_low_events, memory_low),
	F(memory_high_events, memory_high),
	F(memory_max_events, memory_max),
	F(memory_oom_events, memory_oom),
	F(oom_kills, oom_kills),
	FG(pids, pids),
	F(pids_max_events, pids_max_events),
	FG(stat_anon_bytes, stat_anon_bytes),
	FG(stat_file_bytes, stat_file_bytes),
	FG(stat_shmem_bytes, stat_shmem_bytes),
	FG(stat_kernel_bytes, stat_kernel_bytes),
	L(memory_max_bytes, memory_max_bytes),
	L(pids_max, pids_max),
};

/* What was read of a task just now. */
struct reading {
	struct usage *u;
	unsigned int families; /* bit set of those that count */
	bool metered, governed;
	bool ended; /* what may fall keeps its last value of life */
	struct dcos_cell cell;
	struct dcos_gauge gauge; /* .walk 0: none */
	struct iso_sample files; /* CT_UNSET: not read */
};

static const struct ct_resources *limits_of(const struct task *t)
{
	return t->ct ? &t->ct->iso.res : &t->spec->ct.resources;
}

static unsigned int families_of(const struct node *n)
{
	unsigned int families = 0;

	for (int f = 0; n->meter && f < METER_FAMILIES; f++)
		if (meter_has(n->meter, (enum meter_family)f, NULL))
			families |= 1U << f;
	return families;
}

static uint64_t row_value(const struct usage_row *row, const void *base)
{
	const char *p = (const char *)base + row->offset;
	uint32_t word;
	uint64_t v;

	if (row->size == sizeof(word))
		return memcpy(&word, p, sizeof(word)), word;
	memcpy(&v, p, sizeof(v));
	return v / row->divisor;
}

static void grow_to(struct usage *u, enum usage_field f, uint64_t v)
{
	if (v != USAGE_UNKNOWN && (u->v[f] == USAGE_UNKNOWN || u->v[f] < v))
		u->v[f] = v;
}

/* All rows of one origin. @has: bit set of what its needs can be. */
static void take(struct reading *r, enum origin origin, const void *base, unsigned int has)
{
	for (size_t i = 0; i < ARRAY_SIZE(usage_rows); i++) {
		const struct usage_row *row = &usage_rows[i];
		uint64_t v, *to = &r->u->v[row->field];

		if (row->origin != origin || (row->needs & has) != row->needs)
			continue;
		v = row_value(row, base);
		if (origin == LIMITS)
			*to = v;
		else if (!row->gauge)
			grow_to(r->u, row->field, v);
		else if (v != CT_UNSET && (!r->ended || *to == USAGE_UNKNOWN))
			*to = v;
	}
}

static void take_gauge(struct reading *r)
{
	const struct dcos_gauge *g = &r->gauge;
	struct usage *u = r->u;

	if (!g->walk)
		return;
	take(r, GAUGE, g, (unsigned int)g->has);
	if (g->has & DCOS_HAS_MEMORY) {
		grow_to(u, U_oom_kills, g->memory_oom_kill);
	} else if (g->has & DCOS_HAS_RSS) {
		u->v[U_memory_bytes] = g->rss_anon_bytes + g->rss_file_bytes + g->rss_shmem_bytes;
		grow_to(u, U_memory_peak_bytes, u->v[U_memory_bytes]);
	}
}

/*
 * CPU time in the ratio in which the kernel's clock ticks found the task in user mode and in the
 * kernel, so that the two add up and neither goes back. Source: cputime_adjust() does the same.
 */
static void split_cpu(struct usage *u, uint64_t user_ns, uint64_t system_ns)
{
	uint64_t all = u->v[U_cpu_ns] / 1000, sampled = user_ns + system_ns;
	uint64_t user = u->v[U_cpu_user_us], system = u->v[U_cpu_system_us], v = 0;

	if (user == USAGE_UNKNOWN || system == USAGE_UNKNOWN)
		user = system = 0;
	if (user + system > all)
		return;
	if (sampled)
		v = (uint64_t)((__uint128_t)all * system_ns / sampled);
	v = v > system ? v : system;
	u->v[U_cpu_system_us] = all - v > user ? v : all - user;
	u->v[U_cpu_user_us] = all - u->v[U_cpu_system_us];
}

static void take_cpu(struct reading *r)
{
	const struct iso_sample *s = &r->files;
	struct usage *u = r->u;

	if (!r->metered && s->cpu_usage_us != CT_UNSET)
		grow_to(u, U_cpu_ns, s->cpu_usage_us * 1000);
	if (r->metered && r->families & NEEDS(METER_WALK)) {
		split_cpu(u, r->cell.user_ns, r->cell.system_ns);
	} else {
		grow_to(u, U_cpu_user_us, s->cpu_user_us);
		grow_to(u, U_cpu_system_us, s->cpu_system_us);
	}
}

/* Quotas: what cpu.max and what an enforcer of ours did. */
static void take_periods(struct reading *r, const struct ct_resources *res)
{
	uint64_t periods = r->files.nr_periods, throttled = r->files.nr_throttled;
	uint64_t us = r->files.throttled_us;
	struct usage *u = r->u;

	if (r->gauge.walk && r->gauge.has & DCOS_HAS_CFS) {
		periods = r->gauge.cfs_periods;
		throttled = r->gauge.cfs_throttled;
		us = r->gauge.cfs_throttled_ns / 1000;
	}
	if (r->governed) {
		periods = (periods == CT_UNSET ? 0 : periods) + r->cell.nr_periods;
		throttled = (throttled == CT_UNSET ? 0 : throttled) + r->cell.nr_throttled;
		us = (us == CT_UNSET ? 0 : us) + r->cell.throttled_ns / 1000;
	}
	grow_to(u, U_nr_periods, periods);
	grow_to(u, U_nr_throttled, throttled);
	grow_to(u, U_throttled_us, us);
	/* a quota that nothing enforces is a warning of the task, not a quota */
	u->v[U_cpu_quota_millionths] = USAGE_UNKNOWN;
	if (res->cpu_quota_us != CT_UNSET && res->cpu_period_us && u->v[U_nr_periods] != CT_UNSET)
		u->v[U_cpu_quota_millionths] = res->cpu_quota_us * 1000000 / res->cpu_period_us;
}

/* Has any of it grown? Then the second half of the slot may have as well. */
static bool detail_is_due(const struct usage *u, const struct dcos_cell *c)
{
	return u->v[U_rx_packets] != c->rx_packets || u->v[U_tx_packets] != c->tx_packets ||
	       u->v[U_tcp_opened] != c->nr_tcp_opened || u->v[U_disk_reads] != c->nr_disk_reads ||
	       u->v[U_tcp_retransmits] != c->nr_retransmits ||
	       u->v[U_disk_writes] != c->nr_disk_writes;
}

/* Forks that fail leave no trace in the first half. */
static bool is_rated(const struct task *t)
{
	return t->ct->iso.res.fork_rate != CT_UNSET;
}

static void take_detail(struct reading *r, const struct task *t)
{
	struct usage *u = r->u;
	struct dcos_detail d;

	meter_detail(t->node->meter, t->ct->iso.slot, &d);
	take(r, DETAIL, &d, r->families);
	if (r->families & NEEDS(METER_DISK)) {
		memcpy(u->hist[UH_DISK], d.disk_hist, sizeof(d.disk_hist));
		u->hists |= 1U << UH_DISK;
	}
	if (r->families & NEEDS(METER_NET)) {
		memcpy(u->hist[UH_CONNECT], d.connect_hist, sizeof(d.connect_hist));
		memcpy(u->hist[UH_RTT], d.rtt_hist, sizeof(d.rtt_hist));
		u->hists |= 1U << UH_CONNECT | 1U << UH_RTT;
	}
}

static void read_slot(struct reading *r, const struct task *t)
{
	struct usage *u = r->u;
	struct meter_row row;

	meter_read(t->node->meter, t->ct->iso.slot, &row);
	r->cell = row.sum;
	if (!r->ended)
		meter_gauge(t->node->meter, t->ct->iso.slot, &r->gauge);
	if (r->families & (NEEDS(METER_DISK) | NEEDS(METER_NET) | NEEDS(METER_FORK)) &&
	    (r->ended || is_rated(t) || detail_is_due(u, &r->cell)))
		take_detail(r, t);
	take(r, CELL, &r->cell, r->families);
	grow_to(u, U_oom_kills, r->cell.nr_oom_kills);
	memcpy(u->hist[UH_WAIT], r->cell.wait_hist, sizeof(r->cell.wait_hist));
	u->hists |= 1U << UH_WAIT;
}

/* Did the walk tell nothing of the cgroup, so that its files must? */
static bool needs_files(const struct reading *r)
{
	return r->ended || !r->gauge.walk || r->gauge.cgroup_walk != r->gauge.walk;
}

static void read_task(struct task *t, unsigned int families, bool detailed, bool ended)
{
	struct reading r = {.families = families, .ended = ended};

	if (!t->ct)
		return;
	if (!t->usage) {
		t->usage = malloc(sizeof(*t->usage));
		if (!t->usage)
			return; /* tried again at the next reading */
		usage_clear(t->usage);
	}
	r.u = t->usage;
	r.metered = t->ct->iso.metered && t->node->meter;
	r.governed = r.metered && (t->node->host.governor || t->node->scx);
	memset(&r.files, 0xff, sizeof(r.files)); /* CT_UNSET in every field */
	if (r.metered)
		read_slot(&r, t);
	if (needs_files(&r) && ct_sample(t->ct, &r.files))
		memset(&r.files, 0xff, sizeof(r.files)); /* the cgroup is gone */
	if (detailed || ended)
		(void)ct_detail(t->ct, &r.files); /* what can't be read stays as it was */
	take(&r, FILES, &r.files, 0);
	take_gauge(&r);
	take(&r, LIMITS, limits_of(t), 0);
	take_cpu(&r);
	take_periods(&r, limits_of(t));
	if (r.u->v[U_pids] == USAGE_UNKNOWN && r.metered)
		r.u->v[U_pids] = r.cell.nr_forks - r.cell.nr_exits;
	if (r.u->v[U_memory_bytes] != USAGE_UNKNOWN)
		grow_to(r.u, U_memory_peak_bytes, r.u->v[U_memory_bytes]);
}

void sample_task(struct task *t)
{
	read_task(t, families_of(t->node), false, false);
}

/* Of what is over nothing is left, but for its memory: that says what it had at the end. */
static void clear_living(struct usage *u)
{
	static const enum usage_field living[] = {U_pids, U_processes, U_running, U_disk_waiting};

	for (size_t i = 0; u && i < ARRAY_SIZE(living); i++)
		if (u->v[living[i]] != USAGE_UNKNOWN)
			u->v[living[i]] = 0;
}

/* Those that the counters of this reading have must have been told when breaches are looked for. */
static void read_denials(struct node *n)
{
	if (n->guard)
		netguard_read(n->guard);
}

void sample_last(struct task *t)
{
	struct node *n = t->node;

	if (!t->ct)
		return;
	if (n->meter)
		(void)meter_flush(n->meter); /* its last run may not have been charged yet */
	read_denials(n);
	read_task(t, families_of(n), true, true);
	breach_look(t, mono_now_ns(), true);
	clear_living(t->usage);
	flight_add(t, mono_now_ns(), 1);
}

/* How many tasks' turn it is to have their memory.stat read. */
static int details_due(const struct node *n)
{
	uint64_t nr = (uint64_t)n->tasks_nr * n->cfg->meter_interval_us;

	return (int)((nr + SAMPLE_DETAIL_US - 1) / SAMPLE_DETAIL_US);
}

void sample_all(struct node *n, unsigned int ticks)
{
	unsigned int families = families_of(n);
	int due = details_due(n);

	if (n->meter) {
		(void)meter_flush(n->meter); /* without it the reading is older by one switch */
		(void)meter_walk(n->meter); /* without it there are no gauges, but files */
	}
	read_denials(n);
	n->sampled_ns = mono_now_ns();
	n->seq++;
	if (n->history)
		history_tick(n->history, ticks);
	if (n->detail_next >= n->tasks_nr)
		n->detail_next = 0;
	for (int i = 0; i < n->tasks_nr; i++) {
		struct task *t = n->tasks[i];
		bool turn = (i - n->detail_next + n->tasks_nr) % n->tasks_nr < due;

		if (!t->ct)
			continue;
		/* only with the memory controller is there anything to read */
		read_task(t, families,
			  !t->usage || (turn && t->usage->v[U_memory_low_events] != USAGE_UNKNOWN),
			  false);
		flight_add(t, n->sampled_ns, ticks);
		breach_look(t, n->sampled_ns, false);
	}
	n->detail_next += due;
}
