/* SPDX-License-Identifier: Apache-2.0 */
/* Another program, run to its end without a shell: for what no library may or need do. */
#ifndef DCOS_PROGRAM_H
#define DCOS_PROGRAM_H

#include <stddef.h>

#include "agent/lib/why.h"

#define PROGRAM_SAID_MAX 256 /* bytes of the first line that it prints */

/**
 * program_run - run it, and wait until it has ended
 * @argv: argv[0] is its name, looked for in the directories of the system, never in $PATH
 * @in: its standard input, -1: /dev/null. It gets no other descriptor and an empty environment
 * @silence_ms: after so long without a word and without an end it is killed
 * @why: on failure argv[0] and its first line
 * Return: 0; -ENOENT there is no such program; -ETIMEDOUT; -EINVAL it did not end well; -errno.
 */
int program_run(char *const *argv, int in, int silence_ms, struct why *why);

#endif
