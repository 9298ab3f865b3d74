/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network quotas: the rates of each slot, in the pinned map of bpf/net_quota.h, which does all the
 * rest. They hold while no agent runs.
 */
#ifndef DCOS_NETQUOTA_H
#define DCOS_NETQUOTA_H

#include "agent/lib/why.h"
#include "isolators/isolator.h"

struct meter;
struct netquota;

/**
 * netquota_open - ready to set rates; those that are set stay
 * @m: lives longer
 * Return: 0; -EOPNOTSUPP the kernel refused the programs, @why has the reason; other -errno.
 */
int netquota_open(struct meter *m, struct netquota **ret, struct why *why);

/** netquota_close - rates stay in force; NULL is allowed */
void netquota_close(struct netquota *q);

/** netquota_iso - what the isolators need; lives as long as @q */
const struct iso_netquota *netquota_iso(struct netquota *q);

#endif
