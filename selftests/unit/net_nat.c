// SPDX-License-Identifier: Apache-2.0
/* The table of private networks: which range, and whether neighbours are in it. */
#include <stdio.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "isolators/net.h"
#include "selftests/harness/test.h"

static char *rules(const char *range, bool isolate)
{
	struct net_nat nat = {.on = true, .isolate = isolate};
	struct net_pool pool;
	char *text = NULL;

	ASSERT_EQ(net_pool_parse(range, &pool), 0);
	ASSERT_EQ(net_nat_rules(&pool, &nat, &text), 0);
	return text;
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
