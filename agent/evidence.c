// SPDX-License-Identifier: Apache-2.0
/*
 * Evidence of breaches. /proc/PID/stat takes no lock that a task could hold, so the agent may read
 * it itself (cf. breach_measure.h).
 */
#include "agent/evidence.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/breach_measure.h"
#include "agent/flight.h"
#include "agent/procfs.h"
#include "cgroupfs/cgroupfs.h"

struct process {
	pid_t pid; /* 0: there are fewer */
	struct proc_use use;
};

struct top {
	enum evidence_order order;
	uint64_t processes; /* all, also those that were not looked at */
	int looked;
	struct process list[EVIDENCE_TOP]; /* who has used most first */
};

static uint64_t used(const struct top *t, const struct process *p)
{
	return t->order == EVIDENCE_BY_CPU ? p->use.cpu_us : p->use.rss_bytes;
}

static void add(struct top *t, const struct process *p)
{
	int at = EVIDENCE_TOP;

	while (at > 0 && (!t->list[at - 1].pid || used(t, &t->list[at - 1]) < used(t, p)))
		at--;
	if (at == EVIDENCE_TOP)
		return;
	memmove(&t->list[at + 1], &t->list[at],
		(size_t)(EVIDENCE_TOP - 1 - at) * sizeof(struct process));
	t->list[at] = *p;
}

static int look_at_cgroup(int dirfd, void *ctx)
{
	pid_t pids[EVIDENCE_PROCS_MAX];
	struct top *t = ctx;
	int n = cg_procs(dirfd, pids, EVIDENCE_PROCS_MAX - t->looked);

	if (n < 0)
		return 0; /* threaded, or gone */
	t->processes += (uint64_t)n;
	for (int i = 0; i < n && t->looked < EVIDENCE_PROCS_MAX; i++) {
		struct process p = {.pid = pids[i]};

		t->looked++;
		if (!proc_use(p.pid, &p.use)) /* else it has ended */
			add(t, &p);
	}
	return 0;
}

bool evidence_has_turn(struct node *n)
{
	if (n->evidence_seq != n->seq) {
		n->evidence_seq = n->seq;
		n->evidence_nr = 0;
	}
	return n->evidence_nr++ < EVIDENCE_TASKS_MAX;
}

void evidence_top(struct jsonbuf *b, const struct task *t, enum evidence_order order)
{
	struct top top = {.order = order};

	(void)cg_walk(t->ct->iso.cgroup_fd, look_at_cgroup, &top); /* what was seen is evidence */
	jb_lit(b, ",\"processes\":");
	jb_u64(b, top.processes);
	jb_lit(b, ",\"top\":[");
	for (int i = 0; i < EVIDENCE_TOP && top.list[i].pid; i++) {
		const struct process *p = &top.list[i];

		if (i)
			jb_lit(b, ",");
		jb_lit(b, "{\"pid\":");
		jb_u64(b, (uint64_t)p->pid);
		jb_lit(b, ",\"comm\":");
		jb_text(b, p->use.comm);
		jb_lit(b, ",\"rss_bytes\":");
		jb_u64(b, p->use.rss_bytes);
		jb_lit(b, ",\"cpu_us\":");
		jb_u64(b, p->use.cpu_us);
		jb_lit(b, "}");
	}
	jb_lit(b, "]");
}

void evidence_measured(struct jsonbuf *b, const struct measure *m)
{
	jb_lit(b, ",\"top\":[");
	for (int i = 0; i < MEASURE_TOP && m->top[i].pid; i++) {
		if (i)
			jb_lit(b, ",");
		jb_lit(b, "{\"pid\":");
		jb_u64(b, (uint64_t)m->top[i].pid);
		jb_lit(b, ",\"comm\":");
		jb_text(b, m->top[i].comm);
		jb_lit(b, ",\"pss_bytes\":");
		jb_u64(b, m->top[i].bytes);
		jb_lit(b, "}");
	}
	jb_lit(b, "]");
}

void evidence_past(struct jsonbuf *b, const struct task *t)
{
	int max = flight_ticks(t->node, EVIDENCE_US);

	if (!t->node->history)
		return;
	jb_lit(b, ",\"history\":");
	flight_print(t, max < EVIDENCE_VALUES_MAX ? max : EVIDENCE_VALUES_MAX, b);
}
