// SPDX-License-Identifier: Apache-2.0
/*
 * Devices of the host's network that a container is given: each is moved, gets its name and the
 * lasting global addresses that it had, and is up. When the namespace ends the kernel takes
 * physical ones back and removes the others.
 * Source: runtime-spec config-linux.md, "Network Devices"; rtnetlink(7), network_namespaces(7).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/join.h"
#include "isolators/net.h"
#include "isolators/oci.h"
#include "isolators/rows.h"

/* What a move needs: where from and where to. */
struct mover {
	struct isolation *iso;
	struct nl_sock *host, *inside;
	int host_ns, inside_ns;
};

static int fail(struct mover *m, const struct oci_pair *d, const char *what, int err)
{
	return iso_fail(m->iso, err == -NLE_NOMEM ? -ENOMEM : -EIO,
			"linux.netDevices.%s: %s %s: %s", d->key, what, d->value, nl_geterror(err));
}

/* Lasting addresses of a device that are not of its link alone, with the device's number left out. */
static int addresses_of(struct nl_sock *sock, int ifindex, struct nl_cache **ret)
{
	struct nl_cache *all = NULL;
	struct nl_object *next;
	int err = rtnl_addr_alloc_cache(sock, &all);

	if (err)
		return err;
	for (struct nl_object *o = nl_cache_get_first(all); o; o = next) {
		struct rtnl_addr *a = (struct rtnl_addr *)o;

		next = nl_cache_get_next(o);
		if (rtnl_addr_get_ifindex(a) != ifindex ||
		    rtnl_addr_get_scope(a) != RT_SCOPE_UNIVERSE ||
		    !(rtnl_addr_get_flags(a) & IFA_F_PERMANENT))
			nl_cache_remove(o);
	}
	*ret = all;
	return 0;
}

static int move(struct nl_sock *sock, struct rtnl_link *link, int ns, const char *name)
{
	struct rtnl_link *to = rtnl_link_alloc();
	int err = -NLE_NOMEM;

	if (to) {
		rtnl_link_set_ns_fd(to, ns);
		rtnl_link_set_name(to, name);
		err = rtnl_link_change(sock, link, to, 0);
	}
	rtnl_link_put(to);
	return err;
}

static int link_up(struct nl_sock *sock, struct rtnl_link *link)
{
	struct rtnl_link *up = rtnl_link_alloc();
	int err = -NLE_NOMEM;

	if (up) {
		rtnl_link_set_flags(up, IFF_UP);
		err = rtnl_link_change(sock, link, up, 0);
	}
	rtnl_link_put(up);
	return err;
}

static int add_addresses(struct nl_sock *sock, int ifindex, const char *name,
			 struct nl_cache *addresses)
{
	int err = 0;

	for (struct nl_object *o = nl_cache_get_first(addresses); o && !err;
	     o = nl_cache_get_next(o)) {
		struct rtnl_addr *a = (struct rtnl_addr *)nl_object_clone(o);

		if (!a)
			return -NLE_NOMEM;
		rtnl_addr_set_ifindex(a, ifindex);
		if (rtnl_addr_get_label(a)) /* it has the name of the device */
			err = rtnl_addr_set_label(a, name);
		if (!err)
			err = rtnl_addr_add(sock, a, NLM_F_REPLACE);
		rtnl_addr_put(a);
	}
	return err;
}

/* Back under its own name; what it has lost on the way it does not get back. */
static void move_back(struct mover *m, const struct oci_pair *d)
{
	struct rtnl_link *link = NULL;

	if (!rtnl_link_get_kernel(m->inside, 0, d->value, &link))
		(void)move(m->inside, link, m->host_ns, d->key); /* the first failure is told */
	rtnl_link_put(link);
}

static int move_one(struct mover *m, const struct oci_pair *d)
{
	struct rtnl_link *link = NULL, *taken = NULL;
	struct nl_cache *addresses = NULL;
	const char *what = "finding it, to be";
	bool moved = false;
	int err = rtnl_link_get_kernel(m->host, 0, d->key, &link);

	if (!err && !rtnl_link_get_kernel(m->inside, 0, d->value, &taken)) {
		what = "there is one inside that is called";
		err = -NLE_EXIST;
	}
	if (!err)
		err = addresses_of(m->host, rtnl_link_get_ifindex(link), &addresses);
	if (!err) {
		what = "moving it, to be";
		err = move(m->host, link, m->inside_ns, d->value);
	}
	rtnl_link_put(link);
	link = NULL;
	moved = !err;
	if (!err)
		err = rtnl_link_get_kernel(m->inside, 0, d->value, &link);
	if (!err) {
		what = "switching on";
		err = link_up(m->inside, link);
	}
	if (!err) {
		what = "the addresses of";
		err = add_addresses(m->inside, rtnl_link_get_ifindex(link), d->value, addresses);
	}
	if (err && moved)
		move_back(m, d);
	nl_cache_free(addresses);
	rtnl_link_put(taken);
	rtnl_link_put(link);
	return err ? fail(m, d, what, err) : 0;
}

static int move_all(struct mover *m)
{
	const struct oci_pairs *all = &m->iso->spec->oci->netdevs;
	int err = 0;

	for (size_t i = 0; i < all->nr && !err; i++) {
		err = move_one(m, &all->items[i]);
		for (size_t j = i; err && j-- > 0;)
			move_back(m, &all->items[j]);
	}
	return err;
}

static int netdevs_prepare(struct isolation *iso)
{
	const struct ct_oci *oci = iso->spec->oci;
	uint64_t has = iso->spec->namespaces;

	if (!oci || !oci->netdevs.nr)
		return 0;
	for (size_t i = 0; i < oci->joins_nr; i++)
		has |= oci->joins[i].flag;
	if (!(has & CLONE_NEWNET))
		return iso_fail(iso, -EINVAL,
				"linux.netDevices.%s: the container has the host's network",
				oci->netdevs.items[0].key);
	return 0;
}

static int netdevs_attach(struct isolation *iso)
{
	struct mover m = {.iso = iso, .host_ns = -1, .inside_ns = -1};
	char path[32];
	int err = 0;

	if (!iso->spec->oci || !iso->spec->oci->netdevs.nr)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)iso->pid); /* fits */
	m.host_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	m.inside_ns = open(path, O_RDONLY | O_CLOEXEC);
	m.host = nl_socket_alloc();
	m.inside = nl_socket_alloc();
	if (m.host_ns < 0 || m.inside_ns < 0)
		err = iso_fail(iso, -errno, "linux.netDevices: %s", path);
	else if (!m.host || !m.inside || nl_connect(m.host, NETLINK_ROUTE))
		err = iso_fail(iso, -ENOMEM, "linux.netDevices: netlink");
	else
		err = net_socket_inside(m.inside, iso->pidfd, &iso->why);
	if (!err)
		err = move_all(&m);
	nl_socket_free(m.inside);
	nl_socket_free(m.host);
	close_fd(&m.host_ns);
	close_fd(&m.inside_ns);
	return err;
}

const struct isolator netdevs_isolator = {
	.name = "netdevs",
	.prepare = netdevs_prepare,
	.attach = netdevs_attach,
};
