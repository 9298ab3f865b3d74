/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A supervisor that answers system calls (SCMP_ACT_NOTIFY): it listens at the profile's
 * listenerPath, and gets the filter's listener before the program runs.
 * Source: seccomp_unotify(2); runtime-spec config-linux.md, "The Container Process State".
 */
#ifndef DCOS_SECCOMP_NOTIFY_H
#define DCOS_SECCOMP_NOTIFY_H

#include "isolators/isolator.h"
#include "isolators/seccomp.h"

/**
 * seccomp_supervisor - parent: connect to the supervisor, if the container's filter has one
 * Before the process is cloned, which inherits it; iso->notify_state gets the text for it.
 * Return: a descriptor, -1: there is none; -errno below that with the sentence in @iso's why.
 */
int seccomp_supervisor(struct isolation *iso);

/** seccomp_filter_of - the filter of a container, NULL: none */
const struct sc_filter *seccomp_filter_of(const struct isolation *iso);

/**
 * sc_load_notify - child: sc_load() with a listener, which goes to the supervisor
 * @sock: connected to it
 * @state: JSON; "@PID@" in it becomes @pid
 * No system call of the caller's comes after the one that installs the filter: another thread,
 * which the filter does not hold, hands the listener over meanwhile.
 * Return: 0 or -errno.
 */
int sc_load_notify(const struct sc_filter *f, int sock, const char *state, pid_t pid);

#endif
