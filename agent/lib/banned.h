/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that this code base does without: using one is a compile error. Included by the
 * compiler before everything else, so that no file can forget it.
 */
#ifndef DCOS_BANNED_H
#define DCOS_BANNED_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol atoll
#pragma GCC poison strtol strtoul strtoll system usleep alloca signal gets

#endif
