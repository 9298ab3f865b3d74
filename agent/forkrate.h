/* SPDX-License-Identifier: Apache-2.0 */
/* Fork rates of containers: writes them where bpf/fork.bpf.c reads them. */
#ifndef DCOS_FORKRATE_H
#define DCOS_FORKRATE_H

#include "agent/lib/why.h"
#include "isolators/isolator.h"

struct forkrate;
struct meter;

/**
 * forkrate_open - what the isolators need to hold containers to fork rates
 * @m: lives longer
 * @why: on failure what is missing
 * Return: 0; -EOPNOTSUPP the kernel refused the program; other -errno.
 */
int forkrate_open(struct meter *m, struct forkrate **ret, struct why *why);

/** forkrate_close - NULL is allowed; rates that are set go on to hold */
void forkrate_close(struct forkrate *f);

/** forkrate_iso - what the isolators need; lives as long as @f */
const struct iso_forkrate *forkrate_iso(struct forkrate *f);

#endif
