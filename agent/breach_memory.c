// SPDX-License-Identifier: Apache-2.0
/*
 * A look: one walk of the meter, then the resident size of each task that has a limit. Pages that
 * processes share count in each, so who is above its limit by that is measured first
 * (breach_measure.h), one task at a time; who can't be measured is judged by the resident size.
 * Not seen: page cache that no process has mapped, and what the kernel holds for the task.
 */
#include "agent/breach_memory.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "agent/breach.h"
#include "agent/breach_measure.h"
#include "agent/checkpoint.h"
#include "agent/evidence.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "agent/lib/units.h"
#include "agent/lifecycle.h"
#include "isolators/spec.h"

#define ACCURACY_US 1000

struct breach_memory {
	sd_event_source *timer, *ended; /* the next look; the end of a measurement */
	int fd, pidfd; /* of the measurement that is under way, -1 none */
	uint64_t cgroup_id; /* of the task that is measured */
	uint64_t resident; /* its size that led to it */
	uint64_t began_us;
	int next; /* place in tasks[] where the search for the next one begins */
	uint64_t unmeasured;
};

uint64_t breach_memory_wait_us(uint64_t headroom, uint64_t cost_us)
{
	uint64_t wait = headroom / BREACH_GROWTH_PER_US, rest;

	wait = wait < BREACH_LOOK_MIN_US ? BREACH_LOOK_MIN_US : wait;
	wait = wait > BREACH_LOOK_MAX_US ? BREACH_LOOK_MAX_US : wait;
	if (__builtin_mul_overflow(cost_us, BREACH_COST_RATIO, &rest))
		return UINT64_MAX;
	return wait > rest ? wait : rest;
}

static uint64_t now_us(void)
{
	return mono_now_ns() / 1000;
}

/* What a look costs is what this thread ran: waiting for a CPU on a busy host makes it no dearer. */
static uint64_t cpu_us(void)
{
	struct timespec t = {};

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* never fails: it is our own */
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Return: the limit; CT_UNSET: none, or it is not for us to hold, or it has been broken already */
static uint64_t limit_of(const struct task *t)
{
	if (!t->ct || !t->ct->iso.metered || t->breach[0] || state_ended(t->state))
		return CT_UNSET;
	return t->ct->iso.res.memory_max_bytes;
}

/* Return: bytes; 0 nothing was found; UINT64_MAX the walk can't tell on this kernel */
static uint64_t resident_of(const struct task *t)
{
	struct dcos_gauge g;

	meter_gauge(t->node->meter, t->ct->iso.slot, &g);
	if (!g.walk)
		return 0;
	if (!(g.has & DCOS_HAS_RSS))
		return UINT64_MAX;
	return g.rss_anon_bytes + g.rss_file_bytes + g.rss_shmem_bytes;
}

/* The evidence is written down first: who finds the task dead shall know of what. */
static void end_task(struct task *t, uint64_t bytes, const struct measure *m)
{
	char used[16], limit[16], top[TASK_REASON_MAX / 2] = "";
	cleanup_jsonbuf struct jsonbuf evidence = {};
	int err;

	if (m) {
		measure_text(m, top, sizeof(top));
		evidence_measured(&evidence, m);
	} else {
		evidence_top(&evidence, t, EVIDENCE_BY_MEMORY);
	}
	(void)snprintf(t->breach, sizeof(t->breach), /* names are short, it fits */
		       "killed by the agent: out of memory, %s of %s%s%s%s",
		       format_bytes(used, sizeof(used), bytes),
		       format_bytes(limit, sizeof(limit), t->ct->iso.res.memory_max_bytes),
		       m ? "" : ", pages that processes share counted in each", top[0] ? "; " : "",
		       top);
	err = task_save(t);
	if (err)
		log_msg(LOG_ERR, t->spec->ct.id, "a breach could not be written down: %s",
			strerror(-err));
	err = ct_kill(t->ct);
	if (!err) {
		breach_killed(t, bytes, &evidence);
		return;
	}
	log_msg(LOG_ERR, t->spec->ct.id, "kill: %s", strerror(-err));
	t->breach[0] = '\0'; /* found again at the next look */
}

/* @m: NULL: it could not be measured */
static void judge(struct breach_memory *b, struct task *t, uint64_t resident,
		  const struct measure *m)
{
	uint64_t limit = limit_of(t), now = now_us();

	if (limit == CT_UNSET)
		return; /* it was taken off meanwhile */
	if (!m)
		b->unmeasured++;
	/* what neither can be measured nor is told by the walk is not known to be too much */
	if (m ? m->bytes > limit : resident != UINT64_MAX && resident > limit)
		end_task(t, m ? m->bytes : resident, m);
	else
		t->measure_after_us =
			now + breach_memory_wait_us(m ? limit - m->bytes : 0,
						    m ? m->cpu_us : now - b->began_us);
}

static struct task *measured_task(const struct node *n)
{
	for (int i = 0; i < n->tasks_nr; i++)
		if (n->tasks[i]->ct && n->tasks[i]->cgroup_id == n->breach_memory->cgroup_id)
			return n->tasks[i];
	return NULL;
}

static int end_measurement(struct breach_memory *b, struct measure *ret)
{
	int err = measure_end(b->fd, b->pidfd, ret);

	b->ended = sd_event_source_disable_unref(b->ended);
	close_fd(&b->fd);
	close_fd(&b->pidfd);
	return err;
}

static void kill_measurement(const struct breach_memory *b)
{
	(void)syscall(SYS_pidfd_send_signal, b->pidfd, SIGKILL, NULL, 0); /* it may have ended */
}

static int measurement_ended(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct node *n = userdata;
	struct task *t = measured_task(n);
	struct measure m;
	int err = end_measurement(n->breach_memory, &m);

	(void)source;
	(void)fd;
	(void)events;
	if (t)
		judge(n->breach_memory, t, n->breach_memory->resident, err ? NULL : &m);
	return 0;
}

static int begin_measurement(struct node *n, const struct task *t, uint64_t resident)
{
	struct breach_memory *b = n->breach_memory;
	struct measure m;
	int err;

	b->began_us = now_us();
	b->cgroup_id = t->cgroup_id;
	b->resident = resident;
	b->fd = measure_start(t->ct->iso.cgroup_fd, &b->pidfd);
	if (b->fd < 0)
		return b->fd;
	err = sd_event_add_io(n->event, &b->ended, b->pidfd, EPOLLIN, measurement_ended, n);
	if (err >= 0)
		return 0;
	kill_measurement(b);
	(void)end_measurement(b, &m); /* it was killed */
	return err;
}

/* A task above its limit by its resident size. */
static void look_closer(struct node *n, struct task *t, uint64_t resident)
{
	struct breach_memory *b = n->breach_memory;
	bool busy = b->pidfd >= 0, stuck = busy && now_us() > b->began_us + BREACH_MEASURE_MAX_US;

	if (t->measure_after_us > now_us())
		return;
	if (stuck)
		kill_measurement(b); /* it ends when it can */
	if (stuck || (!busy && begin_measurement(n, t, resident)))
		judge(b, t, resident, NULL);
}

/*
 * All tasks, beginning behind the one that was measured last, so that each has its turn.
 * Return: the least headroom; CT_UNSET there is no limit to hold
 */
static uint64_t look_at_all(struct node *n)
{
	struct breach_memory *b = n->breach_memory;
	uint64_t least = CT_UNSET;
	int first = b->next;

	for (int i = 0; i < n->tasks_nr; i++) {
		int at = (first + i) % n->tasks_nr;
		struct task *t = n->tasks[at];
		uint64_t limit = limit_of(t), resident, headroom;
		bool idle = b->pidfd < 0;

		if (limit == CT_UNSET)
			continue;
		resident = resident_of(t);
		headroom = resident < limit ? limit - resident : 0;
		if (resident > limit)
			look_closer(n, t, resident);
		if (idle && b->pidfd >= 0)
			b->next = at + 1;
		least = headroom < least ? headroom : least;
	}
	return least;
}

static bool holds_any(const struct node *n)
{
	for (int i = 0; i < n->tasks_nr; i++)
		if (limit_of(n->tasks[i]) != CT_UNSET)
			return true;
	return false;
}

static int look(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct node *n = userdata;
	uint64_t began = cpu_us(), headroom;

	(void)usec; /* late or not */
	if (!holds_any(n))
		return 0; /* one-shot: until breach_memory_soon() */
	(void)meter_walk(n->meter); /* after a failed one the last gauges stand */
	headroom = look_at_all(n);
	if (headroom == CT_UNSET)
		return 0;
	(void)sd_event_source_set_time(source, now_us() + breach_memory_wait_us(headroom,
										cpu_us() - began));
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int breach_memory_start(struct node *n)
{
	struct breach_memory *b;
	int err;

	if (!n->host.memory_meter)
		return 0;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->fd = b->pidfd = -1;
	err = sd_event_add_time(n->event, &b->timer, CLOCK_MONOTONIC, 0, ACCURACY_US, look, n);
	if (err < 0) {
		free(b);
		return err;
	}
	n->breach_memory = b;
	return 0;
}

void breach_memory_soon(struct node *n)
{
	if (!n->breach_memory)
		return;
	(void)sd_event_source_set_time(n->breach_memory->timer, 0); /* never fails: it is there */
	(void)sd_event_source_set_enabled(n->breach_memory->timer, SD_EVENT_ONESHOT); /* as above */
}

void breach_memory_stop(struct node *n)
{
	struct breach_memory *b = n->breach_memory;
	struct measure m;

	if (!b)
		return;
	if (b->pidfd >= 0) {
		kill_measurement(b);
		(void)end_measurement(b, &m); /* nobody wants it any more */
	}
	sd_event_source_disable_unref(b->timer);
	free(b);
	n->breach_memory = NULL;
}

uint64_t breach_memory_unmeasured(const struct node *n)
{
	return n->breach_memory ? n->breach_memory->unmeasured : 0;
}
