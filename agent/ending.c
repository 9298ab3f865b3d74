// SPDX-License-Identifier: Apache-2.0
/*
 * How tasks end: the status from waitid(2) while we are the parent, else from the record that BPF
 * made at process exit; then everything that was built is undone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#include "agent/checkpoint.h"
#include "agent/health.h"
#include "agent/launch.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/crash.h"
#include "agent/lib/log.h"
#include "agent/lifecycle.h"
#include "agent/sample.h"
#include "agent/usage.h"

static void exit_from_status(struct task_exit *x, int status)
{
	x->known = true;
	if (WIFSIGNALED(status))
		x->sig = WTERMSIG(status);
	else
		x->code = WEXITSTATUS(status);
}

/* Return: 0; -EAGAIN it has not ended; -ENOENT it has, and nobody knows how. */
static int exit_status(const struct task *t, struct task_exit *x)
{
	int pidfd = t->ct ? t->ct->iso.pidfd : -1;
	siginfo_t si = {0};
	struct dcos_exit rec;
	bool recorded = t->node->meter && !meter_exit(t->node->meter, t->cgroup_id, &rec);

	if (recorded) {
		exit_from_status(x, (int)rec.status);
		x->oom = rec.flags & DCOS_EXIT_OOM;
	}
	if (pidfd >= 0 && !waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | WNOHANG)) {
		if (!si.si_pid)
			return -EAGAIN;
		x->known = true;
		x->code = si.si_code == CLD_EXITED ? si.si_status : -1;
		x->sig = si.si_code == CLD_EXITED ? 0 : si.si_status;
		return 0;
	}
	return recorded ? 0 : -ENOENT;
}

static void say_reason(const struct task *t, struct task_exit *x)
{
	const char *by = t->kill_asked ? ", as asked" : "";

	if (t->unhealthy[0])
		(void)snprintf(x->reason, sizeof(x->reason), "%s", t->unhealthy); /* fits */
	else if (!x->known)
		(void)snprintf(x->reason, sizeof(x->reason),
			       "ended while no agent ran, and no exit record was kept");
	else if (x->oom && t->breach[0])
		(void)snprintf(x->reason, sizeof(x->reason), "%s", t->breach); /* cut */
	else if (x->oom)
		(void)snprintf(x->reason, sizeof(x->reason),
			       "killed by the kernel: out of memory (SIGKILL)");
	else if (x->sig)
		(void)snprintf(x->reason, sizeof(x->reason), "killed by signal %d (SIG%s)%s",
			       x->sig, sigabbrev_np(x->sig) ?: "?", by);
	else
		(void)snprintf(x->reason, sizeof(x->reason), "exited with code %d%s", x->code, by);
}

static enum task_state state_after(const struct task *t, const struct task_exit *x)
{
	if (!x->known)
		return TASK_LOST;
	if (t->unhealthy[0])
		return TASK_FAILED;
	if (t->kill_asked && !x->oom)
		return TASK_KILLED;
	return !x->sig && !x->code ? TASK_FINISHED : TASK_FAILED;
}

/*
 * An agent that dies before it says "start" leaves a child that ends by itself: its code is not the
 * task's. Without a meter there is no record of such an end in the first place.
 */
static bool never_ran(const struct task *t)
{
	return t->state == TASK_STARTING && t->exit.known && t->exit.code == LAUNCH_CHILD_EXIT &&
	       t->usage && !t->usage->v[U_nr_execs];
}

void task_end(struct task *t)
{
	int err;

	if (state_ended(t->state))
		return;
	err = exit_status(t, &t->exit);
	if (err == -EAGAIN)
		return;
	CRASH_POINT("end.status_read");
	sample_last(t);
	CRASH_POINT("end.sampled");
	/* memory.events is evidence too: the kernel killed in this cgroup, and init died of it */
	if (t->exit.sig == SIGKILL && !t->kill_asked && t->usage &&
	    t->usage->v[U_oom_kills] != USAGE_UNKNOWN && t->usage->v[U_oom_kills] > 0)
		t->exit.oom = true;
	if (t->exit.sig == SIGKILL && t->breach[0])
		t->exit.oom = true; /* the agent killed it, and says of what */
	if (never_ran(t)) {
		t->exit.known = false;
		t->exit.code = -1;
		task_launch_lost(t, "the agent ended while it launched the task");
		return;
	}
	t->exit.ended_unix_us = unix_now_us();
	say_reason(t, &t->exit);
	(void)task_move(t, state_after(t, &t->exit)); /* at worst the exit record is lost */
}

void task_launch_lost(struct task *t, const char *reason)
{
	t->exit.ended_unix_us = unix_now_us();
	(void)snprintf(t->exit.reason, sizeof(t->exit.reason), "%s", reason);
	(void)task_move(t, TASK_LOST); /* at worst it is found lost again */
}

static void unstore_pidfd(const struct task *t)
{
	cleanup_free char *msg = NULL;

	if (asprintf(&msg, "FDSTOREREMOVE=1\nFDNAME=%s", t->spec->ct.id) > 0)
		(void)sd_notify(0, msg); /* without systemd there is no store */
}

void task_undo(struct task *t)
{
	struct node *n = t->node;
	int err;

	t->exit_event = sd_event_source_disable_unref(t->exit_event);
	t->grace_event = sd_event_source_disable_unref(t->grace_event);
	CRASH_POINT("undo.begun");
	unstore_pidfd(t);
	t->health = health_free(t->health);
	if (t->ct) {
		err = ct_destroy(t->ct);
		t->ct = NULL;
		if (err)
			log_msg(LOG_ERR, t->spec->ct.id, "its container could not be removed: %s",
				strerror(-err));
	}
	CRASH_POINT("undo.destroyed");
	if (n->meter && t->cgroup_id)
		meter_forget(n->meter, t->cgroup_id);
	CRASH_POINT("undo.forgotten");
	idmap_release(n, t->idmap);
	t->idmap = -1;
}
