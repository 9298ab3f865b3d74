/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crash points: named places between two steps, where a test build of the agent can be told to
 * die. In the product they are nothing at all. selftests/root/crash.t kills the agent at each.
 */
#ifndef DCOS_CRASH_H
#define DCOS_CRASH_H

#ifdef DCOS_CRASH_POINTS
/**
 * crash_point - end the process by SIGKILL if DCOS_CRASH_AT in its environment says so
 * @name: of the place; DCOS_CRASH_AT is NAME, NAME:N for the N-th time that it is passed, or
 *        *:N for the N-th of all
 */
void crash_point(const char *name);
#define CRASH_POINT(name) crash_point(name)
#else
#define CRASH_POINT(name) ((void)0)
#endif

#endif
