/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tries that no shell can make: the test program itself is bound into the container and runs
 * there, told by its environment which try to make.
 */
#ifndef DCOS_PROBE_RIG_H
#define DCOS_PROBE_RIG_H

#include "selftests/harness/ct_rig.h"

#define PROBE_PATH "/tmp/probe" /* where the test program is in the container */

struct probe {
	const char *name;
	void (*run)(void); /* writes what happened to standard error */
};

/**
 * probe_inside - to be called first, by a constructor, with all tries of the program
 * @probes: ended by .name NULL
 * Returns in the test itself; inside it makes the try that is asked for, and ends.
 */
void probe_inside(const struct probe *probes);

/**
 * probe_seal - what the agent does with its own program: seal_program()
 * @argv: of the constructor
 */
void probe_seal(char **argv);

/** probe_tell - "@what: done", or the name of errno if @result is negative */
void probe_tell(const char *what, long result);

/**
 * probe_begin - ct_rig_begin(), and this program as what runs, with one of its tries
 * In the host's tree, as root without a user namespace, which can do the most.
 */
void probe_begin(struct ct_rig *rig, const char *name);

/** probe_exec - one of the tries as a further process of a running container. As ct_rig_exec_as() */
int probe_exec(struct ct_rig *rig, const char *name);

#endif
