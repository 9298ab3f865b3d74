// SPDX-License-Identifier: Apache-2.0
/*
 * The network: the host's, or a namespace of its own whose loopback device is up, and which is
 * empty otherwise or has a way to the host (isolators/net_private.c). The
 * parent opens its netlink socket inside the child's namespace and is back in its own at once;
 * the child then needs no privilege over the network.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <netlink/route/link.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/net.h"
#include "isolators/rows.h"

#define RULES	       ((void *)1) /* priv of nat: they are there */
#define LOOPBACK_INDEX 1 /* LOOPBACK_IFINDEX of the kernel, in every namespace */

int net_socket_inside(struct nl_sock *sock, int pidfd, struct why *why)
{
	cleanup_close int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int err;

	if (own < 0)
		return why_set(why, -errno, "net: /proc/self/ns/net");
	if (setns(pidfd, CLONE_NEWNET))
		return why_set(why, -errno, "net: entering the new namespace");
	err = nl_connect(sock, NETLINK_ROUTE);
	if (setns(own, CLONE_NEWNET))
		abort(); /* the agent would go on in a task's network */
	return err ? why_set(why, -EIO, "net: netlink: %s", nl_geterror(err)) : 0;
}

static int loopback_up(struct nl_sock *sock, struct why *why)
{
	struct rtnl_link *now = rtnl_link_alloc(), *up = rtnl_link_alloc();
	int err = -NLE_NOMEM;

	if (now && up) {
		rtnl_link_set_ifindex(now, LOOPBACK_INDEX);
		rtnl_link_set_flags(up, IFF_UP);
		err = rtnl_link_change(sock, now, up, 0);
	}
	rtnl_link_put(now);
	rtnl_link_put(up);
	return err ? why_set(why, -EIO, "net: lo up: %s", nl_geterror(err)) : 0;
}

static int net_prepare(struct isolation *iso)
{
	const struct ct_spec *spec = iso->spec;

	if (!spec->net_private)
		return 0;
	if (!(iso->clone_flags & CLONE_NEWNET))
		return iso_fail(iso, -EINVAL, "network: private needs a namespace of its own");
	if (!iso->host->net || !iso->host->net->nr)
		return iso_fail(iso, -EOPNOTSUPP,
				"network: private, but agent.conf has [network] "
				"ipv4 = none");
	return 0;
}

/* Without rules there is still the way to the host: the task is told what it lacks. */
static int nat_prepare(struct isolation *iso)
{
	const struct iso_host *host = iso->host;
	struct why why = {0};

	if (!iso->spec->net_private || !host->nat || !host->nat->on)
		return 0;
	if (!net_nat_up(host, &why))
		iso->priv[iso_index(&nat_isolator)] = RULES;
	else
		iso_warn(iso, "network: private without nat%s: %s",
			 host->nat->isolate ? ", and not kept apart from other tasks" : "",
			 why.text);
	return 0;
}

static int nat_probe(const struct iso_host *host, struct iso_probe *ret)
{
	net_nat_probe(host, ret);
	return 0;
}

const struct isolator nat_isolator = {
	.name = "nat",
	.probe = nat_probe,
	.prepare = nat_prepare,
};

static int net_attach(struct isolation *iso)
{
	struct nl_sock *sock;
	int err;

	if (!(iso->spec->namespaces & CLONE_NEWNET) || iso->spec->oci)
		return 0; /* a bundle's: net_enter() */
	sock = nl_socket_alloc();
	if (!sock)
		return iso_fail(iso, -ENOMEM, "net: netlink socket");
	err = net_socket_inside(sock, iso->pidfd, &iso->why);
	if (!err)
		err = loopback_up(sock, &iso->why);
	if (!err && iso->spec->net_private)
		err = net_private_up(sock, iso);
	nl_socket_free(sock);
	return err;
}

/* Who runs bundles may not be able to come back from the container's network. */
static int net_enter(struct isolation *iso)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int sock, err;

	if (!(iso->spec->namespaces & CLONE_NEWNET) || !iso->spec->oci)
		return 0;
	iso->step = "lo up";
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	err = ioctl(sock, SIOCSIFFLAGS, &lo) ? -errno : 0;
	(void)close(sock); /* nothing was written */
	return err;
}

static int net_recover(struct isolation *iso)
{
	return iso->spec->net_private ? net_private_find(iso) : 0;
}

static int net_probe(const struct iso_host *host, struct iso_probe *ret)
{
	(void)host; /* a fact of the kernel */
	ret->name = "network namespace";
	ret->ok = access("/proc/self/ns/net", F_OK) == 0;
	if (ret->ok)
		(void)snprintf(ret->how, sizeof(ret->how),
			       "the host's, an empty one with lo, or a veth pair");
	else
		(void)snprintf(ret->reason, sizeof(ret->reason), "the kernel has none");
	return 0;
}

const struct isolator net_isolator = {
	.name = "net",
	.probe = net_probe,
	.prepare = net_prepare,
	.attach = net_attach,
	.enter = net_enter,
	.recover = net_recover,
};
