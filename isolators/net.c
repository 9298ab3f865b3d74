// SPDX-License-Identifier: Apache-2.0
/*
 * The network: the host's, or an empty namespace of its own whose loopback device is up. The
 * child does that itself, by one ioctl: the agent would have to sit in the task's network for a
 * moment to open a netlink socket there, and could get stuck in it.
 * Source: netdevice(7), network_namespaces(7).
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "isolators/rows.h"

static int net_enter(struct isolation *iso)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int sock, err;

	if (!(iso->spec->namespaces & CLONE_NEWNET))
		return 0;
	iso->step = "lo up";
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	err = ioctl(sock, SIOCSIFFLAGS, &lo) ? -errno : 0;
	(void)close(sock); /* nothing was sent */
	return err;
}

static int net_probe(const struct iso_host *host, struct iso_probe *ret)
{
	(void)host; /* a fact of the kernel */
	ret->name = "network namespace";
	ret->ok = access("/proc/self/ns/net", F_OK) == 0;
	if (ret->ok)
		(void)snprintf(ret->how, sizeof(ret->how), "the host's, or an empty one with lo");
	else
		(void)snprintf(ret->reason, sizeof(ret->reason), "the kernel has none");
	return 0;
}

const struct isolator net_isolator = {
	.name = "net",
	.probe = net_probe,
	.enter = net_enter,
};
