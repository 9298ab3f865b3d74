/* SPDX-License-Identifier: Apache-2.0 */
/* Private networks: a pair of devices, and an address out of a range that the agent is given. */
#ifndef DCOS_NET_H
#define DCOS_NET_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/lib/why.h"

#define NET_PREFIX_MIN 8
#define NET_PREFIX_MAX 29
#define NET_POOL_SAYS  "none or an IPv4 network such as 10.88.0.0/16, of 8 to 29 bits"

struct nl_sock;

/* Addresses of private networks; the first host is the gateway, the last address is unused. */
struct net_pool {
	uint32_t base; /* network address, in the host's byte order */
	uint32_t nr; /* addresses of the network; 0: there are no private networks */
};

/**
 * net_pool_parse - read a range of addresses
 * @text: "none", or as inet(3) and a prefix length, the bits behind it 0
 * Return: 0 or -EINVAL, @ret untouched.
 */
int net_pool_parse(const char *text, struct net_pool *ret);

/**
 * net_private_up - give a new namespace a device eth0 with an address, and a way to the host
 * @inside: a route socket that belongs to the namespace
 * @pid: a process in it, which can't end meanwhile
 * @seed: where to begin to look for a free address; any number
 *
 * The host's end is called dcos-XXXXXX, the place of the address in the pool in hexadecimal: that
 * names are unique makes addresses so, and the kernel is the only list of those in use. Both ends
 * go when the namespace does, or when its last process has ended.
 * Return: 0; -ENOSPC no address is free; or -errno.
 */
int net_private_up(struct nl_sock *inside, const struct net_pool *pool, pid_t pid, uint64_t seed,
		   struct why *why);

#endif
