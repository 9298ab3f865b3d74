// SPDX-License-Identifier: Apache-2.0
/*
 * A network of a container's own that reaches the host: a veth pair, point to point, no bridge.
 * Every host end has the gateway's address and a route to the one address behind it; the kernel's
 * strict reverse path filter drops there what comes with any other source. IPv6 likewise where it is
 * configured, at the same place of its own range, and no more of it than that where it is not.
 * Source: veth(4), rtnetlink(7), Documentation/networking/ip-sysctl.rst "rp_filter".
 */
#include "isolators/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/net_device.h"
#include "isolators/rows.h"

#define HOST_END   "dcos-%06x" /* 11 bytes, of the 15 that a name may have */
#define INSIDE_END "eth0"
#define ALIAS	   "dcos:%s:%llu" /* id, cgroup: both, as agents may have tasks of one name */
#define ALIAS_MAX  (CT_ID_MAX + 32) /* of IFALIASZ (256) */
#define TRIES_MAX  4096 /* places of the pool that are looked at for a free one */
#define GATEWAY	   1 /* places of the pool: 0 is the network, the last one its broadcast */
#define FIRST	   2

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

static int set_knob(const char *family, const char *name, const char *knob, const char *value,
		    struct why *why)
{
	char path[64 + IFNAMSIZ];

	(void)snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, name, knob);
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return why_set(why, -errno, "net: %s", path);
	return 0;
}

/*
 * Of the host's end with IPv6: what tasks advertise is not heard, and its link-local address is
 * good at once, as nobody else can have it. Without, it has no such address.
 */
static int knobs6(const char *name, bool on, struct why *why)
{
	static const char *const off[] = {"accept_ra", "accept_redirects", "accept_dad",
					  "disable_ipv6"};
	int err = 0;

	if (!on)
		return access("/proc/sys/net/ipv6", F_OK)
			       ? 0
			       : set_knob("ipv6", name, "disable_ipv6", "1", why);
	for (size_t i = 0; i < sizeof(off) / sizeof(*off) && !err; i++)
		err = set_knob("ipv6", name, off[i], "0", why);
	return err;
}

static void alias_of(const struct isolation *iso, char buf[static ALIAS_MAX])
{
	(void)snprintf(buf, ALIAS_MAX, ALIAS, iso->spec->id,
		       (unsigned long long)iso->cgroup_id); /* fits */
}

/* Whether there is IPv6: what keeps sources true there is a rule of isolators/net_nat.c. */
static bool wants_ipv6(struct isolation *iso)
{
	if (!iso->host->net6 || !iso->host->net6->bits)
		return false;
	if (!access("/proc/sys/net/ipv6", F_OK) && iso->priv[iso_index(&nat_isolator)])
		return true;
	iso_warn(iso, "network: private without IPv6: %s",
		 access("/proc/sys/net/ipv6", F_OK) ? "this host has none" : "it needs nat");
	return false;
}

static int host_end_up(struct nl_sock *sock, struct isolation *iso, uint32_t place, bool ipv6)
{
	const struct iso_host *host = iso->host;
	char name[IFNAMSIZ], alias[ALIAS_MAX];
	struct in6_addr gateway, task;
	int ifindex = 0, err;

	(void)snprintf(name, sizeof(name), HOST_END, place);
	alias_of(iso, alias);
	err = set_knob("ipv4", name, "rp_filter", "1", &iso->why) ?: knobs6(name, ipv6, &iso->why);
	if (err)
		return err;
	err = net_device_index(sock, name, &ifindex);
	if (!err)
		err = net_device_alias(sock, ifindex, alias);
	if (!err)
		err = net_device_addr(sock, ifindex, net_addr4(host->net->base + GATEWAY, 32));
	if (!err)
		err = net_device_up(sock, ifindex);
	if (!err)
		err = net_device_route(sock, ifindex, net_addr4(host->net->base + place, 32));
	if (!err && ipv6) {
		gateway = net_pool6_at(host->net6, GATEWAY);
		task = net_pool6_at(host->net6, place);
		err = net_device_addr(sock, ifindex, net_addr6(&gateway, 128));
		if (!err)
			err = net_device_route(sock, ifindex, net_addr6(&task, 128));
	}
	return err ? iso_fail(iso, -EIO, "net: %s: %s", name, nl_geterror(err)) : 0;
}

static int inside_ipv6(struct nl_sock *sock, int ifindex, const struct net_pool6 *pool,
		       uint32_t place)
{
	struct in6_addr gateway = net_pool6_at(pool, GATEWAY), own = net_pool6_at(pool, place);
	int err = net_device_addr(sock, ifindex, net_addr6(&own, 128));

	if (!err)
		err = net_device_route(sock, ifindex, net_addr6(&gateway, 128));
	if (!err)
		err = net_device_gateway(sock, ifindex, net_addr6(&gateway, 128));
	return err;
}

static int inside_end_up(struct nl_sock *sock, const struct iso_host *host, uint32_t place,
			 bool ipv6, struct why *why)
{
	uint32_t gateway = host->net->base + GATEWAY;
	int ifindex = 0, err = net_device_index(sock, INSIDE_END, &ifindex);

	if (!err)
		err = net_device_addr(sock, ifindex, net_addr4(host->net->base + place, 32));
	if (!err)
		err = net_device_up(sock, ifindex);
	if (!err)
		err = net_device_route(sock, ifindex, net_addr4(gateway, 32));
	if (!err)
		err = net_device_gateway(sock, ifindex, net_addr4(gateway, 32));
	if (!err && ipv6)
		err = inside_ipv6(sock, ifindex, host->net6, place);
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

bool net_has_ipv6(const struct isolation *iso)
{
	return !IN6_IS_ADDR_UNSPECIFIED(&iso->net_ipv6);
}

int net_private_up(struct nl_sock *inside, struct isolation *iso)
{
	const struct net_pool *pool = iso->host->net;
	struct nl_sock *host = host_socket(iso);
	bool ipv6 = host && wants_ipv6(iso);
	uint32_t place = 0;
	int err;

	if (!host)
		return -EIO;
	err = pair_new(host, pool, iso->pid, iso->cgroup_id, &place, &iso->why);
	if (!err)
		err = host_end_up(host, iso, place, ipv6);
	if (!err)
		err = inside_end_up(inside, iso->host, place, ipv6, &iso->why);
	if (!err)
		iso->net_ipv4 = pool->base + place;
	if (!err && ipv6)
		iso->net_ipv6 = net_pool6_at(iso->host->net6, place);
	nl_socket_free(host);
	return err;
}

/* The addresses are those of the routes: the pool may be another one since. */
static void route_is_to(struct nl_object *obj, void *arg)
{
	struct nl_addr *dst = rtnl_route_get_dst((struct rtnl_route *)obj);
	struct isolation *iso = arg;
	const void *addr;
	uint32_t be;

	if (!dst || nl_addr_get_prefixlen(dst) != 8 * nl_addr_get_len(dst))
		return;
	addr = nl_addr_get_binary_addr(dst);
	if (nl_addr_get_family(dst) == AF_INET) {
		memcpy(&be, addr, sizeof(be));
		iso->net_ipv4 = ntohl(be);
	} else if (nl_addr_get_family(dst) == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(addr) &&
		   !IN6_IS_ADDR_MULTICAST(addr)) {
		memcpy(&iso->net_ipv6, addr, sizeof(iso->net_ipv6));
	}
}

static int route_addresses(struct nl_sock *sock, int ifindex, int family, struct isolation *iso)
{
	struct rtnl_route *like = rtnl_route_alloc();
	struct rtnl_nexthop *nh = rtnl_route_nh_alloc();
	struct nl_cache *all = NULL;
	int err = like && nh ? 0 : -NLE_NOMEM;

	if (!err)
		err = rtnl_route_alloc_cache(sock, family, 0, &all);
	if (!err) {
		rtnl_route_nh_set_ifindex(nh, ifindex);
		rtnl_route_add_nexthop(like, nh);
		nh = NULL; /* the route's */
		rtnl_route_set_table(like, RT_TABLE_MAIN);
		nl_cache_foreach_filter(all, OBJ_CAST(like), route_is_to, iso);
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
		err = route_addresses(host, ifindex, AF_INET, iso);
	if (!err && ifindex && !access("/proc/sys/net/ipv6", F_OK))
		err = route_addresses(host, ifindex, AF_INET6, iso);
	nl_socket_free(host);
	return err ? iso_fail(iso, -EIO, "net: finding the address: %s", nl_geterror(err)) : 0;
}
