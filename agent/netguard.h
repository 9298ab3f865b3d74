/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guards of containers' sockets: which cgroup is held to which ports and addresses, in the pinned
 * map of bpf/guard.bpf.c, and the denials that come back. Holds on while no agent runs.
 */
#ifndef DCOS_NETGUARD_H
#define DCOS_NETGUARD_H

#include <stdint.h>

#include "agent/lib/jsonbuf.h"
#include "agent/lib/why.h"
#include "bpf/abi.h"
#include "isolators/isolator.h"

#define NETGUARD_TEXT_MAX 160 /* bytes of netguard_text(), the NUL included */

struct meter;
struct netguard;

/* told of each denial that has come, from within netguard_read() */
typedef void (*netguard_fn)(void *data, const struct dcos_denial *d);

/**
 * netguard_open - ready to hold containers
 * @m: lives longer
 * Return: 0; -EOPNOTSUPP the kernel refused the programs, @why has the reason; other -errno.
 */
int netguard_open(struct meter *m, netguard_fn fn, void *data, struct netguard **ret,
		  struct why *why);

/** netguard_close - guards stay in force; NULL is allowed */
void netguard_close(struct netguard *g);

/** netguard_iso - what the isolators need; lives as long as @g */
const struct iso_guard *netguard_iso(struct netguard *g);

/** netguard_fd - readable when denials have come; owned by @g */
int netguard_fd(const struct netguard *g);

/** netguard_read - tell of the denials that have come; does not block */
void netguard_read(struct netguard *g);

/**
 * netguard_reclaim - after a restart: drop the guard of every cgroup that has no slot
 * After meter_reclaim(). Return: 0 or -errno.
 */
int netguard_reclaim(struct netguard *g);

/** netguard_print - members of a JSON object: "what":"connect","address":"10.0.0.1","port":80, ... */
void netguard_print(const struct dcos_denial *d, struct jsonbuf *b);

/** netguard_text - "connect to 10.0.0.1:80 (tcp) by curl, pid 12". Return: @buf */
char *netguard_text(const struct dcos_denial *d, char buf[static NETGUARD_TEXT_MAX]);

#endif
