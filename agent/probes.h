/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about the host beyond what the isolators say of themselves, for doctor. Each is found out
 * by doing the thing in question, on a small scale and undone at once; never by a version.
 */
#ifndef DCOS_PROBES_H
#define DCOS_PROBES_H

#include "isolators/isolator.h"

#define PROBES_MAX 64 /* probes_run() never fills more */

/**
 * probes_run - ask the host
 * @host: a cgroup is made below cgroup_fd for a moment, a detached mount of state_dir tried
 * @ret: filled in the order in which a person wants to read it
 * @max: places in @ret, PROBES_MAX are enough; what does not fit is left out
 *
 * Takes tens of milliseconds (two short-lived processes, some twenty BPF programs). Rows whose
 * .ok is false are no failure: .how says what stands in, .reason why, with the errno's text.
 * Return: number of rows filled.
 */
int probes_run(const struct iso_host *host, struct iso_probe *ret, int max);

#endif
