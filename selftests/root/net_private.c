// SPDX-License-Identifier: Apache-2.0
/* Private networks: addresses, the way to the host, sources that are not theirs, what is left. */
#include <errno.h>
#include <linux/capability.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/net.h"
#include "selftests/harness/ct_rig.h"
#include "selftests/harness/net_rig.h"
#include "selftests/harness/test.h"

#define NEED_IMAGE NEED_ROOT | NEED_CGROUP2 | NEED_BPF
#define ROUNDS	   10
#define GONE_MS	   10000

static struct net_pool pool;

/* The test's own network stands for the host's. */
static void rig_private(struct ct_rig *rig, const char *range)
{
	ASSERT_EQ(rig_netns(), 0);
	ct_rig_begin(rig);
	(void)ct_rig_image(rig);
	ASSERT_EQ(net_pool_parse(range, &pool), 0);
	rig->host.net = &pool;
	rig->spec.net_private = true;
}

/* Devices of this process's network, lo included. */
static int links(void)
{
	char line[512];
	int n = -2; /* lines of headings */
	FILE *f = fopen("/proc/thread-self/net/dev", "re");

	ASSERT_TRUE(f != NULL);
	while (fgets(line, sizeof(line), f))
		n++;
	(void)fclose(f);
	return n;
}

/* The kernel removes namespaces, and with them the pairs, a moment later. */
static int links_when(int want)
{
	for (int ms = 0; links() != want && ms < GONE_MS; ms += 10)
		(void)poll(NULL, 0, 10);
	return links();
}

TEST(a_private_task_has_an_address_of_the_pool_and_the_host_as_gateway, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_private(&rig, "10.99.0.0/29");
	EXPECT_RUN(&rig,
		   "busybox ip -4 -o addr show dev eth0 | grep -cE 'inet 10.99.0.[2-6]/32 '; "
		   "busybox ip route; busybox ip -o link | grep -c UP",
		   "1\ndefault via 10.99.0.1 dev eth0 \n10.99.0.1 dev eth0 scope link \n2\n");
	EXPECT_EQ(links_when(1), 1);
	ct_rig_end(&rig);
}

TEST(a_private_task_reaches_the_host_at_the_gateway, NEED_IMAGE)
{
	struct rig_addr any = rig_loopback(AF_INET, 0), peer = any;
	struct ct_rig rig;

	rig_private(&rig, "10.99.0.0/29");
	any.v4.sin_addr.s_addr = htonl(INADDR_ANY);
	cleanup_close int fd = rig_listener(&any, 1);

	ASSERT_TRUE(fd >= 0);
	EXPECT_RUN(
		&rig,
		ct_rig_text("busybox nc -w 9 10.99.0.1 %d -e /bin/busybox echo hello && echo done",
			    ntohs(any.v4.sin_port)),
		"done\n");
	cleanup_close int from = accept4(fd, &peer.any, &peer.len, SOCK_CLOEXEC);
	char got[16] = "";

	ASSERT_TRUE(from >= 0);
	EXPECT_EQ(read(from, got, sizeof(got) - 1), 6);
	EXPECT_STREQ(got, "hello\n");
	EXPECT_EQ(ntohl(peer.v4.sin_addr.s_addr) & ~7U, pool.base);
	ct_rig_end(&rig);
}

/* Echo requests that got to this network's ICMP. */
static int echoes(void)
{
	FILE *f = fopen("/proc/thread-self/net/snmp", "re");
	char line[512];
	int n = -1;

	ASSERT_TRUE(f != NULL);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Icmp: %*u %*u %*u %*u %*u %*u %*u %*u %d", &n) == 1)
			break;
	(void)fclose(f);
	return n;
}

/* The true address comes first, so that the other ping is not lost for want of a neighbour. */
TEST(what_a_private_task_sends_from_another_address_does_not_arrive, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_private(&rig, "10.99.0.0/29");
	rig.spec.process.capabilities = 1ULL << CAP_NET_ADMIN | 1ULL << CAP_NET_RAW;
	EXPECT_RUN(&rig,
		   "busybox ping -c 1 -W 9 10.99.0.1 >/dev/null && echo own; "
		   "busybox ip addr add 192.0.2.7/32 dev eth0; "
		   "busybox ping -c 1 -W 1 -I 192.0.2.7 10.99.0.1 | grep -o '1 packets trans.*'",
		   "own\n1 packets transmitted, 0 packets received, 100% packet loss\n");
	EXPECT_EQ(echoes(), 1);
	ct_rig_end(&rig);
}

TEST(the_host_end_of_a_private_network_has_no_ipv6, NEED_IMAGE)
{
	char line[256];
	struct ct_rig rig;
	int found = 0;

	rig_private(&rig, "10.99.0.0/29");
	ct_rig_args(&rig, "sleep", "1000", NULL);
	ASSERT_EQ(ct_rig_create(&rig), 0);
	EXPECT_EQ(links(), 2);
	FILE *f = fopen("/proc/thread-self/net/if_inet6", "re");

	while (f && fgets(line, sizeof(line), f))
		found += strstr(line, "dcos-") != NULL;
	if (f)
		(void)fclose(f);
	EXPECT_EQ(found, 0);
	ct_rig_end(&rig);
}

TEST(private_networks_leave_nothing_behind, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_private(&rig, "10.99.0.0/24");
	for (int i = 0; i < ROUNDS; i++)
		EXPECT_RUN(&rig, "busybox ip -o link | grep -c eth0", "1\n");
	EXPECT_EQ(links_when(1), 1);
	ct_rig_end(&rig);
}

TEST(a_private_network_without_addresses_is_refused, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_private(&rig, "none");
	ct_rig_sh(&rig, "true");
	EXPECT_REFUSED(&rig, -EOPNOTSUPP, "network: private, but agent.conf has");
	EXPECT_EQ(links(), 1);
	ct_rig_end(&rig);
}

static void take_name(const char *name)
{
	struct nl_sock *sock = nl_socket_alloc();

	ASSERT_TRUE(sock && !nl_connect(sock, NETLINK_ROUTE));
	ASSERT_EQ(rtnl_link_veth_add(sock, name, ct_rig_text("p%s", name), getpid()), 0);
	nl_socket_free(sock);
}

TEST(one_task_more_than_addresses_is_refused, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_private(&rig, "10.99.0.0/29");
	for (int place = 2; place < 7; place++)
		take_name(ct_rig_text("dcos-%06x", place));
	ct_rig_sh(&rig, "true");
	EXPECT_REFUSED(&rig, -ENOSPC, "no address of 5 is free");
	ct_rig_end(&rig);
}
