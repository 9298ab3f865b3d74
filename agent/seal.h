/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's own program, out of reach of the tasks that are started from a copy of it. */
#ifndef DCOS_SEAL_H
#define DCOS_SEAL_H

#include "agent/lib/why.h"

/**
 * seal_program - run from a read-only mount of our own program
 * @argv: of main()
 * @why:  on failure what could not be done
 *
 * A task that makes /proc/self/exe its program, or the interpreter of a script, runs the agent's
 * program and can open it through /proc; as root without a user namespace it could write to it
 * (CVE-2019-5736). From a read-only mount that is -EROFS. To be called first: it executes the
 * program again, with the same arguments, environment and process id.
 * Source: open_tree(2), mount_setattr(2), execveat(2).
 *
 * Return: 0 it is sealed; -errno, and the program goes on as it was.
 */
int seal_program(char **argv, struct why *why);

#endif
