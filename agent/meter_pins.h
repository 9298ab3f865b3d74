/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The meter's programs in the kernel, and their pins; only for meter.c. A pin directory holds the
 * maps and the links of one ABI, v<DCOS_ABI>/NAME. Programs are loaded at every start and compared
 * with the attached ones: those that changed are replaced, the maps with all counts stay.
 */
#ifndef DCOS_METER_PINS_H
#define DCOS_METER_PINS_H

#include <stdint.h>

#include "agent/lib/why.h"

struct meter_bpf; /* bpf/meter.skel.h */
struct meter_pins;

/**
 * pins_open - have the programs attached and everything pinned
 * @pin_dir: on a bpf file system, made if missing; other ABIs' directories in it are removed
 * @ncpu: possible CPUs
 * @why: on failure which event, map or directory
 * Return: 0 or -errno. A failure leaves earlier complete pins as they are.
 */
int pins_open(const char *pin_dir, uint32_t ncpu, struct meter_pins **ret, struct why *why);

/** pins_close - close all descriptors; the pins stay. NULL is allowed */
void pins_close(struct meter_pins *p);

/** pins_skel - the loaded object, its maps being the pinned ones; lives as long as @p */
const struct meter_bpf *pins_skel(const struct meter_pins *p);

/** pins_pick_up - begin to count the threads that are older than their cgroup's slot */
int pins_pick_up(const struct meter_pins *p);

#endif
