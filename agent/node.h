/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node: every task of this agent and what they share. Who changes what:
 * lifecycle.c moves tasks through their states, checkpoint.c writes them down, recovery.c finds
 * them again, sample.c reads their meters, stream.c and api.c show them.
 */
#ifndef DCOS_NODE_H
#define DCOS_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "agent/api_events.h"
#include "agent/api_waiters.h"
#include "agent/config.h"
#include "agent/container.h"
#include "agent/meter.h"
#include "agent/state.h"
#include "agent/task.h"

#define NODE_BOOT_ID_LEN 36
#define TASK_REASON_MAX	 256

struct breach_memory;
struct breach_watch;
struct governor;
struct health;
struct scx;
struct netguard;
struct forkrate;
struct netquota;
struct vl_server;
struct stream;
struct doctor;
struct events;
struct flight;
struct history;
struct node;
struct usage;

/* How a task ended. */
struct task_exit {
	bool known; /* false: nobody saw it end and no record was kept */
	bool oom;
	int code; /* -1 if a signal ended it */
	int sig; /* 0 if it exited */
	uint64_t ended_unix_us;
	char reason[TASK_REASON_MAX]; /* one sentence, e.g. "exited with code 3" */
};

struct task {
	struct node *node;
	struct task_spec *spec;
	enum task_state state;
	struct container *ct; /* NULL before STARTING and after the end */
	uint64_t pid_start; /* start time in clock ticks since boot: the identity of the pid */
	uint64_t cgroup_id;
	int idmap; /* index of its range of user ids, -1 none */
	bool kill_asked;
	char breach
		[TASK_REASON_MAX]; /* for what the agent kills it: its exit.reason; "" it does not */
	char unhealthy[TASK_REASON_MAX]; /* likewise, but it is asked first; "" it does not */
	struct health *health; /* NULL: it has no checks, or does not run */
	uint64_t measure_after_us; /* breach_memory.c: before that it is not measured again */
	bool unwritten; /* its checkpoint says less than we know: to be tried again */
	unsigned int log_watch; /* how often yet its log is looked at soon, see logs.h */
	uint64_t log_cpu_ns; /* CPU time when its log was looked at last */
	uint64_t created_unix_us, started_unix_us;
	uint64_t began_ns; /* CLOCK_MONOTONIC of its start; 0: by an agent before this one */
	struct task_exit exit;
	struct usage *usage; /* the last reading of its meters; NULL none yet, or it has ended */
	struct flight *flight; /* likewise */
	struct breach_watch *watch; /* what was told of its breaches; likewise */
	char *warnings[ISO_WARNINGS_MAX]; /* limits that this host does not hold */
	int warnings_nr;
	char *frozen_usage; /* of an ended task: type Usage as JSON text */
	char *ending; /* what else of it goes into the checkpoint; NULL once it is there */
	sd_event_source *exit_event, *grace_event;
};

struct node {
	sd_event *event;
	const struct config *cfg;
	struct iso_host host;
	int lock_fd, pins_fd; /* locked: the state directory's file, the meter's directory */
	char *cgroup_path; /* of host.cgroup_fd, below the cgroup2 mount, e.g. "/dcos" */
	struct meter *meter; /* NULL: meter_why says why */
	struct why meter_why;
	struct governor *governor; /* NULL: governor_why says why, or it is not wanted */
	struct why governor_why;
	struct breach_memory
		*breach_memory; /* NULL: limits of memory are the kernel's, or nobody's */
	struct scx
		*scx; /* NULL: scx_why says why, or it is not wanted; ejected: host.scx is NULL */
	struct why scx_why;
	struct forkrate *forkrate; /* NULL: forkrate_why says why */
	struct why forkrate_why;
	struct netquota *netquota; /* NULL: netquota_why says why */
	struct why netquota_why;
	struct netguard *guard; /* NULL: guard_why says why */
	struct why guard_why;
	sd_event_source *guard_event;
	struct vl_server *server;
	struct stream *stream;
	struct doctor *doctor; /* doctor.c; NULL until somebody asks */
	struct api_waiters waiters;
	struct task **tasks; /* in the order they were created */
	int tasks_nr, tasks_cap;
	uint64_t *idmaps; /* bit set of ranges in use */
	int unreadable, strays; /* checkpoints, and cgroups of no task, found at the start */
	uint64_t log_dropped_bytes; /* of tasks' output, to bound it */
	bool draining;
	int ncpu;
	uint64_t memory_bytes, started_unix_us;
	char boot_id[NODE_BOOT_ID_LEN + 1];
	uint64_t seq, sampled_ns; /* number and CLOCK_MONOTONIC time of the last reading */
	unsigned int health_busy; /* attempts of health checks that are under way */
	uint64_t health_postponed; /* for there were too many */
	int detail_next; /* place in tasks[] of the one whose memory.stat is read next */
	struct history *history; /* NULL in tests only */
	struct events *events; /* likewise */
	uint64_t evidence_seq; /* reading since which evidence was collected so often: */
	int evidence_nr;
	struct event_readers event_readers;
	/* told when a task has moved; set by api.c */
	void (*on_move)(struct task *t, void *data);
	void *on_move_data;
	void (*on_event)(struct node *n); /* told of each event; likewise */
};

/** task_exit_json - type Exit of io.dcos.Agent; a new object, NULL out of memory */
json_t *task_exit_json(const struct task_exit *x);

/** task_warnings_json - the limits of a task that this host does not hold; a new array or NULL */
json_t *task_warnings_json(const struct task *t);

/** node_find - the task of that id, or NULL */
struct task *node_find(const struct node *n, const char *id);

/** node_running - how many tasks have not ended */
int node_running(const struct node *n);

/** unix_now_us - wall clock, microseconds since the epoch */
uint64_t unix_now_us(void);

/** mono_now_ns - CLOCK_MONOTONIC */
uint64_t mono_now_ns(void);

#endif
