/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces that exist already: this process enters them, clones, and goes back, so that its
 * child is born there whatever rights it has itself. The mount and the user namespace are not
 * among them: out of these there is no way back. A user namespace is entered by a process between,
 * see launch_clone(); a mount namespace is refused.
 */
#ifndef DCOS_JOIN_H
#define DCOS_JOIN_H

#include <stdbool.h>
#include <stdint.h>

#include "isolators/isolator.h"

#define NS_KINDS 8

/* The way back: descriptors of this process' own, 0 where it never left. */
struct ns_own {
	int fds[NS_KINDS];
};

/** ns_flag - CLONE_NEW* of an OCI name such as "network", 0: there is no such one */
uint64_t ns_flag(const char *name);

/** ns_name - the kernel's name of a CLONE_NEW*, as in /proc/PID/ns; NULL: not one */
const char *ns_name(uint64_t flag);

/** ns_has_user - has a container a user namespace, new or joined, that is not the runtime's */
bool ns_has_user(const struct ct_spec *spec);

/** ns_joined_user - path of the user namespace that is joined, NULL: none */
const char *ns_joined_user(const struct ct_spec *spec);

/** ns_joined_mount - path of a mount namespace that exists; NULL: it is a new one */
const char *ns_joined_mount(const struct ct_spec *spec);

/** ns_joins_cgroup - is a cgroup namespace that exists joined */
bool ns_joins_cgroup(const struct ct_spec *spec);

/**
 * ns_join - enter those of iso->spec->oci->joins, and a new time namespace if one is asked for
 * @own: ns_return(), also when this failed
 * Return: 0; -errno with the sentence in @iso's why.
 */
int ns_join(struct isolation *iso, struct ns_own *own);

/** ns_return - go back; aborts if that fails, for all that follows would be somewhere else */
void ns_return(struct ns_own *own);

/**
 * ns_foreign - in which namespaces of a process are we not
 * @pid: of the process
 * @ret: CLONE_NEW*
 * Return: 0; -ESRCH it has ended; -errno.
 */
int ns_foreign(pid_t pid, uint64_t *ret);

#endif
