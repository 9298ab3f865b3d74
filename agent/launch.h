/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between container.c and the child: how a process is cloned and how the two talk until execve.
 * Over a SOCK_SEQPACKET pair: the parent sends "go" with descriptors, the child answers READY or
 * FAILED, the parent sends "start", the child answers FAILED or its end closes at execve.
 */
#ifndef DCOS_LAUNCH_H
#define DCOS_LAUNCH_H

#include "agent/container.h"

#define LAUNCH_VALUE_MAX 200

enum launch_word { LAUNCH_READY = 1, LAUNCH_FAILED };

/* What the child says. */
struct launch_report {
	enum launch_word word;
	int err; /* negative errno */
	int row; /* of iso_table[], -1: none */
	const char *step; /* a string constant: the child is a copy of the parent */
	char value[LAUNCH_VALUE_MAX]; /* what the step was about, may be cut; "" none */
};

/* What the child needs beside the isolation. */
struct launch_child {
	struct isolation *iso;
	const struct ct_process *process;
	struct ct_stdio stdio;
	int sync; /* its end of the pair */
	bool joins; /* ct_exec(): namespaces are joined, the root is there */
	int join_pidfd;
	uint64_t join_flags;
};

/**
 * launch_clone - clone3 into the container's cgroup; the child runs child_main()
 * @flags: CLONE_NEW*
 * @child: valid until the call returns
 * @ret_sync: the parent's end
 */
int launch_clone(uint64_t flags, struct launch_child *child, pid_t *ret_pid, int *ret_pidfd,
		 int *ret_sync);

/**
 * launch_tell - send the child a word, with descriptors
 * @fds: @nr of them, closed afterwards
 */
int launch_tell(int sync, int *fds, int nr);

/**
 * launch_hear - wait for what the child says
 * @ret: its report
 * Return: 1 a report; 0 its end is closed (execve, or it died); -ETIMEDOUT; -errno.
 */
int launch_hear(int sync, struct launch_report *ret);

/** launch_fail - make a sentence of a report. Return: its errno */
int launch_fail(struct isolation *iso, const struct launch_report *r);

/** launch_reap - kill the child if it still is, and wait for it */
void launch_reap(int pidfd);

/** child_main - the child up to execve; does not return */
void child_main(struct launch_child *c) __attribute__((noreturn));

#endif
