/* SPDX-License-Identifier: Apache-2.0 */
/* Where a process of an OCI configuration runs and what it sees of the machine. */
#ifndef DCOS_PLACE_H
#define DCOS_PLACE_H

#include "isolators/isolator.h"

struct oci_set;

/**
 * place_self - run the calling thread, and what it makes from now on, on these CPUs
 * @set: those that do not exist are left out, as the kernel does
 * Return: 0 or -errno: -EINVAL when none is left.
 */
int place_self(const struct oci_set *set);

/**
 * place_process - child: CPUs of a process of exec, policy of memory, personality
 * Return: 0 or -errno, with the step in @iso.
 */
int place_process(struct isolation *iso);

#endif
