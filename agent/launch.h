/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between container.c, exec.c and the child: how a process is cloned and how the two talk until
 * execve. Over a SOCK_SEQPACKET pair the parent sends "go" with descriptors, the child answers
 * when it waits, the parent sends "start", and the child's end closes: at execve, or because it
 * ended. What went wrong stands on a page that both share until then: nothing but a store is
 * needed to report, whatever the filter that is already installed forbids.
 */
#ifndef DCOS_LAUNCH_H
#define DCOS_LAUNCH_H

#include "agent/container.h"

#define LAUNCH_STEP_MAX	  64
#define LAUNCH_VALUE_MAX  256
#define LAUNCH_CHILD_EXIT 127 /* of a child that did not come to its program */

enum launch_stage {
	LAUNCH_BUILDS, /* being built */
	LAUNCH_WAITS, /* complete but for the late rows, waits for start */
	LAUNCH_EXECS, /* all that is left is execve */
};

/* Written by the child, read by the parent once the socket has told something. */
struct launch_page {
	enum launch_stage stage;
	pid_t pid; /* of the child, for its parent */
	int row; /* of iso_table[] that is at work, -1 none */
	int err; /* negative errno of a failure, 0 none */
	char step[LAUNCH_STEP_MAX]; /* what failed, may be cut */
	char value[LAUNCH_VALUE_MAX]; /* what the step was about, may be cut; "" none */
};

/* Descriptors that the child keeps, in the order of their numbers; -1: it has none. */
enum launch_keep {
	KEEP_SYNC, /* its end of the pair */
	KEEP_JOIN, /* ct_exec(): a pidfd, whose namespaces are joined; else they are new */
	KEEP_START, /* a listening socket from which the start comes */
	KEEP_PAGE, /* the page, for who gives that start */
	KEEP_NOTIFY, /* connected to who answers system calls */
	KEEP_NR
};

/* The parent's side. */
struct launch {
	int sync; /* its end of the pair */
	struct launch_page *page;
	int deadline_ms; /* of each wait; -1: hooks run meanwhile, which have their own */
};

/* What the child needs beside the isolation. */
struct launch_child {
	struct isolation *iso;
	const struct ct_process *process;
	struct ct_stdio stdio;
	int keep[KEEP_NR];
	struct launch_page *page;
	uint64_t join_flags; /* CLONE_NEW* that KEEP_JOIN is asked for */
	uint64_t born_flags; /* and those of it in which the child is born already */
};

/**
 * launch_clone - clone3 into the container's cgroup; the child runs child_main()
 * @flags: CLONE_NEW*
 * @child: without sync and page; valid until the call returns. Its iso gets pid and pidfd
 * @ret: launch_free()
 * Return: 0 or -errno, with the sentence in the isolation's why.
 */
int launch_clone(uint64_t flags, struct launch_child *child, struct launch **ret);

/**
 * launch_tell - send the child its next word, with descriptors
 * @fds: @nr of them, each closed and set to -1
 * Return: 0; -EPIPE the child has ended; -errno.
 */
int launch_tell(struct launch *l, int *fds, int nr);

/**
 * launch_wait - wait until the child has come so far, at most CT_LAUNCH_DEADLINE_MS
 * @iso: its why gets the sentence
 * @until: LAUNCH_WAITS or LAUNCH_EXECS
 * Return: 0; -ETIMEDOUT, and it still lives; -ECHILD it died; the -errno of its step.
 */
int launch_wait(struct launch *l, struct isolation *iso, enum launch_stage until);

/**
 * launch_from - take up the launch of a child that another process cloned
 * @sync: connected to the child's KEEP_START, taken over
 * @ret: launch_free(); the child waits for the word that starts it
 * Return: 0; -ECHILD it has ended; -errno.
 */
int launch_from(int sync, struct launch **ret);

/** launch_free - NULL is allowed; a child that still waits ends by it. Return: NULL */
struct launch *launch_free(struct launch *l);

/**
 * launch_reap - kill a child if it still lives, and wait for its end up to CT_LAUNCH_DEADLINE_MS
 * @pidfd: of a child that may have been reaped already
 */
void launch_reap(int pidfd);

/**
 * launch_reap_strays - kill and reap children that this process has by CLONE_PARENT only
 * @init: of the container, is left alone
 * @cgroup_fd: of the container; all other children in it or below are meant
 */
void launch_reap_strays(pid_t init, int cgroup_fd);

/** child_main - the child up to execve; does not return */
void child_main(struct launch_child *c) __attribute__((noreturn));

#endif
