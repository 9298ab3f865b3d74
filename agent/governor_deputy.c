// SPDX-License-Identifier: Apache-2.0
/*
 * The deputy: what is left of the governor in its guard process once the agent is gone. Instead of
 * being told who has used up a budget it looks at all of them, every few milliseconds; what was
 * run meanwhile is debt, so that shares are right in the long run. Only async-signal-safe calls.
 */
#include "agent/governor_deputy.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "agent/governor.h"
#include "agent/governor_guard.h"

#define NS_PER_S     UINT64_C(1000000000)
#define LOOK_NS	     2000000L /* between two looks at the budgets */
#define RELIEVE_NS   UINT64_C(200000000)
#define BUDGETS_SIZE (DCOS_SLOTS * sizeof(struct dcos_budget))

struct state {
	const struct deputy *d;
	struct dcos_budget *budgets; /* mapped */
	uint64_t next_ns[DCOS_SLOTS]; /* of the refill, 0 not known yet */
};

static uint64_t now_ns(void)
{
	struct timespec t = {};

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* the clock exists on every kernel */
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void pause_ns(long ns)
{
	const struct timespec t = {.tv_nsec = ns};

	(void)nanosleep(&t, NULL); /* whoever waits looks at the clock */
}

int64_t budget_refill(struct dcos_budget *b, uint64_t periods)
{
	int64_t left = __atomic_load_n(&b->left_ns, __ATOMIC_SEQ_CST);
	int64_t cap = (int64_t)(b->quota_ns + b->burst_ns), add = (int64_t)(b->quota_ns * periods);

	if (add > cap - left)
		add = cap - left;
	return __atomic_add_fetch(&b->left_ns, add, __ATOMIC_SEQ_CST);
}

static bool is_relieved(const struct state *s)
{
	return __atomic_load_n(&s->budgets[0].owner, __ATOMIC_SEQ_CST) != s->d->governor;
}

/* Marked before it is frozen, thawed before the mark goes: a death in between harms nobody. */
static void set_frozen(const struct state *s, struct dcos_budget *b, bool on)
{
	int r;

	if (on)
		__atomic_store_n(&b->frozen, 1, __ATOMIC_SEQ_CST);
	r = freeze_by_id(s->d->cgroup_fd, b->owner, on ? "1" : "0");
	if (!on)
		__atomic_store_n(&b->frozen, 0, __ATOMIC_SEQ_CST);
	if (r == -ESTALE || r == -ENOENT || r == -ENODEV) {
		__atomic_store_n(&b->frozen, 0, __ATOMIC_SEQ_CST);
		__atomic_store_n(&b->owner, 0, __ATOMIC_SEQ_CST); /* the cgroup is gone */
	}
}

static void govern(struct state *s, uint32_t slot, uint64_t now)
{
	struct dcos_budget *b = &s->budgets[slot];
	bool frozen = __atomic_load_n(&b->frozen, __ATOMIC_SEQ_CST), due = s->next_ns[slot] <= now;
	uint64_t periods = 0;
	int64_t left;

	if (due && s->next_ns[slot])
		periods = (now - s->next_ns[slot]) / b->period_ns + 1;
	if (due)
		s->next_ns[slot] = (now / b->period_ns + 1) * b->period_ns;
	left = budget_refill(b, periods);
	if (left <= 0 && !frozen)
		set_frozen(s, b, true);
	else if (left > 0 && (frozen || due)) /* due: also to see whether the cgroup is there */
		set_frozen(s, b, false);
}

/* Return: how many are governed. */
static int look(struct state *s)
{
	uint64_t now = now_ns();
	int nr = 0;

	for (uint32_t slot = 1; slot < DCOS_SLOTS && !is_relieved(s); slot++) {
		const struct dcos_budget *b = &s->budgets[slot];

		if (!__atomic_load_n(&b->owner, __ATOMIC_SEQ_CST) || !b->period_ns)
			continue;
		govern(s, slot, now);
		nr++;
	}
	return nr;
}

void deputy_run(const struct deputy *d)
{
	const struct sched_param prio = {.sched_priority = GOVERNOR_PRIORITY};
	struct state s = {.d = d};
	int link;

	s.budgets = mmap(NULL, BUDGETS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, d->budgets_fd, 0);
	if (s.budgets == MAP_FAILED)
		return; /* who starts it thaws */
	__atomic_store_n(&s.budgets[0].frozen, 1, __ATOMIC_SEQ_CST);
	(void)sched_setscheduler(0, SCHED_FIFO, &prio); /* without it the host is slower to hold */
	link = bpf_raw_tracepoint_open(NULL, d->prog_fd);
	while (link >= 0 && !is_relieved(&s) && !access(d->pin, F_OK) && look(&s))
		pause_ns(LOOK_NS);
	if (!is_relieved(&s))
		(void)governor_thaw(d->budgets_fd, d->cgroup_fd); /* there is nobody to tell */
	__atomic_store_n(&s.budgets[0].frozen, 0, __ATOMIC_SEQ_CST);
}

uint64_t deputy_relieve(struct dcos_budget *budgets)
{
	uint64_t mine = __atomic_add_fetch(&budgets[0].owner, 1, __ATOMIC_SEQ_CST);
	uint64_t end = now_ns() + RELIEVE_NS;

	while (__atomic_load_n(&budgets[0].frozen, __ATOMIC_SEQ_CST) && now_ns() < end)
		pause_ns(LOOK_NS / 2);
	__atomic_store_n(&budgets[0].frozen, 0, __ATOMIC_SEQ_CST);
	return mine;
}
