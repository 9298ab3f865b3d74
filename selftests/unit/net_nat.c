// SPDX-License-Identifier: Apache-2.0
/* The table of private networks: which range, and whether neighbours are in it. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "isolators/isolator.h"
#include "isolators/net.h"
#include "selftests/harness/test.h"

static char *rules6(const char *range, const char *range6, bool isolate)
{
	struct net_nat nat = {.on = true, .isolate = isolate};
	struct net_pool pool;
	struct net_pool6 pool6;
	const struct iso_host host = {.nat = &nat, .net = &pool, .net6 = &pool6};
	char *text = NULL;

	ASSERT_EQ(net_pool_parse(range, &pool), 0);
	ASSERT_EQ(net_pool6_parse(range6, &pool6), 0);
	ASSERT_EQ(net_nat_rules(&host, &text), 0);
	return text;
}

static char *rules(const char *range, bool isolate)
{
	return rules6(range, "none", isolate);
}

TEST(the_rules_are_for_the_range_whatever_its_size)
{
	static const char *const ranges[] = {"10.0.0.0/8", "10.88.0.0/16", "192.0.2.248/29"};

	for (size_t i = 0; i < 3; i++) {
		cleanup_free char *text = rules(ranges[i], true);
		char want[64];

		(void)snprintf(want, sizeof(want), "ip daddr %s drop\n", ranges[i]);
		EXPECT_TRUE(strstr(text, want) != NULL);
		(void)snprintf(want, sizeof(want), "ip daddr != %s masquerade\n", ranges[i]);
		EXPECT_TRUE(strstr(text, want) != NULL);
	}
}

TEST(neighbours_are_let_through_only_if_they_are_not_kept_apart)
{
	static const char want[] = "ip saddr 10.0.0.0/8 ip daddr 10.0.0.0/8 accept\n";
	cleanup_free char *apart = rules("10.0.0.0/8", true);
	cleanup_free char *together = rules("10.0.0.0/8", false);

	EXPECT_TRUE(strstr(apart, want) == NULL);
	ASSERT_TRUE(strstr(together, want) != NULL);
	EXPECT_TRUE(strstr(together, want) < strstr(together, "drop\n"));
}

TEST(rules_for_ipv6_are_there_only_with_a_range_of_it)
{
	cleanup_free char *without = rules("10.0.0.0/8", true);
	cleanup_free char *with = rules6("10.0.0.0/8", "fd00:dc05::/64", true);

	EXPECT_TRUE(strstr(without, "ip6") == NULL);
	EXPECT_TRUE(strstr(with, "ip6 daddr fd00:dc05::/64 drop\n") != NULL);
	EXPECT_TRUE(strstr(with, "ip6 daddr != fd00:dc05::/64 masquerade\n") != NULL);
	EXPECT_TRUE(strstr(with, "ip6 saddr != fe80::/10 fib saddr . iif oif missing drop\n"));
	EXPECT_TRUE(strstr(with, "ip daddr 10.0.0.0/8 drop\n") != NULL);
}

TEST(a_range_of_ipv6_has_room_for_all_places_and_no_bits_behind_its_prefix)
{
	static const char *const bad[] = {"",		"fd00::",	  "fd00::/15", "fd00::/105",
					  "fd00::1/64", "10.0.0.0/16",	  "fe80::/64", "ff05::/64",
					  "fd00::/64x", "fd00:0:0:1::/63"};
	struct net_pool6 pool = {.bits = 7};
	struct in6_addr at;
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT_EQ(net_pool6_parse(bad[i], &pool), -EINVAL);
	EXPECT_EQ(pool.bits, 7);
	EXPECT_EQ(net_pool6_parse("fd00:0:0:2::/63", &pool), 0);
	EXPECT_EQ(pool.bits, 63);
	at = net_pool6_at(&pool, 0xfedcba);
	EXPECT_STREQ(inet_ntop(AF_INET6, &at, text, sizeof(text)), "fd00::2:0:0:fe:dcba");
	EXPECT_EQ(net_pool6_parse("none", &pool), 0);
	EXPECT_EQ(pool.bits, 0);
}
