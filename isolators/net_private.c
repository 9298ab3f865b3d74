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
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/isolator.h"

#define HOST_END   "dcos-%06x" /* 11 bytes, of the 15 that a name may have */
#define INSIDE_END "eth0"
#define ALIAS	   "dcos:%s:%llu" /* id, cgroup: both, as agents may have tasks of one name */
#define ALIAS_MAX  (CT_ID_MAX + 32) /* of IFALIASZ (256) */
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

static void alias_of(const struct isolation *iso, char buf[static ALIAS_MAX])
{
	(void)snprintf(buf, ALIAS_MAX, ALIAS, iso->spec->id,
		       (unsigned long long)iso->cgroup_id); /* fits */
}

static int device_alias(struct nl_sock *sock, int ifindex, const char *alias)
{
	struct rtnl_link *now = rtnl_link_alloc(), *with = rtnl_link_alloc();
	int err = -NLE_NOMEM;

	if (now && with) {
		rtnl_link_set_ifindex(now, ifindex);
		rtnl_link_set_ifalias(with, alias);
		err = rtnl_link_change(sock, now, with, 0);
	}
	rtnl_link_put(now);
	rtnl_link_put(with);
	return err;
}

static int host_end_up(struct nl_sock *sock, struct isolation *iso, uint32_t place)
{
	const struct net_pool *pool = iso->host->net;
	char name[IFNAMSIZ], alias[ALIAS_MAX];
	int ifindex = 0, err;

	(void)snprintf(name, sizeof(name), HOST_END, place);
	alias_of(iso, alias);
	err = filter_sources(name, &iso->why);
	if (err)
		return err;
	err = device_index(sock, name, &ifindex);
	if (!err)
		err = device_alias(sock, ifindex, alias);
	if (!err)
		err = device_addr(sock, ifindex, pool->base + GATEWAY);
	if (!err)
		err = device_up(sock, ifindex);
	if (!err)
		err = device_route(sock, ifindex, pool->base + place, 32, 0);
	return err ? iso_fail(iso, -EIO, "net: %s: %s", name, nl_geterror(err)) : 0;
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

/* A route socket of the host's network. Return: NULL with the sentence in @iso */
static struct nl_sock *host_socket(struct isolation *iso)
{
	struct nl_sock *sock = nl_socket_alloc();
	int err = sock ? nl_connect(sock, NETLINK_ROUTE) : -NLE_NOMEM;

	if (!err)
		return sock;
	(void)iso_fail(iso, -EIO, "net: netlink: %s", nl_geterror(err)); /* the caller returns it */
	nl_socket_free(sock);
	return NULL;
}

int net_private_up(struct nl_sock *inside, struct isolation *iso)
{
	const struct net_pool *pool = iso->host->net;
	struct nl_sock *host = host_socket(iso);
	uint32_t place = 0;
	int err;

	if (!host)
		return -EIO;
	err = pair_new(host, pool, iso->pid, iso->cgroup_id, &place, &iso->why);
	if (!err)
		err = host_end_up(host, iso, place);
	if (!err)
		err = inside_end_up(inside, pool, place, &iso->why);
	if (!err)
		iso->net_ipv4 = pool->base + place;
	nl_socket_free(host);
	return err;
}

/* The address is that of the route: the pool may be another one since. */
static void route_is_to(struct nl_object *obj, void *arg)
{
	struct rtnl_route *r = (struct rtnl_route *)obj;
	struct nl_addr *dst = rtnl_route_get_dst(r);
	uint32_t be;

	if (!dst || nl_addr_get_family(dst) != AF_INET || nl_addr_get_prefixlen(dst) != 32)
		return;
	memcpy(&be, nl_addr_get_binary_addr(dst), sizeof(be));
	*(uint32_t *)arg = ntohl(be);
}

static int route_address(struct nl_sock *sock, int ifindex, uint32_t *ret)
{
	struct rtnl_route *like = rtnl_route_alloc();
	struct rtnl_nexthop *nh = rtnl_route_nh_alloc();
	struct nl_cache *all = NULL;
	int err = like && nh ? 0 : -NLE_NOMEM;

	if (!err)
		err = rtnl_route_alloc_cache(sock, AF_INET, 0, &all);
	if (!err) {
		rtnl_route_nh_set_ifindex(nh, ifindex);
		rtnl_route_add_nexthop(like, nh);
		nh = NULL; /* the route's */
		rtnl_route_set_table(like, RT_TABLE_MAIN);
		nl_cache_foreach_filter(all, OBJ_CAST(like), route_is_to, ret);
	}
	if (nh)
		rtnl_route_nh_free(nh);
	rtnl_route_put(like);
	nl_cache_free(all);
	return err;
}

int net_private_find(struct isolation *iso)
{
	struct nl_sock *host = host_socket(iso);
	struct nl_cache *all = NULL;
	char alias[ALIAS_MAX];
	int err, ifindex = 0;

	if (!host)
		return -EIO;
	alias_of(iso, alias);
	err = rtnl_link_alloc_cache(host, AF_UNSPEC, &all);
	for (struct nl_object *o = err ? NULL : nl_cache_get_first(all); o && !ifindex;
	     o = nl_cache_get_next(o)) {
		const char *has = rtnl_link_get_ifalias((struct rtnl_link *)o);

		if (has && !strcmp(has, alias))
			ifindex = rtnl_link_get_ifindex((struct rtnl_link *)o);
	}
	nl_cache_free(all);
	if (!err && ifindex)
		err = route_address(host, ifindex, &iso->net_ipv4);
	nl_socket_free(host);
	return err ? iso_fail(iso, -EIO, "net: finding the address: %s", nl_geterror(err)) : 0;
}
