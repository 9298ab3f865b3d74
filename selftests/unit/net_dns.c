// SPDX-License-Identifier: Apache-2.0
/* Name servers of private networks: the configured list, and resolv.conf made with it. */
#include <errno.h>
#include <stdlib.h>

#include "agent/lib/cleanup.h"
#include "isolators/net.h"
#include "selftests/harness/test.h"

static const struct net_dns *two(struct net_dns *dns)
{
	ASSERT_EQ(net_dns_parse("192.0.2.1,192.0.2.2", dns), 0);
	return dns;
}

#define EXPECT_CONF6(host, dns, ipv6, want)                                                        \
	do {                                                                                       \
		cleanup_free char *got = NULL;                                                     \
                                                                                                   \
		ASSERT_EQ(net_resolv_conf(host, dns, ipv6, &got), 0);                              \
		EXPECT_STREQ(got, want);                                                           \
	} while (0)
#define EXPECT_CONF(host, dns, want) EXPECT_CONF6(host, dns, false, want)

TEST(a_list_of_name_servers_is_none_or_one_to_three_addresses)
{
	struct net_dns dns = {.nr = 9};

	EXPECT_EQ(net_dns_parse("", &dns), -EINVAL);
	EXPECT_EQ(net_dns_parse("192.0.2.1,", &dns), -EINVAL);
	EXPECT_EQ(net_dns_parse("192.0.2.1 192.0.2.2", &dns), -EINVAL);
	EXPECT_EQ(net_dns_parse("1.1.1.1,2.2.2.2,3.3.3.3,4.4.4.4", &dns), -EINVAL);
	EXPECT_EQ(net_dns_parse("2001:db8::1", &dns), -EINVAL);
	EXPECT_EQ(net_dns_parse("127.0.0.53", &dns), -EINVAL);
	EXPECT_EQ(net_dns_parse("none,192.0.2.1", &dns), -EINVAL);
	EXPECT_EQ(dns.nr, 9);
	EXPECT_EQ(net_dns_parse("1.1.1.1,2.2.2.2,3.3.3.3", &dns), 0);
	EXPECT_EQ(dns.nr, 3);
	EXPECT_EQ(net_dns_parse("none", &dns), 0);
	EXPECT_EQ(dns.nr, 0);
}

TEST(name_servers_that_a_task_reaches_stay_and_others_are_replaced_once)
{
	struct net_dns dns;

	EXPECT_CONF("nameserver 192.0.2.7\n", two(&dns), "nameserver 192.0.2.7\n");
	EXPECT_CONF("nameserver\t127.0.0.53\nnameserver 192.0.2.7\nnameserver 0.0.0.0\n", two(&dns),
		    "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.7\n");
	EXPECT_CONF("nameserver fe80::1%eth0 # r\nsearch a", two(&dns),
		    "nameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch a\n");
	EXPECT_CONF("nameserver 127.0.0.1\nsearch a\n", NULL, "search a\n");
}

TEST(a_host_without_name_servers_leaves_the_configured_ones)
{
	struct net_dns dns;

	EXPECT_CONF("", two(&dns), "nameserver 192.0.2.1\nnameserver 192.0.2.2\n");
	EXPECT_CONF("# nothing\n", two(&dns),
		    "# nothing\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n");
	EXPECT_CONF("", NULL, "");
}

TEST(words_that_only_begin_like_a_name_server_are_kept)
{
	struct net_dns dns;

	EXPECT_CONF("nameservers 127.0.0.1\nnameserver 192.0.2.7\n", two(&dns),
		    "nameservers 127.0.0.1\nnameserver 192.0.2.7\n");
}

TEST(with_ipv6_its_servers_stay_but_for_loopback_and_link_local)
{
	struct net_dns dns;

	EXPECT_CONF6("nameserver 2001:db8::1\nnameserver ::1\nnameserver fe80::1%eth0\n", two(&dns),
		     true, "nameserver 2001:db8::1\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n");
	EXPECT_CONF6("nameserver fe80::1\nnameserver 192.0.2.9\n", NULL, true,
		     "nameserver 192.0.2.9\n");
}
