// SPDX-License-Identifier: Apache-2.0
/* The agent about itself. */
#include "agent/self.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/breach_memory.h"
#include "agent/events.h"
#include "agent/governor.h"
#include "agent/history.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "agent/lib/varlink.h"
#include "agent/stream.h"

/* Where the counts are. */
struct counts {
	struct vl_stats vl;
	struct stream_stats stream;
	struct history_stats history;
	struct meter_drops meter;
	struct governor_stats governor;
	struct events_stats events;
	uint64_t unmeasured, unreadable, strays, log_bytes, events_missed, health_postponed, untold;
};

static const struct loss_row {
	const char *name, *what;
	size_t offset;
} loss_rows[] = {
#define ROW(name, member, what)                                                                    \
	{                                                                                          \
		name, what, offsetof(struct counts, member)                                        \
	}
	ROW("connections_refused", vl.refused, "connections refused"),
	ROW("connections_garbage", vl.garbage, "connections dropped: garbage"),
	ROW("connections_slow", vl.slow, "connections dropped: slow reader"),
	ROW("calls_denied", vl.denied, "calls denied"),
	ROW("calls_failed", vl.failed, "calls failed in the agent"),
	ROW("snapshots_dropped", stream.dropped, "snapshots dropped: slow subscriber"),
	ROW("events_missed", events_missed, "events missed: slow reader"),
	ROW("events_failed", events.failed, "events without details: no memory"),
	ROW("ticks_skipped", stream.skipped, "readings skipped: the agent was late"),
	ROW("history_dropped", history.dropped, "pieces of the history dropped: no room"),
	ROW("log_dropped_bytes", log_bytes, "bytes of tasks' output dropped, to bound it"),
	ROW("messages_lost", untold, "messages of the agent lost: the journal does not read"),
	ROW("storage_failed", meter.storage_failed, "tasks unmetered: no memory in the kernel"),
	ROW("exits_failed", meter.exits_failed, "exit records lost"),
	ROW("slots_full", meter.slots_full, "meter slots exhausted"),
	ROW("disk_inflight_full", meter.disk_inflight_full,
	    "disk requests unmetered: too many at once"),
	ROW("disks_full", meter.disks_full, "disks of a task not told apart"),
	ROW("socks_failed", meter.socks_failed, "sockets without latency: no memory in the kernel"),
	ROW("denials_untold", meter.denials_untold, "denials that are counted but not in the log"),
	ROW("governor_failed", governor.failed, "freezes and thaws that the kernel refused"),
	ROW("governor_late_thaws", governor.late_thaws, "tasks thawed late"),
	ROW("memory_unmeasured", unmeasured, "tasks judged by their resident size"),
	ROW("health_postponed", health_postponed, "health checks postponed: too many at once"),
	ROW("checkpoints_unreadable", unreadable, "checkpoints unreadable at start"),
	ROW("cgroups_stray", strays, "cgroups of no task at start"),
};

_Static_assert(ARRAY_SIZE(loss_rows) <= SELF_LOSSES_MAX, "all have a place");

static void count_all(const struct node *n, struct counts *ret)
{
	memset(ret, 0, sizeof(*ret));
	vl_server_stats(n->server, &ret->vl);
	stream_stats(n, &ret->stream);
	if (n->history)
		history_stats(n->history, &ret->history);
	if (n->meter)
		meter_drops(n->meter, &ret->meter);
	if (n->governor)
		governor_stats(n->governor, &ret->governor);
	if (n->events)
		events_stats(n->events, &ret->events);
	ret->events_missed = n->event_readers.missed;
	ret->health_postponed = n->health_postponed;
	ret->unmeasured = breach_memory_unmeasured(n);
	ret->unreadable = (uint64_t)n->unreadable;
	ret->strays = (uint64_t)n->strays;
	ret->log_bytes = n->log_dropped_bytes;
	ret->untold = log_lost();
}

int self_losses(const struct node *n, struct self_loss *ret)
{
	struct counts c;

	count_all(n, &c);
	for (size_t i = 0; i < ARRAY_SIZE(loss_rows); i++) {
		ret[i] = (struct self_loss){.name = loss_rows[i].name, .what = loss_rows[i].what};
		memcpy(&ret[i].count, (const char *)&c + loss_rows[i].offset, sizeof(ret[i].count));
	}
	return ARRAY_SIZE(loss_rows);
}

static json_t *losses_json(const struct node *n)
{
	struct self_loss losses[SELF_LOSSES_MAX];
	int nr = self_losses(n, losses);
	json_t *doc = json_object();

	/* one that lacks fails the whole below */
	for (int i = 0; doc && i < nr; i++)
		if (json_object_set_new(doc, losses[i].name,
					json_integer((json_int_t)losses[i].count))) {
			json_decref(doc);
			return NULL;
		}
	return doc;
}

/* How many of each kind. */
static json_t *events_json(const struct events_stats *s)
{
	json_t *doc = json_object();

	for (int k = 0; doc && k < EVENT_KINDS; k++)
		if (json_object_set_new(doc, event_kind_name((enum event_kind)k),
					json_integer((json_int_t)s->counts[k]))) {
			json_decref(doc);
			return NULL;
		}
	return doc;
}

static json_t *hist_json(const __u64 *hist)
{
	json_t *list = json_array();
	int nr = DCOS_HIST;

	while (nr && !hist[nr - 1])
		nr--;
	for (int i = 0; list && i < nr; i++)
		if (json_array_append_new(list, json_integer((json_int_t)hist[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *program_json(const struct meter_program *p)
{
	json_t *doc = json_pack("{sssI}", "name", p->name, "skipped", (json_int_t)p->skipped);

	if (!doc || p->runs == CT_UNSET)
		return doc;
	/* both are ?int: may lack */
	(void)json_object_set_new(doc, "run_ns", json_integer((json_int_t)p->run_ns));
	(void)json_object_set_new(doc, "runs", json_integer((json_int_t)p->runs));
	return doc;
}

static json_t *programs_json(const struct node *n)
{
	struct meter_program p[METER_PROGRAMS_MAX];
	int nr = n->meter ? meter_programs(n->meter, p, METER_PROGRAMS_MAX) : 0;
	json_t *list = json_array();

	for (int i = 0; list && i < nr; i++)
		if (json_array_append_new(list, program_json(&p[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

/* Of all threads. */
static uint64_t own_cpu_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts); /* cannot fail with this clock */
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/* Resident, the mapped cells included. 0: nobody knows. */
static uint64_t own_memory(void)
{
	cleanup_fclose FILE *f = fopen("/proc/self/statm", "re");
	unsigned long size, resident;

	if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
		return 0;
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

json_t *self_json(const struct node *n)
{
	struct counts c;

	count_all(n, &c);
	return json_pack("{sI sI sI sI so so sI sI si sI so sI sI so so}", "cpu_ns",
			 (json_int_t)own_cpu_ns(), "memory_bytes", (json_int_t)own_memory(),
			 "ticks", (json_int_t)c.stream.ticks, "ticks_skipped",
			 (json_int_t)c.stream.skipped, "loop_hist_us",
			 hist_json(c.stream.late_hist_us), "tick_hist_us",
			 hist_json(c.stream.cost_hist_us), "snapshot_bytes",
			 (json_int_t)c.stream.snapshot_bytes, "history_bytes",
			 (json_int_t)c.history.bytes, "subscribers", c.stream.subscribers,
			 "snapshots_sent", (json_int_t)c.stream.sent, "events",
			 events_json(&c.events), "events_bytes", (json_int_t)c.events.bytes,
			 "events_overwritten", (json_int_t)c.events.overwritten, "losses",
			 losses_json(n), "programs", programs_json(n));
}
