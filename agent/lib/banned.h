/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that this code base does without: using one is a compile error. Included by the
 * compiler before everything else, so that no file can forget it. An attribute leaves the names
 * free for struct members and for enumerators of system headers; poison is for those that the
 * C library defines inline, where clang takes no attribute any more.
 */
#ifndef DCOS_BANNED_H
#define DCOS_BANNED_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#pragma GCC diagnostic error "-Wdeprecated-declarations"
#pragma GCC diagnostic error "-Walloca"

#define DCOS_BANNED(name, instead)                                                                 \
	extern __typeof__(name) name __attribute__((deprecated("banned here: use " instead)))

DCOS_BANNED(strtok, "strtok_r");
DCOS_BANNED(strtol, "parse_u64");
DCOS_BANNED(strtoul, "parse_u64");
DCOS_BANNED(strtoll, "parse_u64");
DCOS_BANNED(system, "posix_spawn");
DCOS_BANNED(usleep, "a wait for the event itself");
DCOS_BANNED(signal, "sigaction");

#undef DCOS_BANNED

/* with FORTIFY these may be macros */
#undef strcpy
#undef strcat
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat sprintf vsprintf /* snprintf */
#pragma GCC poison atoi atol atoll /* parse_u64 */

#endif
