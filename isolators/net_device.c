// SPDX-License-Identifier: Apache-2.0
/* Devices, addresses and routes by libnl-route. Source: rtnetlink(7). */
#include "isolators/net_device.h"

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>

struct nl_addr *net_addr4(uint32_t addr, int bits)
{
	uint32_t be = htonl(addr);
	struct nl_addr *a = nl_addr_build(AF_INET, &be, sizeof(be));

	if (a)
		nl_addr_set_prefixlen(a, bits);
	return a;
}

struct nl_addr *net_addr6(const struct in6_addr *addr, int bits)
{
	struct nl_addr *a = nl_addr_build(AF_INET6, addr, sizeof(*addr));

	if (a)
		nl_addr_set_prefixlen(a, bits);
	return a;
}

int net_device_index(struct nl_sock *sock, const char *name, int *ret)
{
	struct rtnl_link *link = NULL;
	int err = rtnl_link_get_kernel(sock, 0, name, &link);

	if (err)
		return err;
	*ret = rtnl_link_get_ifindex(link);
	rtnl_link_put(link);
	return 0;
}

/* Flags and alias of a device, where they are given. */
static int change(struct nl_sock *sock, int ifindex, unsigned int flags, const char *alias)
{
	struct rtnl_link *now = rtnl_link_alloc(), *to = rtnl_link_alloc();
	int err = -NLE_NOMEM;

	if (now && to) {
		rtnl_link_set_ifindex(now, ifindex);
		if (flags)
			rtnl_link_set_flags(to, flags);
		if (alias)
			rtnl_link_set_ifalias(to, alias);
		err = rtnl_link_change(sock, now, to, 0);
	}
	rtnl_link_put(now);
	rtnl_link_put(to);
	return err;
}

int net_device_up(struct nl_sock *sock, int ifindex)
{
	return change(sock, ifindex, IFF_UP, NULL);
}

int net_device_alias(struct nl_sock *sock, int ifindex, const char *alias)
{
	return change(sock, ifindex, 0, alias);
}

int net_device_addr(struct nl_sock *sock, int ifindex, struct nl_addr *local)
{
	struct rtnl_addr *ra = rtnl_addr_alloc();
	int err = -NLE_NOMEM;

	if (local && ra) {
		rtnl_addr_set_ifindex(ra, ifindex);
		err = rtnl_addr_set_local(ra, local);
		if (nl_addr_get_family(local) == AF_INET6)
			rtnl_addr_set_flags(ra, IFA_F_NODAD);
	}
	if (local && ra && !err)
		err = rtnl_addr_add(sock, ra, 0);
	rtnl_addr_put(ra);
	nl_addr_put(local);
	return err;
}

/* Takes all addresses over; @gw may be NULL. */
static int route(struct nl_sock *sock, int ifindex, struct nl_addr *dst, struct nl_addr *gw)
{
	struct rtnl_route *r = rtnl_route_alloc();
	struct rtnl_nexthop *nh = rtnl_route_nh_alloc();
	int err = -NLE_NOMEM;

	if (dst && r && nh) {
		rtnl_route_set_scope(r, gw ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK);
		rtnl_route_nh_set_ifindex(nh, ifindex);
		if (gw)
			rtnl_route_nh_set_gateway(nh, gw);
		err = rtnl_route_set_dst(r, dst);
		rtnl_route_add_nexthop(r, nh);
		nh = NULL; /* the route's */
	}
	if (!err)
		err = rtnl_route_add(sock, r, NLM_F_CREATE | NLM_F_EXCL);
	if (nh)
		rtnl_route_nh_free(nh);
	rtnl_route_put(r);
	nl_addr_put(gw);
	nl_addr_put(dst);
	return err;
}

int net_device_route(struct nl_sock *sock, int ifindex, struct nl_addr *dst)
{
	return route(sock, ifindex, dst, NULL);
}

int net_device_gateway(struct nl_sock *sock, int ifindex, struct nl_addr *via)
{
	if (!via)
		return -NLE_NOMEM;
	return route(sock, ifindex,
		     nl_addr_get_family(via) == AF_INET6 ? net_addr6(&in6addr_any, 0)
							 : net_addr4(INADDR_ANY, 0),
		     via);
}
