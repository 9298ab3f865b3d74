// SPDX-License-Identifier: Apache-2.0
/* Tasks from acceptance to end: run, kill, update, remove. How they end is in ending.c. */
#include "agent/lifecycle.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "agent/breach.h"
#include "agent/breach_memory.h"
#include "agent/checkpoint.h"
#include "agent/event_moves.h"
#include "agent/flight.h"
#include "agent/health.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/crash.h"
#include "agent/lib/log.h"
#include "agent/lib/weaken.h"
#include "agent/logs.h"
#include "agent/procfs.h"
#include "agent/sample.h"
#include "agent/stream.h"

int idmap_take(struct node *n, int idx)
{
	int nr = (int)n->cfg->userns_count;

	if (idx >= nr)
		return -ERANGE;
	for (int i = idx < 0 ? 0 : idx; i < nr; i++) {
		if (n->idmaps[i / 64] & 1ULL << i % 64 && !weakened("idmap_shared")) {
			if (idx >= 0)
				return -EBUSY;
			continue;
		}
		n->idmaps[i / 64] |= 1ULL << i % 64;
		return i;
	}
	return -ENOSPC;
}

void idmap_release(struct node *n, int idx)
{
	if (idx >= 0)
		n->idmaps[idx / 64] &= ~(1ULL << idx % 64);
}

int task_new(struct node *n, struct task_spec *spec, struct task **ret)
{
	struct task *t = calloc(1, sizeof(*t));
	struct task **grown = n->tasks;

	if (t && n->tasks_nr == n->tasks_cap) {
		int cap = n->tasks_cap ? n->tasks_cap * 2 : 64;

		grown = reallocarray(n->tasks, (size_t)cap, sizeof(struct task *));
		if (grown) {
			n->tasks = grown;
			n->tasks_cap = cap;
		}
	}
	if (!t || !grown) {
		free(t);
		task_spec_free(spec);
		return -ENOMEM;
	}
	t->node = n;
	t->spec = spec;
	t->idmap = -1;
	t->exit.code = -1;
	t->log_watch = LOGS_WATCH; /* what it does first is not known */
	t->created_unix_us = unix_now_us();
	n->tasks[n->tasks_nr++] = t;
	*ret = t;
	return 0;
}

void task_free(struct task *t)
{
	struct node *n = t->node;

	for (int i = 0; i < n->tasks_nr; i++) {
		if (n->tasks[i] != t)
			continue;
		memmove(&n->tasks[i], &n->tasks[i + 1],
			(size_t)(n->tasks_nr - i - 1) * sizeof(struct task *));
		n->tasks_nr--;
		break;
	}
	sd_event_source_disable_unref(t->exit_event);
	sd_event_source_disable_unref(t->grace_event);
	idmap_release(n, t->idmap);
	for (int i = 0; i < t->warnings_nr; i++)
		free(t->warnings[i]);
	free(t->frozen_usage);
	free(t->ending);
	free(t->usage);
	flight_free(t->flight);
	breach_watch_free(t->watch);
	health_free(t->health);
	ct_release(t->ct);
	task_spec_free(t->spec);
	free(t);
}

int task_save(struct task *t)
{
	int err = checkpoint_save(t);

	t->unwritten = err != 0;
	if (!err && state_ended(t->state))
		free(take_ptr(t->ending));
	return err;
}

void node_save_again(struct node *n)
{
	for (int i = 0; i < n->tasks_nr; i++) {
		struct task *t = n->tasks[i];

		if (t->unwritten && !task_save(t))
			log_msg(LOG_NOTICE, t->spec->ct.id, "state %s is written down now",
				state_to_string(t->state));
	}
}

int task_move(struct task *t, enum task_state to)
{
	int err;

	if (!state_may_move(t->state, to))
		abort();
	t->state = to;
	if (state_ended(to))
		sample_freeze(t);
	err = task_save(t);
	if (err)
		log_msg(LOG_ERR, t->spec->ct.id, "state %s could not be written down: %s",
			state_to_string(to), strerror(-err));
	log_msg(LOG_INFO, t->spec->ct.id, "%s%s%s", state_to_string(to),
		state_ended(to) ? ": " : "", state_ended(to) ? t->exit.reason : "");
	if (state_ended(to))
		task_undo(t);
	if (t->node->on_move)
		t->node->on_move(t, t->node->on_move_data);
	event_moved(t);
	return err;
}

static int exit_seen(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source; /* the task knows it */
	(void)fd;
	(void)revents;
	task_end(userdata);
	return 0;
}

static void store_pidfd(const struct task *t)
{
	cleanup_free char *msg = NULL;

	if (asprintf(&msg, "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", t->spec->ct.id) > 0)
		(void)sd_pid_notify_with_fds(0, 0, msg, &t->ct->iso.pidfd,
					     1); /* without systemd the pid's identity is checked */
}

int task_watch(struct task *t)
{
	int err = sd_event_add_io(t->node->event, &t->exit_event, t->ct->iso.pidfd, EPOLLIN,
				  exit_seen, t);

	if (!err)
		store_pidfd(t);
	return err;
}

/* What a limit of before could not hold says nothing about the limits of now. */
static void drop_limit_warnings(struct task *t)
{
	int kept = 0;

	for (int i = 0; i < t->warnings_nr; i++) {
		if (strncmp(t->warnings[i], "resources.", strlen("resources.")))
			t->warnings[kept++] = t->warnings[i];
		else
			free(t->warnings[i]);
	}
	t->warnings_nr = kept;
}

/* Take over what the isolators have warned of while they set the limits. */
static void keep_warnings(struct task *t)
{
	struct isolation *iso = &t->ct->iso;

	drop_limit_warnings(t);
	for (int i = 0; i < iso->warnings_nr; i++) {
		if (t->warnings_nr < ISO_WARNINGS_MAX)
			t->warnings[t->warnings_nr++] = iso->warnings[i];
		else
			free(iso->warnings[i]);
	}
	iso->warnings_nr = 0;
}

/* From an accepted task to a container that waits for its start. */
static int task_build(struct task *t, struct why *why)
{
	struct node *n = t->node;
	struct ct_spec *spec = &t->spec->ct;
	int fds[LOG_STREAMS], err;

	if (spec->namespaces & CLONE_NEWUSER) {
		t->idmap = idmap_take(n, -1);
		if (t->idmap < 0)
			return why_set(why, -EINVAL, "all %u ranges of user ids are in use",
				       n->cfg->userns_count);
		spec->idmap.host_base =
			n->cfg->userns_base + (uint32_t)t->idmap * n->cfg->userns_size;
	}
	CRASH_POINT("run.accepted");
	err = checkpoint_save(t);
	if (err)
		return why_set(why, err, "%s/tasks/%s.json", n->cfg->state_dir, spec->id);
	CRASH_POINT("run.staged");
	err = logs_open(n, spec->id, fds);
	if (err)
		return why_set(why, err, "%s/logs/%s", n->cfg->state_dir, spec->id);
	cleanup_close int out = fds[LOG_STDOUT], errs = fds[LOG_STDERR];

	CRASH_POINT("run.logs_made");
	t->began_ns = mono_now_ns();
	return ct_create(&n->host, spec, &(struct ct_stdio){-1, out, errs}, &t->ct, why);
}

/* From the waiting container to a running task. */
static int task_launch(struct task *t, struct why *why)
{
	int err;

	CRASH_POINT("run.created");
	keep_warnings(t);
	t->cgroup_id = t->ct->iso.cgroup_id;
	err = proc_start_time(t->ct->iso.pid, &t->pid_start);
	if (err)
		return why_set(why, err, "/proc/%d/stat", (int)t->ct->iso.pid);
	/* the one that counts: without the pid on disk the task would be lost with this agent */
	err = task_move(t, TASK_STARTING);
	if (err)
		return why_set(why, err, "%s/tasks/%s.json", t->node->cfg->state_dir,
			       t->spec->ct.id);
	CRASH_POINT("run.starting");
	err = ct_start(t->ct, why);
	CRASH_POINT("run.started");
	if (err)
		return err;
	t->started_unix_us = unix_now_us();
	err = task_watch(t);
	if (err)
		return why_set(why, err, "watching the task's pidfd");
	CRASH_POINT("run.watched");
	stream_log_soon(t->node);
	breach_memory_soon(t->node);
	(void)task_move(t, TASK_RUNNING); /* what was written down before suffices */
	health_start(t);
	return 0;
}

int task_run(struct node *n, struct task_spec *spec, struct task **ret, struct why *why)
{
	struct task *t;
	int err = task_new(n, spec, &t);

	if (err)
		return why_set(why, err, "a new task");
	err = task_build(t, why);
	if (!err)
		err = task_launch(t, why);
	if (!err) {
		CRASH_POINT("run.running");
		*ret = t;
		return 0;
	}
	log_msg(LOG_NOTICE, t->spec->ct.id, "could not be launched: %s", why ? why->text : "");
	event_launch_failed(t, why ? why->text : "");
	CRASH_POINT("run.failed");
	task_undo(t);
	CRASH_POINT("run.undone");
	/* the checkpoint last: while it is there, the next agent knows that something is left */
	logs_remove(n, t->spec->ct.id);
	CRASH_POINT("run.logs_removed");
	checkpoint_drop(n, t->spec->ct.id);
	task_free(t);
	return err;
}

static int grace_over(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct task *t = userdata;
	int err;

	(void)source; /* one-shot */
	(void)usec;
	CRASH_POINT("kill.grace_over");
	err = ct_kill(t->ct);
	if (err)
		log_msg(LOG_ERR, t->spec->ct.id, "kill: %s", strerror(-err));
	return 0;
}

static int arm_grace(struct task *t, uint64_t grace_us)
{
	uint64_t now, old;

	if (!t->grace_event)
		return sd_event_add_time_relative(t->node->event, &t->grace_event, CLOCK_MONOTONIC,
						  grace_us, 1000, grace_over, t);
	if (sd_event_now(t->node->event, CLOCK_MONOTONIC, &now) >= 0 &&
	    sd_event_source_get_time(t->grace_event, &old) >= 0 && now + grace_us < old)
		return sd_event_source_set_time(t->grace_event, now + grace_us);
	return 0;
}

int task_kill(struct task *t, int sig, uint64_t grace_us)
{
	int err;

	if (!t->ct || state_ended(t->state))
		return -ESRCH;
	if ((t->spec->ct.namespaces & CLONE_NEWPID) && !proc_catches(t->ct->iso.pid, sig))
		grace_us = 0;
	CRASH_POINT("kill.asked");
	t->kill_asked = true;
	if (t->state == TASK_RUNNING)
		(void)task_move(t, TASK_KILLING); /* at worst it is asked again by people */
	CRASH_POINT("kill.written");
	if (!grace_us || sig == SIGKILL)
		return ct_kill(t->ct);
	err = arm_grace(t, grace_us);
	if (err < 0)
		return ct_kill(t->ct); /* no timer: better now than never */
	CRASH_POINT("kill.armed");
	err = ct_signal(t->ct, sig);
	CRASH_POINT("kill.sent");
	return err == -ESRCH ? 0 : err; /* it ends just now; the event will tell */
}

int task_update(struct task *t, const struct ct_resources *res, struct why *why)
{
	int err;

	if (!t->ct || state_ended(t->state))
		return why_set(why, -ESRCH, "task %s", t->spec->ct.id);
	CRASH_POINT("update.asked");
	err = ct_update(t->ct, res, why);
	CRASH_POINT("update.held");
	if (err)
		return err;
	keep_warnings(t);
	breach_memory_soon(t->node);
	return 0;
}

static void restore_doc(struct task *t, const struct ct_resources *old, json_t *before)
{
	t->spec->ct.resources = *old;
	if (before ? json_object_set(t->spec->doc, "resources", before)
		   : json_object_del(t->spec->doc, "resources"))
		log_msg(LOG_ERR, t->spec->ct.id, "limits that do not hold are shown");
}

/* The new checkpoint lies ready. What the next agent finds is decided by one rename. */
static int hold_staged(struct task *t, const struct ct_resources *old, struct why *why)
{
	const struct ct_resources res = t->spec->ct.resources;
	struct why again = {};
	int err = task_update(t, &res, why);

	if (err)
		return err;
	err = checkpoint_commit(t);
	CRASH_POINT("update.written");
	if (!err)
		return 0;
	if (task_update(t, old, &again))
		log_msg(LOG_ERR, t->spec->ct.id, "the limits of before: %s", again.text);
	return why_set(why, err, "%s/tasks/%s.json", t->node->cfg->state_dir, t->spec->ct.id);
}

int task_change(struct task *t, const struct ct_resources *res, json_t *doc, struct why *why)
{
	const struct ct_resources old = t->spec->ct.resources;
	json_t *before = json_incref(json_object_get(t->spec->doc, "resources"));
	int err = task_resources_apply(t->spec, doc, res), warned = t->warnings_nr;

	if (err) {
		json_decref(before);
		return why_set(why, err, "resources");
	}
	err = checkpoint_stage(t);
	if (err)
		(void)why_set(why, err, "%s/tasks/%s.json", t->node->cfg->state_dir,
			      t->spec->ct.id); /* is err */
	else
		err = hold_staged(t, &old, why);
	if (err) {
		checkpoint_unstage(t);
		restore_doc(t, &old, before);
	} else if (warned || t->warnings_nr) {
		(void)task_save(t); /* the warnings, known only now; tried again if it fails */
	}
	json_decref(before);
	return err;
}

int task_remove(struct task *t)
{
	if (!state_ended(t->state))
		return -EBUSY;
	CRASH_POINT("remove.asked");
	logs_remove(t->node, t->spec->ct.id);
	CRASH_POINT("remove.logs_removed");
	checkpoint_drop(t->node, t->spec->ct.id); /* last, as in task_run() */
	CRASH_POINT("remove.dropped");
	task_free(t);
	return 0;
}

void node_trim(struct node *n)
{
	int ended = n->tasks_nr - node_running(n);

	for (int i = 0; i < n->tasks_nr && ended > (int)n->cfg->ended_tasks_max;) {
		if (state_ended(n->tasks[i]->state) && !task_remove(n->tasks[i]))
			ended--;
		else
			i++;
	}
}
