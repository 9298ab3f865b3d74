// SPDX-License-Identifier: Apache-2.0
/*
 * After a restart: every checkpoint becomes a task again. The kernel kept what matters: the
 * cgroup with its limits, the pinned meter with its counts and exit records.
 */
#include "agent/recovery.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "agent/checkpoint.h"
#include "agent/health.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/crash.h"
#include "agent/lib/log.h"
#include "agent/lifecycle.h"
#include "agent/netguard.h"
#include "agent/procfs.h"
#include "cgroupfs/cgroupfs.h"
#include "isolators/layers.h"

struct stored_fds {
	char **names;
	int nr;
};

struct walk {
	struct node *n;
	struct stored_fds fds;
	struct recovery counts;
	int err; /* of the first task that could not be looked at: the agent can't start so */
	struct why why;
};

/*
 * What says nothing about a task, only about this moment. Whoever took it for an answer would set
 * aside a good checkpoint, or report the end of a task that runs.
 */
static bool is_shortage(int err)
{
	switch (err) {
	case -EAGAIN:
	case -EIO:
	case -EMFILE:
	case -ENFILE:
	case -ENOBUFS:
	case -ENOMEM:
		return true;
	default:
		return false;
	}
}

static void give_up(struct walk *w, int err, const char *id, const struct why *why)
{
	w->err = err;
	if (why && why->text[0])
		w->why = *why;
	else
		(void)why_set(&w->why, err, "task %s can't be looked at",
			      id); /* returned by recover() */
}

static int stored_pidfd(struct stored_fds *fds, const char *id)
{
	for (int i = 0; i < fds->nr; i++) {
		if (!fds->names[i] || strcmp(fds->names[i], id))
			continue;
		free(take_ptr(fds->names[i]));
		return SD_LISTEN_FDS_START + i;
	}
	return -ENOENT;
}

/* Return: 0 it is not; 1; -errno nobody knows */
static int is_the_same(const struct node *n, const struct checkpoint *c, const char *id)
{
	cleanup_free char *cgroup = NULL, *want = NULL;
	uint64_t start;
	int err = proc_start_time(c->pid, &start);

	if (!err && start != c->pid_start)
		return 0;
	err = err ?: cg_own(c->pid, &cgroup);
	if (err)
		return is_shortage(err) ? err : 0;
	if (asprintf(&want, "%s/%s", n->cgroup_path, id) < 0)
		return -ENOMEM;
	return !strncmp(cgroup, want, strlen(want)) &&
	       (!cgroup[strlen(want)] || cgroup[strlen(want)] == '/');
}

static bool has_ended(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

/* Return: a pidfd of the task's init, also if it is a zombie; -ESRCH it is gone; -errno unknown */
static int find_init(struct walk *w, const struct checkpoint *c, const char *id)
{
	int pidfd = stored_pidfd(&w->fds, id);
	pid_t pid;
	int err;

	if (!c->pid)
		return close_fd(&pidfd), -ESRCH;
	/* one that was left of an earlier task of this name says nothing about this one */
	if (pidfd >= 0 && !proc_pidfd_pid(pidfd, &pid) && pid == c->pid)
		return pidfd;
	close_fd(&pidfd);
	pidfd = pidfd_open(c->pid, 0);
	err = pidfd < 0 ? -errno : is_the_same(w->n, c, id);
	if (err > 0)
		return pidfd;
	close_fd(&pidfd);
	return is_shortage(err) ? err : -ESRCH;
}

static void warnings_restore(struct task *t, const json_t *list)
{
	const json_t *text;
	size_t i;

	json_array_foreach (list, i, text)
		if (t->warnings_nr < ISO_WARNINGS_MAX && json_is_string(text))
			t->warnings[t->warnings_nr++] = strdup(json_string_value(text));
}

/* @name: of the file, without its ending; only under this name is it found and dropped again */
static int task_restore(struct node *n, const struct checkpoint *c, const char *name,
			struct task **ret, struct why *why)
{
	struct task_error err = {0};
	struct task_spec *spec;
	struct task *t;
	int rc;

	rc = task_spec_restore(n->cfg, c->spec, &spec, &err);
	if (rc == -ENOMEM)
		return why_set(why, rc, "task %s", name);
	if (rc)
		return why_set(why, -EINVAL, "%s: %s", err.key, err.reason);
	if (strcmp(spec->ct.id, name)) {
		rc = why_set(why, -EINVAL, "id=%s: allowed is the file's name", spec->ct.id);
		task_spec_free(spec);
		return rc;
	}
	rc = task_new(n, spec, &t);
	if (rc)
		return why_set(why, rc, "task %s", name);
	t->state = c->state;
	t->pid_start = c->pid_start;
	t->cgroup_id = c->cgroup_id;
	t->created_unix_us = c->created_unix_us;
	t->started_unix_us = c->started_unix_us;
	t->kill_asked = c->kill_asked;
	memcpy(t->breach, c->breach, sizeof(t->breach));
	memcpy(t->unhealthy, c->unhealthy, sizeof(t->unhealthy));
	t->exit = c->exit;
	if (c->usage)
		t->frozen_usage = json_dumps(c->usage, JSON_COMPACT);
	if (!state_ended(c->state) && c->idmap >= 0) {
		t->idmap = idmap_take(n, c->idmap);
		t->spec->ct.idmap.host_base =
			n->cfg->userns_base + (uint32_t)c->idmap * n->cfg->userns_size;
	}
	warnings_restore(t, c->warnings);
	*ret = t;
	return 0;
}

/* Its slot in the meter: the one that it has, or a new one where the meter's pins were lost. */
static bool adopt_slot(const struct node *n, const struct checkpoint *c, pid_t init, uint32_t *slot)
{
	int err = n->meter ? meter_adopt(n->meter, c->cgroup_id, init, slot) : -ENODEV;

	return !err || err == -EOPNOTSUPP; /* the latter: only what is born from now on counts */
}

/* What runs, and what ended while no agent ran: both have a cgroup. */
/* An agent that was killed in the middle of an update has set limits that nobody was told of. */
static void hold_written_limits(struct task *t)
{
	struct why why = {};

	if (task_update(t, &t->spec->ct.resources, &why))
		log_msg(LOG_WARNING, t->spec->ct.id, "limits as written down: %s", why.text);
}

static void adopt(struct walk *w, struct task *t, const struct checkpoint *c)
{
	int pidfd = find_init(w, c, t->spec->ct.id);
	bool gone = pidfd == -ESRCH;
	uint32_t slot = c->slot;
	struct why why = {0};
	bool metered;
	int err;

	if (pidfd < 0 && !gone) {
		give_up(w, pidfd, t->spec->ct.id, NULL);
		return;
	}
	metered = adopt_slot(w->n, c, gone ? 0 : c->pid, &slot);

	CRASH_POINT("recover.slot_found");
	err = ct_adopt(&w->n->host, &t->spec->ct, gone ? 0 : c->pid, pidfd, metered, slot, &t->ct,
		       &why);
	if (is_shortage(err)) {
		give_up(w, err, t->spec->ct.id, &why);
		return;
	}
	if (err && err != -ENOENT) {
		w->counts.lost++;
		task_launch_lost(t, why.text[0] ? why.text : strerror(-err));
		return;
	}
	CRASH_POINT("recover.container_found");
	if (!err && !gone && !has_ended(pidfd)) {
		if (t->state == TASK_STARTING)
			(void)task_move(t, TASK_RUNNING); /* at worst it is adopted so again */
		w->counts.adopted++;
		if (t->breach[0])
			(void)ct_kill(t->ct); /* what an agent before this one had begun */
		hold_written_limits(t);
		if (!task_watch(t) && t->state == TASK_KILLING)
			(void)task_kill(t, t->spec->kill_signal,
					t->spec->kill_grace_us); /* logged by the kill */
		health_start(t);
		return;
	}
	CRASH_POINT("recover.end_found");
	w->counts.ended++;
	task_end(t); /* also without its cgroup: who removed that left the exit record */
}

/* A container that never came to run, or whose end was written down but not yet undone. */
static void undo_leftover(struct walk *w, struct task *t, const struct checkpoint *c)
{
	if (!ct_adopt(&w->n->host, &t->spec->ct, 0, -1, c->metered, c->slot, &t->ct, NULL))
		task_undo(t);
}

static void recover_task(struct walk *w, struct task *t, const struct checkpoint *c)
{
	bool same_boot = !strcmp(c->boot_id, w->n->boot_id);

	if (state_ended(c->state)) {
		w->counts.remembered++;
		if (same_boot)
			undo_leftover(w, t, c);
	} else if (!same_boot || c->state == TASK_STAGING) {
		w->counts.lost++;
		undo_leftover(w, t, c);
		CRASH_POINT("recover.leftover_undone");
		task_launch_lost(t, same_boot ? "the agent ended while it launched the task"
					      : "the machine was restarted");
	} else {
		adopt(w, t, c);
	}
}

static void recover_file(void *arg, const char *path, const char *id)
{
	struct walk *w = arg;
	struct checkpoint c = {0};
	cleanup_free char *aside = NULL;
	struct why why = {0};
	struct task *t = NULL;
	int err;

	if (w->err)
		return;
	CRASH_POINT("recover.file_found");
	err = checkpoint_load(path, &c, &why) ?: task_restore(w->n, &c, id, &t, &why);
	if (!err) {
		recover_task(w, t, &c);
	} else if (is_shortage(err)) {
		give_up(w, err, id, &why);
	} else {
		w->counts.unreadable++;
		CRASH_POINT("recover.file_refused");
		log_err("checkpoint %s: %s: set aside", path, why.text);
		if (asprintf(&aside, "%s.bad", path) > 0)
			(void)rename(path, aside); /* tried again at the next start if it fails */
	}
	checkpoint_free(&c);
}

static int by_age(const void *a, const void *b)
{
	const struct task *x = *(struct task *const *)a, *y = *(struct task *const *)b;

	return x->created_unix_us < y->created_unix_us ? -1
						       : x->created_unix_us > y->created_unix_us;
}

static int reclaim_slots(struct node *n)
{
	uint64_t live[DCOS_SLOTS];
	int nr = 0;

	for (int i = 0; i < n->tasks_nr && nr < DCOS_SLOTS; i++)
		if (n->tasks[i]->ct && n->tasks[i]->ct->iso.metered)
			live[nr++] = n->tasks[i]->cgroup_id;
	if (!n->meter)
		return 0;
	return meter_reclaim(n->meter, live, nr) ?: n->guard ? netguard_reclaim(n->guard) : 0;
}

/*
 * A cgroup that no checkpoint speaks of: empty, it is a leftover; with processes it may be the
 * task whose checkpoint can't be read, and it is not ours to decide that it shall end.
 */
static void sweep_cgroup(struct walk *w, const char *name)
{
	const struct node *n = w->n;
	cleanup_close int fd = cg_open(n->host.cgroup_fd, name, false);
	bool populated = false;

	if (fd < 0 || cg_populated(fd, &populated))
		return; /* it went meanwhile */
	if (!populated && !cg_remove(n->host.cgroup_fd, name)) {
		log_info("cgroup %s/%s removed: its task is gone", n->cgroup_path, name);
		return;
	}
	w->counts.strays++;
	log_err("cgroup %s/%s has processes, and no task is known of it: look, then end them by "
		"its cgroup.kill",
		n->cgroup_path, name);
}

static void sweep_cgroups(struct walk *w)
{
	int fd = openat(w->n->host.cgroup_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_closedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		log_err("cgroup %s: %s", w->n->cgroup_path, strerror(errno));
		close_fd(&fd);
		return;
	}
	while ((e = readdir(d)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.' && !node_find(w->n, e->d_name))
			sweep_cgroup(w, e->d_name);
}

/*
 * Layers whose container is gone: after a restart of the machine nothing else knows of them. What
 * has a cgroup may be running, also when its checkpoint can't be read.
 */
static void sweep_layers(const struct node *n)
{
	cleanup_free char *path = NULL;
	struct dirent *e;
	int fd, err;

	if (asprintf(&path, "%s/rootfs", n->cfg->state_dir) < 0)
		return;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_closedir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		log_err("%s: %s", path, strerror(errno));
		close_fd(&fd);
		return;
	}
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' || !faccessat(n->host.cgroup_fd, e->d_name, F_OK, 0))
			continue;
		err = layers_remove(fd, e->d_name);
		if (err)
			log_err("%s/%s could not be removed: %s", path, e->d_name, strerror(-err));
		else
			log_info("%s/%s removed: its task is gone", path, e->d_name);
	}
}

int recover(struct node *n, struct recovery *ret, struct why *why)
{
	struct walk w = {.n = n};
	int err;

	w.fds.nr = sd_listen_fds_with_names(0, &w.fds.names);
	if (w.fds.nr < 0)
		w.fds.nr = 0; /* then they are opened by pid */
	err = checkpoint_each(n, recover_file, &w);
	for (int i = 0; i < w.fds.nr; i++) {
		int unclaimed = SD_LISTEN_FDS_START + i;

		if (w.fds.names[i])
			close_fd(&unclaimed);
		free(w.fds.names[i]);
	}
	free(w.fds.names);
	if (w.err) {
		*why = w.why;
		return w.err;
	}
	if (err)
		return why_set(why, err, "%s/tasks", n->cfg->state_dir);
	CRASH_POINT("recover.files_read");
	sweep_cgroups(&w);
	CRASH_POINT("recover.cgroups_swept");
	sweep_layers(n);
	CRASH_POINT("recover.layers_swept");
	if (n->tasks_nr)
		qsort(n->tasks, (size_t)n->tasks_nr, sizeof(struct task *), by_age);
	n->unreadable = w.counts.unreadable;
	n->strays = w.counts.strays;
	*ret = w.counts;
	return reclaim_slots(n);
}
