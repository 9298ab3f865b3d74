// SPDX-License-Identifier: Apache-2.0
/* Draining a node. */
#include "agent/drain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/crash.h"
#include "agent/lib/log.h"
#include "agent/lifecycle.h"

static char *drain_path(const struct node *n)
{
	char *path;

	return asprintf(&path, "%s/draining", n->cfg->state_dir) < 0 ? NULL : path;
}

int drain_set(struct node *n, bool on)
{
	cleanup_free char *path = drain_path(n);

	if (!path)
		return -ENOMEM;
	if (!on && unlink(path) && errno != ENOENT)
		return -errno;
	if (on) {
		cleanup_close int fd =
			open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd < 0)
			return -errno;
	}
	CRASH_POINT("drain.written");
	if (on != n->draining)
		log_notice(on ? "draining: no new tasks" : "no longer draining");
	n->draining = on;
	return 0;
}

void drain_load(struct node *n)
{
	cleanup_free char *path = drain_path(n);

	n->draining = path && !access(path, F_OK);
}

void drain_kill(struct node *n, int64_t grace_ms)
{
	for (int i = 0; i < n->tasks_nr; i++) {
		struct task *t = n->tasks[i];
		uint64_t grace = grace_ms < 0 ? t->spec->kill_grace_us : (uint64_t)grace_ms * 1000;
		int err = state_ended(t->state) ? 0 : task_kill(t, t->spec->kill_signal, grace);

		if (err)
			log_msg(LOG_ERR, t->spec->ct.id, "drain: %s", strerror(-err));
	}
}
