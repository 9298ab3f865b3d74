// SPDX-License-Identifier: Apache-2.0
/*
 * A network of a container's own that reaches the host: a veth pair, point to point, no bridge.
 * Every host end has the gateway's address and a route to the one address behind it; the kernel's
 * strict reverse path filter drops there what comes with any other source. Host ends have no IPv6.
 * Source: veth(4), rtnetlink(7), Documentation/networking/ip-sysctl.rst "rp_filter".
 */
#include "isolators/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"

#define HOST_END   "dcos-%06x" /* 11 bytes, of the 15 that a name may have */
#define INSIDE_END "eth0"
#define TRIES_MAX  4096 /* places of the pool that are looked at for a free one */
#define GATEWAY	   1 /* places of the pool: 0 is the network, the last one its broadcast */
#define FIRST	   2

static struct nl_addr *addr_new(uint32_t host_order, int bits)
{
	uint32_t be = htonl(host_order);
	struct nl_addr *a = nl_addr_build(AF_INET, &be, sizeof(be));

	if (a)
		nl_addr_set_prefixlen(a, bits);
	return a;
}

static int device_addr(struct nl_sock *sock, int ifindex, uint32_t addr)
{
	struct nl_addr *local = addr_new(addr, 32);
	struct rtnl_addr *ra = rtnl_addr_alloc();
	int err = -NLE_NOMEM;

	if (local && ra) {
		rtnl_addr_set_ifindex(ra, ifindex);
		err = rtnl_addr_set_local(ra, local);
	}
	if (local && ra && !err)
		err = rtnl_addr_add(sock, ra, 0);
	rtnl_addr_put(ra);
	nl_addr_put(local);
	return err;
}

static int device_up(struct nl_sock *sock, int ifindex)
{
	struct rtnl_link *now = rtnl_link_alloc(), *up = rtnl_link_alloc();
	int err = -NLE_NOMEM;

	if (now && up) {
		rtnl_link_set_ifindex(now, ifindex);
		rtnl_link_set_flags(up, IFF_UP);
		err = rtnl_link_change(sock, now, up, 0);
	}
	rtnl_link_put(now);
	rtnl_link_put(up);
	return err;
}

/* A route to @dst/@bits by a device, by way of @via unless that is 0. */
static int device_route(struct nl_sock *sock, int ifindex, uint32_t dst, int bits, uint32_t via)
{
	struct nl_addr *to = addr_new(dst, bits), *gw = via ? addr_new(via, 32) : NULL;
	struct rtnl_route *r = rtnl_route_alloc();
	struct rtnl_nexthop *nh = rtnl_route_nh_alloc();
	int err = -NLE_NOMEM;

	if (to && r && nh && (gw || !via)) {
		rtnl_route_set_scope(r, via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK);
		rtnl_route_nh_set_ifindex(nh, ifindex);
		if (gw)
			rtnl_route_nh_set_gateway(nh, gw);
		err = rtnl_route_set_dst(r, to);
		rtnl_route_add_nexthop(r, nh);
		nh = NULL; /* the route's */
	}
	if (!err)
		err = rtnl_route_add(sock, r, NLM_F_CREATE | NLM_F_EXCL);
	if (nh)
		rtnl_route_nh_free(nh);
	rtnl_route_put(r);
	nl_addr_put(gw);
	nl_addr_put(to);
	return err;
}

static int device_index(struct nl_sock *sock, const char *name, int *ret)
{
	struct rtnl_link *link = NULL;
	int err = rtnl_link_get_kernel(sock, 0, name, &link);

	if (err)
		return err;
	*ret = rtnl_link_get_ifindex(link);
	rtnl_link_put(link);
	return 0;
}

/* The pair, at the first free place from @seed on. */
static int pair_new(struct nl_sock *sock, const struct net_pool *pool, pid_t pid, uint64_t seed,
		    uint32_t *ret_place, struct why *why)
{
	uint32_t usable = pool->nr - FIRST - 1;
	char name[IFNAMSIZ];

	for (uint32_t i = 0; i < usable && i < TRIES_MAX; i++) {
		uint32_t place = FIRST + (uint32_t)((seed + i) % usable);
		int err;

		(void)snprintf(name, sizeof(name), HOST_END, place); /* fits: 24 bits at most */
		err = rtnl_link_veth_add(sock, name, INSIDE_END, pid);
		if (!err) {
			*ret_place = place;
			return 0;
		}
		if (err != -NLE_EXIST)
			return why_set(why, -EIO, "net: veth %s: %s", name, nl_geterror(err));
	}
	return why_set(why, -ENOSPC, "network.ipv4 of agent.conf: no address of %u is free",
		       usable);
}

static int switch_on(const char *family, const char *name, const char *knob, struct why *why)
{
	char path[64 + IFNAMSIZ];

	(void)snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, name, knob);
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "1", 1) != 1)
		return why_set(why, -errno, "net: %s", path);
	return 0;
}

/* Before the device is up. IPv6 has no such filter, and link-local addresses come unasked. */
static int filter_sources(const char *name, struct why *why)
{
	int err = switch_on("ipv4", name, "rp_filter", why);

	if (err || access("/proc/sys/net/ipv6", F_OK))
		return err;
	return switch_on("ipv6", name, "disable_ipv6", why);
}

static int host_end_up(struct nl_sock *sock, const struct net_pool *pool, uint32_t place,
		       struct why *why)
{
	char name[IFNAMSIZ];
	int ifindex = 0, err;

	(void)snprintf(name, sizeof(name), HOST_END, place);
	err = filter_sources(name, why);
	if (err)
		return err;
	err = device_index(sock, name, &ifindex);
	if (!err)
		err = device_addr(sock, ifindex, pool->base + GATEWAY);
	if (!err)
		err = device_up(sock, ifindex);
	if (!err)
		err = device_route(sock, ifindex, pool->base + place, 32, 0);
	return err ? why_set(why, -EIO, "net: %s: %s", name, nl_geterror(err)) : 0;
}

static int inside_end_up(struct nl_sock *sock, const struct net_pool *pool, uint32_t place,
			 struct why *why)
{
	uint32_t gateway = pool->base + GATEWAY;
	int ifindex = 0, err = device_index(sock, INSIDE_END, &ifindex);

	if (!err)
		err = device_addr(sock, ifindex, pool->base + place);
	if (!err)
		err = device_up(sock, ifindex);
	if (!err)
		err = device_route(sock, ifindex, gateway, 32, 0);
	if (!err)
		err = device_route(sock, ifindex, 0, 0, gateway);
	return err ? why_set(why, -EIO, "net: " INSIDE_END ": %s", nl_geterror(err)) : 0;
}

int net_private_up(struct nl_sock *inside, const struct net_pool *pool, pid_t pid, uint64_t seed,
		   struct why *why)
{
	struct nl_sock *host = nl_socket_alloc();
	uint32_t place = 0;
	int err;

	if (!host)
		return why_set(why, -ENOMEM, "net: netlink socket");
	err = nl_connect(host, NETLINK_ROUTE);
	if (err)
		err = why_set(why, -EIO, "net: netlink: %s", nl_geterror(err));
	else
		err = pair_new(host, pool, pid, seed, &place, why);
	if (!err)
		err = host_end_up(host, pool, place, why);
	if (!err)
		err = inside_end_up(inside, pool, place, why);
	nl_socket_free(host);
	return err;
}
