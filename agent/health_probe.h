/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One attempt of a health check, without waiting: a socket of the task's network that the agent
 * itself holds, or a process in the container.
 */
#ifndef DCOS_HEALTH_PROBE_H
#define DCOS_HEALTH_PROBE_H

#include <systemd/sd-event.h>

#include "agent/lib/why.h"
#include "agent/node.h"

#define PROBE_ANSWER_MAX 16 /* bytes of an answer that are looked at: "HTTP/1.1 200" */

/**
 * struct health_probe - zero but for the first members, then probe_begin()
 * @done: it has ended, and nothing is left of it; @failure: NULL: it has succeeded
 */
struct health_probe {
	struct task *task;
	const struct task_health *check;
	void (*done)(struct health_probe *p, const char *failure);
	void *data;

	bool busy, late;
	int fd, pidfd; /* while busy: the socket or the process, -1 the other */
	pid_t pid;
	sd_event_source *io, *timeout;
	char answer[PROBE_ANSWER_MAX];
	size_t answer_len;
};

/**
 * probe_begin - begin an attempt; @p->done is called later, from the loop
 * @p: not busy; its task runs
 * @why: on failure, which is one of the check
 * Return: 0 or -errno, then nothing is under way.
 */
int probe_begin(struct health_probe *p, struct why *why);

/** probe_abort - end an attempt without a result; harmless if none is under way */
void probe_abort(struct health_probe *p);

#endif
