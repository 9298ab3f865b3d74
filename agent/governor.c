// SPDX-License-Identifier: Apache-2.0
/*
 * The governor's thread and its interface. Two threads: the agent's own sets and drops quotas, the
 * governor's freezes, refills and thaws; one mutex guards the quotas. The budgets are shared with
 * BPF programs too, and with the guard, hence atomic. The order of writes makes a death at any point harmless: a
 * cgroup is marked as frozen before it is, and thawed before the mark goes.
 */
#include "agent/governor.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "agent/governor_guard.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "agent/meter_impl.h"
#include "agent/meter_pins.h"

#define NS_PER_US    1000
#define NS_PER_S     INT64_C(1000000000)
#define LATE_PERIODS 2 /* an unpaid refill is that late before the agent's own loop steps in */
#define BUDGETS_SIZE (DCOS_SLOTS * sizeof(struct dcos_budget))
#define RT_REFUSED   "the thread has no real-time priority"

struct governed {
	uint64_t cgroup_id; /* 0: not governed */
	int freeze_fd;
	uint64_t before_id; /* the cgroup that a governor before left to us */
	uint64_t next_ns; /* of the refill */
	uint64_t used_ns; /* of the budget, at the last refill */
	uint64_t frozen_ns; /* since when, 0 not frozen */
};

struct governor {
	struct iso_governor iso;
	struct meter *m;
	struct dcos_budget *budgets; /* mapped, by slot */
	struct deputy
		deputy; /* what the guard gets; the descriptors are the meter's and the host's */
	int link_fd; /* -1 while nobody is governed */
	int guard_pidfd, timer_fd, stop_fd;
	struct ring_buffer *ring;
	pthread_t thread;
	bool running;
	int rt_error;
	char pin[PIN_PATH_MAX]; /* of the budgets */
	pthread_mutex_t lock; /* for what follows */
	struct governor_stats stats;
	int nr; /* governed ones */
	struct governed slots[DCOS_SLOTS];
};

static uint64_t now_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t))
		abort(); /* the clock exists on every kernel */
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void lock(struct governor *g)
{
	if (pthread_mutex_lock(&g->lock))
		abort(); /* neither robust nor error checking: it can't fail */
}

static void unlock(struct governor *g)
{
	if (pthread_mutex_unlock(&g->lock))
		abort(); /* as above */
}

static void write_freeze(struct governor *g, const struct governed *e, const char *text)
{
	if (pwrite(e->freeze_fd, text, 1, 0) != 1 && errno != ENODEV)
		g->stats.failed++; /* ENODEV: the cgroup is gone */
}

static void freeze(struct governor *g, uint32_t slot, uint64_t now)
{
	struct governed *e = &g->slots[slot];

	if (e->frozen_ns)
		return;
	e->frozen_ns = now;
	__atomic_store_n(&g->budgets[slot].frozen, 1, __ATOMIC_SEQ_CST);
	write_freeze(g, e, "1");
	g->stats.freezes++;
}

static void thaw(struct governor *g, uint32_t slot, uint64_t now)
{
	struct governed *e = &g->slots[slot];

	if (!e->frozen_ns)
		return;
	__atomic_store_n(&g->budgets[slot].thawed_ns, now, __ATOMIC_SEQ_CST);
	write_freeze(g, e, "0");
	__atomic_store_n(&g->budgets[slot].frozen, 0, __ATOMIC_SEQ_CST);
	meter_count_throttled(g->m, slot, 0, 1, now - e->frozen_ns);
	e->frozen_ns = 0;
}

static void refill(struct governor *g, uint32_t slot, uint64_t now, uint64_t periods)
{
	struct governed *e = &g->slots[slot];
	struct dcos_budget *b = &g->budgets[slot];
	int64_t left = budget_refill(b, periods);
	uint64_t used = __atomic_load_n(&b->used_ns, __ATOMIC_SEQ_CST);

	if (used != e->used_ns || e->frozen_ns)
		meter_count_throttled(g->m, slot, periods, 0, 0);
	e->used_ns = used;
	if (left > 0) {
		thaw(g, slot, now);
		__atomic_store_n(&b->told, 0, __ATOMIC_SEQ_CST);
	} else {
		freeze(g, slot, now);
	}
}

/* Refill those that are due. Return: when the next one is, 0 never. */
static uint64_t refill_due(struct governor *g, uint64_t now)
{
	uint64_t next = 0, periods, period;

	for (uint32_t slot = 1, seen = 0; slot < DCOS_SLOTS && (int)seen < g->nr; slot++) {
		struct governed *e = &g->slots[slot];

		if (!e->cgroup_id)
			continue;
		seen++;
		if (e->next_ns <= now) {
			period = g->budgets[slot].period_ns;
			periods = (now - e->next_ns) / period + 1;
			refill(g, slot, now, periods);
			e->next_ns += periods * period;
		}
		if (!next || e->next_ns < next)
			next = e->next_ns;
	}
	return next;
}

static void arm(struct governor *g, uint64_t next_ns)
{
	struct itimerspec t = {.it_value = {.tv_sec = (time_t)(next_ns / NS_PER_S),
					    .tv_nsec = (long)(next_ns % NS_PER_S)}};

	if (timerfd_settime(g->timer_fd, TFD_TIMER_ABSTIME, &t, NULL))
		abort(); /* a valid descriptor and a valid time */
}

/* As the meter's BPF programs count: 0 below 2 us, then by powers of 2. */
static unsigned int bucket(uint64_t us)
{
	unsigned int i = us < 2 ? 0 : 63 - (unsigned int)__builtin_clzll(us);

	return i < DCOS_HIST ? i : DCOS_HIST - 1;
}

/* Messages that came before the last refill find told cleared: they are old. */
static int on_used_up(void *ctx, void *data, size_t size)
{
	struct governor *g = ctx;
	const struct dcos_used_up *e = data;
	uint64_t now = now_ns();

	if (size < sizeof(*e) || !e->slot || e->slot >= DCOS_SLOTS)
		return 0;
	lock(g);
	if (g->slots[e->slot].cgroup_id == e->owner &&
	    __atomic_load_n(&g->budgets[e->slot].told, __ATOMIC_SEQ_CST) &&
	    !g->slots[e->slot].frozen_ns) {
		freeze(g, e->slot, now);
		g->stats.delay_hist_us[bucket((now_ns() - e->time_ns) / NS_PER_US)]++;
	}
	unlock(g);
	return 0;
}

static void on_timer(struct governor *g)
{
	uint64_t expired;

	if (read(g->timer_fd, &expired, sizeof(expired)) < 0)
		return; /* set anew meanwhile */
	lock(g);
	arm(g, refill_due(g, now_ns()));
	unlock(g);
}

static void *run(void *arg)
{
	struct governor *g = arg;
	struct pollfd p[] = {
		{.fd = g->stop_fd, .events = POLLIN},
		{.fd = ring_buffer__epoll_fd(g->ring), .events = POLLIN},
		{.fd = g->timer_fd, .events = POLLIN},
	};

	for (;;) {
		if (poll(p, ARRAY_SIZE(p), -1) < 0)
			continue; /* EINTR: no other error is possible */
		if (p[0].revents)
			return NULL;
		if (p[1].revents)
			(void)ring_buffer__consume(g->ring); /* on_used_up() never fails */
		if (p[2].revents)
			on_timer(g);
	}
}

static int attach_first(struct governor *g)
{
	if (g->link_fd >= 0)
		return 0;
	g->link_fd = bpf_raw_tracepoint_open(NULL, g->deputy.prog_fd);
	return g->link_fd < 0 ? g->link_fd : 0;
}

static int add(struct governor *g, uint32_t slot, uint64_t id, int cgroup_fd)
{
	cleanup_close int fd = openat(cgroup_fd, "cgroup.freeze", O_WRONLY | O_CLOEXEC);
	struct dcos_budget *b = &g->budgets[slot];
	struct governed *e = &g->slots[slot];
	int err = fd < 0 ? -errno : attach_first(g);

	if (err)
		return err;
	if (e->before_id != id)
		memset(b, 0, sizeof(*b));
	*e = (struct governed){.cgroup_id = id, .freeze_fd = take_fd(&fd), .used_ns = b->used_ns};
	__atomic_store_n(&b->owner, id, __ATOMIC_SEQ_CST);
	g->nr++;
	return 0;
}

/* What is left changes by the difference of the quotas, so that a new one holds at once. */
static void change(struct governor *g, uint32_t slot, const struct iso_quota *q)
{
	struct governed *e = &g->slots[slot];
	struct dcos_budget *b = &g->budgets[slot];
	int64_t more = (int64_t)(q->quota_us * NS_PER_US) - (int64_t)b->quota_ns;
	uint64_t now = now_ns(), period_ns = q->period_us * NS_PER_US;

	b->quota_ns = q->quota_us * NS_PER_US;
	b->burst_ns = q->burst_us * NS_PER_US;
	if (b->period_ns != period_ns || !e->next_ns) {
		b->period_ns = period_ns;
		e->next_ns = (now / period_ns + 1) * period_ns; /* same periods, one wakeup */
	}
	__atomic_add_fetch(&b->left_ns, more, __ATOMIC_SEQ_CST);
	refill(g, slot, now, 0);
	arm(g, refill_due(g, now));
}

static int governor_set(void *ctx, uint32_t slot, uint64_t cgroup_id, int cgroup_fd,
			const struct iso_quota *q)
{
	struct governor *g = ctx;
	int err = 0;

	if (!slot || slot >= DCOS_SLOTS || !q->period_us || !q->quota_us)
		return -EINVAL;
	lock(g);
	if (g->slots[slot].cgroup_id != cgroup_id)
		err = g->slots[slot].cgroup_id ? -EBUSY : add(g, slot, cgroup_id, cgroup_fd);
	if (!err)
		change(g, slot, q);
	unlock(g);
	return err;
}

static void drop(struct governor *g, uint32_t slot, bool leave)
{
	struct governed *e = &g->slots[slot];

	if (!leave)
		__atomic_store_n(&g->budgets[slot].owner, 0, __ATOMIC_SEQ_CST);
	thaw(g, slot, now_ns());
	close_fd(&e->freeze_fd);
	*e = (struct governed){.freeze_fd = -1};
	if (!--g->nr)
		close_fd(&g->link_fd);
}

static void governor_drop(void *ctx, uint32_t slot, uint64_t cgroup_id)
{
	struct governor *g = ctx;

	if (slot >= DCOS_SLOTS)
		return;
	lock(g);
	if (cgroup_id && g->slots[slot].cgroup_id == cgroup_id)
		drop(g, slot, false);
	unlock(g);
}

void governor_check(struct governor *g)
{
	uint64_t now = now_ns();

	lock(g);
	for (uint32_t slot = 1; slot < DCOS_SLOTS; slot++) {
		const struct governed *e = &g->slots[slot];

		if (!e->frozen_ns || now < e->next_ns + LATE_PERIODS * g->budgets[slot].period_ns)
			continue;
		log_err("governor: slot %u was not refilled in time", slot);
		thaw(g, slot, now);
		g->stats.late_thaws++;
	}
	unlock(g);
	if (!guard_ended(g->guard_pidfd))
		return;
	close_fd(&g->guard_pidfd);
	if (guard_start(&g->deputy, &g->guard_pidfd))
		log_err("governor: its guard has ended and can't be started again");
}

void governor_stats(const struct governor *g, struct governor_stats *ret)
{
	struct governor *own = (struct governor *)g; /* for its lock only */

	lock(own);
	*ret = g->stats;
	unlock(own);
}

const struct iso_governor *governor_iso(struct governor *g)
{
	return &g->iso;
}

bool governor_rt(const struct governor *g, struct why *why)
{
	if (g->rt_error)
		(void)why_set(why, g->rt_error, "%s", RT_REFUSED);
	return !g->rt_error;
}

/* With all signals blocked: they are the agent's own loop's. */
static int start_thread(struct governor *g)
{
	struct sched_param prio = {.sched_priority = GOVERNOR_PRIORITY};
	sigset_t all, before;
	int err;

	(void)sigfillset(&all); /* never fails */
	err = -pthread_sigmask(SIG_SETMASK, &all, &before);
	if (err)
		return err;
	err = -pthread_create(&g->thread, NULL, run, g);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* as above */
	if (err)
		return err;
	g->running = true;
	(void)pthread_setname_np(g->thread, "governor"); /* for people */
	g->rt_error = -pthread_setschedparam(g->thread, SCHED_FIFO | SCHED_RESET_ON_FORK, &prio);
	return 0;
}

static int init_lock(struct governor *g)
{
	pthread_mutexattr_t attr;
	int err = -pthread_mutexattr_init(&attr);

	if (err)
		return err;
	/* or a busy host could keep the agent's own thread from giving the lock back */
	err = -pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	if (!err)
		err = -pthread_mutex_init(&g->lock, &attr);
	(void)pthread_mutexattr_destroy(&attr); /* never fails */
	return err;
}

static struct dcos_budget *map_budgets(int fd)
{
	void *p = mmap(NULL, BUDGETS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* A deputy leaves; nobody is frozen or governed before its quota is set, and keeps its debt. */
static int take_over(struct governor *g)
{
	int err;

	g->deputy.governor = deputy_relieve(g->budgets);
	err = governor_thaw(g->deputy.budgets_fd, g->deputy.cgroup_fd);
	for (uint32_t slot = 1; slot < DCOS_SLOTS; slot++) {
		g->slots[slot].before_id = g->budgets[slot].owner;
		__atomic_store_n(&g->budgets[slot].owner, 0, __ATOMIC_SEQ_CST);
	}
	return err < 0 ? err : 0;
}

static int open_parts(struct governor *g, struct why *why)
{
	int ring_fd = meter_map_fd(g->m, METER_GOVERNOR, "used_up"), err;

	g->deputy.budgets_fd = meter_map_fd(g->m, METER_GOVERNOR, "budgets");
	if (g->deputy.budgets_fd < 0 || ring_fd < 0) {
		(void)meter_has(g->m, METER_GOVERNOR, why);
		return -EOPNOTSUPP;
	}
	g->deputy.prog_fd = meter_prog_fd(g->m, METER_GOVERNOR, "governor_charge");
	err = pin_path(g->pin, g->m->dir, "budgets", "");
	if (err)
		return why_set(why, err, "%s", g->m->dir);
	g->deputy.pin = g->pin;
	g->budgets = map_budgets(g->deputy.budgets_fd);
	if (!g->budgets)
		return why_set(why, -errno, "mapping the governor's budgets");
	err = take_over(g);
	if (err)
		return why_set(why, err, "thawing what an agent before has left frozen");
	g->ring = ring_buffer__new(ring_fd, on_used_up, g, NULL);
	if (!g->ring)
		return why_set(why, -errno, "the governor's ring buffer");
	g->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	g->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (g->timer_fd < 0 || g->stop_fd < 0)
		return why_set(why, -errno, "the governor's timer");
	return 0;
}

int governor_dismiss(struct meter *m, int cgroup_fd)
{
	int fd = meter_map_fd(m, METER_GOVERNOR, "budgets"), r;
	struct dcos_budget *budgets = fd < 0 ? NULL : map_budgets(fd);

	if (!budgets)
		return fd < 0 ? fd : -errno;
	(void)deputy_relieve(budgets); /* the number is nobody's */
	r = governor_thaw(fd, cgroup_fd);
	for (uint32_t slot = 1; slot < DCOS_SLOTS; slot++)
		__atomic_store_n(&budgets[slot].owner, 0, __ATOMIC_SEQ_CST);
	(void)munmap(budgets, BUDGETS_SIZE); /* it was mapped */
	return r < 0 ? r : 0;
}

static void free_governor(struct governor **g)
{
	governor_close(*g);
}

int governor_open(struct meter *m, int cgroup_fd, struct governor **ret, struct why *why)
{
	__attribute__((cleanup(free_governor))) struct governor *g = calloc(1, sizeof(*g));
	int err;

	if (!g)
		return why_set(why, -ENOMEM, "governor");
	g->m = m;
	g->deputy.cgroup_fd = cgroup_fd;
	g->link_fd = g->guard_pidfd = g->timer_fd = g->stop_fd = -1;
	for (size_t i = 0; i < DCOS_SLOTS; i++)
		g->slots[i].freeze_fd = -1;
	g->iso = (struct iso_governor){.ctx = g, .set = governor_set, .drop = governor_drop};
	err = init_lock(g);
	if (err) {
		free(take_ptr(g)); /* it has nothing yet */
		return why_set(why, err, "the governor's lock");
	}
	err = open_parts(g, why);
	if (err)
		return err;
	err = guard_start(&g->deputy, &g->guard_pidfd);
	if (err)
		return why_set(why, err, "the governor's guard");
	err = start_thread(g);
	if (err)
		return why_set(why, err, "the governor's thread");
	*ret = take_ptr(g);
	return 0;
}

static void stop_thread(struct governor *g)
{
	uint64_t one = 1;

	if (!g->running)
		return;
	if (write(g->stop_fd, &one, sizeof(one)) != sizeof(one))
		abort(); /* the first write to an eventfd always fits */
	(void)pthread_join(g->thread, NULL); /* it is ours and joinable */
}

void governor_close(struct governor *g)
{
	bool leave = g && g->nr;

	if (!g)
		return;
	stop_thread(g);
	for (uint32_t slot = 1; slot < DCOS_SLOTS; slot++) {
		if (g->slots[slot].cgroup_id)
			drop(g, slot, true);
	}
	if (g->guard_pidfd >= 0 && !leave)
		guard_stop(g->guard_pidfd);
	if (g->budgets)
		(void)munmap(g->budgets, BUDGETS_SIZE); /* it was mapped */
	ring_buffer__free(g->ring);
	close_fd(&g->guard_pidfd);
	close_fd(&g->link_fd);
	close_fd(&g->timer_fd);
	close_fd(&g->stop_fd);
	(void)pthread_mutex_destroy(&g->lock); /* nobody holds it */
	free(g);
}
