/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that are born in a cgroup, for tests of single rows and of cgroupfs. */
#ifndef DCOS_SPAWN_H
#define DCOS_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

#define SPAWN_WAIT_MS 20000 /* below the harness's own limit */

struct spawned {
	pid_t pid;
	int pidfd;
	int go; /* write end: one byte lets the child leave spawn_hold() */
	int told; /* read end: what the child says with spawn_tell() */
};

/* What the child has of it */
struct spawn_child {
	void *arg;
	int go, told;
};

/**
 * spawn - run a function in a new process that is born in a cgroup; aborts the test on failure
 * @cgroup_fd: directory, not O_PATH
 * @flags: more CLONE_*
 * @fn: its result is the exit status; the process dies with its parent
 */
struct spawned spawn(int cgroup_fd, uint64_t flags, int (*fn)(const struct spawn_child *c),
		     void *arg);

/** spawn_hold - in the child: wait until the parent says go, or is gone */
void spawn_hold(const struct spawn_child *c);

/** spawn_tell - in the child: give the parent a number */
void spawn_tell(const struct spawn_child *c, int value);

/** spawn_go - let the child go on */
void spawn_go(const struct spawned *s);

/** spawn_listen - the child's next number; aborts the test if it ends or takes too long */
int spawn_listen(const struct spawned *s);

/**
 * spawn_end - wait for the end and close everything
 * Return: the status of waitpid(2); aborts the test if it takes too long.
 */
int spawn_end(struct spawned *s);

/** spawn_sleeper - a function for spawn(): tells 1, waits for go, exits 0 */
int spawn_sleeper(const struct spawn_child *c);

/**
 * spawn_forks - fork children that wait, until one fails
 * @max: stop trying after so many
 * Return: how many there are; they are killed and reaped again.
 */
int spawn_forks(int max);

#endif
