/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libnl-route needs several steps for, with devices of one network namespace: that of the
 * route socket. All return 0 or -NLE_*, for nl_geterror().
 */
#ifndef DCOS_NET_DEVICE_H
#define DCOS_NET_DEVICE_H

#include <netinet/in.h>
#include <stdint.h>

struct nl_addr;
struct nl_sock;

/** net_addr4 - an address in the host's byte order. Return: the caller's, NULL out of memory */
struct nl_addr *net_addr4(uint32_t addr, int bits);

/** net_addr6 - likewise, as it goes over the wire */
struct nl_addr *net_addr6(const struct in6_addr *addr, int bits);

/** net_device_index - the number of the device @name */
int net_device_index(struct nl_sock *sock, const char *name, int *ret);

/** net_device_up - switch it on */
int net_device_up(struct nl_sock *sock, int ifindex);

/** net_device_alias - write @alias on it, less than IFALIASZ bytes */
int net_device_alias(struct nl_sock *sock, int ifindex, const char *alias);

/**
 * net_device_addr - give it an address, IPv6 without asking whether somebody has it
 * @local: taken over; NULL counts as out of memory, as below
 */
int net_device_addr(struct nl_sock *sock, int ifindex, struct nl_addr *local);

/** net_device_route - a route to @dst by it. Takes @dst over */
int net_device_route(struct nl_sock *sock, int ifindex, struct nl_addr *dst);

/** net_device_gateway - all else goes by it to @via. Takes @via over */
int net_device_gateway(struct nl_sock *sock, int ifindex, struct nl_addr *via);

#endif
