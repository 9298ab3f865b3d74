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
#include <sys/mount.h>
#include <sys/stat.h>
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
static struct net_pool6 pool6;
static const struct net_nat nat = {.on = true, .isolate = true};

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

/* The same with IPv6, which needs the rules of nat. */
static void rig_ipv6(struct ct_rig *rig)
{
	cleanup_free char *text = NULL;
	struct why why = {0};

	if (access("/proc/sys/net/ipv6", F_OK))
		test_skip("this host has no IPv6");
	rig_private(rig, "10.99.0.0/29");
	ASSERT_EQ(net_pool6_parse("fd00:dc05::/64", &pool6), 0);
	rig->host.net6 = &pool6;
	rig->host.nat = &nat;
	ASSERT_EQ(net_nat_rules(&rig->host, &text), 0);
	if (net_nft_run(text, true, &why))
		test_skip("%s", why.text);
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

/* A name in the image's /etc. */
static const char *image_etc(struct ct_rig *rig, const char *name)
{
	const char *dir = ct_rig_text("%s/etc", rig->spec.root.path);
	const char *path = ct_rig_text("%s/%s", dir, name);

	ASSERT_TRUE(!mkdir(dir, 0755) || errno == EEXIST);
	ASSERT_TRUE(!unlink(path) || errno == ENOENT);
	return path;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	ASSERT_TRUE(f && fputs(text, f) >= 0 && !fclose(f));
}

/* The host's file, for this test's mounts; by a tmpfs, so that no mount has test_dir() in it. */
static void host_resolv(const char *text)
{
	const char *dir = ct_rig_text("%s/etc", test_dir());
	const char *path = ct_rig_text("%s/resolv", dir);

	if (access("/etc/resolv.conf", F_OK))
		test_skip("there is no /etc/resolv.conf to mount on");
	ASSERT_EQ(mkdir(dir, 0755), 0);
	ASSERT_EQ(mount("tmpfs", dir, "tmpfs", 0, NULL), 0);
	write_file(path, text);
	ASSERT_EQ(mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL), 0);
	ASSERT_EQ(umount2(dir, MNT_DETACH), 0);
}

TEST(a_private_task_finds_its_name_and_name_servers_that_it_can_reach, NEED_IMAGE)
{
	struct net_dns dns;
	const char *hosts;
	struct ct_rig rig;
	struct stat st;

	rig_private(&rig, "10.99.0.0/29");
	host_resolv("search example\nnameserver 127.0.0.53\nnameserver ::1\noptions edns0\n");
	ASSERT_EQ(net_dns_parse("192.0.2.1,192.0.2.2", &dns), 0);
	rig.host.dns = &dns;
	hosts = image_etc(&rig, "hosts");
	write_file(hosts, "mine\n");
	EXPECT_RUN(&rig,
		   "a=$(busybox ip -4 -o addr show dev eth0 | busybox awk '{print $4}'); "
		   "busybox grep -c \"^${a%/32}[[:blank:]]t$\" /etc/hosts; "
		   "busybox cat /etc/resolv.conf; echo x 2>&- >> /etc/hosts || echo read-only",
		   "1\nsearch example\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n"
		   "options edns0\nread-only\n");
	EXPECT_EQ(stat(hosts, &st), 0);
	EXPECT_EQ(st.st_size, 5);
	ct_rig_end(&rig);
}

TEST(links_of_an_image_lead_resolv_conf_nowhere_but_into_its_root, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_private(&rig, "10.99.0.0/29");
	host_resolv("nameserver 192.0.2.9\n");
	ASSERT_EQ(symlink(ct_rig_text("../../../../../..%s/fallen", test_dir()),
			  image_etc(&rig, "resolv.conf")),
		  0);
	EXPECT_RUN(&rig, "busybox cat /etc/resolv.conf", "nameserver 192.0.2.9\n");
	EXPECT_EQ(access(ct_rig_text("%s/fallen", test_dir()), F_OK), -1);
	ASSERT_EQ(symlink("../gone/deep/resolv.conf", image_etc(&rig, "resolv.conf")), 0);
	EXPECT_RUN(&rig, "busybox cat /gone/deep/resolv.conf", "nameserver 192.0.2.9\n");
	ASSERT_EQ(symlink("/proc/version", image_etc(&rig, "resolv.conf")), 0);
	ct_rig_sh(&rig, "true");
	EXPECT_REFUSED(&rig, -EPERM, "/etc/resolv.conf");
	ct_rig_end(&rig);
}

TEST(the_address_of_a_private_task_is_found_again, NEED_IMAGE)
{
	struct isolation other;
	struct ct_rig rig;
	uint32_t addr;

	rig_private(&rig, "10.99.0.0/29");
	ct_rig_args(&rig, "sleep", "1000", NULL);
	ASSERT_EQ(ct_rig_create(&rig), 0);
	addr = rig.c->iso.net_ipv4;
	EXPECT_EQ(addr & ~7U, pool.base);
	other = rig.c->iso;
	other.net_ipv4 = 0;
	EXPECT_EQ(net_private_find(&other), 0);
	EXPECT_EQ(other.net_ipv4, addr);
	other.net_ipv4 = 0;
	other.cgroup_id++; /* a task of the same name, of another agent */
	EXPECT_EQ(net_private_find(&other), 0);
	EXPECT_EQ(other.net_ipv4, 0);
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

static int echoes6(void)
{
	FILE *f = fopen("/proc/thread-self/net/snmp6", "re");
	char line[512];
	int n = -1;

	ASSERT_TRUE(f != NULL);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Icmp6InEchos %d", &n) == 1)
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

TEST(a_private_task_with_ipv6_reaches_the_host_at_once, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_ipv6(&rig);
	rig.spec.process.capabilities = 1ULL << CAP_NET_RAW; /* for ping */
	EXPECT_RUN(&rig,
		   "busybox ip -6 -o addr show dev eth0 | grep -cE 'inet6 fd00:dc05::[2-6]/128 '; "
		   "busybox ip -6 route | grep default | grep -o 'via .* dev eth0'; "
		   "busybox ping -6 -c 1 -W 9 fd00:dc05::1 > /dev/null && echo reached; "
		   "busybox grep -cE '^fd00:dc05::[2-6][[:blank:]]t$' /etc/hosts",
		   "1\nvia fd00:dc05::1 dev eth0\nreached\n1\n");
	EXPECT_EQ(links_when(1), 1);
	ct_rig_end(&rig);
}

TEST(both_addresses_of_a_private_task_are_found_again, NEED_IMAGE)
{
	struct isolation other;
	struct ct_rig rig;

	rig_ipv6(&rig);
	ct_rig_args(&rig, "sleep", "1000", NULL);
	ASSERT_EQ(ct_rig_create(&rig), 0);
	other = rig.c->iso;
	other.net_ipv4 = 0;
	other.net_ipv6 = in6addr_any;
	EXPECT_EQ(net_private_find(&other), 0);
	EXPECT_EQ(other.net_ipv4, rig.c->iso.net_ipv4);
	EXPECT_EQ(other.net_ipv6.s6_addr[15], (uint8_t)other.net_ipv4); /* the same place */
	EXPECT_EQ(memcmp(&other.net_ipv6, &rig.c->iso.net_ipv6, sizeof(other.net_ipv6)), 0);
	ct_rig_end(&rig);
}

TEST(a_private_task_with_ipv6_sends_from_no_other_address_and_is_no_router, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_ipv6(&rig);
	rig.spec.process.capabilities = 1ULL << CAP_NET_ADMIN | 1ULL << CAP_NET_RAW;
	EXPECT_RUN(&rig,
		   "busybox ip -6 addr add fd00:dc05::5:5/128 dev eth0; "
		   "while busybox ip -6 addr show dev eth0 | grep -q tentative; do "
		   "busybox usleep 100000; done; "
		   "busybox ping -6 -c 1 -W 9 fd00:dc05::1 > /dev/null && echo own; "
		   "busybox ping -6 -c 1 -W 1 -I fd00:dc05::5:5 fd00:dc05::1 | "
		   "grep -o '1 packets trans.*'",
		   "own\n1 packets transmitted, 0 packets received, 100% packet loss\n");
	EXPECT_EQ(echoes6(), 1);
	ct_rig_args(&rig, "sleep", "1000", NULL);
	ASSERT_EQ(ct_rig_create(&rig), 0);
	for (int place = 2, seen = 0; place < 7 || !seen; place++) {
		const char *path =
			ct_rig_text("/proc/sys/net/ipv6/conf/dcos-%06x/accept_ra", place);
		FILE *f = fopen(path, "re");
		char c = 0;

		ASSERT_TRUE(place < 7);
		if (!f)
			continue;
		EXPECT_EQ(fread(&c, 1, 1, f), 1);
		EXPECT_EQ(c, '0');
		(void)fclose(f);
		seen = 1;
	}
	ct_rig_end(&rig);
}

TEST(without_nat_there_is_no_ipv6_and_a_warning, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_ipv6(&rig);
	rig.host.nat = NULL;
	ct_rig_args(&rig, "sleep", "1000", NULL);
	ASSERT_EQ(ct_rig_create(&rig), 0);
	EXPECT_TRUE(IN6_IS_ADDR_UNSPECIFIED(&rig.c->iso.net_ipv6));
	EXPECT_TRUE(rig.c->iso.net_ipv4 != 0);
	ct_rig_end(&rig);
}

TEST(private_networks_leave_nothing_behind, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_private(&rig, "10.99.0.0/24");
	for (int i = 0; i < ROUNDS; i++)
		EXPECT_RUN(&rig, "busybox ip -o link | grep -c eth0", "1\n");
	EXPECT_EQ(links_when(1), 1);
	EXPECT_EQ(rmdir(ct_rig_text("%s/net", rig.run)), 0);
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
